//! CPU kernels over slices: matrix products in f32, bf16 and 8-bit integers, attention, the passes
//! of a transformer over rows, distances, reductions and the AdamW step.
//!
//! Slices in, slices out: no tensor type. The functions pick the widest instructions of the
//! processor at run time ([`CpuFeatures`]), so one binary runs everywhere. This is the only crate of
//! the workspace with `unsafe`; every such block says why it is sound, and every kernel has a plain
//! twin in [`mod@reference`] that it is tested against.
//!
//! | kernel | shapes | threads | result depends on |
//! |---|---|---|---|
//! | [`multiply`] | `(rows, k)` × [`PackedMatrix`] `(k, n)` | one | processor, in the last bits |
//! | [`multiply_int8`] | [`QuantizedRows`] `(rows, k)` × [`QuantizedMatrix`] `(k, n)` | one | nothing: same bits everywhere |
//! | [`add_weight_gradients`] | `(tokens, Σ outᵢ)ᵀ × (tokens, inputs)` | all | processor, in the last bits |
//! | [`attention`], [`attention_backward`] | `(tokens, 3 × heads × head_dim)`, packed sequences | all, over sequences and heads | processor, in the last bits |
//! | [`bias_activation`], [`activation_backward`] | `(rows, n)`, `(n)` | one | nothing: same bits everywhere |
//! | [`residual_layer_norm`], [`layer_norm`], [`scale_shift`], [`layer_norm_backward`] | `(rows, n)` | one | nothing: same bits everywhere |
//! | [`add_bias`], [`add_column_sums`], [`apply_masks`], [`gather_rows`], [`scatter_add_rows`], [`sum_rows`], [`spread_row`], [`round_to`] | `(rows, n)` | one | nothing: same bits everywhere |
//! | [`matmul`], [`matmul_nt`], [`product`] | `(m, k) × (k, n)`, `(m, k) × (n, k)`, either by views | as asked | processor and shape, in the last bits |
//! | [`dot`], [`squared_l2`] | `(n)` | one | processor, in the last bits |
//! | [`sum_of_squares`] | `(n)` | all | nothing: same bits everywhere |
//! | [`adamw_step`], [`axpy`] | `(n)` | all | nothing: same bits everywhere |
//!
//! # Threads
//!
//! The passes over rows and the packed products run on the calling thread over the rows they are
//! given: callers run one block of rows a thread, so that a block stays in that thread's caches from
//! pass to pass. What is computed from one row (or one sequence) does not depend on the others, so
//! it does not matter how rows are split. Where rows are added up ([`add_column_sums`],
//! [`layer_norm_backward`], [`scatter_add_rows`]) it does: callers split these alike for any number
//! of threads. The kernels that are parallel themselves add up in a fixed order, by chunks of a fixed
//! size: the number of threads never changes a result, and a run resumed with more of them stays
//! the same run.
//!
//! # Formats and errors
//!
//! [`Element`] is the format in which operands are kept: f32, or [`Bf16`] with 8 bits of precision in
//! half the memory, which some processors multiply two at a time. Sums are f32 in both, and results
//! are rounded to the format once. Each kernel states how far its results may be from the
//! exact ones of its rounded operands; products are within `k · 2⁻²³ · Σ |lᵢ·rᵢ|`, whatever the
//! format. [`multiply_int8`] sums exactly, and is off by the quantization of its operands.
//!
//! # Memory
//!
//! Packed and quantized operands are buffers of their own, to be used again from call to call.
//! [`attention`], [`attention_backward`] and [`add_weight_gradients`] have further buffers for each
//! thread, which grow to the longest sequence (or widest gradient) that it saw and stay until the
//! thread ends: for a backward pass over `len` tokens `2 · len²` elements, and others of the size of
//! one head. Hot loops allocate nothing else of such a size.
//!
//! # Panics
//!
//! Slices whose lengths do not fit together are a mistake of the caller, like an index out of
//! bounds, and panic. Values are never inspected: NaN and infinity propagate, and where 8-bit
//! integers cannot hold them, the results of their row or column are NaN.
//!
//! # Examples
//!
//! Scores of queries and documents:
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
//!
//! A linear layer in bf16, whose weight `(2, 3)` is packed once and multiplied often:
//!
//! ```
//! use embedtune_kernels::{Bf16, Element, PackedMatrix, Update, multiply};
//!
//! let mut weight = PackedMatrix::<Bf16>::default();
//! weight.pack_transposed(&[&[1.0, 2.0, 3.0, 0.0, 1.0, 0.0]], 3);
//! let rows = [1.0, 0.5, 2.0].map(Bf16::of); // (1, 3)
//! let mut out = [0.0; 2]; // (1, 2)
//! multiply(&rows, &weight, Update::Overwrite, &mut out);
//! assert_eq!(out, [8.0, 0.5]);
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod adamw;
mod attention;
mod axpy;
mod cpu;
mod distance;
mod dropout;
mod element;
mod gelu;
mod int8;
mod layer_norm;
mod math;
mod matmul;
mod multiversion;
mod pack;
mod packed;
mod reduce;
pub mod reference;
mod rows;
mod scratch;
mod tile;
mod view;
mod weight_gradient;

pub use adamw::{AdamWStep, adamw_step};
pub use attention::{AttentionShape, attention, attention_backward};
pub use axpy::axpy;
pub use cpu::CpuFeatures;
pub use distance::{dot, squared_l2};
pub use dropout::DropoutMask;
pub use element::{Bf16, Element, round_to};
pub use gelu::{Activation, activation_backward, bias_activation};
pub use int8::{QuantizedMatrix, QuantizedRows, multiply_int8};
pub use layer_norm::{layer_norm, layer_norm_backward, residual_layer_norm, scale_shift};
pub use matmul::{MatmulShape, Threads, matmul, matmul_nt};
pub use packed::{PackedMatrix, multiply};
pub use reduce::sum_of_squares;
pub use rows::{
    add_bias, add_column_sums, apply_masks, gather_rows, scatter_add_rows, spread_row, sum_rows,
};
pub use view::{Matrix, MatrixMut, Update, product};
pub use weight_gradient::{PackedColumns, add_weight_gradients};

/// Values in a chunk of a parallel pass. Fixed, because the order of a sum follows it: 64 KiB of
/// f32 stay in a second-level cache, and a chunk takes long enough to be worth a task.
const CHUNK: usize = 16 * 1024;
