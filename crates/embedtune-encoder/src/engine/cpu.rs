//! The CPU engine: packed tokens without padding, forward and backward written by hand on
//! `embedtune-kernels`, no graph. It is held to the results of the
//! [`ReferenceEngine`](crate::ReferenceEngine) in every test of both.

mod backward;
mod buffers;
mod forward;
mod gradients;
mod head;
mod layout;
mod sums;
mod weights;

use std::sync::Arc;

use embedtune_kernels::{Bf16, Element, PackedMatrix, QuantizedMatrix};

use self::{
    buffers::{Kept, Pool, Scratch, Workspace},
    forward::Pass,
    gradients::Gradients,
    head::HeadTape,
    layout::Layout,
    weights::{Linear, Packed},
};
use super::{Engine, Tape, check_backward, check_batch};
use crate::{Dropout, EncoderError, EncoderSpec, PackedBatch, Parameters, Precision};

/// Runs the encoder on packed tokens, forward and backward written by hand on `embedtune-kernels`:
/// the default on a CPU. Computes in f32, in bf16, or in 8-bit integers (forward only). In f32 it is
/// held to the results of the [`ReferenceEngine`](crate::ReferenceEngine).
///
/// The embedding of a sequence does not depend on what it is packed with, to the bit; nor do
/// embeddings and gradients depend on the number of threads.
pub struct CpuEngine {
    runner: Runner,
}

/// The engine in one format.
enum Runner {
    F32(Core<PackedMatrix<f32>>),
    Bf16(Core<PackedMatrix<Bf16>>),
    Int8(Core<QuantizedMatrix>),
}

/// Runs `$body` with `$core` bound to the engine of whichever format.
macro_rules! each {
    ($runner:expr, $core:ident => $body:expr) => {
        match $runner {
            Runner::F32($core) => $body,
            Runner::Bf16($core) => $body,
            Runner::Int8($core) => $body,
        }
    };
}

/// What does not depend on a batch, and memory to work in.
struct Core<W: Linear> {
    spec: EncoderSpec,
    packed: Packed<W>,
    kept: Arc<Pool<Kept<W::Kept>>>,
    workspaces: Pool<Workspace<W::Kept>>,
    scratch: Pool<Scratch<W>>,
}

/// What a forward pass leaves for the backward pass: about 10 hidden vectors a token and layer, in
/// the format of the products.
struct CpuTape<E: Element> {
    layout: Layout,
    dropout: Option<Dropout>,
    kept: Lent<Kept<E>>,
    head: HeadTape,
}

/// A buffer that goes back to its pool when it is no longer needed, used or not.
struct Lent<T: Default> {
    buffer: T,
    pool: Arc<Pool<T>>,
}

impl<T: Default> Drop for Lent<T> {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}

impl CpuEngine {
    /// An engine for models of this shape, computing in f32.
    pub fn new(spec: EncoderSpec) -> Self {
        Self { runner: Runner::F32(Core::new(spec)) }
    }
}

impl<W: Linear> Core<W> {
    fn new(spec: EncoderSpec) -> Self {
        Self {
            spec,
            packed: Packed::default(),
            kept: Arc::default(),
            workspaces: Pool::default(),
            scratch: Pool::default(),
        }
    }

    fn run(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
        keep: bool,
    ) -> Result<(Vec<f32>, CpuTape<W::Kept>), EncoderError> {
        check_batch(&self.spec.transformer, batch)?;
        let layout = Layout::new(batch, self.spec.head.include_prompt);
        let mut kept = Lent { buffer: self.kept.take(), pool: Arc::clone(&self.kept) };
        let mut work = self.workspaces.take();
        let pass =
            Pass { spec: &self.spec, parameters, layout: &layout, dropout, scratch: &self.scratch };
        let blocks = self.packed.forward(&self.spec, parameters);
        pass.run(&blocks, &mut kept.buffer, keep, &mut work.masks, &mut work.hidden);
        let (rows, head) = head::forward(&self.spec, parameters, &layout, &work.hidden);
        self.workspaces.give(work);
        Ok((rows, CpuTape { layout, dropout: dropout.copied(), kept, head }))
    }
}

impl<E: Element> Core<PackedMatrix<E>> {
    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        let (rows, tape) = self.run(parameters, batch, dropout, true)?;
        Ok((rows, Tape::new(tape)))
    }

    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        let tape: CpuTape<E> = tape.downcast().ok_or(EncoderError::ForeignTape { engine: NAME })?;
        let CpuTape { layout, dropout, mut kept, head } = tape;
        let values = layout.sequences() * self.spec.dim();
        check_backward(parameters, values, d_embeddings, gradients)?;
        let mut gradients = Gradients::new(parameters, gradients);
        let mut work = self.workspaces.take();
        work.hidden.resize(layout.tokens() * self.spec.transformer.hidden_size, 0.0);
        let (spec, hidden) = (&self.spec, &mut work.hidden);
        head::backward(spec, parameters, &layout, &head, d_embeddings, &mut gradients, hidden);
        let pass = Pass {
            spec,
            parameters,
            layout: &layout,
            dropout: dropout.as_ref(),
            scratch: &self.scratch,
        };
        let blocks = self.packed.backward(spec, parameters);
        pass.backward(&blocks, &mut kept.buffer, &mut work, &mut gradients);
        self.workspaces.give(work);
        Ok(())
    }
}

const NAME: &str = "cpu";

/// Training was asked of a format that has no gradient.
fn encodes_only() -> EncoderError {
    let (precision, supported) = (Precision::Int8, "f32 and bf16 for training, int8 to embed");
    EncoderError::Precision { engine: NAME, precision, supported }
}

impl Engine for CpuEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn precision(&self) -> Precision {
        match &self.runner {
            Runner::F32(_) => Precision::F32,
            Runner::Bf16(_) => Precision::Bf16,
            Runner::Int8(_) => Precision::Int8,
        }
    }

    fn set_precision(&mut self, precision: Precision) -> Result<(), EncoderError> {
        let precision = precision.resolve();
        if precision == self.precision() {
            return Ok(());
        }
        let spec = each!(&self.runner, core => core.spec.clone());
        self.runner = match precision {
            Precision::Bf16 => Runner::Bf16(Core::new(spec)),
            Precision::Int8 => Runner::Int8(Core::new(spec)),
            Precision::F32 | Precision::Auto => Runner::F32(Core::new(spec)),
        };
        Ok(())
    }

    fn embed(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError> {
        each!(&self.runner, core => Ok(core.run(parameters, batch, dropout, false)?.0))
    }

    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        match &self.runner {
            Runner::F32(core) => core.forward(parameters, batch, dropout),
            Runner::Bf16(core) => core.forward(parameters, batch, dropout),
            Runner::Int8(_) => Err(encodes_only()),
        }
    }

    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        match &self.runner {
            Runner::F32(core) => core.backward(parameters, tape, d_embeddings, gradients),
            Runner::Bf16(core) => core.backward(parameters, tape, d_embeddings, gradients),
            Runner::Int8(_) => Err(encodes_only()),
        }
    }
}
