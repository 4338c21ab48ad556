use embedtune_kernels::{Activation, Element, activation_backward, bias_activation, reference};
use embedtune_testkit::{Tolerance, assert_close, finite_difference};
use proptest::prelude::*;

use super::{assert_within, both, elements, got, rounded, rounding, values, wide};

const ALL: [Activation; 3] = [Activation::Gelu, Activation::GeluTanh, Activation::Relu];

/// Stated error of a value, as a share of `|x|`, and of a slope.
fn bounds(activation: Activation) -> (f64, f64) {
    match activation {
        Activation::Gelu => (4e-7, 1e-6),
        Activation::GeluTanh => (1e-6, 4e-6),
        Activation::Relu => (0.0, 0.0),
    }
}

/// Activations of `x` by the forward pass.
fn activate(activation: Activation, x: &[f32]) -> Vec<f32> {
    let (mut out, mut sums) = (x.to_vec(), vec![f32::NAN; x.len()]);
    bias_activation(activation, &vec![0.0; x.len()], &mut out, &mut sums);
    assert!(sums.iter().zip(x).all(|(sum, x)| sum == x || x.is_nan()));
    out
}

/// Activations of `x` and gradients, from `d`, by the backward pass.
fn backward<E: Element>(activation: Activation, x: &[E], d: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut d_x) = (x.to_vec(), vec![E::of(f32::NAN); d.len()]);
    activation_backward(activation, &mut x, d, &mut d_x);
    (got(&x), got(&d_x))
}

fn check_values(activation: Activation, x: &[f32], out: &[f32], rounding: fn(f64) -> f64) {
    let mut expected = vec![0.0; x.len()];
    reference::activate(activation, &wide(x), &mut expected);
    let bound = |at: usize| {
        let bound = bounds(activation).0 * f64::from(x[at].abs());
        bound + rounding(expected[at].abs() + bound)
    };
    assert_within(out, &expected, bound);
}

fn check_backward<E: Element>(activation: Activation, x: &[f32], d: &[f32]) {
    let (mut twin_x, mut expected) = (wide(&rounded::<E>(x)), vec![0.0; x.len()]);
    reference::activation_backward(activation, &mut twin_x, &wide(d), &mut expected);
    let (values, gradients) = backward(activation, &elements::<E>(x), d);
    check_values(activation, &rounded::<E>(x), &values, rounding::<E>);
    assert_within(&gradients, &expected, |at| {
        // A product in f32 is rounded, too.
        let d = f64::from(d[at].abs());
        let bound = bounds(activation).1 * d + expected[at].abs() * 2f64.powi(-24);
        bound + rounding::<E>(expected[at].abs() + bound)
    });
}

#[test]
fn within_the_stated_error_on_a_fine_grid() {
    let grid: Vec<f32> = (-200_000..=200_000).map(|i| i as f32 / 10_000.0).collect();
    for activation in ALL {
        check_values(activation, &grid, &activate(activation, &grid), |_| 0.0);
        both!(check_backward(activation, &grid, &vec![1.0; grid.len()]));
    }
}

#[test]
fn far_from_zero_it_is_the_identity_or_nothing() {
    for activation in ALL {
        let x = [30.0, 1e4, 1e18, -30.0, -1e4, -1e18];
        let expected = [30.0, 1e4, 1e18, 0.0, 0.0, 0.0];
        assert_eq!(activate(activation, &x), expected, "{activation:?}");
        let (values, slopes) = backward(activation, &x, &[1.0; 6]);
        assert_eq!(values, expected, "{activation:?}");
        assert_eq!(slopes, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0], "{activation:?}");
    }
}

