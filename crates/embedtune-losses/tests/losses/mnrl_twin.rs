//! Multiple negatives ranking against a slow twin that walks over lists, and its invariances.

use candle_core::DType;
use embedtune_losses::{
    Direction, LossBatch, LossConfig, MnrlConfig, Partition, Relation, Similarity,
};
use embedtune_testkit::{Tolerance, assert_close, finite_difference, normal};
use proptest::{prelude::*, sample::subsequence};

use crate::support::{evaluate, tensor, values, with_embeddings};

const DIM: usize = 5;

/// The loss as its documentation says it, list by list.
struct Twin<'a> {
    config: &'a MnrlConfig,
    batch: &'a LossBatch,
    rows: Vec<Vec<f64>>,
}

impl Twin<'_> {
    fn value(config: &MnrlConfig, batch: &LossBatch) -> f64 {
        let twin = Twin { config, batch, rows: batch.embeddings.to_vec2().unwrap() };
        let weight = |i: usize| batch.weights.get(i).map_or(1.0, |&w| f64::from(w));
        let total: f64 = (0..batch.len()).map(weight).sum();
        let sum: f64 = (0..batch.len()).map(|i| weight(i) * twin.example(i)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    }

    fn example(&self, i: usize) -> f64 {
        let positives = &self.batch.relations[i].positives;
        let term = |&p: &u32| {
            let parts: Vec<f64> =
                self.config.directions.iter().map(|&d| self.part(d, i, p)).collect();
            let log_z = match self.config.partition {
                Partition::Joint => parts.iter().sum::<f64>().ln(),
                Partition::PerDirection => {
                    parts.iter().map(|z| z.ln()).sum::<f64>() / parts.len() as f64
                }
            };
            log_z - self.score(self.batch.anchors[i], self.document(p))
        };
        positives.iter().map(term).sum::<f64>() / positives.len() as f64
    }

    /// One direction's part of the partition function of example `i` and its positive `p`.
    fn part(&self, direction: Direction, i: usize, p: u32) -> f64 {
        let (batch, mask) = (self.batch, self.config.mask_false_negatives);
        let own = &batch.relations[i];
        let (anchor, positive) = (batch.anchors[i], self.document(p));
        let ignored = |c: u32| mask && own.ignored.contains(&c);
        let candidates = 0..batch.candidates.len() as u32;
        let examples = 0..batch.len();
        match direction {
            Direction::QueryToDoc => candidates
                .filter(|c| *c == p || !own.positives.contains(c))
                .filter(|c| *c == p || self.config.in_batch_negatives || own.negatives.contains(c))
                .filter(|&c| !ignored(c))
                .map(|c| self.score(anchor, self.document(c)).exp())
                .sum(),
            Direction::DocToQuery => examples
                .filter(|&j| j == i || !(mask && self.related(i, p, j)))
                .map(|j| self.score(positive, batch.anchors[j]).exp())
                .sum(),
            Direction::QueryToQuery => examples
                .filter(|&j| j != i && !(mask && self.related(i, p, j)))
                .map(|j| self.score(anchor, batch.anchors[j]).exp())
                .sum(),
            Direction::DocToDoc => candidates
                .filter(|c| !own.positives.contains(c) && !own.negatives.contains(c))
                .filter(|&c| !ignored(c))
                .map(|c| self.score(positive, self.document(c)).exp())
                .sum(),
        }
    }

    /// Whether positive `p` of example `i` is relevant to example `j` too.
    fn related(&self, i: usize, p: u32, j: usize) -> bool {
        let other = &self.batch.relations[j];
        self.batch.anchors[j] == self.batch.anchors[i]
            || other.positives.contains(&p)
            || other.ignored.contains(&p)
    }

    fn document(&self, candidate: u32) -> u32 {
        self.batch.candidates[candidate as usize]
    }

    fn score(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (&self.rows[a as usize], &self.rows[b as usize]);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let scale = match self.config.similarity {
            Similarity::Cosine => dot(a, a).sqrt() * dot(b, b).sqrt(),
            Similarity::Dot => 1.0,
        };
        dot(a, b) / scale / self.config.temperature
    }
}

fn configs() -> impl Strategy<Value = MnrlConfig> {
    use Direction::{DocToDoc, DocToQuery, QueryToDoc, QueryToQuery};
    let further = subsequence(vec![DocToQuery, QueryToQuery, DocToDoc], 0..=3);
    (further, any::<[bool; 4]>(), 0.1..2.0_f64).prop_map(|(further, flags, temperature)| {
        let [dot, mask, in_batch, per_direction] = flags;
        let ill_defined = further.iter().any(|d| *d != DocToQuery);
        let partition =
            if per_direction && !ill_defined { Partition::PerDirection } else { Partition::Joint };
        MnrlConfig::default()
            .with_temperature(temperature)
            .with_similarity(if dot { Similarity::Dot } else { Similarity::Cosine })
            .with_mask_false_negatives(mask)
            .with_in_batch_negatives(in_batch || !further.is_empty())
            .with_directions([vec![QueryToDoc], further].concat())
            .with_partition(partition)
    })
}

