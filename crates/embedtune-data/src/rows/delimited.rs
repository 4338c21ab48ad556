//! CSV and TSV with a header.

use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
};

use csv::{ByteRecord, ErrorKind};

use super::{ColumnMap, Source, TextRow, extract};
use crate::{
    DataError,
    error::Place,
    lines::{BOM, Input},
};

pub(super) struct Delimited {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read + Send>>,
    map: ColumnMap,
    /// Number of each column that has a role.
    indices: HashMap<String, usize>,
    record: ByteRecord,
}

impl Delimited {
    pub(super) fn new(
        path: &Path,
        input: Input,
        given: Option<ColumnMap>,
        delimiter: u8,
    ) -> Result<Self, DataError> {
        let io = |source| DataError::Io { path: path.to_owned(), source };
        let input = without_bom(input).map_err(io)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(delimiter == b',')
            .from_reader(input);
        let header = reader.byte_headers().map_err(|error| csv_error(path, error))?.clone();
        let header = std::str::from_utf8(header.as_slice())
            .map(|_| header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()))
            .map_err(|_| DataError::NotUtf8 { at: Place::line(path, 1) })?;
        let found: Vec<String> = header.collect();
        if found.iter().all(String::is_empty) {
            return Err(DataError::NoRows { path: path.to_owned() });
        }
        let map = extract::resolve(path, given.as_ref(), &found)?;
        let indices = found.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        Ok(Self { path: path.to_owned(), reader, map, indices, record: ByteRecord::new() })
    }
}

impl Source for Delimited {
    fn next_record(&mut self) -> Result<Option<Vec<TextRow>>, DataError> {
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|error| csv_error(&self.path, error))? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let at = || Place::line(&self.path, line);
        let cells: Option<Vec<&str>> =
            self.record.iter().map(|cell| std::str::from_utf8(cell).ok()).collect();
        let cells = cells.ok_or_else(|| DataError::NotUtf8 { at: at() })?;
        let row = extract::record_row(|column| cells[self.indices[column]], &self.map, at)?;
        Ok(Some(vec![row]))
    }
}

/// The input behind its byte order mark, if it has one.
fn without_bom(mut input: Input) -> std::io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::new();
    input.by_ref().take(BOM.len() as u64).read_to_end(&mut start)?;
    if start == BOM.as_bytes() {
        start.clear();
    }
    Ok(Box::new(std::io::Cursor::new(start).chain(input)))
}

fn csv_error(path: &Path, error: csv::Error) -> DataError {
    let line = error.position().map_or(0, csv::Position::line);
    let at = Place::line(path, line);
    match error.into_kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            DataError::FieldCount { at, expected: expected_len, got: len }
        }
        ErrorKind::Utf8 { .. } => DataError::NotUtf8 { at },
        ErrorKind::Io(source) => DataError::Io { path: path.to_owned(), source },
        _ => DataError::Io {
            path: path.to_owned(),
            source: std::io::Error::from(std::io::ErrorKind::InvalidData),
        },
    }
}
