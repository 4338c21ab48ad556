//! Correction for testing several hypotheses at once.

/// Adjusts p-values for the number of tests by the method of Holm (1979), in their given order.
///
/// Rejecting where the adjusted value is below `alpha` keeps the chance of **any** false rejection
/// below `alpha`, whatever the dependence between the tests. The smallest p is multiplied by the
/// number of tests `m`, the next by `m - 1` and so on; adjusted values never decrease and are at
/// most 1. A NaN counts as 1.
///
/// ```
/// use embedtune_metrics::holm;
///
/// assert_eq!(holm(&[0.02, 0.01, 0.5]), [0.04, 0.03, 0.5]);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p_values.len()];
    let mut floor = 0.0f64;
    for (smaller, (index, p)) in ascending(p_values).into_iter().enumerate() {
        let remaining = (p_values.len() - smaller) as f64;
        floor = floor.max(p * remaining).min(1.0);
        adjusted[index] = floor;
    }
    adjusted
}

/// Adjusts p-values by the method of Benjamini and Hochberg (1995), in their given order.
///
/// Rejecting where the adjusted value is below `alpha` keeps the expected **share** of false
/// rejections among all rejections below `alpha`, for tests that are independent or positively
/// dependent, as measures of one pair of runs are. It finds more than [`holm`] among many tests and
/// promises less: use it to screen many models, Holm's method to claim one result. The k-th
/// smallest of `m` values is multiplied by `m / k`, and no value exceeds that of a larger p. A NaN
/// counts as 1.
///
/// ```
/// use embedtune_metrics::stats::benjamini_hochberg;
///
/// assert_eq!(benjamini_hochberg(&[0.02, 0.01, 0.5]), [0.03, 0.03, 0.5]);
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p_values.len()];
    let mut ceiling = 1.0f64;
    for (smaller, (index, p)) in ascending(p_values).into_iter().enumerate().rev() {
        let factor = p_values.len() as f64 / (smaller + 1) as f64;
        ceiling = ceiling.min(p * factor);
        adjusted[index] = ceiling;
    }
    adjusted
}

/// The p-values with their positions, smallest first.
fn ascending(p_values: &[f64]) -> Vec<(usize, f64)> {
    let known = p_values.iter().map(|&p| if p.is_nan() { 1.0 } else { p });
    let mut sorted: Vec<(usize, f64)> = known.enumerate().collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_keep_the_order_and_stay_below_one() {
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
        assert_eq!(holm(&[0.04]), [0.04]);
        assert_eq!(benjamini_hochberg(&[0.04]), [0.04]);
        // 0.01 · 4, then 0.02 · 3 = 0.06, then 0.025 · 2 = 0.05 raised to 0.06, then 0.9.
        assert_eq!(holm(&[0.9, 0.01, 0.025, 0.02]), [0.9, 0.04, 0.06, 0.06]);
        assert_eq!(holm(&[0.6, 0.7, f64::NAN]), [1.0, 1.0, 1.0]);
        // 0.01 · 4 = 0.04 is lowered to 0.025 · 4/3, which 0.02 · 4/2 = 0.04 is too.
        let expected = 0.025 * (4.0 / 3.0);
        assert_eq!(
            benjamini_hochberg(&[0.9, 0.01, 0.025, 0.02]),
            [0.9, expected, expected, expected]
        );
        assert_eq!(benjamini_hochberg(&[0.6, f64::NAN]), [1.0, 1.0]);
    }
}
