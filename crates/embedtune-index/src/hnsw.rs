//! Approximate search in a hierarchical navigable small world graph.

use embedtune_data::Fingerprint;
use embedtune_kernels::dot;
use hnsw_rs::prelude::{Distance, Hnsw};
use ndarray::ArrayView2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ExactIndex, IndexError, Neighbor, VectorIndex, Vectors, recall_against};

/// Layers of the graph; 16 is the most that `hnsw_rs` allows, and more than any corpus fills.
const LAYERS: usize = 16;
/// Documents that search for themselves after a build.
const PROBES: usize = 128;
/// Recall of these probes below which the build warns.
const PROBE_WARNING: f64 = 0.9;

/// Settings of an [`HnswIndex`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HnswConfig {
    /// Links of a vector in each layer, twice that in the lowest one; 2 to 255. The default, 16,
    /// is where text embeddings of 384 to 1024 values reach a recall of 0.95 and more; 32 costs
    /// half as much memory again and pays for itself on clustered data.
    pub m: usize,
    /// Candidates kept while a vector is linked, at least `m`. The default, 200, is that of the
    /// paper's authors; a lower one builds faster and is never made up for by a wider search.
    pub ef_construction: usize,
    /// Candidates kept during a search; one for `k` results keeps at least `k`. The default, 100,
    /// suits lists of 10; double it to halve the misses.
    pub ef_search: usize,
    /// Whether vectors are linked one after the other, which is the default: the graph, and so
    /// every result, is then the same each time. `false` links them on all cores, in whichever
    /// order the threads come; on two cores that was no faster.
    pub deterministic: bool,
}

impl Default for HnswConfig {
    fn default() -> Self {
        Self { m: 16, ef_construction: 200, ef_search: 100, deterministic: true }
    }
}

impl HnswConfig {
    /// Sets [`m`](Self::m).
    pub fn with_m(mut self, m: usize) -> Self {
        self.m = m;
        self
    }

    /// Sets [`ef_construction`](Self::ef_construction).
    pub fn with_ef_construction(mut self, ef_construction: usize) -> Self {
        self.ef_construction = ef_construction;
        self
    }

    /// Sets [`ef_search`](Self::ef_search).
    pub fn with_ef_search(mut self, ef_search: usize) -> Self {
        self.ef_search = ef_search;
        self
    }

    /// Sets [`deterministic`](Self::deterministic).
    pub fn with_deterministic(mut self, deterministic: bool) -> Self {
        self.deterministic = deterministic;
        self
    }

    fn validate(&self) -> Result<(), IndexError> {
        let refuse = |field, value: usize, allowed| {
            Err(IndexError::Config { field, value: value as f64, allowed })
        };
        if !(2..=255).contains(&self.m) {
            return refuse("m", self.m, "between 2 and 255");
        }
        if self.ef_construction < self.m {
            return refuse("ef_construction", self.ef_construction, "at least m");
        }
        if self.ef_search == 0 {
            return refuse("ef_search", self.ef_search, "at least 1");
        }
        Ok(())
    }
}

/// Approximate search (Malkov and Yashunin, *Efficient and robust approximate nearest neighbor
/// search using hierarchical navigable small world graphs*, 2018) on the `hnsw_rs` crate.
///
/// A query visits thousands of documents instead of all, and misses a few; scores are exact, and
/// lists are always full: where the graph returns too few, the query is searched exactly. A build
/// checks itself: a sample of documents searches for its neighbors in the graph and exactly, and
/// [`self_recall`](Self::self_recall) says how much was found.
///
/// The graph works on inner products of any vectors, not only of unit length: each vector gets one
/// more value that brings all to the same length, which makes the largest inner product the nearest
/// neighbor (Bachrach et al., 2014).
///
/// Memory is the vectors twice and about 2.4 KB of links a document at `m = 16`. It lives in
/// memory only: rebuild it from an [`crate::EmbeddingStore`].
pub struct HnswIndex {
    exact: ExactIndex,
    graph: Option<Hnsw<'static, f32, UnitDistance>>,
    ef_search: usize,
    self_recall: f64,
}

