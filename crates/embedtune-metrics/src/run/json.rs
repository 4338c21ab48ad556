//! The JSON layout of runs: an object of objects, `{"q1": {"d3": 0.5}}`.

use std::io::{BufRead, Write};
use std::path::Path;

use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Run;
use crate::error::MetricsError;
use crate::json::{self, ByQuery};
use crate::lines;

impl Run {
    /// Reads a run of whatever layout: JSON when it begins with a brace, else TREC.
    ///
    /// # Errors
    /// As [`Run::read_json`] and [`Run::read_trec`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Run::read`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Run::read`].
    pub fn read_from(mut reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        if json::is_next(&mut reader, name)? {
            Self::read_json_from(reader, name)
        } else {
            Self::read_trec_from(reader, name)
        }
    }

    /// Reads `{"query": {"document": score}}`, the layout of `pytrec_eval`, BEIR and ranx. Text is
    /// read as it comes, so that the file need not fit into memory twice.
    ///
    /// # Errors
    /// Names the file, the line and the column: unreadable, not JSON, not of this shape, a document
    /// retrieved twice for one query, an id of more than 1 MiB.
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_json_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Run::read_json`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Run::read_json`].
    pub fn read_json_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        json::read(reader, name)
    }

    /// Writes the file that [`Run::read_json`] reads, documents in the order of insertion; it
    /// appears whole or not at all. JSON has no infinite numbers: those become `null`, which is not
    /// read back.
    ///
    /// # Errors
    /// [`MetricsError::WriteFile`].
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<(), MetricsError> {
        lines::write_file(path.as_ref(), |writer| self.write_json_to(writer))
    }

    /// [`Run::write_json`] to any writer.
    ///
    /// # Errors
    /// [`MetricsError::Write`].
    pub fn write_json_to(&self, writer: impl Write) -> Result<(), MetricsError> {
        serde_json::to_writer(writer, self).map_err(|error| MetricsError::Write(error.into()))
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut queries = serializer.serialize_map(Some(self.len()))?;
        for query in self.query_ids() {
            queries.serialize_entry(query, &Scores(self, query))?;
        }
        queries.end()
    }
}

struct Scores<'a>(&'a Run, &'a str);

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.documents(self.1))
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut run = Self::new();
        json::fill(deserializer, &mut run)?;
        run.shrink_to_fit();
        Ok(run)
    }
}

impl ByQuery for Run {
    const DOCUMENTS: &'static str = "an object of documents with their scores";

    /// A query that retrieved nothing is no part of a run.
    fn begin(&mut self, _: &str) {}

    fn add<E: Error>(&mut self, query: &str, doc: &str, score: f64) -> Result<(), E> {
        self.insert(query, doc, score).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_comes_back_in_its_order() {
        let text = r#"{"q2":{"b":0.5,"a":1.0},"q1":{"c":-3.25}}"#;
        let run = Run::read_from(text.as_bytes(), "run").unwrap();
        assert_eq!(run.documents("q2").collect::<Vec<_>>(), [("b", 0.5), ("a", 1.0)]);
        let mut written = Vec::new();
        run.write_json_to(&mut written).unwrap();
        assert_eq!(written, br#"{"q1":{"c":-3.25},"q2":{"b":0.5,"a":1.0}}"#);
        assert_eq!(Run::read_json_from(&written[..], "run").unwrap(), run);
    }

    #[test]
    fn every_bad_place_is_named() {
        let cases = [
            ("{\"q\":\n {\"d\": 1, \"d\": 2}}", "run, line 2, column 17: query \"q\" retrieves"),
            ("{\"q\": {\"d\": \"x\"}}", "run, line 1, column 15: invalid type: string \"x\""),
            ("{\"q\": {\"d\": NaN}}", "run, line 1"),
            ("{\"q\": {\"d\": 1e999}}", "run, line 1"),
            ("{\"q\": [1]}", "expected an object of documents with their scores"),
            ("[]", "expected an object of queries"),
        ];
        for (text, part) in cases {
            let message = Run::read_json_from(text.as_bytes(), "run").unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
