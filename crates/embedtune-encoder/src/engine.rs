//! The seam between a model and what computes it.

mod cpu;
mod reference;

use std::any::Any;

pub use cpu::CpuEngine;
pub use reference::ReferenceEngine;

use crate::{Dropout, EncoderError, PackedBatch, Parameters, Precision, TransformerSpec};

/// What an engine keeps of a forward pass for its backward pass.
pub struct Tape(Box<dyn Any + Send>);

impl Tape {
    /// Wraps an engine's own record.
    pub fn new(record: impl Any + Send) -> Self {
        Self(Box::new(record))
    }

    /// The record, if it is of type `T`.
    pub fn downcast<T: Any>(self) -> Option<T> {
        self.0.downcast().ok().map(|record| *record)
    }
}

/// Runs and differentiates an encoder: token ids in, embeddings out; gradients of embeddings in,
/// gradients of weights out. Implementations must agree with [`ReferenceEngine`].
pub trait Engine: Send + Sync {
    /// Short name for logs.
    fn name(&self) -> &'static str;

    /// The number format of its products; never [`Precision::Auto`].
    fn precision(&self) -> Precision {
        Precision::F32
    }

    /// Computes in another number format from now on.
    ///
    /// # Errors
    /// [`EncoderError::Precision`] when the engine does not have it.
    fn set_precision(&mut self, precision: Precision) -> Result<(), EncoderError> {
        match precision {
            Precision::F32 | Precision::Auto => Ok(()),
            precision => {
                Err(EncoderError::Precision { engine: self.name(), precision, supported: "f32" })
            }
        }
    }

    /// Embeddings of `batch`, `(sequences, dim)` row-major, without a record. With `dropout` they
    /// equal those of [`Engine::forward`] under the same dropout.
    ///
    /// # Errors
    /// [`EncoderError`] when a token id or a length is outside the model, or a kernel fails.
    fn embed(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError>;

    /// Embeddings of `batch`, `(sequences, dim)` row-major, and the record for
    /// [`Engine::backward`].
    ///
    /// # Errors
    /// As [`Engine::embed`].
    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError>;

    /// Adds `d loss / d parameter` to `gradients`, laid out as [`Parameters::trainable`], given
    /// `d loss / d embeddings`, `(sequences, dim)`. Stops at the lowest trainable layer.
    ///
    /// # Errors
    /// [`EncoderError`] when lengths differ or the tape is another engine's.
    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError>;
}

/// Refuses sequences that the tables of a model cannot hold.
fn check_batch(spec: &TransformerSpec, batch: &PackedBatch) -> Result<(), EncoderError> {
    for index in 0..batch.len() {
        let sequence = batch.sequence(index);
        if sequence.is_empty() || sequence.len() > spec.max_positions {
            let (requested, max) = (sequence.len(), spec.max_positions);
            return Err(EncoderError::MaxSeqLen { requested, min: 1, max });
        }
        if let Some(&id) = sequence.iter().find(|&&id| id as usize >= spec.vocab_size) {
            return Err(EncoderError::TokenId { id, vocab_size: spec.vocab_size });
        }
    }
    Ok(())
}

/// Refuses buffers of a backward pass that have the wrong length.
fn check_backward(
    parameters: &Parameters,
    embedding_values: usize,
    d_embeddings: &[f32],
    gradients: &[f32],
) -> Result<(), EncoderError> {
    for (what, expected, got) in [
        ("d_embeddings", embedding_values, d_embeddings.len()),
        ("gradients", parameters.trainable().len(), gradients.len()),
    ] {
        if expected != got {
            return Err(EncoderError::Length { what, expected, got });
        }
    }
    Ok(())
}
