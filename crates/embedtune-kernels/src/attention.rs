//! Scaled dot-product attention over packed sequences, forward and backward.

mod columns;
mod head;
mod softmax;

use rayon::prelude::*;

use self::{
    columns::Columns,
    head::{Head, backward, forward, padded},
};
use crate::{DropoutMask, Element, scratch};

/// Sequences that lie end to end, and how their tokens' values are split into heads. Queries, keys
/// and values are `(tokens, 3 × heads × head_dim)`, row-major: a token's queries, its keys, its
/// values; a head is a block of columns of each.
#[derive(Debug, Clone, Copy)]
pub struct AttentionShape<'a> {
    /// Token after the last of each sequence, ascending.
    pub ends: &'a [usize],
    /// Number of heads.
    pub heads: usize,
    /// Values of a head.
    pub head_dim: usize,
}

impl AttentionShape<'_> {
    fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    fn tokens(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn check<E>(&self, projections: &[E], out: &[E], masks: Option<&[DropoutMask]>) {
        let (tokens, width) = (self.tokens(), self.width());
        assert!(self.ends.is_sorted(), "a sequence ends before it starts");
        assert_eq!(projections.len(), tokens * 3 * width, "projections of another shape");
        assert_eq!(out.len(), tokens * width, "a buffer of another shape");
        let Some(masks) = masks else { return };
        assert_eq!(masks.len(), tokens, "a mask for each query token");
        // A feature number has 16 bits for the key and 16 for the head.
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let longest = starts.zip(self.ends).map(|(start, end)| end - start).max().unwrap_or(0);
        assert!(
            longest <= 1 << 16 && self.heads < 1 << 16,
            "masks of more than 65536 tokens or 65535 heads"
        );
    }

    /// Each head of each sequence that has tokens: its first token, tokens, number.
    fn heads(&self) -> impl IndexedParallelIterator<Item = (usize, usize, usize)> + '_ {
        let (ends, heads) = (self.ends, self.heads);
        (0..ends.len() * heads).into_par_iter().map(move |task| {
            let (sequence, head) = (task / heads, task % heads);
            let start = if sequence == 0 { 0 } else { ends[sequence - 1] };
            (start, ends[sequence] - start, head)
        })
    }

    fn head<'m>(
        &self,
        (start, len, number): (usize, usize, usize),
        masks: Option<&'m [DropoutMask]>,
    ) -> Head<'m> {
        let masks = masks.map(|masks| &masks[start..start + len]);
        Head { len, dim: self.head_dim, number, masks }
    }
}

/// Attention within each sequence: for each head `out = dropout(softmax(query · keyᵀ / √head_dim)) ·
/// value`, with `projections` `(tokens, 3 × width)` and `out` `(tokens, width)`. `masks` holds one
/// mask a query token; its features are `head << 16 | key token`.
///
/// Parallel over sequences and heads; a thread holds the scores of 14 queries of one head. The same
/// bits for any number of threads and whatever other sequences there are. In f32, where scaled
/// scores are off by `e` (see [`multiply`](crate::multiply)), a result is off by at most `(4e + (2 ·
/// len + 64) · 2⁻²³) · max |value|`, times the mask's factor; in bf16, where probabilities and
/// results are rounded to the format, by `2⁻⁷ · max |value|`, times the factor, more.
///
/// # Panics
/// If lengths do not fit together, or with masks if a sequence has more than 65536 tokens or there
/// are more than 65535 heads.
pub fn attention<E: Element>(
    shape: AttentionShape<'_>,
    projections: &[E],
    masks: Option<&[DropoutMask]>,
    out: &mut [E],
) {
    shape.check(projections, out, masks);
    let (width, dim) = (shape.width(), shape.head_dim);
    let results = Columns::new(out, width);
    shape.heads().filter(|&(_, len, _)| len * dim > 0).for_each(|task| {
        let (start, len, number) = task;
        scratch::with(|scratch::Scratch { units, values, elements }| {
            let whole = dim.next_multiple_of(E::PER_UNIT);
            let sizes = len * dim + 14 * padded(len) + 3 * len * whole;
            let elements = scratch::sized(E::buffer(elements), sizes);
            let (out, rest) = elements.split_at_mut(len * dim);
            let (rounded, copies) = rest.split_at_mut(14 * padded(len));
            let mut inputs = [0, 1, 2]
                .map(|part| &projections[start * 3 * width + part * width + number * dim..]);
            let mut stride = 3 * width;
            if dim < whole {
                for (input, copy) in inputs.iter_mut().zip(copies.chunks_exact_mut(len * whole)) {
                    gather(input, stride, dim, copy, whole);
                    *input = copy;
                }
                stride = whole;
            }
            forward(shape.head(task, masks), inputs, stride, out, rounded, units, values);
            // SAFETY: a task writes the columns of its own head of its own sequence, so no two
            // write the same place.
            unsafe { results.scatter(start, number * dim, out, dim) };
        });
    });
}

