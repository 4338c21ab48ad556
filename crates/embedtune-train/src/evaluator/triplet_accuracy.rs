//! Accuracy over held-out triplets.

use std::{collections::BTreeMap, error::Error};

use embedtune_data::Dataset;
use embedtune_encoder::EmbeddingModel;

use super::{Evaluator, held_out::HeldOut};

/// `triplet_accuracy`: the share of (anchor, positive, negative) in held-out rows whose anchor is
/// closer to the positive, by cosine; a tie counts as wrong. For data without a corpus, where a
/// ranking measure has nothing to rank.
///
/// Rows without negatives take no part; with none at all it is 0.
#[derive(Debug, Clone)]
pub struct TripletAccuracy {
    dataset: Dataset,
}

impl TripletAccuracy {
    /// Name of the metric.
    pub const METRIC: &'static str = "triplet_accuracy";

    /// Measures on the rows of `dataset`.
    pub fn new(dataset: Dataset) -> Self {
        Self { dataset }
    }
}

impl Evaluator for TripletAccuracy {
    fn metric_names(&self) -> Vec<String> {
        vec![Self::METRIC.to_owned()]
    }

    fn evaluate(
        &mut self,
        model: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
        let texts = HeldOut::embed(model, &self.dataset)?;
        let (mut right, mut total) = (0u64, 0u64);
        for row in &self.dataset.rows {
            let positive = texts.cosine(row.anchor, row.positive);
            for &negative in &row.negatives {
                total += 1;
                right += u64::from(positive > texts.cosine(row.anchor, negative));
            }
        }
        let accuracy = if total == 0 { 0.0 } else { right as f64 / total as f64 };
        Ok(BTreeMap::from([(Self::METRIC.to_owned(), accuracy)]))
    }
}
