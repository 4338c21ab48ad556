//! The passes of a transformer against their twins, which compute in f64: values within the error
//! bounds that the kernels state, gradients by finite differences of the twins, the same bits for
//! any number of threads, and NaN never hidden.

#![allow(clippy::unwrap_used)]

mod activation;
mod attention;
mod int8;
mod layer_norm;
mod multiply;
mod product;
mod rows;
mod weight_gradient;

use embedtune_kernels::{DropoutMask, Element};

/// Calls a function that is generic over the format for f32 and for bf16.
macro_rules! both {
    ($function:ident($($argument:expr),*)) => {{
        $function::<f32>($($argument),*);
        $function::<embedtune_kernels::Bf16>($($argument),*);
    }};
}
use both;

/// Numbers of threads that must not make a difference.
const THREADS: [usize; 3] = [1, 2, 4];

/// 2⁻²³, the distance of 1 to the next f32: the unit of the stated bounds.
const UNIT: f64 = 1.0 / (1 << 23) as f64;

/// `length` values in `[-1, 1)`.
fn values(length: usize, seed: u64) -> Vec<f32> {
    embedtune_testkit::uniform(seed, length).into_iter().map(|value| value as f32).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Values in a format of operands.
fn elements<E: Element>(values: &[f32]) -> Vec<E> {
    values.iter().map(|&value| E::of(value)).collect()
}

/// What values are in f32 after they were rounded to a format.
fn rounded<E: Element>(values: &[f32]) -> Vec<f32> {
    got(&elements::<E>(values))
}

/// The values of a result.
fn got<E: Element>(elements: &[E]) -> Vec<f32> {
    elements.iter().map(|element| element.get()).collect()
}

/// How far a value of this size may move when it is rounded to the format, in which f32 are exact.
fn rounding<E: Element>(value: f64) -> f64 {
    let exact = E::of(1.0 + 2f32.powi(-20)).get() != 1.0;
    if exact { 0.0 } else { value.abs() / 256.0 + 1e-40 }
}

/// The finalizer of SplitMix64, for the keys of masks.
fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn masks(rows: usize, rate: f32, seed: u64) -> Vec<DropoutMask> {
    (0..rows as u64).map(|row| DropoutMask::new(mix(mix(seed) ^ row), rate)).collect()
}

/// Asserts that `kernel` returns the same bits in pools of each number of [`THREADS`].
fn assert_threads_do_not_matter(kernel: impl Fn() -> Vec<f32> + Sync) {
    let mut runs = THREADS.iter().map(|&threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&kernel).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    });
    let one = runs.next().unwrap();
    assert!(runs.all(|bits| bits == one), "the number of threads changes bits");
}

/// Asserts `|got - expected| <= bound(index)` for every value.
#[track_caller]
fn assert_within(got: &[f32], expected: &[f64], bound: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), expected.len());
    for (at, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let (off, bound) = ((f64::from(got) - expected).abs(), bound(at));
        assert!(off <= bound, "value {at}: {got} is {off:e} off {expected}, more than {bound:e}");
    }
}
