//! What `trec_eval` prints, for scripts that read it.

mod output;
mod select;
mod table;
mod zscores;

pub use self::output::TrecEvalOutput;
use self::select::{Item, What, select};
pub use self::zscores::ZScores;
use crate::error::MetricsError;
use crate::evaluate::{EvaluateOptions, evaluate_with_strings};
use crate::measure::Measure;
use crate::qrels::Qrels;
use crate::run::Run;

/// The command `trec_eval`: which measures, and how they are printed.
///
/// Measures are named as after its `-m`: `map`, `P.5,10`, `ndcg.1=3.5,2=9`, the sets `official`,
/// `all_trec` and `set`. Values may also be named as they are printed and as in `pytrec_eval`
/// (`ndcg_cut_10`), and any other [`Measure`] by its own name (`mrr@10`); those come last.
/// Preferences (`all_prefs`) and judgement groups (`qrels_jg`) need judgements of another kind and
/// are not offered.
///
/// ```
/// use embedtune_metrics::{Qrels, Run, TrecEval};
///
/// let qrels = Qrels::read_trec_from("q1 0 d1 1\nq2 0 d2 1\n".as_bytes(), "qrels")?;
/// let run = Run::read_trec_from("q1 Q0 d2 1 2.5 tag\nq1 Q0 d1 2 2.0 tag\n".as_bytes(), "run")?;
/// let output = TrecEval::new(["recip_rank"])?.with_per_query(true).evaluate(&qrels, &run)?;
/// assert_eq!(
///     output.to_string(),
///     "recip_rank            \tq1\t0.5000\nrecip_rank            \tall\t0.5000\n"
/// );
/// assert_eq!(output.missing_queries(), ["q2"]);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrecEval {
    items: Vec<Item>,
    ignored: Vec<String>,
    options: EvaluateOptions,
    per_query: bool,
    summary: bool,
    zscores: Option<ZScores>,
}

impl TrecEval {
    /// Prints `measures`, or the set `official` when there are none, for all queries together.
    ///
    /// # Errors
    /// [`MetricsError::UnknownMeasure`]; [`MetricsError::MeasureCutoff`] for parameters that a
    /// measure does not take.
    pub fn new(measures: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, MetricsError> {
        let names: Vec<_> = measures.into_iter().collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let names = if names.is_empty() { vec!["official"] } else { names };
        let (items, ignored) = select(&names)?;
        Ok(Self {
            items,
            ignored,
            options: EvaluateOptions::trec_eval(),
            per_query: false,
            summary: true,
            zscores: None,
        })
    }

    /// How to evaluate. Default [`EvaluateOptions::trec_eval`].
    pub fn with_options(mut self, options: EvaluateOptions) -> Self {
        self.options = options;
        self
    }

    /// Whether each query is printed, as `-q`. Default `false`.
    pub fn with_per_query(mut self, per_query: bool) -> Self {
        self.per_query = per_query;
        self
    }

    /// Whether the summary is printed, unlike with `-n`. Default `true`.
    pub fn with_summary(mut self, summary: bool) -> Self {
        self.summary = summary;
        self
    }

    /// Prints distances from reference runs in place of values, as `-Z`.
    pub fn with_zscores(mut self, zscores: ZScores) -> Self {
        self.zscores = Some(zscores);
        self
    }

    /// Names that count for nothing, since the measure was given other parameters before: as in
    /// `trec_eval`, `P.5` and `P.10` is `P.5`.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Scores `run` against `qrels`.
    ///
    /// # Errors
    /// As [`evaluate`](crate::evaluate); [`MetricsError::NothingRetrieved`] when no query is left.
    pub fn evaluate(&self, qrels: &Qrels, run: &Run) -> Result<TrecEvalOutput, MetricsError> {
        let asked = self.items.iter().filter_map(|item| match item.what {
            What::Value(measure) => Some(measure),
            _ => None,
        });
        // The number of queries is always asked for, so that there is a measure at all.
        let measures: Vec<Measure> = asked.chain([Measure::NumQueries]).collect();
        let lengths = self.items.iter().filter_map(|item| match item.what {
            What::RelString(length) => Some(length),
            _ => None,
        });
        let shown = lengths.max().unwrap_or(0);
        let (report, strings) = evaluate_with_strings(qrels, run, &measures, &self.options, shown)?;
        if report.query_ids().is_empty() {
            return Err(MetricsError::NothingRetrieved);
        }
        Ok(TrecEvalOutput::new(self, report, &strings, run.tag()))
    }
}
