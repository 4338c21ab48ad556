//! Evaluations during a run and the weights that are best by them.

use std::collections::BTreeMap;

use super::Trainer;
use crate::{Evaluation, TrainError, log::MetricsLog};

impl Trainer {
    /// Refuses a best metric that no evaluator reports.
    pub(super) fn check_metrics(&self) -> Result<(), TrainError> {
        let known: Vec<String> = self.evaluators.iter().flat_map(|e| e.metric_names()).collect();
        match &self.config.best_metric {
            Some(metric) if !known.contains(metric) => {
                Err(TrainError::UnknownMetric { metric: metric.clone(), known })
            }
            _ => Ok(()),
        }
    }

    /// Runs every evaluator and keeps the weights if they are the best so far.
    pub(super) fn evaluate(&mut self, log: &mut Option<MetricsLog>) -> Result<(), TrainError> {
        if self.evaluators.is_empty() {
            return Ok(());
        }
        let step = self.progress.step;
        let mut metrics = BTreeMap::new();
        for evaluator in &mut self.evaluators {
            let reported = evaluator.evaluate(&self.model);
            metrics.extend(reported.map_err(|source| TrainError::Evaluator { step, source })?);
        }
        if let Some(metric) = &self.config.best_metric {
            let Some(&value) = metrics.get(metric) else {
                return Err(TrainError::MetricMissing { metric: metric.clone(), step });
            };
            if self.progress.note(metric, value, self.config.early_stopping) {
                self.best_weights = Some(self.model.parameters().trainable().to_vec());
            }
        }
        let evaluation = Evaluation { step, epoch: self.progress.epochs, metrics };
        if let Some(log) = log {
            log.write(&evaluation)?;
        }
        self.callbacks.iter_mut().for_each(|c| c.on_evaluate(&evaluation));
        self.progress.evaluations.push(evaluation);
        Ok(())
    }
}
