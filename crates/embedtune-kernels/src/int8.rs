//! Products in 8-bit integers: weights scaled per column, activations per row as they come.

use crate::{
    element::Unit,
    math,
    multiversion::multiversion,
    pack,
    pack::{Block, units_of},
    packed::Units,
    tile::{Left, MR, NR, Operands, tile_int8},
};

/// Rows of activations `(rows, k)` as unsigned 8-bit numbers: `x ≈ scale · (q - zero)`, with a
/// scale and a zero of each row. A buffer: packing anew overwrites it.
#[derive(Clone, Default)]
pub struct QuantizedRows {
    rows: usize,
    k: usize,
    /// Rows of whole units; what is in a unit beyond the row meets zeros.
    numbers: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
}

/// A matrix `(k, n)` as signed 8-bit numbers with a scale of each column.
#[derive(Clone, Default)]
pub struct QuantizedMatrix {
    k: usize,
    n: usize,
    panels: Units,
    scales: Vec<f32>,
    /// Sum of each column's numbers, which the zeros of rows multiply.
    sums: Vec<i32>,
}

impl QuantizedRows {
    /// Quantizes `values` `(rows, k)`, row-major: a row's range, with 0 in it, is spread
    /// over 0 to 255, so a value is off by at most 0.501 of a step of `(max - min) / 255`, and 0 by
    /// nothing. A row whose step is below 2⁻¹²⁶, where f32 loses precision, counts as zeros. A row
    /// that is not finite becomes NaN.
    ///
    /// # Panics
    /// If `k` is 0 or more than 66,000, or `values` is no whole number of rows.
    pub fn pack(&mut self, values: &[f32], k: usize) {
        check_width(k);
        assert!(values.len().is_multiple_of(k), "rows of another width");
        (self.rows, self.k) = (values.len() / k, k);
        let stride = whole(k);
        self.numbers.resize(self.rows * stride, 0);
        self.scales.resize(self.rows, 0.0);
        self.zeros.resize(self.rows, 0);
        let rows = values.chunks_exact(k).zip(self.numbers.chunks_exact_mut(stride));
        let scales = self.scales.iter_mut().zip(&mut self.zeros);
        for ((values, numbers), (scale, zero)) in rows.zip(scales) {
            quantize_row(values, &mut numbers[..k], scale, zero);
        }
    }
}

/// Values of so many whole units.
fn whole(k: usize) -> usize {
    k.next_multiple_of(<u8 as Unit>::PER_UNIT)
}

multiversion! {
    fn quantize_row(values: &[f32], numbers: &mut [u8], scale: &mut f32, zero: &mut i32) {
        let (low, high) = math::lane_range(values);
        // Divided before the difference, which may be beyond the range of f32.
        let step = usable(high / 255.0 - low / 255.0);
        let inverse = inverse(step);
        // The number of 0, an integer, so that 0 stays exactly 0.
        let origin = (-low * inverse).round();
        *zero = origin as i32;
        // NaN is never in the range: it shows in the sum.
        let poison = math::lane_sum(values, |x| x * 0.0);
        *scale = step + poison;
        // Adding 1.5 · 2²³ rounds to an integer, which the low bits then hold.
        const ROUND: f32 = 12_582_912.0;
        for (number, &value) in numbers.iter_mut().zip(values) {
            let place = value * inverse + origin;
            let place = if place < 255.0 { place } else { 255.0 };
            let place = if place > 0.0 { place } else { 0.0 };
            *number = (place + ROUND).to_bits() as u8;
        }
    }
}

/// The most products in a sum: `255 · 127 · 66,000` fits an i32.
const MAX_WIDTH: usize = 66_000;

fn check_width(k: usize) {
    assert!(k > 0 && k <= MAX_WIDTH, "rows of {k} values, not 1 to {MAX_WIDTH}");
}

/// The step, or 0 where it has lost precision: what such values add to a sum is next to nothing,
/// but the inverse of the step may be infinite.
#[inline(always)]
fn usable(step: f32) -> f32 {
    if step < f32::MIN_POSITIVE { 0.0 } else { step }
}

#[inline(always)]
fn inverse(step: f32) -> f32 {
    if step > 0.0 { 1.0 / step } else { 0.0 }
}

