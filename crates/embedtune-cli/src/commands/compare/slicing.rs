//! The slices that the data allows.

use std::{collections::HashMap, fs, io::BufRead, path::Path};

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, Split};
use embedtune_eval::{RetrievalEvaluator, Slices};
use serde_json::Value;

use crate::args::{CompareArgs, SliceName};

/// The slices that were asked for, or all that divide these queries; and a note about each that
/// was asked for and does not.
pub(super) fn slices(
    args: &CompareArgs,
    data: &BeirData,
    evaluator: &RetrievalEvaluator,
) -> Result<(Vec<Slices>, Vec<String>)> {
    let all = [SliceName::Source, SliceName::Length, SliceName::HeadTail];
    let wanted = if args.slice.is_empty() { &all[..] } else { &args.slice };
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for name in wanted {
        let asked_for = !args.slice.is_empty();
        let slices = match name {
            SliceName::Length => Some(Slices::by_length(evaluator.queries())),
            SliceName::HeadTail => head_tail(data, evaluator, asked_for)?,
            SliceName::Source => by_source(args, evaluator, asked_for)?,
        };
        match slices {
            Some(slices) if slices.is_divided() => found.push(slices),
            Some(slices) if asked_for => {
                let label = slices.groups.first().map_or("empty", |group| &group.label);
                notes.push(format!("No slices by {}: all queries are {label:?}.", slices.by));
            }
            _ => {}
        }
    }
    Ok((found, notes))
}

fn head_tail(
    data: &BeirData,
    evaluator: &RetrievalEvaluator,
    asked_for: bool,
) -> Result<Option<Slices>> {
    match data.qrels(Split::Train) {
        Some(train) => Ok(Some(Slices::head_tail(train, evaluator.qrels()))),
        None if asked_for => bail!(
            "--slice head-tail counts how often a document is relevant in training; {} has no \
             qrels/train.tsv",
            data.name
        ),
        None => Ok(None),
    }
}

fn by_source(
    args: &CompareArgs,
    evaluator: &RetrievalEvaluator,
    asked_for: bool,
) -> Result<Option<Slices>> {
    let queries = evaluator.queries();
    let sources = read_sources(&args.data.join("queries.jsonl"), &args.source_field)?;
    let named = queries.ids().iter().filter_map(|id| {
        let source = sources.get(id)?;
        Some((id.as_str(), source.as_str()))
    });
    let slices = Slices::by_source(named);
    if !slices.groups.is_empty() {
        return Ok(Some(slices));
    }
    let by_prefix = Slices::by_id_prefix(queries);
    if by_prefix.is_none() && asked_for {
        bail!(
            "--slice source: no query has a field {:?}, of its own or in `metadata`, and the ids do \
             not begin with the name of a source; name another with --source-field",
            args.source_field
        );
    }
    Ok(by_prefix)
}

/// The source of each query that states one.
fn read_sources(path: &Path, field: &str) -> Result<HashMap<String, String>> {
    let context = || path.display().to_string();
    let file = fs::File::open(path).with_context(context)?;
    let mut sources = HashMap::new();
    for line in std::io::BufReader::new(file).lines() {
        let line = line.with_context(context)?;
        // The data was read and checked before: what is no object here is an empty line.
        let Ok(query) = serde_json::from_str::<Value>(&line) else { continue };
        let source = query.get(field).or_else(|| query.get("metadata")?.get(field));
        let source = match source {
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if let Some(id) = query.get("_id").and_then(Value::as_str) {
            sources.insert(id.to_owned(), source);
        }
    }
    Ok(sources)
}
