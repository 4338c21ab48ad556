//! Texts to vectors, chunk by chunk.

use embedtune_data::{Embed, Embeddings, Role};

use crate::EvalError;

/// How far an evaluation has come, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being encoded.
    pub role: Role,
    /// Texts of that role done.
    pub done: usize,
    /// Texts of that role in all.
    pub total: usize,
}

/// Vectors of `texts` in their order, `(texts.len(), model.dim())`.
pub(crate) fn encode(
    model: &dyn Embed,
    texts: &[String],
    role: Role,
    chunk_size: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Embeddings, EvalError> {
    let dim = model.dim();
    let mut values = Vec::with_capacity(texts.len() * dim);
    let mut done = 0;
    for chunk in texts.chunks(chunk_size) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let vectors = model.embed(&chunk, role)?;
        if vectors.dim() != dim {
            return Err(EvalError::Dimension { role, expected: dim, got: vectors.dim() });
        }
        if vectors.rows() != chunk.len() {
            return Err(EvalError::Rows { role, expected: chunk.len(), got: vectors.rows() });
        }
        values.extend_from_slice(vectors.as_slice());
        done += chunk.len();
        progress(Progress { role, done, total: texts.len() });
    }
    Ok(Embeddings::new(dim, values))
}
