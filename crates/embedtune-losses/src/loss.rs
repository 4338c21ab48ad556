//! The trait every objective implements.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use crate::{LossBatch, LossError, StepContext};

/// Value and gradients of a loss at one batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct LossOutput {
    /// The scalar that training minimises, a mean over examples unless the loss says otherwise.
    pub value: f64,
    /// Named parts of the value, for logs.
    pub components: Vec<(String, f64)>,
    /// `d value / d embeddings`, `(rows, dim)`, detached.
    pub d_embeddings: Tensor,
    /// `d value / d parameter` in the order of [`Loss::parameters`], detached.
    pub d_parameters: Vec<Tensor>,
}

impl LossOutput {
    /// Output of a loss without components and without parameters of its own.
    pub fn new(value: f64, d_embeddings: Tensor) -> Self {
        Self { value, components: Vec::new(), d_embeddings, d_parameters: Vec::new() }
    }
}

/// An objective over the embeddings of a batch.
///
/// It sees embeddings and returns their gradient; the encoder turns that into gradients of
/// weights. So one loss serves every encoder, and exact large batches in bounded memory are a
/// feature of the trainer, not a twin of each loss.
pub trait Loss: Send {
    /// Short name for logs, e.g. `mnrl`.
    fn name(&self) -> &str;

    /// Value and gradients at `batch`.
    ///
    /// # Errors
    /// [`LossError`] when the batch lacks what the loss needs (labels, negatives).
    fn evaluate(
        &mut self,
        batch: &LossBatch,
        context: &StepContext,
    ) -> Result<LossOutput, LossError>;

    /// Trained parameters of the loss itself (heads, temperatures), in a fixed order with names.
    fn parameters(&self) -> Vec<(String, Var)> {
        Vec::new()
    }

    /// Further state a resumed run needs (queues, counters). Parameters are saved by the trainer.
    fn state(&self) -> BTreeMap<String, Tensor> {
        BTreeMap::new()
    }

    /// Restores what [`Loss::state`] returned.
    ///
    /// # Errors
    /// [`LossError::State`] when an entry is missing, unknown or of another shape.
    fn load_state(&mut self, state: BTreeMap<String, Tensor>) -> Result<(), LossError> {
        match state.into_keys().next() {
            Some(name) => Err(LossError::State { loss: self.name().to_owned(), name }),
            None => Ok(()),
        }
    }
}
