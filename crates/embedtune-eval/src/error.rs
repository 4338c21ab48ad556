//! What can go wrong between a model and its numbers.

use embedtune_data::{EmbedError, Role};
use embedtune_index::IndexError;
use embedtune_metrics::MetricsError;

/// A model cannot be evaluated, or two evaluations cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The judgements name documents that the corpus lacks: they could never be found, so every
    /// recall would be too low.
    #[error(
        "the judgements of query {query:?} name document {document:?}, which is not in the corpus \
         ({count} such judgements); check that qrels and corpus belong together"
    )]
    UnknownDocument {
        /// First query with such a judgement.
        query: String,
        /// First such document.
        document: String,
        /// Judgements of such documents in all.
        count: usize,
    },
    /// The judgements name queries that the queries file lacks.
    #[error(
        "the judgements name query {query:?}, which is not among the queries ({count} such \
         queries); check that qrels and queries belong together"
    )]
    UnknownQuery {
        /// First such query.
        query: String,
        /// Such queries in all.
        count: usize,
    },
    /// A run retrieved documents that the corpus lacks: it was made on other documents.
    #[error(
        "query {query:?} retrieved document {document:?}, which is not in the corpus ({count} such \
         documents); check that the run was made on this corpus"
    )]
    UnknownRetrieved {
        /// First query that did.
        query: String,
        /// First such document.
        document: String,
        /// Such documents of all queries.
        count: usize,
    },
    /// There is nothing to evaluate.
    #[error("no query has a judgement; check that the split is the right one")]
    NoJudgedQuery,
    /// Every judgement is 0 or below, so every measure would be 0 for every model.
    #[error(
        "none of the {judgements} judgements of {queries} queries is above 0, so no document is \
         relevant; check the score column of the qrels"
    )]
    NoRelevantDocument {
        /// Judged queries.
        queries: usize,
        /// Judgements.
        judgements: usize,
    },
    /// A setting is out of range.
    #[error("{field} is {value}, it must be {allowed}")]
    Config {
        /// Name of the setting.
        field: &'static str,
        /// Value found.
        value: String,
        /// The range.
        allowed: &'static str,
    },
    /// The model returned more or fewer vectors than it was given texts.
    #[error("the model returned {got} vectors for {expected} texts (role {role:?})")]
    Rows {
        /// Role of the texts.
        role: Role,
        /// Texts given.
        expected: usize,
        /// Vectors returned.
        got: usize,
    },
    /// The model returned vectors of another length than it says it has.
    #[error(
        "the model returned vectors of {got} values (role {role:?}), but says its dimension is \
         {expected}"
    )]
    Dimension {
        /// Role of the texts.
        role: Role,
        /// The dimension that the model states.
        expected: usize,
        /// Values in a vector returned.
        got: usize,
    },
    /// An index was given that does not hold one vector per document of the corpus.
    #[error(
        "the index holds {got} vectors, the corpus has {expected} documents; build the index from \
         this corpus, in its order"
    )]
    IndexSize {
        /// Documents of the corpus.
        expected: usize,
        /// Vectors in the index.
        got: usize,
    },
    /// Two evaluations, or an evaluation and its evaluator, are not about the same search.
    #[error(
        "{what} differs: {left} against {right}; a comparison needs two evaluations of the same \
         evaluator"
    )]
    Incomparable {
        /// What differs.
        what: &'static str,
        /// Value on one side.
        left: String,
        /// Value on the other side.
        right: String,
    },
    /// The measure by which queries are ranked was not computed.
    #[error("{measure} was not computed; computed were {computed}")]
    MeasureMissing {
        /// The measure asked for.
        measure: String,
        /// Those that are there.
        computed: String,
    },
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The search failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The run cannot be scored or compared.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}
