//! One thing worth knowing about a data set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Examples kept of a finding.
const EXAMPLES: usize = 3;
/// Characters kept of an example.
const EXAMPLE_CHARS: usize = 80;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Likely to cost quality, or to make a result look better than it is.
    Warning,
    /// Nothing good can come of it.
    Error,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// No training row.
    NoRows,
    /// Rows that are equal to an earlier one.
    DuplicateRows,
    /// Rows whose anchor and positive are the same text.
    AnchorIsPositive,
    /// Negatives that are known to be relevant to their anchor.
    NegativeIsPositive,
    /// Pairs that have more than one label.
    ContradictoryLabels,
    /// Texts in so many rows that batches without duplicates stay small.
    FrequentTexts,
    /// Documents with the text of an earlier document.
    DuplicateDocuments,
    /// Queries with the text of an earlier query.
    DuplicateQueries,
    /// Judged queries without a relevant document.
    QueriesWithoutRelevant,
    /// Queries of another split that are training queries, by text.
    QueryOverlap,
    /// Relevant documents of another split that are relevant in training, by text.
    DocumentOverlap,
    /// Texts that are longer than the model reads.
    Truncated,
}

impl FindingKind {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NoRows => "check the file and the split",
            Self::DuplicateRows => "remove them, unless they are meant to weigh more",
            Self::AnchorIsPositive => "remove them: such a row teaches nothing",
            Self::NegativeIsPositive => "remove these negatives: they push answers away",
            Self::ContradictoryLabels => "decide for one label of each pair",
            Self::FrequentTexts => "thin out their rows, or use a smaller batch size",
            Self::DuplicateDocuments => "merge them, and judge them alike",
            Self::DuplicateQueries => "merge them with their judgements",
            Self::QueriesWithoutRelevant => "judge a document relevant, or remove the query",
            Self::QueryOverlap => "remove them from training: their result proves nothing",
            Self::DocumentOverlap => "split by group to prove a gain on unseen documents",
            Self::Truncated => "raise the maximum length, or cut the texts into passages",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRows => "no training row",
            Self::DuplicateRows => "rows equal to an earlier one",
            Self::AnchorIsPositive => "rows whose anchor is their positive",
            Self::NegativeIsPositive => "negatives known to be relevant to their anchor",
            Self::ContradictoryLabels => "pairs with more than one label",
            Self::FrequentTexts => "texts in too many rows for full batches without duplicates",
            Self::DuplicateDocuments => "documents with the text of an earlier one",
            Self::DuplicateQueries => "queries with the text of an earlier one",
            Self::QueriesWithoutRelevant => "judged queries without a relevant document",
            Self::QueryOverlap => "queries that are training queries too",
            Self::DocumentOverlap => "relevant documents that are relevant in training too",
            Self::Truncated => "texts longer than the model reads",
        })
    }
}

/// One thing worth knowing about a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: FindingKind,
    /// How often.
    pub count: usize,
    /// The first few, cut to a readable length.
    pub examples: Vec<String>,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// A finding with the first of its `examples`.
    pub fn new(
        severity: Severity,
        what: FindingKind,
        count: usize,
        examples: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let examples = examples.into_iter().take(EXAMPLES).map(|it| shorten(it.as_ref())).collect();
        Self { severity, what, count, examples, remedy: what.remedy().to_owned() }
    }
}

impl fmt::Display for Finding {
    /// `12 rows equal to an earlier one, for example "…"; remedy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.what)?;
        if let Some(example) = self.examples.first() {
            write!(f, ", for example {example:?}")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(EXAMPLE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
