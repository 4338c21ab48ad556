use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use crate::{Activation, reference::add_bias};

/// Adds `bias` to each row of `x`, writes the sum to `sum` and its activation to `x`; see
/// [`crate::bias_activation`].
///
/// # Panics
/// If lengths do not fit together.
pub fn bias_activation(activation: Activation, bias: &[f64], x: &mut [f64], sum: &mut [f64]) {
    add_bias(bias, x, sum);
    activate(activation, sum, x);
}

/// Writes `activation(x)` to `out`.
///
/// # Panics
/// If lengths differ.
pub fn activate(activation: Activation, x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len(), "input and output differ in length");
    for (out, &x) in out.iter_mut().zip(x) {
        *out = match activation {
            Activation::Gelu => x * normal_below(x),
            Activation::GeluTanh => 0.5 * x * (1.0 + tanh_inner(x).tanh()),
            Activation::Relu if x < 0.0 => 0.0,
            Activation::Relu => x,
        };
    }
}

/// Writes `d · activation'(x)` to `d_x` and `activation(x)` to `x`; see
/// [`crate::activation_backward`].
///
/// # Panics
/// If lengths differ.
pub fn activation_backward(activation: Activation, x: &mut [f64], d: &[f64], d_x: &mut [f64]) {
    assert!(x.len() == d.len() && x.len() == d_x.len(), "input and gradient differ in length");
    for ((d, &x), d_x) in d.iter().zip(&*x).zip(d_x) {
        *d_x = d * match activation {
            Activation::Gelu => normal_below(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt(),
            Activation::GeluTanh => {
                let t = tanh_inner(x).tanh();
                let slope = (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044_715 * x * x);
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope
            }
            Activation::Relu if x <= 0.0 => 0.0,
            Activation::Relu => 1.0,
        };
    }
    let inputs = x.to_vec();
    activate(activation, &inputs, x);
}

fn tanh_inner(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + 0.044_715 * x * x * x)
}

/// `Φ(x)`, the distribution of the standard normal.
fn normal_below(x: f64) -> f64 {
    0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}

/// `erf(x) = 2/√π · e^(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1))`: all terms have one sign, so nothing
/// cancels.
fn erf(x: f64) -> f64 {
    // It differs from 1 by less than 2⁻⁵³.
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut sum, mut term) = (0.0, x);
    for n in 1..200 {
        sum += term;
        term *= 2.0 * x * x / f64::from(2 * n + 1);
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}
