//! `embedtune compare`.

mod side;
mod slicing;
mod text;

use std::{io::Write, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, BeirOptions, Split};
use embedtune_eval::{
    CompareConfig, DataFacts, Evaluation, Facts, GeneralCheck, JsonReport, ModelComparison,
    RetrievalConfig, RetrievalEvaluator, ScoreDistribution, SliceComparison, Slices, SystemScores,
};
use embedtune_metrics::{ComparisonOptions, Report};
use serde::Serialize;

use self::side::{Side, SideFacts};
use crate::{
    args::CompareArgs,
    machine, output,
    progress::{Console, thousands},
    report,
};

/// Everything that is found out, for machines and for people.
#[derive(Serialize)]
struct Findings {
    a: SideFacts,
    b: SideFacts,
    data: String,
    split: Split,
    comparison: ModelComparison,
    scores: Vec<ScoreDistribution>,
    notes: Vec<String>,
    seconds: f64,
    peak_rss_mb: Option<f64>,
}

/// Data to compare on.
struct Ground {
    name: String,
    split: Split,
    evaluator: RetrievalEvaluator,
}

/// Compares two models, or what they retrieved.
pub(crate) fn run(args: &CompareArgs, console: Console) -> Result<()> {
    let started = Instant::now();
    let report_json = args.report.as_deref().map(report::json_beside).transpose()?;
    let config = config(args);
    config.validate()?;
    let mut data = open(&args.data)?;
    let ground = Ground::new(&args.data, &mut data, args.split, args)?;
    let (slices, notes) = slicing::slices(args, &data, &ground.evaluator)?;
    let general = args.general.as_deref().map(|dir| Ground::general(dir, args)).transpose()?;
    let sides = Side::both(args, console)?;
    check_sides(&sides, general.is_some())?;
    ground.announce(console);
    let evaluations = ground.evaluate(&sides, args.complete, console)?;
    let [a, b] = &evaluations;
    if a.fingerprint == b.fingerprint {
        bail!("A and B are the same run: every difference would be 0");
    }
    let mut comparison = compare(args, &config, &ground, &evaluations, &slices)?;
    if let Some(general) = general {
        comparison.general = Some(Box::new(check_general(&general, &sides, &config, console)?));
    }
    let names = names(&sides);
    let [name_a, name_b] = &names;
    let findings = Findings {
        a: sides[0].facts(a),
        b: sides[1].facts(b),
        data: ground.name.clone(),
        split: args.split,
        comparison: comparison.with_names(name_a, name_b),
        scores: ground.evaluator.score_distributions(&[(name_a, a), (name_b, b)]),
        notes,
        seconds: started.elapsed().as_secs_f64(),
        peak_rss_mb: machine::peak_rss_mb(),
    };
    if let (Some(page), Some(json)) = (&args.report, &report_json) {
        report::write(&page_of(&findings, &ground, &evaluations, &names), page, json)?;
        console.line(&format!("report in {} and {}", page.display(), json.display()));
    }
    tell(&findings, args, &evaluations, console)
}

/// Writes the table of the queries, and prints the findings.
fn tell(
    findings: &Findings,
    args: &CompareArgs,
    [a, b]: &[Evaluation; 2],
    console: Console,
) -> Result<()> {
    if let Some(file) = &args.per_query {
        output::write_file(file, |writer| per_query(writer, &a.report, &b.report))?;
        console.line(&format!("values of each query in {}", file.display()));
    }
    if args.json { output::print_json(findings) } else { output::print(&text::of(findings)) }
}

fn config(args: &CompareArgs) -> CompareConfig {
    let statistics =
        ComparisonOptions::default().with_seed(args.seed).with_confidence(1.0 - args.alpha);
    CompareConfig::default()
        .with_alpha(args.alpha)
        .with_margin(args.margin)
        .with_examples(args.examples)
        .with_statistics(statistics)
}

fn open(dir: &Path) -> Result<BeirData> {
    Ok(BeirData::open_with(dir, &BeirOptions::default().with_dev_fraction(0.0))?)
}

impl Ground {
    /// Takes the documents out of `data`.
    fn new(dir: &Path, data: &mut BeirData, split: Split, args: &CompareArgs) -> Result<Self> {
        let Some(qrels) = data.qrels(split).cloned() else {
            bail!(
                "{}: no qrels/{split}.tsv; this set has {}",
                dir.display(),
                data.splits().map(|split| split.to_string()).collect::<Vec<_>>().join(", ")
            );
        };
        let mut config =
            RetrievalConfig::default().with_exclude_self(args.exclude_self).with_top_k(args.top_k);
        if !args.measures.is_empty() {
            config = config.with_measures(args.measures.clone());
        }
        let corpus = std::mem::take(&mut data.corpus);
        let evaluator = RetrievalEvaluator::new(corpus, &data.queries, qrels, config)
            .with_context(|| dir.display().to_string())?;
        Ok(Self { name: data.name.clone(), split, evaluator })
    }

    /// The test queries of general data, or the ones it has.
    fn general(dir: &Path, args: &CompareArgs) -> Result<Self> {
        let mut data = open(dir)?;
        let has = |split: &Split| data.qrels(*split).is_some();
        let split = [Split::Test, Split::Dev].into_iter().find(has).unwrap_or(Split::Train);
        Self::new(dir, &mut data, split, args)
    }

