//! Scaled accumulation.

use rayon::prelude::*;

use crate::CHUNK;

/// `yᵢ += alpha · xᵢ`: adds gradients of micro-batches, or moves an average.
///
/// Parallel; the product and the sum are rounded once each, on every processor alike.
///
/// # Panics
/// If the lengths differ.
pub fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "vectors of different lengths");
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
        for (y, x) in y.iter_mut().zip(x) {
            *y += alpha * x;
        }
    });
}
