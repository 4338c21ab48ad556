//! A loss from a closure.

use std::fmt;

use candle_core::Tensor;

use crate::{Loss, LossBatch, LossError, LossOutput, StepContext, autograd::differentiate};

/// A loss that is a closure from the embeddings to a scalar; its gradient comes from autograd.
///
/// # Inputs
/// The closure gets the embeddings, `(rows, dim)`, as the leaf of a graph, and the batch that says
/// how rows relate. Use the first argument, not `batch.embeddings`: the latter has no gradient.
///
/// # When to use
/// For an objective that is not in this crate. Implement [`Loss`] itself if it has parameters or
/// state of its own, or if its gradient is cheaper to write down than to derive.
///
/// Compose it of plain candle operations. Fused ones (`candle_nn::ops::softmax_last_dim`,
/// `layer_norm`) have no backward pass and *cut the gradient in silence*: where nothing of it is
/// left, [`LossError::NoGradient`] says so, but a part that is missing shows only in a comparison
/// with finite differences.
///
/// # Example
/// Pull every anchor towards its positive:
/// ```
/// use candle_core::{Device, Tensor};
/// use embedtune_losses::{FnLoss, Loss, LossBatch, Relation, StepContext};
///
/// let mut loss = FnLoss::new("attract", |embeddings: &Tensor, batch: &LossBatch| {
///     let positives: Vec<u32> = batch
///         .relations
///         .iter()
///         .map(|r| batch.candidates[r.positives[0] as usize])
///         .collect();
///     let device = embeddings.device();
///     let anchor = embeddings.index_select(&Tensor::new(&*batch.anchors, device)?, 0)?;
///     let positive = embeddings.index_select(&Tensor::new(positives, device)?, 0)?;
///     Ok((anchor - positive)?.sqr()?.mean_all()?)
/// });
///
/// let embeddings = Tensor::new(&[[1.0_f32, 0.0], [0.0, 1.0]], &Device::Cpu)?;
/// let relation = Relation { positives: vec![0], ..Relation::default() };
/// let batch = LossBatch::new(embeddings, vec![0], vec![1], vec![relation])?;
/// let output = loss.evaluate(&batch, &StepContext::default())?;
/// assert_eq!(output.value, 1.0);
/// assert_eq!(output.d_embeddings.to_vec2::<f32>()?, [[1.0, -1.0], [-1.0, 1.0]]);
/// # Ok::<(), embedtune_losses::LossError>(())
/// ```
pub struct FnLoss<F> {
    name: String,
    function: F,
}

impl<F> FnLoss<F>
where
    F: FnMut(&Tensor, &LossBatch) -> Result<Tensor, LossError> + Send,
{
    /// A loss called `name` in logs. `function` returns a tensor with one element.
    pub fn new(name: impl Into<String>, function: F) -> Self {
        Self { name: name.into(), function }
    }
}

impl<F> fmt::Debug for FnLoss<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnLoss").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F> Loss for FnLoss<F>
where
    F: FnMut(&Tensor, &LossBatch) -> Result<Tensor, LossError> + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn evaluate(
        &mut self,
        batch: &LossBatch,
        _context: &StepContext,
    ) -> Result<LossOutput, LossError> {
        let (value, gradient) = differentiate(batch, |x| (self.function)(x, batch))?;
        let gradient = gradient.ok_or_else(|| LossError::NoGradient { loss: self.name.clone() })?;
        Ok(LossOutput::new(value, gradient))
    }
}
