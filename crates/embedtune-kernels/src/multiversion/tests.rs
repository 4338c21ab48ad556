//! Every kernel that promises the same bits on every processor, on each path that this one has.

use proptest::prelude::*;

use crate::{
    Activation, AdamWStep, Bf16, CpuFeatures, DropoutMask, Element, activation_backward,
    adamw_step, add_bias, add_column_sums, apply_masks, axpy, bias_activation, cpu::forced,
    gather_rows, layer_norm_backward, residual_layer_norm, round_to, scale_shift, scatter_add_rows,
    sum_of_squares,
};

fn values(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 4.0
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Runs `kernel` on every path and compares all it returns, bit for bit.
fn assert_same_bits(kernel: impl Fn() -> Vec<f32> + Sync) {
    let mut runs = forced::levels().into_iter().map(|(name, features)| {
        let bits: Vec<u32> = forced::on(features, &kernel).into_iter().map(f32::to_bits).collect();
        (name, bits)
    });
    let (_, portable) = runs.next().unwrap();
    for (name, bits) in runs {
        assert_eq!(bits, portable, "{name} differs from portable code");
    }
}

fn elements<E: Element>(values: &[f32]) -> Vec<E> {
    let mut out = vec![E::default(); values.len()];
    round_to(values, &mut out);
    out
}

fn got<E: Element>(elements: &[E]) -> Vec<f32> {
    elements.iter().map(|element| element.get()).collect()
}

fn activations<E: Element>(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let mut all = Vec::new();
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let mut x = values(rows * n, seed);
        let (mut sums, mut d_x) = (vec![E::default(); x.len()], vec![E::default(); x.len()]);
        bias_activation(activation, &values(n, seed + 1), &mut x, &mut sums);
        all.extend([&x[..], &got(&sums)].concat());
        activation_backward(activation, &mut sums, &values(rows * n, seed + 2), &mut d_x);
        all.extend([got(&sums), got(&d_x)].concat());
    }
    all
}

fn layer_norms<E: Element>(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let masks: Vec<_> = (0..rows).map(|row| DropoutMask::new(row as u64, 0.1)).collect();
    let residual = values(rows * n, seed + 1);
    let mut deviations = vec![0.0; rows];
    let (weight, bias) = (values(n, seed + 2), values(n, seed + 3));
    let mut all = Vec::new();
    for masks in [None, Some(&masks[..])] {
        let mut x = values(rows * n, seed);
        residual_layer_norm(&mut x, &bias, masks, &residual, 1e-12, &mut deviations);
        let x = elements::<E>(&x);
        let mut out = vec![E::default(); x.len()];
        scale_shift(&x, &weight, &bias, &mut out);
        let mut d = values(rows * n, seed + 4);
        let (mut d_weight, mut d_bias) = (values(n, seed + 5), values(n, seed + 6));
        let sums = (Some(&mut d_weight[..]), Some(&mut d_bias[..]));
        layer_norm_backward(&mut d, &x, &deviations, &weight, sums.0, sums.1);
        all.extend([got(&x), deviations.clone(), got(&out), d, d_weight, d_bias].concat());
    }
    all
}

fn row_passes<E: Element>(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let masks: Vec<_> = (0..rows).map(|row| DropoutMask::new(row as u64, 0.1)).collect();
    let start = values(rows * n, seed);
    let (mut sums, mut dropped) = (elements::<E>(&start), elements::<E>(&start));
    add_bias(&values(n, seed + 1), &start, &mut sums);
    apply_masks(Some(&masks), &start, &mut dropped);
    let mut columns = values(n, seed + 2);
    add_column_sums(&dropped, &mut columns);
    [got(&sums), got(&dropped), columns].concat()
}

fn rest(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let x = values(rows * n, seed);
    let ids: Vec<u32> = (0..rows as u32).map(|row| row * row % 5).collect();
    let (mut table, mut lookup) = (values(5 * n, seed + 1), vec![0.0; rows * n]);
    gather_rows(&table, &ids, &x, &mut lookup);
    scatter_add_rows(&x, &ids, &mut table);
    let (lr, beta1, beta2, eps, weight_decay) = (0.01, 0.9, 0.999, 1e-8, 0.1);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay, step: 2, grad_scale: 0.5 };
    let (mut params, mut m) = (values(rows * n, seed + 4), values(rows * n, seed + 5));
    let mut v = vec![0.5; rows * n];
    adamw_step(&mut params, &x, &mut m, &mut v, step);
    axpy(0.1, &x, &mut params);
    let norm = sum_of_squares(&x).to_bits();
    let norm = [f32::from_bits(norm as u32), f32::from_bits((norm >> 32) as u32)];
    [table, lookup, params, m, v, norm.to_vec()].concat()
}

#[test]
fn every_thread_of_a_run_sees_the_forced_features() {
    for (name, features) in forced::levels() {
        let seen = forced::on(features, || rayon::broadcast(|_| CpuFeatures::get()));
        assert_eq!(seen, [features; 2], "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_gives_the_same_bits(n in 1usize..80, rows in 0usize..140, seed in 0u32..1 << 20) {
        assert_same_bits(|| activations::<f32>(n, rows, seed));
        assert_same_bits(|| activations::<Bf16>(n, rows, seed));
        assert_same_bits(|| layer_norms::<f32>(n, rows, seed));
        assert_same_bits(|| layer_norms::<Bf16>(n, rows, seed));
        assert_same_bits(|| row_passes::<f32>(n, rows, seed));
        assert_same_bits(|| row_passes::<Bf16>(n, rows, seed));
        assert_same_bits(|| rest(n, rows, seed));
    }
}

#[test]
fn values_at_the_ends_of_the_range_too() {
    let ends = [0.0, -0.0, 1e-40, -1e-40, 1e30, -1e30, f32::MAX, f32::MIN, 87.5, -87.5, 9.0, -9.0];
    assert_same_bits(|| {
        let mut all = Vec::new();
        for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let (mut x, mut sums) = (ends.repeat(5), vec![0.0; 60]);
            bias_activation(activation, &[0.0; 60], &mut x, &mut sums);
            all.extend(x);
        }
        all
    });
}
