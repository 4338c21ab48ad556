//! Recall.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "recall", takes: Takes::Cutoff(cut) },
    Spelling { name: "r", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Recall { cutoff }
}

pub(super) fn score(query: &GradedRanking, cutoff: NonZeroUsize) -> f64 {
    match query.relevant() {
        0 => 0.0,
        relevant => query.hits(Some(cutoff)) as f64 / relevant as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn missed_documents_lower_it_and_nothing_relevant_is_zero() {
        let two = NonZeroUsize::new(2).unwrap();
        assert_eq!(score(&graded(&[1, 0, 1], &[1]), two), 1.0 / 3.0);
        assert_eq!(score(&graded(&[0, 0], &[-2]), two), 0.0);
    }
}
