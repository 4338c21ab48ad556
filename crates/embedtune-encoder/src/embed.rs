//! Texts to vectors: packing into calls of the engine, and vectors that must be numbers.

use std::cmp::Reverse;

use embedtune_data::{Embed, EmbedError, Embeddings, Fingerprint, Role};

use crate::{Dropout, EmbeddingModel, EncoderError, PackedBatch, Tokens};

/// Called while texts are embedded: tokens done, tokens in all.
pub type Progress = dyn Fn(usize, usize) + Send + Sync;

/// Most tokens that are embedded in one call of the engine: enough to keep every core busy, few
/// enough for their activations to stay in the outer caches.
const EMBED_TOKENS: usize = 4096;

impl EmbeddingModel {
    /// Embeddings of tokenized texts in their order, `(texts, dim)`.
    ///
    /// # Errors
    /// As [`Engine::embed`](crate::Engine::embed), and [`EncoderError::BrokenWeight`] or
    /// [`EncoderError::Overflow`] if an embedding is not finite.
    pub fn embed_tokens(&self, tokens: &[Tokens]) -> Result<Embeddings, EncoderError> {
        let rows = self.embed_packed(tokens, EMBED_TOKENS, &mut |done, total| {
            if let Some(progress) = &self.progress {
                progress(done, total);
            }
            true
        })?;
        Ok(rows.expect("nothing asked it to stop"))
    }

