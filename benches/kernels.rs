//! The kernels of a training step at the shapes of a MiniLM encoder (hidden size 384, 12 heads,
//! feed-forward size 1536). Products and attention go over 8192 tokens on all cores, the optimizer over
//! all parameters; passes over rows take the 56 rows that the engine gives a thread at a time.
//!
//! `cargo bench -p embedtune-benches --bench kernels`
//!
//! Criterion's "elem/s" are floating-point operations for matrix products and attention (a product
//! of `(m, k)` and `(k, n)` is `2·m·n·k`); bytes that have to be read and written for the rest.
//! What to hold the optimizer against is `memory/triad`, which rows that stay in a cache surpass; the
//! products are their own ceiling.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::{hint::black_box, thread, time::Duration};

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use embedtune_benches::{
    products::{Case, HIDDEN, INNER, Pass, TOKENS, formats},
    triad::Triad,
    values,
};
use embedtune_kernels::{
    Activation, AdamWStep, AttentionShape, Bf16, DropoutMask, Element, activation_backward,
    adamw_step, add_bias, add_column_sums, apply_masks, attention, attention_backward, axpy,
    bias_activation, gather_rows, layer_norm_backward, residual_layer_norm, round_to, scale_shift,
    scatter_add_rows, sum_of_squares,
};

const HEADS: usize = 12;
/// Rows that a thread takes at a time, through one pass after the other.
const ROWS: usize = 56;
/// Rows of the word table of all-MiniLM-L6-v2.
const VOCABULARY: usize = 30_522;
/// Parameters of the six blocks of all-MiniLM-L6-v2.
const PARAMETERS: usize = 6 * 1_774_464;

