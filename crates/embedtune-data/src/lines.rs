//! Numbered lines of a UTF-8 file.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{DataError, Place};

/// UTF-8's byte order mark, which some editors put first.
pub(crate) const BOM: &str = "\u{feff}";

/// Bytes of a file, or of whatever stands for one.
pub(crate) type Input = Box<dyn BufRead + Send>;

/// Opens `path`; `remedy` says what to do when it is not there.
pub(crate) fn open(path: &Path, remedy: &'static str) -> Result<Input, DataError> {
    let file = File::open(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => DataError::Missing { path: path.to_owned(), remedy },
        _ => DataError::Io { path: path.to_owned(), source },
    })?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// Reads a file line by line, without a byte order mark and without blank lines.
pub(crate) struct Lines {
    path: PathBuf,
    reader: Input,
    number: u64,
    /// Bytes of the lines read so far, and their hash where it is kept.
    bytes: u64,
    hash: Option<Box<Xxh3Default>>,
}

impl Lines {
    pub(crate) fn open(path: &Path, remedy: &'static str) -> Result<Self, DataError> {
        Ok(Self::new(path, open(path, remedy)?))
    }

    /// Reads from `reader`; `path` stands for it in errors.
    pub(crate) fn new(path: &Path, reader: Input) -> Self {
        Self { path: path.to_owned(), reader, number: 0, bytes: 0, hash: None }
    }

    /// Keeps a hash of all bytes read from now on.
    pub(crate) fn hashed(mut self) -> Self {
        self.hash = Some(Box::default());
        self
    }

    /// Bytes read so far, line ends included.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// XXH3 (128 bits) of the bytes read so far; 0 if none is kept.
    pub(crate) fn digest(&self) -> u128 {
        self.hash.as_ref().map_or(0, |hash| hash.digest128())
    }

    /// Place of the line read last.
    pub(crate) fn place(&self) -> Place {
        Place::line(&self.path, self.number)
    }

    /// Passes over a line, whatever is in it; says whether there was one.
    pub(crate) fn skip(&mut self) -> Result<bool, DataError> {
        Ok(!self.read()?.is_empty())
    }

    /// Bytes of the next line, none at the end.
    fn read(&mut self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let read = self
            .reader
            .read_until(b'\n', &mut bytes)
            .map_err(|source| DataError::Io { path: self.path.clone(), source })?;
        self.number += u64::from(read > 0);
        self.bytes += read as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes);
        }
        Ok(bytes)
    }

    /// Next line that is not blank, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<String>, DataError> {
        loop {
            let bytes = self.read()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let mut line =
                String::from_utf8(bytes).map_err(|_| DataError::NotUtf8 { at: self.place() })?;
            if self.number == 1 && line.starts_with(BOM) {
                line.drain(..BOM.len());
            }
            line.truncate(line.trim_end_matches(['\n', '\r']).len());
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}