impl QuantizedMatrix {
    /// `(k, n)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.k, self.n)
    }

    /// Quantizes and packs the transpose of `weights`, which are matrices `(nᵢ, k)`, row-major, one
    /// below the other. A weight is off by at most 0.501 of a step of `max |w| / 127` of its row; a
    /// row whose step is below 2⁻¹²⁶ counts as zeros, and one that is not finite becomes NaN.
    ///
    /// # Panics
    /// If `k` is 0 or more than 66,000, or a matrix is no whole number of rows.
    pub fn pack_transposed(&mut self, weights: &[&[f32]], k: usize) {
        check_width(k);
        assert!(weights.iter().all(|w| w.len().is_multiple_of(k)), "rows of another width");
        self.k = k;
        self.n = weights.iter().map(|weight| weight.len() / k).sum();
        (self.scales, self.sums) = (Vec::with_capacity(self.n), Vec::with_capacity(self.n));
        let panel = units_of::<i8>(k) * NR;
        self.panels.resize(self.n.div_ceil(NR) * panel);
        let mut rows = weights.iter().flat_map(|weight| weight.chunks_exact(k));
        let mut numbers = vec![0i8; NR * k];
        for out in self.panels.get_mut().chunks_exact_mut(panel) {
            let mut count = 0;
            for (row, numbers) in rows.by_ref().take(NR).zip(numbers.chunks_exact_mut(k)) {
                let largest = row.iter().fold(0.0f32, |max, weight| max.max(weight.abs()));
                let step = usable(largest / 127.0);
                let inverse = inverse(step);
                for (number, weight) in numbers.iter_mut().zip(row) {
                    *number = (weight * inverse).round() as i8;
                }
                let poison = if row.iter().all(|w| w.is_finite()) { 0.0 } else { f32::NAN };
                self.scales.push(step + poison);
                self.sums.push(numbers.iter().map(|&number| i32::from(number)).sum());
                count += 1;
            }
            pack::rows::<i8, NR>(Block::new(&numbers, k, count, k), out);
        }
    }
}

/// `out ≈ left · right`, `(rows, n)`, row-major, on the calling thread. The integer sums are exact;
/// what differs from the product of the values is their quantization, and three roundings of the
/// result. With steps `s` of the row and `t` of the column, a result is off by at most `0.501 ·
/// Σ (s·|wᵢ| + t·|xᵢ| + 0.501·s·t)`, plus `2⁻²² · |result|`. The same bits on every processor.
///
/// # Panics
/// If the shapes do not fit together.
pub fn multiply_int8(left: &QuantizedRows, right: &QuantizedMatrix, out: &mut [f32]) {
    assert_eq!(left.k, right.k, "columns of the left are not the rows of the right matrix");
    assert_eq!(out.len(), left.rows * right.n, "the result has another shape");
    if out.is_empty() {
        return;
    }
    let (units, n, stride) = (units_of::<u8>(left.k), right.n, whole(left.k));
    let mut sums = [0; MR * NR];
    for (number, panel) in right.panels.get().chunks_exact(units * NR).enumerate() {
        let start = number * NR;
        let columns = start..(start + NR).min(n);
        for first in (0..left.rows).step_by(MR) {
            let rows = first..left.rows.min(first + MR);
            let numbers = Left::rows(&left.numbers[first * stride..], stride, rows.len());
            tile_int8(Operands { units, left: numbers, right: panel }, &mut sums);
            let rows = sums.chunks_exact(NR).zip(rows);
            for (sums, row) in rows {
                let out = &mut out[row * n..][columns.clone()];
                let scales = &right.scales[columns.clone()];
                let right = &right.sums[columns.clone()];
                scale(sums, right, scales, left.scales[row], left.zeros[row], out);
            }
        }
    }
}

multiversion! {
    fn scale(
        sums: &[i32], right: &[i32], scales: &[f32], scale: f32, zero: i32, out: &mut [f32],
    ) {
        for (((out, sum), right), scales) in out.iter_mut().zip(sums).zip(right).zip(scales) {
            *out = (sum - zero * right) as f32 * (scale * scales);
        }
    }
}
