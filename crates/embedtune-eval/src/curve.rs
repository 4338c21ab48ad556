//! The course of a training run, as a report draws it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Losses and dev evaluations by step. Evaluation knows no trainer: whoever ran one fills this in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingCurve {
    /// Loss and learning rate by step, in order.
    pub points: Vec<CurvePoint>,
    /// Dev metrics by step, in order; step 0 is the base model.
    pub evaluations: Vec<CurveEvaluation>,
    /// The dev metric that chose the model, one of the keys of the evaluations.
    pub metric: Option<String>,
    /// The step whose weights were kept.
    pub kept_step: Option<u64>,
}

impl TrainingCurve {
    /// The dev metric that chose the model, or the first there is; `None` if nothing was evaluated.
    pub fn decisive_metric(&self) -> Option<&str> {
        let first = || self.evaluations.first()?.metrics.keys().next().map(String::as_str);
        let known = |name: &&str| self.evaluations.iter().any(|it| it.metrics.contains_key(*name));
        self.metric.as_deref().filter(known).or_else(first)
    }

    /// `(step, value)` of a dev metric, in order of the step.
    pub fn values_of(&self, metric: &str) -> Vec<(f64, f64)> {
        let value = |it: &CurveEvaluation| Some((it.step as f64, *it.metrics.get(metric)?));
        self.evaluations.iter().filter_map(value).collect()
    }

    /// The curve with at most `most` points: neighbours become their mean, at the last of their
    /// steps. Evaluations stay.
    pub fn thinned(&self, most: usize) -> Self {
        let group = self.points.len().div_ceil(most.max(1)).max(1);
        let mean = |group: &[CurvePoint], value: fn(&CurvePoint) -> f64| {
            group.iter().map(value).sum::<f64>() / group.len() as f64
        };
        let points = self.points.chunks(group).map(|group| CurvePoint {
            step: group[group.len() - 1].step,
            loss: mean(group, |point| point.loss),
            lr: mean(group, |point| point.lr),
        });
        Self { points: points.collect(), ..self.clone() }
    }
}

/// One training step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Optimizer steps done, from 1.
    pub step: u64,
    /// Loss of the step.
    pub loss: f64,
    /// Learning rate of the step.
    pub lr: f64,
}

/// One evaluation on the dev split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CurveEvaluation {
    /// Optimizer steps done before it.
    pub step: u64,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_curve_keeps_its_end_and_its_mean() {
        let point = |step: u64| CurvePoint { step, loss: step as f64, lr: 1e-5 };
        let curve = TrainingCurve { points: (1..=1000).map(point).collect(), ..Default::default() };
        let thin = curve.thinned(100);
        assert_eq!((thin.points.len(), thin.points[99].step), (100, 1000));
        assert_eq!(thin.points[0], CurvePoint { step: 10, loss: 5.5, lr: 1e-5 });
        assert_eq!(curve.thinned(1000), curve);
        assert_eq!(TrainingCurve::default().thinned(10), TrainingCurve::default());
    }

    #[test]
    fn the_metric_that_decides_is_one_that_was_measured() {
        let metric = Some("ndcg@10".to_owned());
        let mut curve = TrainingCurve { metric, ..TrainingCurve::default() };
        assert_eq!(curve.decisive_metric(), None);
        let metrics = BTreeMap::from([("mrr@10".to_owned(), 0.5)]);
        curve.evaluations = vec![CurveEvaluation { step: 3, metrics }];
        assert_eq!(curve.decisive_metric(), Some("mrr@10"));
        assert_eq!(curve.values_of("mrr@10"), [(3.0, 0.5)]);
        assert!(curve.values_of("ndcg@10").is_empty());
    }
}
