//! `report.json`, `report.html`, the table on stdout, and what to run next.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use embedtune_data::Split;
use embedtune_eval::{DataFacts, Facts, SystemScores};
use embedtune_metrics::{Measure, Qrels};
use tempfile::TempDir;

use super::{BATCH_SIZE, Story, total};
use crate::{
    args::QuickstartArgs,
    output,
    progress::Console,
    report::{self, short},
};

/// Writes both reports into `out` and returns the JSON.
pub(super) fn write(story: &Story, args: &QuickstartArgs, out: &Path) -> Result<String> {
    let title = format!("{} on {}", short(&story.base_model), story.data.name);
    let mut report = report::begin(title, "quickstart");
    report.ran.insert("base model", story.base_model.as_str());
    report.ran.insert("precision", story.precision.name());
    report.data = Some(data_facts(story));
    report.bm25 = Some(SystemScores::new("BM25", &story.bm25));
    report.base = Some(SystemScores::new(short(&story.base_model), &story.base));
    report.tuned = Some(SystemScores::new("tuned", &story.tuned));
    report.comparison = Some(story.comparison.clone());
    report.advice = Some(story.advice.clone());
    report.training = Some(story.curve.clone());
    report.scores = story.scores.clone();
    report.lengths = story.preflight.lengths.clone();
    report.hyperparameters = hyperparameters(story, args);
    report.mining = Facts::from(serde_json::to_value(story.mined.stats)?);
    report.seconds = story.seconds.clone();
    report.reproduce = vec![reproduce(args)];
    report::write(&report, &out.join("report.html"), &out.join("report.json"))
}

fn data_facts(story: &Story) -> DataFacts {
    let data = &story.data;
    let of = |split| data.qrels(split).map_or(0, Qrels::len);
    let mut facts = DataFacts::new(&data.name);
    facts.documents = data.corpus.len();
    facts.train_pairs = story.advice.facts.train_pairs;
    facts.train_queries = of(Split::Train);
    facts.dev_queries = of(Split::Dev);
    facts.test_queries = of(Split::Test);
    facts.test_judgements = data.qrels(Split::Test).map_or(0, Qrels::judgement_count);
    facts.notes = story.notes.clone();
    facts.notes.extend(story.preflight.check.findings.iter().map(ToString::to_string));
    facts
}

fn hyperparameters(story: &Story, args: &QuickstartArgs) -> Facts {
    let mut facts = Facts::new()
        .with("loss", "mnrl")
        .with("batch_size", BATCH_SIZE)
        .with("max_seq_len", args.max_seq_len);
    for (name, value) in story.config.hyperparameters() {
        facts.insert(name, value);
    }
    facts.insert("tokens_per_second", story.training.tokens_per_second.round());
    facts
}

fn reproduce(args: &QuickstartArgs) -> String {
    let mut command = format!(
        "embedtune quickstart --model {} --minutes {} --max-seq-len {} --precision {} --seed {}",
        args.model, args.minutes, args.max_seq_len, args.precision.precision, args.seed
    );
    if let Some(data) = &args.data {
        command.push_str(&format!(" --data {}", data.display()));
    }
    command
}

/// Gives the results their final name.
pub(super) fn publish(staging: TempDir, output: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(staging.path(), fs::Permissions::from_mode(0o755))?;
    }
    fs::rename(staging.path(), output).with_context(|| output.display().to_string())?;
    // The directory has moved: there is nothing left to remove under its old name.
    let _ = staging.keep();
    Ok(())
}

/// The verdict and what to run next, for people.
pub(super) fn show(story: &Story, args: &QuickstartArgs, console: Console) {
    let out = args.output.display();
    let query = story.tuned.report.query_ids().first().and_then(|id| story.data.queries.find(id));
    let query = query.map_or("", |query| &story.data.queries.texts()[query as usize]);
    let query = output::shell_word(query);
    let embedtune = output::program();
    console.line(&story.comparison.headline_sentence());
    console.line(&story.comparison.explanation());
    console.heading(&format!("Done in {}", total(story)));
    console.line(&format!(
        "{out}/model            the tuned model; Sentence Transformers loads it too\n\
         {out}/report.html      open it in a browser\n\
         {out}/report.json      the same for machines\n\
         {out}/data             the data, a BEIR directory\n\
         {out}/negatives.jsonl  the hard negatives\n\
         \nNext:\n  \
         {embedtune} search --model {out}/model --data {out}/data --query {query}\n  \
         {embedtune} eval --model {out}/model --data {out}/data\n  \
         {embedtune} quickstart --data MY_BEIR_DIRECTORY --output my-first-run\n  \
         {embedtune} train --data MY_BEIR_DIRECTORY --output tuned\n"
    ));
}

/// Base against tuned, measure by measure.
pub(super) fn table(story: &Story) -> String {
    let header = ["", "BM25", "base", "tuned", "gain", "relative", "p (Holm)"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for it in &story.comparison.measures {
        let bm25 = story.bm25.report.mean(&it.measure);
        rows.push(row(&it.measure, bm25, &it.comparison, it.p_holm));
    }
    output::table(&rows)
}

fn row(
    measure: &Measure,
    bm25: Option<f64>,
    comparison: &embedtune_metrics::Comparison,
    p: f64,
) -> Vec<String> {
    let relative = comparison.relative_difference;
    vec![
        measure.to_string(),
        bm25.map_or(String::new(), |mean| format!("{mean:.4}")),
        format!("{:.4}", comparison.base_mean),
        format!("{:.4}", comparison.tuned_mean),
        format!("{:+.4}", comparison.difference),
        relative.map_or(String::new(), |it| format!("{:+.1} %", 100.0 * it)),
        if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") },
    ]
}