/// Gradient of [`attention`]: from `d_out` `(tokens, width)` to that of the projections, which
/// replaces them. Probabilities are computed again instead of being kept: `len²` values a head would
/// be the largest part of a training step's memory.
///
/// A gradient is off by at most `(8e + (4 · len + 2 · head_dim + 256) · 2⁻²³) · Σ |terms|`, with `e`
/// as for [`attention`], and in bf16 by `2⁻⁷ · Σ |terms|` more. In f32, for inputs of order one, that
/// is mostly within 1e-5 of the largest of its tensor.
///
/// Parallel over sequences and heads; a thread holds the probabilities and scores of one head. The
/// same bits for any number of threads.
///
/// # Panics
/// As [`attention`].
pub fn attention_backward<E: Element>(
    shape: AttentionShape<'_>,
    projections: &mut [E],
    masks: Option<&[DropoutMask]>,
    d_out: &[E],
) {
    shape.check(projections, d_out, masks);
    let (width, dim) = (shape.width(), shape.head_dim);
    let columns = Columns::new(projections, 3 * width);
    shape.heads().filter(|&(_, len, _)| len * dim > 0).for_each(|task| {
        let (start, len, number) = task;
        scratch::with(|scratch::Scratch { units, values, elements }| {
            let whole = dim.next_multiple_of(E::PER_UNIT);
            let sizes = (4 * whole + 3 * dim + 2 * padded(len)) * len;
            let elements = scratch::sized(E::buffer(elements), sizes);
            let (inputs, rest) = elements.split_at_mut(4 * len * whole);
            let (gradients, squares) = rest.split_at_mut(3 * len * dim);
            let mut parts = inputs.chunks_exact_mut(len * whole);
            let inputs = [0, 1, 2, 3].map(|part| {
                let to = parts.next().expect("four parts");
                match part {
                    3 => gather(&d_out[start * width + number * dim..], width, dim, to, whole),
                    // SAFETY: a task reads and writes the columns of its own head of its own
                    // sequence alone, and reads before it writes.
                    _ => unsafe {
                        columns.gather(start, part * width + number * dim, dim, to, whole)
                    },
                }
                &*to
            });
            backward(shape.head(task, masks), inputs, whole, gradients, squares, units, values);
            for (part, gradient) in gradients.chunks_exact(len * dim).enumerate() {
                // SAFETY: as above.
                unsafe { columns.scatter(start, part * width + number * dim, gradient, dim) };
            }
        });
    });
}

/// Copies the first `dim` values of rows `stride` apart to rows `width` apart, with zeros after them.
fn gather<E: Copy + Default>(from: &[E], stride: usize, dim: usize, to: &mut [E], width: usize) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(stride)) {
        // Without a call for the usual sizes of a head.
        match (dim, width) {
            (32, 32) => to[..32].copy_from_slice(&from[..32]),
            (64, 64) => to[..64].copy_from_slice(&from[..64]),
            _ => {
                to[..dim].copy_from_slice(&from[..dim]);
                to[dim..].fill(E::default());
            }
        }
    }
}
