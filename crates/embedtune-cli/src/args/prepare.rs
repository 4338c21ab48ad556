use std::path::PathBuf;

use clap::{Args, ValueEnum};
use embedtune_data::ColumnMap;

const EXAMPLE: &str = "\
Examples:
  embedtune prepare --input pairs.csv --columns anchor=question,positive=answer --output my-data
  embedtune prepare --input my-data --check";

/// Check training data, split it, and bring it into the layout that the other commands read
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct PrepareArgs {
    /// BEIR directory, or a JSON Lines, JSON, CSV or TSV file of rows
    #[arg(long, value_name = "DIR_OR_FILE")]
    pub(crate) input: PathBuf,
    /// Which column is which, e.g. anchor=query,positive=doc,negative=bad [default: by well-known
    /// names]
    #[arg(long, value_name = "ROLE=COLUMN,…")]
    pub(crate) columns: Option<ColumnMap>,
    /// BEIR directory (or, for a name that ends in .jsonl, file of rows) to write; must not exist
    #[arg(long, value_name = "DIR_OR_FILE", required_unless_present = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Only check
    #[arg(long)]
    pub(crate) check: bool,
    /// Share of the queries for the dev split
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    pub(crate) dev: f64,
    /// Share of the queries for the test split
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub(crate) test: f64,
    /// What stays together: a query, or all queries that share a relevant document
    #[arg(long, value_enum, default_value_t = By::Query)]
    pub(crate) split_by: By,
    /// Seed of the split
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Rows of a query stay together
    Query,
    /// Queries that share a relevant document stay together
    Group,
}
