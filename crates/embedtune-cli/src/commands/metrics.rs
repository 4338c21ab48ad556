//! `embedtune metrics`.

use std::{io, path::Path};

use anyhow::Result;
use embedtune_metrics::{Qrels, Run, TrecEval, TrecEvalOutput, ZScores};

use crate::{args::MetricsArgs, output, progress::Console};

/// Scores a run, and says on stderr what a reader of the numbers should know.
pub(crate) fn run(args: &MetricsArgs) -> Result<()> {
    // `-q` asks for every query here, and does not silence the notes.
    let console = Console::new(false);
    let mut command = TrecEval::new(&args.measure)?
        .with_options(args.options())
        .with_per_query(args.per_query)
        .with_summary(!args.no_summary);
    if let Some(file) = &args.zscores {
        command = command.with_zscores(ZScores::read(file)?);
    }
    for name in command.ignored() {
        console.line(&format!(
            "note: {name} is passed over, as by trec_eval: the measure has other parameters already; \
             write them in one, as P.5,10"
        ));
    }
    let scored = command.evaluate(&Qrels::read(&args.qrels)?, &read_run(&args.run)?)?;
    note_missing(&scored, args.options().complete, console);
    if args.json { output::print_json(&scored) } else { output::print(&scored.to_string()) }
}

fn read_run(path: &Path) -> Result<Run> {
    if path.as_os_str() == "-" {
        return Ok(Run::read_from(io::stdin().lock(), "stdin")?);
    }
    Ok(Run::read(path)?)
}

fn note_missing(scored: &TrecEvalOutput, complete: bool, console: Console) {
    let missing = scored.missing_queries();
    let Some(first) = missing.first() else { return };
    let judged = scored.query_ids().len() + if complete { 0 } else { missing.len() };
    let fate = if complete {
        "count as 0"
    } else {
        "are left out, as by trec_eval 9; version 10 stops here, and -c counts them as 0"
    };
    console.line(&format!(
        "note: {} of {judged} judged queries are not in the run (the first is {first:?}) and {fate}",
        missing.len()
    ));
}
