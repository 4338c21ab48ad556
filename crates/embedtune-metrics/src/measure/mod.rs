//! The measures: one file each, with its formula, its spellings and its tests.

mod average_precision;
mod binary_gain;
mod bpref;
mod capped_average_precision;
mod counts;
mod expected_reciprocal_rank;
mod families;
mod gain;
mod geometric;
mod inferred_ap;
mod interpolated;
mod judged;
mod kinds;
mod name;
mod ndcg;
mod ndcg_variants;
mod parameters;
mod precision;
mod r_precision;
mod r_precision_multiple;
mod rank_biased;
mod recall;
mod reciprocal_rank;
mod relative_precision;
mod set;
mod success;
mod summary;
mod utility;
mod yaap;

use std::num::NonZeroUsize;

pub(crate) use self::interpolated::TENTHS;
pub use self::kinds::Measure;
pub(crate) use self::name::known_names;
pub use self::parameters::{Gains, Parameter, Points};
pub(crate) use self::rank_biased::DEFAULT_PERSISTENCE;
pub(crate) use self::set::DEFAULT_F;
pub(crate) use self::summary::Summary;
pub(crate) use self::utility::DEFAULT as DEFAULT_UTILITY;
use crate::ranking::{GradedRanking, View};

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
            | Self::ExponentialNdcg { cutoff }
            | Self::BinaryNdcg { cutoff }
            | Self::AveragePrecision { cutoff }
            | Self::ReciprocalRank { cutoff }
            | Self::ExpectedReciprocalRank { cutoff, .. } => cutoff,
            Self::CappedAveragePrecision { cutoff }
            | Self::Recall { cutoff }
            | Self::Precision { cutoff }
            | Self::RelativePrecision { cutoff }
            | Self::Success { cutoff }
            | Self::Judged { cutoff }
            | Self::Unjudged { cutoff } => Some(cutoff),
            _ => None,
        }
    }

    /// The value for one query. One long table, so that the compiler misses no measure.
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
            Self::InterpolatedPrecision { recall } => interpolated::precision(query, recall),
            Self::ElevenPoint { points } => interpolated::average(query, points.get()),
            Self::RPrecisionMultiple { factor } => r_precision_multiple::score(query, factor),
            Self::RelativePrecision { cutoff } => relative_precision::score(query, cutoff),
            Self::InferredAp => inferred_ap::score(query),
            Self::GeometricMap => geometric::map(query),
            Self::GeometricBpref => geometric::bpref(query),
            Self::Judged { cutoff } => judged::judged(query, cutoff),
            Self::Unjudged { cutoff } => judged::unjudged(query, cutoff),
            Self::GainNdcg { gains } => gain::ndcg(query, gains),
            Self::Dcg { gains } => gain::dcg(query, gains),
            Self::IdealDcg { gains } => gain::ideal_dcg(query, gains),
            Self::RelevantNdcg { gains } => gain::ndcg_rel(query, gains),
            Self::LevelNdcg { gains } => gain::rndcg(query, gains),
            Self::NormalizedGain { gains } => gain::g(query, gains),
            Self::BinaryGain => binary_gain::score(query),
            Self::ExponentialNdcg { cutoff } => ndcg_variants::exponential(query, cutoff),
            Self::BinaryNdcg { cutoff } => ndcg_variants::binary(query, cutoff),
            Self::CappedAveragePrecision { cutoff } => {
                capped_average_precision::score(query, cutoff)
            }
            Self::ExpectedReciprocalRank { cutoff, max_grade } => {
                expected_reciprocal_rank::score(query, cutoff, max_grade)
            }
            Self::RankBiased { persistence, gains } => {
                rank_biased::graded(query, persistence, gains)
            }
            Self::BinaryRankBiased { persistence } => rank_biased::binary(query, persistence),
            Self::RankBiasedResidual { persistence } => rank_biased::residual(query, persistence),
            Self::Yaap => yaap::score(query),
            Self::SetPrecision => set::precision(query),
            Self::SetRecall => set::recall(query),
            Self::SetRelativePrecision => set::relative_precision(query),
            Self::SetAveragePrecision => set::map(query),
            Self::SetF { weight } => set::f(query, weight),
            Self::Utility { coefficients } => utility::score(query, coefficients),
            Self::NumRetrieved => query.retrieved() as f64,
            Self::NumRelevant => query.relevant() as f64,
            Self::NumRelevantRetrieved => query.hits(None) as f64,
            Self::NumNonrelevantRetrieved => counts::nonrelevant_retrieved(query) as f64,
            Self::NumQueries => 1.0,
        }
    }

    /// The value for a judged query that retrieved nothing.
    ///
    /// As in `trec_eval -c`, it is that of one document that is not judged, but for measures that
    /// would show this document.
    pub(crate) fn score_of_nothing(self, query: &mut GradedRanking) -> f64 {
        let shows_it = matches!(self, Self::NumRetrieved | Self::Unjudged { .. })
            || self == utility::DEFAULT
            || self == rank_biased::RESIDUAL_DEFAULT;
        if shows_it {
            return 0.0;
        }
        query.finish(1, View { depth: None, judged_only: false });
        self.score(query)
    }
}

/// The sum of `values` in their order. [`Iterator::sum`] would make -0 of none of them.
fn total(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}
