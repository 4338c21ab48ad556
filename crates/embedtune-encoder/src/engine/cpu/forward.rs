//! The forward pass. Hidden states are `(tokens, hidden)`, row-major, without padding.

use embedtune_kernels::{
    AttentionShape, DropoutMask, Matrix, MatrixMut, Threads, Update, add_bias, apply_masks,
    attention, bias_activation, layer_norm, product, residual_layer_norm, scale_shift,
};
use rayon::prelude::*;

use super::{Buffers, layout::Layout};
use crate::{
    Activation, Dropout, EncoderSpec, Parameters, TransformerSpec, arch::Affine, dropout::Site,
};

/// Everything a pass needs.
pub(super) struct Pass<'a> {
    pub(super) spec: &'a EncoderSpec,
    pub(super) parameters: &'a Parameters,
    pub(super) layout: &'a Layout,
    pub(super) dropout: Option<&'a Dropout>,
    pub(super) buffers: &'a Buffers,
}

/// Rows before a layer norm's weight and bias, and the factors that normalized them.
pub(super) struct Normed {
    /// `(tokens, hidden)`.
    pub(super) rows: Vec<f32>,
    /// `(tokens)`.
    pub(super) inverse_deviation: Vec<f32>,
}

/// Kept of the embedding tables.
pub(super) struct EmbeddingsTape {
    pub(super) norm: Normed,
}

/// Kept of one block. Its input and what follows a norm's weight are computed again from the
/// normalized rows, which is a pass over memory instead of a buffer.
pub(super) struct LayerTape {
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
    /// Attention output before its projection.
    pub(super) context: Vec<f32>,
    pub(super) attention_norm: Normed,
    /// Input of the activation, `(tokens, intermediate)`.
    pub(super) inner: Vec<f32>,
    pub(super) output_norm: Normed,
}

impl Normed {
    pub(super) fn give_back(self, buffers: &Buffers) {
        buffers.give(self.rows);
    }
}

impl EmbeddingsTape {
    pub(super) fn give_back(self, buffers: &Buffers) {
        self.norm.give_back(buffers);
    }
}

impl LayerTape {
    pub(super) fn give_back(self, buffers: &Buffers) {
        for buffer in [self.query, self.key, self.value, self.context, self.inner] {
            buffers.give(buffer);
        }
        self.attention_norm.give_back(buffers);
        self.output_norm.give_back(buffers);
    }
}

/// The kernels' name of an activation.
pub(super) fn activation(spec: &TransformerSpec) -> embedtune_kernels::Activation {
    match spec.activation {
        Activation::Gelu => embedtune_kernels::Activation::Gelu,
        Activation::GeluTanh => embedtune_kernels::Activation::GeluTanh,
        Activation::Relu => embedtune_kernels::Activation::Relu,
    }
}

