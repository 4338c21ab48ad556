//! An architecture is a description, not a program: engines interpret a [`TransformerSpec`].

/// Activation of the feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Exact GELU, `x Φ(x)` (`gelu` in Hugging Face configs).
    Gelu,
    /// GELU by its tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// Rectified linear.
    Relu,
}

/// Everything an engine must know to run a transformer encoder with absolute positions and layer
/// norm after each sub-block.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerSpec {
    /// Rows of the word table.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Number of transformer blocks.
    pub num_layers: usize,
    /// Attention heads of a block; divides `hidden_size`.
    pub num_heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Rows of the position table: no sequence is longer, in tokens.
    pub max_positions: usize,
    /// Rows of the token-type table.
    pub type_vocab_size: usize,
    /// Added to the variance in layer norm.
    pub layer_norm_eps: f64,
    /// Activation of the feed-forward block.
    pub activation: Activation,
    /// Dropout the model was pretrained with, after embeddings and sub-blocks.
    pub hidden_dropout: f32,
    /// Dropout the model was pretrained with, on attention probabilities.
    pub attention_dropout: f32,
}

impl TransformerSpec {
    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }
}
