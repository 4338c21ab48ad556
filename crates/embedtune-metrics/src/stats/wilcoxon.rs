//! The signed-rank test (Wilcoxon, 1945).

use serde::{Deserialize, Serialize};

use super::ranks::average_ranks;
use super::special::normal_tail;
use super::{Alternative, Paired};

/// Up to so many differences other than 0 the distribution is counted out by default, as SciPy
/// does; beyond, the normal approximation is right to the third digit of p.
const EXACT_UP_TO: usize = 50;

/// Counting out the distribution beyond this would take megabytes and change nothing.
const COUNTABLE: usize = 1000;

/// What to do with queries where both systems are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Zeros {
    /// Leave them out before ranking (Wilcoxon, 1945).
    #[default]
    Drop,
    /// Rank them with the rest, then leave their ranks out (Pratt, 1959).
    Pratt,
}

/// Settings of [`wilcoxon_test`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WilcoxonOptions {
    /// Default [`Zeros::Drop`].
    pub zeros: Zeros,
    /// Count out the distribution (`Some(true)`, ignored above 1,000 differences) or approximate
    /// it (`Some(false)`). Default `None`: count up to 50 differences other than 0.
    pub exact: Option<bool>,
    /// Move the statistic half a rank towards its mean in the approximation. Default true: the
    /// approximation is conservative without fail then.
    pub continuity_correction: bool,
}

impl Default for WilcoxonOptions {
    fn default() -> Self {
        Self { zeros: Zeros::Drop, exact: None, continuity_correction: true }
    }
}

impl WilcoxonOptions {
    /// Sets [`WilcoxonOptions::zeros`].
    pub fn with_zeros(mut self, zeros: Zeros) -> Self {
        self.zeros = zeros;
        self
    }

    /// Sets [`WilcoxonOptions::exact`].
    pub fn with_exact(mut self, exact: impl Into<Option<bool>>) -> Self {
        self.exact = exact.into();
        self
    }

    /// Sets [`WilcoxonOptions::continuity_correction`].
    pub fn with_continuity_correction(mut self, correction: bool) -> Self {
        self.continuity_correction = correction;
        self
    }
}

/// The outcome of [`wilcoxon_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WilcoxonTest {
    /// Sum of the ranks of the queries where the tuned system is better.
    pub rank_sum_wins: f64,
    /// Sum of the ranks of those where it is worse.
    pub rank_sum_losses: f64,
    /// Whether the distribution was counted out.
    pub exact: bool,
    /// The p-value.
    pub p: f64,
}

/// Tests whether the differences are symmetric around 0 by the ranks of their magnitudes.
///
/// Ranks are insensitive to a few extreme queries, and for the same reason the test is not about
/// the mean: a system that wins a little often and loses much seldom can be significantly better
/// here and worse on average. Report it beside [`permutation_test`](super::permutation_test), not
/// instead of it.
///
/// Equal magnitudes share the mean of their ranks. The counted distribution takes that into
/// account, where SciPy's `method="exact"` does not (its default falls back to the approximation,
/// or to permutations up to 13 values). The approximation is SciPy's, with its corrections for
/// ties and for continuity. p is 1 when no query differs.
pub fn wilcoxon_test(
    paired: &Paired,
    alternative: Alternative,
    options: &WilcoxonOptions,
) -> WilcoxonTest {
    let ranks = SignedRanks::of(paired, options.zeros);
    let (wins, losses) = (ranks.sum(1.0), ranks.sum(-1.0));
    let nonzero = ranks.signed.len();
    let exact = options.exact.unwrap_or(nonzero <= EXACT_UP_TO) && nonzero <= COUNTABLE;
    let p = if nonzero == 0 {
        1.0
    } else if exact {
        ranks.exact_p(wins, alternative)
    } else {
        ranks.normal_p(wins, alternative, options.continuity_correction)
    };
    WilcoxonTest { rank_sum_wins: wins, rank_sum_losses: losses, exact, p }
}

/// The differences other than 0 as ranks of their magnitude with the sign of the difference.
pub(super) struct SignedRanks {
    signed: Vec<f64>,
}

impl SignedRanks {
    pub(super) fn of(paired: &Paired, zeros: Zeros) -> Self {
        let differences = paired.differences();
        let ranked: Vec<f64> = match zeros {
            Zeros::Drop => differences.iter().copied().filter(|&d| d != 0.0).collect(),
            Zeros::Pratt => differences.to_vec(),
        };
        let magnitudes: Vec<f64> = ranked.iter().map(|d| d.abs()).collect();
        let ranks = average_ranks(&magnitudes, paired.resolution()).into_iter().zip(ranked);
        let signed = ranks.filter(|&(_, d)| d != 0.0).map(|(rank, d)| rank.copysign(d)).collect();
        Self { signed }
    }

