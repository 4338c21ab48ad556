//! Reading JSON of strangers: in bounded memory, and with the place of what is wrong.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::error::MetricsError;
use crate::lines::MAX_LINE_BYTES;

/// Reads one JSON value that fills `reader`; `name` stands for the file in errors.
pub(crate) fn read<T: DeserializeOwned>(
    reader: impl BufRead,
    name: &str,
) -> Result<T, MetricsError> {
    serde_json::from_reader(ShortStrings::new(reader)).map_err(|error| {
        match error.io_error_kind() {
            // Strings that are too long come as an error of reading, too, but say so themselves.
            Some(kind) if kind != io::ErrorKind::InvalidData => {
                MetricsError::Read { file: name.to_owned(), source: error.into() }
            }
            _ => MetricsError::Json {
                file: name.to_owned(),
                line: error.line(),
                column: error.column(),
                problem: problem(&error),
            },
        }
    })
}

/// The message without the place, which the error has of its own.
fn problem(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// What the layout `{"query": {"document": number}}` fills.
pub(crate) trait ByQuery {
    /// What stands for a query, for errors.
    const DOCUMENTS: &'static str;

    /// A query begins, which may have no documents.
    fn begin(&mut self, query: &str);

    /// Adds the number of a document, or says what is wrong with it.
    fn add<E: Error>(&mut self, query: &str, doc: &str, number: f64) -> Result<(), E>;
}

/// Fills `target` document by document, so that no second copy of it is ever in memory.
pub(crate) fn fill<'de, D: Deserializer<'de>>(
    deserializer: D,
    target: &mut impl ByQuery,
) -> Result<(), D::Error> {
    deserializer.deserialize_map(Queries(target))
}

struct Queries<'t, T>(&'t mut T);

impl<'de, T: ByQuery> Visitor<'de> for Queries<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of queries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(query) = map.next_key::<String>()? {
            map.next_value_seed(Documents { target: self.0, query: &query })?;
        }
        Ok(())
    }
}

struct Documents<'t, T> {
    target: &'t mut T,
    query: &'t str,
}

impl<'de, T: ByQuery> DeserializeSeed<'de> for Documents<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: ByQuery> Visitor<'de> for Documents<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::DOCUMENTS)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.target.begin(self.query);
        while let Some((doc, number)) = map.next_entry::<String, f64>()? {
            self.target.add(self.query, &doc, number)?;
        }
        Ok(())
    }
}

/// Refuses strings that no id is as long as, before they fill the memory.
struct ShortStrings<R> {
    reader: R,
    in_string: bool,
    escaped: bool,
    length: usize,
}

impl<R> ShortStrings<R> {
    fn new(reader: R) -> Self {
        Self { reader, in_string: false, escaped: false, length: 0 }
    }

    fn check(&mut self, byte: u8) -> io::Result<()> {
        let ends_string = byte == b'"' && !self.escaped;
        self.escaped = self.in_string && byte == b'\\' && !self.escaped;
        if ends_string {
            self.in_string = !self.in_string;
            self.length = 0;
        } else if self.in_string {
            self.length += 1;
        }
        if self.length > MAX_LINE_BYTES {
            let message = format!("a string is longer than {MAX_LINE_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(())
    }
}

impl<R: Read> Read for ShortStrings<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        buffer[..read].iter().try_for_each(|&byte| self.check(byte))?;
        Ok(read)
    }
}

/// Whether the text begins with an object, not a record of columns. Reads ahead, takes nothing.
pub(crate) fn is_next(reader: &mut impl BufRead, name: &str) -> Result<bool, MetricsError> {
    let bytes = peek(reader, name)?;
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    Ok(text.trim_ascii_start().starts_with(b"{"))
}

/// What is in the buffer of `reader`, filled if it is empty.
pub(crate) fn peek<'r>(reader: &'r mut impl BufRead, name: &str) -> Result<&'r [u8], MetricsError> {
    reader.fill_buf().map_err(|source| MetricsError::Read { file: name.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::BufReader;

    use super::*;

    type Map = BTreeMap<String, i32>;

    #[test]
    fn says_where_what_is_wrong() {
        let error = read::<Map>(&b"{\"a\": 1,\n \"b\": x}"[..], "f").unwrap_err();
        assert_eq!(
            error.to_string(),
            "f, line 2, column 7: expected value; expected JSON such as {\"query\": {\"document\": 1}}"
        );
        assert!(read::<Map>(&b"{\"a\": 1} {"[..], "f").is_err());
        assert!(read::<Map>(&b""[..], "f").is_err());
    }

    #[test]
    fn an_endless_string_is_not_read_to_its_end() {
        let endless = BufReader::new((&b"{\""[..]).chain(io::repeat(b'x')));
        let message = read::<Map>(endless, "f").unwrap_err().to_string();
        assert!(message.contains("a string is longer than 1048576 bytes"), "{message}");
    }

    #[test]
    fn quotes_in_strings_do_not_end_them() {
        let mut strings = ShortStrings::new(&b"{\"a\\\"b\\\\\": 1}"[..]);
        let mut text = String::new();
        strings.read_to_string(&mut text).unwrap();
        assert!(!strings.in_string, "{text}");
    }

    #[test]
    fn an_object_is_told_from_columns() {
        let is = |text: &str| is_next(&mut text.as_bytes(), "f").unwrap();
        assert!(is(" \n{\"q\"") && is("\u{feff}{") && !is("q1 0 d 1") && !is(""));
    }
}
