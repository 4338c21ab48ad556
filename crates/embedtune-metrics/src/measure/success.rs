//! Success, also known as hit rate.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "success", takes: Takes::Cutoff(cut) },
    Spelling { name: "hit_rate", takes: Takes::Cutoff(cut) },
    Spelling { name: "hit", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Success { cutoff }
}

pub(super) fn score(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    if query.hits(Some(cutoff)) > 0 { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn one_relevant_document_is_enough() {
        let query = graded(&[0, 1, 1], &[]);
        assert_eq!(score(&query, NonZeroUsize::new(1).unwrap()), 0.0);
        assert_eq!(score(&query, NonZeroUsize::new(2).unwrap()), 1.0);
    }
}
