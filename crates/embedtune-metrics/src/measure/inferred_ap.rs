//! Inferred average precision.

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

/// Smooths the estimated precision where little above is judged.
const EPSILON: f64 = 0.00001;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "infap", takes: Takes::Nothing(Measure::InferredAp) }];

pub(super) fn score(query: &GradedRanking) -> f64 {
    let (mut relevant, mut nonrelevant, mut pooled) = (0u32, 0u32, 0u32);
    let mut sum = 0.0;
    for hit in query.top(None) {
        if !hit.is_judged() {
            pooled += 1;
        } else if !query.is_relevant(hit.grade) {
            nonrelevant += 1;
        } else {
            sum += if hit.rank == 1 {
                1.0
            } else {
                let above = f64::from(hit.rank - 1);
                let in_pool = f64::from(relevant + nonrelevant + pooled) / above;
                let judged = f64::from(relevant + nonrelevant);
                let precision = (f64::from(relevant) + EPSILON) / (judged + 2.0 * EPSILON);
                1.0 / (above + 1.0) + above / (above + 1.0) * in_pool * precision
            };
            relevant += 1;
        }
    }
    if query.relevant() > 0 { sum / query.relevant() as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn it_is_average_precision_when_all_are_judged() {
        assert_eq!(score(&graded(&[1], &[1])), 0.5);
        let value = score(&graded(&[1, 0, 1], &[]));
        assert!((value - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-5, "{value}");
        assert_eq!(score(&graded(&[0], &[])), 0.0);
    }

    #[test]
    fn pooled_documents_count_as_those_that_are_judged() {
        let value = score(&graded(&[1, -2, -2, 1], &[]));
        // Rank 4: 1/4 + 3/4 · (3 of 3 in the pool) · (1 of 1 judged is relevant).
        assert!((value - (1.0 + 1.0) / 2.0).abs() < 1e-4, "{value}");
    }
}
