//! `report.json`: everything that a run found out.

use std::collections::BTreeMap;

use embedtune_data::Fingerprint;
use embedtune_metrics::Measure;
use serde::{Deserialize, Serialize};

use super::{Facts, LearningCurve, ScoreDistribution, TextLengths};
use crate::{Advice, Evaluation, ModelComparison, Subset, TrainingCurve};

/// The content of a report. The caller fills in what it knows; what is left out does not appear.
///
/// [`JsonReport::to_json`] is the machine-readable file, and
/// [`HtmlReport`](crate::HtmlReport) draws the same for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JsonReport {
    /// Version of this layout, [`JsonReport::FORMAT`].
    pub format: u32,
    /// What the report is about, `"all-MiniLM-L6-v2 on scifact"` for example.
    pub title: String,
    /// When it was made, as the caller writes it.
    pub created: Option<String>,
    /// Versions of the program and its parts.
    pub versions: Facts,
    /// What was run: command, machine, precision.
    pub ran: Facts,
    /// The data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFacts>,
    /// Search by words alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bm25: Option<SystemScores>,
    /// The model before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<SystemScores>,
    /// The model after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuned: Option<SystemScores>,
    /// Base against tuned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ModelComparison>,
    /// Whether fine-tuning was worth it beforehand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// Losses, learning rates and dev metrics by step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingCurve>,
    /// Scores of relevant and other documents, by system, over one range.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreDistribution>,
    /// Quality by number of training pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_curve: Option<LearningCurve>,
    /// Lengths of the texts in tokens, by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lengths: Vec<TextLengths>,
    /// Hyperparameters.
    pub hyperparameters: Facts,
    /// Statistics of the hard negatives.
    pub mining: Facts,
    /// Wall-clock seconds by stage.
    pub seconds: Facts,
    /// Commands that reproduce the run, one a line.
    pub reproduce: Vec<String>,
}

impl JsonReport {
    /// Version of the layout; it grows when a field changes its meaning or goes away.
    pub const FORMAT: u32 = 2;

    /// An empty report about `title`.
    pub fn new(title: impl Into<String>) -> Self {
        Self { format: Self::FORMAT, title: title.into(), ..Self::default() }
    }

    /// The report as indented JSON with a line feed at the end.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("string keys and plain values always serialize") + "\n"
    }
}

/// The figures of one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SystemScores {
    /// Name for people.
    pub name: String,
    /// Identity of the model.
    pub fingerprint: Fingerprint,
    /// Queries evaluated.
    pub queries: usize,
    /// Documents searched.
    pub documents: usize,
    /// Set when these are figures of a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<Subset>,
    /// Means by measure.
    pub metrics: BTreeMap<Measure, f64>,
}

impl SystemScores {
    /// The figures of `evaluation` under the name `name`.
    pub fn new(name: impl Into<String>, evaluation: &Evaluation) -> Self {
        Self {
            name: name.into(),
            fingerprint: evaluation.fingerprint.clone(),
            queries: evaluation.report.query_ids().len(),
            documents: evaluation.documents,
            subset: evaluation.subset,
            metrics: evaluation.means(),
        }
    }
}

/// Facts about the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DataFacts {
    /// Name of the dataset.
    pub name: String,
    /// Documents of the corpus.
    pub documents: usize,
    /// Rows trained on.
    pub train_pairs: usize,
    /// Queries of the train split.
    pub train_queries: usize,
    /// Queries of the dev split.
    pub dev_queries: usize,
    /// Judged queries of the test split.
    pub test_queries: usize,
    /// Judgements of the test split.
    pub test_judgements: usize,
    /// Anything else: truncation rate, overlap of the splits.
    pub more: Facts,
    /// Remarks, a sentence each: how dev was cut, what was dropped.
    pub notes: Vec<String>,
}

impl DataFacts {
    /// No facts yet about the dataset `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
