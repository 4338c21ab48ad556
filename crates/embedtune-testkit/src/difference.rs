//! Numeric gradients.

/// Gradient of `f` at `x` by central differences with step `h`, shape `(x.len())`.
///
/// The error is of order `h^2` in the third derivative plus rounding of order `1e-16 / h`;
/// `h = 1e-5` leaves about nine digits for functions of order one.
pub fn finite_difference(x: &[f64], h: f64, mut f: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut point = x.to_vec();
    (0..x.len())
        .map(|i| {
            let mut at = |value| {
                point[i] = value;
                f(&point)
            };
            let slope = (at(x[i] + h) - at(x[i] - h)) / (2.0 * h);
            point[i] = x[i];
            slope
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tolerance, assert_close};

    #[test]
    fn agrees_with_a_known_gradient_and_evaluates_around_the_point_only() {
        let x = [0.3, -1.2];
        let numeric = finite_difference(&x, 1e-5, |x| x[0].sin() * x[1].exp());
        let exact = [x[0].cos() * x[1].exp(), x[0].sin() * x[1].exp()];
        assert_close(&numeric, &exact, Tolerance::relative(1e-9));
    }
}
