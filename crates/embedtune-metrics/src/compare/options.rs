//! How to compare.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::stats::{BootstrapOptions, PermutationOptions};

/// Settings of a [`Comparison`](crate::Comparison).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ComparisonOptions {
    /// Sampled sign flips when there are too many to count them all. Default 100,000: near
    /// p = 0.05 the sampling error is then 0.0007.
    pub permutations: u32,
    /// Bootstrap samples for the interval. Default 10,000: its ends move by about one hundredth of
    /// the standard error from seed to seed.
    pub bootstrap_samples: u32,
    /// Coverage of the interval, between 0 and 1. Default 0.95.
    pub confidence: f64,
    /// Seed of both samples. Default 42: the same input gives the same report.
    pub seed: u64,
    /// Threads to use; no value depends on them. Default 0: as many as the machine has, and one
    /// where more would not pay.
    pub threads: usize,
}

impl Default for ComparisonOptions {
    fn default() -> Self {
        Self {
            permutations: 100_000,
            bootstrap_samples: 10_000,
            confidence: 0.95,
            seed: 42,
            threads: 0,
        }
    }
}

impl ComparisonOptions {
    /// Sets [`ComparisonOptions::permutations`].
    pub fn with_permutations(mut self, permutations: u32) -> Self {
        self.permutations = permutations;
        self
    }

    /// Sets [`ComparisonOptions::bootstrap_samples`].
    pub fn with_bootstrap_samples(mut self, samples: u32) -> Self {
        self.bootstrap_samples = samples;
        self
    }

    /// Sets [`ComparisonOptions::confidence`].
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets [`ComparisonOptions::seed`].
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`ComparisonOptions::threads`].
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Those of the permutation test.
    pub fn permutation(&self) -> PermutationOptions {
        PermutationOptions::default()
            .with_resamples(self.permutations)
            .with_seed(self.seed)
            .with_threads(self.threads)
    }

    /// Those of the intervals.
    pub fn bootstrap(&self) -> BootstrapOptions {
        BootstrapOptions::default()
            .with_samples(self.bootstrap_samples)
            .with_confidence(self.confidence)
            .with_seed(self.seed)
            .with_threads(self.threads)
    }

    pub(super) fn validate(&self) -> Result<(), MetricsError> {
        let at_least_one = "at least 1";
        let refuse = |option, expected, got: String| {
            Err(MetricsError::InvalidOption { option, expected, got })
        };
        if self.permutations == 0 {
            return refuse("permutations", at_least_one, "0".to_owned());
        }
        if self.bootstrap_samples == 0 {
            return refuse("bootstrap_samples", at_least_one, "0".to_owned());
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let got = self.confidence.to_string();
            return refuse("confidence", "a number between 0 and 1, both excluded", got);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused() {
        assert!(ComparisonOptions::default().validate().is_ok());
        for bad in [
            ComparisonOptions::default().with_permutations(0),
            ComparisonOptions::default().with_bootstrap_samples(0),
            ComparisonOptions::default().with_confidence(1.0),
            ComparisonOptions::default().with_confidence(f64::NAN),
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
