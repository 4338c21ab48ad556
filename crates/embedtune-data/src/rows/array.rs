//! One JSON array of objects.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ColumnMap, Source, TextRow, object_columns::ObjectColumns};
use crate::{
    DataError,
    error::Place,
    json,
    lines::{BOM, Input},
};

pub(super) struct JsonArray {
    path: PathBuf,
    text: String,
    /// Byte up to which the text has been read.
    position: usize,
    /// Line of that byte, from 1.
    line: u64,
    element: u64,
    columns: ObjectColumns,
}

impl JsonArray {
    pub(super) fn new(
        path: &Path,
        input: Input,
        given: Option<ColumnMap>,
    ) -> Result<Self, DataError> {
        let text = read_text(path, input)?;
        let position = if text.starts_with(BOM) { BOM.len() } else { 0 };
        let columns = ObjectColumns::new(path, given);
        let path = path.to_owned();
        let mut array = Self { path, text, position, line: 1, element: 0, columns };
        array.skip_space();
        match array.peek() {
            Some(b'[') => array.advance(1),
            Some(_) => {
                return Err(array.malformed(
                    "the file does not start with `[`",
                    "write one array of objects, or if each line is an object, \
                     give the format `jsonl`",
                ));
            }
            None => return Err(DataError::NoRows { path: array.path }),
        }
        Ok(array)
    }

    /// Moves behind the comma before the next element; `false` at the end of the array.
    fn before_element(&mut self) -> Result<bool, DataError> {
        self.skip_space();
        match self.peek() {
            Some(b']') => {
                self.advance(1);
                self.skip_space();
                match self.peek() {
                    None => Ok(false),
                    Some(_) => Err(self.malformed("text after the end of the array", END)),
                }
            }
            Some(b',') if self.element > 0 => {
                self.advance(1);
                self.skip_space();
                Ok(true)
            }
            Some(_) if self.element == 0 => Ok(true),
            Some(_) => Err(self.malformed("expected `,` or `]`", END)),
            None => Err(self.malformed("the file ends inside the array", END)),
        }
    }

    fn element(&mut self) -> Result<(Value, Place), DataError> {
        self.element += 1;
        let at = self.place();
        let mut values =
            serde_json::Deserializer::from_str(&self.text[self.position..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                let read = values.byte_offset();
                self.advance(read);
                Ok((value, at))
            }
            Some(Err(error)) => {
                let first_line = if error.line() == 1 { self.column() - 1 } else { 0 };
                let line = at.line + error.line() as u64 - 1;
                let column = first_line + error.column();
                Err(json::malformed(&error, Place { line, ..at }, column, END))
            }
            None => Err(self.malformed("the file ends inside the array", END)),
        }
    }

    fn malformed(&self, reason: &str, remedy: &'static str) -> DataError {
        let at = self.place();
        DataError::Json { at, column: self.column(), reason: reason.to_owned(), remedy }
    }

    fn place(&self) -> Place {
        let element = (self.element > 0).then_some(self.element);
        Place { path: self.path.clone(), line: self.line, element }
    }

    /// Byte in the line, from 1.
    fn column(&self) -> usize {
        let before = &self.text[..self.position];
        self.position - before.rfind('\n').map_or(0, |end| end + 1) + 1
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.position..];
        let space = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.advance(space);
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.text.as_bytes()[self.position..self.position + bytes];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.position += bytes;
    }
}

const END: &str = "the file must be one complete JSON array of objects";

impl Source for JsonArray {
    fn next_record(&mut self) -> Result<Option<Vec<TextRow>>, DataError> {
        if !self.before_element()? {
            return self.columns.finish().map(|()| None);
        }
        let (value, place) = self.element()?;
        let at = || place.clone();
        let object = json::into_object(value, at)?;
        self.columns.rows(&object, at).map(Some)
    }
}

fn read_text(path: &Path, mut input: Input) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|source| DataError::Io { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count() as u64;
        DataError::NotUtf8 { at: Place::line(path, line) }
    })
}
