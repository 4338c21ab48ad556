//! Is the positive closer to the anchor than the negative?

use serde::{Deserialize, Serialize};

use super::{Closeness, check_lengths, check_scores};
use crate::error::MetricsError;

/// The outcome of [`triplet_accuracy`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TripletReport {
    /// `correct / triplets`, 0 to 1.
    pub accuracy: f64,
    /// The number of triplets.
    pub triplets: usize,
    /// Triplets whose positive is closer by more than the margin.
    pub correct: usize,
    /// Triplets whose positive and negative are equally close. They count as wrong; many of them
    /// mean that texts are duplicates or that the embeddings have collapsed.
    pub ties: usize,
}

/// The share of triplets whose positive is closer to the anchor than the negative.
///
/// `positive[i]` and `negative[i]` are the scores of triplet i. With similarities a triplet is
/// correct when `positive > negative + margin`, with distances when `positive + margin < negative`;
/// strictly, so that ties are wrong, as in Sentence Transformers' `TripletEvaluator` (which
/// compares in single precision).
///
/// # Errors
/// [`MetricsError::UnequalLengths`], [`MetricsError::NothingToScore`] without a triplet,
/// [`MetricsError::BadScore`]; [`MetricsError::InvalidOption`] for a margin that is not finite.
///
/// ```
/// use embedtune_metrics::pairwise::{Closeness, triplet_accuracy};
///
/// let report = triplet_accuracy(&[0.9, 0.4, 0.5], &[0.2, 0.6, 0.5], Closeness::Similarity, 0.0)?;
/// assert_eq!((report.correct, report.ties), (1, 1));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn triplet_accuracy(
    positive: &[f64],
    negative: &[f64],
    closeness: Closeness,
    margin: f64,
) -> Result<TripletReport, MetricsError> {
    check_lengths("negative scores", positive.len(), negative.len())?;
    check_scores("positive score", positive)?;
    check_scores("negative score", negative)?;
    if !margin.is_finite() {
        let (option, expected, got) = ("margin", "a finite number", margin.to_string());
        return Err(MetricsError::InvalidOption { option, expected, got });
    }
    let triplets = positive.len();
    if triplets == 0 {
        return Err(MetricsError::NothingToScore { what: "triplet" });
    }
    let pairs = || positive.iter().zip(negative);
    let is_correct = |&(p, n): &(&f64, &f64)| closeness.toward(*p) > closeness.toward(*n) + margin;
    let correct = pairs().filter(is_correct).count();
    let ties = pairs().filter(|(p, n)| p == n).count();
    Ok(TripletReport { accuracy: correct as f64 / triplets as f64, triplets, correct, ties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_similarities_turned_round() {
        let (near, far) = ([0.1, 0.5, 0.7], [0.4, 0.5, 0.2]);
        let turn = |values: [f64; 3]| values.map(|value| -value);
        for margin in [0.0, 0.25, 0.5, -1.0] {
            let of_distances = triplet_accuracy(&near, &far, Closeness::Distance, margin).unwrap();
            let of_similarities =
                triplet_accuracy(&turn(near), &turn(far), Closeness::Similarity, margin).unwrap();
            assert_eq!(of_distances, of_similarities, "{margin}");
        }
    }

    #[test]
    fn the_margin_is_strict() {
        let of = |margin| triplet_accuracy(&[0.75], &[0.5], Closeness::Similarity, margin).unwrap();
        assert_eq!((of(0.25).correct, of(0.2).correct), (0, 1));
        let of = |margin| triplet_accuracy(&[0.5], &[0.75], Closeness::Distance, margin).unwrap();
        assert_eq!((of(0.25).correct, of(0.2).correct), (0, 1));
    }

    #[test]
    fn what_cannot_be_scored_is_an_error() {
        let of = |p: &[f64], n: &[f64]| triplet_accuracy(p, n, Closeness::Similarity, 0.0);
        assert!(matches!(of(&[], &[]), Err(MetricsError::NothingToScore { .. })));
        assert!(matches!(of(&[0.1], &[]), Err(MetricsError::UnequalLengths { .. })));
        assert!(matches!(
            of(&[0.1, f64::NAN], &[0.1, 0.2]),
            Err(MetricsError::BadScore { index: 1, .. })
        ));
        assert!(triplet_accuracy(&[0.1], &[0.2], Closeness::Distance, f64::NAN).is_err());
    }
}
