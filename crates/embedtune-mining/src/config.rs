//! What counts as a hard negative.

use embedtune_index::IndexConfig;
use serde::{Deserialize, Serialize};

use crate::MiningError;

/// Which of the candidates that pass the filters become negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Sampling {
    /// Those with the highest scores.
    #[default]
    Top,
    /// Any, with equal chance: easier ones, and fewer false negatives among them.
    Random,
}

/// Settings of a [`crate::Miner`].
///
/// Candidates go through the filters in the order of the fields here. Scores are inner products of
/// the vectors given: cosines, if these have length 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MiningConfig {
    /// How candidates are searched; by cost, by default.
    pub index: IndexConfig,
    /// Candidates looked at, positives not counted. The default, 50, leaves a choice after the
    /// margins have taken their share, and harder ones than these are all that is wanted.
    pub top_k: usize,
    /// Absolute margin: a candidate is dropped if its score plus this exceeds the score of the
    /// lowest-scored positive. None by default: the relative margin does the work.
    pub absolute_margin: Option<f32>,
    /// Relative margin: a candidate is dropped if its score exceeds the score `p` of the
    /// lowest-scored positive by more than `−|p| ·` this, so that 0.05 keeps those up to 95 % of
    /// a positive score. What scores that high without a label is more often a missed positive than
    /// a negative; 0.05 is the best value in Moreira et al., *NV-Retriever*, 2024.
    pub relative_margin: Option<f32>,
    /// A candidate that scores above this is dropped. None by default.
    pub max_score: Option<f32>,
    /// A candidate that scores below this is dropped. None by default.
    pub min_score: Option<f32>,
    /// Candidates skipped at the top of those that passed the filters; 0 by default.
    pub range_min: usize,
    /// Which of the rest are taken.
    pub sampling: Sampling,
    /// Negatives for each positive: every positive of a query is paired with the same ones. 3 by
    /// default: more cost training time and add little.
    pub per_positive: usize,
    /// Share of [`per_positive`](Self::per_positive), rounded, that is drawn from the whole corpus
    /// instead of from the candidates; 0 by default, up to 1. Drawn ones pass the same upper
    /// filters, not `min_score`.
    pub random_fraction: f32,
    /// Seed of everything random. A query's draws depend on this and on its text alone.
    pub seed: u64,
}

impl Default for MiningConfig {
    fn default() -> Self {
        Self {
            index: IndexConfig::Auto,
            top_k: 50,
            absolute_margin: None,
            relative_margin: Some(0.05),
            max_score: None,
            min_score: None,
            range_min: 0,
            sampling: Sampling::Top,
            per_positive: 3,
            random_fraction: 0.0,
            seed: 42,
        }
    }
}

macro_rules! setters {
    ($($setter:ident $field:ident: $type:ty;)*) => {
        impl MiningConfig {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    with_index index: IndexConfig;
    with_top_k top_k: usize;
    with_absolute_margin absolute_margin: Option<f32>;
    with_relative_margin relative_margin: Option<f32>;
    with_max_score max_score: Option<f32>;
    with_min_score min_score: Option<f32>;
    with_range_min range_min: usize;
    with_sampling sampling: Sampling;
    with_per_positive per_positive: usize;
    with_random_fraction random_fraction: f32;
    with_seed seed: u64;
}

impl MiningConfig {
    /// How many of a positive's negatives are drawn from the whole corpus.
    pub(crate) fn random_count(&self) -> usize {
        (self.per_positive as f32 * self.random_fraction).round() as usize
    }

    pub(crate) fn validate(&self) -> Result<(), MiningError> {
        let check = |sound: bool, field, value: f64, allowed| {
            if sound { Ok(()) } else { Err(MiningError::Config { field, value, allowed }) }
        };
        let count = |value: usize| value as f64;
        check(self.top_k >= 1, "top_k", count(self.top_k), "at least 1")?;
        let per_positive = count(self.per_positive);
        check(self.per_positive >= 1, "per_positive", per_positive, "at least 1")?;
        let fraction = self.random_fraction;
        let sound = (0.0..=1.0).contains(&fraction);
        check(sound, "random_fraction", f64::from(fraction), "between 0 and 1")?;
        let range_min = count(self.range_min);
        check(self.range_min < self.top_k, "range_min", range_min, "less than top_k")?;
        let hard = self.per_positive - self.random_count();
        let sound = hard <= self.top_k - self.range_min;
        check(sound, "per_positive", per_positive, "at most top_k - range_min")?;
        for (field, margin) in
            [("absolute_margin", self.absolute_margin), ("relative_margin", self.relative_margin)]
        {
            if let Some(margin) = margin {
                let sound = margin >= 0.0 && margin.is_finite();
                check(sound, field, f64::from(margin), "at least 0")?;
            }
        }
        for (field, score) in [("max_score", self.max_score), ("min_score", self.min_score)] {
            if let Some(score) = score {
                check(score.is_finite(), field, f64::from(score), "a finite number")?;
            }
        }
        Ok(())
    }
}
