//! Reading text records line by line in bounded memory, and writing files whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::MetricsError;

/// No id is this long; a longer line means that the file is something else.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// How much of a bad line an error quotes, in characters.
const QUOTE_CHARS: usize = 80;

/// Lines of a named input: counted from 1, UTF-8, without a byte order mark and line ends.
pub(crate) struct Lines<'n, R> {
    reader: R,
    name: &'n str,
    number: usize,
    buffer: Vec<u8>,
}

impl<'n, R: BufRead> Lines<'n, R> {
    pub(crate) fn new(reader: R, name: &'n str) -> Self {
        Self { reader, name, number: 0, buffer: Vec::new() }
    }

    /// The next line with its place, or `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, MetricsError> {
        self.buffer.clear();
        self.number += 1;
        // One more than the limit, and its line end, tells a long line from a longest one.
        let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 2);
        let read = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| MetricsError::Read { file: self.name.to_owned(), source })?;
        if read == 0 {
            return Ok(None);
        }
        let bytes = strip(&self.buffer, self.number == 1);
        if bytes.len() > MAX_LINE_BYTES {
            return Err(MetricsError::LineTooLong {
                file: self.name.to_owned(),
                line: self.number,
                limit: MAX_LINE_BYTES,
            });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| MetricsError::NotUtf8 { file: self.name.to_owned(), line: self.number })?;
        Ok(Some(Line { text, file: self.name, number: self.number }))
    }
}

/// Removes the line end, and the byte order mark that some editors put before the first line.
fn strip(line: &[u8], first: bool) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if first { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line }
}

/// One line and where it stands.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    file: &'a str,
    number: usize,
}

impl Line<'_> {
    /// This line does not have the shape that the format asks for.
    pub(crate) fn malformed(
        &self,
        expected: &'static str,
        got: &str,
        remedy: &'static str,
    ) -> MetricsError {
        MetricsError::Malformed {
            file: self.file.to_owned(),
            line: self.number,
            expected,
            got: quote(got),
            remedy,
        }
    }

    /// Adds this place to a problem that was found in the record.
    pub(crate) fn at(&self, problem: MetricsError) -> MetricsError {
        MetricsError::AtLine {
            file: self.file.to_owned(),
            line: self.number,
            problem: Box::new(problem),
        }
    }
}

fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Opens `path` for [`Lines`].
pub(crate) fn open(path: &Path) -> Result<BufReader<File>, MetricsError> {
    let file = File::open(path)
        .map_err(|source| MetricsError::Read { file: path.display().to_string(), source })?;
    Ok(BufReader::new(file))
}

/// Writes `path` through a temporary neighbour, so that a full disk leaves no half of a file.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), MetricsError>,
) -> Result<(), MetricsError> {
    let temporary = temporary_neighbour(path);
    let outcome = write_and_rename(path, &temporary, write);
    if outcome.is_err() {
        // The first error is the one worth reporting; the neighbour may not even exist.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome
}

fn write_and_rename(
    path: &Path,
    temporary: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), MetricsError>,
) -> Result<(), MetricsError> {
    let failed = |source| MetricsError::WriteFile { path: path.to_owned(), source };
    let mut writer = BufWriter::new(File::create(temporary).map_err(failed)?);
    write(&mut writer).map_err(|error| match error {
        MetricsError::Write(source) => failed(source),
        other => other,
    })?;
    writer.flush().map_err(failed)?;
    writer.get_ref().sync_all().map_err(failed)?;
    std::fs::rename(temporary, path).map_err(failed)
}

fn temporary_neighbour(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<Vec<String>, MetricsError> {
        let mut lines = Lines::new(bytes, "memory");
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push(line.text.to_owned());
        }
        Ok(all)
    }

    #[test]
    fn strips_mark_and_line_ends_and_keeps_the_last_line() {
        assert_eq!(read_all("\u{feff}a\r\nb\n\nc".as_bytes()).unwrap(), ["a", "b", "", "c"]);
        assert!(read_all(b"").unwrap().is_empty());
    }

    #[test]
    fn names_the_line_that_is_not_text() {
        let error = read_all(b"fine\n\xff\xfe\n").unwrap_err();
        assert_eq!(error.to_string(), "memory, line 2: not UTF-8 text; convert the file to UTF-8");
    }

    #[test]
    fn stops_at_an_endless_line_without_reading_it_all() {
        let endless = std::io::repeat(b'x');
        let mut lines = Lines::new(BufReader::new(endless), "endless");
        assert!(matches!(lines.next_line(), Err(MetricsError::LineTooLong { line: 1, .. })));
        assert_eq!(read_all(&vec![b'x'; MAX_LINE_BYTES]).unwrap()[0].len(), MAX_LINE_BYTES);
    }

    #[test]
    fn quotes_only_the_start_of_a_long_line() {
        assert_eq!(quote("short"), "short");
        assert_eq!(quote(&"é".repeat(200)).chars().count(), QUOTE_CHARS + 1);
    }
}
