//! Layer norm over the sum of a sub-block's output and its residual, forward and backward.

use crate::{DropoutMask, Element, math, multiversion::multiversion, rows::add};

/// Adds `bias` to each row of `x`, drops values by the row's mask, adds the row of `residual`, and
/// normalizes: `x` becomes `(x - mean) / sqrt(variance + eps)`, `inverse_deviation` its
/// `1 / sqrt(variance + eps)`. `x` and `residual` are `(rows, n)`, `bias` `(n)`, masks and
/// deviations `(rows)`.
///
/// Each normalized value is off by at most `(n + 64) · 2⁻²³ · max |x| · inverse_deviation`, where
/// `max |x|` is over the row before it is normalized.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn residual_layer_norm(
    x: &mut [f32],
    bias: &[f32],
    masks: Option<&[DropoutMask]>,
    residual: &[f32],
    eps: f32,
    inverse_deviation: &mut [f32],
) {
    let n = bias.len();
    assert!(n > 0, "rows without values");
    assert_eq!(x.len(), residual.len(), "input and residual differ in length");
    assert_eq!(x.len(), inverse_deviation.len() * n, "rows and deviations differ in number");
    assert!(
        masks.is_none_or(|masks| masks.len() == inverse_deviation.len()),
        "a mask for each row"
    );
    let rows = x.chunks_exact_mut(n).zip(residual.chunks_exact(n)).zip(inverse_deviation);
    for (row, ((x, residual), deviation)) in rows.enumerate() {
        match masks {
            Some(masks) => add_dropped(&masks[row], bias, residual, x),
            None => add_both(bias, residual, x),
        }
        normalize(x, eps, deviation);
    }
}

/// Normalizes each row of `x` `(rows, n)` in place, as [`residual_layer_norm`] does.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn layer_norm(x: &mut [f32], eps: f32, inverse_deviation: &mut [f32]) {
    let rows = inverse_deviation.len();
    let Some(n) = x.len().checked_div(rows) else {
        assert!(x.is_empty(), "rows and deviations differ in number");
        return;
    };
    assert!(n > 0, "rows without values");
    assert_eq!(x.len(), rows * n, "rows and deviations differ in number");
    for (x, deviation) in x.chunks_exact_mut(n).zip(inverse_deviation) {
        normalize(x, eps, deviation);
    }
}

/// `out = normalized * weight + bias` row by row, rounded to the format of `out`: `normalized` and
/// `out` `(rows, n)`, `weight` and `bias` `(n)`.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn scale_shift<A: Element, B: Element>(
    normalized: &[A],
    weight: &[f32],
    bias: &[f32],
    out: &mut [B],
) {
    let n = weight.len();
    assert_eq!(bias.len(), n, "weight and bias differ in length");
    assert_eq!(normalized.len(), out.len(), "input and output differ in length");
    assert!(n > 0 && out.len().is_multiple_of(n), "rows of another width");
    for (out, input) in out.chunks_exact_mut(n).zip(normalized.chunks_exact(n)) {
        affine(input, weight, bias, out);
    }
}

/// Gradient of [`residual_layer_norm`] and [`scale_shift`] together: turns `d` `(rows, n)`, the
/// gradient of the output, into that of the sum that was normalized. Adds the gradients of weight
/// and bias, sums over rows in their order, to `d_weight` and `d_bias` `(n)` where they are given.
///
/// For inputs of order one, values are within 1e-5 of the largest of their tensor.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn layer_norm_backward<E: Element>(
    d: &mut [f32],
    normalized: &[E],
    inverse_deviation: &[f32],
    weight: &[f32],
    mut d_weight: Option<&mut [f32]>,
    mut d_bias: Option<&mut [f32]>,
) {
    let n = weight.len();
    assert!(n > 0, "rows without values");
    assert_eq!(d.len(), normalized.len(), "gradient and rows differ in length");
    for sum in [&d_weight, &d_bias].into_iter().flatten() {
        assert_eq!(sum.len(), n, "a weight and its gradient differ in length");
    }
    assert_eq!(d.len(), inverse_deviation.len() * n, "rows and deviations differ in number");
    let rows = d.chunks_exact_mut(n).zip(normalized.chunks_exact(n)).zip(inverse_deviation);
    for ((d, normalized), &deviation) in rows {
        if let Some(sum) = &mut d_weight {
            add_products(d, normalized, sum);
        }
        if let Some(sum) = &mut d_bias {
            add(d, sum);
        }
        row_backward(d, normalized, deviation, weight);
    }
}

multiversion! {
    fn add_both(bias: &[f32], residual: &[f32], x: &mut [f32]) {
        for ((x, bias), residual) in x.iter_mut().zip(bias).zip(residual) {
            *x = (*x + bias) + residual;
        }
    }
}

multiversion! {
    fn add_dropped(mask: &DropoutMask, bias: &[f32], residual: &[f32], x: &mut [f32]) {
        for (feature, ((x, bias), residual)) in (0..).zip(x.iter_mut().zip(bias).zip(residual)) {
            *x = (*x + bias) * mask.factor(feature) + residual;
        }
    }
}

multiversion! {
    fn normalize(x: &mut [f32], eps: f32, inverse_deviation: &mut f32) {
        let n = x.len() as f32;
        let mean = math::lane_sum(x, |x| x) / n;
        let variance = math::lane_sum(x, |x| (x - mean) * (x - mean)) / n;
        let inverse = 1.0 / (variance + eps).sqrt();
        for x in x.iter_mut() {
            *x = (*x - mean) * inverse;
        }
        *inverse_deviation = inverse;
    }
}

multiversion! {
    fn affine<A: Element, B: Element>(input: &[A], weight: &[f32], bias: &[f32], out: &mut [B]) {
        for (((out, input), weight), bias) in out.iter_mut().zip(input).zip(weight).zip(bias) {
            *out = B::of(input.get() * weight + bias);
        }
    }
}

multiversion! {
    fn add_products<E: Element>(d: &[f32], normalized: &[E], sum: &mut [f32]) {
        for ((sum, d), normalized) in sum.iter_mut().zip(d).zip(normalized) {
            *sum += d * normalized.get();
        }
    }
}

multiversion! {
    fn row_backward<E: Element>(
        d: &mut [f32], normalized: &[E], inverse_deviation: f32, weight: &[f32],
    ) {
        let n = d.len() as f32;
        for (d, weight) in d.iter_mut().zip(weight) {
            *d *= weight;
        }
        let mean = math::lane_sum(d, |d| d) / n;
        let slope = math::lane_sum2(d, normalized, |d, x| d * x.get()) / n;
        for (d, normalized) in d.iter_mut().zip(normalized) {
            *d = inverse_deviation * (*d - mean - normalized.get() * slope);
        }
    }
}
