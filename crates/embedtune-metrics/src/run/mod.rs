//! A run: what a system retrieved, with its scores.

mod trec;

use std::collections::BTreeMap;

pub(crate) use self::trec::check_trec_id;
use crate::error::MetricsError;
use crate::ranking::{Ranking, ScorePrecision};

/// Retrieved documents with their scores, by query.
///
/// Ranks follow from the scores alone: score descending, equal scores by document id descending
/// bytewise, as `trec_eval` orders them. Infinite scores are ordinary numbers here; NaN is refused.
///
/// ```
/// use embedtune_metrics::{Run, ScorePrecision};
///
/// let mut run = Run::new();
/// run.insert("q1", "a", 0.5)?;
/// run.insert("q1", "b", 0.5)?;
/// run.insert("q1", "c", 0.9)?;
/// let ids: Vec<&str> = run.ranking("q1", ScorePrecision::F64).map(|(doc, _)| doc).collect();
/// assert_eq!(ids, ["c", "b", "a"]);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    queries: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Run {
    /// A run that retrieved nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one retrieved document.
    ///
    /// # Errors
    /// [`MetricsError::NanScore`]; [`MetricsError::DuplicateDocument`] when the query already
    /// retrieved it, whatever the score: `trec_eval` stops there too.
    pub fn insert(&mut self, query: &str, doc: &str, score: f64) -> Result<(), MetricsError> {
        if score.is_nan() {
            return Err(MetricsError::NanScore { query: query.to_owned(), doc: doc.to_owned() });
        }
        let scores = match self.queries.get_mut(query) {
            Some(scores) => scores,
            None => self.queries.entry(query.to_owned()).or_default(),
        };
        if scores.contains_key(doc) {
            return Err(MetricsError::DuplicateDocument {
                query: query.to_owned(),
                doc: doc.to_owned(),
            });
        }
        scores.insert(doc.to_owned(), score);
        Ok(())
    }

    /// The documents of `query` with their scores from rank 1 on; empty for an unknown query.
    pub fn ranking<'a>(
        &'a self,
        query: &str,
        precision: ScorePrecision,
    ) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let mut ranking = Ranking::default();
        if let Some(scores) = self.scores(query) {
            ranking.fill(scores.iter().map(|(doc, &score)| (doc.as_str(), score)), precision);
        }
        ranking.into_docs()
    }

    /// The scores of the documents that `query` retrieved, by document id.
    pub fn scores(&self, query: &str) -> Option<&BTreeMap<String, f64>> {
        self.queries.get(query)
    }

    /// The ids of the queries that retrieved something, in order.
    pub fn query_ids(&self) -> impl Iterator<Item = &str> {
        self.queries.keys().map(String::as_str)
    }

    /// The number of queries that retrieved something.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether nothing was retrieved.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_duplicates_are_refused_and_infinity_is_a_number() {
        let mut run = Run::new();
        assert!(matches!(run.insert("q", "a", f64::NAN), Err(MetricsError::NanScore { .. })));
        assert!(run.is_empty());
        run.insert("q", "a", f64::INFINITY).unwrap();
        run.insert("q", "b", f64::NEG_INFINITY).unwrap();
        run.insert("q", "c", 0.0).unwrap();
        assert!(matches!(run.insert("q", "a", 1.0), Err(MetricsError::DuplicateDocument { .. })));
        let ids: Vec<_> = run.ranking("q", ScorePrecision::F64).map(|(doc, _)| doc).collect();
        assert_eq!(ids, ["a", "c", "b"]);
        assert_eq!(run.ranking("none", ScorePrecision::F64).count(), 0);
    }

    #[test]
    fn single_precision_ties_what_double_precision_tells_apart() {
        let mut run = Run::new();
        run.insert("q", "a", 0.700_000_000_01).unwrap();
        run.insert("q", "b", 0.7).unwrap();
        let first = |precision| run.ranking("q", precision).next().map(|(doc, _)| doc);
        assert_eq!(first(ScorePrecision::F64), Some("a"));
        assert_eq!(first(ScorePrecision::F32), Some("b"));
    }
}
