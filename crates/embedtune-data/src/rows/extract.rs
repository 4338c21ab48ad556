//! From the fields of a record to training rows.

use std::path::Path;

use serde_json::Value;

use super::{ColumnMap, TextRow, columns::first_repeated};
use crate::{
    DataError,
    error::Place,
    json::{Object, missing, wrong_type},
};

/// The map to read a file by: the one that is given, or the one its column names tell.
pub(super) fn resolve(
    path: &Path,
    given: Option<&ColumnMap>,
    found: &[String],
) -> Result<ColumnMap, DataError> {
    let map = match (first_repeated(found), given) {
        (Some(column), _) => Err(super::ColumnProblem::Twice { column: column.to_owned() }),
        (None, Some(map)) => map.check(found).map(|()| map.clone()),
        (None, None) => ColumnMap::recognise(found),
    };
    let map = map.map_err(|problem| DataError::Columns {
        path: path.to_owned(),
        problem,
        example: example(found),
        found: found.to_vec(),
    })?;
    let ignored: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|&column| !map.names().any(|name| name == column))
        .collect();
    tracing::info!(path = %path.display(), columns = %map, ?ignored, "columns of the file");
    Ok(map)
}

/// A map to start from: the columns of the file where it has enough of them.
fn example(found: &[String]) -> String {
    let column = |at: usize, fallback: &str| found.get(at).map_or(fallback, |name| name).to_owned();
    ColumnMap::new(column(0, "query"), column(1, "doc")).to_string()
}

/// Rows of a JSON object: one for each positive, as the positive may be a list.
pub(super) fn object_rows(
    object: &Object,
    map: &ColumnMap,
    at: impl Fn() -> Place + Copy,
) -> Result<Vec<TextRow>, DataError> {
    let anchor = match required(object, &map.anchor, at)? {
        Value::String(text) => text.clone(),
        other => return Err(wrong_type(at(), &map.anchor, "a string", other)),
    };
    let anchor = visible(anchor, &map.anchor, at)?;
    let positives = texts(required(object, &map.positive, at)?, &map.positive, at)?;
    if positives.is_empty() {
        return Err(DataError::EmptyText { at: at(), field: map.positive.clone() });
    }
    let mut negatives = Vec::new();
    for column in &map.negatives {
        match object.get(column) {
            None | Some(Value::Null) => {}
            Some(value) => negatives.extend(texts(value, column, at)?),
        }
    }
    let label = match &map.label {
        Some(column) => Some(label(required(object, column, at)?, column, at)?),
        None => None,
    };
    let row = |positive| TextRow {
        anchor: anchor.clone(),
        positive,
        negatives: negatives.clone(),
        label,
    };
    Ok(positives.into_iter().map(row).collect())
}

/// Rows of a CSV or TSV record: an empty cell of negatives means that there is none.
pub(super) fn record_row<'a>(
    cell: impl Fn(&str) -> &'a str,
    map: &ColumnMap,
    at: impl Fn() -> Place + Copy,
) -> Result<TextRow, DataError> {
    let text = |column: &str| visible(cell(column).to_owned(), column, at);
    let label = match &map.label {
        Some(column) => Some(parse_label(cell(column), column, at)?),
        None => None,
    };
    Ok(TextRow {
        anchor: text(&map.anchor)?,
        positive: text(&map.positive)?,
        negatives: map
            .negatives
            .iter()
            .map(|column| cell(column).to_owned())
            .filter(|text| !text.trim().is_empty())
            .collect(),
        label,
    })
}

fn required<'a>(
    object: &'a Object,
    field: &str,
    at: impl Fn() -> Place,
) -> Result<&'a Value, DataError> {
    object.get(field).ok_or_else(|| missing(object, field, at()))
}

/// A string, or a list of strings.
fn texts(
    value: &Value,
    field: &str,
    at: impl Fn() -> Place + Copy,
) -> Result<Vec<String>, DataError> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let text = |item: &Value| match item {
        Value::String(text) => visible(text.clone(), field, at),
        other => Err(wrong_type(at(), field, "a string or a list of strings", other)),
    };
    items.iter().map(text).collect()
}

fn visible(text: String, field: &str, at: impl Fn() -> Place) -> Result<String, DataError> {
    if text.trim().is_empty() {
        return Err(DataError::EmptyText { at: at(), field: field.to_owned() });
    }
    Ok(text)
}

fn label(value: &Value, field: &str, at: impl Fn() -> Place) -> Result<f32, DataError> {
    match value {
        Value::Bool(relevant) => Ok(f32::from(u8::from(*relevant))),
        Value::Number(number) => finite(number.as_f64().map(|value| value as f32))
            .ok_or_else(|| wrong_type(at(), field, LABEL, value)),
        Value::String(text) => parse_label(text, field, at),
        other => Err(wrong_type(at(), field, LABEL, other)),
    }
}

const LABEL: &str = "a finite number";

fn parse_label(text: &str, field: &str, at: impl Fn() -> Place) -> Result<f32, DataError> {
    finite(text.trim().parse().ok()).ok_or_else(|| DataError::WrongType {
        at: at(),
        field: field.to_owned(),
        expected: LABEL,
        got: format!("`{text}`"),
    })
}

fn finite(value: Option<f32>) -> Option<f32> {
    value.filter(|value| value.is_finite())
}
