//! Precision at the number of relevant documents.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "rprec", takes: Takes::Nothing(Measure::RPrecision) }];

pub(super) fn score(query: &GradedRanking) -> f64 {
    match NonZeroUsize::new(query.relevant()) {
        Some(relevant) => query.hits(Some(relevant)) as f64 / relevant.get() as f64,
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_cutoff_is_the_number_of_relevant_documents() {
        assert_eq!(score(&graded(&[1, 0, 1, 1], &[])), 2.0 / 3.0);
        assert_eq!(score(&graded(&[1], &[1, 1])), 1.0 / 3.0);
        assert_eq!(score(&graded(&[0], &[])), 0.0);
    }
}
