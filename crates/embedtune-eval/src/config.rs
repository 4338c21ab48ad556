//! How to evaluate retrieval.

use std::num::NonZeroUsize;

use embedtune_index::Bm25Config;
use embedtune_metrics::{EvaluateOptions, Measure};
use serde::{Deserialize, Serialize};

use crate::EvalError;

/// Settings of a [`RetrievalEvaluator`](crate::RetrievalEvaluator).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetrievalConfig {
    /// What to compute. Default: `ndcg@10`, `recall@10`, `precision@10`, `map@100`, `mrr@10`,
    /// `recall@100` and `success@1`. The first is the headline.
    pub measures: Vec<Measure>,
    /// Documents retrieved per query; the deepest cut-off among the measures raises it. Default
    /// 100, which `map@100` needs and where a re-ranker would begin. Measures without a cut-off
    /// see this many.
    pub top_k: usize,
    /// Whether a document with the id of the query is left out of its results, as BEIR does for
    /// collections whose queries are documents (Quora, ArguAna). Default `false`: elsewhere equal
    /// ids are a coincidence, and dropping that document would hide a right answer.
    pub exclude_self: bool,
    /// Texts given to the model at a time. Default 1,024: enough for it to sort them by length,
    /// little enough for progress to be seen.
    pub chunk_size: usize,
    /// Ties, relevance level and queries without results. Default: all judged queries count.
    pub scoring: EvaluateOptions,
    /// The yardstick of [`RetrievalEvaluator::evaluate_bm25`](crate::RetrievalEvaluator).
    pub bm25: Bm25Config,
}

const ONE: NonZeroUsize = NonZeroUsize::new(1).expect("1 is not 0");
const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");

impl Default for RetrievalConfig {
    fn default() -> Self {
        let mut measures = Measure::STANDARD.to_vec();
        measures.push(Measure::Recall { cutoff: HUNDRED });
        measures.push(Measure::Success { cutoff: ONE });
        Self {
            measures,
            top_k: 100,
            exclude_self: false,
            chunk_size: 1024,
            scoring: EvaluateOptions::default(),
            bm25: Bm25Config::default(),
        }
    }
}

impl RetrievalConfig {
    /// Sets [`RetrievalConfig::measures`].
    pub fn with_measures(mut self, measures: impl Into<Vec<Measure>>) -> Self {
        self.measures = measures.into();
        self
    }

    /// Sets [`RetrievalConfig::top_k`].
    pub fn with_top_k(mut self, top_k: usize) -> Self {
        self.top_k = top_k;
        self
    }

    /// Sets [`RetrievalConfig::exclude_self`].
    pub fn with_exclude_self(mut self, exclude_self: bool) -> Self {
        self.exclude_self = exclude_self;
        self
    }

    /// Sets [`RetrievalConfig::chunk_size`].
    pub fn with_chunk_size(mut self, chunk_size: usize) -> Self {
        self.chunk_size = chunk_size;
        self
    }

    /// Sets [`RetrievalConfig::scoring`].
    pub fn with_scoring(mut self, scoring: EvaluateOptions) -> Self {
        self.scoring = scoring;
        self
    }

    /// Sets [`RetrievalConfig::bm25`].
    pub fn with_bm25(mut self, bm25: Bm25Config) -> Self {
        self.bm25 = bm25;
        self
    }

    /// Documents retrieved per query: [`top_k`](Self::top_k), or the deepest cut-off of a measure
    /// if that is more.
    pub fn depth(&self) -> usize {
        let deepest = self.measures.iter().filter_map(Measure::depth).max();
        deepest.map_or(0, NonZeroUsize::get).max(self.top_k)
    }

    pub(crate) fn validate(&self) -> Result<(), EvalError> {
        for (field, value) in [
            ("measures", self.measures.len()),
            ("top_k", self.top_k),
            ("chunk_size", self.chunk_size),
        ] {
            if value == 0 {
                let value = if field == "measures" { "empty" } else { "0" }.to_owned();
                return Err(EvalError::Config { field, value, allowed: "at least one" });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_measure_decides_the_depth() {
        assert_eq!(RetrievalConfig::default().depth(), 100);
        let deep = RetrievalConfig::default().with_measures(["recall@500".parse().unwrap()]);
        assert_eq!(deep.depth(), 500);
        assert_eq!(deep.with_measures([Measure::Bpref]).with_top_k(7).depth(), 7);
    }

    #[test]
    fn nothing_to_do_is_refused() {
        for (config, field) in [
            (RetrievalConfig::default().with_measures([]), "measures"),
            (RetrievalConfig::default().with_top_k(0), "top_k"),
            (RetrievalConfig::default().with_chunk_size(0), "chunk_size"),
        ] {
            assert!(config.validate().unwrap_err().to_string().contains(field));
        }
        assert!(RetrievalConfig::default().validate().is_ok());
    }

    #[test]
    fn a_config_file_may_name_measures_and_nothing_unknown() {
        let config: RetrievalConfig =
            serde_json::from_str(r#"{"measures": ["P_5"], "exclude_self": true}"#).unwrap();
        assert_eq!(config.measures[0].to_string(), "precision@5");
        assert!(serde_json::from_str::<RetrievalConfig>(r#"{"topk": 5}"#).is_err());
    }
}
