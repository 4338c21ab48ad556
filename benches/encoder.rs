//! Embedding and a training step of an encoder with the shape of all-MiniLM-L6-v2 and random
//! weights, on all cores, in each number format that the engine has.
//!
//! `cargo bench -p embedtune-benches --bench encoder`
//!
//! Criterion's "elem/s" are tokens. A training step is forward, backward, the norm of the gradient
//! and AdamW, with dropout, as the trainer does them; the loss, which takes no time to speak of, is
//! replaced by random gradients of the embeddings.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use embedtune_benches::{
    minilm::{batch, parameters, spec},
    values,
};
use embedtune_encoder::{CpuEngine, Dropout, Engine, PackedBatch, Precision};
use embedtune_kernels::{AdamWStep, adamw_step, sum_of_squares};

/// Short texts as of a search log, and long ones as of scientific abstracts.
const LENGTHS: [usize; 2] = [32, 256];
/// Tokens that are embedded at once.
const EMBED_TOKENS: usize = 4096;
/// Tokens of a training step: 32 pairs of long texts.
const STEP_TOKENS: usize = 8192;

/// Engines by the name of their format; a format that this processor or build lacks is left out.
fn engines(formats: &[Precision]) -> Vec<(&'static str, CpuEngine)> {
    let engine = |&format: &Precision| {
        let mut engine = CpuEngine::new(spec());
        engine.set_precision(format).ok().map(|()| (format.name(), engine))
    };
    formats.iter().filter_map(engine).collect()
}

/// A batch of `tokens` tokens, and its name.
fn texts_of(len: usize, tokens: usize) -> (PackedBatch, String) {
    let sequences = tokens / len;
    (batch(sequences, len), format!("{sequences} texts of {len} tokens"))
}

fn embed(c: &mut Criterion) {
    let parameters = parameters(&spec());
    let mut group = c.benchmark_group("embed");
    group.sample_size(10);
    for (format, engine) in engines(&[Precision::F32, Precision::Bf16, Precision::Int8]) {
        for len in LENGTHS {
            let (batch, shape) = texts_of(len, EMBED_TOKENS);
            group.throughput(Throughput::Elements(batch.num_tokens() as u64));
            group.bench_function(BenchmarkId::new(format, shape), |b| {
                b.iter(|| {
                    engine.embed(&parameters, black_box(&batch), None).expect("ids are in range")
                });
            });
        }
    }
}

fn train_step(c: &mut Criterion) {
    let spec = spec();
    let mut parameters = parameters(&spec);
    let (mut m, mut v) = (vec![0.0; parameters.num_values()], vec![0.0; parameters.num_values()]);
    let mut gradients = vec![0.0; parameters.num_values()];
    let dropout = Dropout { seed: 42, step: 0, hidden: 0.1, attention: 0.1 };
    let (lr, beta1, beta2, eps) = (1e-8, 0.9, 0.999, 1e-8);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay: 0.01, step: 100, grad_scale: 1.0 };
    let mut group = c.benchmark_group("train step");
    group.sample_size(10);
    for (format, engine) in engines(&[Precision::F32, Precision::Bf16]) {
        for len in LENGTHS {
            let (batch, shape) = texts_of(len, STEP_TOKENS);
            let d_embeddings = values(batch.len() * spec.dim(), 1);
            group.throughput(Throughput::Elements(batch.num_tokens() as u64));
            group.bench_function(BenchmarkId::new(format, shape), |b| {
                b.iter(|| {
                    gradients.fill(0.0);
                    let (_, tape) = engine
                        .forward(&parameters, black_box(&batch), Some(&dropout))
                        .expect("ids are in range");
                    engine
                        .backward(&parameters, tape, &d_embeddings, &mut gradients)
                        .expect("the tape is of this engine");
                    black_box(sum_of_squares(&gradients));
                    adamw_step(parameters.trainable_mut(), &gradients, &mut m, &mut v, step);
                });
            });
        }
    }
}

criterion_group!(benches, embed, train_step);
criterion_main!(benches);
