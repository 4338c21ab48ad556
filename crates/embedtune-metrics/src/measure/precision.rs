//! Precision.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "precision", takes: Takes::Cutoff(cut) },
    Spelling { name: "p", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Precision { cutoff }
}

pub(super) fn score(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    query.hits(Some(cutoff)) as f64 / cutoff.get() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_denominator_stays_when_fewer_were_retrieved() {
        assert_eq!(score(&graded(&[1, 0], &[]), NonZeroUsize::new(10).unwrap()), 0.1);
    }
}
