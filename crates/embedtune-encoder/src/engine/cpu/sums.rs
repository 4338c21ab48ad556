//! Gradients that are sums over tokens: of biases and norms.

use embedtune_kernels::add_column_sums;

/// Sums over each block of rows, added up in their order when all are known: the same bits for any
/// number of threads.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) output_norm: Norm,
    pub(super) output: Partial,
    pub(super) intermediate: Partial,
    pub(super) attention_norm: Norm,
    pub(super) attention_output: Partial,
    pub(super) projections: Partial,
}

/// Sums for a layer norm's weight and bias.
#[derive(Default)]
pub(super) struct Norm {
    pub(super) weight: Partial,
    pub(super) bias: Partial,
}

/// One row of sums for each block of rows, `(blocks, n)`.
#[derive(Default)]
pub(super) struct Partial {
    values: Vec<f32>,
}

impl Partial {
    /// Zeros for so many blocks; one row each.
    pub(super) fn rows(&mut self, blocks: usize, n: usize) -> std::slice::ChunksExactMut<'_, f32> {
        self.values.clear();
        self.values.resize(blocks * n, 0.0);
        self.values.chunks_exact_mut(n)
    }

    /// Adds everything to `sum` `(n)`.
    pub(super) fn add_to(&self, sum: &mut [f32]) {
        add_column_sums(&self.values, sum);
    }

    /// Adds the columns from `first` on to `sum`; rows are `n` wide.
    pub(super) fn add_columns_to(&self, first: usize, n: usize, sum: &mut [f32]) {
        for row in self.values.chunks_exact(n) {
            add_column_sums(&row[first..first + sum.len()], sum);
        }
    }
}
