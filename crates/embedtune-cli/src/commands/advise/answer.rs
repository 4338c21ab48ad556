//! What was found out, as `--json` prints it.

use anyhow::{Context, Result};
use embedtune_data::{CheckReport, Severity};
use embedtune_eval::{Advice, Evaluation, Facts, LearningCurve, LearningOutcome, SystemScores};
use embedtune_metrics::{
    Measure,
    stats::{BootstrapMethod, BootstrapOptions, Paired, bootstrap_interval},
};
use serde::Serialize;

use crate::{preflight::Preflight, progress::thousands};

/// Measures that are shown with their intervals.
const SHOWN: [Measure; 2] = [Measure::NDCG_10, Measure::RECALL_10];
/// From this part of what is missed on, found further down, another order alone would help.
const MUCH_FURTHER_DOWN: f64 = 0.5;

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) model: String,
    pub(super) data: String,
    pub(super) advice: Advice,
    /// BM25 and the base model.
    pub(super) systems: Vec<System>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) learning_curve: Option<LearningCurve>,
    pub(super) full_run: FullRun,
    pub(super) extent: Extent,
    /// Remarks, a sentence each.
    pub(super) notes: Vec<String>,
    /// Wall-clock seconds by stage.
    pub(super) seconds: Facts,
}

/// What the short runs have shown.
pub(super) struct Learned {
    pub(super) outcome: LearningOutcome,
    pub(super) tokens_per_second: f64,
}

/// A system on the test split.
#[derive(Debug, Serialize)]
pub(super) struct System {
    pub(super) name: String,
    pub(super) scores: SystemScores,
    pub(super) intervals: Vec<Interval>,
}

/// A mean with its interval over the queries.
#[derive(Debug, Serialize)]
pub(super) struct Interval {
    pub(super) measure: Measure,
    pub(super) mean: f64,
    /// 95 %, by the bootstrap; `None` for a single query.
    pub(super) interval: Option<[f64; 2]>,
}

impl System {
    pub(super) fn new(name: &str, evaluation: &Evaluation) -> Result<Self> {
        let mut intervals = Vec::new();
        for measure in SHOWN {
            let values = evaluation.report.per_query(&measure).context("it was computed")?;
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let interval = if values.len() < 2 { None } else { Some(interval(values)?) };
            intervals.push(Interval { measure, mean, interval });
        }
        let scores = SystemScores::new(name, evaluation);
        Ok(Self { name: name.to_owned(), scores, intervals })
    }
}

/// The statistics are those of differences; here from 0.
fn interval(values: &[f64]) -> Result<[f64; 2]> {
    let values = Paired::from_differences(values.to_vec())?;
    let options = BootstrapOptions::default();
    Ok(bootstrap_interval(&values, BootstrapMethod::ExpandedBca, &options)?)
}

/// How much there is to gain, and whether training is what would gain it.
pub(super) fn headroom(base: &Evaluation) -> String {
    let mean = |measure| base.report.mean(&measure).unwrap_or(0.0);
    let (ndcg, found) = (mean(Measure::NDCG_10), mean(Measure::RECALL_10));
    let deep = base.report.measures().find(|it| it.to_string() == "recall@100");
    let further = deep.map_or(found, mean);
    let missed = 1.0 - found;
    let left =
        format!("The base model has {ndcg:.3} nDCG@10, so {:.3} is left to gain", 1.0 - ndcg);
    if missed < 0.005 {
        return format!("{left}, in the order of what is found already.");
    }
    let share = (further - found) / missed;
    let end = if share >= MUCH_FURTHER_DOWN { "; a re-ranker would find these too" } else { "" };
    format!(
        "{left}; of what is missed in the first 10, {:.0} % is among the first 100{end}.",
        100.0 * share
    )
}

/// What training on all pairs needs on this machine, and what is wrong with the data.
#[derive(Debug, Serialize)]
pub(super) struct FullRun {
    /// Rows to train on.
    pub(super) pairs: usize,
    pub(super) steps: u64,
    pub(super) tokens_per_epoch: u64,
    pub(super) epochs: f64,
    /// Time of all steps.
    pub(super) seconds: f64,
    /// Whether the time is by the speed of the short runs, not by a guess from one pass.
    pub(super) measured: bool,
    /// Memory at the peak, in MiB.
    pub(super) memory_mb: f64,
    pub(super) check: CheckReport,
    /// For the report.
    #[serde(skip)]
    pub(super) preflight: Preflight,
}

