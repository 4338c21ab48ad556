//! The sign-flip permutation test for paired values (Fisher, 1935).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::random::CounterRng;
use super::{Alternative, Paired, threads};
use crate::error::MetricsError;

/// With so many differences other than 0, all 2^20 sign flips are still counted.
const EXACT_UP_TO: usize = 20;

/// Flipped sums this close to the observed one, relative to the sum of all magnitudes, equal it:
/// they differ in the order of additions alone.
const SUM_TOLERANCE: f64 = 1e-12;

/// Resamples that are summed side by side: their sums and one word's tables stay in the L1 cache.
const BLOCK: usize = 512;

/// Settings of [`permutation_test`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PermutationOptions {
    /// Sampled sign flips when there are too many to count them all. Default 100,000: near
    /// p = 0.05 the sampling error is then 0.0007.
    pub resamples: u32,
    /// Seed of the sample. Default 42: the same input gives the same p.
    pub seed: u64,
    /// Threads to use; the result does not depend on them. Default 0: as many as the machine
    /// has, and one where more would not pay.
    pub threads: usize,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        Self { resamples: 100_000, seed: 42, threads: 0 }
    }
}

impl PermutationOptions {
    /// Sets [`PermutationOptions::resamples`].
    pub fn with_resamples(mut self, resamples: u32) -> Self {
        self.resamples = resamples;
        self
    }

    /// Sets [`PermutationOptions::seed`].
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`PermutationOptions::threads`].
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

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

/// The outcome of [`permutation_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PermutationTest {
    /// The p-value, above 0.
    pub p: f64,
    /// Whether all sign flips were counted or a seeded sample of them.
    pub method: PermutationMethod,
}

/// Tests whether it is chance which system got which value of each query.
///
/// If the systems are exchangeable, each difference could as well have had the other sign. p is
/// the share of all sign flips whose mean is as far from 0 as the observed one (or as high, or as
/// low, for the one-sided alternatives). Nothing is assumed about the distribution of the
/// differences, so this is the test to choose first. Ties drop out: they have no sign.
///
/// With up to 20 differences other than 0 all flips are counted, else
/// [`PermutationOptions::resamples`] of them are drawn, by position from a counter-based generator:
/// p depends on the differences, their order and the seed alone.
///
/// # Errors
/// [`MetricsError::InvalidOption`] for 0 resamples.
///
/// ```
/// use embedtune_metrics::stats::{Alternative, Paired, permutation_test};
///
/// let paired = Paired::from_differences(vec![0.1, 0.2, 0.3])?;
/// let test = permutation_test(&paired, Alternative::TwoSided, &Default::default())?;
/// assert_eq!(test.p, 2.0 / 8.0); // Of 8 flips, +++ and --- reach 0.6.
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn permutation_test(
    paired: &Paired,
    alternative: Alternative,
    options: &PermutationOptions,
) -> Result<PermutationTest, MetricsError> {
    of_sums(paired.differences(), alternative, options)
}

/// The test of any values whose signs chance may have given: differences, or their sums by cluster.
pub(super) fn of_sums(
    values: &[f64],
    alternative: Alternative,
    options: &PermutationOptions,
) -> Result<PermutationTest, MetricsError> {
    super::check_positive("resamples", options.resamples)?;
    // Flipping all signs turns "as low as" into "as high as".
    let turn = if alternative == Alternative::Less { -1.0 } else { 1.0 };
    let nonzero: Vec<f64> = values.iter().filter(|&&d| d != 0.0).map(|d| turn * d).collect();
    let extreme = Extreme::new(&nonzero, alternative == Alternative::TwoSided);
    if nonzero.len() <= EXACT_UP_TO {
        let flips = (1u64 << nonzero.len()) as f64;
        let p = count_all(&nonzero, extreme) as f64 / flips;
        return Ok(PermutationTest { p, method: PermutationMethod::Exact });
    }
    let permutations = options.resamples;
    let c = count_sampled(&nonzero, extreme, options);
    let p = (1 + c) as f64 / (f64::from(permutations) + 1.0);
    Ok(PermutationTest { p, method: PermutationMethod::Sampled { permutations } })
}