impl Pass<'_> {
    fn transformer(&self) -> &TransformerSpec {
        &self.spec.transformer
    }

    fn hidden_size(&self) -> usize {
        self.transformer().hidden_size
    }

    pub(super) fn weight(&self, name: &str) -> &[f32] {
        self.parameters.get(name).expect("the model has every weight of its spec")
    }

    fn masks(&self, layer: usize, site: Site) -> Option<Vec<DropoutMask>> {
        self.layout.masks(self.dropout, layer, site)
    }

    /// Sum of the three tables, normalized, with dropout: the input of the first block.
    pub(super) fn embeddings(&self) -> (Vec<f32>, EmbeddingsTape) {
        let (names, size) = (&self.spec.names, self.hidden_size());
        let (words, positions) = (self.weight(&names.words), self.weight(&names.positions));
        // Single texts: every token is of type 0.
        let token_type = &self.weight(&names.token_types)[..size];
        let mut rows = self.buffers.take(self.layout.tokens() * size);
        for tokens in self.layout.ranges() {
            for (position, token) in tokens.enumerate() {
                let word = &words[self.layout.ids[token] as usize * size..][..size];
                let position = &positions[position * size..][..size];
                let row = &mut rows[token * size..][..size];
                for (feature, value) in row.iter_mut().enumerate() {
                    *value = word[feature] + position[feature] + token_type[feature];
                }
            }
        }
        let mut inverse_deviation = vec![0.0; self.layout.tokens()];
        layer_norm(&mut rows, self.transformer().layer_norm_eps as f32, &mut inverse_deviation);
        let tape = EmbeddingsTape { norm: Normed { rows, inverse_deviation } };
        let mut hidden = self.buffers.take(self.layout.tokens() * size);
        self.after_embeddings(&tape, &mut hidden);
        (hidden, tape)
    }

    /// Writes the input of the first block.
    pub(super) fn after_embeddings(&self, tape: &EmbeddingsTape, out: &mut [f32]) {
        self.after_norm(&tape.norm, &self.spec.names.embeddings_norm, out);
        if let Some(masks) = self.masks(0, Site::Embeddings) {
            apply_masks(&masks, out);
        }
    }

    /// Writes the output of a layer norm.
    pub(super) fn after_norm(&self, norm: &Normed, names: &Affine, out: &mut [f32]) {
        scale_shift(&norm.rows, self.weight(&names.weight), self.weight(&names.bias), out);
    }

    /// One block: `hidden` is its input and becomes its output.
    pub(super) fn layer(&self, layer: usize, hidden: &mut [f32]) -> LayerTape {
        let names = &self.spec.names.layers[layer];
        let size = self.hidden_size();
        let project = |affine: &Affine| {
            let mut rows = self.linear(hidden, affine, size, size);
            add_bias(self.weight(&affine.bias), &mut rows);
            rows
        };
        let (query, key) = (project(&names.query), project(&names.key));
        let value = project(&names.value);
        let mut context = self.buffers.take(query.len());
        self.attention(layer, [&query, &key, &value], &mut context);

        let output = self.linear(&context, &names.attention_output, size, size);
        let bias = &names.attention_output.bias;
        let attention_norm = self.add_and_norm(layer, Site::AttentionOutput, output, bias, hidden);
        self.after_norm(&attention_norm, &names.attention_norm, hidden);

        let inner_size = self.transformer().intermediate_size;
        let mut inner = self.linear(hidden, &names.intermediate, inner_size, size);
        let mut activated = self.buffers.take(inner.len());
        let activation = activation(self.transformer());
        let bias = self.weight(&names.intermediate.bias);
        bias_activation(activation, bias, &mut inner, &mut activated);
        let output = self.linear(&activated, &names.output, size, inner_size);
        self.buffers.give(activated);
        let output_norm =
            self.add_and_norm(layer, Site::FeedForward, output, &names.output.bias, hidden);
        self.after_norm(&output_norm, &names.output_norm, hidden);
        LayerTape { query, key, value, context, attention_norm, inner, output_norm }
    }

    /// `input · weightᵀ`, without the bias.
    fn linear(&self, input: &[f32], affine: &Affine, out: usize, inputs: usize) -> Vec<f32> {
        let tokens = self.layout.tokens();
        let mut rows = self.buffers.take(tokens * out);
        product(
            Matrix::new(input, tokens, inputs),
            Matrix::new(self.weight(&affine.weight), out, inputs).t(),
            MatrixMut::new(&mut rows, tokens, out),
            Update::Overwrite,
            Threads::All,
        );
        rows
    }

    fn add_and_norm(
        &self,
        layer: usize,
        site: Site,
        mut rows: Vec<f32>,
        bias: &str,
        residual: &[f32],
    ) -> Normed {
        let masks = self.masks(layer, site);
        let eps = self.transformer().layer_norm_eps as f32;
        let mut inverse_deviation = vec![0.0; self.layout.tokens()];
        let (bias, masks) = (self.weight(bias), masks.as_deref());
        residual_layer_norm(&mut rows, bias, masks, residual, eps, &mut inverse_deviation);
        Normed { rows, inverse_deviation }
    }

    fn attention(&self, layer: usize, [query, key, value]: [&[f32]; 3], context: &mut [f32]) {
        let size = self.hidden_size();
        let masks = self.masks(layer, Site::Attention);
        let outputs = self.layout.split_mut(context, size);
        let tasks: Vec<_> = self.layout.ranges().zip(outputs).collect();
        tasks.into_par_iter().for_each_init(Vec::new, |scratch, (tokens, out)| {
            let part = |buffer| part(buffer, &tokens, size);
            let masks = masks.as_ref().map(|masks| &masks[tokens.clone()]);
            let shape = self.attention_shape(tokens.len());
            attention(shape, part(query), part(key), part(value), masks, out, scratch);
        });
    }

    pub(super) fn attention_shape(&self, len: usize) -> AttentionShape {
        let spec = self.transformer();
        AttentionShape { len, heads: spec.num_heads, head_dim: spec.head_dim() }
    }
}

/// Rows of some tokens in a buffer of `width` values a token.
pub(super) fn part<'a>(
    buffer: &'a [f32],
    tokens: &std::ops::Range<usize>,
    width: usize,
) -> &'a [f32] {
    &buffer[tokens.start * width..tokens.end * width]
}
