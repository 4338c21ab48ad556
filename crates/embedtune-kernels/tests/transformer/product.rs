use embedtune_kernels::{Matrix, MatrixMut, Threads, Update, product, reference};
use proptest::prelude::*;

use super::{UNIT, assert_threads_do_not_matter, values};

/// A matrix with a gap after each row, and whether it is stored transposed.
#[derive(Debug, Clone, Copy)]
struct Stored {
    gap: usize,
    transposed: bool,
}

fn stored() -> impl Strategy<Value = Stored> {
    (0usize..5, any::<bool>()).prop_map(|(gap, transposed)| Stored { gap, transposed })
}

impl Stored {
    /// Values for `(rows, columns)`; gaps hold NaN, which must not get into a result.
    fn fill(self, rows: usize, columns: usize, seed: u64) -> Vec<f32> {
        let (rows, columns) = if self.transposed { (columns, rows) } else { (rows, columns) };
        let stride = columns + self.gap;
        let mut data = values(rows * stride, seed);
        data.iter_mut()
            .enumerate()
            .filter(|(at, _)| at % stride.max(1) >= columns)
            .for_each(|(_, value)| *value = f32::NAN);
        // The last row needs no gap.
        data.truncate((rows * stride).saturating_sub(self.gap));
        data
    }

    fn view(self, data: &[f32], rows: usize, columns: usize) -> Matrix<'_> {
        match self.transposed {
            true => Matrix::strided(data, columns, rows, rows + self.gap).t(),
            false => Matrix::strided(data, rows, columns, columns + self.gap),
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let (m, n, k) = (384, 400, 700);
    let (a, b, start) = (values(m * k, 1), values(n * k, 2), values(m * n, 3));
    assert_threads_do_not_matter(|| {
        let mut c = start.clone();
        let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, n, k));
        product(a, b.t(), MatrixMut::new(&mut c, m, n), Update::Add, Threads::All);
        // As in the gradient of a weight: both operands long, the result small.
        let mut d = vec![0.0; k * k];
        product(a.t(), a, MatrixMut::new(&mut d, k, k), Update::Overwrite, Threads::All);
        [c, d].concat()
    });
}

#[test]
fn nan_reaches_every_result_that_it_belongs_to() {
    for (m, n, k) in [(1, 1, 1), (1, 9, 5), (9, 1, 5), (3, 4, 2), (20, 20, 20), (70, 33, 40)] {
        for at in [0, m * k - 1, (m * k) / 2] {
            let mut a = values(m * k, 1);
            a[at] = f32::NAN;
            // NaN · 0 is NaN.
            let (b, mut c) = (vec![0.0; k * n], vec![0.0; m * n]);
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            product(a, b, MatrixMut::new(&mut c, m, n), Update::Overwrite, Threads::One);
            for (place, value) in c.iter().enumerate() {
                assert_eq!(value.is_nan(), place / n == at / k, "({m}, {n}, {k}), {at}, {place}");
            }
        }
    }
}

#[test]
fn views_must_lie_within_their_slice() {
    let fails = |view: fn(&mut [f32])| {
        std::panic::catch_unwind(|| view(&mut [0.0; 12])).expect_err("a view that does not fit")
    };
    fails(|data| _ = Matrix::new(data, 3, 5));
    fails(|data| _ = Matrix::new(data, usize::MAX, usize::MAX));
    // Wraps round to 12 in 64 bits.
    fails(|data| _ = Matrix::new(data, (1 << 62) + 3, 4));
    fails(|data| _ = Matrix::strided(data, 3, 4, 5));
    fails(|data| _ = Matrix::strided(data, 3, 4, 3));
    fails(|data| _ = Matrix::strided(data, (1 << 62) + 1, 4, 4));
    fails(|data| _ = Matrix::strided(data, 1, 4, usize::MAX));
    fails(|data| _ = MatrixMut::new(data, 13, 1));
    fails(|data| _ = MatrixMut::strided(data, 2, 2, 1));
    fails(|data| _ = MatrixMut::strided(data, usize::MAX, 2, 2));
    assert_eq!(Matrix::strided(&[0.0; 12], 3, 2, 5).t().shape(), (2, 3));
}

#[test]
#[should_panic(expected = "the result has another shape")]
fn shapes_must_fit_together() {
    let (a, b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 6]);
    let (a, b) = (Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2));
    product(a, b, MatrixMut::new(&mut c, 2, 3), Update::Overwrite, Threads::One);
}

proptest! {
    #[test]
    fn equals_its_twin_for_any_layout(
        (m, n, k) in (0usize..50, 0usize..50, 0usize..80),
        (a, b) in (stored(), stored()),
        gap in 0usize..5,
        update in prop_oneof![Just(Update::Overwrite), Just(Update::Add)],
        threads in prop_oneof![Just(Threads::One), Just(Threads::All)],
        seed in 0u64..1000,
    ) {
        let (a_data, b_data) = (a.fill(m, k, seed), b.fill(k, n, seed + 1));
        let (a, b) = (a.view(&a_data, m, k), b.view(&b_data, k, n));
        let start = match update {
            Update::Add => values(m * (n + gap), seed + 2),
            // What was in the result must not matter.
            Update::Overwrite => vec![f32::NAN; m * (n + gap)],
        };
        let (mut got, mut expected) = (start.clone(), start.clone());
        product(a, b, MatrixMut::strided(&mut got, m, n, n + gap), update, threads);
        reference::product(a, b, MatrixMut::strided(&mut expected, m, n, n + gap), update);
        // Values lie within ±1: `Σ |aᵢ·bᵢ| <= k`, and a sum is at most k + 1.
        let bound = ((k * k) as f64 + (k + 1) as f64) * UNIT;
        for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
            if at % (n + gap) < n {
                prop_assert!(f64::from((got - expected).abs()) <= bound, "{at}: {got}, {expected}");
            } else {
                prop_assert_eq!(got.to_bits(), start[at].to_bits(), "a gap was written to");
            }
        }
    }
}
