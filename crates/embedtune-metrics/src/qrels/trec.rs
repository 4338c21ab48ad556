//! The TREC layout: `query iteration document grade`, separated by white space.

use std::io::{BufRead, Write};
use std::path::Path;

use super::Qrels;
use crate::error::MetricsError;
use crate::lines::{self, Line, Lines};
use crate::run::check_trec_id;

impl Qrels {
    /// Reads a TREC qrels file: four columns, the second ignored, lines that start with `#` and
    /// blank lines skipped, as `trec_eval` 10 does. CRLF and a byte order mark are tolerated.
    ///
    /// # Errors
    /// Names the file, the line and the remedy: unreadable, not UTF-8, wrong number of columns,
    /// grade not a whole number, one document with two grades.
    pub fn read_trec(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_trec_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Qrels::read_trec`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Qrels::read_trec`].
    pub fn read_trec_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        let mut lines = Lines::new(reader, name);
        let mut qrels = Self::new();
        while let Some(line) = lines.next_line()? {
            if line.text.trim().is_empty() || line.text.starts_with('#') {
                continue;
            }
            let [query, doc, grade] = columns(&line)?;
            qrels.insert_at(&line, query, doc, grade)?;
        }
        Ok(qrels)
    }

    /// Writes the file that [`Qrels::read_trec`] reads; it appears whole or not at all.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`] for an id that is empty, holds white space or, as a query
    /// id, starts with `#`; [`MetricsError::WriteFile`].
    pub fn write_trec(&self, path: impl AsRef<Path>) -> Result<(), MetricsError> {
        lines::write_file(path.as_ref(), |writer| self.write_trec_to(writer))
    }

    /// [`Qrels::write_trec`] to any writer.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`], [`MetricsError::Write`].
    pub fn write_trec_to(&self, mut writer: impl Write) -> Result<(), MetricsError> {
        for (query, judgements) in self.iter() {
            check_trec_id(query, true)?;
            for (doc, grade) in judgements {
                check_trec_id(doc, false)?;
                writeln!(writer, "{query} 0 {doc} {grade}").map_err(MetricsError::Write)?;
            }
        }
        Ok(())
    }
}

fn columns<'a>(line: &Line<'a>) -> Result<[&'a str; 3], MetricsError> {
    let mut parts = line.text.split_ascii_whitespace();
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(query), Some(_), Some(doc), Some(grade), None) => Ok([query, doc, grade]),
        _ => Err(line.malformed(
            "query iteration document grade",
            line.text,
            "write four columns separated by spaces; a BEIR file with a header is read as BEIR",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        let text = "# judged in May\n\n301 0 doc-1 1\n301\t0\tdoc-2\t-1\r\n";
        let qrels = Qrels::read_trec_from(text.as_bytes(), "qrels").unwrap();
        assert_eq!(qrels.judgements("301").unwrap()["doc-2"], -1);
        assert_eq!(qrels.judgement_count(), 2);
    }

    #[test]
    fn every_bad_line_is_named_with_its_remedy() {
        let cases = [
            ("1 0 d\n", "qrels, line 1: expected query iteration document grade"),
            ("1 0 d 1\n1 0 d 1 x\n", "line 2"),
            ("1 0 d high\n", "line 1: expected a whole number as the grade, got \"high\""),
            ("1 0 d 1\n1 0 d 0\n", "line 2: document \"d\" of query \"1\" is judged 1 and 0"),
        ];
        for (text, part) in cases {
            let message = Qrels::read_trec_from(text.as_bytes(), "qrels").unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn ids_that_would_not_come_back_are_not_written() {
        for (query, doc) in [("#1", "d"), ("q 1", "d"), ("q", ""), ("q", "d\u{2028}\n")] {
            let mut qrels = Qrels::new();
            qrels.insert(query, doc, 1).unwrap();
            assert!(qrels.write_trec_to(Vec::new()).is_err(), "{query:?} {doc:?}");
        }
    }
}
