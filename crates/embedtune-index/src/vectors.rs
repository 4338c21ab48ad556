//! Vectors that know which model made them.

use embedtune_data::{Embeddings, Fingerprint};
use ndarray::ArrayView2;

use crate::IndexError;

/// Vectors in rows, `(rows, dim)`, with the fingerprint of the model that made them.
///
/// Indexes are built from these and searched with these, so a query of one model can never be
/// compared with a document of another: [`crate::VectorIndex::search`] refuses it.
#[derive(Debug, Clone, Copy)]
pub struct Vectors<'a> {
    rows: ArrayView2<'a, f32>,
    fingerprint: &'a Fingerprint,
}

impl<'a> Vectors<'a> {
    /// `rows` of shape `(rows, dim)`, made by the model `fingerprint`.
    pub fn new(rows: ArrayView2<'a, f32>, fingerprint: &'a Fingerprint) -> Self {
        Self { rows, fingerprint }
    }

    /// All rows of `embeddings`, made by the model `fingerprint`.
    pub fn of(embeddings: &'a Embeddings, fingerprint: &'a Fingerprint) -> Self {
        let shape = (embeddings.rows(), embeddings.dim());
        let rows = ArrayView2::from_shape(shape, embeddings.as_slice())
            .expect("embeddings hold rows × dim values");
        Self { rows, fingerprint }
    }

    /// The rows, `(rows, dim)`.
    pub fn rows(&self) -> ArrayView2<'a, f32> {
        self.rows
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.rows.nrows()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of values in a vector.
    pub fn dim(&self) -> usize {
        self.rows.ncols()
    }

    /// The model that made the vectors.
    pub fn fingerprint(&self) -> &'a Fingerprint {
        self.fingerprint
    }

    /// Refuses NaN and infinities.
    ///
    /// # Errors
    /// [`IndexError::NotFinite`] with the first one's place.
    pub fn check_finite(&self) -> Result<(), IndexError> {
        for (row, vector) in self.rows.outer_iter().enumerate() {
            if let Some((column, &value)) =
                vector.iter().enumerate().find(|(_, value)| !value.is_finite())
            {
                return Err(IndexError::NotFinite { row, column, value });
            }
        }
        Ok(())
    }
}
