//! Mining straight from texts.

use embedtune_data::{Corpus, DocId, Embed, Queries, Role};
use embedtune_index::{EmbeddingStore, Vectors, embed_cached};
use embedtune_metrics::Qrels;

use crate::{MinedNegatives, Miner, MiningCorpus, MiningError, TrainQueries};

impl Miner {
    /// Embeds the corpus and the queries that `train_qrels` finds relevant documents for, then
    /// mines. `train_qrels` must be the labels of the training split alone. Vectors of documents
    /// are taken from `store` and kept there, if one is given.
    ///
    /// Queries come in the order of `queries`; those without a relevant document are left out.
    ///
    /// # Errors
    /// If the labels name an unknown query or document or nothing relevant, the model or the store
    /// fails, or as [`Miner::mine`].
    pub fn mine_with(
        &self,
        model: &dyn Embed,
        corpus: &Corpus,
        queries: &Queries,
        train_qrels: &Qrels,
        store: Option<&mut EmbeddingStore>,
    ) -> Result<MinedNegatives, MiningError> {
        if let Some(id) = train_qrels.query_ids().find(|id| queries.find(id).is_none()) {
            return Err(MiningError::UnknownId { what: "query", id: id.to_owned() });
        }
        let (mut ids, mut texts, mut positives) = (Vec::new(), Vec::new(), Vec::new());
        for (id, text) in queries.ids().iter().zip(queries.texts()) {
            let relevant = relevant_documents(train_qrels, id, corpus)?;
            if !relevant.is_empty() {
                ids.push(id.clone());
                texts.push(text.clone());
                positives.push(relevant);
            }
        }
        if ids.is_empty() {
            return Err(MiningError::NothingToMine);
        }
        let fingerprint = model.fingerprint();
        let documents = embed_cached(model, corpus.texts(), Role::Document, store)?;
        let vectors = embed_cached(model, &texts, Role::Query, None)?;
        self.mine(
            TrainQueries {
                ids: &ids,
                texts: &texts,
                vectors: Vectors::of(&vectors, &fingerprint),
                positives: &positives,
            },
            MiningCorpus { corpus, vectors: Vectors::of(&documents, &fingerprint) },
        )
    }
}

fn relevant_documents(
    qrels: &Qrels,
    query: &str,
    corpus: &Corpus,
) -> Result<Vec<DocId>, MiningError> {
    let number = |id: &str| {
        let unknown = || MiningError::UnknownId { what: "document", id: id.to_owned() };
        corpus.find(id).ok_or_else(unknown)
    };
    qrels.relevant(query).map(number).collect()
}