/// Which flipped sums count as at least as extreme as the observed one.
#[derive(Clone, Copy)]
struct Extreme {
    threshold: f64,
    two_sided: bool,
}

impl Extreme {
    fn new(values: &[f64], two_sided: bool) -> Self {
        let observed: f64 = values.iter().sum();
        let magnitude: f64 = values.iter().map(|d| d.abs()).sum();
        let observed = if two_sided { observed.abs() } else { observed };
        Self { threshold: observed - SUM_TOLERANCE * magnitude, two_sided }
    }

    fn reached_by(self, sum: f64) -> bool {
        let sum = if self.two_sided { sum.abs() } else { sum };
        sum >= self.threshold
    }
}

/// Counts over all 2^n flips: each is one of the first half's sums plus one of the second half's.
fn count_all(values: &[f64], extreme: Extreme) -> u64 {
    let (first, second) = values.split_at(values.len() / 2);
    let (first, second) = (signed_sums(first), signed_sums(second));
    let count = |&a: &f64| second.iter().filter(|&&b| extreme.reached_by(a + b)).count() as u64;
    first.iter().map(count).sum()
}

/// The sums of `values` under each choice of signs; a set bit of the index turns a sign.
fn signed_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let turned: Vec<f64> = sums.iter().map(|sum| sum - value).collect();
        sums.iter_mut().for_each(|sum| *sum += value);
        sums.extend(turned);
    }
    sums
}

/// Counts over a sample of flips: bit `i % 64` of word `i / 64` of a resample turns value `i`.
///
/// A byte of signs picks the sum of eight values from a table, so that a resample of 1,000 values
/// costs 125 additions and 16 random words. Word by word over a block of resamples, the eight
/// tables in use (16 KiB) stay in the fastest cache.
fn count_sampled(values: &[f64], extreme: Extreme, options: &PermutationOptions) -> u64 {
    let rng = CounterRng::new(options.seed, 0);
    let words: Vec<[[f64; 256]; 8]> = values.chunks(64).map(word_tables).collect();
    let count_block = |resamples: Range<u64>| -> u64 {
        let mut block = [0.0f64; BLOCK];
        let sums = &mut block[..(resamples.end - resamples.start) as usize];
        for (word, tables) in words.iter().enumerate() {
            for (sum, resample) in sums.iter_mut().zip(resamples.clone()) {
                let signs = rng.at(resample * words.len() as u64 + word as u64).to_le_bytes();
                let of = |byte: usize| tables[byte][usize::from(signs[byte])];
                *sum += ((of(0) + of(1)) + (of(2) + of(3))) + ((of(4) + of(5)) + (of(6) + of(7)));
            }
        }
        sums.iter().filter(|&&sum| extreme.reached_by(sum)).count() as u64
    };
    let resamples = u64::from(options.resamples);
    // A look-up does the work of eight draws.
    let threads = threads::useful(options.threads, resamples * values.len() as u64 / 8);
    threads::sum_blocks(resamples, BLOCK as u64, threads, count_block)
}