#[test]
fn the_twins_gradient_is_the_slope_of_its_values() {
    // Not at 0, where the rectifier has no slope.
    let x: Vec<f64> = (-40..40).map(|i| f64::from(i) / 8.0 + 0.05).collect();
    for activation in ALL {
        let numeric = finite_difference(&x, 1e-5, |x| {
            let mut out = vec![0.0; x.len()];
            reference::activate(activation, x, &mut out);
            out.iter().sum()
        });
        let (mut values, mut d_x) = (x.clone(), vec![f64::NAN; x.len()]);
        reference::activation_backward(activation, &mut values, &vec![1.0; x.len()], &mut d_x);
        assert_close(&d_x, &numeric, Tolerance::absolute(1e-8));
        let mut expected = vec![0.0; x.len()];
        reference::activate(activation, &x, &mut expected);
        assert_eq!(values, expected);
    }
}

#[test]
fn nan_and_infinity_stay_visible() {
    fn check<E: Element>() {
        let places = |values: &[f32]| -> Vec<usize> {
            (0..values.len()).filter(|&at| values[at].is_nan()).collect()
        };
        for activation in ALL {
            for at in 0..40 {
                let mut x = vec![0.5; 40];
                x[at] = f32::NAN;
                let mut sums = vec![E::default(); 40];
                let (values, _) = backward(activation, &elements::<E>(&x), &[1.0; 40]);
                assert_eq!(places(&values), [at], "{activation:?}");
                bias_activation(activation, &[1.0; 20], &mut x, &mut sums);
                assert_eq!(places(&x), [at], "{activation:?}");
                assert_eq!(places(&got(&sums)), [at], "{activation:?}");
            }
            let halves = elements::<E>(&[0.5; 40]);
            let (_, d_x) = backward(activation, &halves, &[f32::NAN; 40]);
            assert!(d_x.iter().all(|d| d.is_nan()), "{activation:?}");
            assert_eq!(activate(activation, &[f32::INFINITY]), [f32::INFINITY], "{activation:?}");
            let nan = elements::<E>(&[f32::NAN]);
            let (values, d_x) = backward(activation, &nan, &[f32::NAN]);
            assert!(values[0].is_nan() && d_x[0].is_nan(), "{activation:?}");
        }
    }
    both!(check());
}

#[test]
#[should_panic(expected = "rows of another width")]
fn rows_must_have_the_width_of_the_bias() {
    bias_activation(Activation::Relu, &[0.0; 3], &mut [0.0; 4], &mut [0.0f32; 4]);
}

#[test]
#[should_panic(expected = "input and output differ in length")]
fn sums_have_the_shape_of_the_input() {
    bias_activation(Activation::Relu, &[0.0; 2], &mut [0.0; 4], &mut [0.0f32; 2]);
}

#[test]
#[should_panic(expected = "input and gradient differ in length")]
fn gradients_have_the_shape_of_the_input() {
    activation_backward(Activation::Relu, &mut [0.0f32; 4], &[0.0; 4], &mut [0.0; 3]);
}

fn equals_its_twin<E: Element>(start: &[f32], bias: &[f32], d: &[f32]) {
    for activation in ALL {
        let (mut x, mut sums) = (start.to_vec(), vec![E::of(f32::NAN); start.len()]);
        bias_activation(activation, bias, &mut x, &mut sums);
        let (mut twin, mut expected) = (wide(start), vec![f64::NAN; start.len()]);
        reference::bias_activation(activation, &wide(bias), &mut twin, &mut expected);
        let expected: Vec<f32> = expected.into_iter().map(|sum| sum as f32).collect();
        let sums = got(&sums);
        assert_eq!(sums, rounded::<E>(&expected), "a sum is rounded once, and to the format");
        check_values(activation, &sums, &x, |_| 0.0);
        check_backward::<E>(activation, &sums, d);
    }
}

proptest! {
    #[test]
    fn equal_their_twins(
        rows in 0usize..200, n in 1usize..40, seed in 0u64..1000, scale in 0.1f32..12.0,
    ) {
        let start: Vec<f32> = values(rows * n, seed).iter().map(|x| x * scale).collect();
        let (bias, d) = (values(n, seed + 1), values(rows * n, seed + 2));
        both!(equals_its_twin(&start, &bias, &d));
    }
}
