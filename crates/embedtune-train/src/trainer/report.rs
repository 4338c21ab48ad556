//! What a run tells of itself.

use super::{Run, Trainer};
use crate::{
    StepReport, StopReason, TrainError, TrainOutcome, plan::StepBatches, progress::Progress,
};

impl Trainer {
    /// Takes note of a step that was done and completes its report.
    pub(super) fn advance(&mut self, step: &StepBatches, report: &mut StepReport, seconds: f64) {
        let progress = &mut self.progress;
        progress.step += 1;
        progress.position = step.next;
        progress.epochs = step.epochs;
        progress.pairs += report.pairs;
        progress.tokens += report.tokens;
        progress.train_seconds += seconds;
        progress.losses.push(report.loss);
        report.step = progress.step;
        report.total_steps = self.plan.total_steps;
        report.epoch = step.epochs;
        report.seconds = seconds;
        report.tokens_per_second = report.tokens as f64 / seconds;
    }

    pub(super) fn log_step(
        &mut self,
        report: &StepReport,
        run: &mut Run,
    ) -> Result<(), TrainError> {
        self.callbacks.iter_mut().for_each(|callback| callback.on_step(report));
        let due = report.step.is_multiple_of(self.config.log_every);
        match &mut run.log {
            Some(log) if due || report.step == report.total_steps => log.write(report),
            _ => Ok(()),
        }
    }

    pub(super) fn into_outcome(mut self, reason: StopReason) -> TrainOutcome {
        if let Some(best) = self.best_weights.take() {
            self.model.parameters_mut().trainable_mut().copy_from_slice(&best);
        }
        let Progress { step, epochs, pairs, tokens, train_seconds, .. } = self.progress;
        TrainOutcome {
            model: self.model,
            reason,
            steps: step,
            epochs,
            losses: self.progress.losses,
            evaluations: self.progress.evaluations,
            best: self.progress.best,
            train_seconds,
            pairs,
            tokens,
        }
    }
}
