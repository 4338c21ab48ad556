//! Multiple negatives ranking.

mod blocks;
mod composed;
mod mask;
mod prepared;
mod softmax;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::{Loss, LossBatch, LossError, LossOutput, Similarity, StepContext};

/// Which similarities compete with an example's positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The anchor against every document of the batch. Always needed: it holds the positive.
    QueryToDoc,
    /// The positive against every anchor of the batch.
    DocToQuery,
    /// The anchor against every other anchor.
    QueryToQuery,
    /// The positive against every document of the other examples.
    DocToDoc,
}

impl Direction {
    /// Whether it is the positive that is compared; else it is the anchor.
    fn compares_positive(self) -> bool {
        matches!(self, Self::DocToQuery | Self::DocToDoc)
    }

    /// Whether it is compared against the candidates; else against the anchors.
    fn against_candidates(self) -> bool {
        matches!(self, Self::QueryToDoc | Self::DocToDoc)
    }
}

/// Over what the softmax is taken if there are several directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// One softmax over all directions together. With [`Direction::DocToQuery`] the positive is
    /// in it twice, so the loss does not fall below `ln 2`.
    #[default]
    Joint,
    /// One softmax per direction, and the mean of their logarithms: the symmetric loss.
    PerDirection,
}

/// Settings of [`Mnrl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MnrlConfig {
    /// Divides the similarities, above 0. Default 0.05, the scale of 20 that Sentence Transformers
    /// uses with cosine; lower puts more weight on the hardest negatives.
    pub temperature: f64,
    /// How anchors and documents are compared. Default cosine.
    pub similarity: Similarity,
    /// What competes with the positive. Default `[query_to_doc]`, the plain loss.
    pub directions: Vec<Direction>,
    /// Over what the softmax is taken. Default joint; of no effect with one direction.
    pub partition: Partition,
    /// Whether the documents of other examples are negatives. Default true; without them an
    /// example that has no negatives of its own has no loss.
    pub in_batch_negatives: bool,
    /// Whether candidates that are known to be relevant are left out instead of serving as
    /// negatives: those in [`Relation::ignored`](crate::Relation::ignored), and between examples
    /// with the same anchor. Default true; false is exactly Sentence Transformers.
    pub mask_false_negatives: bool,
}

impl Default for MnrlConfig {
    fn default() -> Self {
        Self {
            temperature: 0.05,
            similarity: Similarity::Cosine,
            directions: vec![Direction::QueryToDoc],
            partition: Partition::Joint,
            in_batch_negatives: true,
            mask_false_negatives: true,
        }
    }
}

impl MnrlConfig {
    /// Sets [`temperature`](Self::temperature).
    #[must_use]
    pub fn with_temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }

    /// Sets [`similarity`](Self::similarity).
    #[must_use]
    pub fn with_similarity(self, similarity: Similarity) -> Self {
        Self { similarity, ..self }
    }

    /// Sets [`directions`](Self::directions).
    #[must_use]
    pub fn with_directions(self, directions: impl Into<Vec<Direction>>) -> Self {
        Self { directions: directions.into(), ..self }
    }

    /// Sets [`partition`](Self::partition).
    #[must_use]
    pub fn with_partition(self, partition: Partition) -> Self {
        Self { partition, ..self }
    }

    /// Sets [`in_batch_negatives`](Self::in_batch_negatives).
    #[must_use]
    pub fn with_in_batch_negatives(self, in_batch_negatives: bool) -> Self {
        Self { in_batch_negatives, ..self }
    }

    /// Sets [`mask_false_negatives`](Self::mask_false_negatives).
    #[must_use]
    pub fn with_mask_false_negatives(self, mask_false_negatives: bool) -> Self {
        Self { mask_false_negatives, ..self }
    }

    /// Checks the settings and makes the loss.
    ///
    /// # Errors
    /// [`LossError::Config`] for a temperature that is not above 0; [`LossError::Conflict`] if
    /// `query_to_doc` is missing, a direction is named twice, a softmax per direction is asked
    /// for one that holds no positive, or another direction is used without in-batch negatives.
    pub fn build(self) -> Result<Mnrl, LossError> {
        use Direction::{DocToDoc, DocToQuery, QueryToDoc, QueryToQuery};
        let conflict = |expected| Err(LossError::Conflict { setting: "directions", expected });
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(LossError::Config {
                name: "temperature",
                value: self.temperature,
                expected: "above 0",
            });
        }
        let count = |d| self.directions.iter().filter(|&&other| other == d).count();
        let counts = [QueryToDoc, DocToQuery, QueryToQuery, DocToDoc].map(count);
        if counts[0] == 0 {
            return conflict("query_to_doc is needed, it holds the positive");
        }
        if counts.iter().any(|&n| n > 1) {
            return conflict("each direction at most once");
        }
        if self.partition == Partition::PerDirection && counts[2] + counts[3] > 0 {
            return conflict(
                "query_to_query and doc_to_doc hold no positive, so they need partition = joint",
            );
        }
        if !self.in_batch_negatives && self.directions.len() > 1 {
            return conflict("only query_to_doc works without in_batch_negatives");
        }
        Ok(Mnrl { config: self })
    }
}

