//! Simple passes over the rows of a matrix.

use rayon::prelude::*;

use crate::{DropoutMask, ROWS, multiversion::multiversion};

/// Adds `bias` `(n)` to each row of `x` `(rows, n)`.
///
/// # Panics
/// If the length of `x` is no multiple of the bias's.
pub fn add_bias(bias: &[f32], x: &mut [f32]) {
    let n = bias.len();
    assert!(n > 0 && x.len().is_multiple_of(n), "rows of another width");
    x.par_chunks_mut(ROWS * n).for_each(|x| {
        for row in x.chunks_exact_mut(n) {
            add(bias, row);
        }
    });
}

/// Multiplies each row of `x` `(rows, n)` by the factors of its mask; `masks` `(rows)`.
///
/// # Panics
/// If there is not one mask a row.
pub fn apply_masks(masks: &[DropoutMask], x: &mut [f32]) {
    let n = x.len().checked_div(masks.len()).unwrap_or(0);
    assert_eq!(x.len(), masks.len() * n, "rows and masks differ in number");
    if n == 0 {
        return;
    }
    x.par_chunks_mut(ROWS * n).zip(masks.par_chunks(ROWS)).for_each(|(x, masks)| {
        for (row, mask) in x.chunks_exact_mut(n).zip(masks) {
            mask.apply(0, row);
        }
    });
}

/// Adds the sum over the rows of `x` `(rows, n)` to `sum` `(n)`: the gradient of a bias. Chunks of
/// a fixed number of rows are summed in parallel and added in order: the same bits for any number
/// of threads, each off by at most `(rows + 1) · 2⁻²³ · Σ |xᵢ|`.
///
/// # Panics
/// If the length of `x` is no multiple of the sum's.
pub fn add_column_sums(x: &[f32], sum: &mut [f32]) {
    let n = sum.len();
    assert!(n > 0 && x.len().is_multiple_of(n), "rows of another width");
    let partial: Vec<Vec<f32>> = x
        .par_chunks(ROWS * n)
        .map(|rows| {
            let mut sum = vec![0.0; n];
            rows.chunks_exact(n).for_each(|row| add(row, &mut sum));
            sum
        })
        .collect();
    partial.iter().for_each(|partial| add(partial, sum));
}

multiversion! {
    fn add(values: &[f32], sum: &mut [f32]) {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
    }
}
