//! Yet another average precision: its logit.

use super::Measure;
use super::average_precision::sum_of_precisions;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "yaap", takes: Takes::Nothing(Measure::Yaap) }];

pub(super) fn score(query: &GradedRanking) -> f64 {
    let sum = sum_of_precisions(query, None);
    ((1.0 + sum) / (1.0 + query.relevant() as f64 - sum)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn half_of_the_precision_is_zero() {
        assert_eq!(score(&graded(&[0, 1], &[])), 0.0);
        assert_eq!(score(&graded(&[1], &[])), 2f64.ln());
        assert_eq!(score(&graded(&[0], &[1])), 0.5f64.ln());
    }
}
