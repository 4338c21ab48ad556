//! Text-embedding models: tokenize, run, differentiate, load and save.
//!
//! An [`EmbeddingModel`] is loaded from a Sentence Transformers directory, embeds texts, and gives
//! the gradient of every weight when it is told the gradient of its embeddings, which is all that
//! a trainer needs. It is saved in the layout that Sentence Transformers (3 and later) and
//! text-embeddings-inference both read.
//!
//! # Why not candle-transformers
//! Its encoders cannot be trained: fused layer norm and softmax cut the gradient without an error.
//! Here an architecture is a description ([`EncoderSpec`]) that an [`Engine`] interprets. The
//! [`ReferenceEngine`] is composed candle operations, readable and differentiable on any device;
//! faster engines are held to its results. Batches are packed ([`PackedBatch`]), weights are one
//! flat buffer ([`Parameters`]), and dropout ([`Dropout`]) is a function of where it applies, so
//! that a run can be resumed or replayed exactly.
//!
//! # Example
//! ```no_run
//! use embedtune_data::{Embed, Role};
//! use embedtune_encoder::EmbeddingModel;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = EmbeddingModel::load("models/all-MiniLM-L6-v2")?;
//! let vectors = model.embed(&["What does a mutex protect?"], Role::Query)?;
//! assert_eq!((vectors.rows(), vectors.dim()), (1, 384));
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arch;
mod batch;
mod directory;
mod dropout;
mod embed;
mod encoder_spec;
mod engine;
mod error;
mod fingerprint;
mod head;
mod model;
mod parameters;
mod precision;
mod spec;
mod tokenizer;

pub use arch::{Affine, LayerNames, WeightNames};
pub use batch::{PackedBatch, Tokens};
pub use directory::ModelCard;
pub use dropout::{Dropout, Site};
pub use embed::Progress;
pub use encoder_spec::EncoderSpec;
pub use engine::{CpuEngine, Engine, ReferenceEngine, Tape};
pub use error::EncoderError;
pub use head::{Dense, DenseActivation, Head, HeadStep, Pooling};
pub use model::EmbeddingModel;
pub use parameters::{ParameterInfo, Parameters};
pub use precision::Precision;
pub use spec::{Activation, TransformerSpec};