/// For each byte of a word of signs, the sums of its (up to) eight values.
fn word_tables(values: &[f64]) -> [[f64; 256]; 8] {
    let mut tables = [[0.0; 256]; 8];
    for (table, eight) in tables.iter_mut().zip(values.chunks(8)) {
        let sums = signed_sums(eight);
        for (signs, entry) in table.iter_mut().enumerate() {
            *entry = sums[signs % sums.len()];
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(differences: &[f64], options: &PermutationOptions) -> PermutationTest {
        of_sums(differences, Alternative::TwoSided, options).unwrap()
    }

    fn p(differences: &[f64]) -> f64 {
        test(differences, &PermutationOptions::default()).p
    }

    fn some_values(count: usize, shift: f64) -> Vec<f64> {
        let rng = CounterRng::new(11, 5);
        (0..count as u64).map(|i| rng.unit_at(i) - 0.5 + shift).collect()
    }

    /// The test as its definition has it: one signed addition for each value and resample.
    fn naive(values: &[f64], alternative: Alternative, options: &PermutationOptions) -> f64 {
        let rng = CounterRng::new(options.seed, 0);
        let words = values.len().div_ceil(64);
        let observed: f64 = values.iter().sum();
        let tolerance = SUM_TOLERANCE * values.iter().map(|d| d.abs()).sum::<f64>();
        let mut reached = 1;
        for resample in 0..u64::from(options.resamples) {
            let mut sum = 0.0;
            for (i, value) in values.iter().enumerate() {
                let word = rng.at(resample * words as u64 + i as u64 / 64);
                sum += if word >> (i % 64) & 1 == 0 { *value } else { -value };
            }
            reached += u32::from(match alternative {
                Alternative::TwoSided => sum.abs() >= observed.abs() - tolerance,
                Alternative::Greater => sum >= observed - tolerance,
                Alternative::Less => sum <= observed + tolerance,
            });
        }
        f64::from(reached) / (f64::from(options.resamples) + 1.0)
    }

    #[test]
    fn the_fast_count_is_the_naive_count() {
        let options = PermutationOptions::default().with_resamples(1500).with_seed(3);
        for count in [21, 63, 64, 65, 100, 128, 300] {
            for shift in [0.0, 0.03] {
                let values = some_values(count, shift);
                for side in [Alternative::TwoSided, Alternative::Greater] {
                    let fast = of_sums(&values, side, &options).unwrap();
                    assert_eq!(fast.p, naive(&values, side, &options), "{count} {shift} {side:?}");
                }
            }
        }
    }

    #[test]
    fn small_integers_whose_flips_tie_often_are_counted_as_the_naive_count_does() {
        // Tenths: sums that are equal on paper differ in their last bits.
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 7 - 3) / 10.0).collect();
        let nonzero: Vec<f64> = values.iter().copied().filter(|&d| d != 0.0).collect();
        let options = PermutationOptions::default().with_resamples(2000);
        let expected = naive(&nonzero, Alternative::TwoSided, &options);
        assert_eq!(test(&values, &options).p, expected);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let values = some_values(2000, 0.01);
        let of = |threads| test(&values, &PermutationOptions::default().with_threads(threads));
        let one = of(1);
        assert!(one.p > 0.001 && one.p < 1.0);
        for threads in [0, 2, 3, 7] {
            assert_eq!(of(threads), one);
        }
    }

    #[test]
    fn small_cases_are_counted_by_hand() {
        assert_eq!(p(&[]), 1.0);
        assert_eq!(p(&[0.0, 0.0]), 1.0);
        assert_eq!(p(&[0.3, 0.0]), 1.0);
        assert_eq!(p(&[0.1, 0.2, 0.3]), 0.25);
        // Sum 0: every flip is as extreme, though 0.1 + 0.2 - 0.3 is not 0 in binary.
        assert_eq!(p(&[0.1, 0.2, -0.3]), 1.0);
        let one_sided = |side| of_sums(&[0.1, 0.2, 0.4], side, &Default::default()).unwrap().p;
        assert_eq!(one_sided(Alternative::Greater), 1.0 / 8.0);
        assert_eq!(one_sided(Alternative::Less), 1.0);
    }

    #[test]
    fn sampled_and_exact_agree_where_both_are_possible() {
        let twenty: Vec<f64> = (0..20).map(|i| 0.01 * f64::from(i) - 0.065).collect();
        let exact = test(&twenty, &PermutationOptions::default());
        assert_eq!(exact.method, PermutationMethod::Exact);
        // A difference that is next to nothing leaves the distribution but forces the sample.
        let mut twenty_one = twenty;
        twenty_one.push(1e-9);
        let sampled = test(&twenty_one, &PermutationOptions::default());
        assert_eq!(sampled.method, PermutationMethod::Sampled { permutations: 100_000 });
        assert!((exact.p - sampled.p).abs() < 0.005, "{} {}", exact.p, sampled.p);
    }

    #[test]
    fn a_clear_gain_is_never_impossible() {
        let clear = vec![0.1; 100];
        let options = PermutationOptions::default().with_resamples(999);
        assert_eq!(test(&clear, &options).p, 1.0 / 1000.0);
        assert!(of_sums(&clear, Alternative::Less, &options.with_resamples(0)).is_err());
    }
}
