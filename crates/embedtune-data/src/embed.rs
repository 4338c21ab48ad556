//! The trait through which evaluation, mining and deployment see a model.

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};

/// What a text is to the model: prompts, encoders and maximum lengths may differ by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A search query.
    Query,
    /// A document of the corpus.
    Document,
}

/// Vectors in row-major order, shape `(rows, dim)`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embeddings {
    dim: usize,
    data: Vec<f32>,
}

impl Embeddings {
    /// Wraps row-major `data` of shape `(data.len() / dim, dim)`.
    ///
    /// # Panics
    /// If `dim` is 0 while `data` is not empty, or does not divide its length.
    pub fn new(dim: usize, data: Vec<f32>) -> Self {
        assert!(
            data.is_empty() || (dim > 0 && data.len().is_multiple_of(dim)),
            "{} values do not make rows of {dim}",
            data.len()
        );
        Self { dim, data }
    }

    /// Number of vectors.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Number of values in a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Vector number `row`, of shape `(dim)`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.dim..(row + 1) * self.dim]
    }

    /// All values, shape `(rows, dim)`.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All values, shape `(rows, dim)`, without a copy.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }
}

/// Names the model that made a vector: weights, tokenizer, pooling, prompts, normalization and
/// maximum length. Vectors of different fingerprints must never meet in one index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model, a remote API or another library failed to embed texts.
#[derive(Debug)]
pub struct EmbedError(Box<dyn Error + Send + Sync>);

impl EmbedError {
    /// Wraps the error of an implementation of [`Embed`].
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for EmbedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot embed texts: {}", self.0)
    }
}

impl Error for EmbedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Turns texts into vectors. This is all that evaluation, mining and deployment know of a model,
/// so vectors of a remote API or of another library work there too.
pub trait Embed {
    /// Embeds `texts` in their order: shape `(texts.len(), dim)`.
    ///
    /// # Errors
    /// When the model behind it fails.
    fn embed(&self, texts: &[&str], role: Role) -> Result<Embeddings, EmbedError>;

    /// Number of values in a vector.
    fn dim(&self) -> usize;

    /// Identity of the model; see [`Fingerprint`].
    fn fingerprint(&self) -> Fingerprint;
}
