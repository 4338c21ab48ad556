//! Mean reciprocal rank within held-out batches.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use embedtune_data::{Dataset, Example, TextId};
use embedtune_encoder::EmbeddingModel;

use super::{Evaluator, held_out::HeldOut};

/// `in_batch_mrr`: each anchor of held-out rows ranks the documents of its batch (positives and
/// negatives of all its rows) by cosine; the mean of 1 / rank of its positive. Other known
/// positives of the anchor are left out, and a tie counts against the positive.
///
/// For data without a corpus. It falls with the size of the batch, so values compare only at the
/// same size, and says less than a measure over a whole corpus.
#[derive(Debug, Clone)]
pub struct InBatchMrr {
    dataset: Dataset,
    batch_size: usize,
}

impl InBatchMrr {
    /// Name of the metric.
    pub const METRIC: &'static str = "in_batch_mrr";

    /// Measures on the rows of `dataset`, cut in their order into batches of `batch_size` rows (at
    /// least 1).
    pub fn new(dataset: Dataset, batch_size: usize) -> Self {
        Self { dataset, batch_size: batch_size.max(1) }
    }

    /// Rank, from 1, of the positive of `row` among `documents`.
    fn rank(&self, texts: &HeldOut, row: &Example, documents: &BTreeSet<TextId>) -> usize {
        let own = texts.cosine(row.anchor, row.positive);
        let beaten_by = |&document: &TextId| {
            document != row.positive
                && !self.dataset.is_known_positive(row.anchor, document)
                && texts.cosine(row.anchor, document) >= own
        };
        1 + documents.iter().filter(|&document| beaten_by(document)).count()
    }
}

impl Evaluator for InBatchMrr {
    fn metric_names(&self) -> Vec<String> {
        vec![Self::METRIC.to_owned()]
    }

    fn evaluate(
        &mut self,
        model: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
        let texts = HeldOut::embed(model, &self.dataset)?;
        let mut sum = 0.0;
        for batch in self.dataset.rows.chunks(self.batch_size) {
            let documents = batch.iter().flat_map(|row| row.texts().skip(1)).collect();
            sum += batch
                .iter()
                .map(|row| 1.0 / self.rank(&texts, row, &documents) as f64)
                .sum::<f64>();
        }
        let mrr = sum / self.dataset.len().max(1) as f64;
        Ok(BTreeMap::from([(Self::METRIC.to_owned(), mrr)]))
    }
}
