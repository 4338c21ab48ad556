//! Average precision.

use std::num::NonZeroUsize;

use super::name::{Spelling, Takes};
use super::{Measure, total};
use crate::ranking::GradedRanking;

const WHOLE: Measure = Measure::AveragePrecision { cutoff: None };

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "map", takes: Takes::CutoffOrNothing(cut, WHOLE) },
    Spelling { name: "ap", takes: Takes::CutoffOrNothing(cut, WHOLE) },
    Spelling { name: "map_cut", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::AveragePrecision { cutoff: Some(cutoff) }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    match sum_of_precisions(query, cutoff) {
        0.0 => 0.0,
        sum => sum / query.relevant() as f64,
    }
}

/// The precision at each relevant document among the first `cutoff` ranks, added up.
pub(super) fn sum_of_precisions(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    let precisions = (1u32..)
        .zip(query.relevant_ranks(cutoff))
        .map(|(hits, rank)| f64::from(hits) / f64::from(rank));
    total(precisions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_denominator_is_all_that_is_relevant_even_above_the_cutoff() {
        let query = graded(&[1, 0, 1], &[1, 1]);
        assert_eq!(score(&query, None), (1.0 + 2.0 / 3.0) / 4.0);
        assert_eq!(score(&query, NonZeroUsize::new(1)), 0.25);
        assert_eq!(score(&graded(&[0], &[]), None), 0.0);
    }
}
