//! What "close" means.

/// How far a tensor may be from the expected one: every element's difference is at most
/// `relative * max|expected| + absolute`.
///
/// The scale is the largest expected element, not each element's own: gradients hold elements
/// that are zero but for rounding, and a per-element ratio would compare noise with noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Share of the largest expected absolute value.
    pub relative: f64,
    /// Added to it, for tensors that are zero as a whole.
    pub absolute: f64,
}

impl Tolerance {
    /// `relative` of the largest expected element, nothing more.
    pub const fn relative(relative: f64) -> Self {
        Self { relative, absolute: 0.0 }
    }

    /// `absolute`, whatever is expected.
    pub const fn absolute(absolute: f64) -> Self {
        Self { relative: 0.0, absolute }
    }

    /// The same with `absolute` added, for tensors that may be zero as a whole (the gradient of a
    /// key bias in attention).
    #[must_use]
    pub const fn or_absolute(self, absolute: f64) -> Self {
        Self { absolute, ..self }
    }
}

/// Largest absolute difference and where it is; a NaN on either side counts as infinite.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn max_difference<A, E>(actual: &[A], expected: &[E]) -> (f64, usize)
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    assert_eq!(actual.len(), expected.len(), "lengths differ");
    let mut worst = (0.0, 0);
    for (i, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        let (a, e): (f64, f64) = (a.into(), e.into());
        // Equal infinities are equal, though their difference is not a number.
        let difference = if a == e { 0.0 } else { (a - e).abs() };
        let difference = if difference.is_nan() { f64::INFINITY } else { difference };
        if difference > worst.0 {
            worst = (difference, i);
        }
    }
    worst
}

/// Asserts that two tensors, flattened, are equal within `tolerance`.
///
/// # Panics
/// If they are not, naming the worst element.
#[track_caller]
pub fn assert_close<A, E>(actual: &[A], expected: &[E], tolerance: Tolerance)
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    let (difference, i) = max_difference(actual, expected);
    let finite = expected.iter().map(|&e| e.into().abs()).filter(|e| e.is_finite());
    let scale = finite.fold(0.0, f64::max);
    let allowed = tolerance.relative * scale + tolerance.absolute;
    assert!(
        difference <= allowed,
        "element {i} of {}: got {:e}, expected {:e}; they differ by {difference:e}, allowed \
         {allowed:e} ({tolerance:?}, largest expected {scale:e})",
        expected.len(),
        actual[i].into(),
        expected[i].into(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_is_the_largest_expected_element() {
        assert_close(&[100.0, 9e-5], &[100.0, 0.0], Tolerance::relative(1e-6));
        assert_close(&[1e-17_f32], &[0.0_f64], Tolerance::relative(1e-5).or_absolute(1e-9));
    }

    #[test]
    #[should_panic(expected = "element 1 of 2")]
    fn names_the_worst_element() {
        assert_close(&[1.0, 2.1], &[1.0, 2.0], Tolerance::relative(1e-3));
    }

    #[test]
    #[should_panic(expected = "element 0 of 1")]
    fn a_nan_is_never_close() {
        assert_close(&[f64::NAN], &[1.0], Tolerance::absolute(1e9));
    }

    #[test]
    #[should_panic(expected = "lengths differ")]
    fn lengths_must_agree() {
        assert_close(&[1.0], &[1.0, 1.0], Tolerance::absolute(1.0));
    }
}
