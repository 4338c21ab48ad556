//! What two splits share.

use std::collections::HashMap;

use embedtune_metrics::Qrels;

use super::{Finding, FindingKind, Severity};
use crate::{Corpus, Dataset, Queries, TextHash};

/// Queries and relevant documents of a split, by text.
#[derive(Debug, Clone)]
pub struct SplitTexts<'a> {
    name: String,
    queries: HashMap<TextHash, &'a str>,
    documents: HashMap<TextHash, &'a str>,
}

impl<'a> SplitTexts<'a> {
    /// Anchors and positives of a dataset.
    pub fn of_dataset(dataset: &'a Dataset) -> Self {
        let of = |id| (dataset.texts.hash(id), dataset.texts.text(id));
        let relevant = dataset.rows.iter().filter(|row| row.label.is_none_or(|label| label > 0.0));
        Self {
            name: dataset.name.clone(),
            queries: dataset.rows.iter().map(|row| of(row.anchor)).collect(),
            documents: relevant.map(|row| of(row.positive)).collect(),
        }
    }

    /// Judged queries and their relevant documents. Ids that `corpus` or `queries` lack are passed
    /// over.
    pub fn of_qrels(
        name: impl Into<String>,
        corpus: &'a Corpus,
        queries: &'a Queries,
        qrels: &Qrels,
    ) -> Self {
        let of = |text: &'a String| (TextHash::of(text), text.as_str());
        let query = |id| queries.find(id).map(|number| of(&queries.texts()[number as usize]));
        let document = |id| corpus.find(id).map(|number| of(&corpus.texts()[number as usize]));
        Self {
            name: name.into(),
            queries: qrels.query_ids().filter_map(query).collect(),
            documents: qrels
                .query_ids()
                .flat_map(|id| qrels.relevant(id))
                .filter_map(document)
                .collect(),
        }
    }
}

/// What `other` shares with `train`.
pub(super) fn findings(train: &SplitTexts<'_>, other: &SplitTexts<'_>) -> [Finding; 2] {
    let finding = |severity, what, ours: &HashMap<TextHash, &str>, theirs: &HashMap<_, &str>| {
        let shared = theirs.iter().filter(|(hash, _)| ours.contains_key(hash));
        let mut texts: Vec<&str> = shared.map(|(_, &text)| text).collect();
        texts.sort_unstable();
        let examples = texts.iter().map(|text| format!("{}: {text}", other.name));
        Finding::new(severity, what, texts.len(), examples)
    };
    [
        finding(Severity::Warning, FindingKind::QueryOverlap, &train.queries, &other.queries),
        finding(Severity::Info, FindingKind::DocumentOverlap, &train.documents, &other.documents),
    ]
}
