//! Bias and activation of a feed-forward block, forward and backward.

use rayon::prelude::*;

use crate::{ROWS, math, multiversion::multiversion};

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

/// Adds `bias` `(n)` to each row of `x` `(rows, n)` and writes `activation(x)` to `out`
/// `(rows, n)`. Parallel over rows; the same bits for any number of threads.
///
/// # Panics
/// If lengths differ or are no multiple of the bias's.
pub fn bias_activation(activation: Activation, bias: &[f32], x: &mut [f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "input and output differ in length");
    assert!(!bias.is_empty() && x.len().is_multiple_of(bias.len()), "rows of another width");
    let chunk = ROWS * bias.len();
    x.par_chunks_mut(chunk).zip(out.par_chunks_mut(chunk)).for_each(|(x, out)| {
        for (x, out) in x.chunks_exact_mut(bias.len()).zip(out.chunks_exact_mut(bias.len())) {
            add(bias, x);
            forward(activation, x, out);
        }
    });
}

/// Writes `activation(x)` to `out`, both of one length.
///
/// # Panics
/// If lengths differ.
pub fn activate(activation: Activation, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "input and output differ in length");
    let chunk = crate::CHUNK;
    x.par_chunks(chunk).zip(out.par_chunks_mut(chunk)).for_each(|(x, out)| {
        forward(activation, x, out);
    });
}

/// `d *= activation'(x)`: turns the gradient of an activation's output into that of its input `x`.
///
/// # Panics
/// If lengths differ.
pub fn activation_backward(activation: Activation, x: &[f32], d: &mut [f32]) {
    assert_eq!(x.len(), d.len(), "input and gradient differ in length");
    let chunk = crate::CHUNK;
    x.par_chunks(chunk).zip(d.par_chunks_mut(chunk)).for_each(|(x, d)| backward(activation, x, d));
}

multiversion! {
    fn add(bias: &[f32], x: &mut [f32]) {
        for (x, bias) in x.iter_mut().zip(bias) {
            *x += bias;
        }
    }
}

multiversion! {
    fn forward(activation: Activation, x: &[f32], out: &mut [f32]) {
        match activation {
            Activation::Gelu => {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = x * math::normal(x).0;
                }
            }
            Activation::GeluTanh => {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = 0.5 * x * (1.0 + math::tanh(inner(x)));
                }
            }
            Activation::Relu => {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = if x < 0.0 { 0.0 } else { x };
                }
            }
        }
    }
}

multiversion! {
    fn backward(activation: Activation, x: &[f32], d: &mut [f32]) {
        match activation {
            Activation::Gelu => {
                for (d, &x) in d.iter_mut().zip(x) {
                    let (below, density) = math::normal(x);
                    *d *= below + x * density;
                }
            }
            Activation::GeluTanh => {
                for (d, &x) in d.iter_mut().zip(x) {
                    let t = math::tanh(inner(x));
                    let slope = SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * x * x);
                    *d *= 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope;
                }
            }
            Activation::Relu => {
                for (d, &x) in d.iter_mut().zip(x) {
                    *d = if x <= 0.0 { 0.0 } else { *d };
                }
            }
        }
    }
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn inner(x: f32) -> f32 {
    SQRT_2_OVER_PI * (x + CUBIC * x * x * x)
}
