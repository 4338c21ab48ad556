use embedtune_kernels::{
    Bf16, DropoutMask, Element, layer_norm, layer_norm_backward, reference, residual_layer_norm,
    scale_shift,
};
use embedtune_testkit::{Tolerance, assert_close, finite_difference};
use proptest::prelude::*;

use super::{UNIT, assert_within, both, elements, got, masks, rounding, values, wide};

const EPS: f32 = 1e-12;

/// Normalized rows and deviations by the kernel, from `x`, `bias` and `residual` of `seed`.
fn forward(
    n: usize,
    rows: usize,
    masks: Option<&[DropoutMask]>,
    seed: u64,
) -> (Vec<f32>, Vec<f32>) {
    let (mut x, residual) = (values(rows * n, seed), values(rows * n, seed + 1));
    let mut deviations = vec![f32::NAN; rows];
    residual_layer_norm(&mut x, &values(n, seed + 2), masks, &residual, EPS, &mut deviations);
    (x, deviations)
}

#[test]
fn the_twins_gradient_is_the_slope_of_its_values() {
    let (rows, n) = (3, 7);
    let (weight, bias) = (wide(&values(n, 1)), wide(&values(n, 2)));
    // Any gradient of the output will do.
    let d_out = wide(&values(rows * n, 3));
    let value = |x: &[f64], weight: &[f64], bias: &[f64]| -> f64 {
        let (mut x, mut inverse, mut out) = (x.to_vec(), vec![0.0; rows], vec![0.0; rows * n]);
        reference::layer_norm(&mut x, 1e-3, &mut inverse);
        reference::scale_shift(&x, weight, bias, &mut out);
        out.iter().zip(&d_out).map(|(out, d)| out * d).sum()
    };
    let x = wide(&values(rows * n, 4));
    let (mut normalized, mut inverse) = (x.clone(), vec![0.0; rows]);
    reference::layer_norm(&mut normalized, 1e-3, &mut inverse);
    let (mut d, mut d_weight, mut d_bias) = (d_out.clone(), vec![0.0; n], vec![0.0; n]);
    reference::layer_norm_backward(
        &mut d,
        &normalized,
        &inverse,
        &weight,
        &mut d_weight,
        &mut d_bias,
    );
    let close = |got: &[f64], f: &mut dyn FnMut(&[f64]) -> f64, at: &[f64]| {
        assert_close(got, &finite_difference(at, 1e-5, f), Tolerance::relative(1e-8));
    };
    close(&d, &mut |x| value(x, &weight, &bias), &x);
    close(&d_weight, &mut |weight| value(&x, weight, &bias), &weight);
    close(&d_bias, &mut |bias| value(&x, &weight, bias), &bias);
}

#[test]
fn constant_rows_are_zero_and_nan_fills_its_row_alone() {
    let (mut x, mut deviations) = (vec![3.0; 2 * 33], vec![0.0; 2]);
    layer_norm(&mut x, EPS, &mut deviations);
    assert!(x.iter().all(|&x| x == 0.0));
    assert_eq!(deviations, [1e6; 2]);

    for at in 0..33 {
        let mut x = values(3 * 33, 1);
        x[33 + at] = f32::NAN;
        let mut deviations = vec![0.0; 3];
        layer_norm(&mut x, EPS, &mut deviations);
        assert!(x[33..66].iter().all(|x| x.is_nan()) && deviations[1].is_nan());
        assert!(x[..33].iter().chain(&x[66..]).all(|x| x.is_finite()));
        let mut d = values(3 * 33, 2);
        let mut sums = (vec![0.0; 33], vec![0.0; 33]);
        let (weights, biases) = (Some(&mut sums.0[..]), Some(&mut sums.1[..]));
        layer_norm_backward(&mut d, &x, &deviations, &[1.0; 33], weights, biases);
        assert!(d[33..66].iter().all(|d| d.is_nan()));
        assert!(sums.0.iter().all(|sum| sum.is_nan()) && sums.1.iter().all(|sum| sum.is_finite()));
    }
}

#[test]
fn no_rows_are_no_work() {
    let (mut sums, mut none) = ([1.0; 4], Vec::new());
    layer_norm(&mut none, EPS, &mut []);
    residual_layer_norm(&mut none, &[0.0; 4], Some(&[]), &[], EPS, &mut []);
    scale_shift::<f32, f32>(&[], &[1.0; 4], &[0.0; 4], &mut none);
    layer_norm_backward::<f32>(&mut none, &[], &[], &[1.0; 4], Some(&mut sums), None);
    assert_eq!(sums, [1.0; 4]);
}

#[test]
#[should_panic(expected = "rows without values")]
fn rows_must_have_values() {
    layer_norm(&mut [], EPS, &mut [0.0; 2]);
}

#[test]
#[should_panic(expected = "a weight and its gradient differ in length")]
fn a_gradient_has_the_length_of_its_weight() {
    let (mut d, mut sums) = ([0.0; 4], [0.0; 3]);
    layer_norm_backward(&mut d, &[0.0f32; 4], &[1.0; 2], &[1.0; 2], Some(&mut sums), None);
}

