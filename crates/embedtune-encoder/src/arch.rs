//! The architectures: for each, how its config.json becomes a [`TransformerSpec`] and what its
//! weights are called. A new encoder is one file here and one row in [`REGISTRY`].

mod bert;

use crate::TransformerSpec;

/// Names of a linear layer's weight, `(out, in)`, and bias, `(out)`; also of a layer norm's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affine {
    /// Name of the weight.
    pub weight: String,
    /// Name of the bias.
    pub bias: String,
}

impl Affine {
    fn at(prefix: &str) -> Self {
        Self { weight: format!("{prefix}.weight"), bias: format!("{prefix}.bias") }
    }

    fn shapes(&self, out: usize, inputs: usize) -> [(String, Vec<usize>); 2] {
        [(self.weight.clone(), vec![out, inputs]), (self.bias.clone(), vec![out])]
    }

    fn norm_shapes(&self, size: usize) -> [(String, Vec<usize>); 2] {
        [(self.weight.clone(), vec![size]), (self.bias.clone(), vec![size])]
    }
}

/// Names of one block's weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerNames {
    /// Query projection.
    pub query: Affine,
    /// Key projection.
    pub key: Affine,
    /// Value projection.
    pub value: Affine,
    /// Output projection of attention.
    pub attention_output: Affine,
    /// Layer norm after attention.
    pub attention_norm: Affine,
    /// First linear layer of the feed-forward block.
    pub intermediate: Affine,
    /// Second linear layer of the feed-forward block.
    pub output: Affine,
    /// Layer norm after the feed-forward block.
    pub output_norm: Affine,
}

/// Names of an encoder's weights by their role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightNames {
    /// Word table, `(vocab, hidden)`.
    pub words: String,
    /// Position table, `(max_positions, hidden)`.
    pub positions: String,
    /// Token-type table, `(types, hidden)`.
    pub token_types: String,
    /// Layer norm of the embeddings.
    pub embeddings_norm: Affine,
    /// Blocks, bottom to top.
    pub layers: Vec<LayerNames>,
}

impl WeightNames {
    /// Every weight in model order, with its shape.
    pub fn shapes(&self, spec: &TransformerSpec) -> Vec<(String, Vec<usize>)> {
        let mut shapes = self.embedding_shapes(spec);
        shapes.extend(self.layers.iter().flat_map(|layer| layer.shapes(spec)));
        shapes
    }

    /// The weights below the first block, with their shapes.
    pub fn embedding_shapes(&self, spec: &TransformerSpec) -> Vec<(String, Vec<usize>)> {
        let hidden = spec.hidden_size;
        let mut shapes = vec![
            (self.words.clone(), vec![spec.vocab_size, hidden]),
            (self.positions.clone(), vec![spec.max_positions, hidden]),
            (self.token_types.clone(), vec![spec.type_vocab_size, hidden]),
        ];
        shapes.extend(self.embeddings_norm.norm_shapes(hidden));
        shapes
    }
}

impl LayerNames {
    /// The weights of the block, with their shapes.
    pub fn shapes(&self, spec: &TransformerSpec) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (spec.hidden_size, spec.intermediate_size);
        let mut shapes = Vec::with_capacity(16);
        for projection in [&self.query, &self.key, &self.value, &self.attention_output] {
            shapes.extend(projection.shapes(hidden, hidden));
        }
        shapes.extend(self.attention_norm.norm_shapes(hidden));
        shapes.extend(self.intermediate.shapes(inner, hidden));
        shapes.extend(self.output.shapes(hidden, inner));
        shapes.extend(self.output_norm.norm_shapes(hidden));
        shapes
    }
}

/// An architecture that config.json can name.
pub(crate) struct Architecture {
    /// Value of `model_type`.
    pub(crate) model_type: &'static str,
    /// Class of the bare encoder, as config.json's `architectures` names it.
    pub(crate) class: &'static str,
    /// Prefixes that files put before the weights' names, longest first; the last is empty.
    pub(crate) prefixes: &'static [&'static str],
    /// Reads config.json.
    pub(crate) spec: fn(&serde_json::Value) -> Result<TransformerSpec, ConfigError>,
    /// Names of the weights.
    pub(crate) names: fn(&TransformerSpec) -> WeightNames,
}

/// Why a config.json cannot be used.
#[derive(Debug)]
pub(crate) enum ConfigError {
    Json(serde_json::Error),
    Unsupported { what: &'static str, value: String, supported: &'static str },
}

/// Every architecture by its `model_type`.
pub(crate) const REGISTRY: &[Architecture] = &[bert::ARCHITECTURE];
/// What [`REGISTRY`] holds, for messages.
pub(crate) const SUPPORTED: &str = "bert";
