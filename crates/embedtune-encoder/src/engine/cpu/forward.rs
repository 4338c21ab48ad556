//! The forward pass. Hidden states are `(tokens, hidden)`, row-major, without padding.
//!
//! Everything but attention is done for a few rows at a time, so that what a product leaves is still
//! in the cache when the next step reads it. A row's result does not depend on which rows it is
//! computed with.

use std::ops::Range;

use embedtune_kernels::{
    AttentionShape, DropoutMask, Element, add_bias, attention, bias_activation, gather_rows,
    layer_norm, residual_layer_norm, round_to, scale_shift,
};
use rayon::prelude::*;

use super::{
    buffers::{Kept, LayerTape, Normed, Pool, Scratch, sized},
    layout::Layout,
    weights::{Block, Linear, weight},
};
use crate::{
    Activation, Dropout, EncoderSpec, Parameters, TransformerSpec,
    arch::{Affine, LayerNames},
    dropout::Site,
};

/// Rows that are computed together: four tiles of the products. In the backward pass sums over
/// tokens follow it, so it is fixed.
pub(super) const ROWS: usize = 56;

/// Everything a pass needs.
pub(super) struct Pass<'a, W: Linear> {
    pub(super) spec: &'a EncoderSpec,
    pub(super) parameters: &'a Parameters,
    pub(super) layout: &'a Layout,
    pub(super) dropout: Option<&'a Dropout>,
    pub(super) scratch: &'a Pool<Scratch<W>>,
}

/// Some rows of what a block reads and writes.
struct Rows<'a, E> {
    tokens: Range<usize>,
    hidden: &'a mut [f32],
    /// Of the block that is being finished.
    context: &'a [E],
    attention_norm: Option<(&'a mut [E], &'a mut [f32])>,
    inner: Option<&'a mut [E]>,
    output_norm: Option<(&'a mut [E], &'a mut [f32])>,
    /// Of the block that follows.
    projections: Option<&'a mut [E]>,
}

/// The kernels' name of an activation.
pub(super) fn activation(spec: &TransformerSpec) -> embedtune_kernels::Activation {
    match spec.activation {
        Activation::Gelu => embedtune_kernels::Activation::Gelu,
        Activation::GeluTanh => embedtune_kernels::Activation::GeluTanh,
        Activation::Relu => embedtune_kernels::Activation::Relu,
    }
}

