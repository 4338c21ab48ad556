//! The batches of an epoch of 50,000 rows, where one text in ten occurs in several.
//!
//! `cargo bench -p embedtune-benches --bench sampler`
//!
//! Criterion's "elem/s" are rows.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use embedtune_data::{BatchSampler, Dataset, Example, NoDuplicatesSampler, RandomSampler};

const ROWS: usize = 50_000;
const BATCH: usize = 32;

/// Triplets: queries are unique, documents repeat.
fn dataset() -> Dataset {
    let mut dataset = Dataset::new("generated");
    for row in 0..ROWS {
        let document = |number: usize| format!("document {number}");
        let anchor = dataset.texts.intern(&format!("query {row}"));
        let positive = dataset.texts.intern(&document(row * 9 / 10));
        let negative = dataset.texts.intern(&document(row * 7919 % ROWS));
        dataset.push(Example { negatives: vec![negative], ..Example::pair(anchor, positive) });
    }
    dataset
}

fn samplers(c: &mut Criterion) {
    let dataset = dataset();
    let samplers: [(&str, &dyn BatchSampler); 2] = [
        ("random", &RandomSampler::new(BATCH)),
        ("no duplicates", &NoDuplicatesSampler::new(BATCH)),
    ];
    let mut group = c.benchmark_group("sampler");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, sampler) in samplers {
        group.bench_function(BenchmarkId::new("epoch", name), |b| {
            b.iter(|| sampler.batches(black_box(&dataset), 42, 0));
        });
    }
}

criterion_group!(benches, samplers);
criterion_main!(benches);
