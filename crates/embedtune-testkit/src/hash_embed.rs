//! A model that is only a hash function.

use std::sync::atomic::{AtomicUsize, Ordering};

use embedtune_data::{Embed, EmbedError, Embeddings, Fingerprint, Role, TextHash};

use crate::normal;

/// Embeds a text as the normalized sum of one fixed random vector per word, so texts that share
/// words are similar. Words are runs of alphanumeric characters, case is ignored, and the role
/// makes no difference. A text without words is the zero vector.
///
/// With it evaluation and mining are tested without a model; [`HashEmbed::calls`] shows what they
/// asked for.
#[derive(Debug)]
pub struct HashEmbed {
    dim: usize,
    seed: u64,
    calls: AtomicUsize,
    texts: AtomicUsize,
}

impl HashEmbed {
    /// A model of `dim` values per vector; another `seed` is another model.
    ///
    /// # Panics
    /// If `dim` is 0.
    pub fn new(dim: usize, seed: u64) -> Self {
        assert!(dim > 0, "a vector needs a dimension");
        Self { dim, seed, calls: AtomicUsize::new(0), texts: AtomicUsize::new(0) }
    }

    /// How often [`Embed::embed`] was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many texts were embedded.
    pub fn texts(&self) -> usize {
        self.texts.load(Ordering::Relaxed)
    }

    /// The vector of one text, of shape `(dim)` and length 1 (or 0 without a word).
    pub fn vector(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0; self.dim];
        let text = text.to_lowercase();
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            let seed = self.seed ^ (TextHash::of(word).0 as u64);
            for (total, value) in sum.iter_mut().zip(normal(seed, self.dim)) {
                *total += value;
            }
        }
        let length = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        sum.iter().map(|v| (v * scale) as f32).collect()
    }
}

impl Embed for HashEmbed {
    fn embed(&self, texts: &[&str], _role: Role) -> Result<Embeddings, EmbedError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        let data = texts.iter().flat_map(|text| self.vector(text)).collect();
        Ok(Embeddings::new(self.dim, data))
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(format!("hash-embed-{}-{}", self.dim, self.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn shared_words_make_texts_similar() {
        let model = HashEmbed::new(64, 1);
        let texts = ["the red cat", "Cat, red and old", "quantum field theory"];
        let rows = model.embed(&texts, Role::Document).unwrap();
        assert_eq!((rows.rows(), rows.dim()), (3, 64));
        assert!((dot(rows.row(0), rows.row(0)) - 1.0).abs() < 1e-5);
        assert!(dot(rows.row(0), rows.row(1)) > dot(rows.row(0), rows.row(2)) + 0.2);
        assert_eq!((model.calls(), model.texts()), (1, 3));
    }

    #[test]
    fn seeds_are_models() {
        let (a, b) = (HashEmbed::new(8, 1), HashEmbed::new(8, 2));
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert_ne!(a.vector("word"), b.vector("word"));
        assert_eq!(a.vector("..."), vec![0.0; 8]);
    }
}
