//! How a system scores relevant documents, and how the others.

use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::{Evaluation, RetrievalEvaluator};

/// Fewest and most bins of a [`ScoreDistribution`].
const BINS: (usize, usize) = (12, 40);

/// The scores of what one system retrieved, split by relevance.
///
/// A threshold on the score ("show nothing below 0.4") is right only for the model that it was
/// chosen for: fine-tuning moves both distributions, and these show by how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreDistribution {
    /// Name of the system.
    pub name: String,
    /// Documents retrieved for a query at most: what ranks lower has no score here.
    pub depth: usize,
    /// Scores of retrieved relevant documents.
    pub relevant: Histogram,
    /// Scores of retrieved documents that are not judged relevant.
    pub other: Histogram,
    /// Median score of the retrieved relevant documents.
    pub relevant_median: Option<f64>,
    /// Median score of the others.
    pub other_median: Option<f64>,
    /// Relevant documents that were not retrieved.
    pub missed: usize,
}

impl RetrievalEvaluator {
    /// The distributions of the scores of `systems`, which are evaluations of this evaluator, over
    /// one range of scores: they can be drawn above each other. Scores that are not finite are
    /// left out.
    pub fn score_distributions(&self, systems: &[(&str, &Evaluation)]) -> Vec<ScoreDistribution> {
        let scores: Vec<Scores> =
            systems.iter().map(|(_, evaluation)| self.scores_of(evaluation)).collect();
        let all = scores.iter().flat_map(|it| it.relevant.iter().chain(&it.other)).copied();
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), score| {
            (low.min(score), high.max(score))
        });
        let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
        if !low.is_finite() {
            return Vec::new();
        }
        let depth = self.config.depth();
        let bins = bins(scores.iter().map(|it| it.relevant.len()).max().unwrap_or(0));
        let named = systems.iter().zip(scores);
        named
            .map(|((name, _), scores)| scores.distribution(name, depth, (low, high, bins)))
            .collect()
    }

    fn scores_of(&self, evaluation: &Evaluation) -> Scores {
        let precision = self.config.scoring.score_precision;
        let mut scores = Scores::default();
        for (query, judged) in self.qrels.iter() {
            let is_relevant = |id: &str| judged.get(id).is_some_and(|&grade| grade > 0);
            let mut found = 0;
            for (document, score) in evaluation.run.ranking(query, precision) {
                let relevant = is_relevant(document);
                found += usize::from(relevant);
                if score.is_finite() {
                    let side = if relevant { &mut scores.relevant } else { &mut scores.other };
                    side.push(score);
                }
            }
            scores.missed += self.qrels.relevant(query).count().saturating_sub(found);
        }
        scores.relevant.sort_unstable_by(f64::total_cmp);
        scores.other.sort_unstable_by(f64::total_cmp);
        scores
    }
}

/// The finite scores of a system, ascending.
#[derive(Default)]
struct Scores {
    relevant: Vec<f64>,
    other: Vec<f64>,
    missed: usize,
}

impl Scores {
    fn distribution(
        self,
        name: &str,
        depth: usize,
        (low, high, bins): (f64, f64, usize),
    ) -> ScoreDistribution {
        let histogram = |scores: &[f64]| Histogram::of(scores.iter().copied(), low, high, bins);
        ScoreDistribution {
            name: name.to_owned(),
            depth,
            relevant: histogram(&self.relevant),
            other: histogram(&self.other),
            relevant_median: median(&self.relevant),
            other_median: median(&self.other),
            missed: self.missed,
        }
    }
}

/// Bins that show the shape of `values` values and not their chance: about twice their root.
fn bins(values: usize) -> usize {
    (2.0 * (values as f64).sqrt()).clamp(BINS.0 as f64, BINS.1 as f64) as usize
}

/// Of ascending values; the mean of the middle two where there are two.
fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) =
        (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(low + (high - low) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_few_bins() {
        assert_eq!([0, 60, 200, 1_000_000].map(bins), [12, 15, 28, 40]);
    }

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
    }
}
