//! Short training runs, judged on held-out queries.

use embedtune_data::Embed;
use embedtune_metrics::Measure;

use super::gain::{Adjusted, GainPrediction, LearningRun, differences};
use crate::{EvalError, Evaluation, LearningCurve, LearningPoint, RetrievalEvaluator};

/// What short runs are judged by.
///
/// Evaluation knows no trainer: [`LearningStudy::run`] is given one as a closure.
#[derive(Debug, Clone, Copy)]
pub struct LearningStudy<'a> {
    /// Queries that no run was trained on, nor are of the test split.
    pub held_out: &'a RetrievalEvaluator,
    /// The base model on the held-out queries.
    pub base_held_out: &'a Evaluation,
    /// The base model on the test split.
    pub base_test: &'a Evaluation,
    /// Pairs of the full run.
    pub full_pairs: usize,
    /// The measure whose gain is predicted.
    pub measure: Measure,
}

/// A measured learning curve and what it promises.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LearningOutcome {
    /// The curve on the scale of the test split: each measured gain is regressed on the base
    /// model's score and added to its mean there, as [`GainPrediction`] does.
    pub curve: LearningCurve,
    /// The gain of the full run.
    pub prediction: GainPrediction,
}

impl LearningStudy<'_> {
    /// Calls `train` for each of `shares` of the data, which returns the number of pairs that it
    /// trained on and the model, and judges the models.
    ///
    /// # Errors
    /// Those of `train`; if a model cannot be evaluated; and as [`GainPrediction::new`].
    pub fn run<M: Embed, E: From<EvalError>>(
        &self,
        shares: &[f64],
        mut train: impl FnMut(f64) -> Result<(usize, M), E>,
    ) -> Result<LearningOutcome, E> {
        let mut runs = Vec::with_capacity(shares.len());
        for &share in shares {
            let (pairs, model) = train(share)?;
            let evaluation = self.held_out.evaluate(&model)?;
            let scores = self.scores(&evaluation)?.to_vec();
            runs.push(LearningRun { pairs, scores });
        }
        runs.sort_by_key(|run| run.pairs);
        Ok(self.outcome(&runs)?)
    }

    fn outcome(&self, runs: &[LearningRun]) -> Result<LearningOutcome, EvalError> {
        let (held_out, test) = (self.scores(self.base_held_out)?, self.scores(self.base_test)?);
        let prediction = GainPrediction::new(self.measure, held_out, test, runs, self.full_pairs)?;
        let base = prediction.base;
        let point = |pairs, gain: f64, interval: [f64; 2]| {
            let on_test = |gain: f64| (base + gain).clamp(0.0, 1.0);
            let interval = Some(interval.map(on_test));
            LearningPoint { pairs, value: on_test(gain), interval }
        };
        let mut curve = LearningCurve::new(self.measure);
        curve.confidence = prediction.confidence;
        curve.points.push(LearningPoint { pairs: 0, value: base, interval: None });
        curve.points.extend(runs.iter().map(|run| {
            let gain = Adjusted::new(&differences(run, held_out), held_out, base);
            point(run.pairs, gain.mean, gain.interval(held_out.len()))
        }));
        curve.predicted = Some(point(self.full_pairs, prediction.gain, prediction.interval));
        Ok(LearningOutcome { curve, prediction })
    }

    fn scores<'a>(&self, evaluation: &'a Evaluation) -> Result<&'a [f64], EvalError> {
        evaluation.report.per_query(&self.measure).ok_or_else(|| EvalError::MeasureMissing {
            measure: self.measure.to_string(),
            computed: evaluation.metrics().into_keys().collect::<Vec<_>>().join(", "),
        })
    }
}
