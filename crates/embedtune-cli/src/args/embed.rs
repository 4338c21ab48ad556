use std::path::PathBuf;

use clap::Args;

use super::ModelArgs;

const EXAMPLE: &str = "\
Example:
  embedtune embed --model tuned --input corpus.jsonl --output vectors.npy

Writes vectors.npy (float32, one row for each line of the input, in its order) and vectors.npy.ids
(one id a line). Lines of the input are {\"_id\": …, \"title\": …, \"text\": …}; the title may be
missing.";

/// Turn texts into vectors
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EmbedArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// JSON Lines file of documents
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// NumPy file to write; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The texts are queries: the model's query prompt is used
    #[arg(long)]
    pub(crate) queries: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
