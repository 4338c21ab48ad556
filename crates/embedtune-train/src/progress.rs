//! How far a run is: everything of a checkpoint that is neither a tensor nor a setting.

use serde::{Deserialize, Serialize};

use crate::{EarlyStopping, Evaluation};

/// Place in the stream of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Epoch, from 0.
    pub(crate) epoch: u64,
    /// Batches of it that were used.
    pub(crate) batch: usize,
}

/// The best value of the metric that decides which weights are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Best {
    /// Name of the metric.
    pub metric: String,
    /// Its best value.
    pub value: f64,
    /// Steps done when it was seen.
    pub step: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) step: u64,
    pub(crate) position: Position,
    /// Passes over the data done.
    pub(crate) epochs: f64,
    pub(crate) pairs: u64,
    pub(crate) tokens: u64,
    pub(crate) train_seconds: f64,
    pub(crate) losses: Vec<f64>,
    pub(crate) evaluations: Vec<Evaluation>,
    pub(crate) best: Option<Best>,
    /// Evaluations in a row without improvement.
    pub(crate) stale: u64,
}

impl Progress {
    /// Takes note of a value of the best metric. Returns whether it is the best so far. A value
    /// that is not a number never is.
    pub(crate) fn note(
        &mut self,
        metric: &str,
        value: f64,
        stopping: Option<EarlyStopping>,
    ) -> bool {
        let best = self.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.value);
        let min_delta = stopping.map_or(0.0, |stopping| stopping.min_delta);
        self.stale = if value > best + min_delta { 0 } else { self.stale + 1 };
        let improved = value > best;
        if improved {
            self.best = Some(Best { metric: metric.to_owned(), value, step: self.step });
        }
        improved
    }

    /// Whether the best metric did not improve for as long as `stopping` allows.
    pub(crate) fn exhausted(&self, stopping: Option<EarlyStopping>) -> bool {
        stopping.is_some_and(|stopping| self.stale >= stopping.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_counts_evaluations_without_a_rise() {
        let stopping = Some(EarlyStopping::new(2).with_min_delta(0.1));
        let mut progress = Progress::default();
        let mut note = |value| (progress.note("m", value, stopping), progress.exhausted(stopping));
        assert_eq!(note(f64::NAN), (false, false));
        assert_eq!(note(0.5), (true, false));
        // Better, but not by enough: kept as the best, counted as stale.
        assert_eq!(note(0.55), (true, false));
        assert_eq!(note(0.7), (true, false));
        assert_eq!(note(0.7), (false, false));
        assert_eq!(note(0.6), (false, true));
        assert_eq!(progress.best.unwrap().value, 0.7);
    }
}
