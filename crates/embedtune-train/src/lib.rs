//! The training loop: optimizers, schedules, gradient accumulation and caching, checkpoints and
//! exact resume.
//!
//! A [`Trainer`] joins a model, a dataset, a loss and a sampler. It tokenizes once, encodes each
//! batch in calls of bounded size, hands the embeddings to the loss and their gradient back to the
//! model, and steps an [`Optimizer`].
//!
//! # Why
//! A run can be interrupted anywhere and goes on to the same bits, with loss parameters, optimizer,
//! place in the data and early stopping restored. A number that is not finite ends the run with the
//! rows that made it, and a misspelt metric is refused before the first step.
//!
//! | to | use |
//! |---|---|
//! | set epochs, learning rate, dropout, checkpoints … | [`TrainConfig`] |
//! | measure during the run | [`Evaluator`]; [`TripletAccuracy`] and [`InBatchMrr`] need no corpus |
//! | draw a progress bar, log elsewhere | [`Callback`] |
//! | bring an optimizer | [`Optimizer`] and [`Trainer::with_optimizer`] |
//! | stop on Ctrl-C | [`Trainer::with_stop_flag`] |
//! | go on | [`Trainer::resume`] |
//!
//! # Example
//! A model that learns three pairs:
//! ```
//! use embedtune_data::{Dataset, Example, SequentialSampler};
//! use embedtune_encoder::EmbeddingModel;
//! use embedtune_losses::LossConfig;
//! use embedtune_train::{TrainConfig, Trainer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedtune-encoder/fixtures/tiny-bert");
//! let model = EmbeddingModel::load(dir)?;
//! let mut dataset = Dataset::new("three pairs");
//! for (query, document) in [("a cat", "fast"), ("the river", "old"), ("to read", "city")] {
//!     let (query, document) = (dataset.texts.intern(query), dataset.texts.intern(document));
//!     dataset.push(Example::pair(query, document));
//! }
//! let loss = LossConfig::default().build()?;
//! let sampler = Box::new(SequentialSampler::new(3));
//! let config = TrainConfig::default().with_epochs(20.0).with_learning_rate(1e-3);
//!
//! let outcome = Trainer::new(model, dataset, loss, sampler, config)?.run()?;
//! assert_eq!(outcome.steps, 20);
//! assert!(outcome.final_loss() < outcome.losses.first().copied());
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod batch;
mod callback;
mod checkpoint;
mod clip;
mod config;
mod error;
mod evaluator;
mod every;
mod files;
mod heads;
mod identity;
mod log;
mod optim;
mod outcome;
mod pass;
mod plan;
mod progress;
mod schedule;
mod token_table;
mod trainer;

pub use callback::{Callback, Evaluation, StepReport, StopReason};
pub use checkpoint::Checkpoint;
pub use config::{EarlyStopping, TrainConfig};
pub use error::TrainError;
pub use evaluator::{Evaluator, InBatchMrr, TripletAccuracy};
pub use every::Every;
pub use optim::{AdamW, AdamWConfig, Optimizer, OptimizerConfig, OptimizerState};
pub use outcome::TrainOutcome;
pub use progress::Best;
pub use schedule::{Schedule, Warmup};
pub use trainer::Trainer;
