//! Average precision that a full first page can bring to 1.

use std::num::NonZeroUsize;

use super::Measure;
use super::average_precision::sum_of_precisions;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "map_capped", takes: Takes::Cutoff(cut) }];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::CappedAveragePrecision { cutoff }
}

pub(super) fn score(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    match query.relevant().min(cutoff.get()) {
        0 => 0.0,
        most => sum_of_precisions(query, Some(cutoff)) / most as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_denominator_is_what_can_be_found_at_most() {
        let two = NonZeroUsize::new(2).unwrap();
        assert_eq!(score(&graded(&[1, 1], &[1, 1]), two), 1.0);
        assert_eq!(score(&graded(&[0, 1], &[]), two), 0.5);
        assert_eq!(score(&graded(&[0, 0], &[]), two), 0.0);
    }
}
