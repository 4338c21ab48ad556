use embedtune_kernels::{QuantizedMatrix, QuantizedRows, multiply_int8, reference};
use proptest::prelude::*;

use super::{values, wide};

/// The largest share of a step that a number is off by.
const HALF: f64 = 0.501;

fn product(left: &[f32], weights: &[f32], k: usize) -> Vec<f32> {
    let (mut rows, mut matrix) = (QuantizedRows::default(), QuantizedMatrix::default());
    // What was packed before must not matter.
    rows.pack(&[f32::NAN; 300], 3);
    matrix.pack_transposed(&[&[f32::NAN; 700]], 7);
    rows.pack(left, k);
    let middle = weights.len() / k / 2 * k;
    matrix.pack_transposed(&[&weights[..middle], &[], &weights[middle..]], k);
    assert_eq!(matrix.shape(), (k, weights.len() / k));
    let mut out = vec![f32::NAN; left.len() / k * (weights.len() / k)];
    multiply_int8(&rows, &matrix, &mut out);
    out
}

fn twin(left: &[f32], weights: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; left.len() / k * (weights.len() / k)];
    reference::multiply_int8(left, weights, k, &mut out);
    out
}

/// The bits of each value, NaN as one.
fn bits(values: &[f32]) -> Vec<Option<u32>> {
    values.iter().map(|value| (!value.is_nan()).then(|| value.to_bits())).collect()
}

fn check(left: &[f32], weights: &[f32], k: usize) {
    let got = product(left, weights, k);
    assert_eq!(bits(&got), bits(&twin(left, weights, k)), "rows of {k}");
    let n = weights.len() / k;
    for (row, x) in left.chunks_exact(k).enumerate() {
        let x = wide(x);
        let range = |pick: fn(f64, f64) -> f64| x.iter().copied().fold(0.0, pick);
        let step = (range(f64::max) - range(f64::min)) / 255.0;
        for (column, w) in weights.chunks_exact(k).enumerate() {
            let w = wide(w);
            let w_step = w.iter().fold(0.0f64, |max, w| max.max(w.abs())) / 127.0;
            let terms = || x.iter().zip(&w);
            let exact: f64 = terms().map(|(x, w)| x * w).sum();
            let bound: f64 = terms()
                .map(|(x, w)| step * w.abs() + w_step * x.abs() + HALF * step * w_step)
                .sum();
            let got = f64::from(got[row * n + column]);
            let bound = HALF * bound + got.abs() * 2f64.powi(-22);
            assert!((got - exact).abs() <= bound, "{row}, {column}: {got} is not {exact}");
        }
    }
}

#[test]
fn whole_tiles_and_tails() {
    for m in [0, 1, 13, 14, 15, 29] {
        for n in [0, 1, 31, 32, 33, 65] {
            for k in [1, 3, 4, 5, 63, 384] {
                check(&values(m * k, 1), &values(n * k, 2), k);
            }
        }
    }
}

#[test]
fn sums_of_the_largest_numbers_are_exact() {
    // Each product is 255 · 127, or its negative with a zero of 255: what an i32 holds.
    for k in [4096, 66_000] {
        for x in [1.0f32, -1.0] {
            for w in [1.0f32, -1.0] {
                let got = product(&vec![x; k], &vec![w; k], k)[0];
                let expected = f64::from(x * w) * k as f64;
                assert!((f64::from(got) - expected).abs() <= expected.abs() * 2f64.powi(-21));
            }
        }
    }
    check(&values(3 * 4096, 1), &values(5 * 4096, 2), 4096);
}

#[test]
fn zeros_stay_zeros_and_constants_are_nearly_exact() {
    for k in [1, 5, 64] {
        let weights = values(3 * k, 1);
        assert_eq!(product(&vec![0.0; 2 * k], &weights, k), [0.0; 6]);
        assert_eq!(product(&weights, &vec![0.0; 2 * k], k), [0.0; 6]);
        for constant in [7.0f32, -7.0, 1e-20, -1e20] {
            // All of the range is one number, which is one of its ends.
            let got = product(&vec![constant; k], &vec![3.0; k], k)[0];
            let exact = f64::from(constant) * 3.0 * k as f64;
            assert!((f64::from(got) - exact).abs() <= exact.abs() * 2f64.powi(-20), "{constant}");
        }
    }
}

#[test]
fn both_ends_of_a_range_are_cut_off_where_they_end() {
    // 0 lies between two numbers, so that one end is beyond 0 or 255 before it is cut off.
    for low in [-0.3f32, -0.5, -0.7, -1.49, -127.5, -254.6] {
        let left = [low, 0.0, low + 255.0, 1.0, 100.25];
        // One weight picks one value.
        for at in 0..left.len() {
            let mut weights = [0.0; 5];
            weights[at] = 1.0;
            let got = product(&left, &weights, 5)[0];
            assert!((got - left[at]).abs() <= 0.502, "{got} is not {} from {low}", left[at]);
            check(&left, &weights, 5);
        }
    }
}

