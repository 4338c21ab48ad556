use embedtune_kernels::{
    Bf16, Element, Matrix, MatrixMut, PackedMatrix, Update, multiply, reference, round_to,
};
use proptest::prelude::*;

use super::{UNIT, both, rounded, values, wide};

/// How the right operand is given: `(n, k)` or `(k, n)`, in so many matrices one below the other.
#[derive(Debug, Clone, Copy)]
struct Given {
    transposed: bool,
    parts: usize,
}

/// The right operand of `values` `(k, n)`, given as asked.
fn pack<E: Element>(given: Given, values: &[f32], k: usize, n: usize) -> PackedMatrix<E> {
    let mut packed = PackedMatrix::default();
    // What was packed before must not matter.
    packed.pack_transposed(&[&[f32::NAN; 700]], 7);
    let (rows, width) = if given.transposed { (n, k) } else { (k, n) };
    let data: Vec<f32> = match given.transposed {
        true => (0..n * k).map(|at| values[at % k * n + at / k]).collect(),
        false => values.to_vec(),
    };
    let part = rows.div_ceil(given.parts).max(1) * width;
    let mut parts: Vec<&[f32]> = data.chunks(part).collect();
    // An empty matrix adds nothing.
    parts.insert(parts.len() / 2, &[]);
    match given.transposed {
        true => packed.pack_transposed(&parts, width),
        false => packed.pack(&parts, width),
    }
    assert_eq!(packed.shape(), (k, n));
    packed
}

fn check<E: Element>(m: usize, k: usize, n: usize, given: Given, update: Update, seed: u64) {
    let (left, right) = (values(m * k, seed), values(k * n, seed + 1));
    let start = match update {
        Update::Add => values(m * n, seed + 2),
        Update::Overwrite => vec![f32::NAN; m * n],
    };
    let packed = pack::<E>(given, &right, k, n);
    let before = start.clone();
    let mut got = start;
    multiply(&elements::<E>(&left), &packed, update, &mut got);

    let (left_values, right) = (rounded::<E>(&left), rounded::<E>(&right));
    let mut expected = before;
    let (a, b) = (Matrix::new(&left_values, m, k), Matrix::new(&right, k, n));
    reference::product(a, b, MatrixMut::new(&mut expected, m, n), update);
    let mut magnitudes = vec![0.0; m * n];
    let (left_sizes, right_sizes) = (sizes(&left_values), sizes(&right));
    let (a, b) = (Matrix::new(&left_sizes, m, k), Matrix::new(&right_sizes, k, n));
    reference::product(a, b, MatrixMut::new(&mut magnitudes, m, n), Update::Overwrite);
    for (at, (&got, &expected)) in got.iter().zip(&expected).enumerate() {
        // The twin rounds its sum to f32; a size is exact in the other direction.
        let bound =
            (k as f64 + 1.0) * UNIT * f64::from(magnitudes[at]) + UNIT * f64::from(expected.abs());
        let off = (f64::from(got) - f64::from(expected)).abs();
        assert!(off <= bound, "{at} of ({m}, {k}, {n}), {given:?}: {got}, {expected}");
    }
}

/// The values in the format.
fn elements<E: Element>(values: &[f32]) -> Vec<E> {
    let mut elements = vec![E::default(); values.len()];
    round_to(values, &mut elements);
    elements
}

fn sizes(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| value.abs()).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

const PLAIN: Given = Given { transposed: true, parts: 1 };

#[test]
fn whole_tiles_and_tails() {
    for m in [0, 1, 13, 14, 15, 28, 43] {
        for n in [0, 1, 31, 32, 33, 65] {
            for k in [1, 2, 3, 16, 31, 384] {
                for transposed in [false, true] {
                    // A matrix of no column cannot say how many rows it has.
                    if n > 0 || transposed {
                        let given = Given { transposed, parts: 2 };
                        both!(check(m, k, n, given, Update::Overwrite, 1));
                    }
                }
            }
        }
    }
}

#[test]
fn long_sums() {
    both!(check(3, 4001, 40, PLAIN, Update::Add, 1));
    both!(check(3, 4001, 40, Given { transposed: false, parts: 3 }, Update::Add, 1));
}

