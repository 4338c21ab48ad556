//! From the candidates of one query to its negatives.

use std::collections::{BTreeSet, HashSet};

use embedtune_data::{SeededRng, TextHash};
use embedtune_index::Neighbor;
use ndarray::{ArrayView1, ArrayView2};

use crate::{MiningConfig, MiningStats, Sampling, filter::Filter};

/// Draws per random negative before a query goes without. All but a few documents of a corpus are
/// usable, so this many misses in a row mean that none is.
const DRAWS: usize = 32;

/// One query, over the distinct documents.
pub(crate) struct OneQuery<'a> {
    pub(crate) config: &'a MiningConfig,
    /// Its vector, `(dim)`.
    pub(crate) query: ArrayView1<'a, f32>,
    /// Vectors of the distinct documents, `(places, dim)`.
    pub(crate) documents: ArrayView2<'a, f32>,
    /// Places of its positives.
    pub(crate) positives: &'a BTreeSet<u32>,
    /// What its random numbers depend on, so that they do not depend on the order of queries.
    pub(crate) text: TextHash,
}

impl OneQuery<'_> {
    /// Chooses among `found`, which is in order of rank and includes positives. Mined negatives
    /// come first, hardest first, then those drawn at random.
    pub(crate) fn mine(&self, found: &[Neighbor], stats: &mut MiningStats) -> Vec<Neighbor> {
        let config = self.config;
        let scores = self.positives.iter().map(|&place| self.score(place));
        let filter = Filter::new(config, scores.fold(f32::INFINITY, f32::min));
        let mut rng =
            SeededRng::derive(config.seed, &[self.text.0 as u64, (self.text.0 >> 64) as u64]);

        // Every positive takes one of the places searched for, found or not.
        let window = &found[..found.len().min(config.top_k + self.positives.len())];
        let mut kept: Vec<Neighbor> = Vec::new();
        for candidate in window.iter().filter(|found| !self.positives.contains(&found.id)) {
            stats.candidates += 1;
            if filter.keeps(candidate.score, stats) {
                kept.push(*candidate);
            }
        }
        kept.truncate(config.top_k);
        kept.drain(..config.range_min.min(kept.len()));

        let random = config.random_count();
        let mut negatives = sample(kept, config.per_positive - random, config.sampling, &mut rng);
        self.draw(random, &filter, &mut rng, &mut negatives);

        stats.queries += 1;
        stats.negatives += negatives.len();
        stats.short_queries += usize::from(negatives.len() < config.per_positive);
        stats.empty_queries += usize::from(negatives.is_empty());
        negatives
    }

    /// Adds `count` documents from anywhere, if there are any that may serve.
    fn draw(
        &self,
        count: usize,
        filter: &Filter<'_>,
        rng: &mut SeededRng,
        negatives: &mut Vec<Neighbor>,
    ) {
        let mut taken: HashSet<u32> = negatives.iter().map(|negative| negative.id).collect();
        for _ in 0..count {
            let drawn = (0..DRAWS).find_map(|_| {
                let id = rng.below(self.documents.nrows() as u64) as u32;
                let score = self.score(id);
                let free = !self.positives.contains(&id) && !taken.contains(&id);
                (free && filter.keeps_random(score)).then_some(Neighbor { id, score })
            });
            let Some(negative) = drawn else { return };
            taken.insert(negative.id);
            negatives.push(negative);
        }
    }

    fn score(&self, place: u32) -> f32 {
        self.query.dot(&self.documents.row(place as usize))
    }
}

/// `count` of `kept`, in order of rank.
fn sample(
    mut kept: Vec<Neighbor>,
    count: usize,
    sampling: Sampling,
    rng: &mut SeededRng,
) -> Vec<Neighbor> {
    if sampling == Sampling::Random {
        rng.shuffle(&mut kept);
    }
    kept.truncate(count);
    kept.sort_by(Neighbor::by_rank);
    kept
}
