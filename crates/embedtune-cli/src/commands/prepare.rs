//! `embedtune prepare`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use embedtune_data::{
    BeirData, BeirOptions, CheckReport, Corpus, Dataset, DatasetBuilder, Document, NegativeMix,
    Queries, RowOptions, Severity, Split, SplitBy, SplitConfig, TextHash, read_rows, split_qrels,
    write_beir, write_rows,
};
use embedtune_metrics::Qrels;
use serde::Serialize;

use crate::{
    args::{By, PrepareArgs},
    output,
    progress::{Console, thousands},
};

#[derive(Serialize)]
struct Summary<'a> {
    check: &'a CheckReport,
    output: Option<&'a Path>,
    splits: Vec<(Split, usize)>,
    notes: Vec<String>,
}

/// Checks, splits and converts data.
pub(crate) fn run(args: &PrepareArgs, console: Console) -> Result<()> {
    let target = args.output.as_deref().filter(|_| !args.check);
    if let Some(target) = target {
        output::must_not_exist(target)?;
    }
    let input = read(args)?;
    let check = match &input {
        Input::Beir(data) => CheckReport::of_beir(data),
        Input::Rows(dataset) => CheckReport::of_dataset(dataset),
    };
    let mut summary =
        Summary { check: &check, output: target, splits: Vec::new(), notes: Vec::new() };
    if let Some(target) = target {
        write(args, &input, target, &mut summary)?;
    }
    if args.json {
        output::print_json(&summary)?;
    } else {
        output::print(&text(&summary))?;
    }
    summary.notes.iter().for_each(|note| console.line(&format!("note: {note}")));
    if check.worst() == Some(Severity::Error) {
        bail!("{}: not fit for training; see the errors above", args.input.display());
    }
    Ok(())
}

enum Input {
    Beir(BeirData),
    Rows(Dataset),
}

fn read(args: &PrepareArgs) -> Result<Input> {
    if args.input.is_dir() {
        if args.columns.is_some() {
            bail!("--columns is for files of rows; {} is a BEIR directory", args.input.display());
        }
        let options = BeirOptions::default().with_dev_fraction(0.0);
        return Ok(Input::Beir(BeirData::open_with(&args.input, &options)?));
    }
    let mut options = RowOptions::default();
    options.columns = args.columns.clone();
    Ok(Input::Rows(read_rows(&args.input, &options)?))
}

fn write(
    args: &PrepareArgs,
    input: &Input,
    target: &Path,
    summary: &mut Summary<'_>,
) -> Result<()> {
    let as_rows = target.extension().is_some_and(|extension| extension == "jsonl");
    match input {
        Input::Rows(dataset) if as_rows => write_rows(target, dataset)?,
        Input::Beir(data) if as_rows => {
            let train = data.qrels(Split::Train).with_context(|| {
                format!("{}: no qrels/train.tsv to make rows of", args.input.display())
            })?;
            let mix = NegativeMix::default().with_judged(1);
            let builder = DatasetBuilder::new(&data.corpus, &data.queries, train).with_mix(mix);
            let (dataset, _) = builder.build(&data.name)?;
            summary.notes.push(format!("{} rows of the training split", dataset.len()));
            write_rows(target, &dataset)?;
        }
        Input::Rows(dataset) => {
            if dataset.rows.iter().any(|row| row.label.is_some()) {
                bail!(
                    "{}: labelled pairs are no retrieval data; write them to a .jsonl file",
                    args.input.display()
                );
            }
            let data = to_beir(dataset)?;
            let judged = data.qrels(Split::Train).context("rows make judgements")?.clone();
            divide(args, &data, &[(Split::Train, judged)], target, summary)?;
        }
        Input::Beir(data) => {
            let splits: Vec<(Split, Qrels)> = data
                .splits()
                .filter_map(|split| Some((split, data.qrels(split)?.clone())))
                .collect();
            divide(args, data, &splits, target, summary)?;
        }
    }
    Ok(())
}

/// Writes a BEIR directory. Data that has a single split is divided; several are kept as they are.
fn divide(
    args: &PrepareArgs,
    data: &BeirData,
    splits: &[(Split, Qrels)],
    target: &Path,
    summary: &mut Summary<'_>,
) -> Result<()> {
    let parts = match splits {
        [(_, all)] => {
            let by = if args.split_by == By::Group { SplitBy::Group } else { SplitBy::Query };
            let config = SplitConfig::default()
                .with_dev(args.dev)
                .with_test(args.test)
                .with_by(by)
                .with_seed(args.seed);
            summary.notes.push(format!(
                "split by {by:?} and hash: dev {}, test {} of the queries",
                args.dev, args.test
            ));
            split_qrels(&data.corpus, &data.queries, all, &config)?
        }
        several => {
            summary.notes.push("the splits of the data were kept".to_owned());
            several.to_vec()
        }
    };
    let parts: Vec<(Split, &Qrels)> = parts.iter().map(|(split, qrels)| (*split, qrels)).collect();
    write_beir(target, &data.corpus, &data.queries, &parts)?;
    summary.splits = parts.iter().map(|(split, qrels)| (*split, qrels.len())).collect();
    Ok(())
}

/// Rows as documents, queries and judgements: positives have grade 1, negatives 0. Ids are hashes of
/// the texts, so that the same text has the same id in another file.
fn to_beir(dataset: &Dataset) -> Result<BeirData> {
    let (mut corpus, mut queries, mut qrels) = (Corpus::new(), Queries::new(), Qrels::new());
    let id = |text: &str| TextHash::of(text).to_string()[..16].to_owned();
    let mut document = |text: &str| {
        let id = id(text);
        corpus.push(Document { id: id.clone(), text: text.to_owned(), ..Document::default() });
        id
    };
    for row in &dataset.rows {
        let query_text = dataset.texts.text(row.anchor);
        let query = id(query_text);
        queries.push(&query, query_text);
        qrels.insert(&query, &document(dataset.texts.text(row.positive)), 1)?;
    }
    for row in &dataset.rows {
        let query = id(dataset.texts.text(row.anchor));
        for &negative in &row.negatives {
            let negative = document(dataset.texts.text(negative));
            let known = qrels.judgements(&query).is_some_and(|known| known.contains_key(&negative));
            if !known {
                qrels.insert(&query, &negative, 0)?;
            }
        }
    }
    let mut data = BeirData::new(&dataset.name, corpus, queries);
    data.insert(Split::Train, qrels);
    Ok(data)
}

fn text(summary: &Summary<'_>) -> String {
    let check = summary.check;
    let mut text = format!(
        "{}: {} rows, {} queries, {} documents\n",
        check.name,
        thousands(check.rows),
        thousands(check.queries),
        thousands(check.documents)
    );
    for (name, chars) in [("queries", &check.query_chars), ("documents", &check.document_chars)] {
        text.push_str(&format!(
            "{name}: {:.0} characters on average, {} at the 95th percentile, {} at most\n",
            chars.mean, chars.p95, chars.max
        ));
    }
    for finding in &check.findings {
        let mark = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            _ => "note",
        };
        text.push_str(&format!("{mark}: {finding}\n"));
    }
    if let Some(output) = summary.output {
        text.push_str(&format!("written: {}\n", output.display()));
    }
    for (split, queries) in &summary.splits {
        text.push_str(&format!("{split}: {} queries\n", thousands(*queries)));
    }
    text
}
