//! What became of single queries.

use embedtune_metrics::Measure;
use serde::{Deserialize, Serialize};

use crate::{CompareConfig, Evaluation, RetrievalEvaluator};

/// A query whose results changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryChange {
    /// Id of the query.
    pub query_id: String,
    /// Its text, shortened.
    pub query: String,
    /// Value of the headline measure before.
    pub base: f64,
    /// Value of the headline measure after.
    pub tuned: f64,
    /// `tuned - base`.
    pub gain: f64,
    /// Its relevant documents, those ranked best after first.
    pub relevant: Vec<RelevantRank>,
    /// The first documents before, as many as [`CompareConfig::top_documents`] says.
    #[serde(default)]
    pub base_top: Vec<DocumentExcerpt>,
    /// The first documents after.
    #[serde(default)]
    pub tuned_top: Vec<DocumentExcerpt>,
}

/// Where a relevant document stood before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RelevantRank {
    /// The document.
    pub document: DocumentExcerpt,
    /// Rank before, from 1; `None` beyond the documents retrieved.
    pub base_rank: Option<usize>,
    /// Rank after.
    pub tuned_rank: Option<usize>,
}

/// The beginning of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DocumentExcerpt {
    /// Id of the document.
    pub id: String,
    /// Its title and text, shortened.
    pub text: String,
    /// Whether it is relevant to the query.
    pub relevant: bool,
}

/// The gain of query number `row` of both reports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    row: usize,
    base: f64,
    tuned: f64,
    pub(super) gain: f64,
}

/// Gains below this are rounding.
const ROUNDING: f64 = 1e-12;

impl RetrievalEvaluator {
    /// The change of every query, in order of their ids.
    pub(super) fn changes(
        &self,
        base: &Evaluation,
        tuned: &Evaluation,
        measure: Measure,
    ) -> Vec<Change> {
        let of = |evaluation: &Evaluation| {
            evaluation.report.per_query(&measure).unwrap_or_default().to_vec()
        };
        let pairs = of(base).into_iter().zip(of(tuned));
        pairs
            .enumerate()
            .map(|(row, (base, tuned))| {
                let gain = if (tuned - base).abs() < ROUNDING { 0.0 } else { tuned - base };
                Change { row, base, tuned, gain }
            })
            .collect()
    }

    pub(super) fn describe(
        &self,
        base: &Evaluation,
        tuned: &Evaluation,
        change: &Change,
        config: &CompareConfig,
    ) -> QueryChange {
        let chars = config.excerpt_chars;
        let query_id = &base.report.query_ids()[change.row];
        let text = self.queries.find(query_id).map(|it| &self.queries.texts()[it as usize]);
        let (before, after) = (self.ranked(base, query_id), self.ranked(tuned, query_id));
        let excerpt = |id: &str| self.excerpt(query_id, id, chars);
        let top = |ranked: &[&str]| {
            ranked.iter().take(config.top_documents).map(|id| excerpt(id)).collect()
        };
        let rank =
            |ranked: &[&str], id: &str| ranked.iter().position(|it| *it == id).map(|r| r + 1);
        let mut relevant: Vec<RelevantRank> = self
            .qrels
            .relevant(query_id)
            .map(|id| RelevantRank {
                document: excerpt(id),
                base_rank: rank(&before, id),
                tuned_rank: rank(&after, id),
            })
            .collect();
        relevant.sort_by_key(|it| it.tuned_rank.unwrap_or(usize::MAX));
        QueryChange {
            query_id: query_id.clone(),
            query: shorten(text.map_or("", |text| text), chars),
            base: change.base,
            tuned: change.tuned,
            gain: change.gain,
            relevant,
            base_top: top(&before),
            tuned_top: top(&after),
        }
    }

    /// Documents by rank, with ties broken as they were when scored.
    fn ranked<'a>(&self, evaluation: &'a Evaluation, query: &str) -> Vec<&'a str> {
        let precision = self.config.scoring.score_precision;
        evaluation.run.ranking(query, precision).map(|(document, _)| document).collect()
    }

    fn excerpt(&self, query: &str, id: &str, chars: usize) -> DocumentExcerpt {
        let text = self.corpus.find(id).map_or("", |it| &self.corpus.texts()[it as usize]);
        let grade = self.qrels.judgements(query).and_then(|judged| judged.get(id));
        DocumentExcerpt {
            id: id.to_owned(),
            text: shorten(text, chars),
            relevant: grade.is_some_and(|&grade| grade > 0),
        }
    }
}

/// White space becomes single spaces; a text over `chars` characters ends in an ellipsis, at a
/// word's end where there is one.
fn shorten(text: &str, chars: usize) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.chars().count() > chars {
            break;
        }
    }
    let Some((cut, _)) = words.char_indices().nth(chars) else { return words };
    let end = words[..cut].rfind(' ').filter(|&end| end * 2 > cut).unwrap_or(cut);
    words.truncate(end);
    words.push('…');
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_words_and_never_inside_a_character() {
        assert_eq!(shorten(" a\n b\t c ", 10), "a b c");
        assert_eq!(shorten("one two three", 13), "one two three");
        assert_eq!(shorten("one two three", 12), "one two…");
        assert_eq!(shorten("ééééé", 3), "ééé…");
        assert_eq!(shorten("a bbbbbbbbbb", 6), "a bbbb…");
        assert_eq!(shorten("", 3), "");
    }
}
