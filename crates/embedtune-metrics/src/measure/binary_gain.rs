//! Gain of relevant documents by how many others stand above.

use super::name::{Spelling, Takes};
use super::{Measure, total};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "bing", takes: Takes::Nothing(Measure::BinaryGain) }];

pub(super) fn score(query: &GradedRanking) -> f64 {
    let ranks = (1u32..).zip(query.relevant_ranks(None));
    let sum = total(ranks.map(|(hits, rank)| 1.0 / f64::from(2 + rank - hits).log2()));
    if sum > 0.0 { sum / query.relevant() as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn only_what_is_not_relevant_above_costs() {
        assert_eq!(score(&graded(&[1, 1], &[])), 1.0);
        assert_eq!(score(&graded(&[0, 1], &[1])), 1.0 / 3f64.log2() / 2.0);
        assert_eq!(score(&graded(&[0], &[])), 0.0);
    }
}
