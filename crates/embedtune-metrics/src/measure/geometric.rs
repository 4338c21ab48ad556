//! Measures whose average over the queries is geometric.

use super::name::{Spelling, Takes};
use super::{Measure, average_precision, bpref};
use crate::ranking::GradedRanking;

/// No value is taken for less: one query of 0 would make the mean 0.
pub(super) const LEAST: f64 = 0.00001;

pub(super) const MAP: &[Spelling] =
    &[Spelling { name: "gm_map", takes: Takes::Nothing(Measure::GeometricMap) }];

pub(super) const BPREF: &[Spelling] =
    &[Spelling { name: "gm_bpref", takes: Takes::Nothing(Measure::GeometricBpref) }];

pub(super) fn map(query: &GradedRanking) -> f64 {
    average_precision::score(query, None).max(LEAST).ln()
}

pub(super) fn bpref(query: &GradedRanking) -> f64 {
    bpref::score(query).max(LEAST).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn a_query_has_the_logarithm_and_a_floor() {
        assert_eq!(map(&graded(&[0, 1], &[])), 0.5f64.ln());
        assert_eq!(map(&graded(&[0], &[])), LEAST.ln());
        assert_eq!(bpref(&graded(&[-1, 1], &[])), 0.0);
    }
}