    fn announce(&self, console: Console) {
        console.line(&format!(
            "{}: {} {} queries, {} documents",
            self.name,
            thousands(self.evaluator.queries().len()),
            self.split,
            thousands(self.evaluator.corpus().len())
        ));
    }

    fn evaluate(
        &self,
        sides: &[Side; 2],
        complete: bool,
        console: Console,
    ) -> Result<[Evaluation; 2]> {
        let [a, b] = sides;
        Ok([
            a.evaluate(&self.evaluator, complete, console)?,
            b.evaluate(&self.evaluator, complete, console)?,
        ])
    }
}

/// Refuses what cannot be compared, before anything is encoded.
fn check_sides(sides: &[Side; 2], general: bool) -> Result<()> {
    if general && sides.iter().any(Side::is_run) {
        bail!("--general asks both sides other queries, which a run file cannot answer");
    }
    match sides.each_ref().map(Side::fingerprint) {
        [Some(a), Some(b)] if a == b => {
            bail!("A and B are the same model (fingerprint {a}): every difference would be 0")
        }
        _ => Ok(()),
    }
}

/// Names for sentences and tables; equal ones are told apart by their letter.
fn names(sides: &[Side; 2]) -> [String; 2] {
    let [a, b] = sides.each_ref().map(|side| side.name().to_owned());
    if a == b { [format!("{a} (A)"), format!("{b} (B)")] } else { [a, b] }
}

fn compare(
    args: &CompareArgs,
    config: &CompareConfig,
    ground: &Ground,
    [a, b]: &[Evaluation; 2],
    slices: &[Slices],
) -> Result<ModelComparison> {
    let evaluator = &ground.evaluator;
    let mut comparison = evaluator.compare(a, b, config)?;
    let options = &config.statistics;
    comparison.slices =
        SliceComparison::of(&a.report, &b.report, comparison.headline, slices, options)?;
    let (confidence, seed) = (options.confidence, options.seed);
    comparison.threshold = evaluator.transfer_threshold(a, b, args.threshold, confidence, seed)?;
    Ok(comparison)
}

fn check_general(
    ground: &Ground,
    sides: &[Side; 2],
    config: &CompareConfig,
    console: Console,
) -> Result<GeneralCheck> {
    ground.announce(console);
    let [a, b] = ground.evaluate(sides, false, console)?;
    let [name_a, name_b] = names(sides);
    let comparison = ground.evaluator.compare(&a, &b, config)?.with_names(name_a, name_b);
    Ok(GeneralCheck::new(&ground.name, comparison))
}

/// A line for each query: both values of each measure and their difference.
fn per_query(writer: &mut dyn Write, a: &Report, b: &Report) -> Result<()> {
    write!(writer, "query-id")?;
    for measure in a.measures() {
        write!(writer, "\t{measure} A\t{measure} B\t{measure} B-A")?;
    }
    writeln!(writer)?;
    for (row, query) in a.query_ids().iter().enumerate() {
        write!(writer, "{query}")?;
        for measure in a.measures() {
            let value = |report: &Report| {
                report.per_query(&measure).and_then(|values| values.get(row).copied())
            };
            let (a, b) = (value(a).unwrap_or(f64::NAN), value(b).unwrap_or(f64::NAN));
            write!(writer, "\t{a}\t{b}\t{}", b - a)?;
        }
        writeln!(writer)?;
    }
    Ok(())
}

/// The page: A where it shows the base, B where it shows the tuned model.
fn page_of(
    findings: &Findings,
    ground: &Ground,
    [a, b]: &[Evaluation; 2],
    [name_a, name_b]: &[String; 2],
) -> JsonReport {
    let title = format!("{name_b} against {name_a} on {}, {}", findings.data, findings.split);
    let mut report = report::begin(title, "compare");
    report.ran.insert("A", findings.a.name.as_str());
    report.ran.insert("B", findings.b.name.as_str());
    report.base = Some(SystemScores::new(name_a.as_str(), a));
    report.tuned = Some(SystemScores::new(name_b.as_str(), b));
    report.comparison = Some(findings.comparison.clone());
    report.scores = findings.scores.clone();
    let mut data = DataFacts::new(&findings.data);
    data.documents = a.documents;
    let queries = a.report.query_ids().len();
    match findings.split {
        Split::Train => data.train_queries = queries,
        Split::Dev => data.dev_queries = queries,
        Split::Test => {
            data.test_queries = queries;
            data.test_judgements = ground.evaluator.qrels().judgement_count();
        }
    }
    for slice in &findings.comparison.slices {
        let name = format!("{}: {}", slice.by, slice.label);
        data.more.insert(name, text::slice_in_words(slice));
    }
    data.notes = findings.notes.clone();
    data.notes.extend(findings.comparison.threshold.as_ref().map(|it| it.sentence()));
    data.notes.extend(findings.comparison.general.as_ref().map(|it| it.sentence()));
    report.data = Some(data);
    report.seconds = Facts::new().with("comparison", findings.seconds);
    report.reproduce = vec![report::command_line()];
    report
}
