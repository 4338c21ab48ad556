use std::path::PathBuf;

use clap::{Args, ValueEnum};
use embedtune_data::Split;
use embedtune_metrics::Measure;

use super::PrecisionArgs;

const EXAMPLE: &str = "\
Examples:
  embedtune compare all-MiniLM-L6-v2 tuned --data my-data --general scifact
  embedtune compare bm25.run tuned --data my-data --report compared.html
  embedtune compare old tuned --data my-data --threshold 0.7 --json";

/// Say whether model B is better than model A, by how much, where, and what it costs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CompareArgs {
    /// What there is now: a model directory or id, or a run file (TREC or JSON)
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// What may replace it: a model directory or id, or a run file
    #[arg(value_name = "B")]
    pub(crate) b: String,
    /// BEIR directory: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Queries to ask: train, dev or test
    #[arg(long, default_value = "test")]
    pub(crate) split: Split,
    /// BEIR directory that the tuning was not about: what did B forget there?
    #[arg(long, value_name = "DIR")]
    pub(crate) general: Option<PathBuf>,
    /// Slices of the queries [default: all that the data allows]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) slice: Vec<SliceName>,
    /// Field of queries.jsonl, or of its `metadata`, that names the source of a query; without
    /// it, what the ids begin with
    #[arg(long, default_value = "source", value_name = "NAME")]
    pub(crate) source_field: String,
    /// The largest loss that would not matter; choose it before you look
    #[arg(long, default_value_t = 0.005)]
    pub(crate) margin: f64,
    /// Threshold on the score that is in use for A [default: the one with its best F1]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f64>,
    /// Level of the tests; intervals cover the rest
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// Measures, the first decides [default: ndcg@10, recall@10, precision@10, map@100, mrr@10,
    /// recall@100, success@1]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) measures: Vec<Measure>,
    /// Documents that count of each query; the deepest measure raises it
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) top_k: usize,
    /// Leave the document with the id of the query out of its results
    #[arg(long)]
    pub(crate) exclude_self: bool,
    /// Count a judged query that a run file lacks as 0, as `trec_eval -c` does
    #[arg(long)]
    pub(crate) complete: bool,
    /// Queries to show that gained most, and that lost most
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) examples: usize,
    /// Seed of permutations and bootstrap samples
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Longest text in tokens, for both models [default: the model's]
    #[arg(long, value_name = "TOKENS")]
    pub(crate) max_seq_len: Option<usize>,
    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,
    /// Write the values of each query, tab-separated
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) per_query: Option<PathBuf>,
    /// Write a page that shows the results, and the same as JSON beside it (FILE.json)
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// By what queries are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
pub(crate) enum SliceName {
    /// Where they come from
    Source,
    /// Short, medium, long
    Length,
    /// Whether their documents are often, rarely or never relevant in training
    HeadTail,
}
