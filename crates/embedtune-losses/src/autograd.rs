//! Value and gradient of a composed function of the embeddings.

use candle_core::{DType, Tensor, Var};

use crate::{LossBatch, LossError};

/// Evaluates `function` at the batch's embeddings and differentiates it by them.
///
/// The embeddings become a leaf of a new graph, so nothing of the encoder is kept alive, and the
/// gradient, `(rows, dim)`, is detached. It is `None` if the value does not depend on them.
pub(crate) fn differentiate(
    batch: &LossBatch,
    function: impl FnOnce(&Tensor) -> Result<Tensor, LossError>,
) -> Result<(f64, Option<Tensor>), LossError> {
    let leaf = Var::from_tensor(&batch.embeddings.detach())?;
    let value = function(leaf.as_tensor())?;
    if value.elem_count() != 1 {
        return Err(LossError::Shape {
            what: "values of the loss",
            expected: 1,
            got: value.elem_count(),
        });
    }
    let gradients = value.backward()?;
    let gradient = gradients.get(leaf.as_tensor()).map(Tensor::detach);
    let value = value.detach().flatten_all()?.squeeze(0)?.to_dtype(DType::F64)?.to_scalar()?;
    Ok((value, gradient))
}

/// The same for a function that may be constant: its gradient is then zero.
pub(crate) fn differentiate_or_zero(
    batch: &LossBatch,
    function: impl FnOnce(&Tensor) -> Result<Tensor, LossError>,
) -> Result<(f64, Tensor), LossError> {
    let (value, gradient) = differentiate(batch, function)?;
    match gradient {
        Some(gradient) => Ok((value, gradient)),
        None => Ok((value, batch.embeddings.zeros_like()?)),
    }
}
