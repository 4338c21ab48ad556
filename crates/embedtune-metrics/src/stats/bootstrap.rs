//! Bootstrap intervals of a mean (Efron, 1979).

use serde::{Deserialize, Serialize};

use super::random::CounterRng;
use super::special::{normal_cdf, normal_quantile, student_quantile};
use super::{Paired, threads};
use crate::error::MetricsError;

/// Settings of [`bootstrap_interval`] and of its relative for clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BootstrapOptions {
    /// Bootstrap samples. Default 10,000: the ends of an interval move by about one hundredth of
    /// the standard error from seed to seed.
    pub samples: u32,
    /// Coverage of the interval, between 0 and 1. Default 0.95.
    pub confidence: f64,
    /// Seed of the samples. Default 42.
    pub seed: u64,
    /// Threads to use; the result does not depend on them. Default 0: as many as the machine
    /// has, and one where more would not pay.
    pub threads: usize,
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        Self { samples: 10_000, confidence: 0.95, seed: 42, threads: 0 }
    }
}

impl BootstrapOptions {
    /// Sets [`BootstrapOptions::samples`].
    pub fn with_samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    /// Sets [`BootstrapOptions::confidence`].
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets [`BootstrapOptions::seed`].
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`BootstrapOptions::threads`].
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    pub(super) fn validate(&self) -> Result<(), MetricsError> {
        super::check_positive("samples", self.samples)?;
        super::check_share("confidence", self.confidence)
    }
}

/// How an interval is read off the bootstrap samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BootstrapMethod {
    /// Cuts the same share of the drawn means off both ends, as SciPy's `percentile`.
    Percentile,
    /// Bias-corrected and accelerated (Efron, 1987), as SciPy's `BCa`: the shares follow the skew
    /// of the differences. Better than the percentiles where a few queries moved much, all to one
    /// side.
    Bca,
    /// BCa with the shares widened to `Φ(√(n/(n-1)) · t)`, t the quantile of Student's t with n - 1
    /// degrees of freedom (Hesterberg, 2015): drawn means vary less than real ones by `(n-1)/n`,
    /// and a spread known from few queries is itself uncertain. The one to report, see [the
    /// measured coverage](super#how-far-the-intervals-can-be-trusted).
    #[default]
    ExpandedBca,
}

/// Draws queries with replacement and gives the interval of the mean difference: `[lower, upper]`.
///
/// All differences equal: an interval of no width at their value.
///
/// # Errors
/// [`MetricsError::InvalidOption`] for 0 samples or a confidence outside (0, 1).
///
/// ```
/// use embedtune_metrics::stats::{BootstrapMethod, BootstrapOptions, Paired, bootstrap_interval};
///
/// let paired = Paired::from_differences(vec![0.0, 0.3, 0.1, 0.0, 0.2, -0.1, 0.4, 0.1])?;
/// let options = BootstrapOptions::default();
/// let [lower, upper] = bootstrap_interval(&paired, BootstrapMethod::ExpandedBca, &options)?;
/// assert!(0.0 < lower && lower < paired.mean() && paired.mean() < upper);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn bootstrap_interval(
    paired: &Paired,
    method: BootstrapMethod,
    options: &BootstrapOptions,
) -> Result<[f64; 2], MetricsError> {
    options.validate()?;
    Ok(BootstrapMeans::draw(paired, options).interval(method))
}

/// The drawn means of one sample, from which several intervals can be read.
pub(crate) struct BootstrapMeans<'a> {
    paired: &'a Paired,
    confidence: f64,
    sorted: Vec<f64>,
}

impl<'a> BootstrapMeans<'a> {
    /// Options must have been validated.
    pub(crate) fn draw(paired: &'a Paired, options: &BootstrapOptions) -> Self {
        let differences = paired.differences();
        let count = differences.len();
        let samples = options.samples as usize;
        let threads = threads::useful(options.threads, samples as u64 * count as u64);
        let rng = CounterRng::new(options.seed, 1);
        let mut sorted = threads::collect(samples, threads, |sample| {
            let mut sum = 0.0;
            for_each_draw(rng, sample as u64, count, |index| sum += differences[index]);
            sum / count as f64
        });
        sorted.sort_unstable_by(f64::total_cmp);
        Self { paired, confidence: options.confidence, sorted }
    }

    pub(crate) fn interval(&self, method: BootstrapMethod) -> [f64; 2] {
        if self.paired.std_dev() == 0.0 {
            return [self.paired.mean(); 2];
        }
        let tail = (1.0 - self.confidence) / 2.0;
        [tail, 1.0 - tail].map(|share| {
            let share = match method {
                BootstrapMethod::Percentile => share,
                BootstrapMethod::Bca => self.corrected(normal_quantile(share)),
                BootstrapMethod::ExpandedBca => self.corrected(self.expanded(share)),
            };
            quantile(&self.sorted, share)
        })
    }

    /// The normal quantile beyond which the expanded interval wants `share` of the means.
    fn expanded(&self, share: f64) -> f64 {
        let freedom = (self.paired.len() - 1) as f64;
        let count = self.paired.len() as f64;
        (count / freedom).sqrt() * student_quantile(share, freedom)
    }