impl HnswIndex {
    /// Links the documents of `exact`.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn new(exact: ExactIndex, config: &HnswConfig) -> Result<Self, IndexError> {
        config.validate()?;
        let graph = (!exact.is_empty()).then(|| link(&exact, config));
        let mut index = Self { exact, graph, ef_search: config.ef_search, self_recall: 1.0 };
        index.self_recall = index.probe()?;
        if index.self_recall < PROBE_WARNING {
            tracing::warn!(
                recall = index.self_recall,
                m = config.m,
                ef_search = config.ef_search,
                "the graph misses many neighbors: raise m and ef_search, or search exactly"
            );
        }
        Ok(index)
    }

    /// Links a copy of `vectors`.
    ///
    /// # Errors
    /// If a setting is out of range, or as [`ExactIndex::build`].
    pub fn build(vectors: Vectors<'_>, config: &HnswConfig) -> Result<Self, IndexError> {
        Self::new(ExactIndex::build(vectors)?, config)
    }

    /// Share of their 10 nearest documents that a sample of the documents found after the build.
    pub fn self_recall(&self) -> f64 {
        self.self_recall
    }

    /// The exact index over the same vectors.
    pub fn exact(&self) -> &ExactIndex {
        &self.exact
    }

    fn probe(&self) -> Result<f64, IndexError> {
        let vectors = Vectors::of(self.exact.vectors(), self.fingerprint());
        let stride = self.len().div_ceil(PROBES).max(1);
        let sample = vectors.rows().slice_move(ndarray::s![..;stride, ..]);
        recall_against(self, &self.exact, Vectors::new(sample, self.fingerprint()), 10)
    }

    /// What the graph finds for one query, scored exactly; may be fewer than `k`.
    fn search_graph(&self, query: &[f32], k: usize) -> Vec<Neighbor> {
        let Some(graph) = &self.graph else { return Vec::new() };
        let ef = self.ef_search.max(k);
        let mut point = unit(query);
        point.push(0.0);
        let found = graph.search(&point, ef, ef);
        let score =
            |id: usize| Neighbor { id: id as u32, score: dot(query, self.exact.vectors().row(id)) };
        let mut neighbors: Vec<Neighbor> = found.iter().map(|point| score(point.d_id)).collect();
        neighbors.sort_by(Neighbor::by_rank);
        neighbors.truncate(k);
        neighbors
    }
}

impl VectorIndex for HnswIndex {
    fn name(&self) -> &str {
        "hnsw"
    }

    fn len(&self) -> usize {
        self.exact.len()
    }

    fn dim(&self) -> usize {
        self.exact.dim()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.exact.fingerprint()
    }

    fn search_rows(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        // A search that keeps every document as a candidate is an exact one, only slower.
        if self.ef_search.max(k) >= self.len() {
            return self.exact.search_rows(queries, k);
        }
        let queries = queries.as_standard_layout();
        let values = queries.as_slice().expect("the standard layout is contiguous");
        let mut results: Vec<Vec<Neighbor>> =
            values.par_chunks(self.dim()).map(|query| self.search_graph(query, k)).collect();
        // Links of an overfull vector are dropped, which can cut a document off the graph.
        for (row, result) in results.iter_mut().enumerate().filter(|(_, r)| r.len() < k) {
            let query = queries.slice(ndarray::s![row..=row, ..]);
            *result = self.exact.search_rows(query, k)?.swap_remove(0);
        }
        Ok(results)
    }
}

impl std::fmt::Debug for HnswIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HnswIndex")
            .field("len", &self.len())
            .field("dim", &self.dim())
            .field("ef_search", &self.ef_search)
            .field("self_recall", &self.self_recall)
            .finish_non_exhaustive()
    }
}

/// `1 − x·y` of two unit vectors: half their squared distance.
///
/// `hnsw_rs` panics on negative distances and on NaN. The first is rounding, so it is cut off at
/// zero; `f32::max` drops the second, so it is sent to infinity.
#[derive(Clone, Copy)]
struct UnitDistance;

impl Distance<f32> for UnitDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        let distance = 1.0 - dot(a, b);
        if distance.is_nan() { f32::INFINITY } else { distance.max(0.0) }
    }
}

fn link(exact: &ExactIndex, config: &HnswConfig) -> Hnsw<'static, f32, UnitDistance> {
    let documents = exact.len();
    let graph = Hnsw::new(config.m, documents, LAYERS, config.ef_construction, UnitDistance);
    let norms: Vec<f32> = (0..documents).map(|id| norm(exact.vectors().row(id))).collect();
    let longest = norms.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let insert = |id: usize| {
        let row = exact.vectors().row(id);
        let mut point: Vec<f32> = row.iter().map(|value| value / longest).collect();
        let length = norms[id] / longest;
        point.push((1.0 - length * length).max(0.0).sqrt());
        graph.insert((&point, id));
    };
    if config.deterministic {
        (0..documents).for_each(insert);
    } else {
        (0..documents).into_par_iter().for_each(insert);
    }
    graph
}

fn norm(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt()
}

/// `vector` at length 1; the zero vector stays, it is equally far from all.
fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = norm(vector);
    let scale = if norm > 0.0 && norm.is_finite() { 1.0 / norm } else { 1.0 };
    let mut point = Vec::with_capacity(vector.len() + 1);
    point.extend(vector.iter().map(|value| value * scale));
    point
}
