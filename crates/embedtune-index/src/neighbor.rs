//! Results and their order.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A document found, with its score: higher is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Number of the document in the order in which the index was given it.
    pub id: u32,
    /// Inner product with the query (the cosine, when both are unit vectors) or BM25 score.
    pub score: f32,
}

impl Neighbor {
    /// The score by which to rank. Adding zero turns −0 into 0, which is the same score.
    fn key(&self) -> f32 {
        if self.score.is_nan() { f32::NEG_INFINITY } else { self.score + 0.0 }
    }

    /// Order of a result list: score descending, equal scores by ascending id. `Less` comes
    /// first. NaN ranks with −∞.
    pub fn by_rank(&self, other: &Self) -> Ordering {
        other.key().total_cmp(&self.key()).then(self.id.cmp(&other.id))
    }
}

/// Collects the best `k` of any number of neighbors in `O(k)` memory; which ones, and their order,
/// do not depend on the order in which they are offered.
///
/// ```
/// use embedtune_index::{Neighbor, TopK};
///
/// let mut top = TopK::new(2);
/// for (id, score) in [(0, 0.1), (1, 0.9), (2, 0.9), (3, 0.9)] {
///     top.offer(Neighbor { id, score });
/// }
/// let ids: Vec<u32> = top.into_sorted().iter().map(|neighbor| neighbor.id).collect();
/// assert_eq!(ids, [1, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    /// The worst on top.
    heap: BinaryHeap<Ranked>,
}

impl TopK {
    /// Room for the best `k`.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Keeps `neighbor` if it ranks among the best `k` so far.
    pub fn offer(&mut self, neighbor: Neighbor) {
        if self.heap.len() < self.k {
            self.heap.push(Ranked(neighbor));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && neighbor.by_rank(&worst.0).is_lt()
        {
            *worst = Ranked(neighbor);
        }
    }

    /// Offers documents `first_id, first_id + 1, …`, whose ids must be above all offered before.
    pub(crate) fn offer_scores(&mut self, first_id: u32, scores: &[f32]) {
        const BLOCK: usize = 16;
        for (block, scores) in scores.chunks(BLOCK).enumerate() {
            let bar = self.bar();
            // One vector comparison dismisses most blocks. An equal score loses by its higher id.
            if !scores.iter().fold(false, |any, &score| any | (score > bar)) && self.is_full() {
                continue;
            }
            for (id, &score) in (first_id + (block * BLOCK) as u32..).zip(scores) {
                self.offer(Neighbor { id, score });
            }
        }
    }

    fn is_full(&self) -> bool {
        self.heap.len() == self.k
    }

    fn bar(&self) -> f32 {
        self.heap.peek().map_or(f32::INFINITY, |worst| worst.0.key())
    }

    /// The neighbors kept, best first.
    pub fn into_sorted(self) -> Vec<Neighbor> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}

/// Ordered by rank, so that the greatest is the worst.
#[derive(Debug, Clone, Copy)]
struct Ranked(Neighbor);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.by_rank(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_what_a_full_sort_keeps(
            // Few distinct scores, so that ties are the rule.
            scores in prop::collection::vec(prop_oneof![-3i8..3, Just(99)], 0..200),
            k in 0usize..30,
        ) {
            let score = |x: i8| if x == 99 { f32::NAN } else { f32::from(x) * 0.5 };
            let scores: Vec<f32> = scores.into_iter().map(score).collect();
            let mut all: Vec<Neighbor> =
                (0..).zip(&scores).map(|(id, &score)| Neighbor { id, score }).collect();

            let (mut one_by_one, mut blocks) = (TopK::new(k), TopK::new(k));
            all.iter().rev().for_each(|&neighbor| one_by_one.offer(neighbor));
            let half = scores.len() / 2;
            blocks.offer_scores(0, &scores[..half]);
            blocks.offer_scores(half as u32, &scores[half..]);

            all.sort_by(Neighbor::by_rank);
            let ids = |list: &[Neighbor]| list.iter().map(|n| n.id).collect::<Vec<_>>();
            let expected = ids(&all[..k.min(all.len())]);
            prop_assert_eq!(ids(&one_by_one.into_sorted()), expected.clone());
            prop_assert_eq!(ids(&blocks.into_sorted()), expected);
        }
    }
}