    /// As [`EmbeddingModel::embed_tokens`], unless `go_on` says no: it is asked after each call of
    /// the engine, with the tokens done and in all. `None` if it did.
    ///
    /// # Errors
    /// As [`EmbeddingModel::embed_tokens`].
    pub fn embed_tokens_while(
        &self,
        tokens: &[Tokens],
        go_on: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Embeddings>, EncoderError> {
        self.embed_packed(tokens, EMBED_TOKENS, go_on)
    }

    /// Embeddings of tokenized texts in calls of at most `budget` tokens.
    fn embed_packed(
        &self,
        tokens: &[Tokens],
        budget: usize,
        go_on: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Embeddings>, EncoderError> {
        let dim = self.spec().dim();
        // Long texts first: batches are alike in length, and memory peaks at the start.
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&index| Reverse(tokens[index].ids.len()));
        let total: usize = tokens.iter().map(|tokens| tokens.ids.len()).sum();
        let (mut rows, mut done) = (vec![0.0; tokens.len() * dim], 0);
        for part in by_budget(&order, |&index| tokens[index].ids.len(), budget) {
            let batch: PackedBatch = part.iter().map(|&index| &tokens[index]).collect();
            let embeddings = self.engine.embed(&self.parameters, &batch, None)?;
            self.check_finite(&embeddings, |row| part[row])?;
            for (&index, row) in part.iter().zip(embeddings.chunks_exact(dim)) {
                rows[index * dim..(index + 1) * dim].copy_from_slice(row);
            }
            done += batch.num_tokens();
            if !go_on(done, total) {
                return Ok(None);
            }
        }
        Ok(Some(Embeddings::new(dim, rows)))
    }

    /// Embeddings of `batch`, `(sequences, dim)`, without a record: those of
    /// [`EmbeddingModel::forward`] under the same dropout.
    ///
    /// # Errors
    /// As [`EmbeddingModel::forward`].
    pub fn embed_batch(
        &self,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError> {
        let embeddings = self.engine.embed(&self.parameters, batch, dropout)?;
        self.check_finite(&embeddings, |row| row)?;
        Ok(embeddings)
    }

    /// Refuses `embeddings` `(rows, dim)` that are not finite: a comparison with NaN is false, so
    /// that they would make a silent zero of a loss and a random order of a ranking. `text` is the
    /// number of the text of a row.
    pub(crate) fn check_finite(
        &self,
        embeddings: &[f32],
        text: impl Fn(usize) -> usize,
    ) -> Result<(), EncoderError> {
        let Some(place) = embeddings.iter().position(|value| !value.is_finite()) else {
            return Ok(());
        };
        let text = text(place / self.spec().dim());
        // The weights are looked at only to say what is wrong.
        let broken = self
            .parameters
            .infos()
            .iter()
            .find(|info| self.parameters.values(info).iter().any(|value| !value.is_finite()));
        Err(match broken {
            Some(info) => EncoderError::BrokenWeight { text, weight: info.name.clone() },
            None => EncoderError::Overflow { text, precision: self.precision() },
        })
    }
}

impl Embed for EmbeddingModel {
    fn embed(&self, texts: &[&str], role: Role) -> Result<Embeddings, EmbedError> {
        let tokens = self.tokenize(texts, role).map_err(EmbedError::new)?;
        self.embed_tokens(&tokens).map_err(EmbedError::new)
    }

    fn dim(&self) -> usize {
        self.spec().dim()
    }

    fn fingerprint(&self) -> Fingerprint {
        EmbeddingModel::fingerprint(self)
    }
}

/// Cuts `items` into runs of about equal size, each at most `budget` (or a single item).
fn by_budget<T>(mut items: &[T], size: impl Fn(&T) -> usize, budget: usize) -> Vec<&[T]> {
    let mut left: usize = items.iter().map(&size).sum();
    let mut parts = Vec::new();
    while !items.is_empty() {
        // An even share of what is left, so that the last run is not a small one.
        let share = left.div_ceil(left.div_ceil(budget).max(1));
        let (mut len, mut sum) = (0, 0);
        for item in items {
            let size = size(item);
            if len > 0 && (sum + size > budget || sum + size / 2 > share) {
                break;
            }
            (len, sum) = (len + 1, sum + size);
        }
        let (part, rest) = items.split_at(len);
        parts.push(part);
        (items, left) = (rest, left - sum);
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::Precision;

    fn tiny() -> EmbeddingModel {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        EmbeddingModel::load(fixtures.join("tiny-bert")).unwrap()
    }

    /// Sequences of 1 to 30 tokens.
    fn texts(count: usize) -> Vec<Tokens> {
        let ids = |text: usize| (0..1 + text * 7 % 30).map(move |at| ((text + at) % 20) as u32);
        (0..count).map(|text| Tokens { ids: ids(text).collect(), ..Tokens::default() }).collect()
    }

    proptest! {
        #[test]
        fn parts_are_even_and_within_the_budget(
            sizes in prop::collection::vec(1usize..40, 0..200),
            budget in 1usize..200,
        ) {
            let mut sizes = sizes;
            sizes.sort_unstable_by_key(|&size| Reverse(size));
            let parts = by_budget(&sizes, |&size| size, budget);
            prop_assert_eq!(parts.concat(), sizes.clone());
            let sums: Vec<usize> = parts.iter().map(|part| part.iter().sum()).collect();
            for (part, &sum) in parts.iter().zip(&sums) {
                prop_assert!(sum <= budget || part.len() == 1);
            }
            let largest = sizes.first().copied().unwrap_or(0);
            // What does not fit into whole parts becomes two halves at worst, never a crumb.
            let (min, max) = (sums.iter().min().unwrap_or(&0), sums.iter().max().unwrap_or(&0));
            prop_assert!(2 * min + 3 * largest >= *max, "{sums:?}");
        }
    }

    #[test]
    fn vectors_do_not_depend_on_the_packing() {
        let (model, texts) = (tiny(), texts(50));
        let embed = |budget| model.embed_packed(&texts, budget, &mut |_, _| true).unwrap().unwrap();
        let whole = embed(usize::MAX);
        for budget in [1, 31, 100] {
            let packed = embed(budget);
            let pairs = packed.as_slice().iter().zip(whole.as_slice());
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-6, "{budget}: {difference}");
        }
    }

    #[test]
    fn embedding_can_be_stopped_between_calls() {
        let (model, texts) = (tiny(), texts(50));
        let mut seen = Vec::new();
        let mut twice = |done, total| {
            seen.push((done, total));
            seen.len() < 2
        };
        assert_eq!(model.embed_packed(&texts, 100, &mut twice).unwrap(), None);
        let total: usize = texts.iter().map(|text| text.ids.len()).sum();
        assert!(seen.len() == 2 && seen.iter().all(|&(done, of)| done < of && of == total));
        let all = model.embed_tokens_while(&texts, &mut |_, _| true).unwrap();
        assert_eq!(all, Some(model.embed_tokens(&texts).unwrap()));
    }

    #[test]
    fn a_broken_weight_is_named_by_every_way_to_an_embedding() {
        let mut model = tiny();
        let texts = texts(5);
        let batch: PackedBatch = texts.iter().collect();
        let name = "encoder.layer.1.output.dense.weight";
        let range = model.parameters().info(name).unwrap().range();
        model.parameters_mut().trainable_mut()[range.start] = f32::NAN;
        let errors = [
            model.embed_tokens(&texts).unwrap_err(),
            model.embed_batch(&batch, None).unwrap_err(),
            model.forward(&batch, None).err().unwrap(),
        ];
        for error in errors {
            assert!(
                matches!(&error, EncoderError::BrokenWeight { weight, .. } if weight == name),
                "{error}"
            );
        }
        let error = model.embed(&["cat"], Role::Query).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("earlier checkpoint"), "{error}");
    }

    #[test]
    fn an_overflow_names_the_text_and_the_precision() {
        let mut model = tiny();
        // Finite weights whose products are not.
        model.parameters_mut().trainable_mut().iter_mut().for_each(|weight| *weight *= 1e30);
        let error = model.embed_tokens(&texts(3)).unwrap_err();
        let EncoderError::Overflow { text, precision } = error else { panic!("{error}") };
        assert!(text < 3);
        assert_eq!(precision, Precision::F32);
        // Only the row that is broken is blamed, by its place among the texts.
        let dim = tiny().spec().dim();
        let mut rows = vec![0.0; 3 * dim];
        rows[2 * dim - 1] = f32::INFINITY;
        let error = tiny().check_finite(&rows, |row| 10 * row).unwrap_err();
        assert!(matches!(error, EncoderError::Overflow { text: 10, .. }), "{error}");
    }
}
