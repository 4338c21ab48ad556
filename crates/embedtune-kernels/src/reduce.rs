//! Sums whose result does not depend on the number of threads.

use rayon::prelude::*;

use crate::CHUNK;

/// `Σ xᵢ²` in f64: the square of a gradient's norm.
///
/// Chunks of a fixed size are summed in parallel, eight lanes each, and their sums added in
/// order: the same bits for any number of threads and on any processor. Squares of f32 are exact
/// in f64, so the relative error is below `n · 2⁻⁵³`.
///
/// ```
/// assert_eq!(embedtune_kernels::sum_of_squares(&[3.0, 4.0]), 25.0);
/// ```
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let sums: Vec<f64> = x.par_chunks(CHUNK).map(chunk_sum).collect();
    sums.iter().sum()
}

fn chunk_sum(chunk: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value) * f64::from(value);
    let mut lanes = [0.0f64; 8];
    let blocks = chunk.chunks_exact(8);
    let tail: f64 = blocks.remainder().iter().map(|&value| square(value)).sum();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += square(value);
        }
    }
    lanes.iter().sum::<f64>() + tail
}
