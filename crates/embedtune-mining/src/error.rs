//! What can go wrong in mining.

use std::{io, path::PathBuf};

use embedtune_index::IndexError;
use thiserror::Error;

/// Negatives cannot be mined, written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MiningError {
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
    /// Two inputs that belong together have different lengths.
    #[error("{got} {what} for {expected} {of}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// Number found.
        got: usize,
        /// What it must match.
        of: &'static str,
        /// Number that it must match.
        expected: usize,
    },
    /// A training query has no positive, so there is nothing to measure a negative against.
    #[error("query `{query}` has no positive document: leave it out of mining")]
    NoPositive {
        /// Id of the query.
        query: String,
    },
    /// A positive is not in the corpus.
    #[error("query `{query}` has positive number {document}, the corpus has {documents} documents")]
    UnknownPositive {
        /// Id of the query.
        query: String,
        /// Number of the document.
        document: u32,
        /// Documents in the corpus.
        documents: usize,
    },
    /// The relevance labels name a query or a document that is not there.
    #[error(
        "the relevance labels name {what} `{id}`, which is not in the data: fix or remove its lines"
    )]
    UnknownId {
        /// `"query"` or `"document"`.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// No training query has a relevant document.
    #[error("no query has a relevant document: check that the labels belong to the training split")]
    NothingToMine,
    /// The index, the store or the model failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A line of a file of negatives is not what it should be.
    #[error("{}: line {line}: {source}; mine again if the file was cut", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Cause.
        source: serde_json::Error,
    },
    /// A line of a file of negatives lists another number of scores than of documents.
    #[error("{}: line {line}: query `{query}` has {ids} negatives and {scores} scores", path.display())]
    Scores {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Id of the query.
        query: String,
        /// Negatives listed.
        ids: usize,
        /// Scores listed.
        scores: usize,
    },
    /// A query has two lines in a file of negatives.
    #[error("{}: line {line}: query `{query}` has a line before: remove one", path.display())]
    DuplicateQuery {
        /// The file.
        path: PathBuf,
        /// Number of the second line, from 1.
        line: usize,
        /// Id of the query.
        query: String,
    },
    /// The file is not one of negatives, or of another version.
    #[error("{}: line 1: format is `{found}`, not `{expected}`: mine with this version", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Format in the file.
        found: String,
        /// Format that this version reads.
        expected: &'static str,
    },
    /// The file is empty.
    #[error("{}: line 1: empty, the header is missing: mine again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}
