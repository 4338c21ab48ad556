//! Correction for testing several hypotheses at once.

/// Adjusts p-values for the number of tests by the method of Holm (1979), in their given order.
///
/// Rejecting where the adjusted value is below `alpha` keeps the chance of any false rejection
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
    let p_of = |index: usize| if p_values[index].is_nan() { 1.0 } else { p_values[index] };
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_of(a).total_cmp(&p_of(b)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut floor = 0.0f64;
    for (smaller, &index) in order.iter().enumerate() {
        let remaining = (p_values.len() - smaller) as f64;
        floor = floor.max(p_of(index) * remaining).min(1.0);
        adjusted[index] = floor;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_keep_the_order_and_stay_below_one() {
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.04]), [0.04]);
        // 0.01 · 4, then 0.02 · 3 = 0.06, then 0.025 · 2 = 0.05 raised to 0.06, then 0.9.
        assert_eq!(holm(&[0.9, 0.01, 0.025, 0.02]), [0.9, 0.04, 0.06, 0.06]);
        assert_eq!(holm(&[0.6, 0.7, f64::NAN]), [1.0, 1.0, 1.0]);
    }
}
