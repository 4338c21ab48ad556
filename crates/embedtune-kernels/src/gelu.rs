//! Bias and activation of a feed-forward block, forward and backward.

use crate::{Element, math, multiversion::multiversion};

/// Activation of a feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x Φ(x)`, within `4e-7 · |x|`; its slope is within 1e-6.
    Gelu,
    /// GELU by its tanh approximation (Hendrycks and Gimpel, 2016), within `1e-6 · |x|`; its slope
    /// is within 4e-6 (up to `|x| = 1e18`; beyond, it is NaN where `x²` overflows).
    GeluTanh,
    /// `max(x, 0)`; its derivative at 0 is 0.
    Relu,
}

/// Adds `bias` `(n)` to each row of `x` `(rows, n)`, writes the sum, rounded to the format, to `sum`
/// `(rows, n)`, and turns `x` into the activation of what was written.
///
/// # Panics
/// If lengths differ or are no multiple of the bias's.
pub fn bias_activation<E: Element>(
    activation: Activation,
    bias: &[f32],
    x: &mut [f32],
    sum: &mut [E],
) {
    assert_eq!(x.len(), sum.len(), "input and output differ in length");
    assert!(!bias.is_empty() && x.len().is_multiple_of(bias.len()), "rows of another width");
    let rows = x.chunks_exact_mut(bias.len()).zip(sum.chunks_exact_mut(bias.len()));
    rows.for_each(|(x, sum)| forward(activation, bias, x, sum));
}

/// Gradient of an activation at `x`: `d` `(n)`, that of its output, becomes that of its input, in
/// `d_x` rounded to the format. `x` itself becomes its activation, which the gradient of the next
/// weight needs.
///
/// # Panics
/// If lengths differ.
pub fn activation_backward<E: Element>(
    activation: Activation,
    x: &mut [E],
    d: &[f32],
    d_x: &mut [E],
) {
    assert!(x.len() == d.len() && x.len() == d_x.len(), "input and gradient differ in length");
    backward(activation, x, d, d_x);
}

multiversion! {
    fn forward<E: Element>(activation: Activation, bias: &[f32], x: &mut [f32], sum: &mut [E]) {
        match activation {
            Activation::Gelu => {
                for ((x, bias), sum) in x.iter_mut().zip(bias).zip(sum) {
                    *sum = E::of(*x + bias);
                    *x = gelu(sum.get()).0;
                }
            }
            Activation::GeluTanh => {
                for ((x, bias), sum) in x.iter_mut().zip(bias).zip(sum) {
                    *sum = E::of(*x + bias);
                    *x = gelu_tanh(sum.get()).0;
                }
            }
            Activation::Relu => {
                for ((x, bias), sum) in x.iter_mut().zip(bias).zip(sum) {
                    *sum = E::of(*x + bias);
                    *x = relu(sum.get());
                }
            }
        }
    }
}

multiversion! {
    fn backward<E: Element>(activation: Activation, x: &mut [E], d: &[f32], d_x: &mut [E]) {
        match activation {
            Activation::Gelu => {
                for ((x, d), d_x) in x.iter_mut().zip(d).zip(d_x) {
                    let (value, slope) = gelu(x.get());
                    (*x, *d_x) = (E::of(value), E::of(d * slope));
                }
            }
            Activation::GeluTanh => {
                for ((x, d), d_x) in x.iter_mut().zip(d).zip(d_x) {
                    let (value, slope) = gelu_tanh(x.get());
                    (*x, *d_x) = (E::of(value), E::of(d * slope));
                }
            }
            Activation::Relu => {
                for ((x, d), d_x) in x.iter_mut().zip(d).zip(d_x) {
                    let value = x.get();
                    *x = E::of(relu(value));
                    *d_x = E::of(if value <= 0.0 { 0.0 } else { *d });
                }
            }
        }
    }
}

/// Value and slope.
#[inline(always)]
fn gelu(x: f32) -> (f32, f32) {
    let (below, density) = math::normal(x);
    (x * below, below + x * density)
}

/// Value and slope.
#[inline(always)]
fn gelu_tanh(x: f32) -> (f32, f32) {
    let t = math::tanh(inner(x));
    let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * x * x);
    (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope)
}

/// Value; NaN stays NaN.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn inner(x: f32) -> f32 {
    SQRT_2_OVER_PI * (x + CUBIC * x * x * x)
}
