//! Exact search for the best 10 of 20,000 documents with 384 values each, on all cores.
//!
//! `cargo bench -p embedtune-benches --bench index`
//!
//! Criterion's "elem/s" are scores: queries × documents.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use embedtune_data::{Embeddings, Fingerprint};
use embedtune_index::{ExactIndex, VectorIndex, Vectors};

const DOCUMENTS: usize = 20_000;
const DIM: usize = 384;

/// Random vectors of length 1.
fn vectors(rows: usize, seed: u64) -> Embeddings {
    let values = embedtune_testkit::normal(seed, rows * DIM);
    let unit = values.chunks_exact(DIM).flat_map(|row| {
        let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.iter().map(move |value| (value / norm) as f32)
    });
    Embeddings::new(DIM, unit.collect())
}

fn exact(c: &mut Criterion) {
    let model = Fingerprint("random".to_owned());
    let index = ExactIndex::new(vectors(DOCUMENTS, 1), model.clone()).expect("vectors are finite");
    let mut group = c.benchmark_group("exact");
    for queries in [1, 32, 512] {
        let vectors = vectors(queries, 2);
        group.throughput(Throughput::Elements((queries * DOCUMENTS) as u64));
        group.bench_function(BenchmarkId::new("top 10", queries), |b| {
            let queries = Vectors::of(&vectors, &model);
            b.iter(|| index.search(black_box(queries), 10).expect("queries are of this model"));
        });
    }
}

criterion_group!(benches, exact);
criterion_main!(benches);
