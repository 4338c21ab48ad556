//! Documents of a file, one at a time.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    DataError, Document, TextHash,
    beir::document,
    error::Place,
    json::{self, Object},
    lines::Lines,
};

const LAYOUT: &str = "give a file with {\"text\": \"…\"} in each line, such as a corpus.jsonl";

/// Reads documents from a JSON Lines file of any size, holding one line at a time: `{"_id": …,
/// "title": …, "text": …}`, where only the text must be there. A document without `_id` is called
/// by its `id`, or else by the number of its line, from 1.
///
/// Whether ids are unique is not checked: that needs memory for all of them. What was read has a
/// [`position`](Self::position), from which another reader of the same file can
/// [go on](Self::resume).
///
/// ```
/// use embedtune_data::CorpusReader;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("texts.jsonl");
/// std::fs::write(&path, "{\"text\": \"one\"}\n\n{\"id\": 7, \"text\": \"two\"}\n")?;
/// let mut reader = CorpusReader::open(&path)?;
/// assert_eq!(reader.next_document()?.map(|it| it.id).as_deref(), Some("1"));
/// let position = reader.position();
///
/// let mut reader = CorpusReader::resume(&path, &position)?;
/// assert_eq!(reader.next_document()?.map(|it| it.id).as_deref(), Some("7"));
/// assert!(reader.next_document()?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct CorpusReader {
    lines: Lines,
}

/// How far a [`CorpusReader`] has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadPosition {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read, blank ones included.
    pub lines: u64,
    /// [`TextHash`] of these bytes, in hexadecimal.
    pub hash: String,
}

impl CorpusReader {
    /// Begins at the start of `path`.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Ok(Self { lines: Lines::open(path.as_ref(), LAYOUT)?.hashed() })
    }

    /// Goes on after `position`, which is the end of a line. What was read before is hashed again,
    /// which is quick, but not parsed.
    ///
    /// # Errors
    /// If the file cannot be read, or its beginning is not what was read before.
    pub fn resume(path: impl AsRef<Path>, position: &ReadPosition) -> Result<Self, DataError> {
        let path = path.as_ref();
        let mut reader = Self::open(path)?;
        let changed = || DataError::Changed { path: path.to_owned(), lines: position.lines };
        while reader.lines.bytes() < position.bytes {
            if !reader.lines.skip()? {
                return Err(changed());
            }
        }
        // The default position is the start, before anything was hashed.
        let same = position.bytes == 0 || reader.position() == *position;
        if same { Ok(reader) } else { Err(changed()) }
    }

    /// The next document, or `None` at the end.
    ///
    /// # Errors
    /// With file and line if the line is malformed, or title and text are empty.
    pub fn next_document(&mut self) -> Result<Option<Document>, DataError> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        let at = || self.lines.place();
        let object = json::object(&line, at)?;
        let id = match id_of(&object, at)? {
            Some(id) => id,
            None => at().line.to_string(),
        };
        document(id, &object, at).map(Some)
    }

    /// Place of the line read last.
    pub fn place(&self) -> Place {
        self.lines.place()
    }

    /// What was read so far: up to the end of the line of the last document.
    pub fn position(&self) -> ReadPosition {
        let hash = TextHash(self.lines.digest()).to_string();
        ReadPosition { bytes: self.lines.bytes(), lines: self.lines.place().line, hash }
    }
}

/// The id that the line gives, if it gives one.
fn id_of(object: &Object, at: impl Fn() -> Place) -> Result<Option<String>, DataError> {
    for field in ["_id", "id"] {
        let id = match object.get(field) {
            None | Some(Value::Null) => continue,
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(id)) => id.clone(),
            Some(other) => {
                return Err(json::wrong_type(at(), field, "a string or a number", other));
            }
        };
        if id.is_empty() {
            return Err(DataError::EmptyText { at: at(), field: field.to_owned() });
        }
        return Ok(Some(id));
    }
    Ok(None)
}
