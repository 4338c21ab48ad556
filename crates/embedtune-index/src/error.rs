//! What can go wrong in building, searching and storing.

use std::{io, path::PathBuf};

use embedtune_data::{DataError, EmbedError, Fingerprint, Role};
use thiserror::Error;

/// An index cannot be built or searched, or a store cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Vectors of another model than the one that the index was built with.
    #[error(
        "vectors of model {got} cannot meet the vectors of model {expected}: \
         embed queries and documents with the same model"
    )]
    Fingerprint {
        /// Model of the index or store.
        expected: Fingerprint,
        /// Model of the vectors given.
        got: Fingerprint,
    },
    /// Vectors of another length than those of the index or store.
    #[error("vectors have {got} values, those of the index have {expected}")]
    Dimension {
        /// Values in a vector of the index or store.
        expected: usize,
        /// Values in a vector given.
        got: usize,
    },
    /// A vector holds NaN or an infinity, so it has no place in any order.
    #[error(
        "vector {row} (from 0) has {value} as value {column}: the model that made it is broken"
    )]
    NotFinite {
        /// Number of the vector, from 0.
        row: usize,
        /// Place in the vector, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// More vectors or texts than `u32` can number.
    #[error("{got} documents, an index numbers at most {}: split the corpus", u32::MAX)]
    TooMany {
        /// Documents given.
        got: usize,
    },
    /// A number does not match another one: texts and vectors, hashes and rows.
    #[error("{got} {what} for {expected} texts")]
    Count {
        /// What was counted.
        what: &'static str,
        /// Texts or hashes given.
        expected: usize,
        /// What came with them.
        got: usize,
    },
    /// A setting is out of range.
    #[error("{field} is {value}, it must be {allowed}")]
    Config {
        /// Name of the setting.
        field: &'static str,
        /// Value found.
        value: f64,
        /// The range.
        allowed: &'static str,
    },
    /// The input of a corpus cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An output is there already.
    #[error("{}: exists already; remove it or choose another output", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// An interrupted run for the same output is there.
    #[error("{}: holds an interrupted run; resume it, or remove it", path.display())]
    RunExists {
        /// Its folder.
        path: PathBuf,
    },
    /// There is no interrupted run to go on with.
    #[error("{}: no interrupted run here; begin one instead of resuming it", path.display())]
    NoRun {
        /// The folder that was looked for.
        path: PathBuf,
    },
    /// The interrupted run was another one.
    #[error(
        "{}: cannot be resumed: {what} was {saved} and is now {given}; resume it as it was begun, \
         or remove it and begin anew",
        path.display()
    )]
    RunChanged {
        /// Folder of the run.
        path: PathBuf,
        /// What differs.
        what: String,
        /// Its value when the run was begun.
        saved: String,
        /// Its value now.
        given: String,
    },
    /// A file of an interrupted run lacks what was written to it.
    #[error(
        "{}: {got} bytes, but {expected} were written before the interruption; remove the run's \
         folder and begin anew",
        path.display()
    )]
    DamagedRun {
        /// The file.
        path: PathBuf,
        /// Bytes written.
        expected: u64,
        /// Bytes found.
        got: u64,
    },
    /// An id cannot stand in a file of one id a line.
    #[error("id {id:?} holds a line break, and ids are written one a line: give it another one")]
    UnwritableId {
        /// The id.
        id: String,
    },
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The manifest of a store cannot be understood.
    #[error("{}: line {}: {source}; remove the folder to have its texts embedded again", path.display(), source.line())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Cause, with its line.
        source: serde_json::Error,
    },
    /// The store in this folder holds other vectors than those asked for.
    #[error(
        "{}: the store has {field} {found}, not {expected}; use another folder", path.display()
    )]
    StoreMismatch {
        /// The manifest.
        path: PathBuf,
        /// Which property differs.
        field: &'static str,
        /// Value in the manifest.
        found: String,
        /// Value asked for.
        expected: String,
    },
    /// A store keeps vectors of one role, and the texts have the other.
    #[error("the store holds {store:?} vectors, the texts are embedded as {texts:?}")]
    Role {
        /// Role of the store.
        store: Role,
        /// Role of the texts.
        texts: Role,
    },
    /// A shard of a store is damaged.
    #[error(
        "{}: damaged: {damage}; remove this file to have its texts embedded again", path.display()
    )]
    DamagedShard {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: ShardDamage,
    },
}

/// What is wrong with a shard of an [`crate::EmbeddingStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShardDamage {
    /// The file does not begin as a shard does.
    #[error("not a shard of vectors")]
    Magic,
    /// The file is shorter or longer than its header says.
    #[error("{got} bytes instead of {expected}")]
    Length {
        /// Bytes that the header asks for.
        expected: u64,
        /// Bytes found.
        got: u64,
    },
    /// The vectors have another length than those of the store.
    #[error("vectors of {got} values instead of {expected}")]
    Dimension {
        /// Values in a vector of the store.
        expected: usize,
        /// Values that the shard says.
        got: usize,
    },
    /// The content is not what was written.
    #[error("its checksum does not match")]
    Checksum,
}
