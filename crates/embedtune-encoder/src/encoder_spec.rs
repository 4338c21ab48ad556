//! Transformer, weight names and head together: all an engine interprets.

use crate::{Head, HeadStep, TransformerSpec, arch::WeightNames};

/// Describes an encoder from token ids to embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderSpec {
    /// The transformer.
    pub transformer: TransformerSpec,
    /// Names of its weights.
    pub names: WeightNames,
    /// Pooling and what follows it.
    pub head: Head,
}

impl EncoderSpec {
    /// Values in an embedding.
    pub fn dim(&self) -> usize {
        self.head.dim(self.transformer.hidden_size)
    }

    /// Every weight in model order, with its shape.
    pub fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let mut shapes = self.names.shapes(&self.transformer);
        for step in &self.head.steps {
            if let HeadStep::Dense(dense) = step {
                shapes.push((dense.weight(), vec![dense.out_features, dense.in_features]));
                if dense.bias {
                    shapes.push((dense.bias(), vec![dense.out_features]));
                }
            }
        }
        shapes
    }
}
