//! Errors that name the file, the line and the remedy.

use std::{fmt, io, path::PathBuf};

use crate::rows::ColumnProblem;

/// Where in a file something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: u64,
    /// Element of a JSON array, from 1.
    pub element: Option<u64>,
}

impl Place {
    /// A line of a file that is read line by line.
    pub(crate) fn line(path: &std::path::Path, line: u64) -> Self {
        Self { path: path.to_owned(), line, element: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)?;
        match self.element {
            Some(element) => write!(f, " (element {element})"),
            None => Ok(()),
        }
    }
}

/// What can go wrong with training data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that must be there is not.
    #[error("{}: not found; {remedy}", path.display())]
    Missing {
        /// The file or directory.
        path: PathBuf,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The output is there already.
    #[error("{}: exists already; remove it or choose another output", path.display())]
    Exists {
        /// The file or directory.
        path: PathBuf,
    },
    /// Lines that were read before are not the same any more.
    #[error(
        "{}: its first {lines} lines have changed since they were read; begin anew", path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Lines that were read before.
        lines: u64,
    },
    /// Bytes that are not UTF-8.
    #[error("{at}: not UTF-8; convert the file, for example `iconv -f LATIN1 -t UTF-8`")]
    NotUtf8 {
        /// Where.
        at: Place,
    },
    /// Text that is not JSON.
    #[error("{at}, column {column}: malformed JSON: {reason}; {remedy}")]
    Json {
        /// Where.
        at: Place,
        /// Byte in the line, from 1.
        column: usize,
        /// What the parser said.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A field or column that the row must have is not there.
    #[error("{at}: no field `{field}` (found: {}); add it or name another column", list(found))]
    MissingField {
        /// Where.
        at: Place,
        /// Name of the field.
        field: String,
        /// Fields that are there.
        found: Vec<String>,
    },
    /// A field holds something of another type.
    #[error("{at}: `{field}` is {got}, expected {expected}")]
    WrongType {
        /// Where.
        at: Place,
        /// Name of the field.
        field: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A text without a single visible character: a model would learn from its padding.
    #[error("{at}: `{field}` is empty; fill it in or remove the row")]
    EmptyText {
        /// Where.
        at: Place,
        /// Name of the field.
        field: String,
    },
    /// Two documents or two queries have the same id.
    #[error("{at}: id `{id}` was used before, on line {first_line}; ids must be unique")]
    DuplicateId {
        /// Where it came again.
        at: Place,
        /// The id.
        id: String,
        /// Line of its first use.
        first_line: u64,
    },
    /// A judgement names a query or document that is not there.
    #[error("{at}: {kind} `{id}` is not in {file}; add it there or remove the judgement")]
    UnknownId {
        /// Where.
        at: Place,
        /// `query` or `document`.
        kind: &'static str,
        /// The id.
        id: String,
        /// File that should have it.
        file: &'static str,
    },
    /// A split without a single relevant document.
    #[error(
        "{}: no relevant documents: every grade is 0 or below; \
         give at least one document a grade of 1 or more", path.display()
    )]
    NoRelevant {
        /// The judgements.
        path: PathBuf,
    },
    /// A file without a single row.
    #[error("{}: no rows; is this the right file?", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// The columns of a file do not tell which text is which.
    #[error(
        "{}: {problem} (columns found: {}); \
         say which is which, for example `--columns {example}`", path.display(), list(found)
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: ColumnProblem,
        /// Columns of the file.
        found: Vec<String>,
        /// A column map to start from.
        example: String,
    },
    /// A column map that cannot be parsed.
    #[error(
        "`--columns {text}`: {problem}; write for example `--columns anchor=query,positive=doc`"
    )]
    ColumnMap {
        /// The map as it was given.
        text: String,
        /// What is wrong.
        problem: ColumnProblem,
    },
    /// A row of a CSV or TSV file has too few or too many fields.
    #[error(
        "{at}: {got} fields where the header has {expected}; quote fields that hold separators"
    )]
    FieldCount {
        /// Where.
        at: Place,
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        got: u64,
    },
    /// The format of a file is not known from its name.
    #[error(
        "{}: cannot tell the format from the name; use .jsonl, .json, .csv or .tsv, or say the format",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// An id handed over by the program is not in the corpus or among the queries.
    #[error("{what}: {kind} `{id}` is unknown; they belong to other data")]
    UnknownReference {
        /// Who names it.
        what: &'static str,
        /// `query` or `document`.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// Judgements that make no training row.
    #[error("{name}: no document has a grade of {relevant_from} or more, so there is no row")]
    NoPositives {
        /// Name of the dataset.
        name: String,
        /// Grade from which a document is a positive.
        relevant_from: i32,
    },
    /// A setting is out of its range.
    #[error("{name} = {value}: expected {expected}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Judgements could not be read.
    #[error(transparent)]
    Metrics(#[from] embedtune_metrics::MetricsError),
}

fn list(names: &[String]) -> String {
    names.join(", ")
}