impl<W: Linear> Pass<'_, W> {
    pub(super) fn transformer(&self) -> &TransformerSpec {
        &self.spec.transformer
    }

    pub(super) fn size(&self) -> usize {
        self.transformer().hidden_size
    }

    pub(super) fn weight(&self, name: &str) -> &[f32] {
        weight(self.parameters, name)
    }

    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch<W>) -> T) -> T {
        let mut scratch = self.scratch.take();
        let result = work(&mut scratch);
        self.scratch.give(scratch);
        result
    }

    pub(super) fn attention_shape(&self) -> AttentionShape<'_> {
        let spec = self.transformer();
        AttentionShape { ends: &self.layout.ends, heads: spec.num_heads, head_dim: spec.head_dim() }
    }

    /// Writes the hidden states after the last block to `hidden`. Fills `kept` for the backward
    /// pass if `keep`; else it is a buffer of one block.
    pub(super) fn run(
        &self,
        blocks: &[Block<W>],
        kept: &mut Kept<W::Kept>,
        keep: bool,
        masks: &mut Vec<DropoutMask>,
        hidden: &mut Vec<f32>,
    ) {
        let (tokens, size) = (self.layout.tokens(), self.size());
        let inner = self.transformer().intermediate_size;
        hidden.resize(tokens * size, 0.0);
        kept.embeddings.resize(tokens, size);
        kept.layers.resize_with(if keep { blocks.len() } else { 1 }, LayerTape::default);
        kept.layers.iter_mut().for_each(|layer| layer.resize(tokens, size, inner, keep));

        self.embeddings(&mut kept.embeddings, hidden);
        for number in 0..=blocks.len() {
            let (done, next) = match (keep, number) {
                (_, 0) => (None, kept.layers.first_mut()),
                (true, _) => {
                    let (done, next) = kept.layers.split_at_mut(number);
                    (done.last_mut(), next.first_mut())
                }
                // One buffer serves every block: its projections are read by now.
                (false, _) => (kept.layers.first_mut(), None),
            };
            self.block(blocks, number, keep, done, next, hidden);
            if let Some(layer) = kept.layers.get_mut(if keep { number } else { 0 })
                && number < blocks.len()
            {
                let all = 0..tokens;
                let masks = self.layout.masks(all, self.dropout, (number, Site::Attention), masks);
                attention(self.attention_shape(), &layer.projections, masks, &mut layer.context);
            }
        }
    }

    /// Sum of the three tables, normalized, with dropout: the input of the first block.
    fn embeddings(&self, tape: &mut Normed<W::Kept>, hidden: &mut [f32]) {
        let (names, size) = (&self.spec.names, self.size());
        let (words, positions) = (self.weight(&names.words), self.weight(&names.positions));
        // Single texts: every token is of type 0.
        let token_type = self.weight(&names.token_types)[..size].repeat(ROWS);
        let rows = hidden
            .par_chunks_mut(ROWS * size)
            .zip(tape.rows.par_chunks_mut(ROWS * size))
            .zip(tape.inverse_deviation.par_chunks_mut(ROWS));
        rows.enumerate().for_each(|(chunk, ((hidden, normed), deviations))| {
            let first = chunk * ROWS;
            let tokens = first..first + deviations.len();
            self.with_scratch(|scratch| {
                let sums = sized(&mut scratch.narrow, hidden.len());
                let places = &self.layout.positions[tokens.clone()];
                gather_rows(positions, places, &token_type, sums);
                let ids = &self.layout.ids[tokens.clone()];
                gather_rows(words, ids, sums, hidden);
                layer_norm(hidden, self.transformer().layer_norm_eps as f32, deviations);
                round_to(hidden, normed);
                let rows = sized(&mut scratch.narrow, hidden.len());
                rows.copy_from_slice(hidden);
                self.after_embeddings(tokens, rows, &mut scratch.masks, hidden);
            });
        });
    }

    /// Writes the input of the first block for `tokens`, given their normalized rows.
    pub(super) fn after_embeddings<A: Element>(
        &self,
        tokens: Range<usize>,
        normed: &[A],
        masks: &mut Vec<DropoutMask>,
        out: &mut [f32],
    ) {
        self.after_norm(normed, &self.spec.names.embeddings_norm, out);
        let site = (0, Site::Embeddings);
        if let Some(masks) = self.layout.masks(tokens, self.dropout, site, masks) {
            let size = self.size();
            for (mask, row) in masks.iter().zip(out.chunks_exact_mut(size)) {
                mask.apply(0, row);
            }
        }
    }

    /// Writes the output of a layer norm.
    pub(super) fn after_norm<A, B>(&self, normed: &[A], names: &Affine, out: &mut [B])
    where
        A: Element,
        B: Element,
    {
        scale_shift(normed, self.weight(&names.weight), self.weight(&names.bias), out);
    }

    /// What lies between two attentions: finishes block `number - 1` after its attention and
    /// begins block `number`, each if there is one. `hidden` is the input of the former and
    /// becomes that of the latter.
    fn block(
        &self,
        blocks: &[Block<W>],
        number: usize,
        keep: bool,
        done: Option<&mut LayerTape<W::Kept>>,
        next: Option<&mut LayerTape<W::Kept>>,
        hidden: &mut [f32],
    ) {
        let finishes = number > 0;
        let begins = number < blocks.len();
        let rows = self.rows(keep, finishes, begins, done, next, hidden);
        rows.into_par_iter().for_each(|mut rows| {
            self.with_scratch(|scratch| {
                if finishes {
                    self.finish(&blocks[number - 1], number - 1, &mut rows, scratch);
                }
                if let Some(projections) = rows.projections {
                    let block = &blocks[number];
                    let sums = sized(&mut scratch.wide, projections.len());
                    block.projections.apply(rows.hidden, &mut scratch.rows, sums);
                    add_bias(&block.projections_bias, sums, projections);
                }
            });
        });
    }

    /// Cuts everything into the rows that are computed together.
    fn rows<'a>(
        &self,
        keep: bool,
        finishes: bool,
        begins: bool,
        done: Option<&'a mut LayerTape<W::Kept>>,
        next: Option<&'a mut LayerTape<W::Kept>>,
        hidden: &'a mut [f32],
    ) -> Vec<Rows<'a, W::Kept>> {
        let (tokens, size) = (self.layout.tokens(), self.size());
        let inner_size = self.transformer().intermediate_size;
        // Few tokens, as of a query, are spread over the threads.
        let share = tokens.div_ceil(rayon::current_num_threads()).next_multiple_of(14);
        let count = share.clamp(14, ROWS);
        let (mut context, mut attention, mut output, mut inner) = (None, None, None, None);
        let mut projections = None;
        if let Some(layer) = done {
            context = Some(layer.context.chunks(count * size));
            if keep {
                attention = Some(layer.attention_norm.chunks(count, size));
                output = Some(layer.output_norm.chunks(count, size));
                inner = Some(layer.inner.chunks_mut(count * inner_size));
            } else if begins {
                projections = Some(layer.projections.chunks_mut(count * 3 * size));
            }
        }
        if let Some(layer) = next {
            projections = Some(layer.projections.chunks_mut(count * 3 * size));
        }
        let chunks = hidden.chunks_mut(count * size).enumerate();
        chunks
            .map(|(chunk, hidden)| Rows {
                tokens: chunk * count..chunk * count + hidden.len() / size,
                hidden,
                context: context
                    .as_mut()
                    .filter(|_| finishes)
                    .and_then(Iterator::next)
                    .unwrap_or(&[]),
                attention_norm: attention.as_mut().and_then(Iterator::next),
                inner: inner.as_mut().and_then(Iterator::next),
                output_norm: output.as_mut().and_then(Iterator::next),
                projections: projections.as_mut().and_then(Iterator::next),
            })
            .collect()
    }

    /// The part of a block after its attention.
    fn finish(
        &self,
        block: &Block<W>,
        number: usize,
        rows: &mut Rows<'_, W::Kept>,
        scratch: &mut Scratch<W>,
    ) {
        let names = &self.spec.names.layers[number];
        let values = rows.hidden.len();
        let count = rows.tokens.len();
        let sums = sized(&mut scratch.narrow, values);
        block.attention_output.apply_kept(rows.context, &mut scratch.rows, sums);
        let site = (number, Site::AttentionOutput);
        self.add_and_norm(site, names, rows, scratch);

        let inner_values = count * self.transformer().intermediate_size;
        let inner = match &mut rows.inner {
            Some(kept) => kept,
            None => sized(&mut scratch.inner, inner_values),
        };
        let wide = sized(&mut scratch.wide, inner_values);
        block.intermediate.apply(rows.hidden, &mut scratch.rows, wide);
        let bias = self.weight(&names.intermediate.bias);
        bias_activation(activation(self.transformer()), bias, wide, inner);
        let sums = sized(&mut scratch.narrow, values);
        block.output.apply(wide, &mut scratch.rows, sums);
        self.add_and_norm((number, Site::FeedForward), names, rows, scratch);
    }

    /// Adds bias, dropout and residual to what a sub-block left in `scratch`, and normalizes:
    /// `rows.hidden` is the residual and becomes the output of the norm.
    fn add_and_norm(
        &self,
        (number, site): (usize, Site),
        names: &LayerNames,
        rows: &mut Rows<'_, W::Kept>,
        scratch: &mut Scratch<W>,
    ) {
        let (linear, norm, kept) = match site {
            Site::FeedForward => (&names.output, &names.output_norm, &mut rows.output_norm),
            _ => (&names.attention_output, &names.attention_norm, &mut rows.attention_norm),
        };
        let tokens = rows.tokens.clone();
        let masks =
            self.layout.masks(tokens.clone(), self.dropout, (number, site), &mut scratch.masks);
        let (normed, deviations) = match kept {
            Some((normed, deviations)) => (Some(normed), &mut **deviations),
            None => (None, sized(&mut scratch.inverse_deviation, tokens.len())),
        };
        let sums = &mut scratch.narrow[..rows.hidden.len()];
        let eps = self.transformer().layer_norm_eps as f32;
        residual_layer_norm(sums, self.weight(&linear.bias), masks, rows.hidden, eps, deviations);
        if let Some(normed) = normed {
            round_to(sums, normed);
        }
        self.after_norm(sums, norm, rows.hidden);
    }
}
