//! A smaller collection for frequent evaluations.

use std::{collections::BTreeSet, sync::Arc};

use embedtune_data::{Corpus, Queries, SeededRng, TextHash};
use embedtune_metrics::Qrels;
use serde::{Deserialize, Serialize};

use crate::{EvalError, RetrievalEvaluator, Subset};

/// Size of a [sample](RetrievalEvaluator::sample).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SampleConfig {
    /// Queries to keep. Default 200: the standard error of a mean recall is then about 0.03, fine
    /// enough to choose a checkpoint.
    pub queries: usize,
    /// Documents to keep; the judged ones of the kept queries stay whatever their number. Default
    /// 5,000, which a small model encodes within a minute on two cores.
    pub documents: usize,
    /// Seed of the choice. Default 42.
    pub seed: u64,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self { queries: 200, documents: 5_000, seed: 42 }
    }
}

impl SampleConfig {
    /// Sets [`SampleConfig::queries`].
    pub fn with_queries(mut self, queries: usize) -> Self {
        self.queries = queries;
        self
    }

    /// Sets [`SampleConfig::documents`].
    pub fn with_documents(mut self, documents: usize) -> Self {
        self.documents = documents;
        self
    }

    /// Sets [`SampleConfig::seed`].
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl RetrievalEvaluator {
    /// An evaluator over a sample of queries with a relevant document, their judged documents, and
    /// other documents as distractors; its results carry a [`Subset`].
    ///
    /// The choice depends on ids and the seed alone, not on the order of the files, and a larger
    /// sample of queries contains the smaller one.
    ///
    /// # Errors
    /// If no query is asked for.
    pub fn sample(&self, config: &SampleConfig) -> Result<Self, EvalError> {
        if config.queries == 0 {
            let value = "0".to_owned();
            return Err(EvalError::Config { field: "queries", value, allowed: "at least one" });
        }
        let answerable =
            self.qrels.query_ids().filter(|query| self.qrels.relevant(query).next().is_some());
        let kept = choose(answerable, config.queries, config.seed);
        let qrels = judgements_of(&self.qrels, &kept)?;
        let corpus = self.documents_for(&qrels, config);
        let mut queries = Queries::new();
        for (id, text) in self.queries.ids().iter().zip(self.queries.texts()) {
            if kept.contains(id.as_str()) {
                queries.push(id.as_str(), text.as_str());
            }
        }
        let subset = Subset {
            queries: queries.len(),
            of_queries: self.queries.len(),
            documents: corpus.len(),
            of_documents: self.corpus.len(),
            seed: config.seed,
        };
        let config = self.config.clone();
        Ok(Self { corpus: Arc::new(corpus), queries, qrels, config, subset: Some(subset) })
    }

    /// The judged documents and as many others as there is room for, in the order of the corpus.
    fn documents_for(&self, qrels: &Qrels, config: &SampleConfig) -> Corpus {
        let judged: BTreeSet<&str> = qrels
            .iter()
            .flat_map(|(_, judgements)| judgements.keys().map(String::as_str))
            .collect();
        let room = config.documents.saturating_sub(judged.len());
        let others = self.corpus.ids().iter().map(String::as_str);
        let others = choose(others.filter(|id| !judged.contains(id)), room, config.seed);
        let mut corpus = Corpus::new();
        for (number, id) in (0..).zip(self.corpus.ids()) {
            if judged.contains(id.as_str()) || others.contains(id.as_str()) {
                corpus.push(self.corpus.document(number));
            }
        }
        corpus
    }
}

/// The `count` ids that a seeded hash puts first.
fn choose<'a>(ids: impl Iterator<Item = &'a str>, count: usize, seed: u64) -> BTreeSet<&'a str> {
    let key = |id: &str| SeededRng::derive(seed, &[TextHash::of(id).0 as u64]).next_u64();
    let mut ranked: Vec<(u64, &str)> = ids.map(|id| (key(id), id)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(count).map(|(_, id)| id).collect()
}

fn judgements_of(qrels: &Qrels, queries: &BTreeSet<&str>) -> Result<Qrels, EvalError> {
    let mut kept = Qrels::new();
    for (query, judgements) in qrels.iter().filter(|(query, _)| queries.contains(query)) {
        for (document, &grade) in judgements {
            kept.insert(query, document, grade)?;
        }
    }
    Ok(kept)
}
