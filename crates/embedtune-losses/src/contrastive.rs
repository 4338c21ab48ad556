//! Contrastive loss over labelled pairs.

use serde::{Deserialize, Serialize};

use crate::{
    Distance, Loss, LossBatch, LossError, LossOutput, StepContext, autograd, measure, ops,
    pairs::Pairs,
};

/// Settings of [`Contrastive`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ContrastiveConfig {
    /// How far apart two embeddings are. Default cosine distance.
    pub distance: Distance,
    /// How far apart unrelated texts should be, in units of the distance; at least 0. Default
    /// 0.5, as in Sentence Transformers: a cosine of 0.5.
    pub margin: f64,
}

impl Default for ContrastiveConfig {
    fn default() -> Self {
        Self { distance: Distance::Cosine, margin: 0.5 }
    }
}

impl ContrastiveConfig {
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
    pub fn build(self) -> Result<Contrastive, LossError> {
        measure::check_margin(self.margin)?;
        Ok(Contrastive { config: self })
    }
}

/// Contrastive loss: related texts are pulled together, unrelated ones pushed apart up to a margin.
///
/// # Formula
/// With distance `d` of the two texts of a pair, label `y` and margin `m`:
///
/// ```text
/// loss = mean over pairs of ½ ( y d² + (1 − y) max(m − d, 0)² )
/// ```
///
/// A pair has the weight of its example, and the mean is weighted.
///
/// # Shapes
/// Embeddings `(rows, dim)`; distances `(pairs)`.
///
/// # Inputs
/// Labelled pairs: label 1 for related, 0 for unrelated, numbers between for degrees of it; the
/// second text stands among the positives whatever its label. Without labels positives count as 1
/// and an example's own negatives as 0, so triplets work as well.
///
/// # When to use
/// For data that comes as judged pairs, duplicates or not. For retrieval with positives only use
/// [`Mnrl`](crate::Mnrl).
///
/// # Relations
/// `ContrastiveLoss` of Sentence Transformers; with the euclidean and manhattan distance that one
/// adds 1e-6 to every difference, this one does not. [`OnlineContrastive`](crate::OnlineContrastive)
/// looks at the hard pairs only. Source: Hadsell, Chopra and LeCun 2006.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use embedtune_losses::{ContrastiveConfig, Loss, LossBatch, Relation, StepContext};
///
/// // One related pair (rows 0, 1) that is orthogonal, one unrelated pair (rows 0, 2) that is equal.
/// let embeddings = Tensor::new(&[[1.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0]], &Device::Cpu)?;
/// let pair = |c| Relation { positives: vec![c], ..Relation::default() };
/// let mut batch = LossBatch::new(embeddings, vec![0, 0], vec![1, 2], vec![pair(0), pair(1)])?;
/// batch.labels = vec![1.0, 0.0];
///
/// let mut loss = ContrastiveConfig::default().build()?;
/// let output = loss.evaluate(&batch, &StepContext::default())?;
/// assert!((output.value - (0.5 * 1.0 + 0.5 * 0.25) / 2.0).abs() < 1e-6);
/// # Ok::<(), embedtune_losses::LossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Contrastive {
    config: ContrastiveConfig,
}

impl Contrastive {
    /// The settings it was made with.
    pub fn config(&self) -> &ContrastiveConfig {
        &self.config
    }
}

impl Loss for Contrastive {
    fn name(&self) -> &str {
        "contrastive"
    }

    fn evaluate(
        &mut self,
        batch: &LossBatch,
        _context: &StepContext,
    ) -> Result<LossOutput, LossError> {
        let mut pairs = Pairs::of(batch, "contrastive")?;
        ops::scale_to_one(&mut pairs.weights);
        let share = |related: bool| -> Vec<f64> {
            let degree = |&label: &f64| if related { label } else { 1.0 - label };
            pairs.weights.iter().zip(&pairs.labels).map(|(w, y)| 0.5 * w * degree(y)).collect()
        };
        let (attract, repel) = (share(true), share(false));
        let (value, gradient) = autograd::differentiate_or_zero(batch, |x| {
            let (a, b) = (ops::rows(x, &pairs.anchors)?, ops::rows(x, &pairs.documents)?);
            let distance = self.config.distance.between(&a, &b)?;
            let short = ops::relu(&(self.config.margin - &distance)?)?;
            let attraction = (distance.sqr()? * ops::constant(&attract, &distance)?)?;
            let repulsion = (short.sqr()? * ops::constant(&repel, &distance)?)?;
            Ok((attraction + repulsion)?.sum_all()?)
        })?;
        Ok(LossOutput::new(value, gradient))
    }
}
