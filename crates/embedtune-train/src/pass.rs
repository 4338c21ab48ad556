//! Forward and backward through the encoder, in calls of bounded size.

use embedtune_encoder::{Dropout, EmbeddingModel, EncoderError, PackedBatch, Tape, Tokens};

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
        let mut split = split(sequences, micro_tokens).into_iter().peekable();
        while let Some(rows) = split.next() {
            let packed = pack(sequences, &rows);
            // The last part is the first whose gradients are asked for: its record serves at once.
            let keep = !gradient_caching || split.peek().is_none();
            let (values, tape) = if keep {
                let (values, tape) = model.forward(&packed, dropout.as_ref())?;
                (values, Some(tape))
            } else {
                (model.embed_batch(&packed, dropout.as_ref())?, None)
            };
            for (&row, value) in rows.iter().zip(values.chunks_exact(dim)) {
                embeddings[row * dim..(row + 1) * dim].copy_from_slice(value);
            }
            parts.push(Part { rows, packed, tape });
        }
        Ok((embeddings, Self { parts, dropout }))
    }

    /// Adds the gradients of the trained weights to `gradients`, given those of the embeddings,
    /// `(sequences, dim)`. The last part comes first, with gradient caching and without.
    pub(crate) fn backward(
        self,
        model: &EmbeddingModel,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        let dim = model.spec().dim();
        for Part { rows, packed, tape } in self.parts.into_iter().rev() {
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

fn pack(sequences: &[Sequence<'_>], rows: &[usize]) -> PackedBatch {
    let mut packed = PackedBatch::new();
    let mut scratch = Tokens::default();
    for &row in rows {
        let Sequence { tokens, slot } = sequences[row];
        scratch.ids.clear();
        scratch.ids.extend_from_slice(tokens.ids);
        scratch.prompt_len = tokens.prompt_len;
        packed.push(&scratch, slot);
    }
    packed
}

/// Cuts the sequences into parts of at most `micro_tokens` tokens (or of a single sequence),
/// longest first, so that those of a part are alike in length. There are as few parts as this
/// order allows, and they are about equally large: a small rest would be a call that leaves cores
/// idle, and a full part would need memory for nothing.
fn split(sequences: &[Sequence<'_>], micro_tokens: usize) -> Vec<Vec<usize>> {
    let len = |row: usize| sequences[row].tokens.ids.len();
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(len(row)));
    let lens: Vec<usize> = order.iter().map(|&row| len(row)).collect();
    let total: usize = lens.iter().sum();
    let fewest = parts_of(&lens, micro_tokens).len();
    // The smallest budget with which that many parts are enough: more never needs more parts.
    let (mut low, mut high) = (total.div_ceil(fewest.max(1)).min(micro_tokens), micro_tokens);
    while low < high {
        let middle = low + (high - low) / 2;
        if parts_of(&lens, middle).len() > fewest { low = middle + 1 } else { high = middle }
    }
    let mut rows = order.into_iter();
    parts_of(&lens, high).into_iter().map(|size| rows.by_ref().take(size).collect()).collect()
}

/// Numbers of sequences in parts that are filled one after the other up to `budget` tokens.
fn parts_of(lens: &[usize], budget: usize) -> Vec<usize> {
    let mut parts: Vec<usize> = Vec::new();
    let mut room = 0;
    for &len in lens {
        match parts.last_mut() {
            Some(part) if len <= room => *part += 1,
            _ => {
                parts.push(1);
                room = budget.max(len);
            }
        }
        room -= len;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token_table::TokenIds;

    /// Sizes in tokens of the parts of sequences of these lengths; every row is in one of them.
    fn sizes(lens: &[usize], budget: usize) -> Vec<Vec<usize>> {
        let ids = vec![0; lens.iter().copied().max().unwrap_or(0)];
        let sequence = |&len: &usize| Sequence {
            tokens: TokenIds { ids: &ids[..len], prompt_len: 0 },
            slot: 0,
        };
        let sequences: Vec<_> = lens.iter().map(sequence).collect();
        let parts = split(&sequences, budget);
        let mut rows: Vec<usize> = parts.concat();
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..lens.len()));
        parts.iter().map(|part| part.iter().map(|&row| lens[row]).collect()).collect()
    }

    #[test]
    fn parts_are_about_equally_large() {
        // 1,005 tokens: filled up to 100 they would be ten parts of 100 and one of 5.
        let parts = sizes(&[5; 201], 100);
        assert_eq!(parts.len(), 11);
        let tokens = |part: &Vec<usize>| part.iter().sum::<usize>();
        assert!(parts.iter().all(|part| (55..=95).contains(&tokens(part))), "{parts:?}");
        assert_eq!(sizes(&[7, 300, 7], 20), [vec![300], vec![7, 7]]);
        assert!(sizes(&[], 20).is_empty());
    }

    proptest! {
        #[test]
        fn parts_keep_the_budget_and_every_row(
            lens in prop::collection::vec(1usize..40, 0..50),
            budget in 1usize..100,
        ) {
            let parts = sizes(&lens, budget);
            let tokens = |part: &Vec<usize>| part.iter().sum::<usize>();
            prop_assert!(parts.iter().all(|part| tokens(part) <= budget || part.len() == 1));
            prop_assert!(parts.concat().windows(2).all(|pair| pair[0] >= pair[1]));
            let mut sorted = lens;
            sorted.sort_unstable_by_key(|&len| std::cmp::Reverse(len));
            // No more parts than by filling each, and none larger than the largest of these.
            let filled = parts_of(&sorted, budget);
            prop_assert_eq!(parts.len(), filled.len());
            let mut rest = &sorted[..];
            let largest = filled.into_iter().map(|size| {
                let (part, others) = rest.split_at(size);
                rest = others;
                part.iter().sum::<usize>()
            });
            prop_assert!(parts.iter().map(tokens).max() <= largest.max());
        }
    }
}
