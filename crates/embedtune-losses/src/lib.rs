//! Training objectives over text embeddings.
//!
//! A loss gets the embeddings of a batch and how they relate ([`LossBatch`]), and returns a value
//! and its gradient by the embeddings ([`LossOutput`]). It never sees a text or a model.
//!
//! # Why
//! The gradient of the embeddings is the seam between objectives and encoders: every loss works
//! with every encoder, and exact large batches in bounded memory are one feature of the trainer
//! instead of a second version of each loss.
//!
//! | loss | data | idea |
//! |---|---|---|
//! | [`Mnrl`] | pairs, with or without negatives | the positive against everything else in the batch |
//! | [`Triplet`] | triplets, n-tuples | a negative is farther than the positive by a margin |
//! | [`Contrastive`] | labelled pairs | related together, unrelated apart |
//! | [`OnlineContrastive`] | labelled pairs | the same, hard pairs only |
//! | [`FnLoss`] | any | your closure, differentiated |
//!
//! [`LossConfig`] makes any of them by name or from a file. Values and gradients are tested
//! against Sentence Transformers and against finite differences.
//!
//! # Example
//! ```
//! use candle_core::{Device, Tensor};
//! use embedtune_losses::{LossBatch, LossConfig, Relation, StepContext};
//!
//! // Rows 0 and 1 are queries, 2 and 3 their documents, 4 a hard negative of the first query.
//! let rows = [[1.0_f32, 0.1], [0.1, 1.0], [1.0, 0.0], [0.0, 1.0], [0.8, 0.6]];
//! let batch = LossBatch::new(
//!     Tensor::new(&rows, &Device::Cpu)?,
//!     vec![0, 1],
//!     vec![2, 3, 4],
//!     vec![
//!         Relation { positives: vec![0], negatives: vec![2], ignored: vec![] },
//!         Relation { positives: vec![1], negatives: vec![], ignored: vec![] },
//!     ],
//! )?;
//! let mut loss = LossConfig::default().build()?;
//! let output = loss.evaluate(&batch, &StepContext::default())?;
//! assert!(output.value > 0.0);
//! assert_eq!(output.d_embeddings.dims(), [5, 2]);
//! # Ok::<(), embedtune_losses::LossError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod autograd;
mod batch;
mod closure;
mod config;
mod contrastive;
mod error;
mod loss;
mod measure;
mod mnrl;
mod online_contrastive;
mod ops;
mod pairs;
mod triplet;

pub use batch::{LossBatch, Relation, StepContext};
pub use closure::FnLoss;
pub use config::LossConfig;
pub use contrastive::{Contrastive, ContrastiveConfig};
pub use error::LossError;
pub use loss::{Loss, LossOutput};
pub use measure::{Distance, Similarity};
pub use mnrl::{Direction, Mnrl, MnrlConfig, Partition};
pub use online_contrastive::{OnlineContrastive, OnlineContrastiveConfig};
pub use triplet::{Triplet, TripletConfig};
