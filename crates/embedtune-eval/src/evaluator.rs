//! Encode, search, score.

use std::sync::Arc;

use embedtune_data::{Corpus, Embed, Fingerprint, Queries, Role};
use embedtune_index::{Bm25, Bm25Config, ExactIndex, Neighbor, VectorIndex, Vectors};
use embedtune_metrics::{Qrels, Run, evaluate};
use tracing::{debug, warn};

use crate::{EvalError, Evaluation, Progress, RetrievalConfig, Subset, encode::encode};

/// Measures how well a system finds the judged documents of a corpus.
///
/// Only judged queries are encoded. A model always encodes both sides, queries and documents: the
/// vectors of two models have nothing to do with each other. The texts are shared, so one
/// evaluator serves any number of models and its results can be
/// [compared](RetrievalEvaluator::compare).
#[derive(Debug, Clone)]
pub struct RetrievalEvaluator {
    pub(crate) corpus: Arc<Corpus>,
    /// The judged queries, in the order of the judgements.
    pub(crate) queries: Queries,
    pub(crate) qrels: Qrels,
    pub(crate) config: RetrievalConfig,
    pub(crate) subset: Option<Subset>,
}

impl RetrievalEvaluator {
    /// An evaluator over `corpus` for the queries that `qrels` (one split) judges.
    ///
    /// Judged queries without a relevant document stay and count as 0, as in `trec_eval`; an
    /// event says how many there are.
    ///
    /// # Errors
    /// If the judgements name unknown queries or documents, judge no query or hold no relevant
    /// document, or a setting is out of range.
    pub fn new(
        corpus: impl Into<Arc<Corpus>>,
        queries: &Queries,
        qrels: Qrels,
        config: RetrievalConfig,
    ) -> Result<Self, EvalError> {
        config.validate()?;
        let corpus = corpus.into();
        check_judgements(&corpus, &qrels)?;
        let queries = judged_queries(queries, &qrels)?;
        Ok(Self { corpus, queries, qrels, config, subset: None })
    }

    /// Encodes queries and documents with `model`, searches exactly and scores.
    ///
    /// # Errors
    /// If the model fails or returns the wrong number or length of vectors, or values that are
    /// not finite.
    pub fn evaluate(&self, model: &dyn Embed) -> Result<Evaluation, EvalError> {
        self.evaluate_with(model, &mut |_| {})
    }