/// Multiple negatives ranking: each anchor should be closer to its positive than to anything else
/// in the batch. Also known as InfoNCE, or cross entropy with in-batch negatives.
///
/// # Formula
/// With similarity `s`, temperature `T`, anchor `a_i`, its positive `p_i` and the documents
/// `d_1 … d_C` of the batch (every positive and every negative):
///
/// ```text
/// loss = mean_i ( log Z_i − s(a_i, p_i) / T ),   Z_i = Σ_j exp(s(a_i, d_j) / T)
/// ```
///
/// Further [`Direction`]s add terms to `Z_i`; see [`Partition`]. An example with several positives
/// counts as the mean over them, each alone against the negatives. Weights make it a weighted mean.
///
/// # Shapes
/// Embeddings `(rows, dim)`; logits `(batch, candidates)` for `query_to_doc` and `doc_to_doc`,
/// `(batch, batch)` for the other two. In f32 on the CPU they are never there as a whole: they and
/// their gradient are computed in blocks of rows of 8 MiB, so memory grows with
/// `(batch + candidates) × dim`, and a batch of thousands is cheap. Elsewhere they are composed of
/// tensor operations and differentiated by autograd.
///
/// # Inputs
/// Every example needs a positive; it may have any number of negatives, and examples may differ in
/// it. Labels are ignored.
///
/// # When to use
/// The first choice for retrieval with (query, relevant document) pairs, better still with mined
/// hard negatives. Larger batches give more negatives and usually better models.
///
/// # Relations
/// With its defaults and `mask_false_negatives = false` it is `MultipleNegativesRankingLoss` of
/// Sentence Transformers (`scale = 1 / temperature`). `[query_to_doc, doc_to_query]` per direction
/// is the symmetric loss; all four directions joint is the improved contrastive loss of GTE.
/// Sources: van den Oord et al. 2018 (InfoNCE), Henderson et al. 2017 (in-batch negatives),
/// Li et al. 2023 (GTE).
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use embedtune_losses::{Loss, LossBatch, MnrlConfig, Relation, StepContext};
///
/// // Two anchors (rows 0, 1) and their positives (rows 2, 3).
/// let rows = [[1.0_f32, 0.1], [0.1, 1.0], [1.0, 0.0], [0.0, 1.0]];
/// let embeddings = Tensor::new(&rows, &Device::Cpu)?;
/// let relation = |p| Relation { positives: vec![p], ..Relation::default() };
/// let batch =
///     LossBatch::new(embeddings, vec![0, 1], vec![2, 3], vec![relation(0), relation(1)])?;
///
/// let mut loss = MnrlConfig::default().with_temperature(0.1).build()?;
/// let output = loss.evaluate(&batch, &StepContext::default())?;
/// assert!(output.value < 0.01);
/// assert_eq!(output.d_embeddings.dims(), [4, 2]);
/// # Ok::<(), embedtune_losses::LossError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mnrl {
    config: MnrlConfig,
}

impl Mnrl {
    /// The settings it was made with.
    pub fn config(&self) -> &MnrlConfig {
        &self.config
    }
}

impl Loss for Mnrl {
    fn name(&self) -> &str {
        "mnrl"
    }

    fn evaluate(
        &mut self,
        batch: &LossBatch,
        _context: &StepContext,
    ) -> Result<LossOutput, LossError> {
        let weights = batch.example_weights()?;
        let terms = mask::terms(batch, &weights)?;
        let embeddings = &batch.embeddings;
        let (value, gradient) = match (embeddings.dtype(), embeddings.device()) {
            (DType::F32, Device::Cpu) => blocks::evaluate(&self.config, batch, &terms)?,
            _ => composed::evaluate(&self.config, batch, &terms)?,
        };
        Ok(LossOutput::new(value, gradient))
    }
}
