//! What one run has to say about the documents of one query, on the common scale.

use super::{FusionMethod, FusionOptions, Normalization};
use crate::error::MetricsError;

/// The values that a run contributes, in rank order.
pub(super) struct Contribution {
    pub(super) values: Vec<f64>,
}

impl Contribution {
    /// `scores` from rank 1 on.
    pub(super) fn of(scores: &[f64], options: &FusionOptions) -> Result<Self, MetricsError> {
        let ranks = 1..=scores.len();
        if let FusionMethod::ReciprocalRank { k } = options.method {
            let values = ranks.map(|rank| 1.0 / (k + rank as f64)).collect();
            return Ok(Self { values });
        }
        if options.normalization == Normalization::Rank {
            let count = scores.len() as f64;
            let values = ranks.map(|rank| 1.0 - (rank - 1) as f64 / count).collect();
            return Ok(Self { values });
        }
        if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
            return Err(MetricsError::BadScore { what: "rank", index, value: scores[index] });
        }
        let (shift, scale) = shift_and_scale(scores, options.normalization);
        let values = scores.iter().map(|score| (score - shift) * scale).collect();
        Ok(Self { values })
    }

    /// The lowest value given; 0 by a run without the query.
    pub(super) fn lowest(&self) -> f64 {
        self.values.iter().copied().reduce(f64::min).unwrap_or(0.0)
    }
}

/// The values are `(score - shift) * scale`; a scale of 0 where all scores are equal.
fn shift_and_scale(scores: &[f64], normalization: Normalization) -> (f64, f64) {
    let count = scores.len() as f64;
    let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let over = |spread: f64| if most > least { 1.0 / spread } else { 0.0 };
    match normalization {
        Normalization::None | Normalization::Rank => (0.0, 1.0),
        Normalization::MinMax => (least, over(most - least)),
        Normalization::Sum => (least, over(scores.iter().map(|score| score - least).sum::<f64>())),
        Normalization::ZScore => {
            let mean = scores.iter().sum::<f64>() / count;
            let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
            (mean, over((squares / count).sqrt()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scores: &[f64], normalization: Normalization) -> Vec<f64> {
        let options = FusionOptions::default()
            .with_method(FusionMethod::CombSum)
            .with_normalization(normalization);
        Contribution::of(scores, &options).unwrap().values
    }

    #[test]
    fn normalisations_by_hand() {
        let scores = [4.0, 2.0, 1.0];
        assert_eq!(of(&scores, Normalization::None), scores);
        assert_eq!(of(&scores, Normalization::MinMax), [1.0, 1.0 / 3.0, 0.0]);
        assert_eq!(of(&scores, Normalization::Sum), [0.75, 0.25, 0.0]);
        assert_eq!(of(&scores, Normalization::Rank), [1.0, 1.0 - 1.0 / 3.0, 1.0 - 2.0 / 3.0]);
        let z = of(&scores, Normalization::ZScore);
        assert!(z.iter().sum::<f64>().abs() < 1e-15);
        assert!((z.iter().map(|z| z * z).sum::<f64>() - 3.0).abs() < 1e-14);
    }

    #[test]
    fn equal_scores_say_nothing_and_no_document_neither() {
        for normalization in [Normalization::MinMax, Normalization::ZScore, Normalization::Sum] {
            assert_eq!(of(&[0.3, 0.3], normalization), [0.0, 0.0]);
            assert!(of(&[], normalization).is_empty());
        }
        assert_eq!(of(&[0.3, 0.3], Normalization::Rank), [1.0, 0.5]);
    }
}
