//! One head of one sequence.

use super::softmax::{self, powers, powers_rounded};
use crate::{
    DropoutMask, Element, Update, element, pack,
    pack::{Block, units_of},
    packed::Units,
    scratch::sized,
    tile::{Left, MR, NR, Operands, Out, tile},
};

#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) len: usize,
    pub(super) dim: usize,
    pub(super) number: usize,
    /// One a query token.
    pub(super) masks: Option<&'a [DropoutMask]>,
}

impl Head<'_> {
    fn scale(&self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }

    fn mask(&self, query: usize) -> Option<&DropoutMask> {
        self.masks.map(|masks| &masks[query])
    }

    /// Number under which a mask knows the first key of this head; keys follow.
    fn first_feature(&self) -> u32 {
        (self.number as u32) << 16
    }
}

/// Values of a row of scores: whole panels, so that no kernel meets a part of a register.
pub(super) fn padded(len: usize) -> usize {
    len.next_multiple_of(NR)
}

/// The head's rows of `values`, `stride` apart, as right operand, summed over `dim`: 32 rows a panel.
fn pack_rows<E: Element>(values: &[E], stride: usize, head: Head<'_>, out: &mut Units) {
    let Head { len, dim, .. } = head;
    let panel = units_of::<E>(dim) * NR;
    out.resize(len.div_ceil(NR) * panel);
    for (number, out) in out.get_mut().chunks_exact_mut(panel).enumerate() {
        let first = number * NR;
        let block = Block::new(&values[first * stride..], stride, (len - first).min(NR), dim);
        pack::rows::<E, NR>(block, out);
    }
}

/// The columns of the head's rows of `values`, `stride` apart, as right operand, summed over `len`: 32
/// columns a panel.
fn pack_columns<E: Element>(values: &[E], stride: usize, head: Head<'_>, out: &mut Units) {
    let Head { len, dim, .. } = head;
    let panel = units_of::<E>(len) * NR;
    out.resize(dim.div_ceil(NR) * panel);
    for (number, out) in out.get_mut().chunks_exact_mut(panel).enumerate() {
        let first = number * NR;
        let block = Block::new(&values[first..], stride, len, (dim - first).min(NR));
        pack::columns::<E, NR>(block, out);
    }
}

/// `out = left · right` for some rows of the left operand and the panels of a right one with
/// `columns`; `out` is `(rows, stride)`, and what lies beyond the columns is zeros up to whole panels
/// where there is room for them.
fn product<E: Element>(
    units: usize,
    left: Left<'_>,
    (right, columns): (&Units, usize),
    stride: usize,
    out: &mut [f32],
) {
    let columns = columns.next_multiple_of(NR).min(stride);
    for (number, right) in right.get().chunks_exact(units * NR).enumerate() {
        let first = number * NR;
        let columns = columns.saturating_sub(first).min(NR);
        let out = Out { data: &mut out[first..], stride, columns, update: Update::Overwrite };
        tile(E::KIND, Operands { units, left, right }, out);
    }
}

/// Scores of some queries, `(rows, padded(len))`: minus infinity in place of keys beyond the last.
fn scores<E: Element>(head: Head<'_>, queries: Left<'_>, keys: &Units, scores: &mut [f32]) {
    let width = padded(head.len);
    product::<E>(units_of::<E>(head.dim), queries, (keys, head.len), width, scores);
    for scores in scores.chunks_exact_mut(width) {
        scores[head.len..].fill(f32::NEG_INFINITY);
    }
}

/// Writes the head's output to `out`; `rounded` is `(14, padded(len))`. Inputs are rows `stride`
/// values apart, whose last unit, if `dim` does not fill it, ends with zeros.
pub(super) fn forward<E: Element>(
    head: Head<'_>,
    [query, key, value]: [&[E]; 3],
    stride: usize,
    out: &mut [E],
    rounded: &mut [E],
    [keys, values, ..]: &mut [Units; 6],
    [scores_of, results, _]: &mut [Vec<f32>; 3],
) {
    let Head { len, dim, .. } = head;
    let width = padded(len);
    pack_rows(key, stride, head, keys);
    pack_columns(value, stride, head, values);
    let all_scores = sized(scores_of, MR * width);
    let results = sized(results, MR * dim);
    for (number, out) in out.chunks_mut(MR * dim).enumerate() {
        let (first, rows) = (number * MR, out.len() / dim);
        let queries = Left::rows(&query[first * stride..], stride, rows);
        let (scores_of, results) = (&mut all_scores[..rows * width], &mut results[..out.len()]);
        scores::<E>(head, queries, keys, scores_of);
        let rounded = &mut rounded[..rows * width];
        let mut inverses = [0.0; MR];
        let each = scores_of.chunks_exact_mut(width).zip(rounded.chunks_exact_mut(width));
        for (row, (scores, rounded)) in each.enumerate() {
            inverses[row] = match head.mask(first + row) {
                Some(mask) => {
                    let inverse = powers(scores, head.scale());
                    mask.apply(head.first_feature(), scores);
                    element::round_to(scores, rounded);
                    inverse
                }
                None => powers_rounded(scores, head.scale(), rounded),
            };
        }
        let left = Left::rows(rounded, width, rows);
        product::<E>(units_of::<E>(len), left, (values, dim), dim, results);
        for (results, inverse) in results.chunks_exact_mut(dim).zip(inverses) {
            softmax::multiply(results, inverse);
        }
        element::round_to(results, out);
    }
}

