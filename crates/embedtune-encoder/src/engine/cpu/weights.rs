//! The weights of linear layers in the order in which products read them.

use std::sync::{Arc, Mutex, PoisonError};

use embedtune_kernels::{
    Bf16, Element, PackedMatrix, QuantizedMatrix, QuantizedRows, Update, multiply, multiply_int8,
    round_to,
};
use rayon::prelude::*;

use crate::{EncoderSpec, Parameters, arch::LayerNames};

/// A format in which linear layers are computed.
pub(super) trait Linear: Default + Send + Sync {
    /// Format of attention, and of what is kept for the backward pass.
    type Kept: Element;
    /// Buffer of a left operand in the format.
    type Rows: Default + Send;

    /// Packs layers `(outputs, inputs)` side by side.
    fn pack(&mut self, weights: &[&[f32]], inputs: usize);

    /// `out = input · weightsᵀ`, `(rows, outputs)` from `(rows, inputs)`.
    fn apply(&self, input: &[f32], rows: &mut Self::Rows, out: &mut [f32]);

    /// The same of an input that is in the format already.
    fn apply_kept(&self, input: &[Self::Kept], rows: &mut Self::Rows, out: &mut [f32]);
}

impl<E: Element> Linear for PackedMatrix<E> {
    type Kept = E;
    type Rows = Vec<E>;

    fn pack(&mut self, weights: &[&[f32]], inputs: usize) {
        self.pack_transposed(weights, inputs);
    }

    fn apply(&self, input: &[f32], rows: &mut Self::Rows, out: &mut [f32]) {
        multiply(E::rounded(input, rows), self, Update::Overwrite, out);
    }

    fn apply_kept(&self, input: &[E], _: &mut Self::Rows, out: &mut [f32]) {
        multiply(input, self, Update::Overwrite, out);
    }
}

/// Left operand in 8 bits, and a buffer for values that come in another format.
#[derive(Default)]
pub(super) struct Int8Rows {
    rows: QuantizedRows,
    values: Vec<f32>,
}

impl Linear for QuantizedMatrix {
    type Kept = Bf16;
    type Rows = Int8Rows;

    fn pack(&mut self, weights: &[&[f32]], inputs: usize) {
        self.pack_transposed(weights, inputs);
    }

    fn apply(&self, input: &[f32], rows: &mut Int8Rows, out: &mut [f32]) {
        rows.rows.pack(input, self.shape().0);
        multiply_int8(&rows.rows, self, out);
    }

    fn apply_kept(&self, input: &[Bf16], rows: &mut Int8Rows, out: &mut [f32]) {
        let mut values = std::mem::take(&mut rows.values);
        values.resize(input.len(), 0.0);
        round_to(input, &mut values);
        self.apply(&values, rows, out);
        rows.values = values;
    }
}

/// The linear layers of one block.
#[derive(Default)]
pub(super) struct Block<W> {
    /// Queries, keys and values, side by side.
    pub(super) projections: W,
    pub(super) projections_bias: Vec<f32>,
    pub(super) attention_output: W,
    pub(super) intermediate: W,
    pub(super) output: W,
}

impl<W: Linear> Block<W> {
    /// Packs a block for the forward pass: products with transposed weights.
    fn pack(&mut self, spec: &EncoderSpec, names: &LayerNames, parameters: &Parameters) {
        let (size, inner) = (spec.transformer.hidden_size, spec.transformer.intermediate_size);
        let weight = |name: &str| weight(parameters, name);
        let projections = [&names.query, &names.key, &names.value];
        self.projections.pack(&projections.map(|affine| weight(&affine.weight)), size);
        self.projections_bias = projections.map(|affine| weight(&affine.bias)).concat();
        self.attention_output.pack(&[weight(&names.attention_output.weight)], size);
        self.intermediate.pack(&[weight(&names.intermediate.weight)], size);
        self.output.pack(&[weight(&names.output.weight)], inner);
    }
}

impl<E: Element> Block<PackedMatrix<E>> {
    /// Packs a block for the backward pass: products with the weights as they are.
    fn pack_backward(&mut self, spec: &EncoderSpec, names: &LayerNames, parameters: &Parameters) {
        let (size, inner) = (spec.transformer.hidden_size, spec.transformer.intermediate_size);
        let weight = |name: &str| weight(parameters, name);
        let projections = [&names.query, &names.key, &names.value];
        self.projections.pack(&projections.map(|affine| weight(&affine.weight)), size);
        self.attention_output.pack(&[weight(&names.attention_output.weight)], size);
        self.intermediate.pack(&[weight(&names.intermediate.weight)], size);
        self.output.pack(&[weight(&names.output.weight)], inner);
    }
}

pub(super) fn weight<'a>(parameters: &'a Parameters, name: &str) -> &'a [f32] {
    parameters.get(name).expect("the model has every weight of its spec")
}

/// Packed weights of the version of the parameters, and for the direction, that was asked for last. A
/// training step changes all weights, so there is nothing to keep from one step to the next.
pub(super) struct Packed<W> {
    blocks: Mutex<Option<Version<W>>>,
}

/// A version of the parameters, whether for the backward pass, and the blocks.
type Version<W> = (u64, bool, Arc<Vec<Block<W>>>);

impl<W> Default for Packed<W> {
    fn default() -> Self {
        Self { blocks: Mutex::default() }
    }
}

impl<W: Linear> Packed<W> {
    /// Blocks for the forward pass.
    pub(super) fn forward(
        &self,
        spec: &EncoderSpec,
        parameters: &Parameters,
    ) -> Arc<Vec<Block<W>>> {
        self.of(spec, parameters, false, |block, names| block.pack(spec, names, parameters))
    }

    fn of(
        &self,
        spec: &EncoderSpec,
        parameters: &Parameters,
        backward: bool,
        pack: impl Fn(&mut Block<W>, &LayerNames) + Sync,
    ) -> Arc<Vec<Block<W>>> {
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = lock();
        if let Some((version, direction, blocks)) = &*known
            && (*version, *direction) == (parameters.version(), backward)
        {
            return Arc::clone(blocks);
        }
        let last = known.take().map(|(_, _, blocks)| blocks);
        drop(known);
        // Not locked while threads pack: one that waits may be given a pass that asks for the lock.
        // The memory of the last version is used again, unless a pass still reads it.
        let mut blocks = last.and_then(|blocks| Arc::try_unwrap(blocks).ok()).unwrap_or_default();
        blocks.resize_with(spec.transformer.num_layers, Block::default);
        blocks.par_iter_mut().zip(&spec.names.layers).for_each(|(block, names)| pack(block, names));
        let blocks = Arc::new(blocks);
        *lock() = Some((parameters.version(), backward, Arc::clone(&blocks)));
        blocks
    }
}

impl<E: Element> Packed<PackedMatrix<E>> {
    /// Blocks for the backward pass.
    pub(super) fn backward(
        &self,
        spec: &EncoderSpec,
        parameters: &Parameters,
    ) -> Arc<Vec<Block<PackedMatrix<E>>>> {
        self.of(spec, parameters, true, |block, names| block.pack_backward(spec, names, parameters))
    }
}
