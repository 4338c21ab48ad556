//! Rows as JSON Lines.

use std::path::Path;

use serde::Serialize;

use crate::{DataError, Dataset, atomic::AtomicFile};

#[derive(Serialize)]
struct Line<'a> {
    anchor: &'a str,
    positive: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    negatives: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<f32>,
}

/// Writes the rows of `dataset` as JSON Lines with the fields `anchor`, `positive`, `negatives` and
/// `label`, which [`read_rows`](crate::read_rows) recognises. The file appears whole or not at all.
/// Known positives that no row states are not written.
///
/// # Errors
/// If the file cannot be written.
pub fn write_rows(path: impl AsRef<Path>, dataset: &Dataset) -> Result<(), DataError> {
    let mut file = AtomicFile::create(path.as_ref())?;
    for row in &dataset.rows {
        let text = |&id: &u32| dataset.texts.text(id);
        let line = Line {
            anchor: text(&row.anchor),
            positive: text(&row.positive),
            negatives: row.negatives.iter().map(text).collect(),
            label: row.label,
        };
        file.json_line(&line)?;
    }
    file.commit()
}
