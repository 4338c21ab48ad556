//! What can go wrong, with the facts a caller needs to put it right.

use std::path::PathBuf;

use crate::measure;

/// Everything that reading, evaluating and comparing can report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// A file could not be opened or read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The path or the name the reader was given.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file could not be written; no file is left half-written.
    #[error("cannot write {}: {source}", path.display())]
    WriteFile {
        /// The destination.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A writer that the caller supplied failed.
    #[error("cannot write: {0}")]
    Write(#[source] std::io::Error),
    /// A line is not UTF-8 text.
    #[error("{file}, line {line}: not UTF-8 text; convert the file to UTF-8")]
    NotUtf8 {
        /// The path or name of the input.
        file: String,
        /// Counted from 1.
        line: usize,
    },
    /// A line is longer than any real record, so the file is not of this format.
    #[error(
        "{file}, line {line}: longer than {limit} bytes; check that this is a text file with one \
         record a line"
    )]
    LineTooLong {
        /// The path or name of the input.
        file: String,
        /// Counted from 1.
        line: usize,
        /// The longest line that is read, in bytes.
        limit: usize,
    },
    /// A line does not have the shape that the format asks for.
    #[error("{file}, line {line}: expected {expected}, got {got:?}; {remedy}")]
    Malformed {
        /// The path or name of the input.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What the format asks for.
        expected: &'static str,
        /// What stands there, cut to a readable length.
        got: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A JSON file that cannot be parsed, or is of another shape.
    #[error(
        "{file}, line {line}, column {column}: {problem}; expected JSON such as {{\"query\": {{\"document\": 1}}}}"
    )]
    Json {
        /// The path or name of the input.
        file: String,
        /// Counted from 1; 0 when nothing was read.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser expected, and got.
        problem: String,
    },
    /// A record of a file is well-formed but was refused.
    #[error("{file}, line {line}: {problem}")]
    AtLine {
        /// The path or name of the input.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Why it was refused.
        problem: Box<MetricsError>,
    },
    /// One document was judged twice for one query, with different grades.
    #[error(
        "document {doc:?} of query {query:?} is judged {first} and {second}; keep one of the two \
         judgements"
    )]
    ConflictingGrades {
        /// The query id.
        query: String,
        /// The document id.
        doc: String,
        /// The grade that was there.
        first: i32,
        /// The grade that was refused.
        second: i32,
    },
    /// One query retrieved one document twice, which leaves its rank undefined.
    #[error("query {query:?} retrieves document {doc:?} twice; keep its best score")]
    DuplicateDocument {
        /// The query id.
        query: String,
        /// The document id.
        doc: String,
    },
    /// The ids of the documents that one query retrieved do not fit into 4 GiB.
    #[error("query {query:?} retrieves more than 4 GiB of document ids; keep fewer of them")]
    QueryTooLarge {
        /// The query id.
        query: String,
    },
    /// Rankings were given for one query twice.
    #[error("query {query:?} has two rankings; merge them into one")]
    DuplicateQuery {
        /// The query id.
        query: String,
    },
    /// A score that cannot be ordered.
    #[error("document {doc:?} of query {query:?} has the score NaN; scores must be numbers")]
    NanScore {
        /// The query id.
        query: String,
        /// The document id.
        doc: String,
    },
    /// An id that the file format cannot hold: empty, or with a separator in it.
    #[error("the id {id:?} cannot be written as {format}; {remedy}")]
    UnwritableId {
        /// The id.
        id: String,
        /// The file format.
        format: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A measure name that is not known.
    #[error("unknown measure {name:?}; known: {}", measure::known_names())]
    UnknownMeasure {
        /// The name as it was given.
        name: String,
    },
    /// A known measure with a missing, superfluous or impossible cut-off.
    #[error("measure {name:?}: expected {expected}, for example {example:?}")]
    MeasureCutoff {
        /// The name as it was given.
        name: String,
        /// What the measure takes.
        expected: &'static str,
        /// A name that works.
        example: String,
    },
    /// `evaluate` was asked for no measure.
    #[error("no measure to compute; name at least one, for example \"ndcg@10\"")]
    NoMeasures,
    /// The judgements hold no query.
    #[error("the relevance judgements hold no query; check that the qrels file is the right one")]
    NoJudgements,
    /// No retrieved query is judged, so that every value would be an accident of ids.
    #[error(
        "no query of the run is judged: the run has {run_example:?}, the judgements have \
         {judged_example:?}; check that both use the same query ids"
    )]
    NoCommonQueries {
        /// A query id of the run.
        run_example: String,
        /// A query id of the judgements.
        judged_example: String,
    },
    /// No judged query retrieved anything, and those that did not are left out.
    #[error(
        "no judged query is in the run, so that there is nothing to average; check the run, or \
         count missing queries as 0"
    )]
    NothingRetrieved,
    /// An option out of its range.
    #[error("option {option}: expected {expected}, got {got}")]
    InvalidOption {
        /// The field.
        option: &'static str,
        /// The range.
        expected: &'static str,
        /// The value.
        got: String,
    },
    /// Two vectors that should hold one value per query differ in length.
    #[error("a paired comparison needs the same queries on both sides: {base} against {tuned}")]
    LengthMismatch {
        /// Values of the base system.
        base: usize,
        /// Values of the tuned system.
        tuned: usize,
    },
    /// Two reports are not about the same queries.
    #[error(
        "a paired comparison needs the same queries on both sides: query {query:?} is in one \
         report only; evaluate both runs with the same judgements and `complete`"
    )]
    QueryMismatch {
        /// A query id that one side lacks.
        query: String,
    },
    /// Two reports share no measure.
    #[error("the two reports have no measure in common; evaluate both with the same measures")]
    NoCommonMeasures,
    /// Too few queries for a spread, so for any test.
    #[error("a paired comparison needs at least 2 queries, got {queries}")]
    TooFewQueries {
        /// The number of queries given.
        queries: usize,
    },
    /// A per-query value that is NaN or infinite.
    #[error("the {side} value of query number {index} is {value}, which cannot be compared")]
    NotFinite {
        /// `"base"` or `"tuned"`.
        side: &'static str,
        /// Counted from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Lists that should hold one entry for each of the same things differ in length.
    #[error("expected {expected} {what}, one for each value, got {got}")]
    UnequalLengths {
        /// What there should be more or fewer of.
        what: &'static str,
        /// The length of the list that it goes with.
        expected: usize,
        /// Its own length.
        got: usize,
    },
    /// Clusters that leave nothing to draw from.
    #[error("clusters are drawn from at least 2, got {clusters}; drop the clusters instead")]
    TooFewClusters {
        /// The number of distinct clusters.
        clusters: usize,
    },
    /// A score that is NaN or infinite where scores are averaged or normalised.
    #[error("{what} number {index} is {value}; scores must be finite")]
    BadScore {
        /// What the score is of.
        what: &'static str,
        /// Counted from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// There is nothing to compute a value from.
    #[error("there is no {what} to score; check that the data was read")]
    NothingToScore {
        /// What there should be at least one of.
        what: &'static str,
    },
}
