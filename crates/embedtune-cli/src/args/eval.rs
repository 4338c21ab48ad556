use std::path::PathBuf;

use clap::Args;
use embedtune_data::Split;
use embedtune_metrics::Measure;

use super::ModelArgs;

const EXAMPLE: &str = "\
Examples:
  embedtune eval --model tuned --data my-data --split test --json
  embedtune eval --model tuned --data my-data --bm25 --report tuned.html";

/// Measure how well a model finds the relevant documents of a BEIR directory
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Queries to ask: train, dev or test
    #[arg(long, default_value = "test")]
    pub(crate) split: Split,
    /// Measures, the first is the headline [default: ndcg@10, recall@10, precision@10, map@100,
    /// mrr@10, recall@100, success@1]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) measures: Vec<Measure>,
    /// Leave the document with the id of the query out of its results
    #[arg(long)]
    pub(crate) exclude_self: bool,
    /// Also measure search by words alone (BM25)
    #[arg(long)]
    pub(crate) bm25: bool,
    /// Write a page that shows the results, and the same as JSON beside it (FILE.json)
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
