//! Elementary functions of one f32, written so that compilers vectorise loops over them: no branch,
//! no call, no table.

/// `eˣ`, within 2.5e-7 of its value from -87 to 88; 0 below and infinity above. NaN gives NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts (Cody and Waite, 1980): the first has few bits, so n · high is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 · 2²³ rounds to an integer.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    // Taylor polynomial: |r| <= ln 2 / 2, so the first term left out is below 6e-9.
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    // 2ⁿ by its exponent bits; the low bits of `shifted` hold n.
    let scale = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    let y = if x < -87.0 { 0.0 } else { p * scale };
    if x > 88.0 { f32::INFINITY } else { y }
}

/// Minimax polynomial of `2ʳ` on [-1/2, 1/2], highest power first, within 9.2e-8. Its constant is fixed
/// to 1, so that 2⁰ is 1; its linear coefficient is the best here, and not quite ln 2.
#[allow(clippy::approx_constant)]
pub(crate) const EXP2: [f32; 6] =
    [1.326_472_7e-3, 9.671_513e-3, 5.550_733_7e-2, 2.402_224_2e-1, 6.931_47e-1, 1.0];

/// `2ˣ` for `x` up to 0 (correct up to 127), within 2.5e-7 of its value down to -126; 0 below. NaN
/// gives NaN. Two thirds of the work of [`exp`]: whoever has a factor on `x` anyway puts the
/// logarithm of e into it, at the price of the product's rounding, `|x| · 4.2e-8` of the value.
#[inline(always)]
pub(crate) fn exp2(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut p = EXP2[0];
    for coefficient in &EXP2[1..] {
        p = p * r + coefficient;
    }
    let scale = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    let y = p * scale;
    if x < -126.0 { 0.0 } else { y }
}

/// `Φ(x)` and `φ(x)`: distribution and density of the standard normal, `Φ` within 3e-7.
///
/// By formula 7.1.26 of Abramowitz and Stegun (1964), whose exponential is the density's.
#[inline(always)]
pub(crate) fn normal(x: f32) -> (f32, f32) {
    const INV_SQRT_2PI: f32 = 0.398_942_3;
    let e = exp2(-0.5 * std::f32::consts::LOG2_E * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let tail = 0.5 * (p * t * e);
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    (below, INV_SQRT_2PI * e)
}

/// `tanh(x)`, within 1e-6.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // Beyond 9 it is 1 in f32.
    let x = if x < -9.0 { -9.0 } else { x };
    let x = if x > 9.0 { 9.0 } else { x };
    let e = exp(2.0 * x);
    (e - 1.0) / (e + 1.0)
}

/// Sum of a slice in sixteen lanes and a fixed order.
#[inline(always)]
pub(crate) fn lane_sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let blocks = values.chunks_exact(16);
    let tail = blocks.remainder().iter().fold(0.0, |sum, &value| sum + term(value));
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += term(value);
        }
    }
    fold(lanes) + tail
}

/// `Σ term(aᵢ, bᵢ)` in sixteen lanes and a fixed order.
#[inline(always)]
pub(crate) fn lane_sum2<T: Copy>(a: &[f32], b: &[T], term: impl Fn(f32, T) -> f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_blocks, b_blocks) = (a.chunks_exact(16), b.chunks_exact(16));
    let tails = a_blocks.remainder().iter().zip(b_blocks.remainder());
    let tail = tails.fold(0.0, |sum, (&x, &y)| sum + term(x, y));
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..16 {
            lanes[lane] += term(x[lane], y[lane]);
        }
    }
    fold(lanes) + tail
}

/// Largest value that is not NaN; negative infinity if there is none. What is subtracted from a NaN
/// stays NaN, so a softmax that starts with this hides none.
#[inline(always)]
pub(crate) fn lane_max(values: &[f32]) -> f32 {
    lane_fold(values, f32::NEG_INFINITY, larger)
}

#[inline(always)]
fn larger(max: f32, x: f32) -> f32 {
    if x > max { x } else { max }
}

#[inline(always)]
fn smaller(min: f32, x: f32) -> f32 {
    if x < min { x } else { min }
}

