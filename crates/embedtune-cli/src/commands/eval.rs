//! `embedtune eval`.

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, BeirOptions, Role, Split};
use embedtune_encoder::{EmbeddingModel, Precision};
use embedtune_eval::{
    DataFacts, Evaluation, Facts, JsonReport, RetrievalConfig, RetrievalEvaluator, SystemScores,
};
use serde::Serialize;

use crate::{
    args::EvalArgs,
    machine,
    model::{self, LoadedModel},
    output,
    progress::{Console, thousands},
    report,
};

#[derive(Serialize)]
struct Summary<'a> {
    model: &'a str,
    data: String,
    split: Split,
    queries: usize,
    documents: usize,
    metrics: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bm25: Option<SystemScores>,
    fingerprint: String,
    max_seq_len: usize,
    precision: Precision,
    seconds: f64,
    peak_rss_mb: Option<f64>,
}

/// Evaluates a model on a split.
pub(crate) fn run(args: &EvalArgs, console: Console) -> Result<()> {
    let report_json = args.report.as_deref().map(report::json_beside).transpose()?;
    let data = BeirData::open_with(&args.data, &BeirOptions::default().with_dev_fraction(0.0))?;
    let Some(qrels) = data.qrels(args.split).cloned() else {
        bail!(
            "{}: no qrels/{}.tsv; this set has {}",
            args.data.display(),
            args.split,
            data.splits().map(|split| split.to_string()).collect::<Vec<_>>().join(", ")
        );
    };
    let loaded = model::load(&args.model, console)?;
    let mut config = RetrievalConfig::default().with_exclude_self(args.exclude_self);
    if !args.measures.is_empty() {
        config = config.with_measures(args.measures.clone());
    }
    let evaluator = RetrievalEvaluator::new(data.corpus, &data.queries, qrels, config)
        .with_context(|| args.data.display().to_string())?;
    console.line(&format!(
        "{} on {}: {} {} queries, {} documents",
        loaded.name,
        data.name,
        thousands(evaluator.queries().len()),
        args.split,
        thousands(evaluator.corpus().len())
    ));
    let started = Instant::now();
    let evaluation = evaluate(&evaluator, &loaded.model, console)?;
    let bm25 = args.bm25.then(|| evaluator.evaluate_bm25()).transpose()?;
    let summary = Summary {
        model: &loaded.name,
        data: data.name,
        split: args.split,
        queries: evaluation.report.query_ids().len(),
        documents: evaluation.documents,
        metrics: evaluation.metrics(),
        bm25: bm25.as_ref().map(|evaluation| SystemScores::new("BM25", evaluation)),
        fingerprint: evaluation.fingerprint.0.clone(),
        max_seq_len: loaded.model.max_seq_len(),
        precision: loaded.model.precision(),
        seconds: started.elapsed().as_secs_f64(),
        peak_rss_mb: machine::peak_rss_mb(),
    };
    if let (Some(page), Some(json)) = (&args.report, &report_json) {
        let results = Results { evaluator: &evaluator, model: &evaluation, bm25: bm25.as_ref() };
        let report = report_of(&loaded, &results, &summary)?;
        write_report(&report, page, json, console)?;
    }
    if args.json {
        return output::print_json(&summary);
    }
    let systems: Vec<(&str, &Evaluation)> = bm25
        .iter()
        .map(|bm25| ("BM25", bm25))
        .chain([(loaded.name.as_str(), &evaluation)])
        .collect();
    output::print(&scores(&systems))
}

/// What was evaluated.
struct Results<'a> {
    evaluator: &'a RetrievalEvaluator,
    model: &'a Evaluation,
    bm25: Option<&'a Evaluation>,
}

fn report_of(
    loaded: &LoadedModel,
    results: &Results<'_>,
    summary: &Summary<'_>,
) -> Result<JsonReport> {
    let Results { evaluator, model, bm25 } = results;
    let name = report::short(&loaded.name);
    let title = format!("{name} on {}, {} queries", summary.data, summary.split);
    let mut report = report::begin(title, "eval");
    report.ran.insert("model", loaded.name.as_str());
    report.ran.insert("precision", summary.precision.name());
    report.ran.insert("maximum length, tokens", summary.max_seq_len);
    report.base = Some(SystemScores::new(name, model));
    report.bm25 = bm25.map(|bm25| SystemScores::new("BM25", bm25));
    report.scores = evaluator.score_distributions(&[(name, model)]);
    let sides =
        [(evaluator.queries().texts(), Role::Query), (evaluator.corpus().texts(), Role::Document)];
    for (texts, role) in sides {
        report.lengths.push(report::lengths(&loaded.model, texts, role)?);
    }
    let mut data = DataFacts::new(&summary.data);
    data.documents = summary.documents;
    match summary.split {
        Split::Train => data.train_queries = summary.queries,
        Split::Dev => data.dev_queries = summary.queries,
        Split::Test => {
            data.test_queries = summary.queries;
            data.test_judgements = evaluator.qrels().judgement_count();
        }
    }
    report.data = Some(data);
    report.seconds = Facts::new().with("evaluation", summary.seconds);
    report.reproduce = vec![report::command_line()];
    Ok(report)
}

fn write_report(report: &JsonReport, page: &Path, json: &Path, console: Console) -> Result<()> {
    report::write(report, page, json)?;
    console.line(&format!("report in {} and {}", page.display(), json.display()));
    Ok(())
}

/// Encodes, searches and scores, with a bar for each side.
pub(crate) fn evaluate(
    evaluator: &RetrievalEvaluator,
    model: &EmbeddingModel,
    console: Console,
) -> Result<Evaluation> {
    let documents = console.bar("documents", evaluator.corpus().len() as u64);
    let queries = console.bar("queries", evaluator.queries().len() as u64);
    let evaluation = evaluator.evaluate_with(model, &mut |progress| {
        let bar = if progress.role == Role::Document { &documents } else { &queries };
        bar.set(progress.done as u64, "encoded");
        if progress.done == progress.total {
            bar.finish();
        }
    })?;
    Ok(evaluation)
}

/// Measures by system.
fn scores(systems: &[(&str, &Evaluation)]) -> String {
    let mut rows = vec![
        [String::new()]
            .into_iter()
            .chain(systems.iter().map(|(name, _)| (*name).to_owned()))
            .collect::<Vec<_>>(),
    ];
    let Some((_, first)) = systems.first() else { return String::new() };
    for (measure, _) in first.report.means() {
        let means = systems.iter().map(|(_, evaluation)| evaluation.report.mean(&measure));
        let values = means.map(|mean| mean.map_or(String::new(), |mean| format!("{mean:.4}")));
        rows.push([measure.to_string()].into_iter().chain(values).collect());
    }
    output::table(&rows)
}
