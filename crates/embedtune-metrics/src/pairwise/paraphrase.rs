//! Are the closest pairs of a pool of texts the ones that mean the same?

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::sweep::Sweep;
use super::{Closeness, check_scores};
use crate::error::MetricsError;

/// A pair that mining found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoredPair {
    /// Number of one text.
    pub first: u32,
    /// Number of the other.
    pub second: u32,
    /// How close they are.
    pub score: f64,
}

/// The outcome of [`evaluate_paraphrase_mining`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParaphraseReport {
    /// Distinct pairs that were mined.
    pub mined: usize,
    /// Distinct pairs that are duplicates, whether mined or not.
    pub duplicates: usize,
    /// Duplicates among the mined pairs: recall cannot exceed `found / duplicates`.
    pub found: usize,
    /// Average precision `Σ (R_n - R_{n-1}) P_n` over the distinct scores; duplicates that were
    /// not mined count as never found. 0 without duplicates.
    pub average_precision: f64,
    /// The highest F1 that a threshold reaches.
    pub f1: f64,
    /// Precision at [`Self::threshold`].
    pub precision: f64,
    /// Recall at [`Self::threshold`], out of all duplicates.
    pub recall: f64,
    /// The threshold with the highest F1, half-way between two scores; `None` when no duplicate was
    /// mined.
    pub threshold: Option<f64>,
}

/// Scores mined pairs against the pairs that are known to be duplicates.
///
/// Pairs have no direction: `(1, 2)` is `(2, 1)`. A pair that was mined twice counts once, with its
/// closest score; a text paired with itself is left out on both sides. As Sentence Transformers'
/// `ParaphraseMiningEvaluator`, whose miner never returns such pairs.
///
/// Every pair that is not in `duplicates` counts as wrong, so that missing labels lower the
/// precision; see [`transitive_closure`].
///
/// # Errors
/// [`MetricsError::BadScore`]; [`MetricsError::NothingToScore`] without a duplicate to find.
/// Nothing mined is a result: 0.
///
/// ```
/// use embedtune_metrics::pairwise::{Closeness, ScoredPair, evaluate_paraphrase_mining};
///
/// let pair = |first, second, score| ScoredPair { first, second, score };
/// let mined = [pair(0, 1, 0.9), pair(2, 3, 0.8), pair(1, 2, 0.6)];
/// let report = evaluate_paraphrase_mining(&mined, &[(1, 0), (4, 5)], Closeness::Similarity)?;
/// assert_eq!((report.found, report.average_precision), (1, 0.5));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn evaluate_paraphrase_mining(
    mined: &[ScoredPair],
    duplicates: &[(u32, u32)],
    closeness: Closeness,
) -> Result<ParaphraseReport, MetricsError> {
    let scores: Vec<f64> = mined.iter().map(|pair| pair.score).collect();
    check_scores("score", &scores)?;
    let duplicates: BTreeSet<(u32, u32)> =
        duplicates.iter().filter_map(|&(a, b)| unordered(a, b)).collect();
    if duplicates.is_empty() {
        return Err(MetricsError::NothingToScore { what: "duplicate" });
    }
    let mut closest: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for pair in mined {
        if let Some(key) = unordered(pair.first, pair.second) {
            let toward = closeness.toward(pair.score);
            let best = closest.entry(key).or_insert(toward);
            *best = best.max(toward);
        }
    }
    let labelled = closest.iter().map(|(key, &score)| (score, duplicates.contains(key)));
    let sweep = Sweep::new(labelled.collect());
    let best = sweep.best_f1(duplicates.len());
    let threshold = best.as_ref().map(|best| closeness.toward(best.threshold));
    let (f1, precision, recall) =
        best.map_or((0.0, 0.0, 0.0), |best| (best.f1, best.precision, best.recall));
    Ok(ParaphraseReport {
        mined: closest.len(),
        duplicates: duplicates.len(),
        found: sweep.steps.last().map_or(0, |step| step.correct),
        average_precision: sweep.average_precision(duplicates.len()),
        f1,
        precision,
        recall,
        threshold,
    })
}

