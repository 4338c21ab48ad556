//! Contrastive loss over the hard pairs of a batch.

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    Distance, Loss, LossBatch, LossError, LossOutput, StepContext, autograd, measure, ops,
    pairs::Pairs,
};

/// Settings of [`OnlineContrastive`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OnlineContrastiveConfig {
    /// How far apart two embeddings are. Default cosine distance.
    pub distance: Distance,
    /// How far apart unrelated texts should be, in units of the distance; at least 0. Default
    /// 0.5, as in Sentence Transformers: a cosine of 0.5.
    pub margin: f64,
}

impl Default for OnlineContrastiveConfig {
    fn default() -> Self {
        Self { distance: Distance::Cosine, margin: 0.5 }
    }
}

impl OnlineContrastiveConfig {
    /// Sets [`distance`](Self::distance).
    #[must_use]
    pub fn with_distance(self, distance: Distance) -> Self {
        Self { distance, ..self }
    }

    /// Sets [`margin`](Self::margin).
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// Checks the settings and makes the loss.
    ///
    /// # Errors
    /// [`LossError::Config`] for a margin that is negative or not finite.
    pub fn build(self) -> Result<OnlineContrastive, LossError> {
        measure::check_margin(self.margin)?;
        Ok(OnlineContrastive { config: self })
    }
}

/// Contrastive loss over the hard pairs only: related texts that are farther apart than the
/// closest unrelated ones, and unrelated texts that are closer than the farthest related ones.
///
/// # Formula
/// With distance `d`, margin `m`, related pairs `R` and unrelated pairs `U` of the batch:
///
/// ```text
/// loss = Σ { d²             : pairs of R with d > min d(U) }
///      + Σ { max(m − d, 0)² : pairs of U with d < max d(R) }
/// ```
///
/// Without `U` (or `R`) the mean distance of the others takes the place of the bound. It is a
/// **sum**, so it grows with the batch and so does the learning rate it stands for. Weights
/// multiply the pairs' terms.
///
/// # Shapes
/// Embeddings `(rows, dim)`; distances `(pairs)`.
///
/// # Inputs
/// As [`Contrastive`](crate::Contrastive), but labels have to be 0 or 1.
///
/// # When to use
/// For judged pairs in batches large enough to hold both kinds; it usually beats
/// [`Contrastive`](crate::Contrastive), because easy pairs no longer drown the hard ones.
///
/// # Relations
/// `OnlineContrastiveLoss` of Sentence Transformers; the distances differ as in
/// [`Contrastive`](crate::Contrastive), and a label that is neither 0 nor 1 is an error here while
/// it drops the pair there.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use embedtune_losses::{Loss, LossBatch, OnlineContrastiveConfig, Relation, StepContext};
///
/// // The related pair (rows 0, 1) is orthogonal, the unrelated pair (rows 0, 2) equal: both hard.
/// let embeddings = Tensor::new(&[[1.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0]], &Device::Cpu)?;
/// let pair = |c| Relation { positives: vec![c], ..Relation::default() };
/// let mut batch = LossBatch::new(embeddings, vec![0, 0], vec![1, 2], vec![pair(0), pair(1)])?;
/// batch.labels = vec![1.0, 0.0];
///
/// let mut loss = OnlineContrastiveConfig::default().build()?;
/// let output = loss.evaluate(&batch, &StepContext::default())?;
/// assert!((output.value - (1.0 + 0.25)).abs() < 1e-6);
/// # Ok::<(), embedtune_losses::LossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct OnlineContrastive {
    config: OnlineContrastiveConfig,
}

impl OnlineContrastive {
    /// The settings it was made with.
    pub fn config(&self) -> &OnlineContrastiveConfig {
        &self.config
    }
}

impl Loss for OnlineContrastive {
    fn name(&self) -> &str {
        "online-contrastive"
    }

    fn evaluate(
        &mut self,
        batch: &LossBatch,
        _context: &StepContext,
    ) -> Result<LossOutput, LossError> {
        let pairs = Pairs::of(batch, "online-contrastive")?;
        check_binary(batch)?;
        let (value, gradient) = autograd::differentiate_or_zero(batch, |x| {
            let (a, b) = (ops::rows(x, &pairs.anchors)?, ops::rows(x, &pairs.documents)?);
            let distance = self.config.distance.between(&a, &b)?;
            let (attract, repel) = hard(&pairs, &distance)?;
            let short = ops::relu(&(self.config.margin - &distance)?)?;
            let attraction = (distance.sqr()? * ops::constant(&attract, &distance)?)?;
            let repulsion = (short.sqr()? * ops::constant(&repel, &distance)?)?;
            Ok((attraction + repulsion)?.sum_all()?)
        })?;
        Ok(LossOutput::new(value, gradient))
    }
}

/// Weights of the hard related and of the hard unrelated pairs, each `(pairs)`, 0 for the others.
fn hard(pairs: &Pairs, distance: &Tensor) -> Result<(Vec<f64>, Vec<f64>), LossError> {
    let distance: Vec<f64> = distance.detach().to_dtype(DType::F64)?.to_vec1()?;
    let of = |related: bool| {
        let both = distance.iter().zip(&pairs.labels);
        both.filter(move |(_, label)| (**label > 0.5) == related).map(|(d, _)| *d)
    };
    let mean = |related| of(related).sum::<f64>() / of(related).count() as f64;
    let nearest = of(false).reduce(f64::min).unwrap_or_else(|| mean(true));
    let farthest = of(true).reduce(f64::max).unwrap_or_else(|| mean(false));
    let select = |related: bool| {
        let is_hard = move |d: f64| if related { d > nearest } else { d < farthest };
        let rows = distance.iter().zip(&pairs.labels).zip(&pairs.weights);
        rows.map(
            |((&d, &label), &weight)| {
                if (label > 0.5) == related && is_hard(d) { weight } else { 0.0 }
            },
        )
        .collect()
    };
    Ok((select(true), select(false)))
}

fn check_binary(batch: &LossBatch) -> Result<(), LossError> {
    match batch.labels.iter().position(|&label| label != 0.0 && label != 1.0) {
        Some(example) => Err(LossError::Value {
            what: "label",
            example,
            value: f64::from(batch.labels[example]),
            expected: "0 or 1",
        }),
        None => Ok(()),
    }
}
