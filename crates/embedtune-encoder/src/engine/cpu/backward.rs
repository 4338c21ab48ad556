//! The backward pass, block by block from the top, down to the lowest trainable weight.

use std::ops::Range;

use embedtune_kernels::{
    Element, PackedMatrix, Update, activation_backward, add_column_sums, add_weight_gradients,
    apply_masks, attention_backward, layer_norm_backward, multiply, round_to, scatter_add_rows,
};
use rayon::prelude::*;

use super::{
    buffers::{Kept, LayerTape, Normed, Scratch, Workspace, sized},
    forward::{Pass, ROWS, activation},
    gradients::Gradients,
    sums::Sums,
    weights::Block,
};
use crate::{
    EncoderSpec, Parameters,
    arch::{Affine, LayerNames},
    dropout::Site,
};

/// A pass whose products are in the format that its tape keeps.
type Training<'a, E> = Pass<'a, PackedMatrix<E>>;

/// How far down gradients are wanted.
pub(super) struct Depth {
    /// Whether an embedding table is trained, or the norm after them.
    tables: bool,
    /// The lowest block in or below which something is trained.
    lowest: usize,
}

impl Depth {
    pub(super) fn of(spec: &EncoderSpec, parameters: &Parameters) -> Self {
        let trained = |names: Vec<(String, Vec<usize>)>| {
            names.iter().any(|(name, _)| parameters.info(name).is_some_and(|info| !info.frozen))
        };
        let tables = trained(spec.names.embedding_shapes(&spec.transformer));
        let layers = &spec.names.layers;
        let lowest = match tables {
            true => 0,
            false => (0..layers.len())
                .find(|&layer| trained(layers[layer].shapes(&spec.transformer)))
                .unwrap_or(layers.len()),
        };
        Self { tables, lowest }
    }
}

/// Some rows of what the backward pass of a block reads and writes.
struct Rows<'a, E> {
    tokens: Range<usize>,
    /// Gradient of the block's output; becomes that of the sum after its attention.
    d: &'a mut [f32],
    /// When its rows are used up they become the input of the feed-forward part.
    output_norm: (&'a mut [E], &'a mut [f32]),
    /// Input of the activation; becomes its output.
    inner: &'a mut [E],
    /// When its rows are used up they become the gradient of the attention's projection.
    attention_norm: (&'a mut [E], &'a mut [f32]),
    d_output: &'a mut [E],
    d_inner: &'a mut [E],
    d_context: &'a mut [E],
    sums: RowSums<'a>,
}

