//! The reference engine: composed candle operations with gradients, on any device. Short and
//! readable before fast; it is the oracle that faster engines are tested against.

mod forward;
mod store;

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor, Var};
use rayon::prelude::*;

use self::{
    forward::{Group, Pass},
    store::{Store, Weights},
};
use super::{Engine, Tape, check_backward, check_batch};
use crate::{Dropout, EncoderError, EncoderSpec, PackedBatch, ParameterInfo, Parameters};

/// Padded tokens of a group that runs as one tensor. candle runs batched matrix products and many
/// element-wise operations on one core, so groups run side by side, and small ones stay in cache.
const GROUP_TOKENS: usize = 1024;

/// Runs the encoder by composed candle operations that all have a gradient, on any device. Short and
/// readable before fast; it is the oracle that faster engines are tested against.
pub struct ReferenceEngine {
    spec: EncoderSpec,
    device: Device,
    dtype: DType,
    store: Mutex<Store>,
}

/// What one group needs for its backward pass.
struct GroupTape {
    sequences: Vec<usize>,
    embeddings: Tensor,
    /// Padded token ids and the gathered word vectors as a leaf of the graph: the gradient of a
    /// lookup is a scatter-add, done straight on the buffer instead of through a dense table.
    words: Option<(Vec<u32>, Var)>,
}

struct ReferenceTape {
    groups: Vec<GroupTape>,
    weights: Weights,
}

impl ReferenceEngine {
    /// An engine for models of this shape, computing in f32 on `device`.
    pub fn new(spec: EncoderSpec, device: Device) -> Self {
        Self::with_dtype(spec, device, DType::F32)
    }

    /// An engine that computes in `dtype`; f64 makes finite differences sharp.
    pub fn with_dtype(spec: EncoderSpec, device: Device, dtype: DType) -> Self {
        Self { spec, device, dtype, store: Mutex::default() }
    }

