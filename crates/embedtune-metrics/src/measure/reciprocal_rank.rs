//! Reciprocal rank.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::Spelling;
use crate::ranking::GradedRanking;

const WHOLE: Option<Measure> = Some(Measure::ReciprocalRank { cutoff: None });

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "mrr", cut: Some(cut), whole: WHOLE },
    Spelling { name: "recip_rank", cut: Some(cut), whole: WHOLE },
    Spelling { name: "rr", cut: Some(cut), whole: WHOLE },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::ReciprocalRank { cutoff: Some(cutoff) }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    match query.top(cutoff).iter().position(|&grade| query.is_relevant(grade)) {
        Some(index) => 1.0 / (index + 1) as f64,
        None => 0.0,
    }
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
