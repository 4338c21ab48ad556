use std::path::PathBuf;

use clap::{Args, ValueEnum};
use embedtune_data::ColumnMap;
use embedtune_train::{Every, Schedule, Warmup};

use super::ModelArgs;

const EXAMPLE: &str = "\
Examples:
  embedtune train --data my-data --output tuned
  embedtune train --data pairs.csv --columns anchor=question,positive=answer --output tuned
  embedtune train --data my-data --output tuned --resume

An interrupted run (Ctrl-C, or a crash after a checkpoint) goes on with --resume and the same
flags, to the same weights. Until it is done, its checkpoints and metrics.jsonl are in OUT.run.";

/// Fine-tune a model on pairs, triplets or labelled pairs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// BEIR directory, or a JSON Lines, JSON, CSV or TSV file of rows
    #[arg(long, value_name = "DIR_OR_FILE")]
    pub(crate) data: PathBuf,
    /// Which column of a file is which, e.g. anchor=query,positive=doc,negative=bad [default: by
    /// well-known names]
    #[arg(long, value_name = "ROLE=COLUMN,…")]
    pub(crate) columns: Option<ColumnMap>,
    /// Directory for the tuned model; must not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Hard negatives from `embedtune mine`
    #[arg(long, value_name = "FILE")]
    pub(crate) negatives: Option<PathBuf>,
    /// Most hard negatives of a row [default: all in the file]
    #[arg(long, value_name = "N")]
    pub(crate) negatives_per_row: Option<usize>,
    /// Negatives of each row that were judged not relevant (grade 0), where there are such
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) judged_negatives: usize,
    /// Negatives of each row that are drawn at random, never a relevant document
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) random_negatives: usize,
    /// Settings to begin with; flags that are given win
    #[arg(long, value_enum, default_value_t = Recipe::Default)]
    pub(crate) recipe: Recipe,
    /// Objective: mnrl, triplet, contrastive or online-contrastive
    #[arg(long, default_value = "mnrl")]
    pub(crate) loss: String,
    /// Divides similarities (mnrl) [default: 0.05]
    #[arg(long, value_name = "T")]
    pub(crate) temperature: Option<f64>,
    /// Rank queries for a document too, not only documents for a query (mnrl)
    #[arg(long)]
    pub(crate) symmetric: bool,
    /// Margin in units of the distance (triplet, contrastive losses) [default: the loss's]
    #[arg(long, value_name = "M")]
    pub(crate) margin: Option<f64>,
    /// Keep documents that are known to be relevant out of the negatives [default: true; false
    /// with --recipe plain]
    #[arg(long, value_name = "BOOL")]
    pub(crate) mask_false_negatives: Option<bool>,
    /// Rows in a batch
    #[arg(long, default_value_t = embedtune_data::DEFAULT_BATCH_SIZE, value_name = "ROWS")]
    pub(crate) batch_size: usize,
    /// How rows come together in batches
    #[arg(long, value_enum, default_value_t = SamplerName::NoDuplicates)]
    pub(crate) sampler: SamplerName,
    /// Batches in an optimizer step
    #[arg(long, default_value_t = 1, value_name = "BATCHES")]
    pub(crate) accumulate: usize,
    /// Bound the memory of large batches by that of --micro-tokens, for one more forward pass; the
    /// result is the same
    #[arg(long)]
    pub(crate) gradient_caching: bool,
    /// Most tokens that the encoder works on at a time; a batch is cut to it. Fewer need less
    /// memory, above all with --gradient-caching [default: 16384]
    #[arg(long, value_name = "TOKENS")]
    pub(crate) micro_tokens: Option<usize>,
    /// Highest learning rate
    #[arg(long, default_value_t = 2e-5, value_name = "RATE")]
    pub(crate) learning_rate: f64,
    /// Warmup in steps, or as a share of all steps if below 1
    #[arg(long, default_value = "0.1", value_name = "STEPS_OR_SHARE")]
    pub(crate) warmup: Warmup,
    /// Learning rate after the warmup: linear, cosine or constant
    #[arg(long, default_value = "linear")]
    pub(crate) schedule: Schedule,
    /// Weight decay, on matrices only [default: 0.01; 0 with --recipe plain]
    #[arg(long, value_name = "W")]
    pub(crate) weight_decay: Option<f64>,
    /// Longest gradient, as a norm
    #[arg(long, default_value_t = 1.0, value_name = "NORM")]
    pub(crate) max_grad_norm: f64,
    /// Dropout on hidden values and attention [default: the model's]
    #[arg(long, value_name = "P")]
    pub(crate) dropout: Option<f32>,
    /// Freeze the embedding tables and this many lowest layers
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) freeze_layers: usize,
    /// Passes over the data; a fraction stops within the last one
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    pub(crate) epochs: f64,
    /// End after this many optimizer steps
    #[arg(long, value_name = "N")]
    pub(crate) max_steps: Option<u64>,
    /// Seed of sampling and dropout
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Evaluate on dev after so many steps, a share of all, or each `epoch` [default: epoch if the
    /// data has a dev split, else never]
    #[arg(long, value_name = "STEPS|SHARE|epoch")]
    pub(crate) eval_every: Option<Every>,
    /// Metric on dev that decides which weights are kept [default: ndcg@10, or what the data allows]
    #[arg(long, value_name = "NAME")]
    pub(crate) best_metric: Option<String>,
    /// End after so many evaluations without improvement
    #[arg(long, value_name = "EVALUATIONS")]
    pub(crate) early_stopping: Option<u64>,
    /// Share of the training queries to evaluate on if the data has no dev split
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    pub(crate) dev_fraction: f64,
    /// Queries of the dev split to evaluate on
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(crate) dev_queries: usize,
    /// Documents to search on dev; the relevant ones are always among them
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) dev_documents: usize,
    /// Write a checkpoint after so many steps, a share of all, or each `epoch`
    #[arg(long, default_value = "500", value_name = "STEPS|SHARE|epoch")]
    pub(crate) checkpoint_every: Every,
    /// Most checkpoints on disk
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) checkpoint_limit: usize,
    /// Go on with an interrupted run
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Settings to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recipe {
    /// Multiple negatives ranking exactly as Sentence Transformers does it: no masking of false
    /// negatives, no weight decay
    Plain,
    /// What we think is best
    Default,
}

/// How rows come together in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerName {
    /// Shuffled; no text twice in a batch
    NoDuplicates,
    /// Shuffled
    Random,
    /// In the order of the data
    Sequential,
}
