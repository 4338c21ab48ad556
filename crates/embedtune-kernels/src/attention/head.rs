//! One head of one sequence: everything here is `(len, dim)`, row-major and contiguous.

use crate::{
    DropoutMask, Element, Update, element, math,
    multiversion::multiversion,
    pack,
    pack::{Block, units_of},
    packed::Units,
    scratch::sized,
    tile::{MR, NR, Operands, Out, tile},
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

/// The rows of `values` `(len, dim)` as right operand, summed over `dim`: 32 rows a panel.
fn pack_rows<E: Element>(values: &[E], dim: usize, out: &mut Units) {
    let len = values.len() / dim;
    let panel = units_of::<E>(dim) * NR;
    out.resize(len.div_ceil(NR) * panel);
    for (number, out) in out.get_mut().chunks_exact_mut(panel).enumerate() {
        let first = number * NR;
        let block = Block::new(&values[first * dim..], dim, (len - first).min(NR), dim);
        pack::rows::<E, NR>(block, out);
    }
}

/// The columns of `values` `(len, dim)` as right operand, summed over `len`: 32 columns a panel.
fn pack_columns<E: Element>(values: &[E], dim: usize, out: &mut Units) {
    let len = values.len() / dim;
    let panel = units_of::<E>(len) * NR;
    out.resize(dim.div_ceil(NR) * panel);
    for (number, out) in out.get_mut().chunks_exact_mut(panel).enumerate() {
        let first = number * NR;
        let block = Block::new(&values[first..], dim, len, (dim - first).min(NR));
        pack::columns::<E, NR>(block, out);
    }
}

/// Left operand of at most 14 rows of `values` `(rows, width)`.
fn pack_left<'a, E: Element>(values: &[E], width: usize, out: &'a mut Units) -> &'a [u32] {
    out.resize(units_of::<E>(width) * MR + 16);
    let block = Block::new(values, width, values.len() / width, width);
    pack::rows::<E, MR>(block, out.get_mut());
    out.get()
}

/// `out = left · right` for a left operand of `rows` and the panels of a right one with `columns`;
/// `out` is `(rows, columns)`, rows `stride` apart.
fn product<E: Element>(
    units: usize,
    (left, rows): (&[u32], usize),
    (right, columns): (&Units, usize),
    stride: usize,
    out: &mut [f32],
) {
    for (number, right) in right.get().chunks_exact(units * NR).enumerate() {
        let first = number * NR;
        let columns = columns.saturating_sub(first).min(NR);
        let data = &mut out[first..];
        let out = Out { data, stride, rows, columns, update: Update::Overwrite };
        tile(E::KIND, Operands { units, left, right }, out);
    }
}

/// Writes the head's output to `out`; `rounded` is `(14, len)`.
pub(super) fn forward<E: Element>(
    head: Head<'_>,
    [query, key, value]: [&[E]; 3],
    out: &mut [E],
    rounded: &mut [E],
    [keys, values, left, ..]: &mut [Units; 6],
    [scores, results, _]: &mut [Vec<f32>; 3],
) {
    let Head { len, dim, .. } = head;
    pack_rows(key, dim, keys);
    pack_columns(value, dim, values);
    let scores = sized(scores, MR * len);
    let results = sized(results, MR * dim);
    let blocks = query.chunks(MR * dim).zip(out.chunks_mut(MR * dim));
    for (number, (query, out)) in blocks.enumerate() {
        let rows = query.len() / dim;
        let packed = pack_left(query, dim, left);
        product::<E>(units_of::<E>(dim), (packed, rows), (keys, len), len, scores);
        let rounded = &mut rounded[..rows * len];
        let each = scores.chunks_exact_mut(len).zip(rounded.chunks_exact_mut(len));
        for (row, (scores, rounded)) in each.enumerate() {
            match head.mask(number * MR + row) {
                Some(mask) => {
                    softmax(scores, head.scale());
                    mask.apply(head.first_feature(), scores);
                    element::round_to(scores, rounded);
                }
                None => softmax_rounded(scores, head.scale(), rounded),
            }
        }
        let packed = pack_left(rounded, len, left);
        product::<E>(units_of::<E>(len), (packed, rows), (values, dim), dim, results);
        element::round_to(&results[..rows * dim], out);
    }
}

