//! Is the tuned model better than the base model, by how much, and where?

mod by_slice;
mod changes;
mod general;
mod margins;
mod run;
mod slices;
mod threshold;
mod verdict;

use embedtune_data::Fingerprint;
use embedtune_metrics::{ComparisonOptions, Measure, MeasureComparison, compare_reports};
use serde::{Deserialize, Serialize};

pub use self::by_slice::SliceComparison;
pub use self::changes::{DocumentExcerpt, QueryChange, RelevantRank};
pub use self::general::{Forgetting, GeneralCheck};
pub use self::margins::MarginTests;
pub use self::slices::{QueryGroup, SliceBy, Slices};
pub use self::threshold::{KeptPrecision, OperatingPoint, ThresholdTransfer};
pub use self::verdict::GainVerdict;
use crate::{EvalError, Evaluation, RetrievalEvaluator, Subset};

/// How to compare two evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompareConfig {
    /// The measure that decides the verdict and by which queries win or lose. Default `None`: the
    /// first measure of the evaluations.
    pub headline: Option<Measure>,
    /// Level of the test, after correction for the number of measures. Default 0.05.
    pub alpha: f64,
    /// Queries to list on either side, won most and lost most. Default 10.
    pub examples: usize,
    /// Longest excerpt of a text in those lists, in characters. Default 400.
    pub excerpt_chars: usize,
    /// Documents to show of each of those queries, before and after. Default 5.
    pub top_documents: usize,
    /// The largest loss that would not matter, for [`ModelComparison::margins`]. Default `None`:
    /// it has to be chosen by someone who knows what a loss costs, and before looking.
    pub margin: Option<f64>,
    /// Permutations, bootstrap samples, confidence and seed.
    pub statistics: ComparisonOptions,
}

impl Default for CompareConfig {
    fn default() -> Self {
        Self {
            headline: None,
            alpha: 0.05,
            examples: 10,
            excerpt_chars: 400,
            top_documents: 5,
            margin: None,
            statistics: ComparisonOptions::default(),
        }
    }
}

impl CompareConfig {
    /// Sets [`CompareConfig::headline`].
    pub fn with_headline(mut self, headline: impl Into<Option<Measure>>) -> Self {
        self.headline = headline.into();
        self
    }

    /// Sets [`CompareConfig::alpha`].
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets [`CompareConfig::examples`].
    pub fn with_examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Sets [`CompareConfig::excerpt_chars`].
    pub fn with_excerpt_chars(mut self, excerpt_chars: usize) -> Self {
        self.excerpt_chars = excerpt_chars;
        self
    }

    /// Sets [`CompareConfig::top_documents`].
    pub fn with_top_documents(mut self, top_documents: usize) -> Self {
        self.top_documents = top_documents;
        self
    }

    /// Sets [`CompareConfig::margin`].
    pub fn with_margin(mut self, margin: impl Into<Option<f64>>) -> Self {
        self.margin = margin.into();
        self
    }

    /// Sets [`CompareConfig::statistics`].
    pub fn with_statistics(mut self, statistics: ComparisonOptions) -> Self {
        self.statistics = statistics;
        self
    }

    /// Checks the level and the margin, which is worth doing before anything is encoded.
    ///
    /// # Errors
    /// If the level is not between 0 and 1 or the margin not above 0.
    pub fn validate(&self) -> Result<(), EvalError> {
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            let (value, allowed) = (self.alpha.to_string(), "between 0 and 1");
            return Err(EvalError::Config { field: "alpha", value, allowed });
        }
        match self.margin {
            Some(margin) if !(margin > 0.0 && margin.is_finite()) => {
                let (value, allowed) = (margin.to_string(), "above 0");
                Err(EvalError::Config { field: "margin", value, allowed })
            }
            _ => Ok(()),
        }
    }
}

/// Two systems over the same queries and documents: `tuned - base` throughout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelComparison {
    /// The model before.
    pub base: Fingerprint,
    /// The model after.
    pub tuned: Fingerprint,
    /// Queries compared.
    pub queries: usize,
    /// Documents searched.
    pub documents: usize,
    /// Set when both were evaluated on a sample.
    pub subset: Option<Subset>,
    /// The measure that decides.
    pub headline: Measure,
    /// Level of the test.
    pub alpha: f64,
    /// Coverage of the intervals, 0.95 for example.
    pub confidence: f64,
    /// Means, gain, interval, p (also corrected by Holm's method over all measures), wins, ties
    /// and losses of each measure.
    pub measures: Vec<MeasureComparison>,
    /// Gain of each query in the headline measure, ascending.
    pub gains: Vec<f64>,
    /// Queries that gained most, largest gain first.
    pub winners: Vec<QueryChange>,
    /// Queries that lost most, largest loss first.
    pub losers: Vec<QueryChange>,
    /// What the systems are called in sentences, where they are not a base model and its tuned
    /// self. Set by [`ModelComparison::with_names`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<[String; 2]>,
    /// Each measure against [`CompareConfig::margin`]; empty without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margins: Vec<MarginTests>,
    /// The headline measure by slices of the queries, where the caller added
    /// [`SliceComparison::of`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceComparison>,
    /// The threshold on the score carried over, where the caller added
    /// [`RetrievalEvaluator::transfer_threshold`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdTransfer>,
    /// The same systems on general data, where the caller added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub general: Option<Box<GeneralCheck>>,
}

