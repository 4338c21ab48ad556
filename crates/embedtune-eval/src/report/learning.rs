//! What more training pairs bring.

use embedtune_metrics::Measure;
use serde::{Deserialize, Serialize};

/// Quality by number of training pairs: measured with short runs on parts of the data, and where
/// the whole is expected to arrive. Evaluation knows no trainer: whoever ran one fills this in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LearningCurve {
    /// What was measured.
    pub measure: Measure,
    /// Measured points, in order of their pairs; a point at 0 pairs is the base model.
    pub points: Vec<LearningPoint>,
    /// What is expected of a full run.
    pub predicted: Option<LearningPoint>,
    /// Coverage of the intervals, 0.95 for example.
    pub confidence: f64,
}

impl LearningCurve {
    /// A curve of `measure` without points yet, whose intervals cover 95 %.
    pub fn new(measure: Measure) -> Self {
        Self { measure, points: Vec::new(), predicted: None, confidence: 0.95 }
    }
}

/// Quality after training on some pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// Pairs trained on.
    pub pairs: usize,
    /// Mean of the measure over the queries.
    pub value: f64,
    /// Confidence or prediction interval of the value, `[lower, upper]`.
    pub interval: Option<[f64; 2]>,
}