/// What `join` makes of all values and `start`, in sixteen lanes and a fixed order.
#[inline(always)]
fn lane_fold(values: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; 16];
    let blocks = values.chunks_exact(16);
    let tail = blocks.remainder().iter().fold(start, |sum, &x| join(sum, x));
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane = join(*lane, x);
        }
    }
    join(fold_by(lanes, &join), tail)
}

/// Smallest and largest value of a slice and 0; NaN is passed over.
#[inline(always)]
pub(crate) fn lane_range(values: &[f32]) -> (f32, f32) {
    // One after the other: compilers mix the lanes of two extremes up.
    (lane_fold(values, 0.0, smaller), lane_fold(values, 0.0, larger))
}

#[inline(always)]
fn fold(lanes: [f32; 16]) -> f32 {
    fold_by(lanes, |x, y| x + y)
}

/// Halves against halves: four steps that wait for each other instead of fifteen.
#[inline(always)]
fn fold_by(mut lanes: [f32; 16], join: impl Fn(f32, f32) -> f32) -> f32 {
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            lanes[lane] = join(lanes[lane], lanes[lane + width]);
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `erf` by its Maclaurin series in f64; enough terms for |x| below 5.
    fn erf(x: f64) -> f64 {
        let (mut sum, mut term) = (0.0, x);
        for n in 0..200 {
            sum += term / f64::from(2 * n + 1);
            term *= -x * x / f64::from(n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    fn grid(low: f64, high: f64) -> impl Iterator<Item = f32> {
        (0..=20_000).map(move |i| (low + (high - low) * f64::from(i) / 20_000.0) as f32)
    }

    #[test]
    fn exp_is_close_everywhere() {
        for x in grid(-87.0, 88.0) {
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.5e-7, "exp({x}): {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
        for small in [-87.5, -200.0, -1e30, f32::MIN, f32::NEG_INFINITY] {
            assert_eq!(exp(small), 0.0, "exp({small})");
        }
        for large in [88.5, 200.0, 1e30, f32::MAX, f32::INFINITY] {
            assert_eq!(exp(large), f32::INFINITY, "exp({large})");
        }
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn powers_of_two_are_close_everywhere() {
        for x in grid(-126.0, 0.0) {
            let exact = f64::from(x).exp2();
            let error = (f64::from(exp2(x)) - exact).abs() / exact;
            assert!(error < 2.5e-7, "2^{x}: {error:e}");
        }
        assert_eq!(exp2(0.0), 1.0);
        for small in [-126.5, -200.0, -1e30, f32::MIN, f32::NEG_INFINITY] {
            assert_eq!(exp2(small), 0.0, "2^{small}");
        }
        assert!(exp2(f32::NAN).is_nan());
    }

    #[test]
    fn normal_is_close_everywhere() {
        for x in grid(-5.0, 5.0) {
            let exact = f64::from(x);
            let (below, density) = normal(x);
            let phi = 0.5 * (1.0 + erf(exact * std::f64::consts::FRAC_1_SQRT_2));
            assert!((f64::from(below) - phi).abs() < 3e-7, "Φ({x})");
            let expected = (-0.5 * exact * exact).exp() / (2.0 * std::f64::consts::PI).sqrt();
            assert!((f64::from(density) - expected).abs() < 1e-7, "φ({x})");
        }
        for far in [40.0, 1e30, f32::MAX, f32::INFINITY] {
            assert_eq!((normal(far), normal(-far)), ((1.0, 0.0), (0.0, 0.0)));
        }
        assert!(normal(f32::NAN).0.is_nan() && normal(f32::NAN).1.is_nan());
    }

    #[test]
    fn tanh_is_close_everywhere() {
        for x in grid(-12.0, 12.0) {
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 1e-6, "tanh({x})");
        }
        assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (1.0, -1.0));
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn lanes_sum_every_length() {
        for len in 0..70 {
            let values: Vec<f32> = (1..=len).map(|value| value as f32).collect();
            let expected = (len * (len + 1) / 2) as f32;
            assert_eq!(lane_sum(&values, |x| x), expected);
            assert_eq!(lane_sum2(&values, &values, |x, _| x), expected);
            let largest = values.last().copied().unwrap_or(f32::NEG_INFINITY);
            assert_eq!(lane_max(&values), largest);
        }
    }
}
