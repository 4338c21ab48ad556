//! The backward pass, block by block from the top, down to the lowest trainable weight.

use embedtune_kernels::{
    Matrix, MatrixMut, Threads, Update, activate, activation_backward, add_column_sums,
    apply_masks, attention_backward, layer_norm_backward, product,
};
use rayon::prelude::*;

use super::{
    Buffers, CpuTape,
    forward::{EmbeddingsTape, LayerTape, Normed, Pass, activation, part},
    head,
};
use crate::{
    EncoderSpec, Parameters,
    arch::{Affine, LayerNames},
    dropout::Site,
};

/// The gradient buffer, looked up by the name of a weight.
pub(super) struct Gradients<'a> {
    parameters: &'a Parameters,
    values: &'a mut [f32],
}

impl Gradients<'_> {
    /// Gradient of a weight, if it is trained.
    pub(super) fn of(&mut self, name: &str) -> Option<&mut [f32]> {
        let info = self.parameters.info(name).filter(|info| !info.frozen)?;
        Some(&mut self.values[info.range()])
    }

    /// Gradients of a layer norm's weight and bias, if they are trained.
    fn of_norm(&mut self, names: &Affine) -> (Option<&mut [f32]>, Option<&mut [f32]>) {
        let range = |name: &str| {
            self.parameters.info(name).filter(|info| !info.frozen).map(|info| info.range())
        };
        match (range(&names.weight), range(&names.bias)) {
            (None, None) => (None, None),
            (Some(weight), None) => (Some(&mut self.values[weight]), None),
            (None, Some(bias)) => (None, Some(&mut self.values[bias])),
            (Some(weight), Some(bias)) => {
                let [weight, bias] = self
                    .values
                    .get_disjoint_mut([weight, bias])
                    .expect("two weights lie at different places");
                (Some(weight), Some(bias))
            }
        }
    }
}

pub(super) fn run(
    spec: &EncoderSpec,
    parameters: &Parameters,
    buffers: &Buffers,
    tape: CpuTape,
    d_embeddings: &[f32],
    gradients: &mut [f32],
) {
    let CpuTape { layout, dropout, embeddings, mut layers, head } = tape;
    let pass = Pass { spec, parameters, layout: &layout, dropout: dropout.as_ref(), buffers };
    let mut gradients = Gradients { parameters, values: gradients };
    let trained = |names: Vec<(String, Vec<usize>)>| {
        names.iter().any(|(name, _)| parameters.info(name).is_some_and(|info| !info.frozen))
    };
    let tables = trained(spec.names.embedding_shapes(&spec.transformer));
    // The lowest block that something trained lies in or below.
    let lowest = match tables {
        true => 0,
        false => (0..layers.len())
            .find(|&layer| trained(spec.names.layers[layer].shapes(&spec.transformer)))
            .unwrap_or(layers.len()),
    };

    let mut d_hidden = buffers.take(layout.tokens() * spec.transformer.hidden_size);
    head::backward(spec, parameters, &layout, &head, d_embeddings, &mut gradients, &mut d_hidden);
    while let Some(layer) = layers.pop() {
        let number = layers.len();
        if number >= lowest {
            let mut input = buffers.take(d_hidden.len());
            match layers.last() {
                Some(below) => {
                    let names = &spec.names.layers[number - 1].output_norm;
                    pass.after_norm(&below.output_norm, names, &mut input);
                }
                None => pass.after_embeddings(&embeddings, &mut input),
            }
            let wanted = tables || number > lowest;
            pass.layer_backward(number, &layer, &input, &mut d_hidden, wanted, &mut gradients);
            buffers.give(input);
        }
        layer.give_back(buffers);
    }
    if tables {
        pass.embeddings_backward(&embeddings, &mut d_hidden, &mut gradients);
    }
    embeddings.give_back(buffers);
    buffers.give(d_hidden);
}

