//! The measures: one file each, with its formula, its spellings and its tests.

mod average_precision;
mod bpref;
mod name;
mod ndcg;
mod precision;
mod r_precision;
mod recall;
mod reciprocal_rank;
mod success;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use self::name::Spelling;
pub(crate) use self::name::known_names;
use crate::ranking::GradedRanking;

/// A retrieval measure, as `trec_eval` computes it.
///
/// Its name is `family` or `family@cutoff` (`"ndcg@10"`); parsing also takes the spellings of
/// `trec_eval` (`"ndcg_cut_10"`, `"ndcg_cut.10"`, `"P_10"`, `"recip_rank"`) and ignores case. In
/// JSON and TOML a measure is its name.
///
/// In the formulas, `R` is the number of relevant documents of the query (grade at or above
/// [`relevance_level`](crate::EvaluateOptions::relevance_level), retrieved or not), `k` the
/// cut-off, `n` the number of documents retrieved, `hits@k` the relevant ones among the first `k`.
/// Documents without a judgement count as not relevant, except in [`Measure::Bpref`]. Every
/// measure lies in `[0, 1]`, and is 0 for a query that retrieved nothing or has `R = 0`; only nDCG
/// of such a query can be above 0, when the relevance level is above 1.
///
/// ```
/// use embedtune_metrics::Measure;
///
/// let measure: Measure = "ndcg_cut_10".parse()?;
/// assert_eq!(measure, Measure::NDCG_10);
/// assert_eq!(measure.to_string(), "ndcg@10");
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Measure {
    /// Normalized discounted cumulative gain (Järvelin and Kekäläinen, 2002):
    /// `DCG@k / ideal DCG@k` with `DCG@k = Σ_{i ≤ k} grade_i / log2(i + 1)`.
    ///
    /// The gain is the grade itself, not `2^grade - 1`, and the relevance level does not matter.
    /// The ideal ranks every judged document, retrieved or not, by its grade. The measure of
    /// choice for graded judgements. `trec_eval`: `ndcg`, `ndcg_cut_k`.
    Ndcg {
        /// Ranks looked at; `None` is all retrieved documents against the whole ideal.
        cutoff: Option<NonZeroUsize>,
    },
    /// Average precision (its mean over queries is MAP): `(1/R) Σ hits@i / i` over the ranks
    /// `i ≤ k` of relevant documents.
    ///
    /// The denominator is `R`, not `min(k, R)`, so a query with `R > k` cannot reach 1.
    /// `trec_eval`: `map`, `map_cut_k`.
    AveragePrecision {
        /// Ranks looked at; `None` is all.
        cutoff: Option<NonZeroUsize>,
    },
    /// Reciprocal rank (its mean over queries is MRR): 1 over the rank of the first relevant
    /// document, 0 when there is none among the first `k`.
    ///
    /// For tasks where one right answer is enough. `trec_eval`: `recip_rank`, with `-M k` for a
    /// cut-off.
    ReciprocalRank {
        /// Ranks looked at; `None` is all.
        cutoff: Option<NonZeroUsize>,
    },
    /// `hits@k / R`: how much of what is relevant was found. What matters for the first stage of
    /// a pipeline. `trec_eval`: `recall_k`.
    Recall {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// `hits@k / k`: how much of what is shown is relevant. The denominator stays `k` when fewer
    /// documents were retrieved. `trec_eval`: `P_k`.
    Precision {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// 1 when any of the first `k` documents is relevant, else 0; also known as hit rate.
    /// `trec_eval`: `success_k`.
    Success {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// Precision at rank `R`: `hits@min(R, n) / R`, where precision equals recall. `trec_eval`:
    /// `Rprec`.
    RPrecision,
    /// Binary preference (Buckley and Voorhees, 2004), which looks at judged documents alone:
    /// `(1/R) Σ (1 - min(above, R) / min(N, R))` over the retrieved relevant documents, where
    /// `above` is the number of judged not relevant documents ranked above and `N` of all of them.
    /// A term is 1 when none is above.
    ///
    /// For incomplete judgements. `trec_eval`: `bpref`.
    Bpref,
}

const TEN: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not 0");
const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");

impl Measure {
    /// `ndcg@10`, the headline number of BEIR and MTEB.
    pub const NDCG_10: Self = Self::Ndcg { cutoff: Some(TEN) };
    /// `map@100`.
    pub const MAP_100: Self = Self::AveragePrecision { cutoff: Some(HUNDRED) };
    /// `mrr@10`.
    pub const MRR_10: Self = Self::ReciprocalRank { cutoff: Some(TEN) };
    /// `recall@10`.
    pub const RECALL_10: Self = Self::Recall { cutoff: TEN };
    /// `precision@10`.
    pub const PRECISION_10: Self = Self::Precision { cutoff: TEN };

    /// The five measures of an embedding model's report card, headline first.
    pub const STANDARD: [Self; 5] =
        [Self::NDCG_10, Self::RECALL_10, Self::PRECISION_10, Self::MAP_100, Self::MRR_10];

    /// How many documents of each query the measure looks at, or `None` when it looks at all:
    /// what a search has to return for it.
    pub fn depth(&self) -> Option<NonZeroUsize> {
        match *self {
            Self::Ndcg { cutoff }
            | Self::AveragePrecision { cutoff }
            | Self::ReciprocalRank { cutoff } => cutoff,
            Self::Recall { cutoff } | Self::Precision { cutoff } | Self::Success { cutoff } => {
                Some(cutoff)
            }
            Self::RPrecision | Self::Bpref => None,
        }
    }

    /// The value for one query.
    pub(crate) fn score(self, query: &GradedRanking) -> f64 {
        match self {
            Self::Ndcg { cutoff } => ndcg::score(query, cutoff),
            Self::AveragePrecision { cutoff } => average_precision::score(query, cutoff),
            Self::ReciprocalRank { cutoff } => reciprocal_rank::score(query, cutoff),
            Self::Recall { cutoff } => recall::score(query, cutoff),
            Self::Precision { cutoff } => precision::score(query, cutoff),
            Self::Success { cutoff } => success::score(query, cutoff),
            Self::RPrecision => r_precision::score(query),
            Self::Bpref => bpref::score(query),
        }
    }

    /// The family of the measure as [`std::fmt::Display`] writes it.
    fn family(self) -> &'static str {
        match self {
            Self::Ndcg { .. } => ndcg::SPELLINGS[0].name,
            Self::AveragePrecision { .. } => average_precision::SPELLINGS[0].name,
            Self::ReciprocalRank { .. } => reciprocal_rank::SPELLINGS[0].name,
            Self::Recall { .. } => recall::SPELLINGS[0].name,
            Self::Precision { .. } => precision::SPELLINGS[0].name,
            Self::Success { .. } => success::SPELLINGS[0].name,
            Self::RPrecision => r_precision::SPELLINGS[0].name,
            Self::Bpref => bpref::SPELLINGS[0].name,
        }
    }
}

/// The spellings of every family; within a family the first is the one that is written.
const FAMILIES: [&[Spelling]; 8] = [
    ndcg::SPELLINGS,
    average_precision::SPELLINGS,
    reciprocal_rank::SPELLINGS,
    recall::SPELLINGS,
    precision::SPELLINGS,
    success::SPELLINGS,
    r_precision::SPELLINGS,
    bpref::SPELLINGS,
];
