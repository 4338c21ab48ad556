use embedtune_kernels::{Activation, activate, activation_backward, bias_activation, reference};
use embedtune_testkit::{Tolerance, assert_close, finite_difference};
use proptest::prelude::*;

use super::{assert_threads_do_not_matter, assert_within, values, wide};

const ALL: [Activation; 3] = [Activation::Gelu, Activation::GeluTanh, Activation::Relu];

/// Stated error of a value, as a share of `|x|`, and of a slope.
fn bounds(activation: Activation) -> (f64, f64) {
    match activation {
        Activation::Gelu => (4e-7, 1e-6),
        Activation::GeluTanh => (1e-6, 4e-6),
        Activation::Relu => (0.0, 0.0),
    }
}

fn check_values(activation: Activation, x: &[f32], out: &[f32]) {
    let mut expected = vec![0.0; x.len()];
    reference::activate(activation, &wide(x), &mut expected);
    assert_within(out, &expected, |at| bounds(activation).0 * f64::from(x[at].abs()));
}

fn check_slopes(activation: Activation, x: &[f32]) {
    let (mut slopes, mut expected) = (vec![1.0; x.len()], vec![1.0; x.len()]);
    activation_backward(activation, x, &mut slopes);
    reference::activation_backward(activation, &wide(x), &mut expected);
    assert_within(&slopes, &expected, |_| bounds(activation).1);
}

#[test]
fn within_the_stated_error_on_a_fine_grid() {
    let grid: Vec<f32> = (-200_000..=200_000).map(|i| i as f32 / 10_000.0).collect();
    for activation in ALL {
        let mut out = vec![f32::NAN; grid.len()];
        activate(activation, &grid, &mut out);
        check_values(activation, &grid, &out);
        check_slopes(activation, &grid);
    }
}

#[test]
fn far_from_zero_it_is_the_identity_or_nothing() {
    for activation in ALL {
        let x = [30.0, 1e4, 1e18, -30.0, -1e4, -1e18];
        let (mut out, mut slopes) = ([0.0; 6], [1.0; 6]);
        activate(activation, &x, &mut out);
        assert_eq!(out, [30.0, 1e4, 1e18, 0.0, 0.0, 0.0], "{activation:?}");
        activation_backward(activation, &x, &mut slopes);
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
        let mut d = vec![1.0; x.len()];
        reference::activation_backward(activation, &x, &mut d);
        assert_close(&d, &numeric, Tolerance::absolute(1e-8));
    }
}

#[test]
fn nan_and_infinity_stay_visible() {
    for activation in ALL {
        for at in 0..40 {
            let mut x = vec![0.5; 40];
            x[at] = f32::NAN;
            let mut out = vec![0.0; 40];
            activate(activation, &x, &mut out);
            let found: Vec<usize> = (0..40).filter(|&i| out[i].is_nan()).collect();
            assert_eq!(found, [at], "{activation:?}");
            let mut d = vec![f32::NAN; 40];
            activation_backward(activation, &[0.5; 40], &mut d);
            assert!(d.iter().all(|d| d.is_nan()), "{activation:?}");
        }
        let mut out = [0.0];
        activate(activation, &[f32::INFINITY], &mut out);
        assert_eq!(out, [f32::INFINITY], "{activation:?}");
        let mut d = [f32::NAN];
        activation_backward(activation, &[f32::NAN], &mut d);
        assert!(d[0].is_nan(), "{activation:?}");
    }
}

#[test]
fn threads_do_not_matter() {
    assert_threads_do_not_matter(|| {
        let (mut x, bias) = (values(300 * 129, 1), values(129, 2));
        let mut out = vec![0.0; x.len()];
        bias_activation(Activation::Gelu, &bias, &mut x, &mut out);
        let mut d = values(x.len(), 3);
        activation_backward(Activation::Gelu, &x, &mut d);
        [x, out, d].concat()
    });
}

#[test]
#[should_panic(expected = "rows of another width")]
fn rows_must_have_the_width_of_the_bias() {
    bias_activation(Activation::Relu, &[0.0; 3], &mut [0.0; 4], &mut [0.0; 4]);
}

proptest! {
    #[test]
    fn equals_its_twin(rows in 0usize..200, n in 1usize..40, seed in 0u64..1000, scale in 0.1f32..12.0) {
        let start: Vec<f32> = values(rows * n, seed).iter().map(|x| x * scale).collect();
        let bias = values(n, seed + 1);
        for activation in ALL {
            let (mut x, mut out) = (start.clone(), vec![f32::NAN; rows * n]);
            bias_activation(activation, &bias, &mut x, &mut out);
            let (mut sums, mut expected) = (wide(&start), vec![0.0; rows * n]);
            reference::bias_activation(activation, &wide(&bias), &mut sums, &mut expected);
            let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
            prop_assert_eq!(&x, &sums, "a sum is rounded once");
            check_values(activation, &x, &out);
            check_slopes(activation, &x);
        }
    }
}