    pub(super) fn sum(&self, sign: f64) -> f64 {
        self.signed.iter().filter(|&&rank| rank * sign > 0.0).map(|rank| rank.abs()).sum()
    }

    /// Under the null each rank is positive with probability 1/2: the probability of every rank
    /// sum, by adding one rank after the other. Ranks are multiples of 1/2, so twice the sum is a
    /// whole number.
    fn exact_p(&self, wins: f64, alternative: Alternative) -> f64 {
        let mut probability = vec![1.0f64];
        for rank in &self.signed {
            let step = (2.0 * rank.abs()) as usize;
            let mut next = vec![0.0; probability.len() + step];
            for (sum, share) in probability.iter().enumerate() {
                next[sum] += 0.5 * share;
                next[sum + step] += 0.5 * share;
            }
            probability = next;
        }
        let at = (2.0 * wins) as usize;
        let at_most: f64 = probability[..=at].iter().sum();
        let at_least: f64 = probability[at..].iter().sum();
        match alternative {
            Alternative::Greater => at_least,
            Alternative::Less => at_most,
            Alternative::TwoSided => 2.0 * at_least.min(at_most),
        }
        .min(1.0)
    }

    /// The rank sum has mean `Σ r / 2` and variance `Σ r² / 4`; with shared ranks this is the
    /// variance with the usual correction for ties, and with Pratt's ranks Cureton's (1967).
    fn normal_p(&self, wins: f64, alternative: Alternative, correct: bool) -> f64 {
        let mean: f64 = self.signed.iter().map(|rank| 0.5 * rank.abs()).sum();
        let variance: f64 = self.signed.iter().map(|rank| 0.25 * rank * rank).sum();
        let distance = wins - mean;
        let towards_mean = match alternative {
            Alternative::Greater => 0.5,
            Alternative::Less => -0.5,
            Alternative::TwoSided if distance == 0.0 => 0.0,
            Alternative::TwoSided => 0.5 * distance.signum(),
        };
        let z = (distance - if correct { towards_mean } else { 0.0 }) / variance.sqrt();
        match alternative {
            Alternative::Greater => normal_tail(z),
            Alternative::Less => normal_tail(-z),
            Alternative::TwoSided => (2.0 * normal_tail(z.abs())).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{PermutationOptions, permutation};

    fn test(differences: &[f64], options: &WilcoxonOptions) -> WilcoxonTest {
        let paired = Paired::from_differences(differences.to_vec()).unwrap();
        wilcoxon_test(&paired, Alternative::TwoSided, options)
    }

    #[test]
    fn small_cases_are_counted_by_hand() {
        let test = |values: &[f64]| test(values, &WilcoxonOptions::default());
        let all_positive = test(&[0.1, 0.2, 0.4]);
        assert_eq!((all_positive.rank_sum_wins, all_positive.rank_sum_losses), (6.0, 0.0));
        assert_eq!((all_positive.p, all_positive.exact), (0.25, true));
        assert_eq!(test(&[0.0, 0.0]).p, 1.0);
        // Ranks 1.5, 1.5, -3 of any signs: the sums 0, 1.5 (twice), 3 (twice), 4.5 (twice), 6.
        assert_eq!(test(&[0.1, 0.1, -0.5]).p, 1.0);
    }

    #[test]
    fn the_counted_distribution_is_that_of_all_sign_flips_of_the_ranks() {
        let values = vec![0.1, 0.1, -0.5, 0.7, 0.3, -0.3, 0.9, 0.0, 0.4, 0.1, -0.2];
        let paired = Paired::from_differences(values).unwrap();
        for zeros in [Zeros::Drop, Zeros::Pratt] {
            let ranks = SignedRanks::of(&paired, zeros);
            for side in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let counted = ranks.exact_p(ranks.sum(1.0), side);
                let flips =
                    permutation::of_sums(&ranks.signed, side, &PermutationOptions::default());
                assert!((counted - flips.unwrap().p).abs() < 1e-14, "{zeros:?} {side:?}");
            }
        }
    }

    #[test]
    fn the_approximation_meets_the_count_for_many_differences() {
        let values: Vec<f64> = (1..=60).map(|i| f64::from(i * 37 % 101) - 40.0).collect();
        let of = |exact| test(&values, &WilcoxonOptions::default().with_exact(exact)).p;
        assert!((of(true) - of(false)).abs() < 1e-3, "{} {}", of(true), of(false));
    }
}
