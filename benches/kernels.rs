//! The kernels of a training step at the shapes of a MiniLM encoder (hidden size 384, 12 heads,
//! feed-forward size 1536) with 2048 tokens in a batch, on all cores.
//!
//! `cargo bench -p embedtune-benches --bench kernels`
//!
//! Criterion's "elem/s" are floating-point operations for matrix products and attention (a product
//! of `(m, k)` and `(k, n)` is `2·m·n·k`); bytes read and written for the rest.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use embedtune_kernels::{
    Activation, AdamWStep, AttentionShape, Matrix, MatrixMut, Threads, Update, activation_backward,
    adamw_step, add_column_sums, attention, attention_backward, bias_activation,
    layer_norm_backward, product, residual_layer_norm,
};

const TOKENS: usize = 2048;
const HIDDEN: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;
/// Parameters of a MiniLM block.
const BLOCK: usize = 1_774_464;

fn values(length: usize, seed: u64) -> Vec<f32> {
    embedtune_testkit::uniform(seed, length).into_iter().map(|value| value as f32).collect()
}

fn bytes(values: usize) -> Throughput {
    Throughput::Bytes((values * size_of::<f32>()) as u64)
}

/// `(tokens, inputs) · (out, inputs)ᵀ`, as in a linear layer, and its weight's gradient.
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("product");
    for (out, inputs) in [(HIDDEN, HIDDEN), (INNER, HIDDEN), (HIDDEN, INNER)] {
        let (x, weight) = (values(TOKENS * inputs, 1), values(out * inputs, 2));
        let (mut y, mut d_weight) = (values(TOKENS * out, 3), vec![0.0; out * inputs]);
        group.throughput(Throughput::Elements(2 * (TOKENS * out * inputs) as u64));
        let x = Matrix::new(&x, TOKENS, inputs);
        group.bench_function(format!("forward {inputs} to {out}"), |b| {
            let weight = Matrix::new(&weight, out, inputs).t();
            b.iter(|| {
                let y = MatrixMut::new(&mut y, TOKENS, out);
                product(black_box(x), weight, y, Update::Overwrite, Threads::All);
            });
        });
        group.bench_function(format!("weight gradient {inputs} to {out}"), |b| {
            let d = Matrix::new(&y, TOKENS, out).t();
            b.iter(|| {
                let sum = MatrixMut::new(&mut d_weight, out, inputs);
                product(d, black_box(x), sum, Update::Add, Threads::All);
            });
        });
    }
}

fn passes(c: &mut Criterion) {
    let mut group = c.benchmark_group("pass");
    let (bias, mut x, mut out) =
        (values(INNER, 1), values(TOKENS * INNER, 2), vec![0.0; TOKENS * INNER]);
    group.throughput(bytes(3 * x.len()));
    group.bench_function("bias and gelu", |b| {
        b.iter(|| bias_activation(Activation::Gelu, black_box(&bias), &mut x, &mut out));
    });
    let mut d = values(TOKENS * INNER, 3);
    group.bench_function("gelu backward", |b| {
        b.iter(|| activation_backward(Activation::Gelu, black_box(&out), &mut d));
    });

    let (bias, mut rows, residual) =
        (values(HIDDEN, 1), values(TOKENS * HIDDEN, 2), values(TOKENS * HIDDEN, 3));
    let mut deviations = vec![0.0; TOKENS];
    group.throughput(bytes(3 * rows.len()));
    group.bench_function("residual and layer norm", |b| {
        b.iter(|| {
            let residual = black_box(&residual);
            residual_layer_norm(&mut rows, &bias, None, residual, 1e-12, &mut deviations);
        });
    });
    let mut d = values(TOKENS * HIDDEN, 4);
    let (mut d_weight, mut d_bias) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
    let weight = vec![1.0; HIDDEN];
    group.bench_function("layer norm backward", |b| {
        b.iter(|| {
            let sums = (Some(&mut d_weight[..]), Some(&mut d_bias[..]));
            layer_norm_backward(&mut d, black_box(&rows), &deviations, &weight, sums.0, sums.1);
        });
    });
    group.throughput(bytes(rows.len()));
    group.bench_function("column sums", |b| {
        b.iter(|| add_column_sums(black_box(&rows), &mut d_bias));
    });
}

/// One sequence, on one core: the encoder runs a sequence a core.
fn attentions(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention");
    for len in [32, 128, 256] {
        let shape = AttentionShape { len, heads: HEADS, head_dim: HIDDEN / HEADS };
        let [q, k, v, d_out] = [1, 2, 3, 4].map(|seed| values(len * HIDDEN, seed));
        let [mut out, mut d_q, mut d_k, mut d_v] = [0; 4].map(|_| vec![0.0; len * HIDDEN]);
        let mut scratch = Vec::new();
        // A product of `(len, head_dim)` and `(head_dim, len)` in each head.
        let one = 2 * (len * len * HIDDEN) as u64;
        group.throughput(Throughput::Elements(2 * one));
        group.bench_function(format!("forward {len} tokens"), |b| {
            b.iter(|| attention(shape, black_box(&q), &k, &v, None, &mut out, &mut scratch));
        });
        group.throughput(Throughput::Elements(5 * one));
        group.bench_function(format!("backward {len} tokens"), |b| {
            b.iter(|| {
                let gradients = (&mut d_q[..], &mut d_k[..], &mut d_v[..]);
                attention_backward(
                    shape,
                    black_box(&q),
                    &k,
                    &v,
                    None,
                    &d_out,
                    gradients,
                    &mut scratch,
                );
            });
        });
    }
}

fn optimizer(c: &mut Criterion) {
    let mut group = c.benchmark_group("optimizer");
    let (mut params, grads) = (values(BLOCK, 1), values(BLOCK, 2));
    let (mut m, mut v) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
    let (lr, beta1, beta2, eps) = (1e-6, 0.9, 0.999, 1e-8);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay: 0.01, step: 100, grad_scale: 1.0 };
    // Three buffers are read and written, gradients are read.
    group.throughput(bytes(7 * BLOCK));
    group.bench_function("adamw", |b| {
        b.iter(|| adamw_step(&mut params, black_box(&grads), &mut m, &mut v, step));
    });
}

criterion_group!(benches, products, passes, attentions, optimizer);
criterion_main!(benches);
