use crate::DropoutMask;

/// Adds `bias` to each row of `x`; see [`crate::add_bias`].
///
/// # Panics
/// If `bias` is empty and `x` is not.
pub fn add_bias(bias: &[f64], x: &mut [f64]) {
    for (at, value) in x.iter_mut().enumerate() {
        *value += bias[at % bias.len()];
    }
}

/// Multiplies each row of `x` by the factors of its mask; see [`crate::apply_masks`].
///
/// # Panics
/// If there is no mask and `x` is not empty.
pub fn apply_masks(masks: &[DropoutMask], x: &mut [f64]) {
    let n = x.len().checked_div(masks.len()).unwrap_or(0);
    for (at, value) in x.iter_mut().enumerate() {
        *value *= f64::from(masks[at / n].factor((at % n) as u32));
    }
}

/// Adds the sum over the rows of `x` to `sum`; see [`crate::add_column_sums`].
///
/// # Panics
/// If `sum` is empty and `x` is not.
pub fn add_column_sums(x: &[f64], sum: &mut [f64]) {
    let n = sum.len();
    for (at, value) in x.iter().enumerate() {
        sum[at % n] += value;
    }
}