#[test]
fn a_row_does_not_know_of_the_others() {
    fn check<E: Element>() {
        let (m, k, n) = (37, 77, 45);
        let left = values(m * k, 1);
        let packed = pack::<E>(PLAIN, &values(k * n, 2), k, n);
        let (rows, mut all) = (elements::<E>(&left), vec![0.0; m * n]);
        multiply(&rows, &packed, Update::Overwrite, &mut all);
        for (row, expected) in rows.chunks_exact(k).zip(all.chunks_exact(n)) {
            let mut alone = vec![0.0; n];
            multiply(row, &packed, Update::Overwrite, &mut alone);
            assert_eq!(bits(&alone), bits(expected));
        }
    }
    both!(check());
}

#[test]
fn nan_reaches_its_row_or_column_and_no_other() {
    fn check<E: Element>() {
        for (m, k, n) in [(1, 1, 1), (15, 5, 33), (20, 37, 3)] {
            // NaN · 0 is NaN.
            for at in [0, m * k / 2, m * k - 1] {
                let mut left = vec![0.0; m * k];
                left[at] = f32::NAN;
                let mut out = vec![0.0; m * n];
                let packed = pack::<E>(PLAIN, &vec![0.0; k * n], k, n);
                multiply(&elements::<E>(&left), &packed, Update::Overwrite, &mut out);
                for (place, value) in out.iter().enumerate() {
                    assert_eq!(value.is_nan(), place / n == at / k, "left {at}, {place}");
                }
            }
            for at in [0, k * n / 2, k * n - 1] {
                let mut right = vec![0.0; k * n];
                right[at] = f32::NAN;
                let mut out = vec![0.0; m * n];
                let packed = pack::<E>(PLAIN, &right, k, n);
                multiply(&vec![E::default(); m * k], &packed, Update::Add, &mut out);
                for (place, value) in out.iter().enumerate() {
                    assert_eq!(value.is_nan(), place % n == at % n, "right {at}, {place}");
                }
            }
        }
    }
    both!(check());
}

#[test]
fn nothing_packed_is_nothing_to_do() {
    let mut matrix = PackedMatrix::<Bf16>::default();
    multiply(&[], &matrix, Update::Overwrite, &mut []);
    matrix.pack(&[], 3);
    assert_eq!(matrix.shape(), (0, 3));
    multiply(&[], &matrix, Update::Overwrite, &mut []);
    matrix.pack_transposed(&[], 5);
    multiply(&[], &matrix, Update::Overwrite, &mut []);
}

#[test]
fn bf16_keeps_eight_bits() {
    let given: Vec<f32> = values(1000, 3);
    for (got, given) in rounded::<Bf16>(&given).iter().zip(wide(&given)) {
        assert!((f64::from(*got) - given).abs() <= given.abs() / 256.0);
    }
}

#[test]
#[should_panic(expected = "columns of the left are not the rows of the right matrix")]
fn shapes_must_fit_together() {
    let mut matrix = PackedMatrix::default();
    matrix.pack(&[&[0.0f32; 6]], 3);
    multiply(&[0.0f32; 7], &matrix, Update::Overwrite, &mut [0.0; 6]);
}

#[test]
#[should_panic(expected = "the result has another shape")]
fn the_result_must_fit() {
    let mut matrix = PackedMatrix::default();
    matrix.pack_transposed(&[&[0.0; 6]], 3);
    multiply(&[0.0f32; 6], &matrix, Update::Overwrite, &mut [0.0; 5]);
}

#[test]
#[should_panic(expected = "rows of another width")]
fn matrices_are_whole_rows() {
    PackedMatrix::<f32>::default().pack(&[&[0.0; 6], &[0.0; 4]], 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equals_its_twin(
        (m, k, n) in (0usize..50, 1usize..80, 1usize..80),
        (transposed, parts) in (any::<bool>(), 1usize..4),
        update in prop_oneof![Just(Update::Overwrite), Just(Update::Add)],
        seed in 0u64..1000,
    ) {
        both!(check(m, k, n, Given { transposed, parts }, update, seed));
    }
}
