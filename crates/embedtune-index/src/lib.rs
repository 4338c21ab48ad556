//! Vector search behind one trait, BM25, and a store of vectors on disk.
//!
//! # Overview
//!
//! - [`VectorIndex`] finds the documents with the largest inner product: [`ExactIndex`] compares
//!   all by tiles of a matrix product, [`HnswIndex`] walks a graph and finds nearly all of them
//!   sooner when there are very many. [`choose`] weighs the two, [`IndexConfig`] names them in a
//!   configuration.
//! - [`Bm25`] ranks by words: the baseline that a model has to beat.
//! - [`EmbeddingStore`] keeps vectors by the hash of their text, so that no text is embedded twice;
//!   [`embed_cached`] is the way through it.
//! - [`encode_corpus`] turns a corpus of any size into a [`VectorFile`] that NumPy reads, in bounded
//!   memory, and goes on after an interruption.
//!
//! # Why
//!
//! A score means nothing between vectors of two models, and nothing in two arrays of floats says so.
//! Here vectors travel with the fingerprint of their model ([`Vectors`]), and an index or a store
//! refuses those of another. Results are lists of [`Neighbor`] in one order everywhere: score
//! descending, equal scores by ascending id, the same on every run.
//!
//! An index of your own implements [`VectorIndex`] and proves it with one line of
//! [`index_conformance!`].
//!
//! # Example
//!
//! ```
//! use embedtune_data::{Embeddings, Fingerprint};
//! use embedtune_index::{IndexConfig, VectorIndex, Vectors};
//!
//! let model = Fingerprint("model-a".into());
//! let documents = Embeddings::new(2, vec![1.0, 0.0, 0.0, 1.0]);
//! let index = IndexConfig::default().build(Vectors::of(&documents, &model), 1)?;
//!
//! let query = Embeddings::new(2, vec![0.6, 0.8]);
//! let found = index.search(Vectors::of(&query, &model), 1)?;
//! assert_eq!((found[0][0].id, found[0][0].score), (1, 0.8));
//!
//! let other = Fingerprint("model-b".into());
//! assert!(index.search(Vectors::of(&query, &other), 1).is_err());
//! # Ok::<(), embedtune_index::IndexError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bm25;
mod cached;
mod choice;
// Public because the exported macro calls it from other crates; the macro is the interface.
#[doc(hidden)]
#[allow(missing_docs)]
pub mod conformance;
mod durable;
mod encode_corpus;
mod error;
mod exact;
mod hnsw;
mod neighbor;
mod store;
mod vector_file;
mod vector_index;
mod vectors;

pub use bm25::{Bm25, Bm25Config, Stemming};
pub use cached::embed_cached;
pub use choice::{IndexChoice, IndexConfig, IndexKind, choose};
pub use durable::write_atomically;
pub use encode_corpus::{EncodedWindow, Window, WindowConfig, encode_corpus};
pub use error::{IndexError, ShardDamage};
pub use exact::ExactIndex;
pub use hnsw::{HnswConfig, HnswIndex};
pub use neighbor::{Neighbor, TopK};
pub use store::EmbeddingStore;
pub use vector_file::{Resumed, RowCounts, VectorFile};
pub use vector_index::{VectorIndex, recall_against};
pub use vectors::Vectors;
