//! Reproducible numbers for test inputs.

/// `len` numbers in `[-1, 1)`, the same for the same seed on every machine.
pub fn uniform(seed: u64, len: usize) -> Vec<f64> {
    let mut state = seed;
    (0..len).map(|_| 2.0 * unit(&mut state) - 1.0).collect()
}

/// `len` numbers of the standard normal distribution, the same for the same seed up to the last
/// digits of the machine's logarithm and cosine.
pub fn normal(seed: u64, len: usize) -> Vec<f64> {
    let mut state = seed;
    let mut draw = || {
        // Box and Muller, with 1 - u in (0, 1] so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - unit(&mut state)).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(&mut state)).cos()
    };
    (0..len).map(|_| draw()).collect()
}

/// The next number in `[0, 1)` of SplitMix64 (Steele, Lea and Flood 2014).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_as_named() {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let square = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        let (u, n) = (uniform(1, 20_000), normal(1, 20_000));
        assert!(u.iter().all(|v| (-1.0..1.0).contains(v)));
        assert!(mean(&u).abs() < 0.02 && (square(&u) - 1.0 / 3.0).abs() < 0.02);
        assert!(mean(&n).abs() < 0.03 && (square(&n) - 1.0).abs() < 0.05);
        assert_ne!(uniform(1, 4), uniform(2, 4));
    }
}
