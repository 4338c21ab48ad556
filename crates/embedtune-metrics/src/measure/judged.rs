//! How much of what is shown was judged at all.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const JUDGED: &[Spelling] =
    &[Spelling { name: "judged", takes: Takes::Cutoff(|cutoff| Measure::Judged { cutoff }) }];

pub(super) const UNJUDGED: &[Spelling] = &[
    Spelling { name: "unjudged", takes: Takes::Cutoff(unjudged_cut) },
    Spelling { name: "unj", takes: Takes::Cutoff(unjudged_cut) },
];

fn unjudged_cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Unjudged { cutoff }
}

pub(super) fn judged(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    count(query, cutoff) as f64 / cutoff.get() as f64
}

pub(super) fn unjudged(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    let shown = query.retrieved().min(cutoff.get());
    (shown - count(query, cutoff)) as f64 / cutoff.get() as f64
}

fn count(query: &GradedRanking, cutoff: NonZeroUsize) -> usize {
    query.top(Some(cutoff)).iter().filter(|hit| hit.is_judged()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn pooled_documents_are_not_judged_and_missing_ones_are_neither() {
        let query = graded(&[1, -2, 0, -1], &[]);
        let at = |k| NonZeroUsize::new(k).unwrap();
        assert_eq!((judged(&query, at(2)), unjudged(&query, at(2))), (0.5, 0.5));
        assert_eq!((judged(&query, at(8)), unjudged(&query, at(8))), (0.25, 0.25));
    }
}
