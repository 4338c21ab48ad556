//! Paired values: what every test of this module looks at.

use crate::error::MetricsError;

/// Two values this close, relative to the larger, are the same value computed in another order.
const TIE_TOLERANCE: f64 = 1e-12;

/// The differences `tuned - base` of one measure, one for each query.
///
/// All tests here are paired: queries differ far more from each other than two systems differ on
/// one query, so that a test which forgets the pairing hardly ever finds anything.
///
/// ```
/// use embedtune_metrics::stats::Paired;
///
/// let paired = Paired::new(&[0.2, 0.5, 0.4], &[0.4, 0.5, 0.3])?;
/// assert_eq!((paired.wins(), paired.ties(), paired.losses()), (1, 1, 1));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    differences: Vec<f64>,
    mean: f64,
    /// With n - 1; exactly 0 when all differences are equal.
    std_dev: f64,
    /// Magnitudes of differences that are this close are equal.
    resolution: f64,
}

impl Paired {
    /// Pairs `base[i]` with `tuned[i]`, the values of the same query.
    ///
    /// Values that agree to 1e-12 relative are equal: they differ by the order of additions.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`], [`MetricsError::TooFewQueries`] below 2,
    /// [`MetricsError::NotFinite`].
    pub fn new(base: &[f64], tuned: &[f64]) -> Result<Self, MetricsError> {
        if base.len() != tuned.len() {
            return Err(MetricsError::LengthMismatch { base: base.len(), tuned: tuned.len() });
        }
        for (side, values) in [("base", base), ("tuned", tuned)] {
            check_finite(side, values)?;
        }
        let differences = base.iter().zip(tuned).map(|(&base, &tuned)| difference(base, tuned));
        Self::of(differences.collect(), largest(base).max(largest(tuned)))
    }

    /// Takes differences that were computed elsewhere; exact zeros alone are ties.
    ///
    /// # Errors
    /// [`MetricsError::TooFewQueries`] below 2, [`MetricsError::NotFinite`].
    pub fn from_differences(differences: Vec<f64>) -> Result<Self, MetricsError> {
        check_finite("difference", &differences)?;
        let scale = largest(&differences);
        Self::of(differences, scale)
    }

    /// `scale`: the largest magnitude among the values that were subtracted, whose rounding the
    /// differences inherit.
    fn of(differences: Vec<f64>, scale: f64) -> Result<Self, MetricsError> {
        let count = differences.len();
        if count < 2 {
            return Err(MetricsError::TooFewQueries { queries: count });
        }
        if differences.iter().all(|&d| d == differences[0]) {
            return Ok(Self { mean: differences[0], std_dev: 0.0, resolution: 0.0, differences });
        }
        let mean = mean(&differences);
        let std_dev = std_dev(&differences, mean);
        Ok(Self { differences, mean, std_dev, resolution: TIE_TOLERANCE * scale })
    }

    /// The differences in the order of the queries.
    pub fn differences(&self) -> &[f64] {
        &self.differences
    }

    /// The number of queries, at least 2.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.differences.len()
    }

    /// The mean difference.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation of the differences, with n - 1; exactly 0 when they are all equal.
    pub fn std_dev(&self) -> f64 {
        self.std_dev
    }

    /// Standard error of the mean difference, `sd / √n`.
    pub fn standard_error(&self) -> f64 {
        self.std_dev / (self.len() as f64).sqrt()
    }

    /// 0.7 - 0.5 and 0.4 - 0.2 differ in their last bits: magnitudes within this of each other
    /// share a rank.
    pub(super) fn resolution(&self) -> f64 {
        self.resolution
    }

    /// Queries where the tuned system is better.
    pub fn wins(&self) -> usize {
        self.differences.iter().filter(|&&d| d > 0.0).count()
    }

    /// Queries where both are equal.
    pub fn ties(&self) -> usize {
        self.len() - self.wins() - self.losses()
    }

    /// Queries where the tuned system is worse.
    pub fn losses(&self) -> usize {
        self.differences.iter().filter(|&&d| d < 0.0).count()
    }
}

fn check_finite(side: &'static str, values: &[f64]) -> Result<(), MetricsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(MetricsError::NotFinite { side, index, value: values[index] }),
        None => Ok(()),
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn difference(base: f64, tuned: f64) -> f64 {
    let difference = tuned - base;
    let rounding = TIE_TOLERANCE * base.abs().max(tuned.abs());
    if difference.abs() <= rounding { 0.0 } else { difference }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With n - 1, around a mean that is known already.
pub(super) fn std_dev(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_a_tie_and_equal_differences_have_no_spread() {
        let paired = Paired::new(&[0.3, 0.0], &[0.1 + 0.2, 0.5]).unwrap();
        assert_eq!(paired.differences(), [0.0, 0.5]);
        let flat = Paired::from_differences(vec![0.1; 7]).unwrap();
        assert_eq!((flat.mean(), flat.std_dev(), flat.standard_error()), (0.1, 0.0, 0.0));
    }

    #[test]
    fn unusable_values_are_errors() {
        assert!(matches!(
            Paired::new(&[0.1], &[0.1, 0.2]),
            Err(MetricsError::LengthMismatch { base: 1, tuned: 2 })
        ));
        assert!(matches!(
            Paired::new(&[0.1], &[0.2]),
            Err(MetricsError::TooFewQueries { queries: 1 })
        ));
        assert!(matches!(
            Paired::new(&[0.1, 0.2], &[0.1, f64::NAN]),
            Err(MetricsError::NotFinite { side: "tuned", index: 1, .. })
        ));
        assert!(Paired::from_differences(vec![0.1, f64::INFINITY]).is_err());
    }
}
