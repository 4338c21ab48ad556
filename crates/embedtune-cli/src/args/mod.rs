//! The command line. Every flag of a command is also a key of its configuration file.

mod advise;
mod compare;
mod embed;
mod eval;
mod metrics;
mod mine;
mod model;
mod prepare;
mod quickstart;
mod search;
mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use advise::AdviseArgs;
pub(crate) use compare::{CompareArgs, SliceName};
pub(crate) use embed::EmbedArgs;
pub(crate) use eval::EvalArgs;
pub(crate) use metrics::MetricsArgs;
pub(crate) use mine::{MineArgs, SamplingName};
pub(crate) use model::{ModelArgs, PrecisionArgs};
pub(crate) use prepare::{By, PrepareArgs};
pub(crate) use quickstart::QuickstartArgs;
pub(crate) use search::SearchArgs;
pub(crate) use train::{Recipe, SamplerName, TrainArgs};

const EXAMPLES: &str = "\
Examples:
  embedtune quickstart
  embedtune train --model all-MiniLM-L6-v2 --data my-data --output tuned
  embedtune eval --model tuned --data my-data --json

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

/// Fine-tune a text-embedding model for your documents, prove the gain, use the result.
#[derive(Debug, Parser)]
#[command(name = "embedtune", version, after_help = EXAMPLES, args_override_self = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// TOML file whose keys are flags of the command, at the top or in a table named after it;
    /// flags on the command line win
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say more on stderr
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Show no progress on stderr
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Quickstart(QuickstartArgs),
    Prepare(PrepareArgs),
    Advise(AdviseArgs),
    Mine(MineArgs),
    Train(Box<TrainArgs>),
    Eval(EvalArgs),
    Compare(Box<CompareArgs>),
    Embed(EmbedArgs),
    Search(SearchArgs),
    Metrics(MetricsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_name();
            assert!(help.contains(&format!("embedtune {name}")), "{name}: {help}");
        }
    }
}
