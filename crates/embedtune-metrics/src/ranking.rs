//! The order of retrieved documents and how it meets the judgements of a query.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// The precision in which scores are compared, which decides what is a tie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorePrecision {
    /// As `pytrec_eval`, and `trec_eval` up to 9.0.4: `0.70000000001` ties with `0.7`.
    F32,
    /// As `trec_eval` from 9.0.8 on.
    #[default]
    F64,
}

impl ScorePrecision {
    fn round(self, score: f64) -> f64 {
        match self {
            Self::F32 => f64::from(score as f32),
            Self::F64 => score,
        }
    }
}

/// Documents of one query in rank order. The buffer is reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct Ranking<'a> {
    docs: Vec<(&'a str, f64)>,
}

impl<'a> Ranking<'a> {
    /// Replaces the content. No score may be NaN.
    pub(crate) fn fill(
        &mut self,
        docs: impl Iterator<Item = (&'a str, f64)>,
        precision: ScorePrecision,
    ) {
        self.docs.clear();
        self.docs.extend(docs.map(|(doc, score)| (doc, precision.round(score))));
        self.docs.sort_unstable_by(|a, b| by_rank(*a, *b));
    }

    pub(crate) fn docs(&self) -> &[(&'a str, f64)] {
        &self.docs
    }

    pub(crate) fn into_docs(self) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        self.docs.into_iter()
    }
}

/// Score descending, then document id descending bytewise. `-0.0` equals `0.0`.
fn by_rank(a: (&str, f64), b: (&str, f64)) -> Ordering {
    b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then_with(|| b.0.cmp(a.0))
}

/// One query as the measures see it: no ids and no scores, only grades by rank.
#[derive(Debug, Default)]
pub(crate) struct GradedRanking {
    /// Grade by rank, best rank first; negative where the document is not judged.
    grades: Vec<i32>,
    /// Positive grades of all judged documents, descending: the grades of the best ranking.
    ideal: Vec<i32>,
    /// Judged documents at or above the relevance level, retrieved or not.
    relevant: usize,
    /// Judged documents below the relevance level, retrieved or not.
    nonrelevant: usize,
    relevance_level: i32,
}

/// The grade of a document that nobody judged.
const UNJUDGED: i32 = -1;

impl GradedRanking {
    /// Replaces the content with the first `depth` documents of `ranking`.
    pub(crate) fn fill(
        &mut self,
        ranking: &Ranking<'_>,
        judgements: &BTreeMap<String, i32>,
        relevance_level: i32,
        depth: Option<NonZeroUsize>,
    ) {
        self.set_judgements(judgements, relevance_level);
        self.grades.clear();
        let kept = depth.map_or(usize::MAX, NonZeroUsize::get);
        let grade_of = |&(doc, _): &(&str, f64)| judgements.get(doc).copied().unwrap_or(UNJUDGED);
        self.grades.extend(ranking.docs().iter().take(kept).map(grade_of));
    }

    fn set_judgements(&mut self, judgements: &BTreeMap<String, i32>, relevance_level: i32) {
        self.relevance_level = relevance_level;
        self.ideal.clear();
        self.ideal.extend(judgements.values().copied().filter(|&grade| grade > 0));
        self.ideal.sort_unstable_by(|a, b| b.cmp(a));
        let judged = judgements.values().filter(|&&grade| grade >= 0).count();
        self.relevant = judgements.values().filter(|&&grade| grade >= relevance_level).count();
        self.nonrelevant = judged - self.relevant;
    }

    /// Grades of the first `cutoff` ranks, of all without one.
    pub(crate) fn top(&self, cutoff: Option<NonZeroUsize>) -> &[i32] {
        first(&self.grades, cutoff)
    }

    /// Grades of the first `cutoff` ranks of the best possible ranking.
    pub(crate) fn ideal_top(&self, cutoff: Option<NonZeroUsize>) -> &[i32] {
        first(&self.ideal, cutoff)
    }

    /// Relevant documents among the first `cutoff` ranks.
    pub(crate) fn hits(&self, cutoff: Option<NonZeroUsize>) -> usize {
        self.top(cutoff).iter().filter(|&&grade| self.is_relevant(grade)).count()
    }

    pub(crate) fn is_relevant(&self, grade: i32) -> bool {
        grade >= self.relevance_level
    }

    pub(crate) fn relevant(&self) -> usize {
        self.relevant
    }

    pub(crate) fn nonrelevant(&self) -> usize {
        self.nonrelevant
    }
}

fn first(grades: &[i32], cutoff: Option<NonZeroUsize>) -> &[i32] {
    let end = cutoff.map_or(grades.len(), |cutoff| cutoff.get().min(grades.len()));
    &grades[..end]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A query whose documents are ranked as the grades stand; `also_judged` were not retrieved.
    pub(crate) fn graded(grades: &[i32], also_judged: &[i32]) -> GradedRanking {
        let retrieved = grades.iter().enumerate().map(|(rank, &grade)| (format!("r{rank}"), grade));
        let missed = also_judged.iter().enumerate().map(|(n, &grade)| (format!("m{n}"), grade));
        let judgements: BTreeMap<String, i32> = retrieved.chain(missed).collect();
        let names: Vec<String> = (0..grades.len()).map(|rank| format!("r{rank}")).collect();
        let mut ranking = Ranking::default();
        let docs = names.iter().enumerate().map(|(rank, name)| (name.as_str(), -(rank as f64)));
        ranking.fill(docs, ScorePrecision::F64);
        let mut query = GradedRanking::default();
        query.fill(&ranking, &judgements, 1, None);
        query
    }

    #[test]
    fn zeros_of_both_signs_tie() {
        assert_eq!(by_rank(("a", 0.0), ("b", -0.0)), Ordering::Greater);
        assert_eq!(by_rank(("b", -0.0), ("a", 0.0)), Ordering::Less);
    }

    #[test]
    fn ids_are_ordered_by_bytes_not_by_letters() {
        let mut ranking = Ranking::default();
        let docs = ["B", "a", "é", "z"].into_iter().map(|doc| (doc, 1.0));
        ranking.fill(docs, ScorePrecision::F64);
        let ids: Vec<_> = ranking.docs().iter().map(|(doc, _)| *doc).collect();
        assert_eq!(ids, ["é", "z", "a", "B"]);
    }

    #[test]
    fn negative_grades_count_nowhere() {
        let query = graded(&[1, -1, 0], &[2, -1]);
        assert_eq!((query.relevant(), query.nonrelevant()), (2, 1));
        assert_eq!(query.ideal_top(None), [2, 1]);
        assert_eq!(query.top(NonZeroUsize::new(2)), [1, -1]);
    }
}
