//! Is the tuned system better than the base, by how much, and could it be chance?

mod options;
mod reports;

use serde::{Deserialize, Serialize};

pub use self::options::ComparisonOptions;
pub use self::reports::{
    MeasureComparison, ModelPairs, PairComparison, compare_many, compare_reports,
};
use crate::error::MetricsError;
use crate::stats::{
    self, Alternative, BootstrapMeans, BootstrapMethod, EffectSizes, Paired, PermutationMethod,
    WilcoxonOptions, permutation_test, t_test, wilcoxon_test,
};

/// Level and power that [`Comparison::minimum_detectable_effect`] is stated for.
const DETECTION_LEVEL: f64 = 0.05;
const DETECTION_POWER: f64 = 0.8;

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
    /// Two-sided p-value of the Wilcoxon signed-rank test, which is about ranks and not about the
    /// mean: a second opinion.
    pub p_wilcoxon: f64,
    /// Bootstrap interval of `difference` at [`ComparisonOptions::confidence`], `[lower, upper]`,
    /// by [`BootstrapMethod::ExpandedBca`].
    pub interval: [f64; 2],
    /// The same by the plain percentiles of the same samples, as most papers have it.
    pub interval_percentile: [f64; 2],
    /// Standardised effect size for paired data, Cohen's d_z: `difference / sd(differences)`, with
    /// n - 1 in the variance; `None` when the differences do not vary.
    pub effect_size: Option<f64>,
    /// All effect sizes, [`Self::effect_size`] among them.
    pub effects: EffectSizes,
    /// The smallest true difference that a two-sided test at 5 % would find in 80 % of such
    /// experiments, `(t_0.975 + t_0.8) · sd(differences) / √n ≈ 2.80 · sd / √n`, see
    /// [`stats::minimum_detectable_effect`](crate::stats::minimum_detectable_effect). A gain below
    /// it that is not significant is not shown to be absent: the test set is too small to tell.
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
        let paired = Paired::new(base, tuned)?;
        let permutation = permutation_test(&paired, Alternative::TwoSided, &options.permutation())?;
        let drawn = BootstrapMeans::draw(&paired, &options.bootstrap());
        let effects = EffectSizes::of(base, tuned, &paired);
        let (count, spread) = (paired.len(), paired.std_dev());
        let base_mean = stats::mean(base);
        Ok(Self {
            queries: count,
            base_mean,
            tuned_mean: stats::mean(tuned),
            difference: paired.mean(),
            relative_difference: (base_mean != 0.0).then(|| paired.mean() / base_mean),
            wins: paired.wins(),
            ties: paired.ties(),
            losses: paired.losses(),
            p_permutation: permutation.p,
            permutation_method: permutation.method,
            p_t_test: t_test(&paired, Alternative::TwoSided).p,
            p_wilcoxon: wilcoxon(&paired),
            interval: drawn.interval(BootstrapMethod::ExpandedBca),
            interval_percentile: drawn.interval(BootstrapMethod::Percentile),
            effect_size: effects.cohens_d_z,
            effects,
            minimum_detectable_effect: stats::detectable(
                spread,
                count,
                DETECTION_LEVEL,
                DETECTION_POWER,
            ),
        })
    }

    /// Whether the permutation test rejects "no difference" at level `alpha`, in either direction:
    /// look at [`Self::difference`] for its sign.
    pub fn significant(&self, alpha: f64) -> bool {
        self.p_permutation < alpha
    }
}

fn wilcoxon(paired: &Paired) -> f64 {
    wilcoxon_test(paired, Alternative::TwoSided, &WilcoxonOptions::default()).p
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
