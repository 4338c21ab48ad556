//! Simple passes over the rows of a matrix, on the calling thread.

use crate::{DropoutMask, Element, multiversion::multiversion};

/// Adds `bias` `(n)` to each row of `x` `(rows, n)`, and writes the sums, rounded to the format, to
/// `out` `(rows, n)`.
///
/// # Panics
/// If lengths differ or are no multiple of the bias's.
pub fn add_bias<E: Element>(bias: &[f32], x: &[f32], out: &mut [E]) {
    let n = bias.len();
    assert_eq!(x.len(), out.len(), "input and output differ in length");
    assert!(n > 0 && x.len().is_multiple_of(n), "rows of another width");
    for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        add_to(bias, x, out);
    }
}

/// Multiplies each row of `x` `(rows, n)` by the factors of its mask, of which there is one a row,
/// and writes the products, rounded to the format, to `out` `(rows, n)`. Without masks it only
/// rounds.
///
/// # Panics
/// If lengths differ or there is not one mask a row.
pub fn apply_masks<E: Element>(masks: Option<&[DropoutMask]>, x: &[f32], out: &mut [E]) {
    assert_eq!(x.len(), out.len(), "input and output differ in length");
    let Some(masks) = masks else { return crate::round_to(x, out) };
    let n = x.len().checked_div(masks.len()).unwrap_or(0);
    assert_eq!(x.len(), masks.len() * n, "rows and masks differ in number");
    if n == 0 {
        return;
    }
    for ((x, out), mask) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)).zip(masks) {
        drop_row(mask, x, out);
    }
}

/// Adds the sum over the rows of `x` `(rows, n)` to `sum` `(n)`, row by row: the gradient of a bias.
/// Each sum is off by at most `(rows + 1) · 2⁻²³ · Σ |xᵢ|`.
///
/// # Panics
/// If the length of `x` is no multiple of the sum's.
pub fn add_column_sums<E: Element>(x: &[E], sum: &mut [f32]) {
    let n = sum.len();
    assert!(n > 0 && x.len().is_multiple_of(n), "rows of another width");
    x.chunks_exact(n).for_each(|row| add(row, sum));
}

/// Writes row `ids[i]` of `table` `(rows, n)` plus row `i` of `other` to row `i` of `out`
/// `(ids, n)`: the lookup of embeddings, summed with their positions'.
///
/// # Panics
/// If lengths do not fit together or an id is outside the table.
pub fn gather_rows(table: &[f32], ids: &[u32], other: &[f32], out: &mut [f32]) {
    let n = out.len().checked_div(ids.len()).unwrap_or(0);
    assert_eq!(out.len(), ids.len() * n, "rows and ids differ in number");
    assert!(other.len() >= out.len(), "fewer rows to add than ids");
    if n == 0 {
        return;
    }
    for ((id, out), other) in ids.iter().zip(out.chunks_exact_mut(n)).zip(other.chunks_exact(n)) {
        add_to(&table[*id as usize * n..][..n], other, out);
    }
}

/// Adds row `i` of `rows` `(ids, n)` to row `ids[i]` of `table` `(rows, n)`, in order: the gradient
/// of [`gather_rows`].
///
/// # Panics
/// If lengths do not fit together or an id is outside the table.
pub fn scatter_add_rows(rows: &[f32], ids: &[u32], table: &mut [f32]) {
    let n = rows.len().checked_div(ids.len()).unwrap_or(0);
    assert_eq!(rows.len(), ids.len() * n, "rows and ids differ in number");
    if n == 0 {
        return;
    }
    for (id, row) in ids.iter().zip(rows.chunks_exact(n)) {
        add(row, &mut table[*id as usize * n..][..n]);
    }
}

/// Writes `scale` times the sum over the rows of `x` `(rows, n)`, added in order, to `out` `(n)`: mean
/// pooling, where `scale` is one over the number of rows. Each value is off by at most `(rows + 1) ·
/// 2⁻²³ · |scale| · Σ |xᵢ|`.
///
/// # Panics
/// If the length of `x` is no multiple of that of `out`.
pub fn sum_rows(x: &[f32], scale: f32, out: &mut [f32]) {
    out.fill(0.0);
    add_column_sums(x, out);
    out.iter_mut().for_each(|value| *value *= scale);
}

/// Writes `scale · row` `(n)` to each row of `out` `(rows, n)`: the gradient of [`sum_rows`].
///
/// # Panics
/// If the length of `out` is no multiple of the row's.
pub fn spread_row(row: &[f32], scale: f32, out: &mut [f32]) {
    let n = row.len();
    assert!(n > 0 && out.len().is_multiple_of(n), "rows of another width");
    out.chunks_exact_mut(n).for_each(|out| scale_to(row, scale, out));
}

multiversion! {
    fn scale_to(row: &[f32], scale: f32, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(row) {
            *out = scale * value;
        }
    }
}

multiversion! {
    fn add_to<E: Element>(a: &[f32], b: &[f32], out: &mut [E]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = E::of(a + b);
        }
    }
}

multiversion! {
    fn drop_row<E: Element>(mask: &DropoutMask, x: &[f32], out: &mut [E]) {
        for (feature, (x, out)) in (0..).zip(x.iter().zip(out)) {
            *out = E::of(x * mask.factor(feature));
        }
    }
}

multiversion! {
    pub(crate) fn add<E: Element>(values: &[E], sum: &mut [f32]) {
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value.get();
        }
    }
}