/// Bytes of `values` f32 values and `more` besides.
fn bytes(values: usize, more: usize) -> Throughput {
    Throughput::Bytes((values * size_of::<f32>() + more) as u64)
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

/// Products of a linear layer over all tokens, by each kernel that there is.
fn products(c: &mut Criterion) {
    for mut products in formats() {
        let mut group = group(c, &format!("product {}", products.name()));
        for case in Case::all() {
            if case.pass != Pass::Forward && !products.trains() {
                continue;
            }
            products.prepare(case);
            let shape = format!("{} to {}", case.inputs, case.out);
            group.throughput(Throughput::Elements(case.flops()));
            group.bench_function(BenchmarkId::new(case.pass.name(), shape), |b| {
                b.iter(|| products.run());
            });
        }
    }
}

fn rounded<E: Element>(values: &[f32]) -> Vec<E> {
    let mut rounded = vec![E::default(); values.len()];
    round_to(values, &mut rounded);
    rounded
}

/// Passes that change their input run on values that they leave as they are: sums would grow, and
/// products would fall to numbers that take a processor longer. GELU is the identity at large
/// inputs, and its slope is 1.
fn activations(c: &mut Criterion) {
    activations_in::<f32>(c, "f32");
    activations_in::<Bf16>(c, "bf16");
}

fn activations_in<E: Element>(c: &mut Criterion, format: &str) {
    let mut group = group(c, &format!("activation {format}"));
    let no_bias = vec![0.0; INNER];
    let mut x: Vec<f32> = values(ROWS * INNER, 1).iter().map(|x| x + 9.0).collect();
    let (mut sum, mut kept) = (rounded::<E>(&x), rounded::<E>(&x));
    let (d, mut d_x) = (values(ROWS * INNER, 2), rounded::<E>(&x));
    for (name, activation) in [("gelu", Activation::Gelu), ("gelu tanh", Activation::GeluTanh)] {
        group.throughput(bytes(2 * x.len(), size_of_val(&sum[..])));
        group.bench_function(BenchmarkId::new("bias and forward", name), |b| {
            b.iter(|| bias_activation(activation, black_box(&no_bias), &mut x, &mut sum));
        });
        group.throughput(bytes(d.len(), 3 * size_of_val(&sum[..])));
        group.bench_function(BenchmarkId::new("backward", name), |b| {
            b.iter(|| activation_backward(activation, &mut kept, black_box(&d), &mut d_x));
        });
    }
}

fn norms(c: &mut Criterion) {
    let mut group = group(c, "layer norm");
    let (bias, weight) = (values(HIDDEN, 1), vec![1.0; HIDDEN]);
    let (mut rows, residual) = (values(ROWS * HIDDEN, 2), values(ROWS * HIDDEN, 3));
    let (mut deviations, masks) = (vec![0.0; ROWS], masks(ROWS));
    group.throughput(bytes(3 * rows.len(), 0));
    for (name, masks) in [("residual", None), ("residual and dropout", Some(&masks[..]))] {
        group.bench_function(BenchmarkId::new("forward", name), |b| {
            b.iter(|| {
                let residual = black_box(&residual);
                residual_layer_norm(&mut rows, &bias, masks, residual, 1e-12, &mut deviations);
            });
        });
    }
    let mut out = vec![0.0; ROWS * HIDDEN];
    group.throughput(bytes(2 * rows.len(), 0));
    group.bench_function("scale and shift", |b| {
        b.iter(|| scale_shift(black_box(&rows), &weight, &bias, &mut out));
    });
    // With deviations of 1 the pass is a projection: once more changes nothing.
    let mut d = values(ROWS * HIDDEN, 4);
    deviations.fill(1.0);
    let (mut d_weight, mut d_bias) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
    group.throughput(bytes(3 * rows.len(), 0));
    group.bench_function("backward", |b| {
        b.iter(|| {
            let sums = (Some(&mut d_weight[..]), Some(&mut d_bias[..]));
            layer_norm_backward(&mut d, black_box(&rows), &deviations, &weight, sums.0, sums.1);
        });
    });
}

/// What else is done with rows.
fn rows(c: &mut Criterion) {
    let mut group = group(c, "rows");
    let x = values(ROWS * HIDDEN, 1);
    let (mut out, mut sum) = (rounded::<Bf16>(&x), vec![0.0; HIDDEN]);
    let (masks, halves) = (masks(ROWS), size_of_val(&out[..]));
    group.throughput(bytes(x.len(), 0));
    group.bench_function("column sums", |b| b.iter(|| add_column_sums(black_box(&x), &mut sum)));
    group.throughput(bytes(x.len(), halves));
    group.bench_function("bias to bf16", |b| {
        b.iter(|| add_bias(&sum, black_box(&x), &mut out));
    });
    group.bench_function("dropout to bf16", |b| {
        b.iter(|| apply_masks(Some(&masks), black_box(&x), &mut out));
    });
    let ids: Vec<u32> = (0..ROWS).map(|row| (row * 7919 % VOCABULARY) as u32).collect();
    let (mut table, mut looked_up) = (values(VOCABULARY * HIDDEN, 2), vec![0.0; ROWS * HIDDEN]);
    group.throughput(bytes(3 * x.len(), 0));
    group.bench_function("gather", |b| {
        b.iter(|| gather_rows(&table, black_box(&ids), &x, &mut looked_up));
    });
    group.bench_function("scatter and add", |b| {
        b.iter(|| scatter_add_rows(&x, black_box(&ids), &mut table));
    });
}

/// Packed sequences, on all cores.
fn attentions(c: &mut Criterion) {
    attentions_in::<f32>(c, "f32");
    attentions_in::<Bf16>(c, "bf16");
}

fn attentions_in<E: Element>(c: &mut Criterion, format: &str) {
    let mut group = group(c, &format!("attention {format}"));
    let projections = rounded::<E>(&values(TOKENS * 3 * HIDDEN, 1));
    let d_out = rounded::<E>(&values(TOKENS * HIDDEN, 2));
    let (mut out, masks) = (d_out.clone(), masks(TOKENS));
    for len in [32, 128, 256, 512] {
        let ends: Vec<usize> = (1..=TOKENS / len).map(|text| text * len).collect();
        let shape = AttentionShape { ends: &ends, heads: HEADS, head_dim: HIDDEN / HEADS };
        // A product of `(len, head_dim)` and `(head_dim, len)` in each head of each sequence.
        let one = 2 * (TOKENS * len * HIDDEN) as u64;
        for (name, masks) in [("", None), (" with dropout", Some(&masks[..]))] {
            let name = format!("{len} tokens{name}");
            group.throughput(Throughput::Elements(2 * one));
            group.bench_function(BenchmarkId::new("forward", &name), |b| {
                b.iter(|| attention(shape, black_box(&projections), masks, &mut out));
            });
            group.throughput(Throughput::Elements(5 * one));
            group.bench_function(BenchmarkId::new("backward", &name), |b| {
                // Gradients replace the projections, so each call gets its own.
                b.iter_batched_ref(
                    || projections.clone(),
                    |projections| attention_backward(shape, projections, masks, &d_out),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

/// Over all parameters, on all cores.
fn optimizer(c: &mut Criterion) {
    let mut group = group(c, "optimizer");
    let (mut params, grads) = (values(PARAMETERS, 1), values(PARAMETERS, 2));
    let (mut m, mut v) = (vec![0.0; PARAMETERS], vec![0.0; PARAMETERS]);
    let (lr, beta1, beta2, eps) = (1e-6, 0.9, 0.999, 1e-8);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay: 0.01, step: 100, grad_scale: 1.0 };
    // Three buffers are read and written, gradients are read.
    group.throughput(bytes(7 * PARAMETERS, 0));
    group.bench_function("adamw", |b| {
        b.iter(|| adamw_step(&mut params, black_box(&grads), &mut m, &mut v, step));
    });
    group.throughput(bytes(PARAMETERS, 0));
    group.bench_function("sum of squares", |b| b.iter(|| sum_of_squares(black_box(&grads))));
    group.throughput(bytes(3 * PARAMETERS, 0));
    group.bench_function("axpy", |b| b.iter(|| axpy(1e-9, black_box(&grads), &mut params)));
}

criterion_group!(benches, memory, products, activations, norms, rows, attentions, optimizer);
criterion_main!(benches);