/// Writes the gradients of queries, keys and values to `gradients` `(3, len, dim)`; `squares` is
/// `(2, len, len)`.
pub(super) fn backward<E: Element>(
    head: Head<'_>,
    [query, key, value, d_out]: [&[E]; 4],
    gradients: &mut [E],
    squares: &mut [E],
    [keys, values, key_columns, query_columns, out_columns, left]: &mut [Units; 6],
    [scores, d_scores, results]: &mut [Vec<f32>; 3],
) {
    let Head { len, dim, .. } = head;
    let (d_query, rest) = gradients.split_at_mut(len * dim);
    let (d_key, d_value) = rest.split_at_mut(len * dim);
    let (dropped, d_scaled) = squares.split_at_mut(len * len);
    pack_rows(key, dim, keys);
    pack_rows(value, dim, values);
    pack_columns(key, dim, key_columns);
    pack_columns(query, dim, query_columns);
    pack_columns(d_out, dim, out_columns);
    let (scores, d_scores) = (sized(scores, MR * len), sized(d_scores, MR * len));
    let results = sized(results, MR * dim);

    for first in (0..len).step_by(MR) {
        let rows = (len - first).min(MR);
        let block = first * dim..(first + rows) * dim;
        let packed = pack_left(&query[block.clone()], dim, left);
        product::<E>(units_of::<E>(dim), (packed, rows), (keys, len), len, scores);
        let packed = pack_left(&d_out[block.clone()], dim, left);
        product::<E>(units_of::<E>(dim), (packed, rows), (values, len), len, d_scores);
        let square = first * len..(first + rows) * len;
        let dropped = dropped[square.clone()].chunks_exact_mut(len);
        let d_scaled = &mut d_scaled[square];
        let each = scores.chunks_exact_mut(len).zip(d_scores.chunks_exact_mut(len));
        let each = each.zip(dropped.zip(d_scaled.chunks_exact_mut(len)));
        for (row, ((p, d), (dropped, d_scaled))) in each.enumerate() {
            softmax(p, head.scale());
            match head.mask(first + row) {
                Some(mask) => drop_both(mask, head.first_feature(), p, d, dropped),
                None => element::round_to(p, dropped),
            }
            softmax_backward(p, head.scale(), d, d_scaled);
        }
        let packed = pack_left(d_scaled, len, left);
        product::<E>(units_of::<E>(len), (packed, rows), (key_columns, dim), dim, results);
        element::round_to(&results[..rows * dim], &mut d_query[block]);
    }
    let units = units_of::<E>(len);
    for (square, right, d) in
        [(&*dropped, &*out_columns, d_value), (&*d_scaled, &*query_columns, d_key)]
    {
        for (number, d) in d.chunks_mut(MR * dim).enumerate() {
            let (first, rows) = (number * MR, d.len() / dim);
            left.resize(units * MR + 16);
            let block = Block::new(&square[first..], len, len, rows);
            pack::columns::<E, MR>(block, left.get_mut());
            product::<E>(units, (left.get(), rows), (right, dim), dim, results);
            element::round_to(&results[..rows * dim], d);
        }
    }
}

multiversion! {
    /// `softmax(scale · row)` in place.
    pub(crate) fn softmax(row: &mut [f32], scale: f32) {
        let inverse = powers(row, scale);
        for x in row.iter_mut() {
            *x *= inverse;
        }
    }
}

multiversion! {
    /// `softmax(scale · row)`, rounded to the format of `out`; the row is used up.
    pub(crate) fn softmax_rounded<E: Element>(row: &mut [f32], scale: f32, out: &mut [E]) {
        let inverse = powers(row, scale);
        for (out, x) in out.iter_mut().zip(row) {
            *out = E::of(*x * inverse);
        }
    }
}

/// Turns scores into powers whose sum is the inverse of what is returned.
#[inline(always)]
fn powers(row: &mut [f32], scale: f32) -> f32 {
    let largest = math::lane_max(row);
    let scale = scale * std::f32::consts::LOG2_E;
    for x in row.iter_mut() {
        *x = math::exp2((*x - largest) * scale);
    }
    1.0 / math::lane_sum(row, |x| x)
}

multiversion! {
    /// Writes probabilities `p` after dropout to `dropped`, and takes their gradient `d` to that
    /// before it. `p` stays.
    fn drop_both<E: Element>(
        mask: &DropoutMask, first: u32, p: &[f32], d: &mut [f32], dropped: &mut [E],
    ) {
        for (feature, ((p, d), dropped)) in (first..).zip(p.iter().zip(d).zip(dropped)) {
            let factor = mask.factor(feature);
            *dropped = E::of(p * factor);
            *d *= factor;
        }
    }
}

multiversion! {
    /// From the gradient `d` of probabilities `p` to that of unscaled scores.
    pub(crate) fn softmax_backward<E: Element>(p: &[f32], scale: f32, d: &[f32], out: &mut [E]) {
        let mean = math::lane_sum2(p, d, |p, d| p * d);
        for ((out, d), p) in out.iter_mut().zip(d).zip(p) {
            *out = E::of(scale * p * (d - mean));
        }
    }
}
