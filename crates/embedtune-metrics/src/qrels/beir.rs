//! The BEIR layout: tab-separated `query-id`, `corpus-id`, `score` under a header line.

use std::io::{BufRead, Write};
use std::path::Path;

use super::Qrels;
use crate::error::MetricsError;
use crate::lines::{self, Line, Lines};

const HEADER: [&str; 3] = ["query-id", "corpus-id", "score"];
const HEADER_TEXT: &str = "the header query-id<TAB>corpus-id<TAB>score";

impl Qrels {
    /// Reads a BEIR `qrels/<split>.tsv` file.
    ///
    /// The header line is required, so that no judgement is dropped as if it were one. Grades are
    /// whole numbers, also when written `1.0`. Blank lines, a byte order mark and CRLF are
    /// tolerated.
    ///
    /// # Errors
    /// Names the file, the line and the remedy: unreadable, not UTF-8, header missing, wrong
    /// number of columns, empty id, grade not a whole number, one document with two grades.
    pub fn read_beir_tsv(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_beir_tsv_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Qrels::read_beir_tsv`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Qrels::read_beir_tsv`].
    pub fn read_beir_tsv_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        let mut lines = Lines::new(reader, name);
        let mut qrels = Self::new();
        let mut header_seen = false;
        while let Some(line) = lines.next_line()? {
            if line.text.trim().is_empty() {
                continue;
            }
            if header_seen {
                let [query, doc, grade] = columns(&line)?;
                qrels.insert_at(&line, query, doc, grade)?;
            } else {
                check_header(&line)?;
                header_seen = true;
            }
        }
        Ok(qrels)
    }

    /// Writes the file that [`Qrels::read_beir_tsv`] reads; it appears whole or not at all.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`] for an empty id or one with a tab or a line break;
    /// [`MetricsError::WriteFile`].
    pub fn write_beir_tsv(&self, path: impl AsRef<Path>) -> Result<(), MetricsError> {
        lines::write_file(path.as_ref(), |writer| self.write_beir_tsv_to(writer))
    }

    /// [`Qrels::write_beir_tsv`] to any writer.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`], [`MetricsError::Write`].
    pub fn write_beir_tsv_to(&self, mut writer: impl Write) -> Result<(), MetricsError> {
        writeln!(writer, "{}", HEADER.join("\t")).map_err(MetricsError::Write)?;
        for (query, judgements) in self.iter() {
            check_id(query)?;
            for (doc, grade) in judgements {
                check_id(doc)?;
                writeln!(writer, "{query}\t{doc}\t{grade}").map_err(MetricsError::Write)?;
            }
        }
        Ok(())
    }
}

fn check_header(line: &Line<'_>) -> Result<(), MetricsError> {
    let is_header = line.text.split('\t').map(|name| name.trim().replace('_', "-")).eq(HEADER);
    if is_header {
        return Ok(());
    }
    let looks_like_trec = line.text.split_ascii_whitespace().count() == 4;
    let remedy = if looks_like_trec {
        "this looks like a TREC qrels file: read it as one, or convert it"
    } else {
        "add the header as the first line"
    };
    Err(line.malformed(HEADER_TEXT, line.text, remedy))
}

fn columns<'a>(line: &Line<'a>) -> Result<[&'a str; 3], MetricsError> {
    let mut parts = line.text.split('\t');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(query), Some(doc), Some(grade), None) if !query.is_empty() && !doc.is_empty() => {
            Ok([query, doc, grade])
        }
        _ => Err(line.malformed(
            "query-id<TAB>corpus-id<TAB>score",
            line.text,
            "write three tab-separated columns, none of them empty",
        )),
    }
}

fn check_id(id: &str) -> Result<(), MetricsError> {
    if id.is_empty() || id.contains(['\t', '\n', '\r']) {
        return Err(MetricsError::UnwritableId {
            id: id.to_owned(),
            format: "BEIR qrels",
            remedy: "rename it: ids must not be empty or hold tabs or line breaks",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Qrels, MetricsError> {
        Qrels::read_beir_tsv_from(text.as_bytes(), "test.tsv")
    }

    #[test]
    fn reads_what_editors_and_exports_leave_behind() {
        let qrels =
            read("\u{feff}query-id\tcorpus-id\tscore\r\nq1\td 1\t1.0\r\n\r\nq1\td2\t0").unwrap();
        assert_eq!(qrels.judgements("q1").unwrap()["d 1"], 1);
        assert_eq!(qrels.judgement_count(), 2);
    }

    #[test]
    fn every_bad_line_is_named_with_its_remedy() {
        let header = "query-id\tcorpus-id\tscore\n";
        let cases = [
            ("q1\td1\t1\n", "test.tsv, line 1: expected the header", "add the header"),
            ("q1 0 d1 1\n", "line 1", "looks like a TREC qrels file"),
            (&format!("{header}q1\td1\n"), "line 2", "three tab-separated columns"),
            (&format!("{header}q1\td1\t1\tx\n"), "line 2", "three tab-separated columns"),
            (&format!("{header}\td1\t1\n"), "line 2", "none of them empty"),
            (&format!("{header}q1\td1\t0.5\n"), "line 2: expected a whole number", "use 0, 1"),
            (&format!("{header}q\td\t1\n\nq\td\t2\n"), "line 4", "judged 1 and 2"),
        ];
        for (text, place, remedy) in cases {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(place) && message.contains(remedy), "{message}");
        }
    }

    #[test]
    fn an_id_with_a_tab_is_not_written() {
        let mut qrels = Qrels::new();
        qrels.insert("q\t1", "d", 1).unwrap();
        let error = qrels.write_beir_tsv_to(Vec::new()).unwrap_err();
        assert!(matches!(error, MetricsError::UnwritableId { .. }));
    }
}
