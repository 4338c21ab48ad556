//! What `train` and `quickstart` share: drawing a run, and its facts.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::{Context, Result};
use embedtune_eval::{CurveEvaluation, CurvePoint, TrainingCurve};
use embedtune_train::{Best, Callback, Evaluation, StepReport, StopReason, TrainOutcome};
use serde::{Deserialize, Serialize};

use crate::{
    machine,
    progress::{Bar, Console, duration},
};

/// Draws a run: step, loss, tokens per second, time left.
pub(crate) struct TrainingBar {
    console: Console,
    bar: Option<Bar>,
    metric: Option<String>,
    started: Instant,
    first_step: u64,
    /// Seconds that were spent on evaluations, which the steps to come do not need.
    curve: Arc<Mutex<TrainingCurve>>,
}

impl TrainingBar {
    /// A bar that names `metric` after each evaluation, and the curve that it fills.
    pub(crate) fn new(
        console: Console,
        metric: Option<String>,
    ) -> (Self, Arc<Mutex<TrainingCurve>>) {
        let curve =
            Arc::new(Mutex::new(TrainingCurve { metric: metric.clone(), ..Default::default() }));
        let bar = Self {
            console,
            bar: None,
            metric,
            started: Instant::now(),
            first_step: 0,
            curve: Arc::clone(&curve),
        };
        (bar, curve)
    }
}

impl Callback for TrainingBar {
    fn on_start(&mut self, step: u64, total_steps: u64) {
        self.started = Instant::now();
        self.first_step = step;
        self.bar = Some(self.console.bar("training", total_steps));
    }

    fn on_step(&mut self, report: &StepReport) {
        if let Some(bar) = &self.bar {
            let StepReport { step, total_steps, loss, tokens_per_second, .. } = report;
            let message = format!(
                "step {step}/{total_steps}  loss {loss:.4}  {tokens_per_second:.0} tokens/s"
            );
            bar.set(*step, &message);
        }
        if let Ok(mut curve) = self.curve.lock() {
            let (step, loss, lr) = (report.step, report.loss, report.learning_rate);
            curve.points.push(CurvePoint { step, loss, lr });
        }
    }

    fn on_evaluate(&mut self, evaluation: &Evaluation) {
        let shown = self.metric.as_ref().and_then(|name| evaluation.metrics.get_key_value(name));
        let shown = shown.or_else(|| evaluation.metrics.first_key_value());
        if let (Some((name, value)), Some(bar)) = (shown, &self.bar) {
            bar.line(&format!("step {}: dev {name} {value:.4}", evaluation.step));
        }
        if let Ok(mut curve) = self.curve.lock() {
            let (step, metrics) = (evaluation.step, evaluation.metrics.clone());
            curve.evaluations.push(CurveEvaluation { step, metrics });
        }
    }

    fn on_checkpoint(&mut self, path: &Path) {
        if let Some(bar) = &self.bar {
            bar.line(&format!("checkpoint {}", path.display()));
        }
    }

    fn on_end(&mut self, reason: StopReason) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        let time = duration(self.started.elapsed().as_secs_f64());
        match reason {
            StopReason::EarlyStopping => {
                self.console.line(&format!("stopped early after {time}: dev no longer improves"));
            }
            StopReason::Interrupted => self.console.line(&format!("interrupted after {time}")),
            _ => self.console.line(&format!("trained for {time}")),
        }
    }
}

/// Points of a curve in a report: a drawing shows no more, and the log has them all.
const CURVE_POINTS: usize = 2_000;

/// A line of the log: that of a step or of an evaluation.
#[derive(Deserialize)]
#[serde(untagged)]
enum Logged {
    Evaluation(CurveEvaluation),
    Step { step: u64, loss: Option<f64>, learning_rate: f64 },
}

/// The course of a run by its `metrics.jsonl`, none if there is no such file; `best` says which
/// weights were kept.
pub(crate) fn curve(log: &Path, best: Option<&Best>) -> Result<TrainingCurve> {
    let text = if log.exists() { fs::read_to_string(log) } else { Ok(String::new()) };
    let text = text.with_context(|| log.display().to_string())?;
    let mut curve = TrainingCurve::default();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}:{}", log.display(), number + 1);
        match serde_json::from_str(line).with_context(place)? {
            Logged::Evaluation(evaluation) => curve.evaluations.push(evaluation),
            Logged::Step { step, loss: Some(loss), learning_rate: lr } => {
                curve.points.push(CurvePoint { step, loss, lr });
            }
            // JSON has no NaN.
            Logged::Step { loss: None, .. } => {}
        }
    }
    curve.metric = best.map(|best| best.metric.clone());
    curve.kept_step = best.map(|best| best.step);
    Ok(curve.thinned(CURVE_POINTS))
}

/// Figures of a run, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct TrainingFacts {
    pub(crate) reason: StopReason,
    pub(crate) steps: u64,
    pub(crate) epochs: f64,
    pub(crate) pairs: u64,
    pub(crate) tokens: u64,
    /// Without evaluations and checkpoints.
    pub(crate) train_seconds: f64,
    pub(crate) pairs_per_second: f64,
    /// Of real tokens, without padding.
    pub(crate) tokens_per_second: f64,
    pub(crate) peak_rss_mb: Option<f64>,
    pub(crate) final_loss: Option<f64>,
    pub(crate) mean_loss: Option<f64>,
    pub(crate) best: Option<embedtune_train::Best>,
    pub(crate) evaluations: Vec<Evaluation>,
}

impl TrainingFacts {
    pub(crate) fn of(outcome: &TrainOutcome) -> Self {
        let seconds = outcome.train_seconds.max(f64::MIN_POSITIVE);
        Self {
            reason: outcome.reason,
            steps: outcome.steps,
            epochs: outcome.epochs,
            pairs: outcome.pairs,
            tokens: outcome.tokens,
            train_seconds: outcome.train_seconds,
            pairs_per_second: outcome.pairs as f64 / seconds,
            tokens_per_second: outcome.tokens as f64 / seconds,
            peak_rss_mb: machine::peak_rss_mb(),
            final_loss: outcome.final_loss(),
            mean_loss: outcome.mean_loss(),
            best: outcome.best.clone(),
            evaluations: outcome.evaluations.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_read_from_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("metrics.jsonl");
        assert_eq!(curve(&log, None).unwrap(), TrainingCurve::default());
        let lines = [
            r#"{"step":0,"epoch":0.0,"metrics":{"ndcg@10":0.5}}"#,
            r#"{"step":1,"total_steps":2,"learning_rate":1e-5,"loss":0.75,"grad_norm":1.0}"#,
            r#"{"step":2,"total_steps":2,"learning_rate":0.0,"loss":null,"grad_norm":1.0}"#,
        ];
        fs::write(&log, lines.join("\n")).unwrap();
        let curve = self::curve(&log, None).unwrap();
        assert_eq!(curve.points, [CurvePoint { step: 1, loss: 0.75, lr: 1e-5 }]);
        assert_eq!(curve.values_of("ndcg@10"), [(0.0, 0.5)]);
        fs::write(&log, "{}\nno").unwrap();
        assert!(format!("{:#}", self::curve(&log, None).unwrap_err()).contains("jsonl:"));
    }
}
