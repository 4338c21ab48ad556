//! CPU kernels over slices: matrix products, the passes of a transformer, distances, reductions and
//! the AdamW step.
//!
//! Slices in, slices out: no tensor type, no allocation in a hot loop, no state. The functions
//! pick the widest instructions of the processor at run time ([`CpuFeatures`]), so one binary runs
//! everywhere. This is the only crate of the workspace with `unsafe`; every such block says why it
//! is sound, and every kernel has a plain twin in [`mod@reference`] that it is tested against.
//!
//! | kernel | shapes | threads | result depends on |
//! |---|---|---|---|
//! | [`matmul`], [`matmul_nt`], [`product`] | `(m, k) × (k, n)`, `(m, k) × (n, k)`, either by views | as asked | processor and shape, in the last bits |
//! | [`attention`], [`attention_backward`] | `(len, heads × head_dim)`, one sequence | one | processor and shape, in the last bits |
//! | [`dot`], [`squared_l2`] | `(n)` | one | processor, in the last bits |
//! | [`bias_activation`], [`activate`], [`activation_backward`] | `(rows, n)`, `(n)` | all | nothing: same bits everywhere |
//! | [`residual_layer_norm`], [`layer_norm`], [`scale_shift`], [`layer_norm_backward`] | `(rows, n)` | all | nothing: same bits everywhere |
//! | [`add_bias`], [`add_column_sums`], [`apply_masks`] | `(rows, n)` | all | nothing: same bits everywhere |
//! | [`sum_of_squares`] | `(n)` | all | nothing: same bits everywhere |
//! | [`adamw_step`], [`axpy`] | `(n)` | all | nothing: same bits everywhere |
//!
//! What a training step adds up is reduced over chunks of a fixed size in a fixed order, so the
//! number of threads never changes a result: a run resumed with more of them stays the same run.
//!
//! # Panics
//!
//! Slices whose lengths do not fit together are a mistake of the caller, like an index out of
//! bounds, and panic with both lengths. Values are never inspected: NaN and infinity propagate.
//!
//! # Example
//!
//! ```
//! use embedtune_kernels::{MatmulShape, Threads, dot, matmul_nt};
//!
//! let queries = [1.0, 0.0, 0.6, 0.8]; // (2, 2)
//! let documents = [1.0, 0.0, 0.0, 1.0, 0.8, 0.6]; // (3, 2)
//! let mut scores = [0.0; 6]; // (2, 3)
//! let shape = MatmulShape { m: 2, n: 3, k: 2 };
//! matmul_nt(shape, &queries, &documents, &mut scores, Threads::All);
//! assert_eq!(scores[1], dot(&queries[..2], &documents[2..4]));
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adamw;
mod attention;
mod axpy;
mod cpu;
mod distance;
mod dropout;
mod gelu;
mod layer_norm;
mod math;
mod matmul;
mod multiversion;
mod reduce;
pub mod reference;
mod rows;
mod view;

pub use adamw::{AdamWStep, adamw_step};
pub use attention::{AttentionShape, attention, attention_backward};
pub use axpy::axpy;
pub use cpu::CpuFeatures;
pub use distance::{dot, squared_l2};
pub use dropout::DropoutMask;
pub use gelu::{Activation, activate, activation_backward, bias_activation};
pub use layer_norm::{layer_norm, layer_norm_backward, residual_layer_norm, scale_shift};
pub use matmul::{MatmulShape, Threads, matmul, matmul_nt};
pub use reduce::sum_of_squares;
pub use rows::{add_bias, add_column_sums, apply_masks};
pub use view::{Matrix, MatrixMut, Update, product};

/// Values in a chunk of a parallel pass. Fixed, because the order of a sum follows it: 64 KiB of
/// f32 stay in a second-level cache, and a chunk takes long enough to be worth a task.
const CHUNK: usize = 16 * 1024;

/// Rows in a chunk of a parallel pass over a matrix; fixed for the same reason.
const ROWS: usize = 64;
