//! Normalized discounted cumulative gain, with a cut-off.

use std::num::NonZeroUsize;

use super::name::{Spelling, Takes, parse_cutoff};
use super::{Gains, Measure, total};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[
    Spelling {
        name: "ndcg",
        takes: Takes::Parameters {
            default: Some(Measure::Ndcg { cutoff: None }),
            parse,
            expected: "one whole number above 0 as cut-off, or a gain for each of up to 8 grades",
            examples: &["ndcg@10", "ndcg(1=3,2=9)"],
        },
    },
    Spelling { name: "ndcg_cut", takes: Takes::Cutoff(cut) },
];

fn cut(cutoff: NonZeroUsize) -> Measure {
    Measure::Ndcg { cutoff: Some(cutoff) }
}

fn parse(text: &str) -> Option<Measure> {
    match parse_cutoff(text) {
        Some(cutoff) => Some(cut(cutoff)),
        None => Gains::parse(text).map(|gains| Measure::GainNdcg { gains }),
    }
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>) -> f64 {
    normalized(query, cutoff, f64::from)
}

/// nDCG where a document gains what `gain` says of its grade, which is above 0.
///
/// The sums run from rank 1 on and divide by the logarithm: another order or a multiplication by
/// its inverse would differ from `trec_eval` in the last bit.
pub(super) fn normalized(
    query: &GradedRanking,
    cutoff: Option<NonZeroUsize>,
    gain: impl Fn(i32) -> f64,
) -> f64 {
    let discounted = |rank: u32, grade: i32| gain(grade) / f64::from(rank + 1).log2();
    let best = (1..).zip(query.ideal_top(cutoff));
    let ideal = total(best.map(|(rank, &grade)| discounted(rank, grade)));
    if ideal > 0.0 {
        let graded = query.top(cutoff).iter().filter(|hit| hit.grade > 0);
        total(graded.map(|hit| discounted(hit.rank, hit.grade))) / ideal
    } else {
        0.0
    }
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
