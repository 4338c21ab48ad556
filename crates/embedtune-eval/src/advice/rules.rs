//! The thresholds.

use serde::{Deserialize, Serialize};

use super::{Need, Supply};

/// Thresholds of an [`Advice`](super::Advice). The defaults are rules of thumb for small encoders
/// trained on (query, document) pairs, not laws: a measured learning curve beats them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdviceRules {
    /// Recall@10 below which fine-tuning is essential. Default 0.75: one answer in four is lost
    /// before any re-ranking.
    pub essential_below: f64,
    /// Recall@10 below which fine-tuning is worthwhile. Default 0.80.
    pub worthwhile_below: f64,
    /// Recall@10 up to which (included) fine-tuning may help. Default 0.85; above it re-ranking or
    /// better chunks usually bring more.
    pub marginal_above: f64,
    /// Pairs below which there is too little to learn from. Default 500.
    pub min_pairs: usize,
    /// Pairs from which on overfitting is no great risk. Default 1,000.
    pub recommended_pairs: usize,
    /// Pairs above which more bring less and less. Default 5,000.
    pub diminishing_above: usize,
    /// Test queries below which the verdict is not trusted. Default 100: the standard error of a
    /// recall of 0.8 is then 0.04, nearly the distance between two thresholds.
    pub min_test_queries: usize,
}

impl Default for AdviceRules {
    fn default() -> Self {
        Self {
            essential_below: 0.75,
            worthwhile_below: 0.80,
            marginal_above: 0.85,
            min_pairs: 500,
            recommended_pairs: 1_000,
            diminishing_above: 5_000,
            min_test_queries: 100,
        }
    }
}

impl AdviceRules {
    pub(super) fn need(&self, recall: f64) -> Need {
        match recall {
            recall if recall < self.essential_below => Need::Essential,
            recall if recall < self.worthwhile_below => Need::Worthwhile,
            recall if recall > self.marginal_above => Need::Marginal,
            _ => Need::TryIt,
        }
    }

    pub(super) fn supply(&self, pairs: usize) -> Supply {
        match pairs {
            pairs if pairs < self.min_pairs => Supply::TooFew,
            pairs if pairs < self.recommended_pairs => Supply::OverfittingRisk,
            pairs if pairs > self.diminishing_above => Supply::DiminishingReturns,
            _ => Supply::Enough,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_falls_on_its_side() {
        let rules = AdviceRules::default();
        for (recall, need) in [
            (0.0, Need::Essential),
            (0.7499, Need::Essential),
            (0.75, Need::Worthwhile),
            (0.7999, Need::Worthwhile),
            (0.80, Need::TryIt),
            (0.85, Need::TryIt),
            (0.8501, Need::Marginal),
            (1.0, Need::Marginal),
        ] {
            assert_eq!(rules.need(recall), need, "{recall}");
        }
        for (pairs, supply) in [
            (0, Supply::TooFew),
            (499, Supply::TooFew),
            (500, Supply::OverfittingRisk),
            (999, Supply::OverfittingRisk),
            (1_000, Supply::Enough),
            (5_000, Supply::Enough),
            (5_001, Supply::DiminishingReturns),
        ] {
            assert_eq!(rules.supply(pairs), supply, "{pairs}");
        }
    }
}