#[test]
fn values_at_the_ends_of_the_range_of_f32() {
    // The difference of the ends is beyond f32, and the result is not.
    let left = [f32::MAX, f32::MIN, 1e38, -1e38, 0.0];
    check(&left, &[0.1, 0.01, -0.1, 0.2, 1.0], 5);
    let weights = [f32::MAX, f32::MIN, 1e38, 0.0, 0.0];
    check(&[0.1, 0.05, 0.0, -0.02, 0.1], &weights, 5);
    // Beyond f32 altogether: no number that looks like one.
    let got = product(&left, &weights, 5);
    assert!(!got[0].is_finite(), "{}", got[0]);
}

#[test]
fn values_without_precision_are_zeros() {
    for size in [1e-45f32, 1e-42, 1e-40, 1e-38, 2e-36, 4e-36, 1e-30] {
        for left in [[size, -size, 0.0, size / 2.0], [-size, -size / 3.0, 0.0, 0.0]] {
            let others = [1.0, -2.0, 3.0, 0.5];
            for got in [product(&left, &others, 4)[0], product(&others, &left, 4)[0]] {
                let exact: f64 = wide(&left).iter().zip(wide(&others)).map(|(x, w)| x * w).sum();
                // Zeros where a step is below 2⁻¹²⁶; else a step's error for each value.
                let step = (2.0 * f64::from(size) / 127.0).max(255.0 * 2f64.powi(-126));
                let bound = 4.0 * 3.0 * step + 2f64.powi(-149);
                assert!((f64::from(got) - exact).abs() <= bound, "{size:e}: {got:e}, {exact:e}");
            }
            assert_eq!(
                bits(&product(&left, &others, 4)),
                bits(&twin(&left, &others, 4)),
                "{size:e}"
            );
        }
    }
}

#[test]
fn what_is_not_finite_shows_in_its_row_or_column_and_no_other() {
    let (m, k, n) = (16, 37, 34);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (row, column) in [(0, 0), (3, 17), (15, 36)] {
            let mut left = values(m * k, 1);
            left[row * k + column] = bad;
            let out = product(&left, &values(n * k, 2), k);
            for (at, value) in out.iter().enumerate() {
                assert_eq!(value.is_nan(), at / n == row, "{bad} at {row}, {column}: {at}");
            }
            let mut weights = values(n * k, 2);
            weights[row * k + column] = bad;
            let out = product(&values(m * k, 1), &weights, k);
            for (at, value) in out.iter().enumerate() {
                assert_eq!(value.is_nan(), at % n == row, "{bad} at {row}, {column}: {at}");
            }
        }
        assert!(product(&[bad; 4], &[0.0; 4], 4)[0].is_nan());
        assert!(product(&[0.0; 4], &[bad; 4], 4)[0].is_nan());
    }
}

#[test]
fn a_row_does_not_know_of_the_others() {
    let (m, k, n) = (31, 77, 45);
    let (left, weights) = (values(m * k, 1), values(n * k, 2));
    let all = product(&left, &weights, k);
    for (left, expected) in left.chunks_exact(k).zip(all.chunks_exact(n)) {
        assert_eq!(product(left, &weights, k), expected);
    }
}

#[test]
fn nothing_packed_is_nothing_to_do() {
    multiply_int8(&QuantizedRows::default(), &QuantizedMatrix::default(), &mut []);
    assert!(product(&[], &[], 3).is_empty());
}

#[test]
#[should_panic(expected = "rows of 66001 values, not 1 to 66000")]
fn sums_must_fit_their_integers() {
    QuantizedRows::default().pack(&[0.0; 66_001], 66_001);
}

#[test]
#[should_panic(expected = "rows of 0 values")]
fn rows_have_values() {
    QuantizedMatrix::default().pack_transposed(&[], 0);
}

#[test]
#[should_panic(expected = "columns of the left are not the rows of the right matrix")]
fn shapes_must_fit_together() {
    let (mut rows, mut matrix) = (QuantizedRows::default(), QuantizedMatrix::default());
    rows.pack(&[0.0; 6], 3);
    matrix.pack_transposed(&[&[0.0; 6]], 2);
    multiply_int8(&rows, &matrix, &mut [0.0; 6]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equals_its_twin(
        (m, k, n) in (0usize..40, 1usize..90, 1usize..70),
        (shift, scale) in (-2.0f32..2.0, -18i32..18),
        seed in 0u64..1000,
    ) {
        // Rows on one side of 0 too, and steps of all sizes.
        let scale = 10f32.powi(scale);
        let left: Vec<f32> = values(m * k, seed).iter().map(|x| (x + shift) * scale).collect();
        check(&left, &values(n * k, seed + 1), k);
    }
}
