//! Fine-tune text-embedding models for a domain and take the result to production.
//!
//! This crate is every embedtune library under one name, and nothing more: each module is one
//! crate, which can also be used alone. The command-line program is `embedtune-cli`.
//!
//! | to | module |
//! |---|---|
//! | read, check, split and build training data; batch it | [`data`] |
//! | load, run and save an embedding model | [`encoder`] |
//! | choose what is learned | [`losses`] |
//! | train, resume, stop early | [`train`] |
//! | find hard negatives | [`mining`] |
//! | search vectors and words | [`index`] |
//! | measure retrieval and compare two models | [`eval`] |
//! | score rankings as `trec_eval` does | [`metrics`] |
//! | multiply, normalize and differentiate slices fast on a CPU | [`kernels`] |
//!
//! # Why
//!
//! A general model does not know what your users call things. A few hundred pairs of a query and
//! the document that answers it are enough to teach it, on a CPU, in minutes; what takes the time
//! is to prove that it got better. So evaluation, mining and training share their data types here,
//! a gain always comes with a significance test, and a saved model loads in Sentence Transformers
//! and text-embeddings-inference.
//!
//! # Example
//!
//! Train on a folder in the BEIR layout (`corpus.jsonl`, `queries.jsonl`, `qrels/train.tsv`,
//! `qrels/test.tsv`), compare, save:
//!
//! ```no_run
//! use embedtune::data::{BeirData, DatasetBuilder, Split};
//! use embedtune::prelude::*;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let data = BeirData::open("my-data")?;
//!     let train = data.qrels(Split::Train).ok_or("no train split")?;
//!     let test = data.qrels(Split::Test).ok_or("no test split")?;
//!     let (pairs, _) = DatasetBuilder::new(&data.corpus, &data.queries, train).build("my-data")?;
//!
//!     // How good is the model as it is?
//!     let base = EmbeddingModel::load("models/all-MiniLM-L6-v2")?;
//!     let config = RetrievalConfig::default();
//!     let evaluator =
//!         RetrievalEvaluator::new(data.corpus.clone(), &data.queries, test.clone(), config)?;
//!     let before = evaluator.evaluate(&base)?;
//!
//!     // Multiple negatives ranking over batches of 32 pairs, one epoch.
//!     let loss = LossConfig::default().build()?;
//!     let sampler = Box::new(NoDuplicatesSampler::new(32));
//!     let config = TrainConfig::default().with_learning_rate(2e-5);
//!     let tuned = Trainer::new(base, pairs, loss, sampler, config)?.run()?.model;
//!
//!     // Is it better, and is that more than chance?
//!     let after = evaluator.evaluate(&tuned)?;
//!     let comparison = evaluator.compare(&before, &after, &Default::default())?;
//!     println!("{}", comparison.headline_sentence());
//!     tuned.save("tuned-model", &ModelCard::default())?;
//!     Ok(())
//! }
//! ```
//!
//! The `examples` folder of the repository goes on from here: triplets, mined negatives, a loss,
//! an index, a sampler and a training loop of your own.

#[doc(inline)]
pub use embedtune_data as data;
#[doc(inline)]
pub use embedtune_encoder as encoder;
#[doc(inline)]
pub use embedtune_eval as eval;
#[doc(inline)]
pub use embedtune_index as index;
#[doc(inline)]
pub use embedtune_kernels as kernels;
#[doc(inline)]
pub use embedtune_losses as losses;
#[doc(inline)]
pub use embedtune_metrics as metrics;
#[doc(inline)]
pub use embedtune_mining as mining;
#[doc(inline)]
pub use embedtune_train as train;

/// What nearly every program needs: `use embedtune::prelude::*;`.
pub mod prelude {
    #[doc(no_inline)]
    pub use embedtune_data::{BatchSampler, Dataset, Embed, Example, NoDuplicatesSampler, Role};
    #[doc(no_inline)]
    pub use embedtune_encoder::{EmbeddingModel, ModelCard};
    #[doc(no_inline)]
    pub use embedtune_eval::{RetrievalConfig, RetrievalEvaluator};
    #[doc(no_inline)]
    pub use embedtune_index::VectorIndex;
    #[doc(no_inline)]
    pub use embedtune_losses::{Loss, LossConfig};
    #[doc(no_inline)]
    pub use embedtune_train::{TrainConfig, Trainer};
}

/// The README's example must compile too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
