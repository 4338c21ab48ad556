//! Precision over the best that can be had.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "relative_precision", takes: Takes::Cutoff(cut) },
    Spelling { name: "relative_p", takes: Takes::Cutoff(cut) },
    Spelling { name: "recall_cap", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::RelativePrecision { cutoff }
}

pub(super) fn score(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    match query.relevant().min(cutoff.get()) {
        0 => 0.0,
        most => query.hits(Some(cutoff)) as f64 / most as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn it_can_always_reach_one() {
        let ten = NonZeroUsize::new(10).unwrap();
        assert_eq!(score(&graded(&[1, 0, 1], &[]), ten), 1.0);
        assert_eq!(score(&graded(&[1, 0], &[1]), NonZeroUsize::new(1).unwrap()), 1.0);
        assert_eq!(score(&graded(&[0], &[]), ten), 0.0);
    }
}
