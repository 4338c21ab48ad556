//! Scoring a run against judgements.

mod options;
mod scorer;

use std::collections::BTreeMap;

pub(crate) use self::options::raised;
pub use self::options::{EvaluateOptions, RecallPoints};
use self::scorer::{InMemory, Scorer};
use crate::error::MetricsError;
use crate::measure::Measure;
use crate::qrels::Qrels;
use crate::report::Report;
use crate::run::Run;

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
    evaluate_with_strings(qrels, run, measures, options, 0).map(|(report, _)| report)
}

/// [`evaluate`], and the relevance of the first `shown` documents of each query as a string: a digit
/// for a grade, `>` above 9, `-` for a document that nobody judged, `.` for one of the pool.
pub(crate) fn evaluate_with_strings(
    qrels: &Qrels,
    run: &Run,
    measures: &[Measure],
    options: &EvaluateOptions,
    shown: usize,
) -> Result<(Report, Vec<String>), MetricsError> {
    let mut scorer = Scorer::new(qrels, measures, options)?;
    let mut strings = Vec::new();
    scorer.check_overlap(run.query_ids())?;
    for (query, judgements) in qrels.iter() {
        let scored = match run.retrieved(query) {
            Some(it) => scorer.score(query, judgements, it, it.hashes(), it.scores()),
            None => scorer.miss(query, judgements),
        };
        if scored && shown > 0 {
            strings.push(scorer.relevance_string(shown));
        }
    }
    Ok((scorer.finish(), strings))
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
    let mut memory = InMemory::default();
    for (query, judgements) in qrels.iter() {
        match by_query.get(query) {
            Some(docs) => {
                memory.fill(query, docs)?;
                scorer.score(query, judgements, *docs, memory.hashes(), memory.scores());
            }
            None => {
                scorer.miss(query, judgements);
            }
        }
    }
    Ok(scorer.finish())
}
