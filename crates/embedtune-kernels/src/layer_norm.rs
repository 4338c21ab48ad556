//! Layer norm over the sum of a sub-block's output and its residual, forward and backward.

use rayon::prelude::*;

use crate::{DropoutMask, ROWS, math, multiversion::multiversion};

/// Adds `bias` to each row of `x`, drops values by the row's mask, adds the row of `residual`, and
/// normalizes: `x` becomes `(x - mean) / sqrt(variance + eps)`, `inverse_deviation` its
/// `1 / sqrt(variance + eps)`. `x` and `residual` are `(rows, n)`, `bias` `(n)`, masks and
/// deviations `(rows)`.
///
/// Each normalized value is off by at most `(n + 64) · 2⁻²³ · max |x| · inverse_deviation`, where
/// `max |x|` is over the row before it is normalized. Parallel over rows; the same bits for any
/// number of threads.
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
    x.par_chunks_mut(ROWS * n)
        .zip(residual.par_chunks(ROWS * n))
        .zip(inverse_deviation.par_chunks_mut(ROWS))
        .enumerate()
        .for_each(|(chunk, ((x, residual), deviations))| {
            let rows = x.chunks_exact_mut(n).zip(residual.chunks_exact(n)).zip(deviations);
            for (row, ((x, residual), deviation)) in rows.enumerate() {
                add(bias, x);
                if let Some(masks) = masks {
                    masks[chunk * ROWS + row].apply(0, x);
                }
                add(residual, x);
                normalize(x, eps, deviation);
            }
        });
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
    let deviations = inverse_deviation.par_chunks_mut(ROWS);
    x.par_chunks_mut(ROWS * n).zip(deviations).for_each(|(x, deviations)| {
        for (x, deviation) in x.chunks_exact_mut(n).zip(deviations) {
            normalize(x, eps, deviation);
        }
    });
}

/// `out = normalized * weight + bias` row by row: `normalized` and `out` `(rows, n)`, `weight` and
/// `bias` `(n)`.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn scale_shift(normalized: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
    let n = weight.len();
    assert_eq!(bias.len(), n, "weight and bias differ in length");
    assert_eq!(normalized.len(), out.len(), "input and output differ in length");
    assert!(n > 0 && out.len().is_multiple_of(n), "rows of another width");
    out.par_chunks_mut(ROWS * n).zip(normalized.par_chunks(ROWS * n)).for_each(|(out, input)| {
        for (out, input) in out.chunks_exact_mut(n).zip(input.chunks_exact(n)) {
            affine(input, weight, bias, out);
        }
    });
}

/// Gradient of [`residual_layer_norm`] and [`scale_shift`] together: turns `d` `(rows, n)`, the gradient
/// of the output, into that of the sum that was normalized. Adds the gradients of weight and bias
/// to `d_weight` and `d_bias` `(n)` where they are given.
///
/// Sums over rows go over chunks of a fixed number of rows: the same bits for any number of
/// threads. For inputs of order one, values are within 1e-5 of the largest of their tensor.
///
/// # Panics
/// If lengths do not fit together, or rows have no value.
pub fn layer_norm_backward(
    d: &mut [f32],
    normalized: &[f32],
    inverse_deviation: &[f32],
    weight: &[f32],
    d_weight: Option<&mut [f32]>,
    d_bias: Option<&mut [f32]>,
) {
    let n = weight.len();
    assert!(n > 0, "rows without values");
    assert_eq!(d.len(), normalized.len(), "gradient and rows differ in length");
    for sum in [&d_weight, &d_bias].into_iter().flatten() {
        assert_eq!(sum.len(), n, "a weight and its gradient differ in length");
    }
    assert_eq!(d.len(), inverse_deviation.len() * n, "rows and deviations differ in number");
    let wanted = d_weight.is_some() || d_bias.is_some();
    let partial: Vec<(Vec<f32>, Vec<f32>)> = d
        .par_chunks_mut(ROWS * n)
        .zip(normalized.par_chunks(ROWS * n))
        .zip(inverse_deviation.par_chunks(ROWS))
        .map(|((d, normalized), deviations)| {
            let size = if wanted { n } else { 0 };
            let (mut d_weight, mut d_bias) = (vec![0.0; size], vec![0.0; size]);
            let rows = d.chunks_exact_mut(n).zip(normalized.chunks_exact(n)).zip(deviations);
            for ((d, normalized), &deviation) in rows {
                if wanted {
                    accumulate(d, normalized, &mut d_weight, &mut d_bias);
                }
                row_backward(d, normalized, deviation, weight);
            }
            (d_weight, d_bias)
        })
        .collect();
    if let Some(sum) = d_weight {
        partial.iter().for_each(|(weight, _)| add(weight, sum));
    }
    if let Some(sum) = d_bias {
        partial.iter().for_each(|(_, bias)| add(bias, sum));
    }
}

multiversion! {
    fn add(values: &[f32], sum: &mut [f32]) {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
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
    fn affine(input: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
        for (((out, input), weight), bias) in out.iter_mut().zip(input).zip(weight).zip(bias) {
            *out = input * weight + bias;
        }
    }
}

multiversion! {
    fn accumulate(d: &[f32], normalized: &[f32], d_weight: &mut [f32], d_bias: &mut [f32]) {
        let sums = d_weight.iter_mut().zip(d_bias);
        for ((d, normalized), (weight, bias)) in d.iter().zip(normalized).zip(sums) {
            *weight += d * normalized;
            *bias += d;
        }
    }
}

multiversion! {
    fn row_backward(d: &mut [f32], normalized: &[f32], inverse_deviation: f32, weight: &[f32]) {
        let n = d.len() as f32;
        for (d, weight) in d.iter_mut().zip(weight) {
            *d *= weight;
        }
        let mean = math::lane_sum(d, |d| d) / n;
        let slope = math::lane_sum2(d, normalized, |d, x| d * x) / n;
        for (d, normalized) in d.iter_mut().zip(normalized) {
            *d = inverse_deviation * (*d - mean - normalized * slope);
        }
    }
}
