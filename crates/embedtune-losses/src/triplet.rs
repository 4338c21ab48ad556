//! Triplet margin.

use serde::{Deserialize, Serialize};

use crate::{
    Distance, Loss, LossBatch, LossError, LossOutput, StepContext, autograd, measure, ops,
};

/// Settings of [`Triplet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TripletConfig {
    /// How far apart two embeddings are. Default cosine distance, because retrieval ranks by the
    /// angle.
    pub distance: Distance,
    /// How much farther than the positive a negative has to be, in units of the distance; at
    /// least 0. Default 0.2, a fifth of the way between equal and orthogonal. The 5 that
    /// Sentence Transformers uses with the euclidean distance cannot be met by normalized
    /// embeddings, which are at most 2 apart: with it no triple is ever done.
    pub margin: f64,
}

impl Default for TripletConfig {
    fn default() -> Self {
        Self { distance: Distance::Cosine, margin: 0.2 }
    }
}

impl TripletConfig {
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
    pub fn build(self) -> Result<Triplet, LossError> {
        measure::check_margin(self.margin)?;
        Ok(Triplet { config: self })
    }
}

/// Triplet margin: a negative should be farther from the anchor than the positive is, by a margin.
///
/// # Formula
/// With distance `d` and margin `m`, over every triple of an anchor, one of its positives and one
/// of its *own* negatives:
///
/// ```text
/// loss = mean over triples of max(d(a, p) − d(a, n) + m, 0)
/// ```
///
/// A triple has the weight of its example, and the mean is weighted.
///
/// # Shapes
/// Embeddings `(rows, dim)`; distances `(triples)`.
///
/// # Inputs
/// Every example needs a positive and a negative of its own; with several of either, each
/// combination is a triple. Other examples' documents play no part. Labels are ignored.
///
/// # When to use
/// When the negatives are known to be wrong and known to be hard, and batches are small. Triples
/// that already satisfy the margin teach nothing, so random negatives stop helping early.
///
/// # Relations
/// `TripletLoss` of Sentence Transformers (`EUCLIDEAN` and `triplet_margin = 5` there). With hard
/// negatives [`Mnrl`](crate::Mnrl) uses the batch as well and usually learns more. Source: Schroff
/// et al. 2015 (FaceNet).
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use embedtune_losses::{Loss, LossBatch, Relation, StepContext, TripletConfig};
///
/// // Row 0 is the anchor, row 1 its positive, row 2 a negative that is just as close.
/// let embeddings = Tensor::new(&[[1.0_f32, 0.0], [1.0, 1.0], [1.0, -1.0]], &Device::Cpu)?;
/// let relation = Relation { positives: vec![0], negatives: vec![1], ignored: vec![] };
/// let batch = LossBatch::new(embeddings, vec![0], vec![1, 2], vec![relation])?;
///
/// let mut loss = TripletConfig::default().with_margin(0.3).build()?;
/// let output = loss.evaluate(&batch, &StepContext::default())?;
/// assert!((output.value - 0.3).abs() < 1e-6);
/// # Ok::<(), embedtune_losses::LossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Triplet {
    config: TripletConfig,
}

impl Triplet {
    /// The settings it was made with.
    pub fn config(&self) -> &TripletConfig {
        &self.config
    }
}

impl Loss for Triplet {
    fn name(&self) -> &str {
        "triplet"
    }

    fn evaluate(
        &mut self,
        batch: &LossBatch,
        _context: &StepContext,
    ) -> Result<LossOutput, LossError> {
        let triples = Triples::of(batch)?;
        let (value, gradient) = autograd::differentiate_or_zero(batch, |x| {
            let anchors = ops::rows(x, &triples.anchors)?;
            let distance = self.config.distance;
            let positive = distance.between(&anchors, &ops::rows(x, &triples.positives)?)?;
            let negative = distance.between(&anchors, &ops::rows(x, &triples.negatives)?)?;
            let losses = ops::relu(&((positive - negative)? + self.config.margin)?)?;
            Ok((&losses * ops::constant(&triples.shares, &losses)?)?.sum_all()?)
        })?;
        Ok(LossOutput::new(value, gradient))
    }
}

/// Rows of every triple's three texts, and its share in the mean.
#[derive(Default)]
struct Triples {
    anchors: Vec<u32>,
    positives: Vec<u32>,
    negatives: Vec<u32>,
    shares: Vec<f64>,
}

impl Triples {
    fn of(batch: &LossBatch) -> Result<Self, LossError> {
        let weights = batch.example_weights()?;
        let mut triples = Self::default();
        for (example, relation) in batch.relations.iter().enumerate() {
            let missing = |needs| LossError::Missing { loss: "triplet", needs, example };
            if relation.positives.is_empty() {
                return Err(missing("a positive"));
            }
            if relation.negatives.is_empty() {
                return Err(missing("a negative of its own"));
            }
            for &positive in &relation.positives {
                for &negative in &relation.negatives {
                    triples.anchors.push(batch.anchors[example]);
                    triples.positives.push(batch.candidates[positive as usize]);
                    triples.negatives.push(batch.candidates[negative as usize]);
                    triples.shares.push(weights[example]);
                }
            }
        }
        ops::scale_to_one(&mut triples.shares);
        Ok(triples)
    }
}
