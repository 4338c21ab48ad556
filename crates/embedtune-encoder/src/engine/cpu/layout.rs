//! Where each sequence lies in the packed tokens.

use std::ops::Range;

use embedtune_kernels::DropoutMask;

use crate::{Dropout, PackedBatch, dropout::Site};

/// Token ids and the borders of a batch.
pub(super) struct Layout {
    pub(super) ids: Vec<u32>,
    sequences: Vec<Sequence>,
}

struct Sequence {
    tokens: Range<usize>,
    /// First token that takes part in pooling.
    first_pooled: usize,
    slot: u64,
}

impl Layout {
    pub(super) fn new(batch: &PackedBatch, include_prompt: bool) -> Self {
        let mut ids = Vec::with_capacity(batch.num_tokens());
        let mut sequences = Vec::with_capacity(batch.len());
        for index in 0..batch.len() {
            let sequence = batch.sequence(index);
            let start = ids.len();
            ids.extend_from_slice(sequence);
            let prompt = if include_prompt { 0 } else { batch.prompt_len(index) };
            sequences.push(Sequence {
                tokens: start..ids.len(),
                first_pooled: (start + prompt).min(ids.len()),
                slot: batch.slot(index),
            });
        }
        Self { ids, sequences }
    }

    /// Number of sequences.
    pub(super) fn sequences(&self) -> usize {
        self.sequences.len()
    }

    /// Number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Tokens of each sequence.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.sequences.iter().map(|sequence| sequence.tokens.clone())
    }

    /// Tokens of each sequence that take part in pooling.
    pub(super) fn pooled(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.sequences.iter().map(|sequence| sequence.first_pooled..sequence.tokens.end)
    }

    /// The dropout mask of each token at a site, or none where nothing is dropped.
    pub(super) fn masks(
        &self,
        dropout: Option<&Dropout>,
        layer: usize,
        site: Site,
    ) -> Option<Vec<DropoutMask>> {
        let dropout = dropout.filter(|dropout| dropout.rate(site) > 0.0)?;
        let mut masks = Vec::with_capacity(self.tokens());
        for sequence in &self.sequences {
            masks.extend(
                (0..sequence.tokens.len())
                    .map(|token| dropout.token_mask(sequence.slot, layer, site, token)),
            );
        }
        Some(masks)
    }

    /// Splits a buffer of `width` values a token into one part a sequence.
    pub(super) fn split_mut<'a>(
        &self,
        mut buffer: &'a mut [f32],
        width: usize,
    ) -> Vec<&'a mut [f32]> {
        self.ranges()
            .map(|tokens| {
                let (part, rest) = std::mem::take(&mut buffer).split_at_mut(tokens.len() * width);
                buffer = rest;
                part
            })
            .collect()
    }
}
