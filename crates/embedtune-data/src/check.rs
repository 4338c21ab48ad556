//! Pre-flight facts: what is in the data, and what in it would spoil a training or its proof.

mod beir;
mod finding;
mod overlap;
mod rows;

use serde::{Deserialize, Serialize};

use crate::Role;

pub use finding::{Finding, FindingKind, Severity};
pub use overlap::SplitTexts;

/// Lengths of texts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LengthStats {
    /// Number of texts.
    pub texts: usize,
    /// Mean length.
    pub mean: f64,
    /// Half of the texts are at most this long.
    pub median: usize,
    /// 95 % of the texts are at most this long.
    pub p95: usize,
    /// The longest.
    pub max: usize,
}

impl LengthStats {
    /// Statistics of `lengths`, in whatever unit they are.
    pub fn of(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut lengths: Vec<usize> = lengths.into_iter().collect();
        lengths.sort_unstable();
        let Some(&max) = lengths.last() else { return Self::default() };
        // Nearest rank: the smallest length that at least this share of the texts does not exceed.
        let rank = |share: f64| lengths[(share * lengths.len() as f64).ceil() as usize - 1];
        Self {
            texts: lengths.len(),
            mean: lengths.iter().sum::<usize>() as f64 / lengths.len() as f64,
            median: rank(0.5),
            p95: rank(0.95),
            max,
        }
    }
}

/// How many texts are longer than the model reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Truncation {
    /// Side of the texts.
    pub role: Role,
    /// Tokens that the model reads.
    pub max_tokens: usize,
    /// Lengths in tokens, before any cut.
    pub tokens: LengthStats,
    /// Fraction of the texts that are cut.
    pub rate: f64,
}

/// What is in a data set and what is wrong with it.
///
/// ```
/// use embedtune_data::{CheckReport, Dataset, FindingKind, TextRow};
///
/// let mut dataset = Dataset::new("example");
/// let same = "what is a crate?".to_owned();
/// dataset.push_text(&TextRow { anchor: same.clone(), positive: same, ..TextRow::default() });
/// let report = CheckReport::of_dataset(&dataset);
/// assert_eq!(report.findings[0].what, FindingKind::AnchorIsPositive);
/// println!("{}", report.findings[0]);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// Name of the data.
    pub name: String,
    /// Training rows, or judgements of all splits.
    pub rows: usize,
    /// Distinct anchors or queries.
    pub queries: usize,
    /// Distinct documents.
    pub documents: usize,
    /// Lengths of the distinct queries in characters.
    pub query_chars: LengthStats,
    /// Lengths of the distinct documents in characters.
    pub document_chars: LengthStats,
    /// Where it was counted, how many texts are longer than the model reads.
    pub truncation: Vec<Truncation>,
    /// What the reader of the report should know, worst first.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Adds a truncation rate: `tokens` are the lengths of the texts of one side in tokens,
    /// special tokens included, before any cut.
    pub fn add_truncation(&mut self, role: Role, tokens: &[usize], max_tokens: usize) {
        let cut = tokens.iter().filter(|&&length| length > max_tokens).count();
        let rate = cut as f64 / tokens.len().max(1) as f64;
        let stats = LengthStats::of(tokens.iter().copied());
        if cut > 0 {
            // A cut tail of a few texts is normal; of every tenth, what is learned is the heads.
            let severity = if rate > 0.1 { Severity::Warning } else { Severity::Info };
            let example = format!("longest: {} tokens, read: {max_tokens}", stats.max);
            self.add(Finding::new(severity, FindingKind::Truncated, cut, [example]));
        }
        self.truncation.push(Truncation { role, max_tokens, tokens: stats, rate });
    }

    /// Adds what `other` shares with the training data.
    pub fn add_overlap(&mut self, train: &SplitTexts<'_>, other: &SplitTexts<'_>) {
        for finding in overlap::findings(train, other) {
            self.add(finding);
        }
    }

    /// Severity of the worst finding.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.first().map(|finding| finding.severity)
    }

    fn add(&mut self, finding: Finding) {
        if finding.count > 0 {
            self.findings.push(finding);
            self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        }
    }
}

/// Lengths of texts in characters.
fn char_stats<'a>(texts: impl Iterator<Item = &'a str>) -> LengthStats {
    LengthStats::of(texts.map(|text| text.chars().count()))
}
