//! Files and directories that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use tempfile::TempDir;

use crate::TrainError;

/// Directories with this prefix are unfinished work of a run.
const STAGING: &str = ".checkpoint-";

/// Writes `bytes` to a new file, down to the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(TrainError::io(path))
}

/// Makes a file that was written through a temporary one readable to all, and durable.
pub(crate) fn finish(path: &Path) -> Result<(), TrainError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))
            .map_err(TrainError::io(path))?;
    }
    // Windows flushes what is open for writing only.
    File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(TrainError::io(path))
}

/// Replaces the file at `path`, or leaves it as it is.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let staged = staging(dir)?;
    let temporary = staged.path().join("new");
    write(&temporary, bytes)?;
    fs::rename(&temporary, path).map_err(TrainError::io(path))?;
    sync(dir)
}

/// A directory beside its final place, removed again unless it is [`publish`]ed.
pub(crate) fn staging(parent: &Path) -> Result<TempDir, TrainError> {
    fs::create_dir_all(parent).map_err(TrainError::io(parent))?;
    tempfile::Builder::new().prefix(STAGING).tempdir_in(parent).map_err(TrainError::io(parent))
}

/// Moves a finished directory to `target`, in the place of what may be there.
pub(crate) fn publish(staged: TempDir, target: &Path) -> Result<(), TrainError> {
    open_to_all(staged.path())?;
    sync(staged.path())?;
    remove(target)?;
    let staged = staged.keep();
    fs::rename(&staged, target).map_err(|source| {
        let _ = fs::remove_dir_all(&staged);
        TrainError::Io { path: target.to_owned(), source }
    })?;
    sync(target.parent().unwrap_or(Path::new(".")))
}

/// Removes a directory, which is never seen half there under its name.
pub(crate) fn remove(dir: &Path) -> Result<(), TrainError> {
    let parent = dir.parent().unwrap_or(Path::new("."));
    match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(TrainError::Io { path: dir.to_owned(), source }),
        Ok(_) => {
            let trash = staging(parent)?;
            fs::rename(dir, trash.path().join("old")).map_err(TrainError::io(dir))?;
            trash.close().map_err(TrainError::io(dir))
        }
    }
}

/// Removes what a run that was killed left unfinished in `dir`.
pub(crate) fn sweep(dir: &Path) -> Result<(), TrainError> {
    for entry in fs::read_dir(dir).map_err(TrainError::io(dir))? {
        let entry = entry.map_err(TrainError::io(dir))?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            let path = entry.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(TrainError::io(&path))?;
        }
    }
    Ok(())
}

/// Temporary directories are private; a model is meant to be read by a server.
fn open_to_all(dir: &Path) -> Result<(), TrainError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).map_err(TrainError::io(dir))?;
    }
    Ok(())
}

/// Makes the entries of a directory durable. Only Unix opens directories as files.
fn sync(dir: &Path) -> Result<(), TrainError> {
    if cfg!(unix) {
        File::open(dir).and_then(|file| file.sync_all()).map_err(TrainError::io(dir))?;
    }
    Ok(())
}
