//! The TREC run layout: `query Q0 document rank score tag`, separated by white space.

use std::io::{BufRead, Write};
use std::path::Path;

use super::Run;
use crate::error::MetricsError;
use crate::lines::{self, Line, Lines};
use crate::ranking::ScorePrecision;

impl Run {
    /// Reads a TREC run file: six columns, of which query, document and score count; the rank
    /// column is ignored, as are words after the sixth, blank lines and lines that start with `#`.
    /// The tag of the last line is that of the run. CRLF and a byte order mark are tolerated.
    ///
    /// # Errors
    /// Names the file, the line and the remedy: unreadable, not UTF-8, fewer than six columns,
    /// score not a number, a document retrieved twice for one query.
    pub fn read_trec(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_trec_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`Run::read_trec`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`Run::read_trec`].
    pub fn read_trec_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        let mut lines = Lines::new(reader, name);
        let mut run = Self::new();
        while let Some(line) = lines.next_line()? {
            let text = line.text.trim_ascii_start();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (query, doc, score, tag) = columns(&line)?;
            run.insert(query, doc, score).map_err(|problem| line.at(problem))?;
            if run.tag() != Some(tag) {
                run.set_tag(tag);
            }
        }
        run.shrink_to_fit();
        Ok(run)
    }

    /// Writes the file that [`Run::read_trec`] reads, in rank order with every digit of the
    /// scores; it appears whole or not at all. `tag` names the system.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`] for an id or tag that is empty or holds white space, or a
    /// query id that starts with `#`; [`MetricsError::WriteFile`].
    pub fn write_trec(&self, path: impl AsRef<Path>, tag: &str) -> Result<(), MetricsError> {
        lines::write_file(path.as_ref(), |writer| self.write_trec_to(writer, tag))
    }

    /// [`Run::write_trec`] to any writer.
    ///
    /// # Errors
    /// [`MetricsError::UnwritableId`], [`MetricsError::Write`].
    pub fn write_trec_to(&self, mut writer: impl Write, tag: &str) -> Result<(), MetricsError> {
        check_trec_id(tag, false)?;
        for query in self.query_ids() {
            check_trec_id(query, true)?;
            for (rank, (doc, score)) in (1..).zip(self.ranking(query, ScorePrecision::F64)) {
                check_trec_id(doc, false)?;
                writeln!(writer, "{query} Q0 {doc} {rank} {score} {tag}")
                    .map_err(MetricsError::Write)?;
            }
        }
        Ok(())
    }
}

fn columns<'a>(line: &Line<'a>) -> Result<(&'a str, &'a str, f64, &'a str), MetricsError> {
    let mut parts = line.text.split_ascii_whitespace();
    let mut next = || parts.next();
    let (Some(query), Some(_), Some(doc), Some(_), Some(score), Some(tag)) =
        (next(), next(), next(), next(), next(), next())
    else {
        return Err(line.malformed(
            "query Q0 document rank score tag",
            line.text,
            "write six columns separated by spaces",
        ));
    };
    let number = score.parse().map_err(|_| {
        line.malformed("a number as the score", score, "write it with digits, as 12.5 or 1.25e1")
    })?;
    Ok((query, doc, number, tag))
}

/// Whether `id` survives a file whose columns are separated by white space. A line whose first
/// column (`leads_line`) starts with `#` would be read as a comment, or lose a byte order mark.
pub(crate) fn check_trec_id(id: &str, leads_line: bool) -> Result<(), MetricsError> {
    let splits = id.is_empty() || id.contains(|c: char| c.is_ascii_whitespace());
    if splits || (leads_line && id.starts_with(['#', '\u{feff}'])) {
        return Err(MetricsError::UnwritableId {
            id: id.to_owned(),
            format: "a TREC file",
            remedy: "rename it: ids must not be empty, hold white space or, for a query, start \
                     with '#'",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_column_and_trailing_words_do_not_count() {
        let text = "1\tQ0\tb\t1\t0.1\ttag\n1 Q0 a 2 3e-1 tag more junk\n# end\n";
        let run = Run::read_trec_from(text.as_bytes(), "run").unwrap();
        let ids: Vec<_> = run.ranking("1", ScorePrecision::F64).collect();
        assert_eq!(ids, [("a", 0.3), ("b", 0.1)]);
        assert_eq!(run.tag(), Some("tag"));
    }

    #[test]
    fn every_bad_line_is_named_with_its_remedy() {
        let cases = [
            ("1 Q0 d 1 0.5\n", "run, line 1: expected query Q0 document rank score tag"),
            ("1 Q0 d 1 high t\n", "line 1: expected a number as the score, got \"high\""),
            ("1 Q0 d 1 nan t\n", "line 1: document \"d\" of query \"1\" has the score NaN"),
            ("1 Q0 d 1 2 t\n1 Q0 d 2 1 t\n", "line 2: query \"1\" retrieves document \"d\" twice"),
        ];
        for (text, part) in cases {
            let message = Run::read_trec_from(text.as_bytes(), "run").unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
