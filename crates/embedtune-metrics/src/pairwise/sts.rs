//! Does the score grow with the similarity that people gave?

use serde::{Deserialize, Serialize};

use super::{Closeness, check_lengths, check_scores};
use crate::error::MetricsError;
use crate::stats::average_ranks;

/// The outcome of [`evaluate_similarity`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SimilarityReport {
    /// The number of pairs.
    pub pairs: usize,
    /// Pearson's correlation, -1 to 1: how well a straight line fits. `None` when the scores or
    /// the gold similarities do not vary.
    pub pearson: Option<f64>,
    /// Spearman's rank correlation, -1 to 1: whether the order agrees, whatever the scale. The one
    /// to report (Reimers, Beyer and Gurevych, 2016). `None` as above.
    pub spearman: Option<f64>,
}

/// Correlations of scores with gold similarities, as Sentence Transformers'
/// `EmbeddingSimilarityEvaluator` computes them; distances are turned round first.
///
/// # Errors
/// [`MetricsError::UnequalLengths`], [`MetricsError::NothingToScore`] below 2 pairs,
/// [`MetricsError::BadScore`].
///
/// ```
/// use embedtune_metrics::pairwise::{Closeness, evaluate_similarity};
///
/// let report =
///     evaluate_similarity(&[0.9, 0.5, 0.6, 0.1], &[5.0, 3.0, 4.0, 1.0], Closeness::Similarity)?;
/// assert_eq!(report.spearman, Some(1.0));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn evaluate_similarity(
    scores: &[f64],
    gold: &[f64],
    closeness: Closeness,
) -> Result<SimilarityReport, MetricsError> {
    let toward: Vec<f64> = scores.iter().map(|&score| closeness.toward(score)).collect();
    let (pearson, spearman) = (pearson(&toward, gold)?, spearman(&toward, gold)?);
    Ok(SimilarityReport { pairs: scores.len(), pearson, spearman })
}

/// Pearson's correlation `Σ(x - x̄)(y - ȳ) / √(Σ(x - x̄)² Σ(y - ȳ)²)`, -1 to 1; `None` when a side
/// does not vary.
///
/// # Errors
/// Those of [`evaluate_similarity`].
pub fn pearson(x: &[f64], y: &[f64]) -> Result<Option<f64>, MetricsError> {
    check_lengths("values", x.len(), y.len())?;
    check_scores("first value", x)?;
    check_scores("second value", y)?;
    if x.len() < 2 {
        return Err(MetricsError::NothingToScore { what: "two pairs" });
    }
    Ok(correlation(x, y))
}

/// Spearman's correlation: Pearson's of the ranks, where equal values share the mean of their
/// ranks, as in `scipy.stats.spearmanr`.
///
/// # Errors
/// Those of [`evaluate_similarity`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Option<f64>, MetricsError> {
    pearson(x, y)?;
    Ok(correlation(&average_ranks(x, 0.0), &average_ranks(y, 0.0)))
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = (unit(x)?, unit(y)?);
    let product: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    Some(product.clamp(-1.0, 1.0))
}

/// Centred and scaled to length 1; `None` when all values are equal.
fn unit(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().all(|value| *value == values[0]) {
        return None;
    }
    // Values near the largest number must not overflow in their squares, nor tiny ones vanish.
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let scaled: Vec<f64> = values.iter().map(|value| value / largest).collect();
    let mean = scaled.iter().sum::<f64>() / scaled.len() as f64;
    let centred: Vec<f64> = scaled.iter().map(|value| value - mean).collect();
    let length = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
    (length > 0.0).then(|| centred.iter().map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_orders_are_found() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(pearson(&x, &[3.0, 5.0, 7.0, 9.0]).unwrap(), Some(1.0));
        let falling = evaluate_similarity(&x, &[16.0, 9.0, 4.0, 1.0], Closeness::Distance).unwrap();
        assert_eq!(falling.spearman, Some(1.0));
        assert!(falling.pearson.unwrap() < 1.0);
    }

    #[test]
    fn ties_share_ranks() {
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 · 5).
        let got = spearman(&[0.1, 0.2, 0.2, 0.3], &[1.0, 2.0, 3.0, 4.0]).unwrap().unwrap();
        assert!((got - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn constants_have_no_correlation_and_extremes_no_overflow() {
        assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]).unwrap(), None);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[0.0; 3]).unwrap(), None);
        let huge = pearson(&[1e308, -1e308, 0.0], &[1.0, -1.0, 0.0]).unwrap().unwrap();
        assert!((huge - 1.0).abs() < 1e-15);
        assert!(matches!(pearson(&[1.0], &[1.0]), Err(MetricsError::NothingToScore { .. })));
        assert!(pearson(&[1.0, 2.0], &[1.0]).is_err());
        assert!(spearman(&[1.0, f64::INFINITY], &[1.0, 2.0]).is_err());
    }
}
