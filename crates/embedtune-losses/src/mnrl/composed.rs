//! The loss as it is written down: whole matrices of logits, composed of tensor operations and
//! differentiated by autograd. It runs on any device and in any type, and is what
//! [`super::blocks`] is held to.

use candle_core::Tensor;

use super::{
    Direction, MnrlConfig, Partition,
    mask::{Masks, Term},
};
use crate::{LossBatch, LossError, autograd, measure, ops};

/// Value, and its gradient by the embeddings, `(rows, dim)`.
pub(super) fn evaluate(
    config: &MnrlConfig,
    batch: &LossBatch,
    terms: &[Term],
) -> Result<(f64, Tensor), LossError> {
    let shares: Vec<f64> = terms.iter().map(|term| term.share).collect();
    autograd::differentiate_or_zero(batch, |x| {
        let losses = term_losses(config, x, batch, terms)?;
        Ok((&losses * ops::constant(&shares, &losses)?)?.sum_all()?)
    })
}

/// The loss of each term, `(terms)`.
fn term_losses(
    config: &MnrlConfig,
    embeddings: &Tensor,
    batch: &LossBatch,
    terms: &[Term],
) -> Result<Tensor, LossError> {
    let x = config.similarity.prepare(embeddings)?;
    let columns: Vec<u32> = terms.iter().map(|term| term.positive).collect();
    let anchors: Vec<u32> = terms.iter().map(|term| term.anchor_row(batch)).collect();
    let positives: Vec<u32> = terms.iter().map(|term| term.positive_row(batch)).collect();
    let (anchors, positives) = (ops::rows(&x, &anchors)?, ops::rows(&x, &positives)?);
    let (queries, documents) = (ops::rows(&x, &batch.anchors)?, ops::rows(&x, &batch.candidates)?);

    let masks = Masks::new(config, batch);
    let mut logits = Vec::with_capacity(config.directions.len());
    let mut positive = None;
    for &direction in &config.directions {
        let from = if direction.compares_positive() { &positives } else { &anchors };
        let to = if direction.against_candidates() { &documents } else { &queries };
        let scores = (measure::similarities(from, to)? / config.temperature)?;
        if direction == Direction::QueryToDoc {
            let index = Tensor::new(columns.as_slice(), x.device())?.unsqueeze(1)?;
            positive = Some(scores.gather(&index, 1)?.squeeze(1)?);
        }
        logits.push(masked(&masks, direction, terms, scores)?);
    }
    let positive = positive.expect("build() insists on query_to_doc");
    Ok((log_partition(config.partition, &logits)? - positive)?)
}

/// `logits`, `(terms, columns)`, with `-inf` where nothing competes.
fn masked(
    masks: &Masks<'_>,
    direction: Direction,
    terms: &[Term],
    logits: Tensor,
) -> candle_core::Result<Tensor> {
    let (_, columns) = logits.dims2()?;
    let mut mask = vec![0.0_f32; terms.len() * columns];
    for (row, term) in mask.chunks_exact_mut(columns).zip(terms) {
        masks.apply(direction, term, row);
    }
    if mask.iter().all(|&m| m == 0.0) {
        return Ok(logits);
    }
    let mask = Tensor::from_vec(mask, logits.shape(), logits.device())?;
    &logits + mask.to_dtype(logits.dtype())?
}

/// Logarithm of each term's partition function, `(terms)`.
fn log_partition(partition: Partition, logits: &[Tensor]) -> Result<Tensor, LossError> {
    match partition {
        Partition::Joint => Ok(ops::log_sum_exp(&Tensor::cat(logits, 1)?)?),
        Partition::PerDirection => {
            let parts = logits.iter().map(ops::log_sum_exp).collect::<Result<Vec<_>, _>>()?;
            Ok(Tensor::stack(&parts, 0)?.mean(0)?)
        }
    }
}
