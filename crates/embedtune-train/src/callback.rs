//! What a program can watch of a run.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

/// One optimizer step that was done.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Passes over the data done.
    pub epoch: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Loss, the mean over the step's batches.
    pub loss: f64,
    /// Named parts of the loss, means likewise.
    pub components: BTreeMap<String, f64>,
    /// Euclidean norm of the gradient over all trained weights, before clipping.
    pub grad_norm: f64,
    /// Rows of the step's batches.
    pub pairs: u64,
    /// Tokens that were encoded, without padding.
    pub tokens: u64,
    /// Wall-clock time of the step.
    pub seconds: f64,
    /// `tokens / seconds`.
    pub tokens_per_second: f64,
}

/// One evaluation that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Steps done before it.
    pub step: u64,
    /// Passes over the data done before it.
    pub epoch: f64,
    /// Value of each metric.
    pub metrics: BTreeMap<String, f64>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// Every step was done.
    Finished,
    /// The best metric no longer improved.
    EarlyStopping,
    /// The stop flag was raised; the run can be resumed from its last checkpoint.
    Interrupted,
}

/// Watches a run: progress bars, logs elsewhere. Every method does nothing unless implemented. A
/// callback that wants the run to end raises the flag given to
/// [`Trainer::with_stop_flag`](crate::Trainer::with_stop_flag).
pub trait Callback: Send {
    /// The run begins, or goes on after `step` of `total_steps`.
    fn on_start(&mut self, step: u64, total_steps: u64) {
        let _ = (step, total_steps);
    }

    /// A step was done.
    fn on_step(&mut self, report: &StepReport) {
        let _ = report;
    }

    /// An evaluation was done.
    fn on_evaluate(&mut self, evaluation: &Evaluation) {
        let _ = evaluation;
    }

    /// A checkpoint is whole and on disk at `path`.
    fn on_checkpoint(&mut self, path: &Path) {
        let _ = path;
    }

    /// The run ended without an error.
    fn on_end(&mut self, reason: StopReason) {
        let _ = reason;
    }
}
