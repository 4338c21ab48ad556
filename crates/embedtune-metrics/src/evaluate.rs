//! Scoring a run against judgements.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::measure::Measure;
use crate::qrels::Qrels;
use crate::ranking::{GradedRanking, Ranking, ScorePrecision};
use crate::report::Report;
use crate::run::Run;

/// How to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EvaluateOptions {
    /// Whether a judged query that retrieved nothing counts as 0 in every measure, as
    /// `trec_eval -c` does. Default `true`, unlike `trec_eval`: a system must not gain by leaving
    /// out its hard queries, and both sides of a comparison need the same queries.
    pub complete: bool,
    /// The lowest grade that counts as relevant, at least 1, as `trec_eval -l`. Default 1. It does
    /// not touch nDCG, whose gain is the grade itself.
    pub relevance_level: i32,
    /// The precision that decides ties. Default [`ScorePrecision::F64`], as `trec_eval` since
    /// 9.0.8.
    pub score_precision: ScorePrecision,
    /// How many documents of each query are looked at, as `trec_eval -M`. Default `None`: all.
    pub depth: Option<NonZeroUsize>,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            complete: true,
            relevance_level: 1,
            score_precision: ScorePrecision::F64,
            depth: None,
        }
    }
}

impl EvaluateOptions {
    /// Sets [`EvaluateOptions::complete`].
    pub fn with_complete(mut self, complete: bool) -> Self {
        self.complete = complete;
        self
    }

    /// Sets [`EvaluateOptions::relevance_level`].
    pub fn with_relevance_level(mut self, level: i32) -> Self {
        self.relevance_level = level;
        self
    }

    /// Sets [`EvaluateOptions::score_precision`].
    pub fn with_score_precision(mut self, precision: ScorePrecision) -> Self {
        self.score_precision = precision;
        self
    }

    /// Sets [`EvaluateOptions::depth`].
    pub fn with_depth(mut self, depth: Option<NonZeroUsize>) -> Self {
        self.depth = depth;
        self
    }

    fn validate(&self) -> Result<(), MetricsError> {
        if self.relevance_level < 1 {
            return Err(MetricsError::InvalidOption {
                option: "relevance_level",
                expected: "at least 1",
                got: self.relevance_level.to_string(),
            });
        }
        Ok(())
    }
}

/// Scores `run` against `qrels`: every measure for every judged query, and the means.
///
/// Queries of the run that are not judged are ignored. A judged query without a relevant document
/// stays in the means with 0, as in `trec_eval`. Sums run over the queries in order of their id,
/// so that the values equal those of `trec_eval` to the last bit.
///
/// # Errors
/// [`MetricsError::NoMeasures`], [`MetricsError::NoJudgements`], [`MetricsError::InvalidOption`];
/// [`MetricsError::NoCommonQueries`] when the run has queries and none of them is judged.
pub fn evaluate(
    qrels: &Qrels,
    run: &Run,
    measures: &[Measure],
    options: &EvaluateOptions,
) -> Result<Report, MetricsError> {
    let mut scorer = Scorer::new(qrels, measures, options)?;
    scorer.check_overlap(run.query_ids())?;
    for (query, judgements) in qrels.iter() {
        match run.scores(query) {
            Some(scores) => {
                let docs = scores.iter().map(|(doc, &score)| (doc.as_str(), score));
                scorer.score(query, judgements, docs);
            }
            None => scorer.miss(query),
        }
    }
    Ok(scorer.report)
}

