//! Binary preference.

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] =
    &[Spelling { name: "bpref", takes: Takes::Nothing(Measure::Bpref) }];

pub(super) fn score(query: &GradedRanking) -> f64 {
    let relevant = query.relevant();
    let mut above = 0;
    let mut sum = 0.0;
    for hit in query.top(None).iter().filter(|hit| hit.is_judged()) {
        if !query.is_relevant(hit.grade) {
            above += 1;
        } else if above > 0 {
            let capped = query.nonrelevant().min(relevant);
            sum += 1.0 - above.min(relevant) as f64 / capped as f64;
        } else {
            sum += 1.0;
        }
    }
    if relevant > 0 { sum / relevant as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn unjudged_documents_are_passed_over() {
        assert_eq!(score(&graded(&[-1, -1, 1], &[0])), 1.0);
        assert_eq!(score(&graded(&[0, 1, 0, 1], &[])), (0.5 + 0.0) / 2.0);
    }

    #[test]
    fn it_is_a_number_without_judged_not_relevant_documents() {
        assert_eq!(score(&graded(&[1, 1], &[1])), 2.0 / 3.0);
        assert_eq!(score(&graded(&[0], &[])), 0.0);
    }
}
