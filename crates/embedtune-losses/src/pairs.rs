//! Labelled pairs, the input of the contrastive losses.

use crate::{LossBatch, LossError};

/// Rows of each pair's two texts, its label in `[0, 1]` and the weight of its example.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) anchors: Vec<u32>,
    pub(crate) documents: Vec<u32>,
    pub(crate) labels: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

impl Pairs {
    /// Every anchor with each of its own documents. Positives have the example's label (1 without
    /// labels), negatives have 0.
    pub(crate) fn of(batch: &LossBatch, loss: &'static str) -> Result<Self, LossError> {
        let weights = batch.example_weights()?;
        let labels = batch.example_labels()?;
        let mut pairs = Self::default();
        for (example, relation) in batch.relations.iter().enumerate() {
            if relation.positives.is_empty() && relation.negatives.is_empty() {
                return Err(LossError::Missing { loss, needs: "a second text", example });
            }
            let label = labels.as_ref().map_or(1.0, |labels| labels[example]);
            let positives = relation.positives.iter().map(|&c| (c, label));
            let negatives = relation.negatives.iter().map(|&c| (c, 0.0));
            for (candidate, label) in positives.chain(negatives) {
                pairs.anchors.push(batch.anchors[example]);
                pairs.documents.push(batch.candidates[candidate as usize]);
                pairs.labels.push(label);
                pairs.weights.push(weights[example]);
            }
        }
        Ok(pairs)
    }
}
