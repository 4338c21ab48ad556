//! Is the tuned system better than the base, by how much, and could it be chance?

mod bootstrap;
mod holm;
mod options;
mod permutation;
mod random;
mod reports;
mod t_test;

use serde::{Deserialize, Serialize};

pub use self::holm::holm;
pub use self::options::ComparisonOptions;
pub use self::permutation::PermutationMethod;
pub use self::reports::{MeasureComparison, compare_reports};
use crate::error::MetricsError;

/// Two values this close, relative to the larger, are the same value computed in another order.
const TIE_TOLERANCE: f64 = 1e-12;

/// 1.960 + 0.842: the quantiles of a two-sided test at 5 % and of a power of 80 %.
const DETECTION_QUANTILES: f64 = 2.801_585_218_112_969;

/// A paired comparison of one measure over the same queries: `tuned - base` throughout.
///
/// ```
/// use embedtune_metrics::{Comparison, ComparisonOptions};
///
/// let base = [0.2, 0.5, 0.4, 0.9, 0.3, 0.1, 0.6];
/// let tuned = [0.4, 0.6, 0.4, 1.0, 0.5, 0.3, 0.7];
/// let comparison = Comparison::new(&base, &tuned, &ComparisonOptions::default())?;
/// assert_eq!((comparison.wins, comparison.ties, comparison.losses), (6, 1, 0));
/// assert_eq!(comparison.p_permutation, 2.0 / 64.0);
/// assert!(comparison.significant(0.05));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The number of queries.
    pub queries: usize,
    /// The mean of the base system.
    pub base_mean: f64,
    /// The mean of the tuned system.
    pub tuned_mean: f64,
    /// `tuned_mean - base_mean`, computed as the mean of the differences.
    pub difference: f64,
    /// `difference / base_mean`, or `None` when the base mean is 0.
    pub relative_difference: Option<f64>,
    /// Queries where the tuned system is better.
    pub wins: usize,
    /// Queries where both are equal, up to rounding (1e-12 relative).
    pub ties: usize,
    /// Queries where the tuned system is worse.
    pub losses: usize,
    /// Two-sided p-value of the sign-flip permutation test: how often a difference of this size or
    /// more arises when, in each query, chance decides which system gets which value. It assumes
    /// nothing about the distribution of the differences, so it decides [`Self::significant`].
    pub p_permutation: f64,
    /// Whether all sign flips were counted or a seeded sample of them.
    pub permutation_method: PermutationMethod,
    /// Two-sided p-value of the paired t-test. 1 when all differences are 0, 0 when they are all
    /// the same other number.
    pub p_t_test: f64,
    /// Bootstrap percentile interval of `difference` at [`ComparisonOptions::confidence`]:
    /// `[lower, upper]`.
    pub interval: [f64; 2],
    /// Standardised effect size for paired data, Cohen's d_z: `difference / sd(differences)`, with
    /// n - 1 in the variance; `None` when the differences do not vary.
    pub effect_size: Option<f64>,
    /// The smallest true difference that a two-sided test at 5 % would find in 80 % of such
    /// experiments, `(z_0.975 + z_0.8) · sd(differences) / √n ≈ 2.80 · sd / √n`. A gain below it
    /// that is not significant is not shown to be absent: the test set is too small to tell.
    pub minimum_detectable_effect: f64,
}

impl Comparison {
    /// Compares the values of one measure per query: `base[i]` and `tuned[i]` of the same query.
    ///
    /// The outcome depends on the values, their order and the seed alone, not on the machine's
    /// number of cores.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`], [`MetricsError::TooFewQueries`] below 2,
    /// [`MetricsError::NotFinite`], [`MetricsError::InvalidOption`].
    pub fn new(
        base: &[f64],
        tuned: &[f64],
        options: &ComparisonOptions,
    ) -> Result<Self, MetricsError> {
        options.validate()?;
        check_values(base, tuned)?;
        let differences: Vec<f64> =
            base.iter().zip(tuned).map(|(&base, &tuned)| difference(base, tuned)).collect();
        let spread = Spread::of(&differences);
        let base_mean = mean(base);
        let permutation = permutation::test(&differences, options);
        let wins = differences.iter().filter(|&&d| d > 0.0).count();
        let losses = differences.iter().filter(|&&d| d < 0.0).count();
        Ok(Self {
            queries: base.len(),
            base_mean,
            tuned_mean: mean(tuned),
            difference: spread.mean,
            relative_difference: (base_mean != 0.0).then(|| spread.mean / base_mean),
            wins,
            ties: base.len() - wins - losses,
            losses,
            p_permutation: permutation.p,
            permutation_method: permutation.method,
            p_t_test: t_test::p_value(&spread),
            interval: bootstrap::percentile_interval(&differences, options),
            effect_size: (spread.deviation > 0.0).then(|| spread.mean / spread.deviation),
            minimum_detectable_effect: DETECTION_QUANTILES * spread.standard_error(),
        })
    }

