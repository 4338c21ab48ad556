//! Products of packed operands: rows of activations times a matrix of weights.

use std::marker::PhantomData;

use crate::{
    Element, Update, element, pack,
    pack::{Block, units_of},
    scratch,
    tile::{Left, MR, NR, Operands, Out, tile},
};

/// 64 bytes that lie in one cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// A buffer of units that starts at a cache line, so that no load of a panel crosses one.
#[derive(Clone, Default)]
pub(crate) struct Units {
    /// As many as were ever asked for: a buffer that is used for one size after another is not
    /// cleared each time it grows back.
    lines: Vec<Line>,
    used: usize,
}

impl Units {
    /// Room for `len` units, in whole lines; what is in them is left over from earlier use.
    pub(crate) fn resize(&mut self, len: usize) {
        self.used = len.div_ceil(16);
        if self.lines.len() < self.used {
            self.lines.resize(self.used, Line([0; 16]));
        }
    }

    pub(crate) fn get(&self) -> &[u32] {
        let lines = &self.lines[..self.used];
        // SAFETY: a line is 16 units without padding, and lines of a slice are contiguous.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), 16 * lines.len()) }
    }

    pub(crate) fn get_mut(&mut self) -> &mut [u32] {
        let lines = &mut self.lines[..self.used];
        // SAFETY: as above, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), 16 * lines.len()) }
    }
}

/// A matrix `(k, n)`, rounded to the format and packed as the right operand of [`multiply`].
#[derive(Clone)]
pub struct PackedMatrix<E> {
    k: usize,
    n: usize,
    panels: Units,
    format: PhantomData<E>,
}

impl<E: Element> Default for PackedMatrix<E> {
    fn default() -> Self {
        Self { k: 0, n: 0, panels: Units::default(), format: PhantomData }
    }
}

impl<E: Element> PackedMatrix<E> {
    /// `(k, n)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.k, self.n)
    }

    /// Packs the transpose of `weights`, which are matrices `(nᵢ, k)`, row-major, one below the
    /// other: `n = Σ nᵢ`. So `rows · self` is what linear layers with these weights give, side by
    /// side.
    ///
    /// # Panics
    /// If `k` is 0 or a matrix is no whole number of rows.
    pub fn pack_transposed(&mut self, weights: &[&[f32]], k: usize) {
        self.n = rows_in_all(weights, k);
        self.k = k;
        let panel = units_of::<E>(k) * NR;
        self.panels.resize(self.n.div_ceil(NR) * panel);
        let mut rows = weights.iter().flat_map(|weight| weight.chunks_exact(k));
        let mut rounded = vec![E::default(); NR * k];
        for out in self.panels.get_mut().chunks_exact_mut(panel) {
            let mut count = 0;
            for (row, rounded) in rows.by_ref().take(NR).zip(rounded.chunks_exact_mut(k)) {
                element::round_to(row, rounded);
                count += 1;
            }
            pack::rows::<E, NR>(Block::new(&rounded, k, count, k), out);
        }
    }

    /// Packs `weights` as they are: matrices `(kᵢ, n)`, row-major, one below the other, with
    /// `k = Σ kᵢ`. So `rows · self` takes the gradient of a linear layer's output to that of its
    /// input.
    ///
    /// # Panics
    /// If `n` is 0 or a matrix is no whole number of rows.
    pub fn pack(&mut self, weights: &[&[f32]], n: usize) {
        /// Rows that are rounded at a time; whole units.
        const STRIP: usize = 32;
        self.k = rows_in_all(weights, n);
        self.n = n;
        let panel = units_of::<E>(self.k) * NR;
        self.panels.resize(n.div_ceil(NR) * panel);
        let mut rows = weights.iter().flat_map(|weight| weight.chunks_exact(n));
        let mut rounded = vec![E::default(); STRIP * n];
        for first in (0..self.k).step_by(STRIP) {
            let count = (self.k - first).min(STRIP);
            for (row, rounded) in rows.by_ref().take(count).zip(rounded.chunks_exact_mut(n)) {
                element::round_to(row, rounded);
            }
            let start = units_of::<E>(first) * NR;
            for (number, out) in self.panels.get_mut().chunks_exact_mut(panel).enumerate() {
                let columns = (n - number * NR).min(NR);
                let block = Block::new(&rounded[number * NR..], n, count, columns);
                pack::columns::<E, NR>(block, &mut out[start..]);
            }
        }
    }
}

fn rows_in_all(weights: &[&[f32]], width: usize) -> usize {
    assert!(width > 0, "rows without values");
    assert!(
        weights.iter().all(|weight| weight.len().is_multiple_of(width)),
        "rows of another width"
    );
    weights.iter().map(|weight| weight.len() / width).sum()
}

/// `out = left · right` or `out += left · right`, `(rows, n)` from `(rows, k)`, row-major, on the
/// calling thread: callers run one block of rows a thread.
///
/// Operands are rounded to the format before; then each sum is off by at most `k · 2⁻²³ ·
/// Σ |lᵢ·rᵢ|`, and a sum onto `out` by 2⁻²³ of its size more. (In bf16, numbers below 2⁻¹²⁶ may
/// count as 0.) A row's result does not depend on the other rows; its last bits depend on the
/// processor.
///
/// # Panics
/// If the shapes do not fit together.
pub fn multiply<E: Element>(left: &[E], right: &PackedMatrix<E>, update: Update, out: &mut [f32]) {
    let (k, n) = (right.k, right.n);
    let rows = left.len().checked_div(k).unwrap_or(0);
    assert_eq!(left.len(), rows * k, "columns of the left are not the rows of the right matrix");
    assert_eq!(out.len(), rows * n, "the result has another shape");
    if k.is_multiple_of(E::PER_UNIT) {
        return multiply_units(left, k, right, update, out);
    }
    scratch::with(|scratch| {
        // The last unit of a row ends beyond it: rows with a gap.
        let width = k.next_multiple_of(E::PER_UNIT);
        let padded = scratch::sized(E::buffer(&mut scratch.elements), rows * width);
        for (padded, row) in padded.chunks_exact_mut(width).zip(left.chunks_exact(k)) {
            padded[..k].copy_from_slice(row);
            padded[k..].fill(E::default());
        }
        multiply_units(padded, width, right, update, out);
    });
}

/// [`multiply`] for rows of whole units, `stride` values apart.
fn multiply_units<E: Element>(
    left: &[E],
    stride: usize,
    right: &PackedMatrix<E>,
    update: Update,
    out: &mut [f32],
) {
    let (units, n) = (units_of::<E>(right.k), right.n);
    if out.is_empty() {
        return;
    }
    for (number, panel) in right.panels.get().chunks_exact(units * NR).enumerate() {
        let columns = n.saturating_sub(number * NR).min(NR);
        if columns == 0 {
            break;
        }
        for (left, out) in left.chunks(MR * stride).zip(out.chunks_mut(MR * n)) {
            let left = Left::rows(left, stride, left.len() / stride);
            let out = Out { data: &mut out[number * NR..], stride: n, columns, update };
            tile(E::KIND, Operands { units, left, right: panel }, out);
        }
    }
}
