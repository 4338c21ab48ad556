//! The retrieved pairs of query and document by score.

use crate::{Evaluation, RetrievalEvaluator};

/// A query and a document that was retrieved for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) score: f64,
    /// Number of the query.
    pub(super) query: u32,
    pub(super) relevant: bool,
}

/// All pairs that one system retrieved.
///
/// Weights say how often a query counts: once, or as often as a bootstrap sample drew it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoredPairs {
    /// By score, descending.
    pairs: Vec<Pair>,
    /// Relevant documents of each query, retrieved or not.
    relevant: Vec<u64>,
}

/// What is shown from a threshold on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) threshold: f64,
    pub(super) shown: u64,
    pub(super) relevant: u64,
}

impl Cut {
    /// Whether the precision is at least that of `other`. Both sides are whole numbers, so that
    /// equal precisions are equal.
    fn is_as_precise_as(&self, other: &Cut) -> bool {
        let products = |a: u64, b: u64| u128::from(a) * u128::from(b);
        products(self.relevant, other.shown) >= products(other.relevant, self.shown)
    }
}

impl ScoredPairs {
    /// Those of an evaluation of `evaluator`. Scores that are not finite are left out.
    pub(super) fn of(evaluator: &RetrievalEvaluator, evaluation: &Evaluation) -> Self {
        let precision = evaluator.config.scoring.score_precision;
        let (mut pairs, mut relevant) = (Vec::new(), Vec::new());
        for (number, (query, judged)) in (0..).zip(evaluator.qrels.iter()) {
            let is_relevant = |id: &str| judged.get(id).is_some_and(|&grade| grade > 0);
            let ranking = evaluation.run.ranking(query, precision);
            pairs.extend(ranking.filter(|(_, score)| score.is_finite()).map(
                |(document, score)| Pair { score, query: number, relevant: is_relevant(document) },
            ));
            relevant.push(judged.values().filter(|&&grade| grade > 0).count() as u64);
        }
        Self::new(pairs, relevant)
    }

    /// From pairs in any order, and the number of relevant documents of each query.
    pub(super) fn new(mut pairs: Vec<Pair>, relevant: Vec<u64>) -> Self {
        pairs.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        Self { pairs, relevant }
    }

    /// The number of queries.
    pub(super) fn queries(&self) -> usize {
        self.relevant.len()
    }

    /// Relevant documents, retrieved or not.
    pub(super) fn relevant(&self, weights: &[u64]) -> u64 {
        self.relevant.iter().zip(weights).map(|(relevant, weight)| relevant * weight).sum()
    }

    /// How many documents `threshold` shows of each query.
    pub(super) fn shown_by_query(&self, threshold: f64) -> Vec<usize> {
        let mut shown = vec![0; self.queries()];
        for pair in self.pairs.iter().take_while(|pair| pair.score >= threshold) {
            shown[pair.query as usize] += 1;
        }
        shown
    }

    /// What `threshold` shows.
    pub(super) fn at(&self, threshold: f64, weights: &[u64]) -> Cut {
        let mut cut = Cut { threshold, shown: 0, relevant: 0 };
        let shown = self.pairs.partition_point(|pair| pair.score >= threshold);
        for pair in &self.pairs[..shown] {
            add(&mut cut, pair, weights);
        }
        cut
    }

    /// The cut with the lowest threshold, so the highest recall, that is as precise as `target`.
    pub(super) fn lowest_with(&self, target: Cut, weights: &[u64]) -> Option<Cut> {
        let mut lowest = None;
        self.each_cut(weights, |cut| {
            if cut.is_as_precise_as(&target) {
                lowest = Some(cut);
            }
        });
        lowest
    }

    /// The cut with the best F1 over all queries; of several, that with the highest threshold.
    /// `None` if no relevant document was retrieved.
    pub(super) fn best_f1(&self) -> Option<Cut> {
        let everyone = vec![1; self.queries()];
        let relevant = self.relevant(&everyone);
        // F1 is 2 r / (shown + relevant): it grows as r / (shown + relevant) does.
        let with_relevant = |cut: Cut| Cut { shown: cut.shown + relevant, ..cut };
        let mut best: Option<Cut> = None;
        self.each_cut(&everyone, |cut| {
            let is_better =
                best.is_none_or(|best| !with_relevant(best).is_as_precise_as(&with_relevant(cut)));
            if cut.relevant > 0 && is_better {
                best = Some(cut);
            }
        });
        best
    }

    /// The cut with the best precision; of several, that with the lowest threshold. Without
    /// pairs, one that shows nothing.
    pub(super) fn most_precise(&self) -> Cut {
        let mut best = Cut { threshold: f64::MAX, shown: 0, relevant: 0 };
        self.each_cut(&vec![1; self.queries()], |cut| {
            if best.shown == 0 || cut.is_as_precise_as(&best) {
                best = cut;
            }
        });
        best
    }

