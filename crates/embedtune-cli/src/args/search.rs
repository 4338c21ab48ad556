use std::path::PathBuf;

use clap::Args;

use super::ModelArgs;

const EXAMPLE: &str = "\
Example:
  embedtune search --model tuned --data my-data --query \"how long is the warranty?\"";

/// Search documents with a model
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory or JSON Lines file of documents
    #[arg(long, value_name = "DIR_OR_FILE")]
    pub(crate) data: PathBuf,
    /// What to search for; may be given several times
    #[arg(long, required = true, value_name = "TEXT")]
    pub(crate) query: Vec<String>,
    /// Documents to show for each query
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) top_k: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
