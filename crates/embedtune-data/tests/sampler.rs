//! What every batch sampler promises, and what the one without duplicates promises on top.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use embedtune_data::{
    BatchSampler, Dataset, Example, NoDuplicatesSampler, RandomSampler, SamplerConfig, SeededRng,
    SequentialSampler, TextId,
};
use proptest::prelude::*;

/// A new sampler adds a line here and is tested with the others.
fn every_sampler(batch_size: usize) -> Vec<Box<dyn BatchSampler>> {
    vec![
        Box::new(NoDuplicatesSampler::new(batch_size)),
        Box::new(NoDuplicatesSampler::new(batch_size).with_avoid_known_positives(false)),
        Box::new(RandomSampler::new(batch_size)),
        Box::new(SequentialSampler::new(batch_size)),
    ]
}

/// Rows over few texts, so that many share one, and some positives that no row states.
fn datasets() -> impl Strategy<Value = Dataset> {
    let row = (0u32..30, 0u32..30, proptest::collection::vec(0u32..30, 0..3));
    let rows = proptest::collection::vec(row, 0..80);
    let known = proptest::collection::vec((0u32..30, 0u32..30), 0..60);
    (rows, known).prop_map(|(rows, known)| {
        let mut dataset = Dataset::new("random");
        for text in 0..30 {
            dataset.texts.intern(&text.to_string());
        }
        for (anchor, positive, negatives) in rows {
            dataset.push(Example { negatives, ..Example::pair(anchor, positive) });
        }
        for (anchor, document) in known {
            dataset.add_known_positive(anchor, document);
        }
        dataset
    })
}

fn sorted(batches: &[Vec<u32>]) -> Vec<u32> {
    let mut rows: Vec<u32> = batches.concat();
    rows.sort_unstable();
    rows
}

fn documents(row: &Example) -> impl Iterator<Item = TextId> + '_ {
    row.texts().skip(1)
}

/// The slow twin of the sampler's rule, straight from its words.
fn may_meet(dataset: &Dataset, first: u32, second: u32, avoid_known: bool) -> bool {
    let (a, b) = (&dataset.rows[first as usize], &dataset.rows[second as usize]);
    let texts: BTreeSet<TextId> = a.texts().collect();
    let bars = |x: &Example, y: &Example| {
        avoid_known && documents(y).any(|document| dataset.is_known_positive(x.anchor, document))
    };
    !b.texts().any(|text| texts.contains(&text)) && !bars(a, b) && !bars(b, a)
}

fn assert_apart(dataset: &Dataset, batches: &[Vec<u32>], avoid_known: bool) {
    for batch in batches {
        for (at, &first) in batch.iter().enumerate() {
            for &second in &batch[at + 1..] {
                assert!(may_meet(dataset, first, second, avoid_known), "{first} met {second}");
            }
        }
    }
}

