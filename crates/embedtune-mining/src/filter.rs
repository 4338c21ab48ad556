//! The score filters, which guard against false negatives.

use serde::{Deserialize, Serialize};

use crate::MiningConfig;

/// What happened to the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MiningStats {
    /// Queries mined for.
    pub queries: usize,
    /// Candidates looked at: retrieved, not a positive nor equal to one.
    pub candidates: usize,
    /// Candidates dropped by the absolute margin.
    pub rejected_absolute_margin: usize,
    /// Candidates dropped by the relative margin.
    pub rejected_relative_margin: usize,
    /// Candidates dropped for a score above the maximum.
    pub rejected_max_score: usize,
    /// Candidates dropped for a score below the minimum.
    pub rejected_min_score: usize,
    /// Negatives found, over all queries.
    pub negatives: usize,
    /// Queries with fewer negatives than asked for, those without any included.
    pub short_queries: usize,
    /// Queries without any negative.
    pub empty_queries: usize,
}

impl MiningStats {
    /// Candidates dropped by any filter.
    pub fn rejected(&self) -> usize {
        self.rejected_absolute_margin
            + self.rejected_relative_margin
            + self.rejected_max_score
            + self.rejected_min_score
    }

    /// Share of the candidates that the filters dropped, from 0 to 1. Above a half, labels are
    /// likely incomplete; near 0, the margin does nothing.
    pub fn rejection_rate(&self) -> f64 {
        self.rejected() as f64 / self.candidates.max(1) as f64
    }
}

/// The filters for one query.
pub(crate) struct Filter<'a> {
    config: &'a MiningConfig,
    /// Score of the lowest-scored positive.
    positive: f32,
}

impl<'a> Filter<'a> {
    pub(crate) fn new(config: &'a MiningConfig, positive: f32) -> Self {
        Self { config, positive }
    }

    /// Whether a candidate stays; if not, the filter that dropped it counts it.
    pub(crate) fn keeps(&self, score: f32, stats: &mut MiningStats) -> bool {
        let count = match self.upper_filter(score) {
            None if self.config.min_score.is_some_and(|least| score < least) => {
                &mut stats.rejected_min_score
            }
            None => return true,
            Some(Upper::Absolute) => &mut stats.rejected_absolute_margin,
            Some(Upper::Relative) => &mut stats.rejected_relative_margin,
            Some(Upper::Max) => &mut stats.rejected_max_score,
        };
        *count += 1;
        false
    }

    /// Whether a document drawn at random may serve: it is not suspiciously similar.
    pub(crate) fn keeps_random(&self, score: f32) -> bool {
        self.upper_filter(score).is_none()
    }

    fn upper_filter(&self, score: f32) -> Option<Upper> {
        let Self { config, positive } = *self;
        if config.absolute_margin.is_some_and(|margin| score + margin > positive) {
            Some(Upper::Absolute)
        // Not `positive · (1 − margin)`: that would be above a negative score.
        } else if config.relative_margin.is_some_and(|m| score > positive - positive.abs() * m) {
            Some(Upper::Relative)
        } else if config.max_score.is_some_and(|most| score > most) {
            Some(Upper::Max)
        } else {
            None
        }
    }
}

enum Upper {
    Absolute,
    Relative,
    Max,
}
