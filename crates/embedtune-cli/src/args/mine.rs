use std::path::PathBuf;

use clap::Args;
use embedtune_data::Split;

use super::ModelArgs;

const EXAMPLE: &str = "\
Example:
  embedtune mine --model all-MiniLM-L6-v2 --data my-data --output negatives.jsonl
  embedtune train --data my-data --negatives negatives.jsonl --output tuned";

/// Find hard negatives: documents that a model takes for relevant and that are not
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct MineArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Queries to mine for; only the training split serves training
    #[arg(long, default_value = "train")]
    pub(crate) split: Split,
    /// File to write, JSON Lines; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Documents retrieved for each query
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) top_k: usize,
    /// Negatives for each relevant document
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) per_positive: usize,
    /// A negative must score this share below the lowest-scored relevant document; 0.05 keeps out
    /// most relevant documents that nobody judged
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub(crate) relative_margin: f64,
    /// A negative must score this much below the lowest-scored relevant document
    #[arg(long, value_name = "SCORE")]
    pub(crate) absolute_margin: Option<f64>,
    /// Best ranks to leave out
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) skip_top: usize,
    /// Random documents for each relevant document, besides the mined ones
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) random: usize,
    /// Draw from the candidates by this seed instead of taking the hardest
    #[arg(long, value_name = "SEED")]
    pub(crate) sample_seed: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