    fn weights(&self, parameters: &Parameters, tracked: bool) -> Result<Weights, EncoderError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.update(parameters, &self.device, self.dtype)?;
        Ok(if tracked { store.tracked() } else { store.detached() })
    }

    fn run_group(
        &self,
        weights: &Weights,
        group: &Group<'_>,
        dropout: Option<&Dropout>,
        words: &Tensor,
    ) -> Result<Tensor, EncoderError> {
        let pass = Pass {
            spec: &self.spec,
            weights,
            group,
            dropout,
            device: &self.device,
            dtype: self.dtype,
        };
        Ok(pass.run(words)?)
    }

    fn gather_words(&self, weights: &Weights, ids: &[u32]) -> Result<Tensor, EncoderError> {
        let ids = Tensor::new(ids, &self.device)?;
        Ok(weights.get(&self.spec.names.words)?.detach().index_select(&ids, 0)?)
    }

    /// Puts the rows of each group at their places in `(sequences, dim)`.
    fn collect(
        &self,
        batch: &PackedBatch,
        groups: impl Iterator<Item = (Vec<usize>, Tensor)>,
    ) -> Result<Vec<f32>, EncoderError> {
        let dim = self.spec.dim();
        let mut rows = vec![0.0; batch.len() * dim];
        for (sequences, embeddings) in groups {
            let values = embeddings.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            for (index, row) in sequences.into_iter().zip(values.chunks_exact(dim)) {
                rows[index * dim..(index + 1) * dim].copy_from_slice(row);
            }
        }
        Ok(rows)
    }

    fn backward_group(
        &self,
        parameters: &Parameters,
        weights: &Weights,
        tape: &GroupTape,
        d_embeddings: &[f32],
    ) -> Result<Vec<(ParameterInfo, Vec<f32>)>, EncoderError> {
        let dim = self.spec.dim();
        let rows: Vec<f32> = tape
            .sequences
            .iter()
            .flat_map(|&index| &d_embeddings[index * dim..(index + 1) * dim])
            .copied()
            .collect();
        let rows = Tensor::from_vec(rows, (tape.sequences.len(), dim), &self.device)?;
        let objective = (&tape.embeddings * rows.to_dtype(self.dtype)?)?.sum_all()?;
        let gradients = objective.backward()?;
        let values = |tensor: &Tensor| -> Result<Vec<f32>, candle_core::Error> {
            tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
        };
        let mut result = Vec::new();
        for info in parameters.trainable_infos() {
            if info.name == self.spec.names.words {
                continue;
            }
            if let Some(gradient) = gradients.get(weights.get(&info.name)?) {
                result.push((info.clone(), values(gradient)?));
            }
        }
        if let Some((_, var)) = &tape.words
            && let Some(info) = parameters.info(&self.spec.names.words)
            && let Some(gradient) = gradients.get(var)
        {
            result.push((info.clone(), values(gradient)?));
        }
        Ok(result)
    }

    fn add_words(&self, ids: &[u32], rows: &[f32], table: &mut [f32]) {
        let hidden = self.spec.transformer.hidden_size;
        for (&id, row) in ids.iter().zip(rows.chunks_exact(hidden)) {
            add(&mut table[id as usize * hidden..][..hidden], row);
        }
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

impl Engine for ReferenceEngine {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn embed(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError> {
        check_batch(&self.spec.transformer, batch)?;
        let weights = self.weights(parameters, false)?;
        let groups = Group::plan(batch, GROUP_TOKENS);
        let embeddings: Vec<Tensor> = groups
            .par_iter()
            .map(|group| {
                let words = self.gather_words(&weights, &group.padded_ids())?;
                self.run_group(&weights, group, dropout, &words)
            })
            .collect::<Result<_, EncoderError>>()?;
        let sequences = groups.into_iter().map(|group| group.sequences);
        self.collect(batch, sequences.zip(embeddings))
    }

    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        check_batch(&self.spec.transformer, batch)?;
        let weights = self.weights(parameters, true)?;
        let words_frozen = parameters.info(&self.spec.names.words).is_none_or(|info| info.frozen);
        let groups: Vec<GroupTape> = Group::plan(batch, GROUP_TOKENS)
            .into_par_iter()
            .map(|group| {
                let ids = group.padded_ids();
                let gathered = self.gather_words(&weights, &ids)?;
                let words =
                    if words_frozen { None } else { Some((ids, Var::from_tensor(&gathered)?)) };
                let input = words.as_ref().map_or(&gathered, |(_, var)| var.as_tensor());
                let embeddings = self.run_group(&weights, &group, dropout, input)?;
                Ok(GroupTape { sequences: group.sequences, embeddings, words })
            })
            .collect::<Result<_, EncoderError>>()?;
        let rows = groups.iter().map(|group| (group.sequences.clone(), group.embeddings.clone()));
        let embeddings = self.collect(batch, rows)?;
        Ok((embeddings, Tape::new(ReferenceTape { groups, weights })))
    }

    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        let tape: ReferenceTape =
            tape.downcast().ok_or(EncoderError::ForeignTape { engine: self.name() })?;
        let sequences: usize = tape.groups.iter().map(|group| group.sequences.len()).sum();
        check_backward(parameters, sequences * self.spec.dim(), d_embeddings, gradients)?;

        let weights = &tape.weights;
        // As many groups at a time as there are threads, summed in order: the sum never depends
        // on which thread was first, and only a few sets of gradients are alive.
        let threads = rayon::current_num_threads().max(1);
        let mut waiting = tape.groups.into_iter();
        loop {
            let groups: Vec<GroupTape> = waiting.by_ref().take(threads).collect();
            if groups.is_empty() {
                return Ok(());
            }
            let partial: Vec<_> = groups
                .par_iter()
                .map(|group| self.backward_group(parameters, weights, group, d_embeddings))
                .collect::<Result<_, _>>()?;
            for (group, partial) in groups.iter().zip(partial) {
                for (info, values) in partial {
                    let sum = &mut gradients[info.range()];
                    match &group.words {
                        Some((ids, _)) if info.name == self.spec.names.words => {
                            self.add_words(ids, &values, sum);
                        }
                        _ => add(sum, &values),
                    }
                }
            }
        }
    }
}
