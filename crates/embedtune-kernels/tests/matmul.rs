//! Matrix products against their twins over random shapes.

#![allow(clippy::unwrap_used)]

use embedtune_kernels::{MatmulShape, Threads, matmul, matmul_nt, reference};
use proptest::prelude::*;

fn values(length: usize, seed: u64) -> Vec<f32> {
    (0..length as u64).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// Values lie within ±1, so `Σ |aᵢ·bᵢ| <= k` and the stated bound is at most `k² · 2⁻²³`, once for
/// the kernel and once for the twin.
fn assert_close(got: &[f32], expected: &[f32], k: usize) {
    let bound = 2.0 * (k * k) as f32 / (1 << 23) as f32;
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= bound, "value {i}: {got} is not {expected}");
    }
}

proptest! {
    #[test]
    fn equal_their_twins(
        m in 0usize..40, n in 0usize..40, k in 0usize..70, seed in 0u64..1000,
        threads in prop_oneof![Just(Threads::One), Just(Threads::All)],
    ) {
        let shape = MatmulShape { m, n, k };
        let (a, b) = (values(m * k, seed), values(n * k, seed + 1));
        // What was in the result must not matter, NaN least of all.
        let mut got = vec![f32::NAN; m * n];
        let mut expected = got.clone();
        matmul_nt(shape, &a, &b, &mut got, threads);
        reference::matmul_nt(shape, &a, &b, &mut expected);
        assert_close(&got, &expected, k);
        got.fill(f32::NAN);
        matmul(shape, &a, &b, &mut got, threads);
        reference::matmul(shape, &a, &b, &mut expected);
        assert_close(&got, &expected, k);
    }
}

#[test]
fn a_product_worth_many_threads() {
    let shape = MatmulShape { m: 130, n: 257, k: 384 };
    let (a, b) = (values(130 * 384, 1), values(257 * 384, 2));
    let (mut one, mut all) = (vec![0.0; 130 * 257], vec![0.0; 130 * 257]);
    matmul_nt(shape, &a, &b, &mut one, Threads::One);
    matmul_nt(shape, &a, &b, &mut all, Threads::All);
    let mut expected = vec![0.0; 130 * 257];
    reference::matmul_nt(shape, &a, &b, &mut expected);
    assert_close(&one, &expected, 384);
    assert_close(&all, &expected, 384);
}

#[test]
#[should_panic(expected = "right matrix has 5 values, not 2 × 3")]
fn shapes_are_checked() {
    let shape = MatmulShape { m: 1, n: 2, k: 3 };
    matmul_nt(shape, &[0.0; 3], &[0.0; 5], &mut [0.0; 2], Threads::One);
}
