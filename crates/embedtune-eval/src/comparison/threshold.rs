//! "Show nothing below 0.7": which threshold is that for the other model?
//!
//! A threshold on the score belongs to the model that it was chosen for. After fine-tuning, the
//! same number lets through more or fewer documents. What a product promised its users is the
//! precision of what it shows, so the threshold to take over is the one with the same precision.

mod pairs;

use embedtune_data::SeededRng;
use serde::{Deserialize, Serialize};

use self::pairs::{Cut, ScoredPairs};
use crate::{EvalError, Evaluation, RetrievalEvaluator, wording::count};

/// Bootstrap samples. The ends of an interval then move by about a thirtieth of its width, and
/// each sample passes over all retrieved documents.
const SAMPLES: u64 = 1_000;

/// What a threshold shows of the retrieved documents: those with a score of at least it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperatingPoint {
    /// The lowest score that is shown.
    pub threshold: f64,
    /// Documents shown, over all queries.
    pub shown: u64,
    /// Relevant ones among them.
    pub relevant_shown: u64,
    /// `relevant_shown / shown`; `None` when nothing is shown.
    pub precision: Option<f64>,
    /// Share of all relevant documents that are shown, retrieved or not.
    pub recall: f64,
    /// Queries for which everything retrieved is shown, [`ThresholdTransfer::depth`] documents of
    /// a larger corpus. Of what ranks lower, some would be shown too, so the precision is too
    /// high here.
    pub full_queries: usize,
}

/// The threshold of system A carried over to system B.
///
/// Pairs are those of a query and a document that was retrieved for it, all queries together, and
/// what is not judged relevant counts as not relevant, as in precision. Where judgements are
/// incomplete the precisions are too low, but for both systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ThresholdTransfer {
    /// Whether the threshold of A was given; otherwise it is the one with its best F1.
    pub given: bool,
    /// Documents retrieved for a query at most. What ranks lower is never shown here.
    pub depth: usize,
    /// Relevant documents of all queries.
    pub relevant: u64,
    /// A at its threshold.
    pub base: OperatingPoint,
    /// B if the threshold stays the same number.
    pub unchanged: OperatingPoint,
    /// B at the lowest of its thresholds that keeps the precision of A; `None` if none does.
    pub kept: Option<KeptPrecision>,
    /// B at its most precise threshold; of several, the lowest.
    pub most_precise: OperatingPoint,
}

/// The threshold of B that keeps A's precision, and how sure it is.
///
/// The intervals are percentile bootstrap intervals over queries, in which A's precision is drawn
/// anew too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptPrecision {
    /// B there.
    pub point: OperatingPoint,
    /// Coverage of the intervals.
    pub confidence: f64,
    /// Interval of the threshold.
    pub threshold_interval: [f64; 2],
    /// Interval of B's recall there.
    pub recall_interval: [f64; 2],
    /// Interval of B's recall there less A's at its own threshold.
    pub recall_gain_interval: [f64; 2],
    /// Share of the samples in which B reached A's precision nowhere: they are not in the
    /// intervals. Above a few percent, the threshold hangs on a few documents.
    pub unreached: f64,
}

impl RetrievalEvaluator {
    /// Finds the threshold for `tuned` that keeps the precision of `base` at its threshold:
    /// `threshold`, or where `base` has its best F1. `None` if `base` found no relevant document
    /// and no threshold is given.
    ///
    /// `confidence` is the coverage of the intervals and `seed` that of their samples.
    ///
    /// # Errors
    /// If no relevant document of `base` has a score as high as the threshold given, or
    /// `confidence` is not between 0 and 1.
    pub fn transfer_threshold(
        &self,
        base: &Evaluation,
        tuned: &Evaluation,
        threshold: Option<f64>,
        confidence: f64,
        seed: u64,
    ) -> Result<Option<ThresholdTransfer>, EvalError> {
        if !(confidence > 0.0 && confidence < 1.0) {
            let (value, allowed) = (confidence.to_string(), "between 0 and 1");
            return Err(EvalError::Config { field: "confidence", value, allowed });
        }
        let [a, b] = [base, tuned].map(|it| ScoredPairs::of(self, it));
        let everyone = vec![1; a.queries()];
        let relevant = a.relevant(&everyone);
        let cut = match threshold {
            Some(threshold) => a.at(threshold, &everyone),
            None => match a.best_f1() {
                Some(cut) => cut,
                None => return Ok(None),
            },
        };
        if cut.relevant == 0 {
            let allowed = "at most the best score of a relevant document that the first system \
                           retrieved";
            let value = cut.threshold.to_string();
            return Err(EvalError::Config { field: "threshold", value, allowed });
        }
        let point = |pairs: &ScoredPairs, cut: Cut| OperatingPoint {
            threshold: cut.threshold,
            shown: cut.shown,
            relevant_shown: cut.relevant,
            precision: (cut.shown > 0).then(|| cut.relevant as f64 / cut.shown as f64),
            recall: cut.relevant as f64 / relevant as f64,
            full_queries: self.full_queries(pairs, cut.threshold),
        };
        let kept = b.lowest_with(cut, &everyone).map(|kept| {
            let drawn = Drawn::new(&a, &b, cut.threshold, seed);
            drawn.intervals(point(&b, kept), confidence)
        });
        Ok(Some(ThresholdTransfer {
            given: threshold.is_some(),
            depth: self.config.depth(),
            relevant,
            base: point(&a, cut),
            unchanged: point(&b, b.at(cut.threshold, &everyone)),
            kept,
            most_precise: point(&b, b.most_precise()),
        }))
    }