#[test]
fn a_row_does_not_know_of_the_others() {
    let (n, rows) = (65, 7);
    let masks = masks(rows, 0.1, 9);
    let (x, residual, bias) = (values(rows * n, 1), values(rows * n, 2), values(n, 3));
    let (mut all, mut deviations) = (x.clone(), vec![f32::NAN; rows]);
    residual_layer_norm(&mut all, &bias, Some(&masks), &residual, EPS, &mut deviations);
    for row in 0..rows {
        let place = row * n..(row + 1) * n;
        let (mut alone, mut deviation) = (x[place.clone()].to_vec(), [f32::NAN]);
        let (mask, residual) = (&masks[row..=row], &residual[place.clone()]);
        residual_layer_norm(&mut alone, &bias, Some(mask), residual, EPS, &mut deviation);
        assert_eq!((alone, deviation[0]), (all[place].to_vec(), deviations[row]));
    }
}

/// Checks `scale_shift` from one format to another.
fn check_scale_shift<A: Element, B: Element>(x: &[f32], weight: &[f32], bias: &[f32]) {
    let x = elements::<A>(x);
    let mut out = vec![B::of(f32::NAN); x.len()];
    scale_shift(&x, weight, bias, &mut out);
    let (x, mut expected) = (got(&x), vec![0.0; x.len()]);
    reference::scale_shift(&wide(&x), &wide(weight), &wide(bias), &mut expected);
    assert_within(&got(&out), &expected, |at| {
        let bound = UNIT * (f64::from(x[at].abs()) + 1.0);
        bound + rounding::<B>(expected[at].abs() + bound)
    });
}

fn check_backward<E: Element>(n: usize, rows: usize, seed: u64, wanted: (bool, bool)) {
    let (normalized, deviations) = forward(n, rows, None, seed);
    let normalized = elements::<E>(&normalized);
    let (weight, mut d) = (values(n, seed + 3), values(rows * n, seed + 4));
    let mut expected = wide(&d);
    let (mut d_weight, mut d_bias) = (values(n, seed + 5), values(n, seed + 6));
    let (mut twin_weight, mut twin_bias) = (wide(&d_weight), wide(&d_bias));
    reference::layer_norm_backward(
        &mut expected,
        &wide(&got(&normalized)),
        &wide(&deviations),
        &wide(&weight),
        &mut twin_weight,
        &mut twin_bias,
    );
    let before = (d_weight.clone(), d_bias.clone());
    layer_norm_backward(
        &mut d,
        &normalized,
        &deviations,
        &weight,
        wanted.0.then_some(&mut d_weight[..]),
        wanted.1.then_some(&mut d_bias[..]),
    );
    // A row's rounding grows with its factor, which is large where its values are nearly one: so even
    // of two values, whose gradient is 0 but for rounding, the bound says enough.
    let bound = |at: usize| (n / 4 + 16) as f64 * UNIT * f64::from(deviations[at / n]);
    assert_within(&d, &expected, bound);
    if wanted.0 {
        assert_close(&d_weight, &twin_weight, Tolerance::relative(1e-5));
    } else {
        assert_eq!(d_weight, before.0);
    }
    if wanted.1 {
        assert_close(&d_bias, &twin_bias, Tolerance::relative(1e-5));
    } else {
        assert_eq!(d_bias, before.1);
    }
}

proptest! {
    #[test]
    fn forward_equals_its_twin(
        rows in 0usize..140, n in 1usize..100, seed in 0u64..1000, dropped in any::<bool>(),
        offset in prop_oneof![Just(0.0f32), -50.0f32..50.0],
    ) {
        let masks = dropped.then(|| masks(rows, 0.2, seed));
        let (mut x, residual) = (values(rows * n, seed), values(rows * n, seed + 1));
        let bias: Vec<f32> = values(n, seed + 2).iter().map(|bias| bias + offset).collect();
        let (mut expected, mut inverse) = (wide(&x), vec![0.0; rows]);
        let (wide_bias, wide_residual, eps) = (wide(&bias), wide(&residual), f64::from(EPS));
        let masks = masks.as_deref();
        reference::residual_layer_norm(
            &mut expected, &wide_bias, masks, &wide_residual, eps, &mut inverse,
        );
        let mut deviations = vec![f32::NAN; rows];
        residual_layer_norm(&mut x, &bias, masks, &residual, EPS, &mut deviations);
        // The sum that is normalized is at most this large, with dropout's factor of 1.25.
        let largest = (1.0 + f64::from(offset.abs()) + 1.0) * 1.25 + 1.0;
        let bound = |row: usize| (n + 64) as f64 * UNIT * largest * inverse[row];
        // One value a row is its own mean: its deviation is 0 but for rounding, nothing to compare.
        if n > 1 {
            assert_within(&x, &expected, |at| bound(at / n));
            assert_within(&deviations, &inverse, |row| bound(row) * inverse[row]);
        }
        prop_assert!(x.iter().all(|x| x.is_finite()));

        let (weight, bias) = (values(n, seed + 3), values(n, seed + 4));
        check_scale_shift::<f32, f32>(&x, &weight, &bias);
        check_scale_shift::<f32, Bf16>(&x, &weight, &bias);
        check_scale_shift::<Bf16, f32>(&x, &weight, &bias);
        check_scale_shift::<Bf16, Bf16>(&x, &weight, &bias);
    }

    #[test]
    fn backward_equals_its_twin(
        rows in 0usize..140, n in 2usize..100, seed in 0u64..1000, wanted in any::<(bool, bool)>(),
    ) {
        both!(check_backward(n, rows, seed, wanted));
    }
}
