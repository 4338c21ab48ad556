use std::path::PathBuf;

use clap::{Args, ValueEnum};
use embedtune_data::Split;

use super::ModelArgs;

const EXAMPLE: &str = "\
Example:
  embedtune mine --model all-MiniLM-L6-v2 --data my-data --output negatives.jsonl
  embedtune train --data my-data --negatives negatives.jsonl --output tuned";

/// Find hard negatives: documents that a model takes for relevant although they are not
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct MineArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Queries to mine for; mining looks at the judgements, so only train is allowed
    #[arg(long, default_value = "train")]
    pub(crate) split: Split,
    /// JSON Lines file to write; must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Candidates looked at for each query
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) top_k: usize,
    /// Negatives for each relevant document
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) per_positive: usize,
    /// Drop candidates that score above this share below the lowest-scored relevant document: they
    /// are often relevant and were never judged
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub(crate) relative_margin: f32,
    /// Drop candidates that score less than this below the lowest-scored relevant document
    #[arg(long, value_name = "SCORE")]
    pub(crate) absolute_margin: Option<f32>,
    /// Drop candidates that score above this
    #[arg(long, value_name = "SCORE")]
    pub(crate) max_score: Option<f32>,
    /// Drop candidates that score below this
    #[arg(long, value_name = "SCORE")]
    pub(crate) min_score: Option<f32>,
    /// Candidates to skip at the top of those that passed
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) range_min: usize,
    /// Which of the candidates that passed become negatives
    #[arg(long, value_enum, default_value_t = SamplingName::Top)]
    pub(crate) sampling: SamplingName,
    /// Share of the negatives that is drawn from the whole corpus
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub(crate) random_fraction: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Keep the vectors of documents in this directory, to be found again by the next call
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which of the candidates become negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplingName {
    /// Those with the highest scores
    Top,
    /// Any, with equal chance
    Random,
}
