//! Retrieval training data: read it, check it, split it, build rows from it, and batch the rows.
//!
//! - [`BeirData`] is a directory of documents, queries and relevance judgements; [`write_beir`] and
//!   [`BeirWriter`] make one.
//! - [`read_rows`] and [`RowReader`] read pairs, triplets, n-tuples and labelled pairs from JSON
//!   Lines, JSON, CSV and TSV; a [`ColumnMap`] says which column is which.
//! - [`CorpusReader`] reads documents one at a time, of files of any size.
//! - [`DatasetBuilder`] turns judgements into a [`Dataset`] with a stated [`NegativeMix`].
//! - [`split_dataset`] and [`split_qrels`] make train, dev and test splits that do not leak.
//! - [`CheckReport`] tells before a training what would spoil it.
//! - A [`BatchSampler`] chooses which rows meet in a contrastive batch.
//! - [`Embed`] is all that evaluation, mining and deployment know of a model.
//!
//! # Why
//!
//! What a contrastive model learns is decided by which texts meet as negatives. So each distinct
//! text has one number here ([`TextTable`]), a dataset knows what is relevant to what beyond its
//! rows ([`Dataset::known_positives`]), and samplers and losses can keep false negatives apart by
//! comparing numbers. Roles of columns are never guessed from their position, and every error names
//! the file, the line and the remedy.
//!
//! Everything random is pure in its inputs and a seed, through [`SeededRng`], whose stream never
//! changes: the same data, seed and epoch give the same batches on every machine.
//!
//! # Example
//!
//! ```
//! use embedtune_data::{
//!     BatchSampler, BeirData, CheckReport, Corpus, DatasetBuilder, Document, NegativeMix,
//!     NoDuplicatesSampler, Queries, Split,
//! };
//! use embedtune_metrics::Qrels;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut corpus, mut queries, mut train) = (Corpus::new(), Queries::new(), Qrels::new());
//! for (number, word) in ["crate", "trait", "lifetime"].into_iter().enumerate() {
//!     let (query, document) = (format!("q{number}"), format!("d{number}"));
//!     corpus.push(Document {
//!         id: document.clone(),
//!         title: word.to_owned(),
//!         text: format!("All there is to say about a {word}."),
//!     });
//!     queries.push(query.clone(), format!("what is a {word}?"));
//!     train.insert(&query, &document, 1)?;
//! }
//! // From files it is `let data = BeirData::open("path/to/set")?;`.
//! let mut data = BeirData::new("words", corpus, queries);
//! data.insert(Split::Train, train);
//! assert!(CheckReport::of_beir(&data).findings.is_empty());
//!
//! let train = data.qrels(Split::Train).ok_or("no train split")?;
//! let (dataset, report) = DatasetBuilder::new(&data.corpus, &data.queries, train)
//!     .with_mix(NegativeMix::default().with_random(1))
//!     .build("words")?;
//! assert_eq!((report.rows, report.random), (3, 3));
//!
//! for batch in NoDuplicatesSampler::new(2).batches(&dataset, 42, 0) {
//!     for row in batch {
//!         let row = &dataset.rows[row as usize];
//!         println!("{} -> {}", dataset.texts.text(row.anchor), dataset.texts.text(row.positive));
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod atomic;
mod beir;
mod builder;
mod check;
mod content_hash;
mod corpus;
mod corpus_reader;
mod dataset;
mod embed;
mod error;
mod json;
mod lines;
mod rng;
mod rows;
mod sampler;
mod split;
mod text;

pub use beir::{
    BeirData, BeirOptions, BeirWriter, SplitOrigin, read_corpus, read_queries, write_beir,
};
pub use builder::{BuildReport, DatasetBuilder, NegativeMix};
pub use check::{CheckReport, Finding, FindingKind, LengthStats, Severity, SplitTexts, Truncation};
pub use content_hash::content_hash;
pub use corpus::{Corpus, DocId, Document, Queries, QueryId};
pub use corpus_reader::{CorpusReader, ReadPosition};
pub use dataset::{Dataset, DatasetKind, Example};
pub use embed::{Embed, EmbedError, Embeddings, Fingerprint, Role};
pub use error::{DataError, Place};
pub use rng::SeededRng;
pub use rows::{
    ColumnMap, ColumnProblem, RowFormat, RowOptions, RowReader, TextRow, read_rows, write_rows,
};
pub use sampler::{
    BatchSampler, DEFAULT_BATCH_SIZE, NoDuplicatesSampler, RandomSampler, SamplerConfig,
    SequentialSampler,
};
pub use split::{
    Split, SplitBy, SplitConfig, SplitDataset, split_dataset, split_dataset_by_key, split_qrels,
};
pub use text::{TextHash, TextId, TextTable};