proptest! {
    #[test]
    fn every_row_comes_once_and_the_stream_is_pure(
        dataset in datasets(), size in 1usize..9, seed: u64, epoch in 0u64..4
    ) {
        for sampler in every_sampler(size) {
            let batches = sampler.batches(&dataset, seed, epoch);
            prop_assert_eq!(sorted(&batches), (0..dataset.len() as u32).collect::<Vec<_>>());
            prop_assert!(batches.iter().all(|batch| (1..=size).contains(&batch.len())));
            prop_assert_eq!(batches, sampler.batches(&dataset, seed, epoch));
        }
    }

    #[test]
    fn rows_that_share_a_text_never_meet(
        dataset in datasets(), size in 2usize..9, seed: u64, avoid: bool, drop_last: bool
    ) {
        let sampler = NoDuplicatesSampler::new(size)
            .with_avoid_known_positives(avoid)
            .with_drop_last(drop_last);
        let batches = sampler.batches(&dataset, seed, 0);
        assert_apart(&dataset, &batches, avoid);
        if drop_last {
            prop_assert!(batches.iter().all(|batch| batch.len() == size));
            let rows = sorted(&batches);
            prop_assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

/// `rows` triplets of distinct anchors over `documents` documents.
fn triplets(rows: u64, documents: u64) -> Dataset {
    let mut dataset = Dataset::new("triplets");
    let mut rng = SeededRng::new(7);
    for row in 0..rows {
        let anchor = dataset.texts.intern(&format!("query {row}"));
        let mut document = || dataset.texts.intern(&format!("document {}", rng.below(documents)));
        let (positive, negative) = (document(), document());
        dataset.push(Example { negatives: vec![negative], ..Example::pair(anchor, positive) });
    }
    dataset
}

#[test]
fn epochs_and_seeds_differ() {
    let dataset = triplets(500, 200);
    for sampler in [
        Box::new(RandomSampler::new(16)) as Box<dyn BatchSampler>,
        Box::new(NoDuplicatesSampler::new(16)),
    ] {
        let first = sampler.batches(&dataset, 1, 0);
        assert_ne!(first, sampler.batches(&dataset, 1, 1));
        assert_ne!(first, sampler.batches(&dataset, 2, 0));
    }
}

#[test]
fn repeated_documents_leave_few_small_batches() {
    let dataset = triplets(20_000, 1_000);
    let batches = NoDuplicatesSampler::new(64).batches(&dataset, 42, 0);
    assert_apart(&dataset, &batches, true);
    let small = batches.iter().filter(|batch| batch.len() < 64).count();
    assert!(small <= 8, "{small} of {} batches are small", batches.len());
}

#[test]
fn a_text_in_a_tenth_of_the_rows_makes_even_batches_of_ten() {
    let mut dataset = Dataset::new("hot");
    for row in 0..4_000 {
        let anchor = dataset.texts.intern(&format!("query {row}"));
        let document = if row % 10 == 0 { "hot".to_owned() } else { format!("document {row}") };
        let positive = dataset.texts.intern(&document);
        dataset.push(Example::pair(anchor, positive));
    }
    let batches = NoDuplicatesSampler::new(32).batches(&dataset, 3, 0);
    assert!((400..=402).contains(&batches.len()), "{}", batches.len());
    let alone = batches.iter().filter(|batch| batch.len() < 3).count();
    assert!(alone <= 40, "{alone} batches of one or two rows");
}

#[test]
fn one_text_in_all_rows_makes_batches_of_one() {
    let mut dataset = Dataset::new("one label");
    let anchor = dataset.texts.intern("label");
    for row in 0..2_000 {
        let positive = dataset.texts.intern(&format!("document {row}"));
        dataset.push(Example::pair(anchor, positive));
    }
    let batches = NoDuplicatesSampler::new(8).batches(&dataset, 3, 0);
    assert_eq!(batches.len(), 2_000);
    let full_only = NoDuplicatesSampler::new(8).with_drop_last(true);
    assert!(full_only.batches(&dataset, 3, 0).is_empty());
}

#[test]
fn sequential_keeps_the_order_and_drop_last_the_full_batches() {
    let dataset = triplets(7, 100);
    let kept = SequentialSampler::new(3).batches(&dataset, 0, 0);
    assert_eq!(kept, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    let dropped = SequentialSampler::new(3).with_drop_last(true).batches(&dataset, 0, 0);
    assert_eq!(dropped, [[0, 1, 2], [3, 4, 5]]);
    let random = RandomSampler::new(3).with_drop_last(true).batches(&dataset, 0, 0);
    assert_eq!(random.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn the_stream_of_a_seed_never_changes() {
    let dataset = triplets(12, 6);
    let batches = NoDuplicatesSampler::new(4).batches(&dataset, 42, 0);
    let expected: [&[u32]; 6] = [&[9, 2, 6], &[7, 3, 10], &[1, 0], &[8, 11], &[5], &[4]];
    assert_eq!(batches, expected);
}

#[test]
fn configurations_say_which_sampler() {
    let parse = |text| serde_json::from_str::<SamplerConfig>(text);
    assert_eq!(
        parse(r#"{"type": "random", "batch_size": 8, "drop_last": true}"#).unwrap(),
        SamplerConfig::Random(RandomSampler::new(8).with_drop_last(true))
    );
    assert_eq!(parse(r#"{"type": "no_duplicates"}"#).unwrap(), SamplerConfig::default());
    assert!(parse(r#"{"type": "random", "batchsize": 8}"#).is_err());
    assert!(parse(r#"{"type": "shuffled"}"#).is_err());
    let none = SamplerConfig::Sequential(SequentialSampler::new(0)).build();
    assert_eq!(none.err().unwrap().to_string(), "batch_size = 0: expected at least 1 row");
    let by_name: BTreeMap<&str, SamplerConfig> = BTreeMap::from([
        ("no_duplicates", SamplerConfig::NoDuplicates(NoDuplicatesSampler::new(5))),
        ("sequential", SamplerConfig::Sequential(SequentialSampler::new(5))),
    ]);
    for (name, config) in by_name {
        let json = serde_json::to_value(&config).unwrap();
        assert_eq!(json["type"], name);
        assert_eq!(serde_json::from_value::<SamplerConfig>(json).unwrap(), config);
        assert_eq!(config.build().unwrap().batches(&triplets(5, 50), 0, 0).concat().len(), 5);
    }
}

/// Prints how long the sampler takes: `cargo test --release --test sampler -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
#[allow(clippy::print_stderr)]
fn time_of_200_000_triplets_over_6_000_documents() {
    let dataset = triplets(200_000, 6_000);
    for sampler in [
        NoDuplicatesSampler::new(256),
        NoDuplicatesSampler::new(1024),
        NoDuplicatesSampler::new(256).with_avoid_known_positives(false),
    ] {
        let start = std::time::Instant::now();
        let batches = sampler.batches(&dataset, 42, 0);
        let small = batches.iter().filter(|batch| batch.len() < sampler.batch_size).count();
        eprintln!("{sampler:?}: {:?}, {} batches, {small} small", start.elapsed(), batches.len());
    }
}
