//! Plain counts: no measures, but what they rest on. Their summary is a sum.

use super::Measure;
use super::name::{Spelling, Takes};
use crate::ranking::GradedRanking;

pub(super) const QUERIES: &[Spelling] =
    &[Spelling { name: "num_q", takes: Takes::Nothing(Measure::NumQueries) }];

pub(super) const RETRIEVED: &[Spelling] =
    &[Spelling { name: "num_ret", takes: Takes::Nothing(Measure::NumRetrieved) }];

pub(super) const RELEVANT: &[Spelling] =
    &[Spelling { name: "num_rel", takes: Takes::Nothing(Measure::NumRelevant) }];

pub(super) const RELEVANT_RETRIEVED: &[Spelling] =
    &[Spelling { name: "num_rel_ret", takes: Takes::Nothing(Measure::NumRelevantRetrieved) }];

pub(super) const NONRELEVANT_RETRIEVED: &[Spelling] = &[Spelling {
    name: "num_nonrel_judged_ret",
    takes: Takes::Nothing(Measure::NumNonrelevantRetrieved),
}];

/// Judged documents below the relevance level that were retrieved.
pub(super) fn nonrelevant_retrieved(query: &GradedRanking) -> usize {
    let judged = query.top(None).iter().filter(|hit| hit.is_judged());
    judged.filter(|hit| !query.is_relevant(hit.grade)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded_at;

    #[test]
    fn only_judged_documents_below_the_level_count() {
        assert_eq!(nonrelevant_retrieved(&graded_at(2, &[1, -1, 0, -2, 2], &[0])), 2);
    }
}
