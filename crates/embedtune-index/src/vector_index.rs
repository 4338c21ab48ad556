//! The trait of every vector index.

use embedtune_data::Fingerprint;
use ndarray::ArrayView2;

use crate::{IndexError, Neighbor, Vectors};

/// Finds the documents whose vectors have the largest inner product with a query's.
///
/// Callers use [`search`](Self::search). An implementation writes [`search_rows`](Self::search_rows)
/// and passes [`index_conformance!`](crate::index_conformance).
pub trait VectorIndex: Send + Sync {
    /// Short name for logs and reports, `"exact"` for example.
    fn name(&self) -> &str;

    /// Number of documents.
    fn len(&self) -> usize;

    /// Whether there is no document.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of values in a vector.
    fn dim(&self) -> usize;

    /// The model whose vectors the index holds.
    fn fingerprint(&self) -> &Fingerprint;

    /// The search itself, behind the checks of [`search`](Self::search), which is the way in:
    /// `queries` `(queries, dim)` are finite, of the right model and length; `k` is at least 1 and
    /// at most `len()`.
    ///
    /// Returns for each query `k` neighbors in the order of [`Neighbor::by_rank`].
    ///
    /// # Errors
    /// Those of the implementation.
    fn search_rows(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError>;

    /// The best `min(k, len())` documents of each query, in the order of the queries: score
    /// descending, equal scores by ascending id. A query's result does not depend on which
    /// queries it is searched with, up to the last bits of a score.
    ///
    /// # Errors
    /// If the queries come from another model, have another length or are not finite.
    fn search(&self, queries: Vectors<'_>, k: usize) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        if queries.fingerprint() != self.fingerprint() {
            return Err(IndexError::Fingerprint {
                expected: self.fingerprint().clone(),
                got: queries.fingerprint().clone(),
            });
        }
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        if queries.dim() != self.dim() {
            return Err(IndexError::Dimension { expected: self.dim(), got: queries.dim() });
        }
        queries.check_finite()?;
        match k.min(self.len()) {
            0 => Ok(vec![Vec::new(); queries.len()]),
            k => self.search_rows(queries.rows(), k),
        }
    }
}

/// Share of the `k` best documents by `exact` that `index` finds, over all `queries`: 1 is
/// perfect. A document whose score equals the worst of the exact list counts as found, so ties do
/// not lower the figure.
///
/// # Errors
/// Those of a search.
pub fn recall_against(
    index: &dyn VectorIndex,
    exact: &dyn VectorIndex,
    queries: Vectors<'_>,
    k: usize,
) -> Result<f64, IndexError> {
    let (found, expected) = (index.search(queries, k)?, exact.search(queries, k)?);
    let (mut hits, mut total) = (0, 0);
    for (found, expected) in found.iter().zip(&expected) {
        let Some(worst) = expected.last() else { continue };
        // Two ways to add up one inner product differ in the last bits.
        let bar = worst.score - 1e-6 * worst.score.abs().max(1.0);
        hits += found.iter().filter(|neighbor| neighbor.score >= bar).count().min(expected.len());
        total += expected.len();
    }
    Ok(if total == 0 { 1.0 } else { hits as f64 / total as f64 })
}
