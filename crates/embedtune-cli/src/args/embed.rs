use std::path::PathBuf;

use clap::Args;

use super::ModelArgs;

const EXAMPLE: &str = "\
Examples:
  embedtune embed --model tuned --input corpus.jsonl --output vectors.npy
  embedtune embed --model tuned --input corpus.jsonl --output vectors.npy --resume

Writes vectors.npy (float32, one row for each line of the input, in its order) and vectors.npy.ids
(one id a line). Lines of the input are {\"_id\": …, \"title\": …, \"text\": …}; only the text must be
there, and a line without an id is called by its number.

The input may be of any size: it is read and embedded piece by piece. An interrupted run (Ctrl-C, or
a crash) goes on with --resume and the same flags, to the same vectors. Until it is done, what is
there lies in OUT.run.";

/// Turn texts into vectors
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct EmbedArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// JSON Lines file of documents, or BEIR directory
    #[arg(long, value_name = "FILE_OR_DIR")]
    pub(crate) input: PathBuf,
    /// NumPy file to write; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The texts are queries: the model's query prompt is used
    #[arg(long)]
    pub(crate) queries: bool,
    /// Go on with an interrupted run
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