    /// [`RetrievalEvaluator::evaluate`], telling `progress` after each chunk of texts.
    ///
    /// # Errors
    /// As [`RetrievalEvaluator::evaluate`].
    pub fn evaluate_with(
        &self,
        model: &dyn Embed,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, EvalError> {
        let chunk_size = self.config.chunk_size;
        let documents = encode(model, self.corpus.texts(), Role::Document, chunk_size, progress)?;
        let index = ExactIndex::new(documents, model.fingerprint())?;
        self.evaluate_index_with(model, &index, progress)
    }

    /// Encodes the queries alone and searches `index`, which holds the vectors of the corpus in
    /// its order: vectors that are there already need not be encoded again, and an approximate
    /// index shows what it loses.
    ///
    /// # Errors
    /// As [`RetrievalEvaluator::evaluate`]; if the index is of another model or does not hold one
    /// vector per document.
    pub fn evaluate_index(
        &self,
        model: &dyn Embed,
        index: &dyn VectorIndex,
    ) -> Result<Evaluation, EvalError> {
        self.evaluate_index_with(model, index, &mut |_| {})
    }

    fn evaluate_index_with(
        &self,
        model: &dyn Embed,
        index: &dyn VectorIndex,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, EvalError> {
        if index.len() != self.corpus.len() {
            return Err(EvalError::IndexSize { expected: self.corpus.len(), got: index.len() });
        }
        let fingerprint = model.fingerprint();
        let chunk_size = self.config.chunk_size;
        let queries = encode(model, self.queries.texts(), Role::Query, chunk_size, progress)?;
        let found = index.search(Vectors::of(&queries, &fingerprint), self.search_depth())?;
        self.score(fingerprint, found)
    }

    /// Ranks by words alone: what a model has to beat.
    ///
    /// # Errors
    /// If a setting of BM25 is out of range.
    pub fn evaluate_bm25(&self) -> Result<Evaluation, EvalError> {
        let config = &self.config.bm25;
        let index = Bm25::build(self.corpus.texts(), config)?;
        let found = index.search(self.queries.texts(), self.search_depth());
        self.score(bm25_fingerprint(config), found)
    }

    /// The documents searched.
    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// The judged queries, in order of their id.
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// The judgements.
    pub fn qrels(&self) -> &Qrels {
        &self.qrels
    }

    /// The settings.
    pub fn config(&self) -> &RetrievalConfig {
        &self.config
    }

    /// Set when this is a [sample](RetrievalEvaluator::sample).
    pub fn subset(&self) -> Option<Subset> {
        self.subset
    }

    /// Documents to ask an index for: one more if one may have to be left out.
    fn search_depth(&self) -> usize {
        self.config.depth() + usize::from(self.config.exclude_self)
    }

    /// Scores `found`, one list per query.
    fn score(
        &self,
        fingerprint: Fingerprint,
        found: Vec<Vec<Neighbor>>,
    ) -> Result<Evaluation, EvalError> {
        let ids = self.corpus.ids();
        let mut run = Run::new();
        for (query, found) in self.queries.ids().iter().zip(found) {
            let documents = found
                .iter()
                .map(|neighbor| (ids[neighbor.id as usize].as_str(), f64::from(neighbor.score)))
                .filter(|(document, _)| !(self.config.exclude_self && document == query))
                .take(self.config.depth());
            for (document, score) in documents {
                run.insert(query, document, score)?;
            }
        }
        let report = evaluate(&self.qrels, &run, &self.config.measures, &self.config.scoring)?;
        debug!(model = %fingerprint, queries = report.query_ids().len(), "evaluated");
        let (documents, subset) = (self.corpus.len(), self.subset);
        Ok(Evaluation { fingerprint, documents, subset, report, run })
    }
}

fn bm25_fingerprint(config: &Bm25Config) -> Fingerprint {
    let Bm25Config { k1, b, stop_words, stemming, .. } = config;
    Fingerprint(format!("bm25 k1={k1} b={b} stop_words={stop_words} stemming={stemming:?}"))
}

/// Every judged document must be in the corpus, and one of them relevant.
fn check_judgements(corpus: &Corpus, qrels: &Qrels) -> Result<(), EvalError> {
    if qrels.is_empty() {
        return Err(EvalError::NoJudgedQuery);
    }
    let judged = qrels
        .iter()
        .flat_map(|(query, judgements)| judgements.keys().map(move |document| (query, document)));
    let mut unknown = judged.filter(|(_, document)| corpus.find(document).is_none());
    if let Some((query, document)) = unknown.next() {
        let (query, document) = (query.to_owned(), document.clone());
        return Err(EvalError::UnknownDocument { query, document, count: 1 + unknown.count() });
    }
    if !qrels.has_relevant() {
        let judgements = qrels.judgement_count();
        return Err(EvalError::NoRelevantDocument { queries: qrels.len(), judgements });
    }
    let hopeless = qrels.query_ids().filter(|query| qrels.relevant(query).next().is_none()).count();
    if hopeless > 0 {
        warn!(queries = hopeless, "judged queries without a relevant document count as 0");
    }
    Ok(())
}

fn judged_queries(all: &Queries, qrels: &Qrels) -> Result<Queries, EvalError> {
    let mut judged = Queries::new();
    let mut unknown = Vec::new();
    for query in qrels.query_ids() {
        match all.find(query) {
            Some(number) => {
                judged.push(query, all.texts()[number as usize].as_str());
            }
            None => unknown.push(query),
        }
    }
    match unknown.first() {
        Some(&query) => {
            Err(EvalError::UnknownQuery { query: query.to_owned(), count: unknown.len() })
        }
        None => Ok(judged),
    }
}
