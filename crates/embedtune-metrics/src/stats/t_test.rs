//! The paired t-test (Student, 1908).

use serde::{Deserialize, Serialize};

use super::special::{student_quantile, student_tail, student_two_sided};
use super::{Alternative, Paired};
use crate::error::MetricsError;

/// The outcome of [`t_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TTest {
    /// `mean / (sd / √n)`; infinite when every query moved by the same amount, 0 when none moved.
    pub t: f64,
    /// `n - 1`.
    pub degrees_of_freedom: f64,
    /// The p-value.
    pub p: f64,
}

/// Tests whether the mean difference is 0, as `scipy.stats.ttest_rel` does.
///
/// Right when the mean of the differences is about normal, which it is for a hundred queries and
/// more unless nearly all of them are ties.
///
/// Differences that do not vary have no standard error: p is 1 when they are all 0, else 0 on the
/// side where they lie.
pub fn t_test(paired: &Paired, alternative: Alternative) -> TTest {
    against(paired, 0.0, alternative)
}

/// The t-test of `mean = shift`.
pub(super) fn against(paired: &Paired, shift: f64, alternative: Alternative) -> TTest {
    let degrees_of_freedom = (paired.len() - 1) as f64;
    let distance = paired.mean() - shift;
    let error = paired.standard_error();
    // A distance of 0 without spread is no evidence of anything.
    let t = if distance == 0.0 { 0.0 } else { distance / error };
    let p = if distance == 0.0 && error == 0.0 {
        1.0
    } else {
        match alternative {
            Alternative::TwoSided => student_two_sided(t, degrees_of_freedom),
            Alternative::Greater => student_tail(t, degrees_of_freedom),
            Alternative::Less => student_tail(-t, degrees_of_freedom),
        }
    };
    TTest { t, degrees_of_freedom, p }
}

/// The interval `mean ± t · sd / √n` for the mean difference: `[lower, upper]`.
///
/// # Errors
/// [`MetricsError::InvalidOption`] unless `confidence` is between 0 and 1.
pub fn t_interval(paired: &Paired, confidence: f64) -> Result<[f64; 2], MetricsError> {
    super::check_share("confidence", confidence)?;
    let quantile = student_quantile(0.5 + 0.5 * confidence, (paired.len() - 1) as f64);
    let half = quantile * paired.standard_error();
    Ok([paired.mean() - half, paired.mean() + half])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(differences: &[f64]) -> Paired {
        Paired::from_differences(differences.to_vec()).unwrap()
    }

    #[test]
    fn differences_without_spread_are_certain_or_nothing() {
        let all = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];
        let p = |values: &[f64]| all.map(|side| t_test(&paired(values), side).p);
        assert_eq!(p(&[0.0, 0.0]), [1.0, 1.0, 1.0]);
        assert_eq!(p(&[0.1, 0.1]), [0.0, 0.0, 1.0]);
        assert_eq!(p(&[-0.1, -0.1]), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn the_interval_touches_the_values_that_are_just_not_rejected() {
        let paired = paired(&[0.1, 0.3, -0.2, 0.05, 0.2]);
        for end in t_interval(&paired, 0.9).unwrap() {
            let p = against(&paired, end, Alternative::TwoSided).p;
            assert!((p - 0.1).abs() < 1e-12, "{p}");
        }
        assert!(t_interval(&paired, 1.0).is_err());
    }
}