    /// Visits what every score shows as the threshold, from the highest down. Equal scores are
    /// shown together, and scores of queries without weight are not there.
    fn each_cut(&self, weights: &[u64], mut visit: impl FnMut(Cut)) {
        let mut cut = Cut { threshold: f64::MAX, shown: 0, relevant: 0 };
        for group in self.pairs.chunk_by(|a, b| a.score == b.score) {
            let shown_before = cut.shown;
            group.iter().for_each(|pair| add(&mut cut, pair, weights));
            if cut.shown > shown_before {
                cut.threshold = group[0].score;
                visit(cut);
            }
        }
    }
}

fn add(cut: &mut Cut, pair: &Pair, weights: &[u64]) {
    let weight = weights[pair.query as usize];
    cut.shown += weight;
    cut.relevant += if pair.relevant { weight } else { 0 };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUERIES: usize = 4;

    /// Few distinct scores, so that there are ties.
    fn pairs() -> impl Strategy<Value = ScoredPairs> {
        let pair = (0u8..8, 0..QUERIES as u32, any::<bool>());
        let pair = pair.prop_map(|(score, query, relevant)| Pair {
            score: f64::from(score) / 8.0,
            query,
            relevant,
        });
        prop::collection::vec(pair, 1..40).prop_map(|pairs| {
            let count = |query| pairs.iter().filter(|it| it.query == query && it.relevant).count();
            let relevant = (0..QUERIES as u32).map(|query| count(query) as u64 + 1).collect();
            ScoredPairs::new(pairs, relevant)
        })
    }

    /// Every threshold that occurs, each counted on its own.
    fn naive_cuts(scored: &ScoredPairs, weights: &[u64]) -> Vec<Cut> {
        let counted = |threshold: f64, only_relevant: bool| -> u64 {
            let shown = scored.pairs.iter().filter(|it| it.score >= threshold);
            shown
                .filter(|it| it.relevant || !only_relevant)
                .map(|it| weights[it.query as usize])
                .sum()
        };
        let present = scored.pairs.iter().filter(|it| weights[it.query as usize] > 0);
        present
            .map(|it| Cut {
                threshold: it.score,
                shown: counted(it.score, false),
                relevant: counted(it.score, true),
            })
            .collect()
    }

    fn precision(cut: &Cut) -> f64 {
        cut.relevant as f64 / cut.shown as f64
    }

    proptest! {
        #[test]
        fn the_lowest_threshold_is_the_one_that_trying_all_finds(
            scored in pairs(),
            weights in prop::collection::vec(0u64..3, QUERIES),
            relevant in 0u64..8,
            more in 0u64..8,
        ) {
            let target = Cut { threshold: 0.0, shown: relevant + more + 1, relevant };
            let naive = naive_cuts(&scored, &weights)
                .into_iter()
                .filter(|cut| precision(cut) >= precision(&target))
                .min_by(|a, b| a.threshold.total_cmp(&b.threshold));
            prop_assert_eq!(scored.lowest_with(target, &weights), naive);
            for cut in naive_cuts(&scored, &weights) {
                prop_assert_eq!(scored.at(cut.threshold, &weights), cut);
                let by_query = scored.shown_by_query(cut.threshold);
                let shown: u64 = by_query.iter().zip(&weights).map(|(n, w)| *n as u64 * w).sum();
                prop_assert_eq!(shown, cut.shown);
            }
        }

        #[test]
        fn the_best_f1_is_the_one_that_trying_all_finds(scored in pairs()) {
            let everyone = vec![1; QUERIES];
            let total = scored.relevant(&everyone) as f64;
            let f1 = |cut: &Cut| {
                let (precision, recall) = (precision(cut), cut.relevant as f64 / total);
                if cut.relevant == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
            };
            let naive = naive_cuts(&scored, &everyone);
            let best = naive.iter().map(f1).fold(0.0, f64::max);
            match scored.best_f1() {
                Some(cut) => prop_assert!((f1(&cut) - best).abs() < 1e-12),
                None => prop_assert_eq!(best, 0.0),
            }
            let most = naive.iter().map(precision).fold(0.0, f64::max);
            prop_assert_eq!(precision(&scored.most_precise()), most);
        }

        /// A weight is as good as that many copies of the query.
        #[test]
        fn weights_are_copies(
            scored in pairs(),
            weights in prop::collection::vec(0u64..4, QUERIES),
        ) {
            let copies = scored.pairs.iter().flat_map(|pair| {
                std::iter::repeat_n(*pair, weights[pair.query as usize] as usize)
            });
            let copied = ScoredPairs::new(copies.collect(), scored.relevant.clone());
            let target = Cut { threshold: 0.0, shown: 2, relevant: 1 };
            prop_assert_eq!(
                scored.lowest_with(target, &weights),
                copied.lowest_with(target, &[1; QUERIES])
            );
        }
    }

    #[test]
    fn nothing_retrieved_shows_nothing() {
        let none = ScoredPairs::new(Vec::new(), vec![1, 1]);
        assert_eq!(none.best_f1(), None);
        assert_eq!(none.most_precise().shown, 0);
        let target = Cut { threshold: 0.0, shown: 2, relevant: 1 };
        assert_eq!(none.lowest_with(target, &[1, 1]), None);
    }
}
