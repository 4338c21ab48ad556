//! Batches for the tests of this crate.

use candle_core::{DType, Device, Tensor};
use embedtune_losses::{LossBatch, LossConfig, LossOutput, Relation, StepContext};

/// Rows of `values`, `(values.len() / dim, dim)`, f64.
pub(crate) fn tensor(values: &[f64], dim: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / dim, dim), &Device::Cpu).unwrap()
}

/// Examples whose texts are all different rows: `columns` of `batch` rows each, anchors first.
pub(crate) fn in_columns(embeddings: Tensor, batch: usize, columns: usize) -> LossBatch {
    let relation = |i: usize| Relation {
        positives: vec![i as u32],
        negatives: (1..columns - 1).map(|c| (c * batch + i) as u32).collect(),
        ignored: vec![],
    };
    LossBatch::new(
        embeddings,
        (0..batch as u32).collect(),
        (batch as u32..(batch * columns) as u32).collect(),
        (0..batch).map(relation).collect(),
    )
    .unwrap()
}

pub(crate) fn evaluate(config: &LossConfig, batch: &LossBatch) -> LossOutput {
    config.build().unwrap().evaluate(batch, &StepContext::default()).unwrap()
}

/// All values of a tensor in row-major order.
pub(crate) fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The same batch with other embeddings.
pub(crate) fn with_embeddings(batch: &LossBatch, embeddings: Tensor) -> LossBatch {
    let mut batch = batch.clone();
    batch.embeddings = embeddings;
    batch
}