impl FullRun {
    pub(super) fn new(preflight: Preflight, epochs: f64) -> Self {
        Self {
            pairs: preflight.training_rows,
            steps: preflight.steps,
            tokens_per_epoch: preflight.tokens_per_epoch,
            epochs,
            seconds: preflight.estimated_seconds,
            measured: false,
            memory_mb: preflight.estimated_memory_mb,
            check: preflight.check.clone(),
            preflight,
        }
    }

    /// The same by the speed that short runs had, if there were some.
    pub(super) fn measured(mut self, tokens_per_second: Option<f64>) -> Self {
        if let Some(speed) = tokens_per_second {
            self.seconds = self.tokens_per_epoch as f64 * self.epochs / speed;
            self.measured = true;
        }
        self
    }

    /// Warnings and errors of the check, leakage and duplicates among them.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        let bad = self.check.findings.iter().filter(|it| it.severity != Severity::Info);
        bad.map(ToString::to_string)
    }
}

/// How much of the data the answer rests on.
#[derive(Debug, Serialize)]
pub(super) struct Extent {
    pub(super) minutes: f64,
    /// Documents searched for the test queries.
    pub(super) documents: usize,
    /// Documents searched for the held-out queries; 0 for no learning curve.
    pub(super) curve_documents: usize,
    pub(super) of_documents: usize,
    pub(super) test_queries: usize,
    /// Queries of the test split with a relevant document.
    pub(super) of_test_queries: usize,
    /// Queries that short runs were judged on.
    pub(super) held_out_queries: usize,
    /// Pairs of the largest short run; 0 for none.
    pub(super) pairs: usize,
    pub(super) of_pairs: usize,
}

impl Extent {
    /// What was left out, a remark each.
    pub(super) fn notes(&self, unwanted: bool) -> Vec<String> {
        let mut notes = Vec::new();
        let minutes = self.minutes;
        if self.documents < self.of_documents {
            notes.push(format!(
                "to fit {minutes} minutes, {} of {} documents were searched: all figures are \
                 higher than on the whole",
                thousands(self.documents),
                thousands(self.of_documents)
            ));
        }
        if (1..self.of_documents).contains(&self.curve_documents) {
            notes.push(format!(
                "short runs were judged on a search of {} of {} documents, where gains may differ",
                thousands(self.curve_documents),
                thousands(self.of_documents)
            ));
        }
        if self.test_queries < self.of_test_queries {
            notes.push(format!(
                "{} of {} test queries were asked",
                thousands(self.test_queries),
                thousands(self.of_test_queries)
            ));
        }
        match (self.pairs, unwanted) {
            (0, true) => {
                notes.push("no learning curve (--no-curve): rules of thumb alone".to_owned())
            }
            (0, false) => notes.push(format!(
                "no learning curve: too few pairs, or too little time in {minutes} minutes; with \
                 a larger --minutes the answer would rest on more than rules of thumb"
            )),
            (pairs, _) if pairs < self.of_pairs => notes.push(format!(
                "the largest short run had {} of {} pairs: some are held out to judge it, or did \
                 not fit {minutes} minutes",
                thousands(pairs),
                thousands(self.of_pairs)
            )),
            _ => {}
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(documents: usize, test_queries: usize, pairs: usize) -> Extent {
        Extent {
            minutes: 5.0,
            documents,
            curve_documents: documents,
            of_documents: 5_000,
            test_queries,
            of_test_queries: 300,
            held_out_queries: 200,
            pairs,
            of_pairs: 1_000,
        }
    }

    #[test]
    fn whatever_was_left_out_is_said() {
        assert!(extent(5_000, 300, 1_000).notes(false).is_empty());
        let notes = extent(4_000, 200, 500).notes(false);
        let parts = [
            "4,000 of 5,000 documents were searched",
            "search of 4,000 of 5,000 documents",
            "200 of 300 test queries",
            "500 of 1,000 pairs",
        ];
        assert_eq!(notes.len(), parts.len());
        assert!(notes.iter().zip(parts).all(|(note, part)| note.contains(part)), "{notes:?}");
        assert!(extent(5_000, 300, 0).notes(true)[0].contains("--no-curve"));
        assert!(extent(5_000, 300, 0).notes(false)[0].contains("larger --minutes"));
    }

    #[test]
    fn a_mean_lies_in_its_interval() {
        let values: Vec<f64> = (0..50).map(|n| f64::from(n % 5) / 4.0).collect();
        let [low, high] = interval(&values).unwrap();
        assert!(low < 0.5 && 0.5 < high && low > 0.3 && high < 0.7);
    }
}
