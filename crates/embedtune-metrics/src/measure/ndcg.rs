//! Normalized discounted cumulative gain.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::Spelling;
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling { name: "ndcg", cut: Some(cut), whole: Some(Measure::Ndcg { cutoff: None }) },
    Spelling { name: "ndcg_cut", cut: Some(cut), whole: None },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Ndcg { cutoff: Some(cutoff) }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    let ideal = discounted_gain(query.ideal_top(cutoff));
    if ideal > 0.0 { discounted_gain(query.top(cutoff)) / ideal } else { 0.0 }
}

/// The sum runs from rank 1 on and divides by the logarithm: another order or a multiplication by
/// its inverse would differ from `trec_eval` in the last bit.
fn discounted_gain(grades: &[i32]) -> f64 {
    let mut sum = 0.0;
    for (index, &grade) in grades.iter().enumerate() {
        if grade > 0 {
            sum += f64::from(grade) / ((index + 2) as f64).log2();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_gain_is_the_grade_and_the_ideal_knows_missed_documents() {
        let query = graded(&[0, 2], &[3]);
        let dcg = 2.0 / 3f64.log2();
        let ideal = 3.0 + 2.0 / 3f64.log2();
        assert_eq!(score(&query, None), dcg / ideal);
        assert_eq!(score(&query, NonZeroUsize::new(1)), 0.0);
    }

    #[test]
    fn the_best_ranking_is_one_and_nothing_relevant_is_zero() {
        assert_eq!(score(&graded(&[3, 1, 1, 0], &[0]), None), 1.0);
        assert_eq!(score(&graded(&[0, -1], &[]), None), 0.0);
    }
}
