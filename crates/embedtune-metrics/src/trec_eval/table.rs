//! The measures of `trec_eval`, in the order it prints them, with its default parameters.

use std::num::NonZeroUsize;

use crate::measure::{Measure, Parameter};

/// A measure of `trec_eval`, or a set of them that differ in a parameter.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    RunId,
    /// The relevance of the first documents as a string, 10 of them by default.
    RelString,
    /// Without parameters.
    Plain(Measure),
    /// One value for each cut-off.
    Cutoffs(&'static [usize], fn(NonZeroUsize) -> Measure),
    /// One value for each number.
    Numbers(&'static [f64], fn(Parameter) -> Measure),
    /// One value, whatever the parameters; `name.parameters` is read as a measure of this crate.
    Parameters(Measure),
    /// As [`Kind::Parameters`], the parameters being pairs, `1=3,2=9`.
    Pairs(Measure),
}

const CUTOFFS: &[usize] = &[5, 10, 15, 20, 30, 100, 200, 500, 1000];
const TENTHS: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const FIFTHS: &[f64] = &[0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0];

const fn row(name: &'static str, kind: Kind) -> Row {
    Row { name, kind }
}

/// The rows, as far as they do without preferences and judgement groups.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = ranked_rows();
    rows.extend(gain_rows());
    rows.extend(set_rows());
    rows
}

fn ranked_rows() -> Vec<Row> {
    vec![
        row("runid", Kind::RunId),
        row("num_q", Kind::Plain(Measure::NumQueries)),
        row("num_ret", Kind::Plain(Measure::NumRetrieved)),
        row("num_rel", Kind::Plain(Measure::NumRelevant)),
        row("num_rel_ret", Kind::Plain(Measure::NumRelevantRetrieved)),
        row("map", Kind::Plain(Measure::AveragePrecision { cutoff: None })),
        row("gm_map", Kind::Plain(Measure::GeometricMap)),
        row("Rprec", Kind::Plain(Measure::RPrecision)),
        row("bpref", Kind::Plain(Measure::Bpref)),
        row("recip_rank", Kind::Plain(Measure::ReciprocalRank { cutoff: None })),
        row(
            "iprec_at_recall",
            Kind::Numbers(TENTHS, |recall| Measure::InterpolatedPrecision { recall }),
        ),
        row("P", Kind::Cutoffs(CUTOFFS, |cutoff| Measure::Precision { cutoff })),
        row("relstring", Kind::RelString),
        row("recall", Kind::Cutoffs(CUTOFFS, |cutoff| Measure::Recall { cutoff })),
        row("infAP", Kind::Plain(Measure::InferredAp)),
        row("gm_bpref", Kind::Plain(Measure::GeometricBpref)),
        row("Rprec_mult", Kind::Numbers(FIFTHS, |factor| Measure::RPrecisionMultiple { factor })),
    ]
}

fn gain_rows() -> Vec<Row> {
    let gains = crate::measure::Gains::GRADES;
    let points = crate::measure::TENTHS;
    vec![
        row("utility", Kind::Parameters(crate::measure::DEFAULT_UTILITY)),
        row("11pt_avg", Kind::Parameters(Measure::ElevenPoint { points })),
        row("binG", Kind::Plain(Measure::BinaryGain)),
        row("G", Kind::Pairs(Measure::NormalizedGain { gains })),
        row("dcg", Kind::Pairs(Measure::Dcg { gains })),
        row("ideal_dcg", Kind::Pairs(Measure::IdealDcg { gains })),
        row("ndcg", Kind::Pairs(Measure::Ndcg { cutoff: None })),
        row("ndcg_rel", Kind::Pairs(Measure::RelevantNdcg { gains })),
        row("Rndcg", Kind::Pairs(Measure::LevelNdcg { gains })),
        row("ndcg_cut", Kind::Cutoffs(CUTOFFS, |cutoff| Measure::Ndcg { cutoff: Some(cutoff) })),
        row(
            "map_cut",
            Kind::Cutoffs(CUTOFFS, |cutoff| Measure::AveragePrecision { cutoff: Some(cutoff) }),
        ),
        row("relative_P", Kind::Cutoffs(CUTOFFS, |cutoff| Measure::RelativePrecision { cutoff })),
        row("success", Kind::Cutoffs(&[1, 5, 10], |cutoff| Measure::Success { cutoff })),
    ]
}

fn set_rows() -> Vec<Row> {
    let persistence = crate::measure::DEFAULT_PERSISTENCE;
    let gains = crate::measure::Gains::GRADES;
    vec![
        row("set_P", Kind::Plain(Measure::SetPrecision)),
        row("set_relative_P", Kind::Plain(Measure::SetRelativePrecision)),
        row("set_recall", Kind::Plain(Measure::SetRecall)),
        row("set_map", Kind::Plain(Measure::SetAveragePrecision)),
        row("set_F", Kind::Parameters(crate::measure::DEFAULT_F)),
        row("num_nonrel_judged_ret", Kind::Plain(Measure::NumNonrelevantRetrieved)),
        row("yaap", Kind::Plain(Measure::Yaap)),
        row("rbp", Kind::Pairs(Measure::RankBiased { persistence, gains })),
        row("rbp_resid", Kind::Pairs(Measure::RankBiasedResidual { persistence })),
        row("unj", Kind::Cutoffs(&[5, 10, 20], |cutoff| Measure::Unjudged { cutoff })),
    ]
}

/// The rows that a nickname stands for.
pub(super) fn nickname(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "official" => Some(&[
            "runid",
            "num_q",
            "num_ret",
            "num_rel",
            "num_rel_ret",
            "map",
            "gm_map",
            "Rprec",
            "bpref",
            "recip_rank",
            "iprec_at_recall",
            "P",
        ]),
        "set" => Some(&[
            "runid",
            "num_q",
            "num_ret",
            "num_rel",
            "num_rel_ret",
            "utility",
            "set_P",
            "set_recall",
            "set_relative_P",
            "set_map",
            "set_F",
        ]),
        "all_trec" => Some(&[
            "runid",
            "num_q",
            "num_ret",
            "num_rel",
            "num_rel_ret",
            "map",
            "gm_map",
            "Rprec",
            "bpref",
            "recip_rank",
            "iprec_at_recall",
            "P",
            "relstring",
            "recall",
            "unj",
            "rbp",
            "rbp_resid",
            "infAP",
            "gm_bpref",
            "utility",
            "11pt_avg",
            "ndcg",
            "relative_P",
            "Rprec_mult",
            "success",
            "map_cut",
            "ndcg_cut",
            "ndcg_rel",
            "Rndcg",
            "binG",
            "G",
            "set_P",
            "set_recall",
            "set_relative_P",
            "set_map",
            "set_F",
            "num_nonrel_judged_ret",
        ]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_name_rows() {
        let rows = rows();
        for nickname in ["official", "set", "all_trec"].map(|name| nickname(name).unwrap()) {
            for name in nickname {
                assert!(rows.iter().any(|row| row.name == *name), "{name}");
            }
        }
        assert!(nickname("prefs").is_none());
    }
}