fn unordered(a: u32, b: u32) -> Option<(u32, u32)> {
    (a != b).then(|| (a.min(b), a.max(b)))
}

/// Adds the pairs that follow: if a = b and b = c, then a = c. Each pair once, smaller number
/// first, in order.
///
/// A chain of n texts becomes n (n - 1) / 2 pairs; a single wrong label can join two large groups.
pub fn transitive_closure(duplicates: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut groups = Groups::default();
    for &(a, b) in duplicates {
        groups.join(a, b);
    }
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let texts: Vec<u32> = groups.parents.keys().copied().collect();
    for text in texts {
        members.entry(groups.root(text)).or_default().push(text);
    }
    let mut pairs: Vec<(u32, u32)> = members
        .values()
        .flat_map(|texts| {
            texts.iter().enumerate().flat_map(|(i, &a)| texts[i + 1..].iter().map(move |&b| (a, b)))
        })
        .collect();
    pairs.sort_unstable();
    pairs
}

/// Disjoint sets of texts; the smallest number of a set is its root.
#[derive(Default)]
struct Groups {
    parents: BTreeMap<u32, u32>,
}

impl Groups {
    fn root(&mut self, text: u32) -> u32 {
        let mut root = text;
        while let Some(&parent) = self.parents.get(&root).filter(|&&parent| parent != root) {
            root = parent;
        }
        // The whole path points at the root from now on, so that long chains stay cheap.
        let mut step = text;
        while step != root {
            step = self.parents.insert(step, root).unwrap_or(root);
        }
        self.parents.insert(root, root);
        root
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents.insert(a.max(b), a.min(b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(first: u32, second: u32, score: f64) -> ScoredPair {
        ScoredPair { first, second, score }
    }

    #[test]
    fn repeats_and_direction_do_not_count() {
        let once = [pair(0, 1, 0.9), pair(1, 2, 0.5)];
        let again = [pair(1, 2, 0.4), pair(1, 0, 0.9), pair(2, 1, 0.5), pair(3, 3, 1.0)];
        let of = |mined: &[ScoredPair]| {
            evaluate_paraphrase_mining(mined, &[(2, 1), (1, 2), (5, 5)], Closeness::Similarity)
        };
        assert_eq!(of(&once).unwrap(), of(&again).unwrap());
        assert_eq!(of(&once).unwrap().duplicates, 1);
    }

    #[test]
    fn distances_turn_the_order_round() {
        let near = [pair(0, 1, 0.1), pair(0, 2, 0.5), pair(0, 3, 0.7)];
        let report = evaluate_paraphrase_mining(&near, &[(0, 1)], Closeness::Distance).unwrap();
        assert_eq!((report.f1, report.threshold), (1.0, Some(0.3)));
    }

    #[test]
    fn nothing_mined_is_zero_and_nothing_to_find_an_error() {
        let report = evaluate_paraphrase_mining(&[], &[(0, 1)], Closeness::Similarity).unwrap();
        assert_eq!((report.f1, report.average_precision, report.threshold), (0.0, 0.0, None));
        for none in [&[][..], &[(3, 3)]] {
            assert!(matches!(
                evaluate_paraphrase_mining(&[pair(0, 1, 0.5)], none, Closeness::Similarity),
                Err(MetricsError::NothingToScore { .. })
            ));
        }
    }

    #[test]
    fn closure_joins_chains() {
        assert_eq!(
            transitive_closure(&[(5, 4), (1, 2), (7, 5), (2, 1), (9, 9)]),
            [(1, 2), (4, 5), (4, 7), (5, 7)]
        );
        let chain: Vec<(u32, u32)> = (0..200).map(|i| (i + 1, i)).collect();
        assert_eq!(transitive_closure(&chain).len(), 201 * 200 / 2);
    }
}
