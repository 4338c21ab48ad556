//! Similarities between the texts of held-out rows.

use std::collections::HashMap;

use embedtune_data::{Dataset, Embed, EmbedError, Embeddings, Role, TextId};
use embedtune_encoder::EmbeddingModel;
use embedtune_kernels::dot;

/// Embeddings of a dataset's anchors (as queries) and documents.
pub(super) struct HeldOut {
    queries: Side,
    documents: Side,
}

impl HeldOut {
    pub(super) fn embed(model: &EmbeddingModel, dataset: &Dataset) -> Result<Self, EmbedError> {
        let rows = &dataset.rows;
        let anchors = rows.iter().map(|row| row.anchor);
        let documents = rows.iter().flat_map(|row| row.texts().skip(1));
        Ok(Self {
            queries: Side::embed(model, dataset, anchors, Role::Query)?,
            documents: Side::embed(model, dataset, documents, Role::Document)?,
        })
    }

    /// Cosine of the angle between an anchor and a document.
    pub(super) fn cosine(&self, anchor: TextId, document: TextId) -> f32 {
        dot(self.queries.row(anchor), self.documents.row(document))
    }
}

/// Embeddings of length 1 by text.
struct Side {
    rows: HashMap<TextId, usize>,
    embeddings: Embeddings,
}

impl Side {
    fn embed(
        model: &EmbeddingModel,
        dataset: &Dataset,
        ids: impl Iterator<Item = TextId>,
        role: Role,
    ) -> Result<Self, EmbedError> {
        let (mut rows, mut texts) = (HashMap::new(), Vec::new());
        for id in ids {
            rows.entry(id).or_insert_with(|| {
                texts.push(dataset.texts.text(id));
                texts.len() - 1
            });
        }
        let embeddings = Embed::embed(model, &texts, role)?;
        let dim = embeddings.dim();
        let mut values = embeddings.into_vec();
        for row in values.chunks_exact_mut(dim.max(1)) {
            // A zero vector is similar to nothing.
            let norm = dot(row, row).sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|value| *value /= norm);
        }
        Ok(Self { rows, embeddings: Embeddings::new(dim, values) })
    }

    fn row(&self, id: TextId) -> &[f32] {
        self.embeddings.row(self.rows[&id])
    }
}
