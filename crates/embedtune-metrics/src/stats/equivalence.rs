//! Showing that two systems do **not** differ, which a large p never shows.

use serde::{Deserialize, Serialize};

use super::t_test::against;
use super::{Alternative, Paired, t_interval};
use crate::error::MetricsError;

/// The outcome of [`equivalence_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EquivalenceTest {
    /// The largest difference, either way, that does not matter.
    pub margin: f64,
    /// p of "the tuned system is worse by the margin or more".
    pub p_lower: f64,
    /// p of "the tuned system is better by the margin or more".
    pub p_upper: f64,
    /// The larger of both: below alpha, the systems are equivalent within the margin.
    pub p: f64,
    /// The 90 % interval of the mean difference. It lies within the margin exactly when p < 0.05.
    pub interval_90: [f64; 2],
}

/// Two one-sided t-tests (TOST; Schuirmann, 1987): is the mean difference within `±margin`?
///
/// The null hypothesis is that the systems differ by at least the margin, so that few queries
/// lead to "not shown", never to "equal". Choose the margin before looking, as the loss that you
/// would accept for a model that is smaller, faster or cheaper: 0.01 nDCG, say.
///
/// # Errors
/// [`MetricsError::InvalidOption`] unless the margin is above 0 and finite.
///
/// ```
/// use embedtune_metrics::stats::{Paired, equivalence_test};
///
/// let differences = (0..200).map(|i| if i % 2 == 0 { 0.03 } else { -0.03 }).collect();
/// let same = equivalence_test(&Paired::from_differences(differences)?, 0.01)?;
/// assert!(same.p < 0.001);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn equivalence_test(paired: &Paired, margin: f64) -> Result<EquivalenceTest, MetricsError> {
    check_margin(margin)?;
    let p_lower = against(paired, -margin, Alternative::Greater).p;
    let p_upper = against(paired, margin, Alternative::Less).p;
    let interval_90 = t_interval(paired, 0.9)?;
    Ok(EquivalenceTest { margin, p_lower, p_upper, p: p_lower.max(p_upper), interval_90 })
}

/// The outcome of [`non_inferiority_test`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NonInferiorityTest {
    /// The largest loss that would be accepted.
    pub margin: f64,
    /// p of "the tuned system is worse by the margin or more": below alpha, it is not.
    pub p: f64,
    /// The difference is above this with 95 % confidence, one-sided. Above `-margin` exactly when
    /// p < 0.05.
    pub lower_bound_95: f64,
}

/// One-sided t-test of "worse by the margin or more": may the tuned system replace the base?
///
/// The test for a release gate: a cheaper model need not be better, it must be not worse than by
/// what one would accept.
///
/// # Errors
/// [`MetricsError::InvalidOption`] unless the margin is above 0 and finite.
pub fn non_inferiority_test(
    paired: &Paired,
    margin: f64,
) -> Result<NonInferiorityTest, MetricsError> {
    check_margin(margin)?;
    let p = against(paired, -margin, Alternative::Greater).p;
    Ok(NonInferiorityTest { margin, p, lower_bound_95: t_interval(paired, 0.9)?[0] })
}

fn check_margin(margin: f64) -> Result<(), MetricsError> {
    if margin > 0.0 && margin.is_finite() {
        return Ok(());
    }
    let (option, expected, got) = ("margin", "a number above 0", margin.to_string());
    Err(MetricsError::InvalidOption { option, expected, got })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(values: &[f64]) -> Paired {
        Paired::from_differences(values.to_vec()).unwrap()
    }

    #[test]
    fn the_intervals_decide_as_the_p_values_do() {
        let paired = paired(&[0.02, -0.03, 0.01, 0.04, -0.02, 0.0, 0.01, -0.01]);
        for thousandths in 1..60 {
            let margin = f64::from(thousandths) / 1000.0;
            let both = equivalence_test(&paired, margin).unwrap();
            let [low, high] = both.interval_90;
            assert_eq!(both.p < 0.05, -margin < low && high < margin, "{margin}");
            let lower = non_inferiority_test(&paired, margin).unwrap();
            assert_eq!(lower.p < 0.05, lower.lower_bound_95 > -margin, "{margin}");
            assert_eq!(lower.p, both.p_lower);
        }
    }

    #[test]
    fn no_spread_is_certain_and_a_margin_of_nothing_is_refused() {
        let same = paired(&[0.0; 5]);
        assert_eq!(equivalence_test(&same, 0.01).unwrap().p, 0.0);
        let shifted = paired(&[0.02; 5]);
        assert_eq!(equivalence_test(&shifted, 0.01).unwrap().p, 1.0);
        assert_eq!(non_inferiority_test(&shifted, 0.01).unwrap().p, 0.0);
        for margin in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(equivalence_test(&same, margin).is_err());
            assert!(non_inferiority_test(&same, margin).is_err());
        }
    }
}
