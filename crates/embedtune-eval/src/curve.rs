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
