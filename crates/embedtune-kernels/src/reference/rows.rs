use crate::DropoutMask;

/// Writes each row of `x` plus `bias` to `out`; see [`crate::add_bias`].
///
/// # Panics
/// If `bias` is empty and `x` is not.
pub fn add_bias(bias: &[f64], x: &[f64], out: &mut [f64]) {
    for (at, (x, out)) in x.iter().zip(out).enumerate() {
        *out = x + bias[at % bias.len()];
    }
}

/// Writes each row of `x` times the factors of its mask to `out`; see [`crate::apply_masks`].
///
/// # Panics
/// If there is no mask and `x` is not empty.
pub fn apply_masks(masks: &[DropoutMask], x: &[f64], out: &mut [f64]) {
    let n = x.len().checked_div(masks.len()).unwrap_or(0);
    for (at, (x, out)) in x.iter().zip(out).enumerate() {
        *out = x * f64::from(masks[at / n].factor((at % n) as u32));
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

/// Writes row `ids[i]` of `table` plus row `i` of `other` to row `i` of `out`; see
/// [`crate::gather_rows`].
///
/// # Panics
/// If an id is outside the table.
pub fn gather_rows(table: &[f64], ids: &[u32], other: &[f64], out: &mut [f64]) {
    let n = out.len().checked_div(ids.len()).unwrap_or(0);
    for (at, out) in out.iter_mut().enumerate() {
        *out = table[ids[at / n] as usize * n + at % n] + other[at];
    }
}

/// Adds row `i` of `rows` to row `ids[i]` of `table`; see [`crate::scatter_add_rows`].
///
/// # Panics
/// If an id is outside the table.
pub fn scatter_add_rows(rows: &[f64], ids: &[u32], table: &mut [f64]) {
    let n = rows.len().checked_div(ids.len()).unwrap_or(0);
    for (at, row) in rows.iter().enumerate() {
        table[ids[at / n] as usize * n + at % n] += row;
    }
}

/// Writes `scale` times the sum over the rows of `x` to `out`; see [`crate::sum_rows`].
///
/// # Panics
/// If `out` is empty and `x` is not.
pub fn sum_rows(x: &[f64], scale: f64, out: &mut [f64]) {
    out.fill(0.0);
    add_column_sums(x, out);
    out.iter_mut().for_each(|value| *value *= scale);
}

/// Writes `scale · row` to each row of `out`; see [`crate::spread_row`].
///
/// # Panics
/// If `row` is empty and `out` is not.
pub fn spread_row(row: &[f64], scale: f64, out: &mut [f64]) {
    for (at, out) in out.iter_mut().enumerate() {
        *out = scale * row[at % row.len()];
    }
}
