/// `out ≈ values · weightsᵀ` in 8-bit integers, for `values` `(rows, k)` and `weights` `(n, k)`; see
/// [`crate::multiply_int8`], which gives the same bits.
///
/// # Panics
/// If lengths do not fit together.
pub fn multiply_int8(values: &[f32], weights: &[f32], k: usize, out: &mut [f32]) {
    let n = weights.len() / k;
    assert_eq!(out.len(), values.len() / k * n, "the result has another shape");
    let rows: Vec<_> = values.chunks_exact(k).map(row).collect();
    let columns: Vec<_> = weights.chunks_exact(k).map(column).collect();
    for (at, out) in out.iter_mut().enumerate() {
        let ((x, x_step), (w, w_step)) = (&rows[at / n], &columns[at % n]);
        let sum: i64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
        *out = sum as f32 * (x_step * w_step);
    }
}

/// Whole numbers of steps, and the step: 255 of them span the values and 0.
fn row(values: &[f32]) -> (Vec<i64>, f32) {
    let low = values.iter().copied().fold(0.0, f32::min);
    let high = values.iter().copied().fold(0.0, f32::max);
    let step = normal_or_zero(high / 255.0 - low / 255.0);
    if step == 0.0 || !values.iter().all(|value| value.is_finite()) {
        return without_steps(values, step);
    }
    let inverse = 1.0 / step;
    let zero = (-low * inverse).round();
    let number = |value: f32| (value * inverse + zero).round_ties_even().clamp(0.0, 255.0) - zero;
    (values.iter().map(|&value| number(value) as i64).collect(), step)
}

/// Whole numbers of steps, and the step: 127 of them are the largest weight.
fn column(weights: &[f32]) -> (Vec<i64>, f32) {
    let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let step = normal_or_zero(largest / 127.0);
    if step == 0.0 || !weights.iter().all(|weight| weight.is_finite()) {
        return without_steps(weights, step);
    }
    let inverse = 1.0 / step;
    (weights.iter().map(|weight| (weight * inverse).round() as i64).collect(), step)
}

fn normal_or_zero(step: f32) -> f32 {
    if step < f32::MIN_POSITIVE { 0.0 } else { step }
}

/// What has no steps is 0, or NaN if it is not finite.
fn without_steps(values: &[f32], step: f32) -> (Vec<i64>, f32) {
    let step = if values.iter().all(|value| value.is_finite()) { step } else { f32::NAN };
    (vec![0; values.len()], step)
}
