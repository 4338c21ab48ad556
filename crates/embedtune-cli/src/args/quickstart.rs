use std::path::PathBuf;

use clap::Args;

use super::PrecisionArgs;
use crate::model_source::DEFAULT_MODEL;

const EXAMPLE: &str = "\
Examples:
  embedtune quickstart
  embedtune quickstart --data my-data --output my-first-run";

/// The whole workflow on real data: measure, mine, train, prove the gain, report
///
/// Without --data it learns to search the documentation of the Rust crates that this program was
/// built from, which cargo keeps on this machine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct QuickstartArgs {
    /// Model directory, or model id in the Hugging Face cache or on the hub
    #[arg(long, value_name = "MODEL", default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
    /// BEIR directory with train and test judgements [default: documentation of Rust crates]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Directory for model, data and reports; must not exist
    #[arg(long, value_name = "DIR", default_value = "embedtune-out")]
    pub(crate) output: PathBuf,
    /// Time that the data is cut to, in minutes
    #[arg(long, default_value_t = 5.0, value_name = "MINUTES")]
    pub(crate) minutes: f64,
    /// Longest text in tokens; short ones make most of the time
    #[arg(long, default_value_t = 96, value_name = "TOKENS")]
    pub(crate) max_seq_len: usize,
    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,
    /// Seed of sampling and dropout
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