/// The block's place in [`Sums`].
struct RowSums<'a> {
    output_norm: [&'a mut [f32]; 2],
    output: &'a mut [f32],
    intermediate: &'a mut [f32],
    attention_norm: [&'a mut [f32]; 2],
    attention_output: &'a mut [f32],
}

impl<E: Element> Training<'_, E> {
    /// Adds the gradients of all trained weights below the head, given that of the hidden states
    /// in `work.hidden`. What `kept` holds is used up.
    pub(super) fn backward(
        &self,
        blocks: &[Block<PackedMatrix<E>>],
        kept: &mut Kept<E>,
        work: &mut Workspace<E>,
        gradients: &mut Gradients<'_>,
    ) {
        let depth = Depth::of(self.spec, self.parameters);
        for number in (depth.lowest..blocks.len()).rev() {
            let (below, layer) = kept.layers.split_at_mut(number);
            let input = match below.last() {
                Some(layer) => &layer.output_norm,
                None => &kept.embeddings,
            };
            let wanted = depth.tables || number > depth.lowest;
            let names = &self.spec.names.layers[number];
            let layer = &mut layer[0];
            self.feed_forward(&blocks[number], number, layer, work);
            self.linear_gradients(names, layer, work, gradients);
            let masks = self.layout.masks(
                0..self.layout.tokens(),
                self.dropout,
                (number, Site::Attention),
                &mut work.masks,
            );
            let shape = self.attention_shape();
            attention_backward(shape, &mut layer.projections, masks, &work.d_context);
            self.projections(&blocks[number], number, layer, input, wanted, work);
            self.projection_gradients(names, layer, work, gradients);
        }
        if depth.tables {
            self.tables(&kept.embeddings, work, gradients);
        }
    }

    /// From the gradient of the block's output to that of the sum after its attention and that of
    /// the attention's output.
    fn feed_forward(
        &self,
        block: &Block<PackedMatrix<E>>,
        number: usize,
        layer: &mut LayerTape<E>,
        work: &mut Workspace<E>,
    ) {
        let names = &self.spec.names.layers[number];
        let rows = self.cut(layer, work);
        rows.into_par_iter().for_each(|rows| {
            self.with_scratch(|scratch| {
                let site = (number, Site::FeedForward);
                self.norm_backward(
                    &names.output_norm,
                    &rows.output_norm,
                    rows.d,
                    rows.sums.output_norm,
                );
                self.drop(site, &rows.tokens, rows.d, rows.d_output, rows.sums.output, scratch);
                let wide = sized(&mut scratch.wide, rows.inner.len());
                multiply(rows.d_output, &block.output, Update::Overwrite, wide);
                let activation = activation(self.transformer());
                activation_backward(activation, rows.inner, wide, rows.d_inner);
                add_column_sums(rows.d_inner, rows.sums.intermediate);
                multiply(rows.d_inner, &block.intermediate, Update::Add, rows.d);
                self.after_norm(rows.attention_norm.0, &names.attention_norm, rows.output_norm.0);

                let site = (number, Site::AttentionOutput);
                let norm = &names.attention_norm;
                self.norm_backward(norm, &rows.attention_norm, rows.d, rows.sums.attention_norm);
                let sums = rows.sums.attention_output;
                let d_attention = rows.attention_norm.0;
                self.drop(site, &rows.tokens, rows.d, d_attention, sums, scratch);
                let narrow = sized(&mut scratch.narrow, rows.d.len());
                multiply(d_attention, &block.attention_output, Update::Overwrite, narrow);
                round_to(narrow, rows.d_context);
            });
        });
    }

    /// Cuts everything that [`Training::feed_forward`] needs into rows.
    fn cut<'a>(&self, layer: &'a mut LayerTape<E>, work: &'a mut Workspace<E>) -> Vec<Rows<'a, E>> {
        let (tokens, size) = (self.layout.tokens(), self.size());
        let inner_size = self.transformer().intermediate_size;
        let count = tokens.div_ceil(ROWS);
        let Sums { output_norm, output, intermediate, attention_norm, attention_output, .. } =
            &mut work.sums;
        let mut output_weight = output_norm.weight.rows(count, size);
        let mut output_bias = output_norm.bias.rows(count, size);
        let mut attention_weight = attention_norm.weight.rows(count, size);
        let mut attention_bias = attention_norm.bias.rows(count, size);
        let mut output = output.rows(count, size);
        let mut intermediate = intermediate.rows(count, inner_size);
        let mut attention_output = attention_output.rows(count, size);

        let (narrow, wide) = (ROWS * size, ROWS * inner_size);
        let mut output_rows = layer.output_norm.chunks(ROWS, size);
        let mut attention_rows = layer.attention_norm.chunks(ROWS, size);
        let mut inner = layer.inner.chunks_mut(wide);
        let mut d_inner = resized(&mut work.d_inner, tokens * inner_size).chunks_mut(wide);
        let cut = |buffer: &'a mut Vec<E>| resized(buffer, tokens * size).chunks_mut(narrow);
        let mut d_output = cut(&mut work.d_output);
        let mut d_context = cut(&mut work.d_context);
        let next = "every buffer has all rows";
        let chunks = work.hidden.chunks_mut(narrow).enumerate();
        chunks
            .map(|(chunk, d)| Rows {
                tokens: chunk * ROWS..chunk * ROWS + d.len() / size,
                d,
                output_norm: output_rows.next().expect(next),
                inner: inner.next().expect(next),
                attention_norm: attention_rows.next().expect(next),
                d_output: d_output.next().expect(next),
                d_inner: d_inner.next().expect(next),
                d_context: d_context.next().expect(next),
                sums: RowSums {
                    output_norm: [
                        output_weight.next().expect(next),
                        output_bias.next().expect(next),
                    ],
                    output: output.next().expect(next),
                    intermediate: intermediate.next().expect(next),
                    attention_norm: [
                        attention_weight.next().expect(next),
                        attention_bias.next().expect(next),
                    ],
                    attention_output: attention_output.next().expect(next),
                },
            })
            .collect()
    }

    fn norm_backward(
        &self,
        names: &Affine,
        (normed, deviations): &(&mut [E], &mut [f32]),
        d: &mut [f32],
        [d_weight, d_bias]: [&mut [f32]; 2],
    ) {
        let weight = self.weight(&names.weight);
        layer_norm_backward(d, normed, deviations, weight, Some(d_weight), Some(d_bias));
    }

    /// Gradient of a sub-block's output: that of the sum, through dropout. Its sum over the rows is
    /// that of the bias.
    fn drop(
        &self,
        site: (usize, Site),
        tokens: &Range<usize>,
        d: &[f32],
        d_output: &mut [E],
        d_bias: &mut [f32],
        scratch: &mut Scratch<PackedMatrix<E>>,
    ) {
        let masks = self.layout.masks(tokens.clone(), self.dropout, site, &mut scratch.masks);
        apply_masks(masks, d, d_output);
        add_column_sums(d_output, d_bias);
    }

    /// Adds the gradients of the weights that [`Training::feed_forward`] passed.
    fn linear_gradients(
        &self,
        names: &LayerNames,
        layer: &LayerTape<E>,
        work: &mut Workspace<E>,
        gradients: &mut Gradients<'_>,
    ) {
        let Workspace { d_output, d_inner, columns, sums, .. } = work;
        let (input, d_attention) = (&layer.output_norm.rows, &layer.attention_norm.rows);
        let tokens = self.layout.tokens();
        let mut add = |affine: &Affine, d: &[E], input: &[E]| {
            if let Some(sum) = gradients.of(&affine.weight) {
                let out = d.len() / tokens.max(1);
                add_weight_gradients(d, input, tokens, &mut [(out, sum)], columns);
            }
        };
        add(&names.output, d_output, &layer.inner);
        add(&names.intermediate, d_inner, input);
        add(&names.attention_output, d_attention, &layer.context);
        for (name, sum) in [
            (&names.output.bias, &sums.output),
            (&names.intermediate.bias, &sums.intermediate),
            (&names.attention_output.bias, &sums.attention_output),
            (&names.output_norm.weight, &sums.output_norm.weight),
            (&names.output_norm.bias, &sums.output_norm.bias),
            (&names.attention_norm.weight, &sums.attention_norm.weight),
            (&names.attention_norm.bias, &sums.attention_norm.bias),
        ] {
            if let Some(gradient) = gradients.of(name) {
                sum.add_to(gradient);
            }
        }
    }

    /// Adds what comes through queries, keys and values to the gradient of the block's input (if
    /// it is wanted), and writes that input to the rows of the block's output norm.
    fn projections(
        &self,
        block: &Block<PackedMatrix<E>>,
        number: usize,
        layer: &mut LayerTape<E>,
        input: &Normed<E>,
        wanted: bool,
        work: &mut Workspace<E>,
    ) {
        let (tokens, size) = (self.layout.tokens(), self.size());
        let sums = work.sums.projections.rows(tokens.div_ceil(ROWS), 3 * size);
        let d = layer.projections.chunks(ROWS * 3 * size);
        let rows = work.hidden.chunks_mut(ROWS * size).zip(d);
        let out = layer.output_norm.rows.chunks_mut(ROWS * size);
        let inputs = out.zip(input.rows.chunks(ROWS * size));
        let rows: Vec<_> = rows.zip(inputs.zip(sums)).collect();
        rows.into_par_iter().enumerate().for_each(
            |(chunk, ((d_input, d), ((out, normed), sums)))| {
                self.with_scratch(|scratch| {
                    add_column_sums(d, sums);
                    if wanted {
                        multiply(d, &block.projections, Update::Add, d_input);
                    }
                    if number > 0 {
                        let names = &self.spec.names.layers[number - 1].output_norm;
                        return self.after_norm(normed, names, out);
                    }
                    let first = chunk * ROWS;
                    let tokens = first..first + normed.len() / size;
                    let rows = sized(&mut scratch.narrow, normed.len());
                    self.after_embeddings(tokens, normed, &mut scratch.masks, rows);
                    round_to(rows, out);
                });
            },
        );
    }

    /// Adds the gradients of queries', keys' and values' weights.
    fn projection_gradients(
        &self,
        names: &LayerNames,
        layer: &LayerTape<E>,
        work: &mut Workspace<E>,
        gradients: &mut Gradients<'_>,
    ) {
        let (tokens, size) = (self.layout.tokens(), self.size());
        let projections = [&names.query, &names.key, &names.value];
        let weights = gradients.of_each(projections.map(|affine| affine.weight.as_str()));
        let mut sums = weights.map(|weight| (size, weight.unwrap_or_default()));
        let (d, input) = (&layer.projections, &layer.output_norm.rows);
        add_weight_gradients(d, input, tokens, &mut sums, &mut work.columns);
        for (number, affine) in projections.into_iter().enumerate() {
            if let Some(sum) = gradients.of(&affine.bias) {
                work.sums.projections.add_columns_to(number * size, 3 * size, sum);
            }
        }
    }

    /// Adds the gradients of the tables; `work.hidden` is that of the first block's input.
    fn tables(
        &self,
        embeddings: &Normed<E>,
        work: &mut Workspace<E>,
        gradients: &mut Gradients<'_>,
    ) {
        let (names, size) = (&self.spec.names, self.size());
        let count = self.layout.tokens().div_ceil(ROWS);
        let norm = &mut work.sums.output_norm;
        let sums = norm.weight.rows(count, size).zip(norm.bias.rows(count, size));
        let rows = work.hidden.chunks_mut(ROWS * size).zip(embeddings.rows.chunks(ROWS * size));
        let rows = rows.zip(embeddings.inverse_deviation.chunks(ROWS)).zip(sums);
        let rows: Vec<_> = rows.collect();
        rows.into_par_iter().enumerate().for_each(|(chunk, row)| {
            let (((d, normed), deviations), (d_weight, d_bias)) = row;
            self.with_scratch(|scratch| {
                let tokens = chunk * ROWS..chunk * ROWS + deviations.len();
                let site = (0, Site::Embeddings);
                let masks = self.layout.masks(tokens, self.dropout, site, &mut scratch.masks);
                for (mask, row) in masks.into_iter().flatten().zip(d.chunks_exact_mut(size)) {
                    mask.apply(0, row);
                }
                let weight = self.weight(&names.embeddings_norm.weight);
                layer_norm_backward(d, normed, deviations, weight, Some(d_weight), Some(d_bias));
            });
        });
        for (name, sum) in [
            (&names.embeddings_norm.weight, &norm.weight),
            (&names.embeddings_norm.bias, &norm.bias),
        ] {
            if let Some(gradient) = gradients.of(name) {
                sum.add_to(gradient);
            }
        }
        if let Some(sum) = gradients.of(&names.token_types) {
            add_column_sums(&work.hidden, &mut sum[..size]);
        }
        if let Some(sum) = gradients.of(&names.words) {
            scatter_add_rows(&work.hidden, &self.layout.ids, sum);
        }
        if let Some(sum) = gradients.of(&names.positions) {
            scatter_add_rows(&work.hidden, &self.layout.positions, sum);
        }
    }
}

fn resized<E: Copy + Default>(buffer: &mut Vec<E>, len: usize) -> &mut [E] {
    buffer.resize(len, E::default());
    buffer
}
