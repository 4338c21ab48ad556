//! What a run hands back.

use embedtune_encoder::EmbeddingModel;

use crate::{Best, Evaluation, StopReason};

/// A run that ended, with its model.
#[non_exhaustive]
pub struct TrainOutcome {
    /// The model, with the best weights if [`TrainConfig::best_metric`](crate::TrainConfig) is set,
    /// else the last ones.
    pub model: EmbeddingModel,
    /// Why the run ended.
    pub reason: StopReason,
    /// Optimizer steps done.
    pub steps: u64,
    /// Passes over the data done.
    pub epochs: f64,
    /// Loss of each step.
    pub losses: Vec<f64>,
    /// Every evaluation, in order.
    pub evaluations: Vec<Evaluation>,
    /// The best value of the best metric.
    pub best: Option<Best>,
    /// Wall-clock seconds of tokenizing and of steps, without evaluations and checkpoints, over
    /// all parts of an interrupted run.
    pub train_seconds: f64,
    /// Rows seen, counted each time.
    pub pairs: u64,
    /// Tokens encoded, without padding, counted each time.
    pub tokens: u64,
}

impl TrainOutcome {
    /// Loss of the last step; `None` before the first.
    pub fn final_loss(&self) -> Option<f64> {
        self.losses.last().copied()
    }

    /// Mean loss over all steps; `None` before the first.
    pub fn mean_loss(&self) -> Option<f64> {
        let sum: f64 = self.losses.iter().sum();
        (!self.losses.is_empty()).then(|| sum / self.losses.len() as f64)
    }
}
