//! Files that appear whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Writes the file `path` through `write` under a temporary name beside it, forces it to disk and
/// renames it: after a crash at any moment `path` is the old file or the whole new one.
///
/// # Errors
/// Those of the file system and of `write`; the temporary file is then removed.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_name(path)?;
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .and_then(|file| {
            let mut writer = BufWriter::with_capacity(1 << 16, file);
            write(&mut writer)?;
            writer.flush()?;
            writer.get_ref().sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What matters is the first error.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_folder(path)
}

/// Beside the target, so that the rename stays in one file system, and named after the process, so
/// that two of them never share it.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(format!(".tmp-{}-", std::process::id()));
    temporary.push(name);
    Ok(path.with_file_name(temporary))
}

/// Makes a rename durable. Only Unix can open a folder.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) { File::open(folder.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}
