//! The JSON layout of judgements: an object of objects, `{"q1": {"d3": 1}}`.

use std::io::{BufRead, Write};
use std::path::Path;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use super::{Qrels, whole_number};
use crate::error::MetricsError;
use crate::json::{self, ByQuery};
use crate::lines;

impl Qrels {
    /// Reads judgements of whatever layout: JSON when they begin with a brace, BEIR when the first
    /// line is its header, else TREC.
    ///
    /// # Errors
    /// As [`Qrels::read_json`], [`Qrels::read_beir_tsv`] and [`Qrels::read_trec`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Qrels::read`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Qrels::read`].
    pub fn read_from(mut reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        if json::is_next(&mut reader, name)? {
            return Self::read_json_from(reader, name);
        }
        let start = json::peek(&mut reader, name)?;
        let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start).trim_ascii_start();
        if start.starts_with(b"query-id\t") || start.starts_with(b"query_id\t") {
            Self::read_beir_tsv_from(reader, name)
        } else {
            Self::read_trec_from(reader, name)
        }
    }

    /// Reads `{"query": {"document": grade}}`, the layout of `pytrec_eval`, BEIR and ranx.
    ///
    /// # Errors
    /// Names the file, the line and the column: unreadable, not JSON, not of this shape, a grade that
    /// is no whole number, one document with two grades, an id of more than 1 MiB.
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_json_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Qrels::read_json`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Qrels::read_json`].
    pub fn read_json_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        json::read(reader, name)
    }

    /// Writes the file that [`Qrels::read_json`] reads; it appears whole or not at all.
    ///
    /// # Errors
    /// [`MetricsError::WriteFile`].
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<(), MetricsError> {
        lines::write_file(path.as_ref(), |writer| self.write_json_to(writer))
    }

    /// [`Qrels::write_json`] to any writer.
    ///
    /// # Errors
    /// [`MetricsError::Write`].
    pub fn write_json_to(&self, writer: impl Write) -> Result<(), MetricsError> {
        serde_json::to_writer(writer, self).map_err(|error| MetricsError::Write(error.into()))
    }
}

impl<'de> Deserialize<'de> for Qrels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut qrels = Self::new();
        json::fill(deserializer, &mut qrels)?;
        Ok(qrels)
    }
}

impl ByQuery for Qrels {
    const DOCUMENTS: &'static str = "an object of documents with their grades";

    fn begin(&mut self, query: &str) {
        self.queries.entry(query.to_owned()).or_default();
    }

    fn add<E: Error>(&mut self, query: &str, doc: &str, grade: f64) -> Result<(), E> {
        let grade = whole_number(grade).ok_or_else(|| {
            E::invalid_value(Unexpected::Float(grade), &"a whole number as the grade")
        })?;
        self.insert(query, doc, grade).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_told_from_the_others() {
        let layouts = [
            "{\"q\": {\"d\": 2}}",
            "query-id\tcorpus-id\tscore\nq\td\t2\n",
            "\u{feff}query_id\tcorpus_id\tscore\r\nq\td\t2\r\n",
            "# judged\nq 0 d 2\n",
        ];
        for text in layouts {
            let qrels = Qrels::read_from(text.as_bytes(), "qrels").unwrap();
            assert_eq!(qrels.judgements("q").unwrap()["d"], 2, "{text}");
        }
    }

    #[test]
    fn judgements_come_back() {
        let qrels = Qrels::read_json_from(&br#"{"q1":{"d":1.0,"e":-1},"q0":{}}"#[..], "q").unwrap();
        let mut written = Vec::new();
        qrels.write_json_to(&mut written).unwrap();
        assert_eq!(written, br#"{"q0":{},"q1":{"d":1,"e":-1}}"#);
    }

    #[test]
    fn every_bad_place_is_named() {
        let cases = [
            ("{\"q\": {\"d\": 0.5}}", "q, line 1, column 16: invalid value: floating point `0.5`"),
            ("{\"q\": {\"d\": 1, \"d\": 2}}", "judged 1 and 2"),
            ("{\"q\": 1}", "expected an object of documents with their grades"),
            ("{\"q\": {\"d\": 9999999999}}", "expected a whole number as the grade"),
        ];
        for (text, part) in cases {
            let message = Qrels::read_json_from(text.as_bytes(), "q").unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
