//! Reading and checking.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use embedtune_metrics::Qrels;

use super::{BeirData, BeirOptions, SplitOrigin};
use crate::{
    Corpus, DataError, Document, Queries, Split, TextHash,
    error::Place,
    json,
    lines::Lines,
    split::{check_fraction, unit_hash},
};

const LAYOUT: &str =
    "a BEIR directory has corpus.jsonl, queries.jsonl and qrels/train.tsv or qrels/test.tsv";

/// File names of each split in `qrels/`, the usual one first.
const NAMES: &[(Split, &[&str])] = &[
    (Split::Train, &["train"]),
    (Split::Dev, &["dev", "valid", "validation", "val"]),
    (Split::Test, &["test"]),
];

/// Names and places of the files that [`open`] reads of the directory `path`, in a fixed order.
pub(crate) fn files(path: &Path) -> Vec<(String, PathBuf)> {
    let qrels = NAMES.iter().filter_map(|(_, names)| {
        let names = names.iter().map(|name| format!("qrels/{name}.tsv"));
        names.into_iter().find(|name| path.join(name).is_file())
    });
    ["corpus.jsonl", "queries.jsonl"]
        .map(str::to_owned)
        .into_iter()
        .chain(qrels)
        .map(|name| {
            let file = path.join(&name);
            (name, file)
        })
        .collect()
}

pub(super) fn open(path: &Path, options: &BeirOptions) -> Result<BeirData, DataError> {
    check_fraction("dev_fraction", options.dev_fraction)?;
    if !path.is_dir() {
        return Err(DataError::Missing { path: path.to_owned(), remedy: LAYOUT });
    }
    let corpus = read_corpus(path.join("corpus.jsonl"))?;
    let queries = read_queries(path.join("queries.jsonl"))?;
    let name = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = name.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut data = BeirData::new(name, corpus, queries);
    for &(split, names) in NAMES {
        let file = names.iter().map(|name| path.join(format!("qrels/{name}.tsv")));
        let Some(file) = file.into_iter().find(|file| file.is_file()) else { continue };
        let qrels = read_qrels(&file, &data)?;
        data.splits.insert(split, (qrels, Some(SplitOrigin::File)));
    }
    if data.splits.is_empty() {
        return Err(DataError::Missing { path: path.join("qrels"), remedy: LAYOUT });
    }
    if data.qrels(Split::Dev).is_none() {
        cut_dev(&mut data, options.dev_fraction);
    }
    tracing::info!(
        name = data.name,
        documents = data.corpus.len(),
        queries = data.queries.len(),
        "read a BEIR directory"
    );
    Ok(data)
}

/// Reads the documents of a `corpus.jsonl`: `{"_id": …, "title": …, "text": …}` in each line, the
/// title may be missing.
///
/// # Errors
/// With file and line if a line is malformed, an id comes twice, or title and text are empty.
pub fn read_corpus(path: impl AsRef<Path>) -> Result<Corpus, DataError> {
    let mut corpus = Corpus::new();
    each_object(path.as_ref(), |id, object, at| Ok(corpus.push(document(id, object, at)?)))?;
    Ok(corpus)
}

/// The document that a line holds.
pub(crate) fn document(
    id: String,
    object: &json::Object,
    at: impl Fn() -> Place,
) -> Result<Document, DataError> {
    let title = match object.get("title") {
        None | Some(serde_json::Value::Null) => "",
        Some(_) => json::text(object, "title", &at)?,
    };
    let text = json::text(object, "text", &at)?;
    if title.trim().is_empty() && text.trim().is_empty() {
        return Err(DataError::EmptyText { at: at(), field: "text".to_owned() });
    }
    Ok(Document { id, title: title.to_owned(), text: text.to_owned() })
}

/// Reads the queries of a `queries.jsonl`: `{"_id": …, "text": …}` in each line.
///
/// # Errors
/// With file and line if a line is malformed, an id comes twice, or a text is empty.
pub fn read_queries(path: impl AsRef<Path>) -> Result<Queries, DataError> {
    let mut queries = Queries::new();
    each_object(path.as_ref(), |id, object, at| {
        let text = json::text(object, "text", at)?;
        if text.trim().is_empty() {
            return Err(DataError::EmptyText { at: at(), field: "text".to_owned() });
        }
        Ok(queries.push(id, text))
    })?;
    Ok(queries)
}