/// Writes the gradients of queries, keys and values to `gradients` `(3, len, dim)`; `squares` is
/// `(2, len, padded(len))`. Inputs are rows `stride` values apart.
pub(super) fn backward<E: Element>(
    head: Head<'_>,
    [query, key, value, d_out]: [&[E]; 4],
    stride: usize,
    gradients: &mut [E],
    squares: &mut [E],
    [keys, values, key_columns, query_columns, out_columns, left]: &mut [Units; 6],
    [scores_of, d_scores, results]: &mut [Vec<f32>; 3],
) {
    let Head { len, dim, .. } = head;
    let (width, units) = (padded(len), units_of::<E>(len));
    let (d_query, rest) = gradients.split_at_mut(len * dim);
    let (d_key, d_value) = rest.split_at_mut(len * dim);
    let (dropped, d_scaled) = squares.split_at_mut(len * width);
    pack_rows(key, stride, head, keys);
    pack_rows(value, stride, head, values);
    pack_columns(key, stride, head, key_columns);
    pack_columns(query, stride, head, query_columns);
    pack_columns(d_out, stride, head, out_columns);
    let (all_scores, factors) = sized(scores_of, (MR + 1) * width).split_at_mut(MR * width);
    let all_d_scores = sized(d_scores, MR * width);
    let results = sized(results, MR * dim);

    for (number, d_query) in d_query.chunks_mut(MR * dim).enumerate() {
        let (first, rows) = (number * MR, d_query.len() / dim);
        let [queries, d_outs] =
            [query, d_out].map(|values| Left::rows(&values[first * stride..], stride, rows));
        let (scores_of, d_scores) =
            (&mut all_scores[..rows * width], &mut all_d_scores[..rows * width]);
        scores::<E>(head, queries, keys, scores_of);
        product::<E>(units_of::<E>(dim), d_outs, (values, len), width, d_scores);
        let square = first * width..(first + rows) * width;
        let (dropped, d_scaled) = (&mut dropped[square.clone()], &mut d_scaled[square]);
        let outs = dropped.chunks_exact_mut(width).zip(d_scaled.chunks_exact_mut(width));
        let each = scores_of.chunks_exact_mut(width).zip(d_scores.chunks_exact_mut(width));
        for (row, ((p, d), (dropped, d_scaled))) in each.zip(outs).enumerate() {
            let inverse = powers(p, head.scale());
            let factors = match head.mask(first + row) {
                Some(mask) => {
                    factors.fill(1.0);
                    mask.apply(head.first_feature(), factors);
                    Some(&mut *factors)
                }
                None => None,
            };
            softmax::backward(p, inverse, head.scale(), factors, d, [dropped, d_scaled]);
        }
        let results = &mut results[..d_query.len()];
        let left = Left::rows(d_scaled, width, rows);
        product::<E>(units, left, (key_columns, dim), dim, results);
        element::round_to(results, d_query);
    }
    for (square, right, d) in
        [(&*dropped, &*out_columns, d_value), (&*d_scaled, &*query_columns, d_key)]
    {
        for (number, d) in d.chunks_mut(MR * dim).enumerate() {
            let (first, rows) = (number * MR, d.len() / dim);
            left.resize(units * MR + 16);
            let block = Block::new(&square[first..], width, len, rows);
            pack::columns::<E, MR>(block, left.get_mut());
            let results = &mut results[..d.len()];
            product::<E>(units, Left::panel(left.get(), rows), (right, dim), dim, results);
            element::round_to(results, d);
        }
    }
}
