//! What a test set of this size can show at all.

use super::special::student_quantile;
use crate::error::MetricsError;

/// The smallest true mean difference that a two-sided paired test at level `alpha` finds with
/// probability `power`, in the unit of the measure.
///
/// Formula: `(t_{1 - alpha/2} + t_{power}) · sd / √n`, quantiles of Student's t with n - 1 degrees
/// of freedom; for many queries, alpha 0.05 and power 0.8 this is `2.80 · sd / √n`. Against the
/// exact power of the t-test (noncentral t) it is 0.1 % too small for 10 queries and right to four
/// digits from 30 on; for alpha 0.01 and power 0.9, 3 % and 0.7 %.
///
/// A gain below it that is not significant is not shown to be absent: the test set is too small to
/// tell. `std_dev` is that of the differences ([`Paired::std_dev`](super::Paired::std_dev)).
///
/// # Errors
/// [`MetricsError::TooFewQueries`] below 2; [`MetricsError::InvalidOption`] for a negative or
/// infinite `std_dev`, or for `alpha` or `power` outside (0, 1).
///
/// ```
/// use embedtune_metrics::stats::minimum_detectable_effect;
///
/// let with_100 = minimum_detectable_effect(0.25, 100, 0.05, 0.8)?;
/// let with_400 = minimum_detectable_effect(0.25, 400, 0.05, 0.8)?;
/// assert!((with_100 - 0.0707).abs() < 1e-4);
/// assert!((with_400 - 0.0351).abs() < 1e-4);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn minimum_detectable_effect(
    std_dev: f64,
    queries: usize,
    alpha: f64,
    power: f64,
) -> Result<f64, MetricsError> {
    check(std_dev, "std_dev")?;
    super::check_share("alpha", alpha)?;
    super::check_share("power", power)?;
    if queries < 2 {
        return Err(MetricsError::TooFewQueries { queries });
    }
    Ok(detectable(std_dev, queries, alpha, power))
}

/// As [`minimum_detectable_effect`], for arguments that are known to be in range.
pub(crate) fn detectable(std_dev: f64, queries: usize, alpha: f64, power: f64) -> f64 {
    let freedom = (queries - 1) as f64;
    let quantiles = student_quantile(1.0 - alpha / 2.0, freedom) + student_quantile(power, freedom);
    quantiles * std_dev / (queries as f64).sqrt()
}

/// The number of queries with which a true mean difference of `effect` is found with probability
/// `power`: the smallest n whose [`minimum_detectable_effect`] is at most `effect`.
///
/// # Errors
/// As there, and for an `effect` that is not above 0.
///
/// ```
/// use embedtune_metrics::stats::queries_needed;
///
/// // To see a gain of 0.02 nDCG when differences have a standard deviation of 0.2.
/// assert_eq!(queries_needed(0.02, 0.2, 0.05, 0.8)?, 787);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn queries_needed(
    effect: f64,
    std_dev: f64,
    alpha: f64,
    power: f64,
) -> Result<usize, MetricsError> {
    check(effect, "effect")?;
    if effect == 0.0 {
        let (option, expected, got) = ("effect", "above 0", "0".to_owned());
        return Err(MetricsError::InvalidOption { option, expected, got });
    }
    let enough = |queries| -> Result<bool, MetricsError> {
        Ok(minimum_detectable_effect(std_dev, queries, alpha, power)? <= effect)
    };
    let mut high = 2;
    while !enough(high)? {
        high *= 2;
        // An effect of next to nothing would need more queries than can be counted.
        if high > usize::MAX / 4 {
            return Ok(high);
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if middle >= 2 && enough(middle)? { high = middle } else { low = middle }
    }
    Ok(high.max(2))
}

fn check(value: f64, option: &'static str) -> Result<(), MetricsError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    let (expected, got) = ("a number that is not negative", value.to_string());
    Err(MetricsError::InvalidOption { option, expected, got })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_queries_give_the_normal_quantiles() {
        let effect = minimum_detectable_effect(1.0, 1_000_000, 0.05, 0.8).unwrap();
        assert!((effect * 1000.0 - 2.801_585_218).abs() < 1e-5, "{effect}");
        assert_eq!(minimum_detectable_effect(0.0, 10, 0.05, 0.8).unwrap(), 0.0);
    }

    #[test]
    fn the_needed_queries_are_the_first_that_suffice() {
        for (effect, std_dev) in [(0.5, 0.3), (0.05, 0.2), (0.01, 0.3), (2.0, 0.1)] {
            let needed = queries_needed(effect, std_dev, 0.05, 0.8).unwrap();
            let of = |queries| minimum_detectable_effect(std_dev, queries, 0.05, 0.8).unwrap();
            assert!(of(needed) <= effect);
            assert!(needed == 2 || of(needed - 1) > effect, "{effect} {needed}");
        }
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        assert!(minimum_detectable_effect(0.1, 1, 0.05, 0.8).is_err());
        assert!(minimum_detectable_effect(-0.1, 9, 0.05, 0.8).is_err());
        assert!(minimum_detectable_effect(0.1, 9, 0.0, 0.8).is_err());
        assert!(minimum_detectable_effect(0.1, 9, 0.05, f64::NAN).is_err());
        assert!(queries_needed(0.0, 0.1, 0.05, 0.8).is_err());
        assert!(queries_needed(f64::NAN, 0.1, 0.05, 0.8).is_err());
    }
}