impl Pass<'_> {
    /// Turns `d`, the gradient of a block's output, into that of its input (left out where
    /// nothing below is trained).
    fn layer_backward(
        &self,
        number: usize,
        tape: &LayerTape,
        input: &[f32],
        d: &mut [f32],
        wanted: bool,
        gradients: &mut Gradients<'_>,
    ) {
        let names = &self.spec.names.layers[number];
        self.norm_backward(&tape.output_norm, &names.output_norm, d, gradients);
        self.feed_forward_backward(number, names, tape, d, gradients);
        self.norm_backward(&tape.attention_norm, &names.attention_norm, d, gradients);
        self.attention_backward(number, names, tape, input, d, wanted, gradients);
    }

    fn norm_backward(
        &self,
        norm: &Normed,
        names: &Affine,
        d: &mut [f32],
        gradients: &mut Gradients<'_>,
    ) {
        let weight = self.weight(&names.weight);
        let (d_weight, d_bias) = gradients.of_norm(names);
        layer_norm_backward(d, &norm.rows, &norm.inverse_deviation, weight, d_weight, d_bias);
    }

    /// Adds the gradient through the feed-forward block to `d`, which holds the residual's.
    fn feed_forward_backward(
        &self,
        number: usize,
        names: &LayerNames,
        tape: &LayerTape,
        d: &mut [f32],
        gradients: &mut Gradients<'_>,
    ) {
        let activation = activation(&self.spec.transformer);
        let d_output = self.dropped(number, Site::FeedForward, d);
        let mut activated = self.buffers.take(tape.inner.len());
        activate(activation, &tape.inner, &mut activated);
        self.weight_backward(&names.output, &d_output, &activated, gradients);
        let mut d_inner = activated; // Its values are not needed any more.
        self.input_backward(&names.output, &d_output, Update::Overwrite, &mut d_inner);
        activation_backward(activation, &tape.inner, &mut d_inner);
        let mut input = d_output; // Its values neither.
        self.after_norm(&tape.attention_norm, &names.attention_norm, &mut input);
        self.weight_backward(&names.intermediate, &d_inner, &input, gradients);
        self.input_backward(&names.intermediate, &d_inner, Update::Add, d);
        self.buffers.give(d_inner);
        self.buffers.give(input);
    }

    /// Adds the gradient through attention to `d`, which holds the residual's.
    #[allow(clippy::too_many_arguments)]
    fn attention_backward(
        &self,
        number: usize,
        names: &LayerNames,
        tape: &LayerTape,
        input: &[f32],
        d: &mut [f32],
        wanted: bool,
        gradients: &mut Gradients<'_>,
    ) {
        let d_output = self.dropped(number, Site::AttentionOutput, d);
        self.weight_backward(&names.attention_output, &d_output, &tape.context, gradients);
        let mut d_context = self.buffers.take(d.len());
        self.input_backward(&names.attention_output, &d_output, Update::Overwrite, &mut d_context);

        let (mut d_query, mut d_key) = (d_output, self.buffers.take(d.len()));
        let mut d_value = self.buffers.take(d.len());
        self.heads_backward(number, tape, &d_context, [&mut d_query, &mut d_key, &mut d_value]);
        let projections =
            [(&names.query, &d_query), (&names.key, &d_key), (&names.value, &d_value)];
        for (affine, d_projected) in projections {
            self.weight_backward(affine, d_projected, input, gradients);
            if wanted {
                self.input_backward(affine, d_projected, Update::Add, d);
            }
        }
        [d_context, d_query, d_key, d_value]
            .into_iter()
            .for_each(|buffer| self.buffers.give(buffer));
    }

    fn heads_backward(
        &self,
        number: usize,
        tape: &LayerTape,
        d_context: &[f32],
        [d_query, d_key, d_value]: [&mut [f32]; 3],
    ) {
        let size = self.spec.transformer.hidden_size;
        let masks = self.layout.masks(self.dropout, number, Site::Attention);
        let parts = self
            .layout
            .split_mut(d_query, size)
            .into_iter()
            .zip(self.layout.split_mut(d_key, size))
            .zip(self.layout.split_mut(d_value, size));
        let tasks: Vec<_> = self.layout.ranges().zip(parts).collect();
        tasks.into_par_iter().for_each_init(Vec::new, |scratch, (tokens, ((d_q, d_k), d_v))| {
            let part = |buffer| part(buffer, &tokens, size);
            attention_backward(
                self.attention_shape(tokens.len()),
                part(&tape.query),
                part(&tape.key),
                part(&tape.value),
                masks.as_ref().map(|masks| &masks[tokens.clone()]),
                part(d_context),
                (d_q, d_k, d_v),
                scratch,
            );
        });
    }

    /// Gradient of a sub-block's output: that of the sum, through dropout.
    fn dropped(&self, number: usize, site: Site, d: &[f32]) -> Vec<f32> {
        let mut d_output = self.buffers.take(d.len());
        d_output.copy_from_slice(d);
        if let Some(masks) = self.layout.masks(self.dropout, number, site) {
            apply_masks(&masks, &mut d_output);
        }
        d_output
    }

    /// Adds the gradients of a linear layer's weight and bias.
    fn weight_backward(
        &self,
        affine: &Affine,
        d_output: &[f32],
        input: &[f32],
        gradients: &mut Gradients<'_>,
    ) {
        let tokens = self.layout.tokens();
        if tokens == 0 {
            return;
        }
        let (out, inputs) = (d_output.len() / tokens, input.len() / tokens);
        if let Some(sum) = gradients.of(&affine.weight) {
            product(
                Matrix::new(d_output, tokens, out).t(),
                Matrix::new(input, tokens, inputs),
                MatrixMut::new(sum, out, inputs),
                Update::Add,
                Threads::All,
            );
        }
        if let Some(sum) = gradients.of(&affine.bias) {
            add_column_sums(d_output, sum);
        }
    }

    /// Gradient of a linear layer's input.
    fn input_backward(
        &self,
        affine: &Affine,
        d_output: &[f32],
        update: Update,
        d_input: &mut [f32],
    ) {
        let tokens = self.layout.tokens();
        if tokens == 0 {
            return;
        }
        let (out, inputs) = (d_output.len() / tokens, d_input.len() / tokens);
        product(
            Matrix::new(d_output, tokens, out),
            Matrix::new(self.weight(&affine.weight), out, inputs),
            MatrixMut::new(d_input, tokens, inputs),
            update,
            Threads::All,
        );
    }

    /// Adds the gradients of the tables; `d` is that of the first block's input.
    fn embeddings_backward(
        &self,
        tape: &EmbeddingsTape,
        d: &mut [f32],
        gradients: &mut Gradients<'_>,
    ) {
        let (names, size) = (&self.spec.names, self.spec.transformer.hidden_size);
        if let Some(masks) = self.layout.masks(self.dropout, 0, Site::Embeddings) {
            apply_masks(&masks, d);
        }
        self.norm_backward(&tape.norm, &names.embeddings_norm, d, gradients);
        let add = |row: &[f32], sum: &mut [f32]| {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        };
        if let Some(sum) = gradients.of(&names.token_types) {
            d.chunks_exact(size).for_each(|row| add(row, &mut sum[..size]));
        }
        if let Some(sum) = gradients.of(&names.words) {
            for (&id, row) in self.layout.ids.iter().zip(d.chunks_exact(size)) {
                add(row, &mut sum[id as usize * size..][..size]);
            }
        }
        if let Some(sum) = gradients.of(&names.positions) {
            for tokens in self.layout.ranges() {
                for (position, token) in tokens.enumerate() {
                    add(&d[token * size..][..size], &mut sum[position * size..][..size]);
                }
            }
        }
    }
}
