//! How to evaluate, and the ways of other tools.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::ranking::{ScorePrecision, TieOrder};

/// How to evaluate. The default is `trec_eval -c`, version 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvaluateOptions {
    /// Whether a judged query that retrieved nothing counts, as 0 in nearly every measure, as
    /// `trec_eval -c` does. Default `true`, unlike `trec_eval`: a system must not gain by leaving
    /// out its hard queries, and both sides of a comparison need the same queries.
    pub complete: bool,
    /// The lowest grade that counts as relevant, at least 1, as `trec_eval -l`. Default 1. It does
    /// not touch the measures of the nDCG family, whose gain is the grade itself.
    pub relevance_level: i32,
    /// The precision that decides ties. Default [`ScorePrecision::F64`], as `trec_eval` since
    /// 9.0.8.
    pub score_precision: ScorePrecision,
    /// Which of two equal scores stands first. Default [`TieOrder::IdDescending`], as `trec_eval`.
    pub ties: TieOrder,
    /// How many documents of each query are looked at, as `trec_eval -M`. Default `None`: all.
    pub depth: Option<NonZeroUsize>,
    /// Whether retrieved documents that nobody judged are taken out before anything is computed,
    /// as `trec_eval -J`. Default `false`.
    pub judged_only: bool,
    /// Whether queries without a relevant document are left out, as Sentence Transformers does.
    /// Default `false`: they count as 0, as in `trec_eval`.
    pub skip_unanswerable: bool,
    /// How a share of the relevant documents becomes a number of them, in interpolated precision.
    /// Default [`RecallPoints::Rounded`], as `trec_eval` 10.
    pub recall_points: RecallPoints,
    /// Documents in the collection, for [`Measure::Utility`](crate::Measure::Utility) alone, as
    /// `trec_eval -N`. Default 0.
    pub collection_size: u64,
}

/// How interpolated precision turns a share of the relevant documents into a number of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecallPoints {
    /// To the nearest number, as `trec_eval` 10: 0.25 of 5 is 1.
    #[default]
    Rounded,
    /// Up, unless the share is within 0.1 of the number below, as `trec_eval` 9 and `pytrec_eval`:
    /// 0.25 of 5 is 2.
    Raised,
}

impl RecallPoints {
    /// The number of documents that `share` of `relevant` stands for; below 0 as 0.
    pub(crate) fn documents(self, share: f64, relevant: usize) -> usize {
        // `as` cuts the fraction off, as the conversion of C does.
        match self {
            Self::Rounded => (share * relevant as f64).round() as usize,
            Self::Raised => raised(share, relevant),
        }
    }
}

/// `share` of `relevant` documents, up unless within 0.1 of the number below.
pub(crate) fn raised(share: f64, relevant: usize) -> usize {
    (share * relevant as f64 + 0.9) as usize
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            complete: true,
            relevance_level: 1,
            score_precision: ScorePrecision::F64,
            ties: TieOrder::IdDescending,
            depth: None,
            judged_only: false,
            skip_unanswerable: false,
            recall_points: RecallPoints::Rounded,
            collection_size: 0,
        }
    }
}

impl EvaluateOptions {
    /// `trec_eval` 10 without flags: the queries that both files have.
    pub fn trec_eval() -> Self {
        Self::default().with_complete(false)
    }

    /// `trec_eval` 9.0.8 without flags: as 10, but for [`RecallPoints`].
    pub fn trec_eval_9() -> Self {
        Self::trec_eval().with_recall_points(RecallPoints::Raised)
    }

    /// `pytrec_eval`, and `trec_eval` up to 9.0.7 without flags: as 9.0.8, in single precision. So
    /// score BEIR's `evaluate` and MTEB, too.
    pub fn pytrec_eval() -> Self {
        Self::trec_eval_9().with_score_precision(ScorePrecision::F32)
    }

    /// ranx: equal scores stay in the order they were given in (its own sort keeps it for up to 15
    /// documents a query; beyond, its ties fall as they may). Its `ndcg` is
    /// [`Measure::Ndcg`](crate::Measure::Ndcg), its `ndcg_burges`
    /// [`Measure::ExponentialNdcg`](crate::Measure::ExponentialNdcg).
    pub fn ranx() -> Self {
        Self::default().with_ties(TieOrder::Input)
    }

    /// The `InformationRetrievalEvaluator` of Sentence Transformers: equal scores in ascending order
    /// of the ids, queries without a relevant document left out. Its `ndcg@k` is
    /// [`Measure::BinaryNdcg`](crate::Measure::BinaryNdcg), its `map@k`
    /// [`Measure::CappedAveragePrecision`](crate::Measure::CappedAveragePrecision), its
    /// `accuracy@k` [`Measure::Success`](crate::Measure::Success).
    pub fn sentence_transformers() -> Self {
        Self::default().with_ties(TieOrder::IdAscending).with_skip_unanswerable(true)
    }

    /// Sets [`EvaluateOptions::complete`].
    pub fn with_complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }

    /// Sets [`EvaluateOptions::relevance_level`].
    pub fn with_relevance_level(mut self, level: i32) -> Self {
        self.relevance_level = level;
        self
    }

    /// Sets [`EvaluateOptions::score_precision`].
    pub fn with_score_precision(mut self, precision: ScorePrecision) -> Self {
        self.score_precision = precision;
        self
    }

    /// Sets [`EvaluateOptions::ties`].
    pub fn with_ties(mut self, ties: TieOrder) -> Self {
        self.ties = ties;
        self
    }

    /// Sets [`EvaluateOptions::depth`].
    pub fn with_depth(mut self, depth: Option<NonZeroUsize>) -> Self {
        self.depth = depth;
        self
    }

    /// Sets [`EvaluateOptions::judged_only`].
    pub fn with_judged_only(mut self, judged_only: bool) -> Self {
        self.judged_only = judged_only;
        self
    }

    /// Sets [`EvaluateOptions::skip_unanswerable`].
    pub fn with_skip_unanswerable(mut self, skip: bool) -> Self {
        self.skip_unanswerable = skip;
        self
    }

    /// Sets [`EvaluateOptions::recall_points`].
    pub fn with_recall_points(mut self, recall_points: RecallPoints) -> Self {
        self.recall_points = recall_points;
        self
    }

    /// Sets [`EvaluateOptions::collection_size`].
    pub fn with_collection_size(mut self, documents: u64) -> Self {
        self.collection_size = documents;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), MetricsError> {
        if self.relevance_level < 1 {
            return Err(MetricsError::InvalidOption {
                option: "relevance_level",
                expected: "at least 1",
                got: self.relevance_level.to_string(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_to_count_a_share() {
        for (share, relevant, rounded, up) in
            [(0.25, 5, 1, 2), (0.5, 5, 3, 3), (0.1, 10, 1, 1), (0.0, 9, 0, 0), (-1.0, 3, 0, 0)]
        {
            assert_eq!(RecallPoints::Rounded.documents(share, relevant), rounded);
            assert_eq!(RecallPoints::Raised.documents(share, relevant), up);
        }
    }
}
