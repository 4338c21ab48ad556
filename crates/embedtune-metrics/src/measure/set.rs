//! Measures of what was retrieved, in whatever order.

use super::name::{Spelling, Takes};
use super::{Measure, Parameter};
use crate::ranking::GradedRanking;

pub(super) const PRECISION: &[Spelling] = &[
    Spelling { name: "set_precision", takes: Takes::Nothing(Measure::SetPrecision) },
    Spelling { name: "set_p", takes: Takes::Nothing(Measure::SetPrecision) },
];

pub(super) const RECALL: &[Spelling] =
    &[Spelling { name: "set_recall", takes: Takes::Nothing(Measure::SetRecall) }];

pub(super) const RELATIVE: &[Spelling] = &[
    Spelling {
        name: "set_relative_precision",
        takes: Takes::Nothing(Measure::SetRelativePrecision),
    },
    Spelling { name: "set_relative_p", takes: Takes::Nothing(Measure::SetRelativePrecision) },
];

pub(super) const MAP: &[Spelling] =
    &[Spelling { name: "set_map", takes: Takes::Nothing(Measure::SetAveragePrecision) }];

pub(super) const F: &[Spelling] = &[Spelling {
    name: "set_f",
    takes: Takes::Parameters {
        default: Some(DEFAULT_F),
        parse: |text| Some(Measure::SetF { weight: Parameter::parse(text)? }),
        expected: "the weight of recall",
        examples: &["set_f", "set_f(0.25)"],
    },
}];

/// Precision and recall weigh the same.
pub(crate) const DEFAULT_F: Measure =
    Measure::SetF { weight: Parameter::new(1.0).expect("finite") };

fn counts(query: &GradedRanking) -> (f64, f64, f64) {
    (query.hits(None) as f64, query.retrieved() as f64, query.relevant() as f64)
}

/// 0 over 0 is 0.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

pub(super) fn precision(query: &GradedRanking) -> f64 {
    let (hits, retrieved, _) = counts(query);
    ratio(hits, retrieved)
}

pub(super) fn recall(query: &GradedRanking) -> f64 {
    let (hits, _, relevant) = counts(query);
    ratio(hits, relevant)
}

pub(super) fn relative_precision(query: &GradedRanking) -> f64 {
    let (hits, retrieved, relevant) = counts(query);
    ratio(hits, retrieved.min(relevant))
}

pub(super) fn map(query: &GradedRanking) -> f64 {
    let (hits, retrieved, relevant) = counts(query);
    ratio(hits * hits, retrieved * relevant)
}

pub(super) fn f(query: &GradedRanking, weight: Parameter) -> f64 {
    let (precision, recall, weight) = (precision(query), recall(query), weight.get());
    ratio((weight + 1.0) * precision * recall, weight * precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn hits_over_what_was_retrieved_and_what_is_relevant() {
        let query = graded(&[1, 0, -1, 1], &[1, 0]);
        assert_eq!((precision(&query), recall(&query)), (0.5, 2.0 / 3.0));
        assert_eq!((relative_precision(&query), map(&query)), (2.0 / 3.0, 4.0 / 12.0));
        let one = Parameter::new(1.0).unwrap();
        assert!((f(&query, one) - 4.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_is_zero() {
        for query in [graded(&[], &[1]), graded(&[0], &[]), graded(&[], &[0])] {
            for measure in [precision, recall, relative_precision, map] {
                assert_eq!(measure(&query), 0.0);
            }
            assert_eq!(f(&query, Parameter::new(1.0).unwrap()), 0.0);
        }
    }
}
