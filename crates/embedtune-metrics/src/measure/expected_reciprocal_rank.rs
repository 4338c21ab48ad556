//! Expected reciprocal rank.

use std::num::NonZeroUsize;

use super::Measure;
use super::name::{Spelling, Takes, parse_cutoff};
use crate::ranking::GradedRanking;

/// The greatest grade of the TREC Web tracks, which their script has built in.
pub(super) const DEFAULT_MAX_GRADE: u8 = 4;

pub(super) const SPELLINGS: &[Spelling] = &[Spelling {
    name: "err",
    takes: Takes::Parameters {
        default: Some(Measure::ExpectedReciprocalRank {
            cutoff: None,
            max_grade: DEFAULT_MAX_GRADE,
        }),
        parse,
        expected: "a cut-off above 0, and the greatest grade from 1 to 30",
        examples: &["err@10", "err(max=3)@10"],
    },
}];

/// `10`, `max=3` or `max=3)@10`, the bracket having been opened before.
fn parse(text: &str) -> Option<Measure> {
    let (max_grade, cutoff) = match text.strip_prefix("max=") {
        None => (DEFAULT_MAX_GRADE, Some(text)),
        Some(rest) => match rest.split_once(")@") {
            Some((max, cutoff)) => (max.parse().ok()?, Some(cutoff)),
            None => (rest.parse().ok()?, None),
        },
    };
    let cutoff = match cutoff {
        Some(text) => Some(parse_cutoff(text)?),
        None => None,
    };
    (1..=30).contains(&max_grade).then_some(Measure::ExpectedReciprocalRank { cutoff, max_grade })
}

pub(super) fn score(query: &GradedRanking, cutoff: Option<NonZeroUsize>, max_grade: u8) -> f64 {
    let most = f64::from(max_grade).exp2();
    let (mut sum, mut reached) = (0.0, 1.0);
    for hit in query.top(cutoff).iter().filter(|hit| hit.grade > 0) {
        let grade = f64::from(hit.grade.min(i32::from(max_grade)));
        let satisfied = (grade.exp2() - 1.0) / most;
        sum += reached * satisfied / f64::from(hit.rank);
        reached *= 1.0 - satisfied;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn a_satisfied_reader_reads_no_further() {
        let query = graded(&[0, 2, -1, 1], &[]);
        let (second, fourth) = (3.0 / 4.0, 1.0 / 4.0);
        assert_eq!(score(&query, None, 2), second / 2.0 + (1.0 - second) * fourth / 4.0);
        assert_eq!(score(&query, NonZeroUsize::new(1), 2), 0.0);
        assert_eq!(score(&graded(&[9], &[]), None, 1), 0.5);
    }

    #[test]
    fn names_with_a_greatest_grade() {
        let err = |cutoff, max_grade| {
            Some(Measure::ExpectedReciprocalRank { cutoff: NonZeroUsize::new(cutoff), max_grade })
        };
        assert_eq!(parse("20"), err(20, 4));
        assert_eq!(parse("max=3)@10"), err(10, 3));
        assert_eq!(parse("max=1"), err(0, 1));
        assert!(parse("max=0").is_none() && parse("max=31").is_none() && parse("0").is_none());
    }
}