/// [`evaluate`] for rankings that are in memory already, without building a [`Run`].
///
/// `rankings` holds one entry per query, `(query id, [(document id, score)])`, in any order:
/// ranks follow from the scores. Ids may be `&str` or `String`.
///
/// # Errors
/// As [`evaluate`], and [`MetricsError::DuplicateQuery`], [`MetricsError::DuplicateDocument`],
/// [`MetricsError::NanScore`] for judged queries.
///
/// ```
/// use embedtune_metrics::{EvaluateOptions, Measure, Qrels, evaluate_rankings};
///
/// let mut qrels = Qrels::new();
/// qrels.insert("q1", "d2", 1)?;
/// let hits = [("d1", 0.9), ("d2", 0.8)];
/// let rankings = [("q1", &hits[..])];
/// let report =
///     evaluate_rankings(&qrels, &rankings, &[Measure::MRR_10], &EvaluateOptions::default())?;
/// assert_eq!(report.mean(&Measure::MRR_10), Some(0.5));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn evaluate_rankings<Q, R, D>(
    qrels: &Qrels,
    rankings: &[(Q, R)],
    measures: &[Measure],
    options: &EvaluateOptions,
) -> Result<Report, MetricsError>
where
    Q: AsRef<str>,
    R: AsRef<[(D, f64)]>,
    D: AsRef<str>,
{
    let mut scorer = Scorer::new(qrels, measures, options)?;
    let mut by_query = BTreeMap::new();
    for (query, docs) in rankings {
        if by_query.insert(query.as_ref(), docs.as_ref()).is_some() {
            return Err(MetricsError::DuplicateQuery { query: query.as_ref().to_owned() });
        }
    }
    scorer.check_overlap(by_query.keys().copied())?;
    for (query, judgements) in qrels.iter() {
        match by_query.get(query) {
            Some(docs) => {
                check_docs(query, docs)?;
                let docs = docs.iter().map(|(doc, score)| (doc.as_ref(), *score));
                scorer.score(query, judgements, docs);
            }
            None => scorer.miss(query),
        }
    }
    Ok(scorer.report)
}

fn check_docs<D: AsRef<str>>(query: &str, docs: &[(D, f64)]) -> Result<(), MetricsError> {
    let mut ids: Vec<&str> = Vec::with_capacity(docs.len());
    for (doc, score) in docs {
        if score.is_nan() {
            return Err(MetricsError::NanScore {
                query: query.to_owned(),
                doc: doc.as_ref().to_owned(),
            });
        }
        ids.push(doc.as_ref());
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(MetricsError::DuplicateDocument {
            query: query.to_owned(),
            doc: pair[0].to_owned(),
        }),
        None => Ok(()),
    }
}

/// Fills a report query by query; its buffers are reused.
struct Scorer<'a> {
    qrels: &'a Qrels,
    options: &'a EvaluateOptions,
    ranking: Ranking<'a>,
    query: GradedRanking,
    report: Report,
}

impl<'a> Scorer<'a> {
    fn new(
        qrels: &'a Qrels,
        measures: &[Measure],
        options: &'a EvaluateOptions,
    ) -> Result<Self, MetricsError> {
        options.validate()?;
        if measures.is_empty() {
            return Err(MetricsError::NoMeasures);
        }
        if qrels.is_empty() {
            return Err(MetricsError::NoJudgements);
        }
        Ok(Self {
            qrels,
            options,
            ranking: Ranking::default(),
            query: GradedRanking::default(),
            report: Report::new(measures),
        })
    }

    /// Refuses a run whose query ids are foreign: zeros everywhere would hide the mistake.
    fn check_overlap<'q>(
        &self,
        run_queries: impl Iterator<Item = &'q str>,
    ) -> Result<(), MetricsError> {
        let mut run_queries = run_queries.peekable();
        let Some(&run_example) = run_queries.peek() else { return Ok(()) };
        let Some(judged_example) = self.qrels.query_ids().next() else { return Ok(()) };
        if run_queries.any(|query| self.qrels.judgements(query).is_some()) {
            return Ok(());
        }
        Err(MetricsError::NoCommonQueries {
            run_example: run_example.to_owned(),
            judged_example: judged_example.to_owned(),
        })
    }

    fn score(
        &mut self,
        query: &str,
        judgements: &BTreeMap<String, i32>,
        docs: impl Iterator<Item = (&'a str, f64)>,
    ) {
        let EvaluateOptions { relevance_level, score_precision, depth, .. } = *self.options;
        self.ranking.fill(docs, score_precision);
        self.query.fill(&self.ranking, judgements, relevance_level, depth);
        self.report.push(query, |measure| measure.score(&self.query));
    }

    fn miss(&mut self, query: &str) {
        if self.options.complete {
            self.report.push(query, |_| 0.0);
        }
        self.report.push_missing(query);
    }
}
