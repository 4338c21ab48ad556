//! Hard-negative mining: documents that a model takes for relevant although they are not.
//!
//! # Overview
//!
//! [`Miner`] searches the corpus for each training query, removes what is relevant by number or by
//! equal text, drops candidates that score too close to a positive, and picks some of the rest.
//! [`MiningConfig`] says how; [`MinedNegatives`] is the result, with statistics and a file format.
//!
//! # Why
//!
//! A model learns most from negatives that it cannot tell from positives yet. The same search
//! finds the positives that nobody labelled, and training on these as negatives does harm, so
//! filters by score are on by default, and [`MiningStats`] counts what they drop. Mining is
//! deterministic: a query's negatives depend on the data, the settings and the seed, not on the
//! order of the queries nor on the number of threads.
//!
//! # Example
//!
//! ```
//! use embedtune_data::{Corpus, Document, Embeddings, Fingerprint};
//! use embedtune_index::Vectors;
//! use embedtune_mining::{Miner, MiningConfig, MiningCorpus, TrainQueries};
//!
//! let mut corpus = Corpus::new();
//! for (id, text) in [("a", "relevant"), ("b", "too similar"), ("c", "hard"), ("d", "easy")] {
//!     corpus.push(Document { id: id.into(), text: text.into(), ..Document::default() });
//! }
//! let model = Fingerprint("some-model".into());
//! let documents = Embeddings::new(2, vec![1.0, 0.0, 0.99, 0.14, 0.8, 0.6, 0.0, 1.0]);
//! let query = Embeddings::new(2, vec![1.0, 0.0]);
//!
//! let miner = Miner::new(MiningConfig::default().with_per_positive(1))?;
//! let mined = miner.mine(
//!     TrainQueries {
//!         ids: &["q".into()],
//!         texts: &["a query".into()],
//!         vectors: Vectors::of(&query, &model),
//!         positives: &[vec![0]],
//!     },
//!     MiningCorpus { corpus: &corpus, vectors: Vectors::of(&documents, &model) },
//! )?;
//! assert_eq!(mined.queries[0].negative_ids, ["c"]);
//! assert_eq!(mined.stats.rejected_relative_margin, 1);
//! # Ok::<(), embedtune_mining::MiningError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod distinct;
mod error;
mod filter;
mod miner;
mod negatives;
mod one_query;
mod with_model;

pub use config::{MiningConfig, Sampling};
pub use error::MiningError;
pub use filter::MiningStats;
pub use miner::{Miner, MiningCorpus, TrainQueries};
pub use negatives::{MinedNegatives, MinedQuery};
