//! `embedtune train`.

mod recipe;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use embedtune_encoder::{ModelCard, Precision};
use embedtune_eval::{Facts, JsonReport, SampleConfig};
use embedtune_train::{StopReason, TrainOutcome, Trainer};
use serde::Serialize;

use crate::{
    args::{Recipe, TrainArgs},
    check_cache::CheckCache,
    data::{self, TrainingData, TrainingOptions},
    interrupt::{self, Interrupted},
    model::{self, LoadedModel},
    output,
    preflight::{Plan, Preflight},
    progress::Console,
    report,
    startup::{FirstStep, Laps},
    training::{self, TrainingBar, TrainingFacts},
};

#[derive(Serialize)]
struct Summary<'a> {
    output: &'a Path,
    base_model: &'a str,
    data: &'a str,
    recipe: &'static str,
    precision: Precision,
    /// From the start of the program to that of the first step.
    startup_seconds: Option<f64>,
    #[serde(flatten)]
    facts: TrainingFacts,
    preflight: Preflight,
    settings: Vec<(String, String)>,
    notes: Vec<String>,
}

/// Trains a model.
pub(crate) fn run(args: &TrainArgs, console: Console) -> Result<()> {
    let mut laps = Laps::new();
    let run_dir = run_dir(&args.output);
    check_output(args, &run_dir)?;
    model::check_trains(args.model.precision)?;
    let loss = recipe::loss_config(args)?;
    let config = recipe::train_config(args, &run_dir);
    // Which metric decides is known when the data is; the rest is checked before it is read.
    config.clone().with_best_metric(Some("dev".to_owned())).validate()?;
    let negatives = args.negatives.as_deref().map(crate::negatives::read).transpose()?;
    let cache = CheckCache::from_env();
    let data = data::read(
        &args.data,
        &TrainingOptions {
            columns: args.columns.as_ref(),
            negatives: negatives.as_ref(),
            negatives_per_row: args.negatives_per_row,
            judged_negatives: args.judged_negatives,
            random_negatives: args.random_negatives,
            evaluate: wants_evaluation(args),
            dev_fraction: args.dev_fraction,
            dev_sample: SampleConfig::default()
                .with_queries(args.dev_queries)
                .with_documents(args.dev_documents),
            seed: args.seed,
        },
        &cache,
    )?;
    laps.end("data");
    let LoadedModel { model, name } = model::load(&args.model, console)?;
    laps.end("model");
    let TrainingData { dataset, check, dev, notes } = data;
    let data_name = dataset.name.clone();
    let best_metric = match (&args.best_metric, &dev) {
        (Some(metric), Some(_)) => Some(metric.clone()),
        (Some(metric), None) => bail!(
            "--best-metric {metric}: the data has no dev split; add --eval-every to cut one from \
             the training queries"
        ),
        (None, dev) => dev.as_ref().map(|dev| dev.metric.clone()),
    };
    let config = config.with_best_metric(best_metric.clone());

    let rows = dataset.len();
    let preview = (dataset.clone(), check);
    let mut trainer =
        Trainer::new(model, dataset, loss.build()?, recipe::sampler(args), config.clone())?;
    laps.end("plan");
    let plan = Plan {
        steps: trainer.total_steps(),
        epochs: epochs(args, rows, trainer.total_steps()),
        batch_size: args.batch_size,
        kept_tokens: config.gradient_caching.then_some(config.micro_tokens),
    };
    let preflight = Preflight::new(trainer.model(), &preview.0, preview.1, &plan, &cache)?;
    drop(preview.0);
    laps.end("preflight");
    preflight.show(console);
    notes.iter().for_each(|note| console.line(&format!("note: {note}")));

    let (bar, _) = TrainingBar::new(console, best_metric);
    let (first_step, startup_seconds) = FirstStep::new();
    let mut settings = recipe::settings(args, &loss);
    // Resolved: a run that is resumed where `auto` means another format would not be the same run.
    settings.push(("precision".to_owned(), trainer.model().precision().to_string()));
    let card = card(&name, &data_name, &[]);
    for (name, value) in &settings {
        trainer = trainer.with_setting(name, value);
    }
    if let Some(dev) = dev {
        trainer = trainer.with_evaluator(dev.evaluator);
    }
    trainer = trainer
        .with_callback(Box::new(bar))
        .with_callback(Box::new(first_step))
        .with_stop_flag(Arc::clone(&interrupt::flag()?))
        .with_card(card);
    if args.resume {
        trainer = trainer.resume(&run_dir)?;
    }
    let outcome = trainer.run()?;
    if outcome.reason == StopReason::Interrupted {
        console.line(&format!("go on with: {}", output::resume_command()));
        return Err(Interrupted.into());
    }
    settings.extend(config.hyperparameters());
    let summary = Summary {
        output: &args.output,
        base_model: &name,
        data: &data_name,
        recipe: if args.recipe == Recipe::Plain { "plain" } else { "default" },
        precision: outcome.model.precision(),
        startup_seconds: startup_seconds.get().copied(),
        facts: TrainingFacts::of(&outcome),
        preflight,
        settings,
        notes,
    };
    save(&outcome, &summary, &run_dir)?;
    if args.json {
        return output::print_json(&summary);
    }
    output::print(&text(&summary))
}

