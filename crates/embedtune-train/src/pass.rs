//! Forward and backward through the encoder, in calls of bounded size.

use embedtune_encoder::{Dropout, EmbeddingModel, EncoderError, PackedBatch, Tape};

use crate::batch::Sequence;

/// A forward pass over the texts of a batch that waits for its gradients.
pub(crate) struct Pass {
    parts: Vec<Part>,
    dropout: Option<Dropout>,
}

/// What one call of the engine embeds.
struct Part {
    /// Row of the batch of each of its sequences.
    rows: Vec<usize>,
    packed: PackedBatch,
    /// Missing with gradient caching: the forward pass is run again when its turn comes.
    tape: Option<Tape>,
}

impl Pass {
    /// Embeds `sequences`, at most `micro_tokens` tokens at a time (or a single sequence). Returns
    /// the embeddings in their order, `(sequences, dim)`.
    pub(crate) fn forward(
        model: &EmbeddingModel,
        sequences: &[Sequence<'_>],
        dropout: Option<Dropout>,
        micro_tokens: usize,
        gradient_caching: bool,
    ) -> Result<(Vec<f32>, Self), EncoderError> {
        let dim = model.spec().dim();
        let mut embeddings = vec![0.0; sequences.len() * dim];
        let mut parts = Vec::new();
        for rows in split(sequences, micro_tokens) {
            let mut packed = PackedBatch::new();
            for &row in &rows {
                packed.push(sequences[row].tokens, sequences[row].slot);
            }
            let (values, tape) = if gradient_caching {
                (model.engine().embed(model.parameters(), &packed, dropout.as_ref())?, None)
            } else {
                let (values, tape) = model.forward(&packed, dropout.as_ref())?;
                (values, Some(tape))
            };
            for (&row, value) in rows.iter().zip(values.chunks_exact(dim)) {
                embeddings[row * dim..(row + 1) * dim].copy_from_slice(value);
            }
            parts.push(Part { rows, packed, tape });
        }
        Ok((embeddings, Self { parts, dropout }))
    }

    /// Adds the gradients of the trained weights to `gradients`, given those of the embeddings,
    /// `(sequences, dim)`.
    pub(crate) fn backward(
        self,
        model: &EmbeddingModel,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        let dim = model.spec().dim();
        for Part { rows, packed, tape } in self.parts {
            let row = |&row: &usize| &d_embeddings[row * dim..(row + 1) * dim];
            let part: Vec<f32> = rows.iter().flat_map(row).copied().collect();
            let tape = match tape {
                Some(tape) => tape,
                None => model.forward(&packed, self.dropout.as_ref())?.1,
            };
            model.backward(tape, &part, gradients)?;
        }
        Ok(())
    }
}

/// Cuts the sequences into parts of at most `micro_tokens` tokens, longest first, so that those of
/// a part are alike in length.
fn split(sequences: &[Sequence<'_>], micro_tokens: usize) -> Vec<Vec<usize>> {
    let len = |row: usize| sequences[row].tokens.ids.len();
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(len(row)));
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for row in order {
        match parts.last_mut() {
            Some(part) if len(row) <= room => part.push(row),
            _ => {
                parts.push(vec![row]);
                room = micro_tokens.max(len(row));
            }
        }
        room -= len(row);
    }
    parts
}

#[cfg(test)]
mod tests {
    use embedtune_encoder::Tokens;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_keep_the_budget_and_every_row(
            lens in prop::collection::vec(1usize..40, 0..50),
            budget in 1usize..100,
        ) {
            let tokens: Vec<Tokens> =
                lens.iter().map(|&len| Tokens { ids: vec![0; len], ..Tokens::default() }).collect();
            let sequences: Vec<_> =
                tokens.iter().map(|tokens| Sequence { tokens, slot: 0 }).collect();
            let parts = split(&sequences, budget);
            for part in &parts {
                let sum: usize = part.iter().map(|&row| lens[row]).sum();
                prop_assert!(sum <= budget || part.len() == 1);
            }
            let mut rows: Vec<usize> = parts.concat();
            rows.sort_unstable();
            prop_assert!(rows.into_iter().eq(0..lens.len()));
        }
    }
}