/// Calls `add` with the id and object of each line; it returns `None` if the id is taken.
fn each_object(
    path: &Path,
    mut add: impl FnMut(String, &json::Object, &dyn Fn() -> Place) -> Result<Option<u32>, DataError>,
) -> Result<(), DataError> {
    let mut lines = Lines::open(path, LAYOUT)?;
    let mut empty = true;
    while let Some(line) = lines.next()? {
        let at = || lines.place();
        let object = json::object(&line, at)?;
        let id = json::text(&object, "_id", at)?;
        if id.is_empty() {
            return Err(DataError::EmptyText { at: at(), field: "_id".to_owned() });
        }
        if add(id.to_owned(), &object, &at)?.is_none() {
            return Err(duplicate(path, id.to_owned(), at()));
        }
        empty = false;
    }
    if empty {
        return Err(DataError::NoRows { path: path.to_owned() });
    }
    Ok(())
}

/// Error for an id that comes twice. Finding its first line reads the file again: once, for the
/// message, instead of a second table of ids for every file.
fn duplicate(path: &Path, id: String, at: Place) -> DataError {
    let mut first_line = at.line;
    if let Ok(mut lines) = Lines::open(path, LAYOUT) {
        while let Ok(Some(line)) = lines.next() {
            let object = json::object(&line, || lines.place());
            if object.is_ok_and(|object| object.get("_id").is_some_and(|it| *it == id)) {
                first_line = lines.place().line;
                break;
            }
        }
    }
    DataError::DuplicateId { at, id, first_line }
}

fn read_qrels(path: &Path, data: &BeirData) -> Result<Qrels, DataError> {
    let qrels = Qrels::read_beir_tsv(path)?;
    for (query, judgements) in qrels.iter() {
        if data.queries.find(query).is_none() {
            return Err(unknown(path, "query", query, "queries.jsonl", |line| line.0 == query));
        }
        for document in judgements.keys() {
            if data.corpus.find(document).is_none() {
                return Err(unknown(path, "document", document, "corpus.jsonl", |line| {
                    line == (query, document)
                }));
            }
        }
    }
    if !qrels.has_relevant() {
        return Err(DataError::NoRelevant { path: path.to_owned() });
    }
    Ok(qrels)
}

/// Error for an id that the data does not have, with the line of the judgement that names it.
fn unknown(
    path: &Path,
    kind: &'static str,
    id: &str,
    file: &'static str,
    is_it: impl Fn((&str, &str)) -> bool,
) -> DataError {
    let mut number = 1;
    if let Ok(mut lines) = Lines::open(path, LAYOUT) {
        while let Ok(Some(line)) = lines.next() {
            let mut columns = line.split('\t');
            let pair = (columns.next().unwrap_or(""), columns.next().unwrap_or(""));
            if lines.place().line > 1 && is_it(pair) {
                number = lines.place().line;
                break;
            }
        }
    }
    DataError::UnknownId { at: Place::line(path, number), kind, id: id.to_owned(), file }
}

/// Moves training queries into a dev split by a hash of their text, so that more data moves no
/// query and equal texts stay together. A split that would leave dev or train without a relevant
/// document is not made.
fn cut_dev(data: &mut BeirData, fraction: f64) {
    let Some((train, _)) = data.splits.get(&Split::Train) else { return };
    let (mut dev, mut rest) = (Qrels::new(), Qrels::new());
    for (query, judgements) in train.iter() {
        let text = data.queries.find(query).map(|number| &data.queries.texts()[number as usize]);
        let hash = TextHash::of(text.map_or(query, String::as_str));
        let part =
            if unit_hash(hash, "dev cut from train") < fraction { &mut dev } else { &mut rest };
        copy_judgements(part, query, judgements);
    }
    if dev.has_relevant() && rest.has_relevant() {
        tracing::info!(queries = dev.len(), fraction, "no dev split: cut one from train");
        data.splits.insert(Split::Train, (rest, Some(SplitOrigin::File)));
        data.splits.insert(Split::Dev, (dev, Some(SplitOrigin::CutFromTrain { fraction })));
    }
}

/// Adds the judgements of one query.
pub(crate) fn copy_judgements(to: &mut Qrels, query: &str, judgements: &BTreeMap<String, i32>) {
    for (document, &grade) in judgements {
        to.insert(query, document, grade).expect("a query comes once, so no grade differs");
    }
}
