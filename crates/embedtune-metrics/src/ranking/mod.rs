//! The order of retrieved documents and how it meets the judgements of a query.

mod graded;
mod judged;
mod order;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use self::graded::tests;
pub(crate) use self::graded::{GradedRanking, View};
pub(crate) use self::judged::Judged;
pub(crate) use self::order::{RankScratch, in_rank_order};

/// The precision in which scores are compared, which decides what is a tie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorePrecision {
    /// As `pytrec_eval`, and `trec_eval` up to 9.0.7: `0.70000000001` ties with `0.7`.
    F32,
    /// As `trec_eval` from 9.0.8 on.
    #[default]
    F64,
}

impl ScorePrecision {
    #[inline]
    pub(crate) fn round(self, score: f64) -> f64 {
        match self {
            Self::F32 => f64::from(score as f32),
            Self::F64 => score,
        }
    }

    pub(crate) fn round_all(self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|&score| self.round(score)).collect()
    }
}

/// Which of two documents with the same score stands first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieOrder {
    /// The id that is greater bytewise, as in `trec_eval` and all that is built on it.
    #[default]
    IdDescending,
    /// The id that is less bytewise, as in Sentence Transformers.
    IdAscending,
    /// The one that was given first, as in ranx and in scripts that sort a list by score.
    Input,
}

/// The ids of the retrieved documents of one query, by number.
pub(crate) trait Documents {
    fn id(&self, n: usize) -> &str;
}
