//! One module a command.

mod advise;
mod compare;
mod embed;
mod eval;
mod metrics;
mod mine;
mod prepare;
mod quickstart;
mod search;
mod train;

use anyhow::Result;

use crate::{args::Command, progress::Console};

/// Runs `command`.
pub(crate) fn run(command: &Command, console: Console) -> Result<()> {
    match command {
        Command::Quickstart(args) => quickstart::run(args, console),
        Command::Prepare(args) => prepare::run(args, console),
        Command::Advise(args) => advise::run(args, console),
        Command::Mine(args) => mine::run(args, console),
        Command::Train(args) => train::run(args, console),
        Command::Eval(args) => eval::run(args, console),
        Command::Compare(args) => compare::run(args, console),
        Command::Embed(args) => embed::run(args, console),
        Command::Search(args) => search::run(args, console),
        Command::Metrics(args) => metrics::run(args),
    }
}
