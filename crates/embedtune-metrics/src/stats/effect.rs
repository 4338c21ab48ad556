//! How large is the difference, apart from whether it is chance?

use serde::{Deserialize, Serialize};

use super::paired::{mean, std_dev};
use super::special::ln_gamma;
use super::wilcoxon::SignedRanks;
use super::{Paired, Zeros};
use crate::error::MetricsError;

/// Sizes of the effect that do not depend on the number of queries or on the scale of the measure.
///
/// The plain difference of the means remains the first thing to report: it has the unit of the
/// measure. These compare across measures and test sets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectSizes {
    /// Cohen's d_z: `mean / sd` of the differences, with n - 1. This is what decides the power of
    /// a paired test. `None` when the differences do not vary.
    pub cohens_d_z: Option<f64>,
    /// [`Self::cohens_d_z`] times Hedges' correction `J = Γ(ν/2) / (√(ν/2) Γ((ν-1)/2))`,
    /// `ν = n - 1`, without which d is too large on average for few queries. `None` when the
    /// differences do not vary, or for 2 queries, where J is 0.
    pub hedges_g_z: Option<f64>,
    /// Hedges' g on the scale of the systems: the mean difference over the mean of both systems'
    /// variances (its square root), times J (Lakens, 2013, `g_av` in its root-mean-square form).
    /// Comparable with unpaired studies. `None` when neither system varies, or for 2 queries.
    pub hedges_g_av: Option<f64>,
    /// Matched-pairs rank-biserial correlation (Kerby, 2014): the rank sum of the wins less that
    /// of the losses, over both; from -1 (only losses) to 1 (only wins). Goes with
    /// [`wilcoxon_test`](super::wilcoxon_test). `None` when no query differs.
    pub rank_biserial: Option<f64>,
    /// `(wins - losses) / n`, Cliff's delta for paired values (Cliff, 1993): how much likelier a
    /// query is to gain than to lose. From -1 to 1; ties pull it to 0.
    pub dominance: f64,
}

impl EffectSizes {
    /// From the values of both systems, `base[i]` and `tuned[i]` of the same query.
    ///
    /// # Errors
    /// Those of [`Paired::new`].
    ///
    /// ```
    /// use embedtune_metrics::stats::EffectSizes;
    ///
    /// let effect = EffectSizes::new(&[0.2, 0.5, 0.4, 0.9], &[0.4, 0.6, 0.4, 0.8])?;
    /// assert_eq!(effect.dominance, 0.25);
    /// assert!(effect.hedges_g_z < effect.cohens_d_z);
    /// # Ok::<(), embedtune_metrics::MetricsError>(())
    /// ```
    pub fn new(base: &[f64], tuned: &[f64]) -> Result<Self, MetricsError> {
        Ok(Self::of(base, tuned, &Paired::new(base, tuned)?))
    }

    pub(crate) fn of(base: &[f64], tuned: &[f64], paired: &Paired) -> Self {
        let count = paired.len() as f64;
        let correction = (count > 2.0).then(|| hedges_correction(count - 1.0));
        let over = |spread: f64| (spread > 0.0).then(|| paired.mean() / spread);
        let cohens_d_z = over(paired.std_dev());
        // A spread that is nothing but rounding is none.
        let variance = |values: &[f64]| {
            let centre = mean(values);
            let spread = std_dev(values, centre);
            if spread > 1e-12 * centre.abs() { spread.powi(2) } else { 0.0 }
        };
        let both = (0.5 * (variance(base) + variance(tuned))).sqrt();
        Self {
            cohens_d_z,
            hedges_g_z: cohens_d_z.zip(correction).map(|(d, j)| d * j),
            hedges_g_av: over(both).zip(correction).map(|(d, j)| d * j),
            rank_biserial: rank_biserial(paired),
            dominance: (paired.wins() as f64 - paired.losses() as f64) / count,
        }
    }
}

fn hedges_correction(freedom: f64) -> f64 {
    let half = 0.5 * freedom;
    (ln_gamma(half) - ln_gamma(half - 0.5)).exp() / half.sqrt()
}

fn rank_biserial(paired: &Paired) -> Option<f64> {
    let ranks = SignedRanks::of(paired, Zeros::Drop);
    let (wins, losses) = (ranks.sum(1.0), ranks.sum(-1.0));
    (wins + losses > 0.0).then(|| (wins - losses) / (wins + losses))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correction_is_near_its_common_approximation() {
        for freedom in [5.0, 20.0, 1000.0] {
            let approximation = 1.0 - 3.0 / (4.0 * freedom - 1.0);
            assert!((hedges_correction(freedom) - approximation).abs() < 0.002);
        }
        // Γ(1) / Γ(1/2).
        assert!((hedges_correction(2.0) - 0.564_189_583_547_756_3).abs() < 1e-14);
    }

    #[test]
    fn extremes_and_what_is_undefined() {
        let only_wins = EffectSizes::new(&[0.1, 0.2, 0.3], &[0.2, 0.4, 0.7]).unwrap();
        assert_eq!((only_wins.rank_biserial, only_wins.dominance), (Some(1.0), 1.0));
        let same = EffectSizes::new(&[0.5, 0.5], &[0.5, 0.5]).unwrap();
        let none = (None, None, None, None);
        let got = (same.cohens_d_z, same.hedges_g_z, same.hedges_g_av, same.rank_biserial);
        assert_eq!((got, same.dominance), (none, 0.0));
        let constant = EffectSizes::new(&[0.1, 0.3, 0.5], &[0.2, 0.4, 0.6]).unwrap();
        assert!(constant.hedges_g_av.is_some());
        // Sums of such values are off by a last bit, which is no spread.
        let flat = EffectSizes::new(&[0.1; 10], &[0.3; 10]).unwrap();
        assert_eq!(flat.hedges_g_av, None);
    }
}