    /// The share of the drawn means to which BCa moves the normal quantile `z` (Efron and
    /// Tibshirani, 1993, equation 14.10).
    fn corrected(&self, z: f64) -> f64 {
        let mean = self.paired.mean();
        let below = self.sorted.partition_point(|&drawn| drawn < mean);
        let up_to = self.sorted.partition_point(|&drawn| drawn <= mean);
        // Means that hit the observed one count half, as in SciPy.
        let bias = normal_quantile((below + up_to) as f64 / (2 * self.sorted.len()) as f64);
        let moved = bias + z;
        let corrected = normal_cdf(bias + moved / (1.0 - acceleration(self.paired) * moved));
        // All drawn means on one side of the observed one: nothing to correct by.
        if corrected.is_nan() { normal_cdf(z) } else { corrected }
    }
}

/// `Σ(d - m)³ / (6 (Σ(d - m)²)^1.5)`: the jackknife's formula, which for a mean has this form.
fn acceleration(paired: &Paired) -> f64 {
    let power = |exponent| {
        let terms = paired.differences().iter().map(|d| (d - paired.mean()).powi(exponent));
        terms.sum::<f64>()
    };
    power(3) / (6.0 * power(2).powf(1.5))
}

/// Visits the indices of the `sample`-th draw of `count` out of `count` with replacement.
pub(super) fn for_each_draw(
    rng: CounterRng,
    sample: u64,
    count: usize,
    mut visit: impl FnMut(usize),
) {
    // 2^32 queries would not fit in memory.
    let bound = u32::try_from(count).unwrap_or(u32::MAX);
    let words = count as u64 / 2;
    let first = sample * (words + 1);
    for word in 0..words {
        for index in rng.two_indices_at(first + word, bound) {
            visit(index);
        }
    }
    if count % 2 == 1 {
        visit(rng.two_indices_at(first + words, bound)[0]);
    }
}

/// Linear interpolation between the order statistics (type 7 of Hyndman and Fan, 1996).
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let weight = position - below as f64;
    sorted[below] + weight * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(count: u64) -> Paired {
        let rng = CounterRng::new(3, 77);
        Paired::from_differences((0..count).map(|i| rng.unit_at(i)).collect()).unwrap()
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 3.0, 5.0];
        assert_eq!(quantile(&sorted, 0.0), 1.0);
        assert_eq!(quantile(&sorted, 0.5), 2.5);
        assert_eq!(quantile(&sorted, 1.0), 5.0);
        assert_eq!(quantile(&[4.0], 0.3), 4.0);
    }

    #[test]
    fn the_interval_is_that_of_a_normal_mean_for_many_queries() {
        let paired = uniform(2000);
        for method in
            [BootstrapMethod::Percentile, BootstrapMethod::Bca, BootstrapMethod::ExpandedBca]
        {
            let [lower, upper] =
                bootstrap_interval(&paired, method, &BootstrapOptions::default()).unwrap();
            // Half-width 1.96 · sqrt(1/12) / sqrt(2000).
            let expected = 1.96 * (1.0f64 / 12.0).sqrt() / 2000f64.sqrt();
            assert!(((upper - lower) / 2.0 / expected - 1.0).abs() < 0.05);
            assert!(lower < paired.mean() && paired.mean() < upper);
        }
    }

    #[test]
    fn every_query_is_drawn_equally_often() {
        for count in [2, 3, 7, 10] {
            let mut drawn = vec![0u32; count];
            let rng = CounterRng::new(5, 1);
            for sample in 0..10_000 {
                for_each_draw(rng, sample, count, |index| drawn[index] += 1);
            }
            assert_eq!(drawn.iter().sum::<u32>(), 10_000 * count as u32);
            // Five standard deviations of a binomial count.
            assert!(drawn.iter().all(|&n| n.abs_diff(10_000) < 500), "{drawn:?}");
        }
    }

    #[test]
    fn bca_leans_to_the_side_of_the_long_tail() {
        let mut differences = vec![0.0; 40];
        differences.extend([0.5, 0.6, 0.9, 1.0]);
        let skewed = Paired::from_differences(differences).unwrap();
        let of = |method| bootstrap_interval(&skewed, method, &Default::default()).unwrap();
        let (percentile, bca) = (of(BootstrapMethod::Percentile), of(BootstrapMethod::Bca));
        assert!(bca[0] > percentile[0] && bca[1] > percentile[1], "{percentile:?} {bca:?}");
    }

    #[test]
    fn few_queries_expand_the_interval() {
        for count in [5, 20, 1000] {
            let paired = uniform(count);
            let width = |method| {
                let [low, high] = bootstrap_interval(&paired, method, &Default::default()).unwrap();
                high - low
            };
            let ratio = width(BootstrapMethod::ExpandedBca) / width(BootstrapMethod::Bca);
            assert!(if count == 1000 { ratio < 1.01 } else { ratio > 1.05 }, "{count} {ratio}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let paired = uniform(1500);
        let of = |threads| {
            let options = BootstrapOptions::default().with_threads(threads);
            bootstrap_interval(&paired, BootstrapMethod::Bca, &options).unwrap()
        };
        assert_eq!(of(1), of(2));
        assert_eq!(of(1), of(5));
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let of = |options: BootstrapOptions| options.validate().is_err();
        assert!(of(BootstrapOptions::default().with_samples(0)));
        assert!(of(BootstrapOptions::default().with_confidence(0.0)));
        assert!(of(BootstrapOptions::default().with_confidence(f64::NAN)));
        assert!(!of(BootstrapOptions::default()));
    }
}