/// Checkpoints and log of a run that is not done yet.
fn run_dir(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".run");
    PathBuf::from(name)
}

fn check_output(args: &TrainArgs, run_dir: &Path) -> Result<()> {
    output::must_not_exist(&args.output)?;
    match (args.resume, run_dir.exists()) {
        (true, false) => {
            bail!("{}: no interrupted run here; leave out --resume to start one", run_dir.display())
        }
        (false, true) => output::no_interrupted_run(run_dir),
        _ => Ok(()),
    }
}

/// Whether dev is evaluated: if any flag about it is given; else the data decides, except that the
/// plain recipe is nothing but its steps.
fn wants_evaluation(args: &TrainArgs) -> Option<bool> {
    let asked =
        args.eval_every.is_some() || args.early_stopping.is_some() || args.best_metric.is_some();
    match (asked, args.recipe) {
        (true, _) => Some(true),
        (false, Recipe::Plain) => Some(false),
        (false, Recipe::Default) => None,
    }
}

/// Passes over the data that the steps make.
fn epochs(args: &TrainArgs, rows: usize, steps: u64) -> f64 {
    let rows_seen = steps as f64 * (args.batch_size * args.accumulate) as f64;
    (rows_seen / rows as f64).min(args.epochs)
}

fn card(base: &str, data: &str, settings: &[(String, String)]) -> ModelCard {
    let mut card = ModelCard::default();
    card.base_model = base.to_owned();
    card.datasets = vec![data.to_owned()];
    card.hyperparameters = settings.to_vec();
    card
}

/// Saves model, log and summary under the final name, all at once, and removes the run's own
/// directory.
fn save(outcome: &TrainOutcome, summary: &Summary<'_>, run_dir: &Path) -> Result<()> {
    let staged = run_dir.join("model");
    if staged.exists() {
        // Left by a run that was killed at this very point.
        fs::remove_dir_all(&staged).with_context(|| staged.display().to_string())?;
    }
    let mut card = card(summary.base_model, summary.data, &summary.settings);
    if let Some(best) = &outcome.best {
        card.metrics = vec![(format!("dev {}", best.metric), None, best.value)];
    }
    outcome.model.save(&staged, &card)?;
    let log = run_dir.join("metrics.jsonl");
    let mut report = report_of(summary, &log)?;
    report.ran.insert("fingerprint", outcome.model.fingerprint().0);
    report::write(&report, &staged.join("report.html"), &staged.join("report.json"))?;
    if log.exists() {
        fs::rename(&log, staged.join("metrics.jsonl"))
            .with_context(|| log.display().to_string())?;
    }
    output::write_file(&staged.join("training.json"), |writer| {
        Ok(serde_json::to_writer_pretty(writer, summary)?)
    })?;
    fs::rename(&staged, summary.output).with_context(|| summary.output.display().to_string())?;
    fs::remove_dir_all(run_dir).with_context(|| run_dir.display().to_string())
}

/// The course of the run is read from its log, which also has the steps before it was resumed.
fn report_of(summary: &Summary<'_>, log: &Path) -> Result<JsonReport> {
    let facts = &summary.facts;
    let title = format!("{} trained on {}", report::short(summary.base_model), summary.data);
    let mut report = report::begin(title, "train");
    report.ran.insert("base model", summary.base_model);
    report.ran.insert("recipe", summary.recipe);
    report.ran.insert("precision", summary.precision.name());
    report.ran.insert("steps", facts.steps);
    report.ran.insert("pairs per second", facts.pairs_per_second.round());
    report.ran.insert("tokens per second", facts.tokens_per_second.round());
    report.training = Some(training::curve(log, facts.best.as_ref())?);
    report.lengths = summary.preflight.lengths.clone();
    report.data = Some(report::data_facts(&summary.preflight, &summary.notes));
    for (name, value) in &summary.settings {
        report.hyperparameters.insert(name, value.as_str());
    }
    report.seconds = Facts::new().with("training", facts.train_seconds);
    report.reproduce = vec![report::command_line()];
    Ok(report)
}

fn text(summary: &Summary<'_>) -> String {
    let facts = &summary.facts;
    let mut rows = vec![
        vec!["steps".to_owned(), facts.steps.to_string()],
        vec!["seconds".to_owned(), format!("{:.1}", facts.train_seconds)],
        vec!["pairs per second".to_owned(), format!("{:.1}", facts.pairs_per_second)],
        vec!["tokens per second".to_owned(), format!("{:.0}", facts.tokens_per_second)],
    ];
    if let Some(loss) = facts.final_loss {
        rows.push(vec!["final loss".to_owned(), format!("{loss:.4}")]);
    }
    if let Some(best) = &facts.best {
        rows.push(vec![format!("best {}", best.metric), format!("{:.4}", best.value)]);
    }
    let out = summary.output.display();
    format!("{}model in {out}\nreport in {out}/report.html\n", output::table(&rows))
}
