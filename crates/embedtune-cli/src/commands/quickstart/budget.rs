//! Cuts the work to the time there is, by speeds that were just measured.

use std::time::Instant;

use anyhow::Result;
use embedtune_data::Role;
use embedtune_encoder::{EmbeddingModel, Tokens};

use crate::{preflight, rustdoc_corpus::SplitSizes};

/// Test queries: enough for a gain of a few points to be significant.
const TEST_QUERIES: usize = 600;
/// Dev queries: enough to tell checkpoints apart.
const DEV_QUERIES: usize = 150;
/// Fewest training queries: with less there is nothing to see.
const MIN_TRAIN: usize = 512;
/// Most training queries in one pass.
const MAX_TRAIN: usize = 20_000;
/// Tokens of the pass that measures training: the whole run is cut by what it tells.
const TRAINED_TOKENS: usize = 1024;
/// Documents that are searched on dev.
pub(super) const DEV_DOCUMENTS: usize = 400;
/// Evaluations on dev, the one before the first step included.
pub(super) const DEV_EVALUATIONS: usize = 5;

/// How fast this machine is with this model, and how long the texts are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    /// Tokens embedded per second.
    pub(super) embed: f64,
    /// Tokens trained on per second.
    pub(super) train: f64,
    /// Mean length of a query in tokens.
    pub(super) query: f64,
    /// Mean length of a document in tokens.
    pub(super) document: f64,
}

impl Speed {
    /// Measures with some queries and documents.
    pub(super) fn measure(model: &EmbeddingModel, texts: &[(String, String)]) -> Result<Self> {
        let tokenize = |role| {
            let side = texts.iter().map(|(query, document)| match role {
                Role::Query => query.as_str(),
                Role::Document => document.as_str(),
            });
            model.tokenize(&side.collect::<Vec<_>>(), role)
        };
        let (queries, documents) = (tokenize(Role::Query)?, tokenize(Role::Document)?);
        let count = |tokens: &[Tokens]| tokens.iter().map(|t| t.ids.len()).sum::<usize>() as f64;
        let some = &documents[..documents.len().min(64)];
        let started = Instant::now();
        model.embed_tokens(some)?;
        let embed = count(some) / started.elapsed().as_secs_f64().max(1e-6);
        let mixed = queries.iter().zip(&documents).flat_map(|(query, document)| [query, document]);
        Ok(Self {
            embed,
            train: preflight::speed(model, mixed, TRAINED_TOKENS)?,
            query: count(&queries) / queries.len().max(1) as f64,
            document: count(&documents) / documents.len().max(1) as f64,
        })
    }

    /// Queries in each split whose documents and training fit into `seconds`, where there are
    /// `available` ones. Each query brings a document of its own.
    pub(super) fn fit(&self, seconds: f64, available: SplitSizes) -> SplitSizes {
        let test = TEST_QUERIES.min(available.test);
        let dev = DEV_QUERIES.min(available.dev);
        // Corpus and test queries are embedded by both models.
        let both = 2.0 * ((test + dev) as f64 * self.document + test as f64 * self.query);
        let of_dev = DEV_DOCUMENTS as f64 * self.document + dev as f64 * self.query;
        let fixed = (both + DEV_EVALUATIONS as f64 * of_dev) / self.embed;
        let embedded = 2.0 * self.document + self.query;
        let trained = self.query + 2.0 * self.document;
        let each = embedded / self.embed + trained / self.train;
        let train = ((seconds - fixed).max(0.0) / each) as usize;
        let train = train.clamp(MIN_TRAIN, MAX_TRAIN).min(available.train);
        SplitSizes { train, dev, test }
    }

    /// Documents that both models can embed in `seconds`.
    pub(super) fn documents(&self, seconds: f64) -> usize {
        (seconds * self.embed / (2.0 * self.document)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_trains_on_more() {
        let speed = Speed { embed: 4000.0, train: 700.0, query: 14.0, document: 66.0 };
        let available = SplitSizes { train: 5000, dev: 1000, test: 3000 };
        let sizes = [1.0, 300.0, 360.0, 1e9].map(|seconds| speed.fit(seconds, available));
        assert_eq!(sizes.map(|size| (size.dev, size.test)), [(150, 600); 4]);
        assert_eq!((sizes[0].train, sizes[3].train), (512, 5000));
        assert!(sizes[1].train < sizes[2].train);
        let few = SplitSizes { train: 10, dev: 0, test: 7 };
        assert_eq!(speed.fit(300.0, few), few);
    }
}
