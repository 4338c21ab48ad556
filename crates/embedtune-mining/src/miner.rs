//! The miner.

use std::collections::BTreeSet;

use embedtune_data::{Corpus, DocId, TextHash};
use embedtune_index::{ExactIndex, IndexError, Neighbor, Vectors};
use ndarray::Axis;

use crate::{
    MinedNegatives, MinedQuery, MiningConfig, MiningError, MiningStats,
    distinct::{DistinctDocuments, excluded_by_query},
    one_query::OneQuery,
};

/// Queries of the training split with what is known to be relevant to them.
///
/// Mining looks at labels, so queries of the dev or test split have no place here: their positives
/// would leak into training as documents that are never pushed away.
#[derive(Debug, Clone, Copy)]
pub struct TrainQueries<'a> {
    /// Id of each query.
    pub ids: &'a [String],
    /// Text of each query. Queries with equal text share their positives.
    pub texts: &'a [String],
    /// Vector of each query, `(queries, dim)`.
    pub vectors: Vectors<'a>,
    /// Numbers of the relevant documents of each query, at least one.
    pub positives: &'a [Vec<DocId>],
}

/// The corpus, and the vector of each of its documents.
#[derive(Debug, Clone, Copy)]
pub struct MiningCorpus<'a> {
    /// Ids and texts.
    pub corpus: &'a Corpus,
    /// Vector of each document, `(documents, dim)`.
    pub vectors: Vectors<'a>,
}

/// Finds hard negatives: documents that a model takes for relevant although they are not.
///
/// For each query the best candidates are searched, positives and documents of equal text removed,
/// the rest filtered by score against the lowest-scored positive, and [`MiningConfig::per_positive`]
/// of them chosen. With the default settings and one positive per query this is what
/// `mine_hard_negatives` of Sentence Transformers (6.2) does with the same margins and `range_max`
/// = `top_k`. There the window of candidates grows with the largest number of positives that any
/// query has; here each query has its own, so its negatives do not depend on other queries.
#[derive(Debug, Clone)]
pub struct Miner {
    config: MiningConfig,
}

impl Miner {
    /// A miner with these settings.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(config: MiningConfig) -> Result<Self, MiningError> {
        config.validate()?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &MiningConfig {
        &self.config
    }

    /// Mines negatives of the training queries `train` from `documents`.
    ///
    /// # Errors
    /// If the inputs do not fit together, a query has no positive, or vectors come from different
    /// models or are not finite.
    pub fn mine(
        &self,
        train: TrainQueries<'_>,
        documents: MiningCorpus<'_>,
    ) -> Result<MinedNegatives, MiningError> {
        check(&train, &documents)?;
        let distinct = DistinctDocuments::of(documents.corpus);
        let excluded = excluded_by_query(&train, &distinct);

        let rows = documents.vectors.rows().select(Axis(0), &distinct.rows());
        let exact = ExactIndex::build(Vectors::new(rows.view(), documents.vectors.fingerprint()))?;
        let index = self.config.index.build_from(exact, train.ids.len())?;
        let most_excluded = excluded.iter().map(BTreeSet::len).max().unwrap_or(0);
        let found = index.search(train.vectors, self.config.top_k + most_excluded)?;

        let mut stats = MiningStats::default();
        let mut queries = Vec::with_capacity(train.ids.len());
        for (query, candidates) in found.iter().enumerate() {
            let one = OneQuery {
                config: &self.config,
                query: train.vectors.rows().index_axis_move(Axis(0), query),
                documents: rows.view(),
                positives: &excluded[query],
                text: TextHash::of(&train.texts[query]),
            };
            let negatives = one.mine(candidates, &mut stats);
            let id = |&document: &DocId| documents.corpus.ids()[document as usize].clone();
            let id_of_place = |negative: &Neighbor| id(&distinct.document(negative.id));
            queries.push(MinedQuery {
                query_id: train.ids[query].clone(),
                positive_ids: train.positives[query].iter().map(id).collect(),
                negative_ids: negatives.iter().map(id_of_place).collect(),
                negative_scores: negatives.iter().map(|negative| negative.score).collect(),
            });
        }
        report(index.name(), &stats);
        let (fingerprint, config) = (train.vectors.fingerprint().clone(), self.config.clone());
        Ok(MinedNegatives { fingerprint, config, stats, queries })
    }
}

fn report(index: &str, stats: &MiningStats) {
    tracing::info!(
        index,
        queries = stats.queries,
        negatives = stats.negatives,
        rejection_rate = stats.rejection_rate(),
        short_queries = stats.short_queries,
        "hard negatives mined"
    );
}

fn check(train: &TrainQueries<'_>, documents: &MiningCorpus<'_>) -> Result<(), MiningError> {
    let queries = train.ids.len();
    for (what, got, of, expected) in [
        ("query texts", train.texts.len(), "query ids", queries),
        ("query vectors", train.vectors.len(), "query ids", queries),
        ("lists of positives", train.positives.len(), "query ids", queries),
        ("document vectors", documents.vectors.len(), "documents", documents.corpus.len()),
    ] {
        if got != expected {
            return Err(MiningError::Count { what, got, of, expected });
        }
    }
    // The search would find this too, after the index is built.
    if train.vectors.fingerprint() != documents.vectors.fingerprint() {
        let expected = documents.vectors.fingerprint().clone();
        let got = train.vectors.fingerprint().clone();
        return Err(IndexError::Fingerprint { expected, got }.into());
    }
    for (query, positives) in train.ids.iter().zip(train.positives) {
        let documents = documents.corpus.len();
        if positives.is_empty() {
            return Err(MiningError::NoPositive { query: query.clone() });
        }
        if let Some(&document) = positives.iter().find(|&&number| number as usize >= documents) {
            return Err(MiningError::UnknownPositive { query: query.clone(), document, documents });
        }
    }
    Ok(())
}