impl ModelComparison {
    /// The comparison of `measure`.
    pub fn measure(&self, measure: Measure) -> Option<&MeasureComparison> {
        self.measures.iter().find(|it| it.measure == measure)
    }

    /// Sets [`ModelComparison::names`].
    pub fn with_names(mut self, base: impl Into<String>, tuned: impl Into<String>) -> Self {
        self.names = Some([base.into(), tuned.into()]);
        self
    }
}

impl RetrievalEvaluator {
    /// Compares two evaluations of this evaluator.
    ///
    /// # Errors
    /// If they are not about the queries, the number of documents and the sample of this
    /// evaluator, hold fewer than two queries, or lack the headline measure.
    pub fn compare(
        &self,
        base: &Evaluation,
        tuned: &Evaluation,
        config: &CompareConfig,
    ) -> Result<ModelComparison, EvalError> {
        config.validate()?;
        check_same_search(base, tuned)?;
        let measures = compare_reports(&base.report, &tuned.report, &config.statistics)?;
        self.check_own(base)?;
        let headline = headline(config, &measures)?;
        let margins = config.margin.map(|it| MarginTests::of(&base.report, &tuned.report, it));
        let mut changes = self.changes(base, tuned, headline);
        changes.sort_by(|a, b| a.gain.total_cmp(&b.gain));
        let gains = changes.iter().map(|change| change.gain).collect();
        let describe = |change| self.describe(base, tuned, change, config);
        let losers = changes.iter().take_while(|it| it.gain < 0.0).take(config.examples);
        let winners = changes.iter().rev().take_while(|it| it.gain > 0.0).take(config.examples);
        Ok(ModelComparison {
            base: base.fingerprint.clone(),
            tuned: tuned.fingerprint.clone(),
            queries: base.report.query_ids().len(),
            documents: base.documents,
            subset: base.subset,
            headline,
            alpha: config.alpha,
            confidence: config.statistics.confidence,
            measures,
            winners: winners.map(describe).collect(),
            losers: losers.map(describe).collect(),
            gains,
            names: None,
            margins: margins.transpose()?.unwrap_or_default(),
            slices: Vec::new(),
            threshold: None,
            general: None,
        })
    }

    fn check_own(&self, evaluation: &Evaluation) -> Result<(), EvalError> {
        same("number of documents", evaluation.documents, self.corpus.len())?;
        same("number of queries", evaluation.report.query_ids().len(), self.queries.len())?;
        let foreign =
            evaluation.report.query_ids().iter().find(|id| self.queries.find(id).is_none());
        foreign.map_or(Ok(()), |query| same("query", query.as_str(), "none of that id"))
    }
}

fn headline(config: &CompareConfig, measures: &[MeasureComparison]) -> Result<Measure, EvalError> {
    let wanted = config.headline.or_else(|| measures.first().map(|it| it.measure));
    let found = wanted.filter(|wanted| measures.iter().any(|it| it.measure == *wanted));
    found.ok_or_else(|| {
        let computed: Vec<String> = measures.iter().map(|it| it.measure.to_string()).collect();
        EvalError::MeasureMissing {
            measure: wanted.map_or_else(String::new, |it| it.to_string()),
            computed: computed.join(", "),
        }
    })
}

fn check_same_search(base: &Evaluation, tuned: &Evaluation) -> Result<(), EvalError> {
    same("number of documents", base.documents, tuned.documents)?;
    let describe = |subset: Option<Subset>| match subset {
        None => "the whole collection".to_owned(),
        Some(it) => format!("{} queries, {} documents, seed {}", it.queries, it.documents, it.seed),
    };
    same("sample", describe(base.subset), describe(tuned.subset))
}

fn same<T: PartialEq + ToString>(what: &'static str, left: T, right: T) -> Result<(), EvalError> {
    if left == right {
        return Ok(());
    }
    Err(EvalError::Incomparable { what, left: left.to_string(), right: right.to_string() })
}