    fn full_queries(&self, pairs: &ScoredPairs, threshold: f64) -> usize {
        let depth = self.config.depth();
        if self.corpus.len() <= depth {
            return 0;
        }
        pairs.shown_by_query(threshold).into_iter().filter(|&shown| shown >= depth).count()
    }
}

/// What came out of the bootstrap samples in which B reached A's precision.
struct Drawn {
    thresholds: Vec<f64>,
    recalls: Vec<f64>,
    gains: Vec<f64>,
}

impl Drawn {
    fn new(a: &ScoredPairs, b: &ScoredPairs, threshold: f64, seed: u64) -> Self {
        let queries = a.queries();
        let mut drawn = Self { thresholds: Vec::new(), recalls: Vec::new(), gains: Vec::new() };
        let mut weights = vec![0; queries];
        for sample in 0..SAMPLES {
            let mut rng = SeededRng::derive(seed, &[sample]);
            weights.fill(0);
            for _ in 0..queries {
                weights[rng.below(queries as u64) as usize] += 1;
            }
            let (before, relevant) = (a.at(threshold, &weights), a.relevant(&weights));
            // A sample in which A shows nothing relevant has no precision to keep.
            let kept = (before.relevant > 0).then(|| b.lowest_with(before, &weights)).flatten();
            if let Some(kept) = kept {
                let recall = |cut: Cut| cut.relevant as f64 / relevant as f64;
                drawn.thresholds.push(kept.threshold);
                drawn.recalls.push(recall(kept));
                drawn.gains.push(recall(kept) - recall(before));
            }
        }
        drawn
    }

    fn intervals(self, point: OperatingPoint, confidence: f64) -> KeptPrecision {
        let unreached = 1.0 - self.thresholds.len() as f64 / SAMPLES as f64;
        let [threshold_interval, recall_interval, recall_gain_interval] =
            [(self.thresholds, point.threshold), (self.recalls, point.recall), (self.gains, 0.0)]
                .map(|(values, alone)| percentiles(values, confidence).unwrap_or([alone; 2]));
        KeptPrecision {
            point,
            confidence,
            threshold_interval,
            recall_interval,
            recall_gain_interval,
            unreached,
        }
    }
}

/// Cuts the same share off both ends, with linear interpolation; `None` without values.
fn percentiles(mut values: Vec<f64>, confidence: f64) -> Option<[f64; 2]> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let tail = (1.0 - confidence) / 2.0;
    Some([tail, 1.0 - tail].map(|share| {
        let place = share * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        values[below] + (place - below as f64) * (values[above] - values[below])
    }))
}

impl ThresholdTransfer {
    /// What to set, and what it costs, in a few sentences.
    pub fn sentence(&self) -> String {
        let how = if self.given { "its" } else { "its best (F1)" };
        let base = format!(
            "At {how} threshold {:.4}, A shows {} documents with {}.",
            self.base.threshold,
            count(self.base.shown),
            self.base.in_words(),
        );
        let unchanged = match self.unchanged.shown {
            0 => "The same number would show nothing of B.".to_owned(),
            _ => format!("The same number would give B {}.", self.unchanged.in_words()),
        };
        let kept = match &self.kept {
            Some(kept) => kept.in_words() + &self.warning(kept),
            None => format!(
                "No threshold of B keeps the precision; its most precise is {:.4}, with {}.",
                self.most_precise.threshold,
                self.most_precise.in_words(),
            ),
        };
        format!("{base} {unchanged} {kept}")
    }

    fn warning(&self, kept: &KeptPrecision) -> String {
        if kept.point.full_queries == 0 {
            return String::new();
        }
        format!(
            " For {} queries, all {} documents that B retrieved are above it: more would be shown, \
             with a lower precision; retrieve more to see it.",
            count(kept.point.full_queries as u64),
            count(self.depth as u64),
        )
    }
}

impl KeptPrecision {
    fn in_words(&self) -> String {
        let [low, high] = self.recall_interval.map(percent);
        let [lowest, highest] = self.threshold_interval;
        format!(
            "To keep the precision, set {:.4} for B: recall {} ({} interval {low} to {high}; \
             threshold {lowest:.4} to {highest:.4}).",
            self.point.threshold,
            percent(self.point.recall),
            percent(self.confidence).replace(".0 ", " "),
        )
    }
}

impl OperatingPoint {
    fn in_words(&self) -> String {
        let precision = percent(self.precision.unwrap_or(0.0));
        format!("precision {precision} and recall {}", percent(self.recall))
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests;
