//! How every measure is written.

use std::num::NonZeroUsize;

use super::name::Spelling;
use super::rank_biased::DEFAULT_PERSISTENCE;
use super::{
    Gains, Measure, Parameter, average_precision, binary_gain, bpref, capped_average_precision,
    counts, expected_reciprocal_rank, gain, geometric, inferred_ap, interpolated, judged, ndcg,
    ndcg_variants, precision, r_precision, r_precision_multiple, rank_biased, recall,
    reciprocal_rank, relative_precision, set, success, utility, yaap,
};

/// The spellings of every family; within a family the first is the one that is written.
pub(super) const FAMILIES: &[&[Spelling]] = &[
    ndcg::SPELLINGS,
    average_precision::SPELLINGS,
    reciprocal_rank::SPELLINGS,
    recall::SPELLINGS,
    precision::SPELLINGS,
    success::SPELLINGS,
    r_precision::SPELLINGS,
    bpref::SPELLINGS,
    interpolated::AT_RECALL,
    interpolated::ELEVEN_POINT,
    r_precision_multiple::SPELLINGS,
    relative_precision::SPELLINGS,
    inferred_ap::SPELLINGS,
    geometric::MAP,
    geometric::BPREF,
    judged::JUDGED,
    judged::UNJUDGED,
    rank_biased::GRADED,
    rank_biased::BINARY,
    rank_biased::RESIDUAL,
    expected_reciprocal_rank::SPELLINGS,
    ndcg_variants::EXPONENTIAL,
    ndcg_variants::BINARY,
    capped_average_precision::SPELLINGS,
    gain::DCG,
    gain::IDEAL_DCG,
    gain::NDCG_REL,
    gain::RNDCG,
    gain::G,
    binary_gain::SPELLINGS,
    yaap::SPELLINGS,
    set::PRECISION,
    set::RECALL,
    set::RELATIVE,
    set::MAP,
    set::F,
    utility::SPELLINGS,
    counts::QUERIES,
    counts::RETRIEVED,
    counts::RELEVANT,
    counts::RELEVANT_RETRIEVED,
    counts::NONRELEVANT_RETRIEVED,
];

/// What stands behind the name of the family.
pub(super) enum Shown {
    Nothing,
    Cutoff(NonZeroUsize),
    Number(Parameter),
    Bracket(String),
    BracketAndCutoff(String, Option<NonZeroUsize>),
}

