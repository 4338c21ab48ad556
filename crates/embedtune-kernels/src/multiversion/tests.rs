//! Every kernel that promises the same bits on every processor, on each path that this one has.

use proptest::prelude::*;

use crate::{
    Activation, AdamWStep, CpuFeatures, DropoutMask, activation_backward, adamw_step, add_bias,
    add_column_sums,
    attention::{softmax, softmax_backward},
    axpy, bias_activation,
    cpu::forced,
    layer_norm_backward, residual_layer_norm, scale_shift, sum_of_squares,
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

fn activations(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let mut all = Vec::new();
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let mut x = values(rows * n, seed);
        let mut out = vec![0.0; x.len()];
        bias_activation(activation, &values(n, seed + 1), &mut x, &mut out);
        let mut d = values(rows * n, seed + 2);
        activation_backward(activation, &x, &mut d);
        all.extend([x, out, d].concat());
    }
    all
}

fn layer_norms(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let masks: Vec<_> = (0..rows).map(|row| DropoutMask::new(row as u64, 0.1)).collect();
    let mut x = values(rows * n, seed);
    let residual = values(rows * n, seed + 1);
    let mut deviations = vec![0.0; rows];
    let (weight, bias) = (values(n, seed + 2), values(n, seed + 3));
    residual_layer_norm(&mut x, &bias, Some(&masks), &residual, 1e-12, &mut deviations);
    let mut out = vec![0.0; x.len()];
    scale_shift(&x, &weight, &bias, &mut out);
    let mut d = values(rows * n, seed + 4);
    let (mut d_weight, mut d_bias) = (values(n, seed + 5), values(n, seed + 6));
    let sums = (Some(&mut d_weight[..]), Some(&mut d_bias[..]));
    layer_norm_backward(&mut d, &x, &deviations, &weight, sums.0, sums.1);
    [x, deviations, out, d, d_weight, d_bias].concat()
}

fn rest(n: usize, rows: usize, seed: u32) -> Vec<f32> {
    let mut x = values(rows * n, seed);
    add_bias(&values(n, seed + 1), &mut x);
    let mut sums = values(n, seed + 2);
    add_column_sums(&x, &mut sums);
    let (mut p, mut d) = (x.clone(), values(rows * n, seed + 3));
    for (p, d) in p.chunks_exact_mut(n).zip(d.chunks_exact_mut(n)) {
        softmax(p, 0.3);
        softmax_backward(p, 0.3, d);
    }
    let (lr, beta1, beta2, eps, weight_decay) = (0.01, 0.9, 0.999, 1e-8, 0.1);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay, step: 2, grad_scale: 0.5 };
    let (mut params, mut m) = (values(rows * n, seed + 4), values(rows * n, seed + 5));
    let mut v = vec![0.5; rows * n];
    adamw_step(&mut params, &x, &mut m, &mut v, step);
    axpy(0.1, &x, &mut params);
    let norm = sum_of_squares(&x).to_bits();
    let norm = [f32::from_bits(norm as u32), f32::from_bits((norm >> 32) as u32)];
    [x, sums, p, d, params, m, v, norm.to_vec()].concat()
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
        assert_same_bits(|| activations(n, rows, seed));
        assert_same_bits(|| layer_norms(n, rows, seed));
        assert_same_bits(|| rest(n, rows, seed));
    }
}

#[test]
fn values_at_the_ends_of_the_range_too() {
    let ends = [0.0, -0.0, 1e-40, -1e-40, 1e30, -1e30, f32::MAX, f32::MIN, 87.5, -87.5, 9.0, -9.0];
    assert_same_bits(|| {
        let mut all = Vec::new();
        for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let (mut x, mut out) = (ends.repeat(5), vec![0.0; 60]);
            bias_activation(activation, &[0.0; 60], &mut x, &mut out);
            all.extend(out);
        }
        let mut row = ends.repeat(3);
        softmax(&mut row, 1.0);
        all.extend(row);
        all
    });
}
