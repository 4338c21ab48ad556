//! The CPU engine: packed tokens without padding, forward and backward written by hand on
//! `embedtune-kernels`, no graph. It is held to the results of the
//! [`ReferenceEngine`](crate::ReferenceEngine) in every test of both.

mod backward;
mod forward;
mod head;
mod layout;

use std::sync::{Mutex, PoisonError};

use self::{
    forward::{EmbeddingsTape, LayerTape, Pass},
    head::HeadTape,
    layout::Layout,
};
use super::{Engine, Tape, check_backward, check_batch};
use crate::{Dropout, EncoderError, EncoderSpec, PackedBatch, Parameters};

/// Runs the encoder on packed tokens, forward and backward written by hand on `embedtune-kernels`:
/// the default on a CPU. Held to the results of the [`ReferenceEngine`](crate::ReferenceEngine).
pub struct CpuEngine {
    spec: EncoderSpec,
    buffers: Buffers,
}

/// What a forward pass leaves for the backward pass: about 10 hidden vectors a token and layer.
struct CpuTape {
    layout: Layout,
    dropout: Option<Dropout>,
    embeddings: EmbeddingsTape,
    layers: Vec<LayerTape>,
    head: HeadTape,
}

impl CpuEngine {
    /// An engine for models of this shape.
    pub fn new(spec: EncoderSpec) -> Self {
        Self { spec, buffers: Buffers::default() }
    }

    fn run(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
        keep: bool,
    ) -> Result<(Vec<f32>, Option<CpuTape>), EncoderError> {
        check_batch(&self.spec.transformer, batch)?;
        let layout = Layout::new(batch, self.spec.head.include_prompt);
        let pass =
            Pass { spec: &self.spec, parameters, layout: &layout, dropout, buffers: &self.buffers };
        let (mut hidden, embeddings) = pass.embeddings();
        let mut layers = Vec::with_capacity(self.spec.transformer.num_layers);
        for layer in 0..self.spec.transformer.num_layers {
            let tape = pass.layer(layer, &mut hidden);
            if keep {
                layers.push(tape);
            } else {
                tape.give_back(&self.buffers);
            }
        }
        let (rows, head) = head::forward(&self.spec, parameters, &layout, &hidden);
        self.buffers.give(hidden);
        if keep {
            let dropout = dropout.copied();
            return Ok((rows, Some(CpuTape { layout, dropout, embeddings, layers, head })));
        }
        embeddings.give_back(&self.buffers);
        Ok((rows, None))
    }
}

impl Engine for CpuEngine {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn embed(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError> {
        Ok(self.run(parameters, batch, dropout, false)?.0)
    }

    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        let (rows, tape) = self.run(parameters, batch, dropout, true)?;
        Ok((rows, Tape::new(tape.expect("a pass that keeps returns its tape"))))
    }

    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        let tape: CpuTape =
            tape.downcast().ok_or(EncoderError::ForeignTape { engine: self.name() })?;
        check_backward(
            parameters,
            tape.layout.sequences() * self.spec.dim(),
            d_embeddings,
            gradients,
        )?;
        backward::run(&self.spec, parameters, &self.buffers, tape, d_embeddings, gradients);
        Ok(())
    }
}

/// Buffers that are used again from step to step: fresh pages cost as much as filling them.
#[derive(Default)]
struct Buffers {
    free: Mutex<Vec<Vec<f32>>>,
}

impl Buffers {
    /// A buffer of `len` values; what is in it is left over from earlier use.
    fn take(&self, len: usize) -> Vec<f32> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough, else the largest, which grows.
        let best = (0..free.len())
            .min_by_key(|&index| {
                let capacity = free[index].capacity();
                (capacity < len, if capacity < len { usize::MAX - capacity } else { capacity })
            })
            .map(|index| free.swap_remove(index));
        drop(free);
        let mut buffer = best.unwrap_or_default();
        buffer.resize(len, 0.0);
        buffer
    }

    fn give(&self, buffer: Vec<f32>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}