impl Measure {
    /// The family of the measure and its parameters, as [`std::fmt::Display`] writes them.
    pub(super) fn written(self) -> (&'static [Spelling], Shown) {
        let cut = |cutoff: Option<NonZeroUsize>| cutoff.map_or(Shown::Nothing, Shown::Cutoff);
        match self {
            Self::Ndcg { cutoff } => (ndcg::SPELLINGS, cut(cutoff)),
            Self::AveragePrecision { cutoff } => (average_precision::SPELLINGS, cut(cutoff)),
            Self::ReciprocalRank { cutoff } => (reciprocal_rank::SPELLINGS, cut(cutoff)),
            Self::Recall { cutoff } => (recall::SPELLINGS, Shown::Cutoff(cutoff)),
            Self::Precision { cutoff } => (precision::SPELLINGS, Shown::Cutoff(cutoff)),
            Self::Success { cutoff } => (success::SPELLINGS, Shown::Cutoff(cutoff)),
            Self::RPrecision => (r_precision::SPELLINGS, Shown::Nothing),
            Self::Bpref => (bpref::SPELLINGS, Shown::Nothing),
            Self::InterpolatedPrecision { recall } => {
                (interpolated::AT_RECALL, Shown::Number(recall))
            }
            Self::RPrecisionMultiple { factor } => {
                (r_precision_multiple::SPELLINGS, Shown::Number(factor))
            }
            Self::RelativePrecision { cutoff } => {
                (relative_precision::SPELLINGS, Shown::Cutoff(cutoff))
            }
            Self::InferredAp => (inferred_ap::SPELLINGS, Shown::Nothing),
            Self::GeometricMap => (geometric::MAP, Shown::Nothing),
            Self::GeometricBpref => (geometric::BPREF, Shown::Nothing),
            Self::Judged { cutoff } => (judged::JUDGED, Shown::Cutoff(cutoff)),
            Self::Unjudged { cutoff } => (judged::UNJUDGED, Shown::Cutoff(cutoff)),
            Self::ExponentialNdcg { cutoff } => (ndcg_variants::EXPONENTIAL, cut(cutoff)),
            Self::BinaryNdcg { cutoff } => (ndcg_variants::BINARY, cut(cutoff)),
            Self::CappedAveragePrecision { cutoff } => {
                (capped_average_precision::SPELLINGS, Shown::Cutoff(cutoff))
            }
            Self::ExpectedReciprocalRank { cutoff, max_grade } => {
                (expected_reciprocal_rank::SPELLINGS, err(cutoff, max_grade))
            }
            Self::ElevenPoint { points } if points == interpolated::TENTHS => {
                (interpolated::ELEVEN_POINT, Shown::Nothing)
            }
            Self::ElevenPoint { points } => {
                (interpolated::ELEVEN_POINT, Shown::Bracket(points.to_string()))
            }
            Self::GainNdcg { gains } => (ndcg::SPELLINGS, bracket(gains)),
            Self::Dcg { gains } => (gain::DCG, bracket(gains)),
            Self::IdealDcg { gains } => (gain::IDEAL_DCG, bracket(gains)),
            Self::RelevantNdcg { gains } => (gain::NDCG_REL, bracket(gains)),
            Self::LevelNdcg { gains } => (gain::RNDCG, bracket(gains)),
            Self::NormalizedGain { gains } => (gain::G, bracket(gains)),
            Self::BinaryGain => (binary_gain::SPELLINGS, Shown::Nothing),
            Self::RankBiased { persistence, gains } => {
                (rank_biased::GRADED, biased(persistence, gains))
            }
            Self::BinaryRankBiased { persistence } => {
                (rank_biased::BINARY, biased(persistence, Gains::GRADES))
            }
            Self::RankBiasedResidual { persistence } => {
                (rank_biased::RESIDUAL, biased(persistence, Gains::GRADES))
            }
            Self::Yaap => (yaap::SPELLINGS, Shown::Nothing),
            Self::SetF { .. } if self == set::DEFAULT_F => (set::F, Shown::Nothing),
            Self::SetF { weight } => (set::F, Shown::Bracket(weight.to_string())),
            Self::Utility { .. } if self == utility::DEFAULT => {
                (utility::SPELLINGS, Shown::Nothing)
            }
            Self::Utility { coefficients } => {
                let numbers = coefficients.map(|number| number.to_string()).join(",");
                (utility::SPELLINGS, Shown::Bracket(numbers))
            }
            Self::SetPrecision => (set::PRECISION, Shown::Nothing),
            Self::SetRecall => (set::RECALL, Shown::Nothing),
            Self::SetRelativePrecision => (set::RELATIVE, Shown::Nothing),
            Self::SetAveragePrecision => (set::MAP, Shown::Nothing),
            Self::NumRetrieved => (counts::RETRIEVED, Shown::Nothing),
            Self::NumRelevant => (counts::RELEVANT, Shown::Nothing),
            Self::NumRelevantRetrieved => (counts::RELEVANT_RETRIEVED, Shown::Nothing),
            Self::NumNonrelevantRetrieved => (counts::NONRELEVANT_RETRIEVED, Shown::Nothing),
            Self::NumQueries => (counts::QUERIES, Shown::Nothing),
        }
    }
}

fn bracket(gains: Gains) -> Shown {
    if gains.are_grades() { Shown::Nothing } else { Shown::Bracket(gains.to_string()) }
}

fn biased(persistence: Parameter, gains: Gains) -> Shown {
    match (persistence == DEFAULT_PERSISTENCE, gains.are_grades()) {
        (true, true) => Shown::Nothing,
        (_, true) => Shown::Bracket(format!("p={persistence}")),
        (true, false) => Shown::Bracket(gains.to_string()),
        (false, false) => Shown::Bracket(format!("p={persistence},{gains}")),
    }
}

fn err(cutoff: Option<NonZeroUsize>, max_grade: u8) -> Shown {
    if max_grade == expected_reciprocal_rank::DEFAULT_MAX_GRADE {
        cutoff.map_or(Shown::Nothing, Shown::Cutoff)
    } else {
        Shown::BracketAndCutoff(format!("max={max_grade}"), cutoff)
    }
}
