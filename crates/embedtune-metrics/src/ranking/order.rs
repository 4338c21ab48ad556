//! The ranks of the judged documents among all that were retrieved.
//!
//! No measure needs the whole order: a document that nobody judged only takes up a rank. So the
//! rank of each judged document is found by itself, and sorting is left for queries where there are
//! too many of them.

use std::cmp::Ordering;

use super::{Documents, Judged, TieOrder};

/// With more judged documents than this, one sort is quicker than a pass over the scores for each.
const COUNTING_LIMIT: usize = 40;

/// Finds ranks; the buffers are reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct RankScratch {
    found: Vec<(usize, i32)>,
    ranks: Vec<u32>,
}

impl RankScratch {
    /// Calls `ranked` with the rank (from 1) and the grade of every judged document among the
    /// retrieved ones, in no particular order.
    pub(crate) fn each_judged(
        &mut self,
        docs: &(impl Documents + ?Sized),
        hashes: &[u32],
        scores: &[f64],
        judged: &Judged<'_>,
        ties: TieOrder,
        mut ranked: impl FnMut(u32, i32),
    ) {
        self.found.clear();
        for (n, &hash) in hashes.iter().enumerate() {
            if judged.may_hold(hash)
                && let Some(grade) = judged.grade(hash, docs.id(n))
            {
                self.found.push((n, grade));
            }
        }
        let strictly_descending = scores.windows(2).all(|pair| pair[0] > pair[1]);
        if strictly_descending {
            self.found.iter().for_each(|&(n, grade)| ranked(n as u32 + 1, grade));
        } else if self.found.len() <= COUNTING_LIMIT {
            for &(n, grade) in &self.found {
                ranked(rank_by_counting(docs, scores, ties, n), grade);
            }
        } else {
            self.ranks.resize(scores.len(), 0);
            for (rank, n) in (1..).zip(in_rank_order(docs, scores, ties)) {
                self.ranks[n] = rank;
            }
            self.found.iter().for_each(|&(n, grade)| ranked(self.ranks[n], grade));
        }
    }
}

/// One more than the number of documents that stand above document `n`.
fn rank_by_counting(
    docs: &(impl Documents + ?Sized),
    scores: &[f64],
    ties: TieOrder,
    n: usize,
) -> u32 {
    let score = scores[n];
    // Two plain sums, so that the compiler can take several scores a step.
    let (mut better, mut equal) = (0u64, 0u64);
    for &other in scores {
        better += u64::from(other > score);
        equal += u64::from(other == score);
    }
    let mut rank = better as u32 + 1;
    if equal > 1 {
        let tied = (0..scores.len()).filter(|&other| scores[other] == score && other != n);
        rank += tied.filter(|&other| by_tie(docs, ties, other, n).is_lt()).count() as u32;
    }
    rank
}

/// The numbers of all documents from rank 1 on. No score may be NaN.
pub(crate) fn in_rank_order(
    docs: &(impl Documents + ?Sized),
    scores: &[f64],
    ties: TieOrder,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // `-0.0` equals `0.0`, which a total order of the bits would tell apart.
    order.sort_unstable_by(|&a, &b| {
        let by_score = scores[b].partial_cmp(&scores[a]).unwrap_or(Ordering::Equal);
        by_score.then_with(|| by_tie(docs, ties, a, b))
    });
    order
}

fn by_tie(docs: &(impl Documents + ?Sized), ties: TieOrder, a: usize, b: usize) -> Ordering {
    match ties {
        TieOrder::IdDescending => docs.id(b).cmp(docs.id(a)),
        TieOrder::IdAscending => docs.id(a).cmp(docs.id(b)),
        TieOrder::Input => a.cmp(&b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Ids(Vec<String>);

    impl Documents for Ids {
        fn id(&self, n: usize) -> &str {
            &self.0[n]
        }
    }

    fn order(ids: &[&str], scores: &[f64], ties: TieOrder) -> Vec<usize> {
        let ids = Ids(ids.iter().map(|&id| id.to_owned()).collect());
        in_rank_order(&ids, scores, ties)
    }

    #[test]
    fn zeros_of_both_signs_tie() {
        assert_eq!(order(&["a", "b"], &[0.0, -0.0], TieOrder::IdDescending), [1, 0]);
        assert_eq!(order(&["b", "a"], &[-0.0, 0.0], TieOrder::IdDescending), [0, 1]);
    }

    #[test]
    fn ids_are_ordered_by_bytes_not_by_letters() {
        let ids = ["B", "a", "é", "z"];
        assert_eq!(order(&ids, &[1.0; 4], TieOrder::IdDescending), [2, 3, 1, 0]);
        assert_eq!(order(&ids, &[1.0; 4], TieOrder::IdAscending), [0, 1, 3, 2]);
        assert_eq!(order(&ids, &[1.0; 4], TieOrder::Input), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn counting_and_sorting_agree(scores in prop::collection::vec(-3..3i8, 1..60), seed in 0..97usize) {
            let ids = Ids((0..scores.len()).map(|n| format!("d{}", n * seed % 97)).collect());
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            for ties in [TieOrder::IdDescending, TieOrder::IdAscending, TieOrder::Input] {
                // Equal ids (a seed of 0) stand in no order; runs have none.
                prop_assume!(seed != 0);
                for (rank, n) in (1..).zip(in_rank_order(&ids, &scores, ties)) {
                    prop_assert_eq!(rank_by_counting(&ids, &scores, ties, n), rank);
                }
            }
        }
    }
}
