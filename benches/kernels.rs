//! The kernels of a training step at the shapes of a MiniLM encoder (hidden size 384, 12 heads,
//! feed-forward size 1536) with 8192 tokens in a batch, on all cores.
//!
//! `cargo bench -p embedtune-benches --bench kernels`
//!
//! Criterion's "elem/s" are floating-point operations for matrix products and attention (a product
//! of `(m, k)` and `(k, n)` is `2·m·n·k`); bytes that have to be read and written for the rest.
//! What to hold the rest against is `memory/triad`; the products are their own ceiling.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::{hint::black_box, thread, time::Duration};

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use embedtune_benches::{
    products::{Case, HIDDEN, INNER, Pass, TOKENS, formats},
    triad::Triad,
    values,
};
use embedtune_kernels::{
    Activation, AdamWStep, AttentionShape, DropoutMask, Threads, activation_backward, adamw_step,
    add_column_sums, attention, attention_backward, axpy, bias_activation, layer_norm_backward,
    residual_layer_norm, scale_shift, sum_of_squares,
};

const HEADS: usize = 12;
/// Parameters of the six blocks of all-MiniLM-L6-v2.
const PARAMETERS: usize = 6 * 1_774_464;

fn bytes(values: usize) -> Throughput {
    Throughput::Bytes((values * size_of::<f32>()) as u64)
}

/// Calls here take milliseconds and vary little.
fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group
}

/// Masks of `rows` rows that drop one value in ten.
fn masks(rows: usize) -> Vec<DropoutMask> {
    let key = |row: usize| (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..rows).map(|row| DropoutMask::new(key(row), 0.1)).collect()
}

/// What memory can do.
fn memory(c: &mut Criterion) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut triad = Triad::default();
    let mut group = group(c, "memory");
    group.throughput(Throughput::Bytes(Triad::BYTES));
    for (name, threads) in [("one thread", 1), ("all threads", threads)] {
        group.bench_function(BenchmarkId::new("triad", name), |b| b.iter(|| triad.run(threads)));
    }
}

/// Products of a linear layer, in each number format.
fn products(c: &mut Criterion) {
    for mut products in formats() {
        let mut group = group(c, &format!("product {}", products.format()));
        for case in Case::all() {
            if case.pass != Pass::Forward && !products.trains() {
                continue;
            }
            let shape = format!("{} to {}", case.inputs, case.out);
            group.throughput(Throughput::Elements(case.flops()));
            group.bench_function(BenchmarkId::new(case.pass.name(), shape), |b| {
                b.iter(|| products.run(black_box(case), Threads::All));
            });
        }
    }
}

/// Passes that change their input run on values that they do not change in the long run: sums
/// would grow, and products would fall to numbers that take a processor longer.
fn activations(c: &mut Criterion) {
    let mut group = group(c, "activation");
    let no_bias = vec![0.0; INNER];
    let (mut x, mut out) = (values(TOKENS * INNER, 1), vec![0.0; TOKENS * INNER]);
    let large: Vec<f32> = x.iter().map(|x| x + 9.0).collect();
    let mut d = values(TOKENS * INNER, 2);
    group.throughput(bytes(3 * x.len()));
    for (name, activation) in [("gelu", Activation::Gelu), ("gelu tanh", Activation::GeluTanh)] {
        group.bench_function(BenchmarkId::new("bias and forward", name), |b| {
            b.iter(|| bias_activation(activation, black_box(&no_bias), &mut x, &mut out));
        });
        // The slope is 1 at large inputs.
        group.bench_function(BenchmarkId::new("backward", name), |b| {
            b.iter(|| activation_backward(activation, black_box(&large), &mut d));
        });
    }
}

fn norms(c: &mut Criterion) {
    let mut group = group(c, "layer norm");
    let (bias, weight) = (values(HIDDEN, 1), vec![1.0; HIDDEN]);
    let (mut rows, residual) = (values(TOKENS * HIDDEN, 2), values(TOKENS * HIDDEN, 3));
    let (mut deviations, masks) = (vec![0.0; TOKENS], masks(TOKENS));
    group.throughput(bytes(3 * rows.len()));
    for (name, masks) in [("residual", None), ("residual and dropout", Some(&masks[..]))] {
        group.bench_function(BenchmarkId::new("forward", name), |b| {
            b.iter(|| {
                let residual = black_box(&residual);
                residual_layer_norm(&mut rows, &bias, masks, residual, 1e-12, &mut deviations);
            });
        });
    }
    let mut out = vec![0.0; TOKENS * HIDDEN];
    group.throughput(bytes(2 * rows.len()));
    group.bench_function("scale and shift", |b| {
        b.iter(|| scale_shift(black_box(&rows), &weight, &bias, &mut out));
    });
    // With deviations of 1 the pass is a projection: once more changes nothing.
    let mut d = values(TOKENS * HIDDEN, 4);
    deviations.fill(1.0);
    let (mut d_weight, mut d_bias) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
    group.throughput(bytes(3 * rows.len()));
    group.bench_function("backward", |b| {
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
    let mut group = group(c, "attention");
    for len in [32, 128, 256, 512] {
        let shape = AttentionShape { len, heads: HEADS, head_dim: HIDDEN / HEADS };
        let [q, k, v, d_out] = [1, 2, 3, 4].map(|seed| values(len * HIDDEN, seed));
        let [mut out, mut d_q, mut d_k, mut d_v] = [0; 4].map(|_| vec![0.0; len * HIDDEN]);
        let mut scratch = Vec::new();
        let masks = masks(len);
        // A product of `(len, head_dim)` and `(head_dim, len)` in each head.
        let one = 2 * (len * len * HIDDEN) as u64;
        for (name, masks) in [("", None), (" with dropout", Some(&masks[..]))] {
            let shape_name = format!("{len} tokens{name}");
            group.throughput(Throughput::Elements(2 * one));
            group.bench_function(BenchmarkId::new("forward", &shape_name), |b| {
                b.iter(|| attention(shape, black_box(&q), &k, &v, masks, &mut out, &mut scratch));
            });
            group.throughput(Throughput::Elements(5 * one));
            group.bench_function(BenchmarkId::new("backward", &shape_name), |b| {
                b.iter(|| {
                    let gradients = (&mut d_q[..], &mut d_k[..], &mut d_v[..]);
                    let q = black_box(&q);
                    attention_backward(shape, q, &k, &v, masks, &d_out, gradients, &mut scratch);
                });
            });
        }
    }
}

fn optimizer(c: &mut Criterion) {
    let mut group = group(c, "optimizer");
    let (mut params, grads) = (values(PARAMETERS, 1), values(PARAMETERS, 2));
    let (mut m, mut v) = (vec![0.0; PARAMETERS], vec![0.0; PARAMETERS]);
    let (lr, beta1, beta2, eps) = (1e-6, 0.9, 0.999, 1e-8);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay: 0.01, step: 100, grad_scale: 1.0 };
    // Three buffers are read and written, gradients are read.
    group.throughput(bytes(7 * PARAMETERS));
    group.bench_function("adamw", |b| {
        b.iter(|| adamw_step(&mut params, black_box(&grads), &mut m, &mut v, step));
    });
    group.throughput(bytes(PARAMETERS));
    group.bench_function("sum of squares", |b| b.iter(|| sum_of_squares(black_box(&grads))));
    group.throughput(bytes(3 * PARAMETERS));
    group.bench_function("axpy", |b| b.iter(|| axpy(1e-9, black_box(&grads), &mut params)));
}

criterion_group!(benches, memory, products, activations, norms, attentions, optimizer);
criterion_main!(benches);
