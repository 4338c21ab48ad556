//! Files and directories that appear whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::DataError;

/// A file under a temporary name beside its final one, until [`commit`](Self::commit) renames it.
/// Dropped before that, it is removed.
pub(crate) struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl AtomicFile {
    pub(crate) fn create(target: &Path) -> Result<Self, DataError> {
        let temporary = temporary_name(target);
        let file = File::create(&temporary).map_err(io_error(target))?;
        let writer = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(Self { target: target.to_owned(), temporary, writer })
    }

    /// Writes `value` and a line break.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), DataError> {
        let line = serde_json::to_string(value).expect("texts and finite numbers are JSON");
        self.line(&line)
    }

    /// Writes `line` and a line break.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), DataError> {
        let writer = self.writer.as_mut().expect("the writer is there until commit");
        writeln!(writer, "{line}").map_err(io_error(&self.target))
    }

    /// Makes the file durable under its final name.
    pub(crate) fn commit(mut self) -> Result<(), DataError> {
        let writer = self.writer.take().expect("commit consumes the file, so it comes once");
        let file = writer.into_inner().map_err(|error| error.into_error());
        file.and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.target))
            .map_err(io_error(&self.target))?;
        sync_parent(&self.target)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Some systems do not remove open files. After a commit there is nothing under this name.
        drop(self.writer.take());
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A directory under a temporary name beside its final one; see [`AtomicFile`].
pub(crate) struct AtomicDirectory {
    target: PathBuf,
    temporary: PathBuf,
}

impl AtomicDirectory {
    /// The final name must be free, or an empty directory.
    pub(crate) fn create(target: &Path) -> Result<Self, DataError> {
        let free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !free {
            return Err(DataError::Exists { path: target.to_owned() });
        }
        let temporary = temporary_name(target);
        fs::create_dir_all(&temporary).map_err(io_error(target))?;
        Ok(Self { target: target.to_owned(), temporary })
    }

    /// Where to write until then.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Moves the directory to its final name.
    pub(crate) fn commit(self) -> Result<(), DataError> {
        // A rename replaces an empty directory on Unix but not everywhere.
        let _ = fs::remove_dir(&self.target);
        fs::rename(&self.temporary, &self.target).map_err(io_error(&self.target))?;
        sync_parent(&self.target)
    }
}

impl Drop for AtomicDirectory {
    fn drop(&mut self) {
        // After a commit there is nothing under this name.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// `.NAME.PID.tmp` beside `target`: the same file system, so that a rename is atomic.
fn temporary_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    target.with_file_name(name)
}

/// Makes the rename itself durable. Only Unix opens directories as files.
fn sync_parent(target: &Path) -> Result<(), DataError> {
    if cfg!(unix) {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(parent).and_then(|file| file.sync_all()).map_err(io_error(parent))?;
    }
    Ok(())
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DataError + '_ {
    |source| DataError::Io { path: path.to_owned(), source }
}
