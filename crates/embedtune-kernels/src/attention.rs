//! Scaled dot-product attention within one sequence, forward and backward.

use crate::{
    DropoutMask, Matrix, MatrixMut, Threads, Update, math, multiversion::multiversion, product,
};

/// Sizes of attention within one sequence. Queries, keys, values and outputs are
/// `(len, heads × head_dim)`, row-major; a head is a block of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Tokens of the sequence.
    pub len: usize,
    /// Number of heads.
    pub heads: usize,
    /// Values of a head.
    pub head_dim: usize,
}

impl AttentionShape {
    fn width(self) -> usize {
        self.heads * self.head_dim
    }

    fn check(self, buffers: &[&[f32]], masks: Option<&[DropoutMask]>) {
        for buffer in buffers {
            assert_eq!(buffer.len(), self.len * self.width(), "a buffer of another shape");
        }
        let Some(masks) = masks else { return };
        assert_eq!(masks.len(), self.len, "a mask for each query token");
        // A feature number has 16 bits for the key and 16 for the head.
        assert!(
            self.len <= 1 << 16 && self.heads < 1 << 16,
            "masks of more than 65536 tokens or 65535 heads"
        );
    }

    fn head<'a>(self, data: &'a [f32], head: usize) -> Matrix<'a> {
        let start = (head * self.head_dim).min(data.len());
        Matrix::strided(&data[start..], self.len, self.head_dim, self.width())
    }

    fn head_mut<'a>(self, data: &'a mut [f32], head: usize) -> MatrixMut<'a> {
        let start = (head * self.head_dim).min(data.len());
        MatrixMut::strided(&mut data[start..], self.len, self.head_dim, self.width())
    }

    /// Writes the attention probabilities `(len, len)` of one head, before dropout.
    fn probabilities(self, query: &[f32], key: &[f32], head: usize, out: &mut [f32]) {
        let scores = MatrixMut::new(out, self.len, self.len);
        let (query, key) = (self.head(query, head), self.head(key, head));
        product(query, key.t(), scores, Update::Overwrite, Threads::One);
        for row in out.chunks_exact_mut(self.len) {
            softmax(row, self.scale());
        }
    }

    fn scale(self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }
}

/// Number under which a mask knows the first key of a head; keys follow.
fn first_feature(head: usize) -> u32 {
    (head as u32) << 16
}

fn apply_dropout(
    masks: Option<&[DropoutMask]>,
    head: usize,
    probabilities: &mut [f32],
    len: usize,
) {
    if let Some(masks) = masks {
        for (mask, row) in masks.iter().zip(probabilities.chunks_exact_mut(len)) {
            mask.apply(first_feature(head), row);
        }
    }
}

/// Attention of one sequence: for each head `out = dropout(softmax(query · keyᵀ / √head_dim)) ·
/// value`. Only one head's scores, `(len, len)`, exist at a time, in `scratch`. `masks` holds one
/// mask a query token; its features are `head << 16 | key token`.
///
/// Runs on the calling thread: callers run one sequence a thread. Where scaled scores are off by
/// `e` (see [`product`]), a result is off by at most `(4e + (2 · len + 64) · 2⁻²³) · max |value|`,
/// times the mask's factor.
///
/// # Panics
/// If lengths do not fit together, or with masks if there are more than 65536 tokens or 65535
/// heads.
pub fn attention(
    shape: AttentionShape,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    masks: Option<&[DropoutMask]>,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
) {
    shape.check(&[query, key, value, out], masks);
    if shape.len == 0 {
        return;
    }
    let len = shape.len;
    scratch.resize(scratch.len().max(len * len), 0.0);
    let probabilities = &mut scratch[..len * len];
    for head in 0..shape.heads {
        shape.probabilities(query, key, head, probabilities);
        apply_dropout(masks, head, probabilities, len);
        product(
            Matrix::new(probabilities, len, len),
            shape.head(value, head),
            shape.head_mut(out, head),
            Update::Overwrite,
            Threads::One,
        );
    }
}

/// Gradient of [`attention`]: from `d_out` to `d_query`, `d_key` and `d_value`, which are
/// overwritten. Probabilities are computed again instead of being kept: `len²` values a head would
/// be the largest part of a training step's memory. For inputs of order one, a gradient is within
/// 1e-5 of the largest of its tensor.
///
/// # Panics
/// As [`attention`].
#[allow(clippy::too_many_arguments)]
pub fn attention_backward(
    shape: AttentionShape,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    masks: Option<&[DropoutMask]>,
    d_out: &[f32],
    (d_query, d_key, d_value): (&mut [f32], &mut [f32], &mut [f32]),
    scratch: &mut Vec<f32>,
) {
    shape.check(&[query, key, value, d_out, d_query, d_key, d_value], masks);
    if shape.len == 0 {
        return;
    }
    let len = shape.len;
    scratch.resize(scratch.len().max(3 * len * len), 0.0);
    let (probabilities, rest) = scratch.split_at_mut(len * len);
    let (dropped, rest) = rest.split_at_mut(len * len);
    let d_scores = &mut rest[..len * len];
    fn square(data: &[f32], len: usize) -> Matrix<'_> {
        Matrix::new(data, len, len)
    }
    for head in 0..shape.heads {
        shape.probabilities(query, key, head, probabilities);
        dropped.copy_from_slice(probabilities);
        apply_dropout(masks, head, dropped, len);

        let d_out = shape.head(d_out, head);
        let d_value = shape.head_mut(d_value, head);
        product(square(dropped, len).t(), d_out, d_value, Update::Overwrite, Threads::One);
        let d_dropped = MatrixMut::new(d_scores, len, len);
        product(d_out, shape.head(value, head).t(), d_dropped, Update::Overwrite, Threads::One);
        apply_dropout(masks, head, d_scores, len);
        let rows = d_scores.chunks_exact_mut(len).zip(probabilities.chunks_exact(len));
        rows.for_each(|(d, p)| softmax_backward(p, shape.scale(), d));

        let (query, key) = (shape.head(query, head), shape.head(key, head));
        let d_query = shape.head_mut(d_query, head);
        product(square(d_scores, len), key, d_query, Update::Overwrite, Threads::One);
        let d_key = shape.head_mut(d_key, head);
        product(square(d_scores, len).t(), query, d_key, Update::Overwrite, Threads::One);
    }
}

multiversion! {
    /// `softmax(scale · row)` in place.
    pub(crate) fn softmax(row: &mut [f32], scale: f32) {
        let largest = math::lane_max(row);
        for x in row.iter_mut() {
            *x = math::exp((*x - largest) * scale);
        }
        let inverse = 1.0 / math::lane_sum(row, |x| x);
        for x in row.iter_mut() {
            *x *= inverse;
        }
    }
}

multiversion! {
    /// From the gradient of probabilities `p` to that of unscaled scores, in place.
    pub(crate) fn softmax_backward(p: &[f32], scale: f32, d: &mut [f32]) {
        let mean = math::lane_sum2(p, d, |p, d| p * d);
        for (d, p) in d.iter_mut().zip(p) {
            *d = scale * p * (*d - mean);
        }
    }
}
