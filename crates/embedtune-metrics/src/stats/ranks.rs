//! Ranks with ties.

/// The rank of each value from 1 for the smallest; equal values share the mean of their ranks, and
/// so do neighbours that are within `tolerance` of each other. Values must not be NaN.
pub(crate) fn average_ranks(values: &[f64], tolerance: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut smaller = 0;
    // 0.0 and -0.0 are neighbours in the order and equal to `==`, as infinities are to themselves.
    let equal = |a: f64, b: f64| a == b || b - a <= tolerance;
    for group in order.chunk_by(|&a, &b| equal(values[a], values[b])) {
        // Ranks smaller + 1 ..= smaller + len.
        let shared = smaller as f64 + 0.5 * (group.len() + 1) as f64;
        group.iter().for_each(|&index| ranks[index] = shared);
        smaller += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        let of = |values: &[f64]| average_ranks(values, 0.0);
        assert_eq!(of(&[]), [0.0; 0]);
        assert_eq!(of(&[0.3, 0.1, 0.2]), [3.0, 1.0, 2.0]);
        assert_eq!(of(&[5.0, 1.0, 5.0, 0.0, -0.0, 5.0]), [5.0, 3.0, 5.0, 1.5, 1.5, 5.0]);
    }

    #[test]
    fn the_tolerance_joins_neighbours() {
        let inexact = [0.7 - 0.5, 0.4 - 0.2, 0.1];
        assert_eq!(average_ranks(&inexact, 0.0), [2.0, 3.0, 1.0]);
        assert_eq!(average_ranks(&inexact, 1e-12), [2.5, 2.5, 1.0]);
    }
}
