//! The sign-flip permutation test for paired values (Fisher, 1935).

use serde::{Deserialize, Serialize};

use super::ComparisonOptions;
use super::random::CounterRng;

/// With so many differences other than 0, all 2^20 sign flips are still counted.
const EXACT_UP_TO: usize = 20;

/// Flipped sums this close to the observed one, relative to the sum of all magnitudes, equal it:
/// they differ in the order of additions alone.
const SUM_TOLERANCE: f64 = 1e-12;

/// How the p-value of a permutation test came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermutationMethod {
    /// Every sign flip was counted (at most 20 differences other than 0).
    Exact,
    /// Seeded samples; `p = (1 + c) / (B + 1)` counts the observed flip as one of them, so that it
    /// is valid and never 0 (Phipson and Smyth, 2010).
    Sampled {
        /// B, the number of sampled flips.
        permutations: u32,
    },
}

pub(super) struct PermutationTest {
    pub(super) p: f64,
    pub(super) method: PermutationMethod,
}

/// Two-sided test of `mean = 0`. Differences of 0 have no sign to flip and drop out.
pub(super) fn test(differences: &[f64], options: &ComparisonOptions) -> PermutationTest {
    let nonzero: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    let sums = FlippedSums::new(&nonzero);
    if nonzero.len() <= EXACT_UP_TO {
        let flips = 1u64 << nonzero.len();
        let extreme = (0..flips).filter(|&signs| sums.is_extreme(|_| signs)).count();
        return PermutationTest {
            p: extreme as f64 / flips as f64,
            method: PermutationMethod::Exact,
        };
    }
    let rng = CounterRng::new(options.seed, 0);
    let words = nonzero.len().div_ceil(64) as u64;
    let permutations = options.permutations;
    let extreme = (0..u64::from(permutations))
        .filter(|flip| sums.is_extreme(|word| rng.at(flip * words + word as u64)))
        .count();
    PermutationTest {
        p: (1 + extreme) as f64 / (f64::from(permutations) + 1.0),
        method: PermutationMethod::Sampled { permutations },
    }
}

/// Sums of the differences under any choice of signs, eight differences per look-up.
struct FlippedSums {
    /// For each eight differences, their sum under each of the 256 choices of signs.
    tables: Vec<[f64; 256]>,
    threshold: f64,
}

impl FlippedSums {
    fn new(differences: &[f64]) -> Self {
        let tables = differences.chunks(8).map(sums_of_eight).collect();
        let observed: f64 = differences.iter().sum();
        let magnitude: f64 = differences.iter().map(|d| d.abs()).sum();
        Self { tables, threshold: observed.abs() - SUM_TOLERANCE * magnitude }
    }

    /// Whether the sum under the signs, bit `i % 64` of `signs(i / 64)` for difference `i`, is as
    /// far from 0 as the observed sum.
    fn is_extreme(&self, signs: impl Fn(usize) -> u64) -> bool {
        let mut sum = 0.0;
        for (word, tables) in self.tables.chunks(8).enumerate() {
            let mut bits = signs(word);
            for table in tables {
                sum += table[(bits & 0xFF) as usize];
                bits >>= 8;
            }
        }
        sum.abs() >= self.threshold
    }
}

fn sums_of_eight(differences: &[f64]) -> [f64; 256] {
    let mut sums = [0.0; 256];
    for (signs, sum) in sums.iter_mut().enumerate() {
        for (bit, difference) in differences.iter().enumerate() {
            *sum += if signs >> bit & 1 == 0 { *difference } else { -difference };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(differences: &[f64]) -> f64 {
        test(differences, &ComparisonOptions::default()).p
    }

    #[test]
    fn small_cases_are_counted_by_hand() {
        assert_eq!(p(&[]), 1.0);
        assert_eq!(p(&[0.0, 0.0]), 1.0);
        assert_eq!(p(&[0.3, 0.0]), 1.0);
        // Of 8 flips, +++ and --- reach 0.6.
        assert_eq!(p(&[0.1, 0.2, 0.3]), 0.25);
        // Sum 0: every flip is as extreme, though 0.1 + 0.2 - 0.3 is not 0 in binary.
        assert_eq!(p(&[0.1, 0.2, -0.3]), 1.0);
    }

    #[test]
    fn sampled_and_exact_agree_where_both_are_possible() {
        let twenty: Vec<f64> = (0..20).map(|i| 0.01 * f64::from(i) - 0.065).collect();
        let exact = test(&twenty, &ComparisonOptions::default());
        assert_eq!(exact.method, PermutationMethod::Exact);
        // A difference that is next to nothing leaves the distribution but forces the sample.
        let mut twenty_one = twenty;
        twenty_one.push(1e-9);
        let sampled = test(&twenty_one, &ComparisonOptions::default());
        assert_eq!(sampled.method, PermutationMethod::Sampled { permutations: 100_000 });
        assert!((exact.p - sampled.p).abs() < 0.005, "{} {}", exact.p, sampled.p);
    }

    #[test]
    fn a_clear_gain_is_never_impossible() {
        let clear = vec![0.1; 100];
        let test = test(&clear, &ComparisonOptions::default().with_permutations(999));
        assert_eq!(test.p, 1.0 / 1000.0);
    }

    #[test]
    fn p_values_are_uniform_when_nothing_differs() {
        let options = ComparisonOptions::default().with_permutations(999);
        let rng = CounterRng::new(7, 99);
        let below = (0..400)
            .filter(|trial| {
                let differences: Vec<f64> = (0..50)
                    .map(|i| rng.at(trial * 50 + i) as f64 / u64::MAX as f64 - 0.5)
                    .collect();
                test(&differences, &options).p < 0.25
            })
            .count();
        // 100 expected; five standard deviations of a binomial count are 43.
        assert!(below.abs_diff(100) < 43, "{below}");
    }
}
