//! The Sentence Transformers directory: reading both of its schemas, writing the older one, which
//! every version of that library and text-embeddings-inference read.

mod read;
mod weights;
mod write;

pub(crate) use read::{Directory, read};
pub(crate) use weights::{Extra, read_weights};
pub use write::ModelCard;
pub(crate) use write::{Saved, write};
