//! The `embedtune` command.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod check_cache;
mod commands;
mod config;
mod data;
mod dev;
mod interrupt;
mod machine;
mod model;
mod model_source;
mod negatives;
mod output;
mod preflight;
mod progress;
mod report;
mod rustdoc_corpus;
mod startup;
mod training;

use std::process::ExitCode;

use config::ParseError;
use interrupt::Interrupted;
use progress::Console;
use tracing_subscriber::filter::LevelFilter;

/// Exit status of a command that was typed wrongly.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    startup::begin();
    let cli = match config::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(ParseError::Usage(error)) => {
            // Help and version are no errors and go to stdout; clap knows.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
        Err(ParseError::File(error)) => {
            Console::new(false).line(&format!("error: {error:#}"));
            return ExitCode::from(USAGE);
        }
    };
    let level = if cli.global.verbose { LevelFilter::INFO } else { LevelFilter::WARN };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .without_time()
        .init();
    let console = Console::new(cli.global.quiet);
    match commands::run(&cli.command, console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(interrupt::STATUS),
        Err(error) => {
            Console::new(false).line(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
