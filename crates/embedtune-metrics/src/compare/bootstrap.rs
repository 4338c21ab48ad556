//! The bootstrap interval of a mean (Efron, 1979).

use super::random::CounterRng;
use super::{ComparisonOptions, mean};

/// Percentile interval of the mean difference: queries are drawn with replacement, and the
/// interval cuts the same share of the drawn means off both ends.
pub(super) fn percentile_interval(differences: &[f64], options: &ComparisonOptions) -> [f64; 2] {
    let rng = CounterRng::new(options.seed, 1);
    let count = differences.len();
    let mut means: Vec<f64> = (0..u64::from(options.bootstrap_samples))
        .map(|sample| {
            let first = sample * count as u64;
            let draw = |i: usize| differences[rng.index_at(first + i as u64, count)];
            (0..count).map(draw).sum::<f64>() / count as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - options.confidence) / 2.0;
    let interval = [quantile(&means, tail), quantile(&means, 1.0 - tail)];
    // Differences that are all the same: the drawn means differ from theirs by rounding.
    if interval[0] == interval[1] { [mean(differences); 2] } else { interval }
}

/// Linear interpolation between the order statistics (type 7 of Hyndman and Fan, 1996).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let weight = position - below as f64;
    sorted[below] + weight * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let rng = CounterRng::new(3, 77);
        let differences: Vec<f64> = (0..2000).map(|i| rng.at(i) as f64 / u64::MAX as f64).collect();
        let [lower, upper] = percentile_interval(&differences, &ComparisonOptions::default());
        // Half-width 1.96 · sqrt(1/12) / sqrt(2000).
        let expected = 1.96 * (1.0f64 / 12.0).sqrt() / 2000f64.sqrt();
        assert!(((upper - lower) / 2.0 / expected - 1.0).abs() < 0.05);
        assert!(lower < mean(&differences) && mean(&differences) < upper);
    }
}
