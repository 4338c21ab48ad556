//! The Hugging Face cache: `blobs/` named by content, `snapshots/COMMIT/` of links into them, and
//! `refs/main` with the commit.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Directory of the newest whole snapshot in the cache entry `repository`.
pub(super) fn find(repository: &Path) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    if let Ok(commit) = fs::read_to_string(repository.join("refs").join("main")) {
        let path = snapshots.join(commit.trim());
        if is_whole(&path) {
            return Some(path);
        }
    }
    let mut others: Vec<PathBuf> =
        fs::read_dir(snapshots).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    others.sort();
    others.into_iter().find(|path| is_whole(path))
}

/// Whether a snapshot has what a model needs; Python libraries fetch single files too.
fn is_whole(snapshot: &Path) -> bool {
    let has = |name: &str| snapshot.join(name).is_file();
    has("config.json")
        && has("tokenizer.json")
        && (has("model.safetensors") || has("model.safetensors.index.json"))
}

/// A snapshot that is being filled. It is found only after [`Snapshot::publish`].
pub(super) struct Snapshot {
    repository: PathBuf,
    commit: String,
}

impl Snapshot {
    pub(super) fn new(repository: &Path, commit: &str) -> Self {
        Self { repository: repository.to_owned(), commit: commit.to_owned() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.repository.join("snapshots").join(&self.commit)
    }

    /// Where the content called `etag` is kept.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.repository.join("blobs").join(etag)
    }

    /// Makes `name` in the snapshot the content called `etag`.
    pub(super) fn link(&self, name: &str, etag: &str) -> Result<()> {
        let path = self.path().join(name);
        let context = || path.display().to_string();
        if path.exists() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(context)?;
        }
        // Relative links survive a move of the cache.
        let depth = 2 + name.matches('/').count();
        let target: PathBuf = std::iter::repeat_n("..", depth).chain(["blobs", etag]).collect();
        link_or_copy(&target, &self.blob(etag), &path).with_context(context)
    }

    /// Makes this the current snapshot.
    pub(super) fn publish(&self) -> Result<()> {
        let refs = self.repository.join("refs");
        let context = || refs.display().to_string();
        fs::create_dir_all(&refs).with_context(context)?;
        let staged = tempfile::NamedTempFile::new_in(&refs).with_context(context)?;
        fs::write(staged.path(), &self.commit).with_context(context)?;
        staged.persist(refs.join("main")).with_context(context)?;
        Ok(())
    }
}

#[cfg(unix)]
fn link_or_copy(target: &Path, _blob: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link_or_copy(_target: &Path, blob: &Path, path: &Path) -> std::io::Result<()> {
    fs::copy(blob, path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(snapshot: &Snapshot, names: &[&str]) {
        fs::create_dir_all(snapshot.blob("")).unwrap();
        for name in names {
            let etag = format!("etag-{}", name.replace('/', "-"));
            fs::write(snapshot.blob(&etag), name).unwrap();
            snapshot.link(name, &etag).unwrap();
        }
    }

    #[test]
    fn only_whole_snapshots_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::new(dir.path(), "abc");
        fill(&snapshot, &["config.json", "1_Pooling/config.json"]);
        snapshot.publish().unwrap();
        assert_eq!(find(dir.path()), None);
        fill(&snapshot, &["tokenizer.json", "model.safetensors"]);
        assert_eq!(find(dir.path()), Some(snapshot.path()));
        let nested = fs::read_to_string(snapshot.path().join("1_Pooling/config.json")).unwrap();
        assert_eq!(nested, "1_Pooling/config.json");
    }

    #[test]
    fn the_reference_decides_between_snapshots() {
        let dir = tempfile::tempdir().unwrap();
        for commit in ["aaa", "bbb"] {
            let snapshot = Snapshot::new(dir.path(), commit);
            fill(&snapshot, &["config.json", "tokenizer.json", "model.safetensors"]);
        }
        Snapshot::new(dir.path(), "bbb").publish().unwrap();
        assert!(find(dir.path()).unwrap().ends_with("bbb"));
        fs::remove_file(dir.path().join("refs/main")).unwrap();
        assert!(find(dir.path()).unwrap().ends_with("aaa"));
    }
}
