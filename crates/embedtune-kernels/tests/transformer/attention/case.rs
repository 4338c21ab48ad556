//! Sequences to attend within, and the kernels applied to them.

use std::ops::Range;

use embedtune_kernels::{AttentionShape, DropoutMask, Element, attention, attention_backward};

use crate::{elements, values};

/// Sizes of attention, with sequences by their lengths.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) ends: Vec<usize>,
    pub(super) heads: usize,
    pub(super) head_dim: usize,
}

impl Case {
    pub(super) fn new(lengths: &[usize], heads: usize, head_dim: usize) -> Self {
        let mut end = 0;
        let ends = lengths.iter().map(|length| {
            end += length;
            end
        });
        Self { ends: ends.collect(), heads, head_dim }
    }

    pub(super) fn shape(&self) -> AttentionShape<'_> {
        AttentionShape { ends: &self.ends, heads: self.heads, head_dim: self.head_dim }
    }

    pub(super) fn tokens(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(super) fn longest(&self) -> usize {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| end - start).max().unwrap_or(0)
    }

    pub(super) fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Projections and a gradient of the output.
    pub(super) fn inputs<E: Element>(&self, seed: u64) -> (Vec<E>, Vec<E>) {
        let length = self.tokens() * self.width();
        (elements(&values(3 * length, seed)), elements(&values(length, seed + 1)))
    }

    pub(super) fn forward<E: Element>(
        &self,
        projections: &[E],
        masks: Option<&[DropoutMask]>,
    ) -> Vec<E> {
        // What is left in the output must not matter.
        let mut out = vec![E::of(f32::NAN); projections.len() / 3];
        attention(self.shape(), projections, masks, &mut out);
        out
    }

    /// The gradient of projections, which replaces them.
    pub(super) fn backward<E: Element>(
        &self,
        projections: &[E],
        masks: Option<&[DropoutMask]>,
        d_out: &[E],
    ) -> Vec<E> {
        let mut d = projections.to_vec();
        attention_backward(self.shape(), &mut d, masks, d_out);
        d
    }

    /// The queries', keys' or values' part of projections.
    pub(super) fn part(&self, projections: &[f32], part: usize) -> Vec<f32> {
        let width = self.width();
        let rows = projections.chunks_exact((3 * width).max(1));
        rows.flat_map(|row| &row[part * width..(part + 1) * width]).copied().collect()
    }

    /// What is added up to each gradient, in absolute values.
    pub(super) fn gradient_sizes(
        &self,
        projections: &[f64],
        masks: Option<&[DropoutMask]>,
        d_out: &[f64],
    ) -> Vec<f64> {
        let mut sizes = vec![0.0; projections.len()];
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        for (start, &end) in starts.zip(&self.ends) {
            for query in start..end {
                let mask = masks.map(|masks| &masks[query]);
                for head in 0..self.heads {
                    let place = (start..end, query, head);
                    self.add_sizes(place, projections, mask, d_out, &mut sizes);
                }
            }
        }
        sizes
    }

    /// Adds what one query token of one head adds.
    fn add_sizes(
        &self,
        (sequence, i, head): (Range<usize>, usize, usize),
        projections: &[f64],
        mask: Option<&DropoutMask>,
        d_out: &[f64],
        sizes: &mut [f64],
    ) {
        let (width, dim) = (self.width(), self.head_dim);
        let at = |part, token| (token * 3 + part) * width + head * dim;
        let row = |part, token| &projections[at(part, token)..][..dim];
        let terms = |a, b| std::iter::zip::<&[f64], &[f64]>(a, b).map(|(a, b)| a * b);
        let factor = |j: usize| {
            let feature = (head << 16 | (j - sequence.start)) as u32;
            mask.map_or(1.0, |mask| f64::from(mask.factor(feature)))
        };
        let scale = 1.0 / (dim as f64).sqrt();
        let d = &d_out[i * width + head * dim..][..dim];
        let score = |j| scale * terms(row(0, i), row(1, j)).sum::<f64>();
        let powers: Vec<f64> = sequence.clone().map(|j| score(j).exp()).collect();
        let total: f64 = powers.iter().sum();
        let p: Vec<f64> = powers.iter().map(|power| power / total).collect();
        let d_p = |j| factor(j) * terms(d, row(2, j)).map(f64::abs).sum::<f64>();
        let d_p: Vec<f64> = sequence.clone().map(d_p).collect();
        let mean: f64 = p.iter().zip(&d_p).map(|(p, d)| p * d).sum();
        for (j, (p, d_p)) in sequence.clone().zip(p.iter().zip(&d_p)) {
            let d_score = scale * p * (d_p + mean);
            for c in 0..dim {
                sizes[at(0, i) + c] += d_score * row(1, j)[c].abs();
                sizes[at(1, j) + c] += d_score * row(0, i)[c].abs();
                sizes[at(2, j) + c] += p * factor(j) * d[c].abs();
            }
        }
    }
}
