//! Training rows from files of others: JSON Lines, JSON arrays, CSV, TSV.

mod array;
mod columns;
mod delimited;
mod extract;
mod json_lines;
mod object_columns;
mod write;

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    DataError, Dataset, Example,
    lines::{Input, open},
};

pub use columns::{ColumnMap, ColumnProblem};
pub use write::write_rows;

const REMEDY: &str = "give the path of a JSON Lines, JSON, CSV or TSV file";

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowFormat {
    /// One JSON object in each line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Comma-separated, with a header; quoted as RFC 4180 says.
    Csv,
    /// Tab-separated, with a header. Nothing is quoted: a quotation mark is a character like any
    /// other, so a text can hold neither tab nor line break.
    Tsv,
}

impl RowFormat {
    /// The format that the extension of `path` names.
    pub fn of(path: &Path) -> Option<Self> {
        path.extension()?.to_str()?.to_ascii_lowercase().parse().ok()
    }
}

impl FromStr for RowFormat {
    type Err = DataError;

    /// Parses `jsonl`, `ndjson`, `json`, `csv`, `tsv` or `tab`.
    fn from_str(name: &str) -> Result<Self, DataError> {
        match name {
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            _ => Err(DataError::Setting {
                name: "format",
                value: name.to_owned(),
                expected: "jsonl, json, csv or tsv",
            }),
        }
    }
}

/// One training row as text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TextRow {
    /// Query side, or first text of a labelled pair.
    pub anchor: String,
    /// Relevant document, or second text of a labelled pair.
    pub positive: String,
    /// Irrelevant documents.
    pub negatives: Vec<String>,
    /// Label of a labelled pair.
    pub label: Option<f32>,
}

/// How to read rows. By default the format comes from the file's extension, and the columns are
/// recognised by well-known names; see [`ColumnMap::recognise`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RowOptions {
    /// Which column is which.
    pub columns: Option<ColumnMap>,
    /// The format, whatever the extension says.
    pub format: Option<RowFormat>,
}

impl RowOptions {
    /// Sets [`columns`](Self::columns).
    pub fn with_columns(mut self, columns: ColumnMap) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Sets [`format`](Self::format).
    pub fn with_format(mut self, format: RowFormat) -> Self {
        self.format = Some(format);
        self
    }
}

/// The rows of a file, one after another. JSON Lines, CSV and TSV are streamed; a JSON array is
/// held in memory as text.
///
/// After an error the iterator ends.
pub struct RowReader {
    path: PathBuf,
    source: Box<dyn Source + Send>,
    /// Rows of a record with several positives that are still to come, in reverse.
    pending: Vec<TextRow>,
    records: u64,
    ended: bool,
}

/// A format: records become rows.
trait Source {
    /// The rows of the next record, or `None` at the end.
    fn next_record(&mut self) -> Result<Option<Vec<TextRow>>, DataError>;
}

impl std::fmt::Debug for RowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl RowReader {
    /// Opens a file of rows.
    ///
    /// # Errors
    /// If the file or its format is not known, or its columns are not.
    pub fn open(path: impl AsRef<Path>, options: &RowOptions) -> Result<Self, DataError> {
        let path = path.as_ref();
        let format = options
            .format
            .or_else(|| RowFormat::of(path))
            .ok_or_else(|| DataError::UnknownFormat { path: path.to_owned() })?;
        let input = open(path, REMEDY)?;
        Self::from_input(path, input, format, options.columns.clone())
    }

    /// Reads rows that are not in a file: standard input, an archive, memory. `name` stands for
    /// the file in errors.
    ///
    /// ```
    /// use embedtune_data::{RowFormat, RowReader};
    ///
    /// # fn main() -> Result<(), embedtune_data::DataError> {
    /// let csv = "question,answer\nwhat is a crate?,A unit of compilation.\n";
    /// let mut rows = RowReader::from_reader(csv.as_bytes(), "faq.csv", RowFormat::Csv, None)?;
    /// let row = rows.next().transpose()?.expect("the file has one row");
    /// assert_eq!(row.positive, "A unit of compilation.");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If its columns are not known.
    pub fn from_reader(
        reader: impl BufRead + Send + 'static,
        name: impl AsRef<Path>,
        format: RowFormat,
        columns: Option<ColumnMap>,
    ) -> Result<Self, DataError> {
        Self::from_input(name.as_ref(), Box::new(reader), format, columns)
    }

    fn from_input(
        path: &Path,
        input: Input,
        format: RowFormat,
        columns: Option<ColumnMap>,
    ) -> Result<Self, DataError> {
        let source: Box<dyn Source + Send> = match format {
            RowFormat::Jsonl => Box::new(json_lines::JsonLines::new(path, input, columns)),
            RowFormat::Json => Box::new(array::JsonArray::new(path, input, columns)?),
            RowFormat::Csv => Box::new(delimited::Delimited::new(path, input, columns, b',')?),
            RowFormat::Tsv => Box::new(delimited::Delimited::new(path, input, columns, b'\t')?),
        };
        Ok(Self { path: path.to_owned(), source, pending: Vec::new(), records: 0, ended: false })
    }

    fn advance(&mut self) -> Result<Option<TextRow>, DataError> {
        loop {
            if let Some(row) = self.pending.pop() {
                return Ok(Some(row));
            }
            match self.source.next_record()? {
                Some(rows) => {
                    self.records += 1;
                    self.pending = rows;
                    self.pending.reverse();
                }
                None if self.records == 0 => {
                    return Err(DataError::NoRows { path: self.path.clone() });
                }
                None => return Ok(None),
            }
        }
    }
}

impl Iterator for RowReader {
    type Item = Result<TextRow, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads a file of pairs, triplets, n-tuples or labelled pairs.
///
/// ```
/// use embedtune_data::{RowOptions, read_rows};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("training_triplets.json");
/// std::fs::write(
///     &path,
///     r#"[{"query": "what is a crate?", "positive": "A unit of compilation.",
///          "negative": "A box for fruit."}]"#,
/// )?;
/// let dataset = read_rows(&path, &RowOptions::default())?;
/// assert_eq!(dataset.texts.text(dataset.rows[0].positive), "A unit of compilation.");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// With file and line if a row is malformed, lacks a text or has an empty one.
pub fn read_rows(path: impl AsRef<Path>, options: &RowOptions) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let mut dataset = Dataset::new(path.display().to_string());
    for row in RowReader::open(path, options)? {
        dataset.push_text(&row?);
    }
    tracing::info!(path = %path.display(), rows = dataset.len(), "read training rows");
    Ok(dataset)
}

impl Dataset {
    /// Interns the texts of `row` and adds it; see [`Dataset::push`].
    pub fn push_text(&mut self, row: &TextRow) {
        let example = Example {
            anchor: self.texts.intern(&row.anchor),
            positive: self.texts.intern(&row.positive),
            negatives: row.negatives.iter().map(|text| self.texts.intern(text)).collect(),
            label: row.label,
        };
        self.push(example);
    }
}
