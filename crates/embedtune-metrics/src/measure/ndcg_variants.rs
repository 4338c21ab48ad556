//! nDCG as other tools compute it.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use super::ndcg::normalized;
use crate::ranking::GradedRanking;

pub(super) const EXPONENTIAL: &[Spelling] = &[
    Spelling {
        name: "ndcg_exp",
        takes: Takes::CutoffOrNothing(exponential_cut, Measure::ExponentialNdcg { cutoff: None }),
    },
    Spelling {
        name: "ndcg_burges",
        takes: Takes::CutoffOrNothing(exponential_cut, Measure::ExponentialNdcg { cutoff: None }),
    },
];

pub(super) const BINARY: &[Spelling] = &[Spelling {
    name: "ndcg_binary",
    takes: Takes::CutoffOrNothing(binary_cut, Measure::BinaryNdcg { cutoff: None }),
}];

fn exponential_cut(cutoff: NonZeroUsize) -> Measure {
    Measure::ExponentialNdcg { cutoff: Some(cutoff) }
}

fn binary_cut(cutoff: NonZeroUsize) -> Measure {
    Measure::BinaryNdcg { cutoff: Some(cutoff) }
}

pub(super) fn exponential(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    // From grade 1024 on, 2^grade is no longer a finite number.
    normalized(query, cutoff, |grade| f64::from(grade.min(1000)).exp2() - 1.0)
}

pub(super) fn binary(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    normalized(query, cutoff, |grade| if query.is_relevant(grade) { 1.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::{graded, graded_at};

    #[test]
    fn an_exponential_gain_weighs_high_grades() {
        let query = graded(&[1, 3], &[]);
        let ideal = 7.0 + 1.0 / 3f64.log2();
        assert_eq!(exponential(&query, None), (1.0 + 7.0 / 3f64.log2()) / ideal);
        assert_eq!(exponential(&graded(&[0], &[]), None), 0.0);
        assert_eq!(exponential(&graded(&[i32::MAX], &[]), None), 1.0);
    }

    #[test]
    fn a_binary_gain_ignores_grades_but_for_the_level() {
        let query = graded(&[1, 3], &[]);
        assert_eq!(binary(&query, NonZeroUsize::new(1)), 1.0);
        assert_eq!(binary(&graded_at(2, &[1, 3], &[]), None), 1.0 / 3f64.log2());
        assert_eq!(binary(&graded_at(4, &[1, 3], &[]), None), 0.0);
    }
}
