//! Evaluations during a run and the weights that are best by them.

use std::collections::BTreeMap;

use super::{Run, Trainer};
use crate::{Evaluation, TrainError};

impl Trainer {
    /// Refuses a best metric that no evaluator reports, and one that two report.
    pub(super) fn check_metrics(&self) -> Result<(), TrainError> {
        let mut known: Vec<String> =
            self.evaluators.iter().flat_map(|evaluator| evaluator.metric_names()).collect();
        known.sort();
        if let Some(pair) = known.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(TrainError::DuplicateMetric { metric: pair[0].clone() });
        }
        match &self.config.best_metric {
            Some(metric) if !known.contains(metric) => {
                Err(TrainError::UnknownMetric { metric: metric.clone(), known })
            }
            _ => Ok(()),
        }
    }

    /// Runs every evaluator and keeps the weights if they are the best so far.
    pub(super) fn evaluate(&mut self, run: &mut Run) -> Result<(), TrainError> {
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
        if let Some(log) = &mut run.log {
            log.write(&evaluation)?;
        }
        self.callbacks.iter_mut().for_each(|callback| callback.on_evaluate(&evaluation));
        self.progress.evaluations.push(evaluation);
        Ok(())
    }
}
