use std::path::PathBuf;

use clap::Args;

use super::ModelArgs;

const EXAMPLE: &str = "\
Examples:
  embedtune advise --data my-data
  embedtune advise --data my-data --minutes 30 --report advice.html
  embedtune advise --data my-data --alternative-model all-mpnet-base-v2

The learning curve trains on 25, 50 and 100 % of what --minutes has room for, with the settings that
`embedtune train` would use, and judges each run on queries that it was not trained on. No test
query is ever trained on or judged by a tuned model.

--alternative reads vectors as `embedtune embed` writes them: a folder with corpus.npy and
queries.npy, or a file X.npy of documents with X.queries.npy beside it; each with its .ids.";

/// Say whether fine-tuning is worth it for a BEIR directory, and what it would bring
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct AdviseArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory: corpus.jsonl, queries.jsonl, qrels/train.tsv and qrels/test.tsv
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Time that the work is cut to, in minutes
    #[arg(long, default_value_t = 10.0, value_name = "MINUTES")]
    pub(crate) minutes: f64,
    /// Vectors of another model to compare with
    #[arg(long, value_name = "DIR_OR_FILE", conflicts_with = "alternative_model")]
    pub(crate) alternative: Option<PathBuf>,
    /// Another model to compare with, a larger one for example; its own maximum length is used
    #[arg(long, value_name = "MODEL")]
    pub(crate) alternative_model: Option<String>,
    /// Train nothing: go by rules of thumb alone
    #[arg(long)]
    pub(crate) no_curve: bool,
    /// Rows in a batch of the full run
    #[arg(long, default_value_t = embedtune_data::DEFAULT_BATCH_SIZE, value_name = "ROWS")]
    pub(crate) batch_size: usize,
    /// Highest learning rate of the full run
    #[arg(long, default_value_t = 2e-5, value_name = "RATE")]
    pub(crate) learning_rate: f64,
    /// Passes over the data of the full run
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    pub(crate) epochs: f64,
    /// Leave the document with the id of the query out of its results
    #[arg(long)]
    pub(crate) exclude_self: bool,
    /// Seed of sampling and dropout
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Write a page that shows the advice, and the same as JSON beside it (FILE.json)
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
