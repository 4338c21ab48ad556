//! How to fuse.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;

/// How the runs' opinions of a document become one score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FusionMethod {
    /// `Σ w / (k + rank)`, ranks from 1 (RRF; Cormack, Clarke and Büttcher, 2009). Scores do not
    /// matter.
    ReciprocalRank {
        /// The larger, the less the very first ranks stand out. 60 in the paper and by default.
        k: f64,
    },
    /// `Σ w · score` of the normalised scores (Fox and Shaw, 1994).
    CombSum,
    /// [`Self::CombSum`] times the number of runs that retrieved the document (Fox and Shaw, 1994).
    CombMnz,
}

impl FusionMethod {
    /// Reciprocal rank fusion with the paper's k.
    pub const RRF: Self = Self::ReciprocalRank { k: 60.0 };
}

/// What is made of a run's scores of one query before they are added; reciprocal rank fusion takes
/// no notice of it.
///
/// Scores of different systems must be brought to one scale: cosines lie in [-1, 1], BM25 scores
/// have no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normalization {
    /// As they are. For systems with the same kind of score.
    None,
    /// `(score - min) / (max - min)`: 1 for the best document, 0 for the last one retrieved. All
    /// scores equal: 0.
    #[default]
    MinMax,
    /// `(score - mean) / sd` (ZMUV), sd with n. Less swayed by one outlier than min-max. All scores
    /// equal: 0. Mind [`MissingScore`].
    ZScore,
    /// `(score - min) / Σ (score - min)`: the scores of a query sum to 1. All scores equal: 0.
    Sum,
    /// `1 - (rank - 1) / n`: 1 for the best, `1/n` for the last of n documents (Borda's count).
    Rank,
}

/// What a run contributes to documents that it did not retrieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissingScore {
    /// Nothing, as the methods are defined and as ranx does. With min-max and sum this is the value
    /// of the last document retrieved; with z-scores it is that of the **mean** document, which
    /// favours what a run did not find over what it found and ranked low.
    #[default]
    Zero,
    /// The lowest value that the run gave for the query. The one to take with z-scores. The
    /// number of runs in [`FusionMethod::CombMnz`] remains that of the runs that retrieved it.
    Lowest,
}

/// Settings of [`fuse`](super::fuse).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FusionOptions {
    /// Default [`FusionMethod::RRF`]: it works without tuning.
    pub method: FusionMethod,
    /// Default [`Normalization::MinMax`], as in ranx.
    pub normalization: Normalization,
    /// A factor for each run. Default empty: 1 for all.
    pub weights: Vec<f64>,
    /// Default [`MissingScore::Zero`].
    pub missing: MissingScore,
    /// Documents to take from each run per query, best first, before anything else. Default `None`:
    /// all.
    pub depth: Option<usize>,
    /// Documents to keep in the fused run per query. Default `None`: all.
    pub keep: Option<usize>,
}

impl Default for FusionOptions {
    fn default() -> Self {
        Self {
            method: FusionMethod::RRF,
            normalization: Normalization::MinMax,
            weights: Vec::new(),
            missing: MissingScore::Zero,
            depth: None,
            keep: None,
        }
    }
}

impl FusionOptions {
    /// Sets [`FusionOptions::method`].
    pub fn with_method(mut self, method: FusionMethod) -> Self {
        self.method = method;
        self
    }

    /// Sets [`FusionOptions::normalization`].
    pub fn with_normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Sets [`FusionOptions::weights`].
    pub fn with_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.weights = weights.into();
        self
    }

    /// Sets [`FusionOptions::missing`].
    pub fn with_missing(mut self, missing: MissingScore) -> Self {
        self.missing = missing;
        self
    }

    /// Sets [`FusionOptions::depth`].
    pub fn with_depth(mut self, depth: impl Into<Option<usize>>) -> Self {
        self.depth = depth.into();
        self
    }

    /// Sets [`FusionOptions::keep`].
    pub fn with_keep(mut self, keep: impl Into<Option<usize>>) -> Self {
        self.keep = keep.into();
        self
    }

    pub(super) fn weight(&self, run: usize) -> f64 {
        self.weights.get(run).copied().unwrap_or(1.0)
    }

    pub(super) fn validate(&self, runs: usize) -> Result<(), MetricsError> {
        let refuse = |option, expected, got: String| {
            Err(MetricsError::InvalidOption { option, expected, got })
        };
        if runs == 0 {
            return refuse("runs", "at least 1", "0".to_owned());
        }
        if !self.weights.is_empty() && self.weights.len() != runs {
            let (expected, got) = (runs, self.weights.len());
            return Err(MetricsError::UnequalLengths { what: "weights", expected, got });
        }
        if let Some(weight) = self.weights.iter().find(|weight| !weight.is_finite()) {
            return refuse("weights", "finite numbers", weight.to_string());
        }
        for (option, value) in [("depth", self.depth), ("keep", self.keep)] {
            if value == Some(0) {
                return refuse(option, "at least 1", "0".to_owned());
            }
        }
        match self.method {
            FusionMethod::ReciprocalRank { k } if !(k >= 0.0 && k.is_finite()) => {
                refuse("k", "a number that is not negative", k.to_string())
            }
            _ => Ok(()),
        }
    }
}