    /// Whether the permutation test rejects "no difference" at level `alpha`, in either direction:
    /// look at [`Self::difference`] for its sign.
    pub fn significant(&self, alpha: f64) -> bool {
        self.p_permutation < alpha
    }
}

fn check_values(base: &[f64], tuned: &[f64]) -> Result<(), MetricsError> {
    if base.len() != tuned.len() {
        return Err(MetricsError::LengthMismatch { base: base.len(), tuned: tuned.len() });
    }
    if base.len() < 2 {
        return Err(MetricsError::TooFewQueries { queries: base.len() });
    }
    for (side, values) in [("base", base), ("tuned", tuned)] {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(MetricsError::NotFinite { side, index, value: values[index] });
        }
    }
    Ok(())
}

fn difference(base: f64, tuned: f64) -> f64 {
    let difference = tuned - base;
    let rounding = TIE_TOLERANCE * base.abs().max(tuned.abs());
    if difference.abs() <= rounding { 0.0 } else { difference }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean and spread of the differences.
struct Spread {
    count: usize,
    mean: f64,
    /// Standard deviation with n - 1; exactly 0 when all differences are equal.
    deviation: f64,
}

impl Spread {
    fn of(differences: &[f64]) -> Self {
        let count = differences.len();
        if differences.iter().all(|&d| d == differences[0]) {
            return Self { count, mean: differences[0], deviation: 0.0 };
        }
        let mean = mean(differences);
        let squares: f64 = differences.iter().map(|d| (d - mean) * (d - mean)).sum();
        Self { count, mean, deviation: (squares / (count - 1) as f64).sqrt() }
    }

    fn standard_error(&self) -> f64 {
        self.deviation / (self.count as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(base: &[f64], tuned: &[f64]) -> Result<Comparison, MetricsError> {
        Comparison::new(base, tuned, &ComparisonOptions::default())
    }

    #[test]
    fn equal_systems_are_not_different() {
        let same = compare(&[0.1, 0.4, 0.7], &[0.1, 0.4, 0.7]).unwrap();
        assert_eq!((same.p_permutation, same.p_t_test), (1.0, 1.0));
        assert_eq!((same.difference, same.interval), (0.0, [0.0, 0.0]));
        assert_eq!((same.effect_size, same.minimum_detectable_effect), (None, 0.0));
        assert_eq!((same.wins, same.ties, same.losses), (0, 3, 0));
    }

    #[test]
    fn swapping_the_sides_turns_every_sign() {
        let base = [0.1, 0.5, 0.25, 0.75, 0.3];
        let tuned = [0.2, 0.5, 0.5, 0.5, 0.9];
        let there = compare(&base, &tuned).unwrap();
        let back = compare(&tuned, &base).unwrap();
        assert_eq!(there.difference, -back.difference);
        assert_eq!((there.wins, there.losses), (back.losses, back.wins));
        assert_eq!(there.p_permutation, back.p_permutation);
        assert_eq!(there.p_t_test, back.p_t_test);
    }

    #[test]
    fn rounding_is_a_tie_and_a_base_of_zero_has_no_relative_gain() {
        let comparison = compare(&[0.0, 0.3], &[0.5, 0.1 + 0.2]).unwrap();
        assert_eq!((comparison.wins, comparison.ties), (1, 1));
        let comparison = compare(&[0.0, 0.0], &[0.5, 0.1]).unwrap();
        assert_eq!(comparison.relative_difference, None);
    }

    #[test]
    fn unusable_values_are_errors() {
        assert!(matches!(
            compare(&[0.1], &[0.1, 0.2]),
            Err(MetricsError::LengthMismatch { base: 1, tuned: 2 })
        ));
        assert!(matches!(compare(&[0.1], &[0.2]), Err(MetricsError::TooFewQueries { queries: 1 })));
        assert!(matches!(
            compare(&[0.1, 0.2], &[0.1, f64::NAN]),
            Err(MetricsError::NotFinite { side: "tuned", index: 1, .. })
        ));
    }

    #[test]
    fn a_constant_gain_is_certain() {
        let comparison = compare(&[0.0, 0.0, 0.0], &[0.1, 0.1, 0.1]).unwrap();
        assert_eq!(comparison.p_t_test, 0.0);
        assert_eq!(comparison.effect_size, None);
        assert_eq!(comparison.p_permutation, 0.25);
    }
}
