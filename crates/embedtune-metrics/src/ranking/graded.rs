//! One query as the measures see it: no ids and no scores, only grades by rank.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// A judged document that was retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// From 1 on.
    pub(crate) rank: u32,
    /// Below 0: in the pool, not judged.
    pub(crate) grade: i32,
}

impl Hit {
    pub(crate) fn is_judged(&self) -> bool {
        self.grade >= 0
    }
}

/// What of a ranking is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) depth: Option<NonZeroUsize>,
    pub(crate) judged_only: bool,
}

/// The judged documents of a ranking, and all counts that measures need.
#[derive(Debug, Default)]
pub(crate) struct GradedRanking {
    /// By rank.
    hits: Vec<Hit>,
    /// Documents retrieved, judged or not.
    retrieved: usize,
    /// Positive grades of all judged documents, descending: the grades of the best ranking.
    ideal: Vec<i32>,
    /// Judged documents of grade 0.
    zeros: usize,
    /// Judged documents at or above the relevance level, retrieved or not.
    relevant: usize,
    /// Judged documents below the relevance level, retrieved or not.
    nonrelevant: usize,
    /// Documents of the collection, for utility.
    pub(crate) collection_size: u64,
    /// How recall points are turned into counts of documents.
    pub(crate) recall_points: crate::RecallPoints,
    relevance_level: i32,
}

impl GradedRanking {
    /// Replaces the judgements, and the ranking by none.
    pub(crate) fn set_judgements(&mut self, judgements: &BTreeMap<String, i32>, level: i32) {
        self.relevance_level = level;
        self.ideal.clear();
        self.ideal.extend(judgements.values().copied().filter(|&grade| grade > 0));
        self.ideal.sort_unstable_by(|a, b| b.cmp(a));
        self.zeros = judgements.values().filter(|&&grade| grade == 0).count();
        self.relevant = self.ideal.iter().filter(|&&grade| grade >= level).count();
        self.nonrelevant = self.ideal.len() + self.zeros - self.relevant;
        self.hits.clear();
        self.retrieved = 0;
    }

    /// Adds a judged document at `rank`, in any order; [`GradedRanking::finish`] sorts them.
    #[inline]
    pub(crate) fn push(&mut self, rank: u32, grade: i32) {
        self.hits.push(Hit { rank, grade });
    }

    /// Ends the ranking: `retrieved` documents, of which `view` is looked at.
    pub(crate) fn finish(&mut self, retrieved: usize, view: View) {
        self.hits.sort_unstable_by_key(|hit| hit.rank);
        self.retrieved = retrieved;
        if let Some(depth) = view.depth {
            self.retrieved = retrieved.min(depth.get());
            self.hits.retain(|hit| hit.rank as usize <= depth.get());
        }
        if view.judged_only {
            self.hits.retain(Hit::is_judged);
            (1..).zip(&mut self.hits).for_each(|(rank, hit)| hit.rank = rank);
            self.retrieved = self.hits.len();
        }
    }

    /// The judged documents among the first `cutoff` ranks.
    pub(crate) fn top(&self, cutoff: Option<NonZeroUsize>) -> &[Hit] {
        match cutoff {
            None => &self.hits,
            Some(cutoff) => {
                &self.hits[..self.hits.partition_point(|hit| hit.rank as usize <= cutoff.get())]
            }
        }
    }

    /// Grades of the first `cutoff` ranks of the best possible ranking.
    pub(crate) fn ideal_top(&self, cutoff: Option<NonZeroUsize>) -> &[i32] {
        let end = cutoff.map_or(self.ideal.len(), |cutoff| cutoff.get().min(self.ideal.len()));
        &self.ideal[..end]
    }

    /// The ranks of the relevant documents among the first `cutoff`.
    pub(crate) fn relevant_ranks(
        &self,
        cutoff: Option<NonZeroUsize>,
    ) -> impl DoubleEndedIterator<Item = u32> {
        let relevant = self.top(cutoff).iter().filter(|hit| self.is_relevant(hit.grade));
        relevant.map(|hit| hit.rank)
    }

    /// Relevant documents among the first `cutoff` ranks.
    pub(crate) fn hits(&self, cutoff: Option<NonZeroUsize>) -> usize {
        self.relevant_ranks(cutoff).count()
    }

    pub(crate) fn is_relevant(&self, grade: i32) -> bool {
        grade >= self.relevance_level
    }

    /// Documents retrieved, judged or not.
    pub(crate) fn retrieved(&self) -> usize {
        self.retrieved
    }

    pub(crate) fn relevant(&self) -> usize {
        self.relevant
    }

    pub(crate) fn nonrelevant(&self) -> usize {
        self.nonrelevant
    }

    /// Judged documents of grade 0, retrieved or not.
    pub(crate) fn zeros(&self) -> usize {
        self.zeros
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A query whose documents are ranked as the grades stand, -1 being unjudged and -2 pooled;
    /// `also_judged` were not retrieved.
    pub(crate) fn graded(grades: &[i32], also_judged: &[i32]) -> GradedRanking {
        graded_at(1, grades, also_judged)
    }

    pub(crate) fn graded_at(level: i32, grades: &[i32], also_judged: &[i32]) -> GradedRanking {
        let known = |grade: &&i32| **grade != -1;
        let judgements: BTreeMap<String, i32> = grades
            .iter()
            .filter(known)
            .chain(also_judged)
            .enumerate()
            .map(|(n, &grade)| (n.to_string(), grade))
            .collect();
        let mut query = GradedRanking::default();
        query.set_judgements(&judgements, level);
        for (rank, &grade) in (1..).zip(grades).filter(|(_, grade)| **grade != -1) {
            query.push(rank, grade);
        }
        query.finish(grades.len(), View { depth: None, judged_only: false });
        query
    }

    #[test]
    fn negative_grades_count_nowhere() {
        let query = graded(&[1, -2, 0], &[2, -2]);
        assert_eq!((query.relevant(), query.nonrelevant(), query.zeros()), (2, 1, 1));
        assert_eq!(query.ideal_top(None), [2, 1]);
        assert_eq!(query.top(NonZeroUsize::new(2)).len(), 2);
        assert_eq!((query.retrieved(), query.hits(None)), (3, 1));
    }

    #[test]
    fn depth_cuts_first_and_judged_only_closes_the_gaps() {
        let mut query = graded(&[], &[1, 1, 0]);
        for (rank, grade) in [(5, 0), (3, 1), (2, -3), (6, 1)] {
            query.push(rank, grade);
        }
        let view = View { depth: NonZeroUsize::new(5), judged_only: true };
        query.finish(9, view);
        assert_eq!(query.top(None), [Hit { rank: 1, grade: 1 }, Hit { rank: 2, grade: 0 }]);
        assert_eq!(query.retrieved(), 2);
    }
}
