//! Where each sequence lies in the packed tokens.

use std::ops::Range;

use embedtune_kernels::DropoutMask;

use crate::{Dropout, PackedBatch, dropout::Site};

/// Token ids and the borders of a batch.
pub(super) struct Layout {
    /// Token ids, `(tokens)`.
    pub(super) ids: Vec<u32>,
    /// Position of each token in its sequence, `(tokens)`.
    pub(super) positions: Vec<u32>,
    /// Token after the last of each sequence.
    pub(super) ends: Vec<usize>,
    /// First token of each sequence that takes part in pooling.
    first_pooled: Vec<usize>,
    /// Dropout slot of each token's sequence, `(tokens)`.
    slots: Vec<u64>,
}

impl Layout {
    pub(super) fn new(batch: &PackedBatch, include_prompt: bool) -> Self {
        let tokens = batch.num_tokens();
        let mut layout = Self {
            ids: Vec::with_capacity(tokens),
            positions: Vec::with_capacity(tokens),
            ends: Vec::with_capacity(batch.len()),
            first_pooled: Vec::with_capacity(batch.len()),
            slots: Vec::with_capacity(tokens),
        };
        for index in 0..batch.len() {
            let sequence = batch.sequence(index);
            let start = layout.ids.len();
            let prompt = if include_prompt { 0 } else { batch.prompt_len(index) };
            layout.ids.extend_from_slice(sequence);
            layout.positions.extend(0..sequence.len() as u32);
            layout.slots.resize(layout.ids.len(), batch.slot(index));
            layout.ends.push(layout.ids.len());
            layout.first_pooled.push((start + prompt).min(layout.ids.len()));
        }
        layout
    }

    /// Number of sequences.
    pub(super) fn sequences(&self) -> usize {
        self.ends.len()
    }

    /// Number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Tokens of each sequence.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| start..end)
    }

    /// Tokens of each sequence that take part in pooling.
    pub(super) fn pooled(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.first_pooled.iter().zip(&self.ends).map(|(&first, &end)| first..end)
    }

    /// The dropout mask of each of `tokens` at a site, collected in `buffer`; or none where nothing
    /// is dropped.
    pub(super) fn masks<'a>(
        &self,
        tokens: Range<usize>,
        dropout: Option<&Dropout>,
        (layer, site): (usize, Site),
        buffer: &'a mut Vec<DropoutMask>,
    ) -> Option<&'a [DropoutMask]> {
        let dropout = dropout.filter(|dropout| dropout.rate(site) > 0.0)?;
        buffer.clear();
        buffer.extend(tokens.map(|token| {
            let position = self.positions[token] as usize;
            dropout.token_mask(self.slots[token], layer, site, position)
        }));
        Some(buffer)
    }
}
