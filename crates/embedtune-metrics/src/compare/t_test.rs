//! The paired t-test (Student, 1908).

use std::f64::consts::PI;

use super::Spread;

/// Two-sided p-value of `mean = 0`.
pub(super) fn p_value(differences: &Spread) -> f64 {
    let error = differences.standard_error();
    if error == 0.0 {
        return if differences.mean == 0.0 { 1.0 } else { 0.0 };
    }
    let t = differences.mean / error;
    let freedom = (differences.count - 1) as f64;
    student_two_sided(t, freedom)
}

/// `P(|T| ≥ |t|)` for Student's t, as `I_x(ν/2, 1/2)` with `x = ν / (ν + t²)` (DLMF 8.17).
fn student_two_sided(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    let complement = square / (freedom + square);
    regularized_beta(freedom / (freedom + square), complement, freedom / 2.0, 0.5)
}

/// `I_x(a, b)`; the complement `1 - x` comes from the caller, who knows it without cancellation.
fn regularized_beta(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    let front =
        (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * complement.ln()).exp();
    // The continued fraction converges fast below the mean of the distribution.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(complement, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by the modified method
/// of Lentz (Thompson and Barnett, 1986).
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const MAX_TERMS: u32 = 10_000;
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut numerator = 1.0;
    let mut denominator = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = denominator;
    for term in 1..=MAX_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for coefficient in [even, odd] {
            denominator = 1.0 / away_from_zero(1.0 + coefficient * denominator);
            numerator = away_from_zero(1.0 + coefficient / numerator);
            step = denominator * numerator;
            fraction *= step;
        }
        if (step - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// `ln Γ(x)` for `x > 0`: Stirling's series (DLMF 5.11.1) where it is exact to the last digits,
/// and the recurrence `Γ(x + 1) = x Γ(x)` to get there.
fn ln_gamma(x: f64) -> f64 {
    const LARGE: f64 = 15.0;
    let mut shifted = x;
    let mut product = 1.0;
    while shifted < LARGE {
        product *= shifted;
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            + square
                * (-1.0 / 360.0
                    + square
                        * (1.0 / 1260.0 + square * (-1.0 / 1680.0 + square * (1.0 / 1188.0)))));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * PI).ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-13 * expected.abs().max(1e-300), "{got} {expected}");
    }

    #[test]
    fn gamma_at_known_points() {
        close(ln_gamma(0.5), PI.sqrt().ln());
        close(ln_gamma(10.0), 362_880f64.ln());
        assert!(ln_gamma(1.0).abs() < 1e-14);
    }

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for t in [0.0, 0.1, 0.5, 1.0, 3.0, 25.0] {
            close(student_two_sided(t, 1.0), 1.0 - 2.0 * f64::atan(t) / PI);
            close(student_two_sided(-t, 2.0), 1.0 - t / (2.0 + t * t).sqrt());
        }
    }

    #[test]
    fn many_degrees_of_freedom_converge_and_tails_stay_finite() {
        // Two-sided normal tail beyond 1.959964.
        assert!((student_two_sided(1.959_963_984_540_054, 1e7) - 0.05).abs() < 1e-7);
        let tail = student_two_sided(35.0, 10_000.0);
        assert!(tail > 0.0 && tail < 1e-200, "{tail}");
        assert_eq!(student_two_sided(1e200, 5.0), 0.0);
    }
}
