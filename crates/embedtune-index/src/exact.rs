//! Exact search: every document is compared with every query.

use embedtune_data::{Embeddings, Fingerprint};
use embedtune_kernels::{MatmulShape, Threads, matmul_nt};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::{IndexError, Neighbor, TopK, VectorIndex, Vectors};

/// Queries in one matrix product. 256 rows amortise the packing of the documents.
const QUERY_TILE: usize = 256;
/// Documents in one matrix product: 256 × 4096 scores are 4 MiB.
const DOCUMENT_TILE: usize = 4096;
/// Documents that one task scans, so that a few queries keep all cores busy too. Fixed, because
/// tiles that followed the number of cores would change the last bits of a score.
const SHARD: usize = 4 * DOCUMENT_TILE;

/// Exact search by tiles of a matrix product.
///
/// A tile of `256 × 4096` scores at a time goes through one bounded heap per query, so memory is
/// the vectors plus a few megabytes per core, never queries × documents. Results are the same for
/// any number of threads on one machine; between processors, or when other queries share the
/// tile, a score may differ in its last bits, and with it the order of two documents that close.
///
/// ```
/// use embedtune_data::{Embeddings, Fingerprint};
/// use embedtune_index::{ExactIndex, VectorIndex, Vectors};
///
/// let model = Fingerprint("some-model".into());
/// let documents = Embeddings::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.6, 0.8]);
/// let index = ExactIndex::new(documents, model.clone())?;
///
/// let query = Embeddings::new(2, vec![0.0, 1.0]);
/// let found = index.search(Vectors::of(&query, &model), 2)?;
/// assert_eq!(found[0][0].id, 1);
/// assert_eq!(found[0][1].score, 0.8);
/// # Ok::<(), embedtune_index::IndexError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExactIndex {
    vectors: Embeddings,
    fingerprint: Fingerprint,
}

impl ExactIndex {
    /// An index over `vectors` `(documents, dim)` of the model `fingerprint`, without a copy.
    ///
    /// # Errors
    /// If a vector is not finite, or there are more than `u32::MAX`.
    pub fn new(vectors: Embeddings, fingerprint: Fingerprint) -> Result<Self, IndexError> {
        Vectors::of(&vectors, &fingerprint).check_finite()?;
        if vectors.rows() > u32::MAX as usize {
            return Err(IndexError::TooMany { got: vectors.rows() });
        }
        Ok(Self { vectors, fingerprint })
    }

    /// An index over a copy of `vectors`.
    ///
    /// # Errors
    /// If a vector is not finite, there are more than `u32::MAX`, or they have no values.
    pub fn build(vectors: Vectors<'_>) -> Result<Self, IndexError> {
        if vectors.dim() == 0 && !vectors.is_empty() {
            return Err(IndexError::Dimension { expected: 1, got: 0 });
        }
        let values = vectors.rows().iter().copied().collect();
        Self::new(Embeddings::new(vectors.dim(), values), vectors.fingerprint().clone())
    }

    /// The vectors, `(documents, dim)`.
    pub fn vectors(&self) -> &Embeddings {
        &self.vectors
    }

    /// Best `k` of each query of a tile: shards in parallel, then merged.
    fn search_tile(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbor>> {
        let dim = self.vectors.dim();
        let shards: Vec<Vec<TopK>> = self
            .vectors
            .as_slice()
            .par_chunks(SHARD * dim)
            .enumerate()
            .map(|(shard, documents)| scan(queries, documents, dim, (shard * SHARD) as u32, k))
            .collect();
        let mut shards = shards.into_iter();
        let mut merged = shards.next().unwrap_or_default();
        for shard in shards {
            for (merged, top) in merged.iter_mut().zip(shard) {
                top.into_sorted().into_iter().for_each(|neighbor| merged.offer(neighbor));
            }
        }
        merged.into_iter().map(TopK::into_sorted).collect()
    }
}

impl VectorIndex for ExactIndex {
    fn name(&self) -> &str {
        "exact"
    }

    fn len(&self) -> usize {
        self.vectors.rows()
    }

    fn dim(&self) -> usize {
        self.vectors.dim()
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn search_rows(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        // Even tiles: 300 queries are two tiles of 150, not one of 256 and one of 44.
        let rows = queries.nrows().div_ceil(queries.nrows().div_ceil(QUERY_TILE));
        let queries = queries.as_standard_layout();
        let queries = queries.as_slice().expect("the standard layout is contiguous");
        let tiles = queries.par_chunks(rows * self.dim());
        Ok(tiles.flat_map_iter(|tile| self.search_tile(tile, k)).collect())
    }
}

/// Best `k` of each query among `documents`, whose ids begin at `first_id`.
fn scan(queries: &[f32], documents: &[f32], dim: usize, first_id: u32, k: usize) -> Vec<TopK> {
    let rows = queries.len() / dim;
    let mut best = vec![TopK::new(k); rows];
    let mut scores = vec![0.0; rows * DOCUMENT_TILE.min(documents.len() / dim)];
    for (tile, documents) in documents.chunks(DOCUMENT_TILE * dim).enumerate() {
        let columns = documents.len() / dim;
        let scores = &mut scores[..rows * columns];
        let shape = MatmulShape { m: rows, n: columns, k: dim };
        matmul_nt(shape, queries, documents, scores, Threads::One);
        let first_id = first_id + (tile * DOCUMENT_TILE) as u32;
        for (best, scores) in best.iter_mut().zip(scores.chunks(columns)) {
            best.offer_scores(first_id, scores);
        }
    }
    best
}
