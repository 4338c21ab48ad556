//! Distribution functions of the normal and of Student's t, to about 1e-13 relative.

use std::f64::consts::{PI, SQRT_2};

/// `P(Z > z)` for a standard normal Z, with full relative precision far out in the upper tail.
pub(super) fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// `P(Z ≤ z)`.
pub(super) fn normal_cdf(z: f64) -> f64 {
    normal_tail(-z)
}

/// The z with `P(Z ≤ z) = p`; infinite at 0 and 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p);
    if tail <= 0.0 {
        return if p < 0.5 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // A rational start (Abramowitz and Stegun, 26.2.23; error below 4.5e-4), then Newton's steps
    // with Halley's correction, each of which triples the number of right digits.
    let t = (-2.0 * tail.ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - numerator / denominator;
    for _ in 0..3 {
        let step = (normal_tail(z) - tail) / normal_density(z);
        z += step / (1.0 - 0.5 * z * step);
    }
    if p < 0.5 { -z } else { z }
}

fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The complementary error function: near 0 by the series of erf (DLMF 7.6.2), whose terms are all
/// positive, else by its continued fraction (DLMF 7.9.1), evaluated from the far end.
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 1.0 {
        let mut term = x;
        let mut sum = x;
        let mut odd = 3.0;
        while term > 1e-18 * sum {
            term *= 2.0 * x * x / odd;
            sum += term;
            odd += 2.0;
        }
        return 1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum;
    }
    const TERMS: u32 = 200;
    let fraction = (1..=TERMS).rev().fold(x, |tail, k| x + 0.5 * f64::from(k) / tail);
    (-x * x).exp() / (PI.sqrt() * fraction)
}

/// `P(|T| ≥ |t|)` for Student's t, as `I_x(ν/2, 1/2)` with `x = ν / (ν + t²)` (DLMF 8.17).
pub(super) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    if square == f64::INFINITY {
        return 0.0;
    }
    let complement = square / (freedom + square);
    regularized_beta(freedom / (freedom + square), complement, freedom / 2.0, 0.5)
}

/// `P(T > t)` for Student's t.
pub(super) fn student_tail(t: f64, freedom: f64) -> f64 {
    let beyond = 0.5 * student_two_sided(t, freedom);
    if t < 0.0 { 1.0 - beyond } else { beyond }
}

/// The t with `P(T ≤ t) = p` for Student's t with `freedom` degrees of freedom (above 0, not
/// necessarily whole) and `p` between 0 and 1: what an interval of a mean is made of. To the last
/// bits of the tail function, by bisection.
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while student_tail(high, freedom) > tail && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return if p < 0.5 { -middle } else { middle };
        }
        if student_tail(middle, freedom) > tail { low = middle } else { high = middle }
    }
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
pub(super) fn ln_gamma(x: f64) -> f64 {
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
            close(student_tail(-t, 1.0), 0.5 + f64::atan(t) / PI);
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

    #[test]
    fn the_error_function_at_tabled_points() {
        close(erfc(0.5), 0.479_500_122_186_953_5);
        close(erfc(1.0), 0.157_299_207_050_285_13);
        close(erfc(2.0), 0.004_677_734_981_047_266);
        close(erfc(5.0), 1.537_459_794_428_035e-12);
        close(erfc(-1.0), 2.0 - 0.157_299_207_050_285_13);
        close(erfc(0.0), 1.0);
    }

    #[test]
    fn quantiles_invert_the_distributions() {
        for p in [1e-12, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999_999] {
            close(normal_cdf(normal_quantile(p)), p);
            for freedom in [1.0, 4.0, 60.0, 5000.0] {
                let there = 1.0 - student_tail(student_quantile(p, freedom), freedom);
                assert!((there - p).abs() < 1e-13, "{there} {p} {freedom}");
            }
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((student_quantile(0.975, 9.0) - 2.262_157_162_798_205).abs() < 1e-12);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