/// Examples over shared rows: anchors and documents repeat, with one or two positives, up to two
/// negatives and any ignored candidates.
fn batches() -> impl Strategy<Value = LossBatch> {
    let example = (0..4_u32, 1..=2_usize, 0..=2_usize, 0.0..2.0_f32);
    let examples = prop::collection::vec(example, 1..6);
    (examples, any::<u64>(), any::<bool>()).prop_map(|(examples, seed, weighted)| {
        let mut relations = Vec::new();
        let mut next = 0;
        for &(_, positives, negatives, _) in &examples {
            let mut take = |n: usize| {
                next += n as u32;
                (next - n as u32..next).collect::<Vec<_>>()
            };
            let (positives, negatives) = (take(positives), take(negatives));
            relations.push(Relation { positives, negatives, ignored: vec![] });
        }
        let dice = normal(seed, next as usize * (examples.len() + 1));
        let candidates = (0..next).map(|c| 4 + (dice[c as usize].abs() * 5.0) as u32 % 6).collect();
        for (i, relation) in relations.iter_mut().enumerate() {
            relation.ignored = (0..next)
                .filter(|c| !relation.positives.contains(c) && !relation.negatives.contains(c))
                .filter(|&c| dice[(i + 1) * next as usize + c as usize] > 1.0)
                .collect();
        }
        let embeddings = tensor(&normal(seed ^ 1, 10 * DIM), DIM);
        let anchors = examples.iter().map(|e| e.0).collect();
        let mut batch = LossBatch::new(embeddings, anchors, candidates, relations).unwrap();
        if weighted {
            batch.weights = examples.iter().map(|e| e.3).collect();
        }
        batch
    })
}

proptest! {
    #[test]
    fn equals_the_twin(config in configs(), batch in batches()) {
        let output = evaluate(&LossConfig::Mnrl(config.clone()), &batch);
        let close = Tolerance::relative(1e-10).or_absolute(1e-12);
        assert_close(&[output.value], &[Twin::value(&config, &batch)], close);

        let numeric = finite_difference(&values(&batch.embeddings), 1e-5, |x| {
            Twin::value(&config, &with_embeddings(&batch, tensor(x, DIM)))
        });
        let close = Tolerance::relative(1e-6).or_absolute(1e-8);
        assert_close(&values(&output.d_embeddings), &numeric, close);
    }

    /// The f32 of the CPU takes another way than f64: in blocks, with its gradient written down.
    #[test]
    fn blocks_equal_the_composed_loss(config in configs(), batch in batches()) {
        let config = LossConfig::Mnrl(config);
        let composed = evaluate(&config, &batch);
        let single = batch.embeddings.to_dtype(DType::F32).unwrap();
        let blocks = evaluate(&config, &with_embeddings(&batch, single));
        let close = Tolerance::relative(3e-6).or_absolute(2e-6);
        assert_close(&[blocks.value], &[composed.value], close);
        assert_close(&values(&blocks.d_embeddings), &values(&composed.d_embeddings), close);
    }

    #[test]
    fn order_of_examples_and_candidates_is_nothing(
        config in configs(), batch in batches(), by in 1..5_usize
    ) {
        let turn = |len: usize| move |i: usize| (i + by) % len;
        let (example, candidate) = (turn(batch.len()), turn(batch.candidates.len()));
        // Candidate c of the old batch is number `at(c)` of the new one.
        let len = batch.candidates.len();
        let at = |c: &u32| ((*c as usize + len * by - by) % len) as u32;
        let relations = (0..batch.len()).map(|i| {
            let old = &batch.relations[example(i)];
            let mut ignored: Vec<u32> = old.ignored.iter().map(at).collect();
            ignored.sort_unstable();
            Relation {
                positives: old.positives.iter().rev().map(at).collect(),
                negatives: old.negatives.iter().rev().map(at).collect(),
                ignored,
            }
        });
        let mut turned = LossBatch::new(
            batch.embeddings.clone(),
            (0..batch.len()).map(|i| batch.anchors[example(i)]).collect(),
            (0..len).map(|c| batch.candidates[candidate(c)]).collect(),
            relations.collect(),
        ).unwrap();
        if !batch.weights.is_empty() {
            turned.weights = (0..batch.len()).map(|i| batch.weights[example(i)]).collect();
        }
        let config = LossConfig::Mnrl(config);
        let (a, b) = (evaluate(&config, &batch), evaluate(&config, &turned));
        let close = Tolerance::relative(1e-11).or_absolute(1e-13);
        assert_close(&[a.value], &[b.value], close);
        assert_close(&values(&a.d_embeddings), &values(&b.d_embeddings), close);
    }
}
