//! Embedding through a store.

use std::collections::HashMap;

use embedtune_data::{Embed, Embeddings, Role, TextHash};
use ndarray::ArrayView2;

use crate::{EmbeddingStore, IndexError, Vectors};

/// Texts embedded before their vectors are written: what a crash can lose.
const SHARD_TEXTS: usize = 4096;

/// Embeds `texts` in their order, `(texts.len(), dim)`: a text that occurs twice, or whose vector
/// is in `store`, is not embedded again, and new vectors are added to the store as they come.
///
/// # Errors
/// If the model fails or returns another number of vectors, the store belongs to another model or
/// role, or a file cannot be read or written.
pub fn embed_cached<T: AsRef<str>>(
    model: &dyn Embed,
    texts: &[T],
    role: Role,
    mut store: Option<&mut EmbeddingStore>,
) -> Result<Embeddings, IndexError> {
    let (dim, fingerprint) = (model.dim(), model.fingerprint());
    if let Some(store) = store.as_deref() {
        check(store, dim, &fingerprint, role)?;
    }
    let mut rows = vec![0.0; texts.len() * dim];
    // Distinct texts, and the rows that each fills.
    let mut places: HashMap<TextHash, Vec<usize>> = HashMap::new();
    let mut missing: Vec<(TextHash, &str)> = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let hash = TextHash::of(text.as_ref());
        let rows_of_text = places.entry(hash).or_default();
        rows_of_text.push(row);
        let stored = store.as_deref().is_some_and(|store| store.contains(hash));
        if rows_of_text.len() == 1 && !stored {
            missing.push((hash, text.as_ref()));
        }
    }
    let mut fill = |hash: TextHash, vector: &[f32]| {
        for &row in &places[&hash] {
            rows[row * dim..(row + 1) * dim].copy_from_slice(vector);
        }
    };
    if let Some(store) = store.as_deref() {
        let mut vector = vec![0.0; dim];
        for &hash in places.keys() {
            if store.read_into(hash, &mut vector)? {
                fill(hash, &vector);
            }
        }
    }
    tracing::debug!(texts = texts.len(), distinct = places.len(), missing = missing.len(), "embed");
    for part in missing.chunks(SHARD_TEXTS) {
        let (hashes, texts): (Vec<TextHash>, Vec<&str>) = part.iter().copied().unzip();
        let vectors = model.embed(&texts, role)?;
        let view = ArrayView2::from_shape((texts.len(), dim), vectors.as_slice());
        let Ok(view) = view else {
            let (expected, got) = (texts.len(), vectors.rows());
            return Err(IndexError::Count { what: "vectors", expected, got });
        };
        if let Some(store) = store.as_deref_mut() {
            store.put(&hashes, Vectors::new(view, &fingerprint))?;
        }
        for (row, &hash) in hashes.iter().enumerate() {
            fill(hash, vectors.row(row));
        }
    }
    Ok(Embeddings::new(dim, rows))
}

fn check(
    store: &EmbeddingStore,
    dim: usize,
    fingerprint: &embedtune_data::Fingerprint,
    role: Role,
) -> Result<(), IndexError> {
    if store.fingerprint() != fingerprint {
        let (expected, got) = (store.fingerprint().clone(), fingerprint.clone());
        return Err(IndexError::Fingerprint { expected, got });
    }
    if store.dim() != dim {
        return Err(IndexError::Dimension { expected: store.dim(), got: dim });
    }
    if store.role() != role {
        return Err(IndexError::Role { store: store.role(), texts: role });
    }
    Ok(())
}
