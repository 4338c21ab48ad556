//! Reciprocal rank.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

const WHOLE: Measure = Measure::ReciprocalRank { cutoff: None };

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "mrr", takes: Takes::CutoffOrNothing(cut, WHOLE) },
    Spelling { name: "recip_rank", takes: Takes::CutoffOrNothing(cut, WHOLE) },
    Spelling { name: "rr", takes: Takes::CutoffOrNothing(cut, WHOLE) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::ReciprocalRank { cutoff: Some(cutoff) }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    query.relevant_ranks(cutoff).next().map_or(0.0, |rank| 1.0 / f64::from(rank))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn only_the_first_relevant_document_counts() {
        let query = graded(&[0, -1, 2, 1], &[]);
        assert_eq!(score(&query, None), 1.0 / 3.0);
        assert_eq!(score(&query, NonZeroUsize::new(2)), 0.0);
    }
}
