//! Average precision.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::Spelling;
use crate::ranking::GradedRanking;

const WHOLE: Option<Measure> = Some(Measure::AveragePrecision { cutoff: None });

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "map", cut: Some(cut), whole: WHOLE },
    Spelling { name: "ap", cut: Some(cut), whole: WHOLE },
    Spelling { name: "map_cut", cut: Some(cut), whole: None },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::AveragePrecision { cutoff: Some(cutoff) }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    let mut hits = 0u32;
    let mut sum = 0.0;
    for (rank, &grade) in (1u32..).zip(query.top(cutoff)) {
        if query.is_relevant(grade) {
            hits += 1;
            sum += f64::from(hits) / f64::from(rank);
        }
    }
    if hits > 0 { sum / query.relevant() as f64 } else { 0.0 }
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
