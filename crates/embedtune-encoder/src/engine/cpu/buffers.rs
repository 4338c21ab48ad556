//! Memory that is used again from step to step: fresh pages cost as much as filling them.

use std::sync::{Mutex, PoisonError};

use embedtune_kernels::{DropoutMask, Element, PackedColumns};

use super::weights::Linear;

/// Buffers of one kind that are free.
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { free: Mutex::default() }
    }
}

impl<T: Default> Pool<T> {
    /// A buffer; what is in it is left over from earlier use.
    pub(super) fn take(&self) -> T {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, buffer: T) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Rows before a layer norm's weight and bias, and the factors that normalized them.
#[derive(Default)]
pub(super) struct Normed<E> {
    /// `(tokens, hidden)`.
    pub(super) rows: Vec<E>,
    /// `(tokens)`.
    pub(super) inverse_deviation: Vec<f32>,
}

/// Kept of one block. Its input and what follows a norm's weight are computed again from the
/// normalized rows, which is a pass over memory instead of a buffer.
#[derive(Default)]
pub(super) struct LayerTape<E> {
    /// Queries, keys and values, `(tokens, 3 × hidden)`.
    pub(super) projections: Vec<E>,
    /// Attention output before its projection, `(tokens, hidden)`.
    pub(super) context: Vec<E>,
    pub(super) attention_norm: Normed<E>,
    /// Input of the activation, `(tokens, intermediate)`.
    pub(super) inner: Vec<E>,
    pub(super) output_norm: Normed<E>,
}

/// Kept of the transformer.
#[derive(Default)]
pub(super) struct Kept<E> {
    pub(super) embeddings: Normed<E>,
    pub(super) layers: Vec<LayerTape<E>>,
}

/// Values of one pass over all tokens that do not outlive it.
#[derive(Default)]
pub(super) struct Workspace<E> {
    /// Hidden states, or their gradient, `(tokens, hidden)`.
    pub(super) hidden: Vec<f32>,
    pub(super) masks: Vec<DropoutMask>,
    /// Gradients of linear layers' outputs, for the gradients of their weights.
    pub(super) d_output: Vec<E>,
    pub(super) d_inner: Vec<E>,
    pub(super) d_context: Vec<E>,
    pub(super) columns: PackedColumns,
    pub(super) sums: super::sums::Sums,
}

/// Values of some rows, for one thread at a time.
pub(super) struct Scratch<W: Linear> {
    pub(super) rows: W::Rows,
    /// Results of products.
    pub(super) wide: Vec<f32>,
    pub(super) narrow: Vec<f32>,
    /// What is not kept.
    pub(super) inner: Vec<W::Kept>,
    pub(super) inverse_deviation: Vec<f32>,
    pub(super) masks: Vec<DropoutMask>,
}

impl<W: Linear> Default for Scratch<W> {
    fn default() -> Self {
        Self {
            rows: W::Rows::default(),
            wide: Vec::new(),
            narrow: Vec::new(),
            inner: Vec::new(),
            inverse_deviation: Vec::new(),
            masks: Vec::new(),
        }
    }
}

/// The first `len` values of a buffer, which grows if need be; what is in them is left over.
pub(super) fn sized<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}

impl<E: Element> Normed<E> {
    /// Room for so many rows.
    pub(super) fn resize(&mut self, tokens: usize, size: usize) {
        self.rows.resize(tokens * size, E::default());
        self.inverse_deviation.resize(tokens, 0.0);
    }

    /// Blocks of so many rows with their deviations.
    pub(super) fn chunks(
        &mut self,
        count: usize,
        size: usize,
    ) -> impl Iterator<Item = (&mut [E], &mut [f32])> {
        self.rows.chunks_mut(count * size).zip(self.inverse_deviation.chunks_mut(count))
    }
}

impl<E: Element> LayerTape<E> {
    /// Room for so many tokens; without what only a backward pass needs unless `keep`.
    pub(super) fn resize(&mut self, tokens: usize, size: usize, inner: usize, keep: bool) {
        self.projections.resize(tokens * 3 * size, E::default());
        self.context.resize(tokens * size, E::default());
        if keep {
            self.attention_norm.resize(tokens, size);
            self.inner.resize(tokens * inner, E::default());
            self.output_norm.resize(tokens, size);
        }
    }
}
