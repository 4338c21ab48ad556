//! Temporary folders, and the real model and data that some tests use.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// An empty folder that is removed when the value is dropped.
///
/// # Panics
/// If it cannot be made.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new().prefix("embedtune-test-").tempdir().unwrap()
}

/// A temporary copy of a fixture folder, which a test may damage.
///
/// # Panics
/// If a file cannot be copied.
pub fn copy_dir(from: impl AsRef<Path>) -> TempDir {
    let to = temp_dir();
    copy_into(from.as_ref(), to.path());
    to
}

/// The real model's directory from `EMBEDTUNE_TEST_MODEL`; `None`, with a line that says that the
/// test skips, if it is unset.
pub fn test_model() -> Option<PathBuf> {
    directory("EMBEDTUNE_TEST_MODEL")
}

/// The real datasets' directory from `EMBEDTUNE_TEST_DATA`; `None`, with a line that says that
/// the test skips, if it is unset.
pub fn test_data() -> Option<PathBuf> {
    directory("EMBEDTUNE_TEST_DATA")
}

fn directory(variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{test}: skipped, {variable} is unset");
    }
    path
}

fn copy_into(from: &Path, to: &Path) {
    let entries = fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    for entry in entries {
        let source = entry.unwrap().path();
        let target = to.join(source.file_name().unwrap());
        if source.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_nested_files() {
        let from = temp_dir();
        fs::create_dir(from.path().join("a")).unwrap();
        fs::write(from.path().join("a/b.txt"), "b").unwrap();
        let copy = copy_dir(from.path());
        assert_eq!(fs::read_to_string(copy.path().join("a/b.txt")).unwrap(), "b");
    }
}
