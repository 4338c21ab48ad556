//! Which index suits a task.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ExactIndex, HnswConfig, HnswIndex, IndexError, VectorIndex, Vectors};

/// What linking one document into a graph costs, counted in query-document pairs of an exact
/// search. Measured with the default settings over 15,000 vectors of 384 values on two cores of a
/// Zen 4 server under load: 3.5 ms against 18 ns a pair, at a recall of 0.99.
const PAIRS_PER_INSERT: f64 = 190_000.0;
/// What one graph search costs, in the same unit and measured in the same run: 3.4 ms.
const PAIRS_PER_SEARCH: f64 = 180_000.0;

/// The two kinds of vector index that [`choose`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexKind {
    /// [`ExactIndex`].
    Exact,
    /// [`HnswIndex`].
    Hnsw,
}

/// The answer of [`choose`], with the reason in words.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexChoice {
    /// The index that is estimated to finish first.
    pub kind: IndexKind,
    /// Cost of an exact search relative to building and searching a graph; below 1, exact wins.
    pub relative_cost: f64,
}

impl fmt::Display for IndexChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            IndexKind::Exact => write!(
                f,
                "exact search: it costs {:.2} of building and searching a graph, and misses nothing",
                self.relative_cost
            ),
            IndexKind::Hnsw => write!(
                f,
                "HNSW: an exact search would cost {:.1} times building and searching a graph",
                self.relative_cost
            ),
        }
    }
}

/// Chooses the index that answers `queries` searches over `documents` vectors first, counting the
/// time to build it. `queries` is the number of searches in the whole life of the index.
///
/// An exact search costs `queries × documents` pairs, each a few nanoseconds of a matrix product
/// that uses all cores. A graph costs about as much as 190,000 pairs for each document that is
/// linked (one after the other, so that it is reproducible) and nearly as many for each search.
/// Both sides grow alike with the number of values in a vector, so it does not matter. With as many
/// queries as documents the two meet near 370,000 of each; a few queries over many documents never
/// repay a build.
pub fn choose(queries: usize, documents: usize) -> IndexChoice {
    let (queries, documents) = (queries as f64, documents as f64);
    let graph = documents * PAIRS_PER_INSERT + queries * PAIRS_PER_SEARCH;
    let relative_cost = if graph > 0.0 { queries * documents / graph } else { 0.0 };
    let kind = if relative_cost <= 1.0 { IndexKind::Exact } else { IndexKind::Hnsw };
    IndexChoice { kind, relative_cost }
}

/// Which index to build, as configuration files say it: `{ kind = "auto" }`, `{ kind = "exact" }`,
/// `{ kind = "hnsw", ef_search = 200 }`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum IndexConfig {
    /// As [`choose`] says: the default, for nobody should have to know.
    #[default]
    Auto,
    /// [`ExactIndex`].
    Exact,
    /// [`HnswIndex`] with these settings.
    Hnsw(HnswConfig),
}

impl IndexConfig {
    /// Builds the index over a copy of `vectors`; `queries` is the number of searches expected.
    ///
    /// # Errors
    /// Those of [`ExactIndex::build`] and [`HnswIndex::build`].
    pub fn build(
        &self,
        vectors: Vectors<'_>,
        queries: usize,
    ) -> Result<Box<dyn VectorIndex>, IndexError> {
        self.build_from(ExactIndex::build(vectors)?, queries)
    }

    /// The same over vectors that an exact index already owns, without a copy.
    ///
    /// # Errors
    /// Those of [`HnswIndex::new`].
    pub fn build_from(
        &self,
        exact: ExactIndex,
        queries: usize,
    ) -> Result<Box<dyn VectorIndex>, IndexError> {
        let graph = match self {
            Self::Exact => None,
            Self::Hnsw(config) => Some(config.clone()),
            Self::Auto => {
                let choice = choose(queries, exact.len());
                tracing::info!(queries, documents = exact.len(), "{choice}");
                (choice.kind == IndexKind::Hnsw).then(HnswConfig::default)
            }
        };
        Ok(match graph {
            None => Box::new(exact),
            Some(config) => Box::new(HnswIndex::new(exact, &config)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tasks_are_exact_and_huge_ones_are_not() {
        assert_eq!(choose(1000, 5183).kind, IndexKind::Exact);
        assert_eq!(choose(100_000, 100_000).kind, IndexKind::Exact);
        assert_eq!(choose(1_000_000, 1_000_000).kind, IndexKind::Hnsw);
        // A build over ten million documents is not repaid by a hundred queries.
        assert_eq!(choose(100, 10_000_000).kind, IndexKind::Exact);
        assert_eq!(choose(0, 0).kind, IndexKind::Exact);
    }

    #[test]
    fn configuration_reads_as_it_is_documented() {
        let read = |json: &str| serde_json::from_str::<IndexConfig>(json);
        assert_eq!(read(r#"{"kind":"auto"}"#).unwrap(), IndexConfig::Auto);
        let hnsw = IndexConfig::Hnsw(HnswConfig::default().with_ef_search(200));
        assert_eq!(read(r#"{"kind":"hnsw","ef_search":200}"#).unwrap(), hnsw);
        assert!(read(r#"{"kind":"hnsw","ef":200}"#).is_err());
        let text = serde_json::to_string(&hnsw).unwrap();
        assert_eq!(read(&text).unwrap(), hnsw);
    }
}
