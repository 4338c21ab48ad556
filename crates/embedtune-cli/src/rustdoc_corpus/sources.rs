//! Where cargo keeps the sources of the crates that this program was built from.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use super::scan::{self, Item};

/// `name version` of each crate in the lock file that this program was built with.
const CRATES: &str = include_str!(concat!(env!("OUT_DIR"), "/crates.txt"));
/// Larger files are tables or generated bindings.
const MAX_FILE_BYTES: u64 = 400_000;

/// A crate whose sources are on this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CrateSource {
    /// Name of the package.
    pub(super) name: String,
    /// Its directory.
    pub(super) path: PathBuf,
}

/// Sources of the crates that this program was built from, by name; of several versions the last
/// in the lock file.
pub(super) fn find() -> Result<Vec<CrateSource>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let registry = home.unwrap_or_default().join("registry").join("src");
    let found = find_in(&registry, CRATES);
    if found.is_empty() {
        bail!(
            "{}: cargo keeps no crate sources here; set CARGO_HOME, or give your own data with \
             --data DIR",
            registry.display()
        );
    }
    Ok(found)
}

fn find_in(registry: &Path, crates: &str) -> Vec<CrateSource> {
    let mut indexes: Vec<PathBuf> = entries(registry);
    indexes.sort();
    let mut found: Vec<CrateSource> = Vec::new();
    for line in crates.lines() {
        let Some((name, version)) = line.split_once(' ') else { continue };
        let path = indexes.iter().map(|index| index.join(format!("{name}-{version}")));
        let Some(path) = path.into_iter().find(|path| path.is_dir()) else { continue };
        found.retain(|source| source.name != name);
        found.push(CrateSource { name: name.to_owned(), path });
    }
    found.sort();
    found
}

impl CrateSource {
    /// Its public documented items, with paths from the crate's name on.
    pub(super) fn items(&self) -> Vec<Item> {
        let src = self.path.join("src");
        let root = self.name.replace('-', "_");
        let mut files = Vec::new();
        collect(&src, &mut files);
        files.sort();
        let mut items = Vec::new();
        for file in files {
            let Ok(source) = fs::read_to_string(&file) else { continue };
            if is_generated(&source) {
                continue;
            }
            let module = module_path(file.strip_prefix(&src).unwrap_or(&file));
            for item in scan::items(&source) {
                let parts = [root.as_str(), &module, &item.path];
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                items.push(Item { path: parts.join("::"), ..item });
            }
        }
        items
    }
}

/// `a::b` of `a/b.rs` and of `a/b/mod.rs`; nothing of `lib.rs`.
fn module_path(file: &Path) -> String {
    let without = file.with_extension("");
    let mut parts: Vec<&str> =
        without.components().filter_map(|part| part.as_os_str().to_str()).collect();
    if parts.last() == Some(&"mod") || parts == ["lib"] || parts == ["main"] {
        parts.pop();
    }
    parts.join("::")
}

fn is_generated(source: &str) -> bool {
    let end = source.char_indices().nth(600).map_or(source.len(), |(index, _)| index);
    let head = source[..end].to_ascii_lowercase();
    ["@generated", "automatically generated", "bindgen", "do not edit"]
        .iter()
        .any(|mark| head.contains(mark))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(directory) {
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default();
            if name != "tests" && name != "benches" && name != "bin" {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && fs::metadata(&path).is_ok_and(|data| data.len() <= MAX_FILE_BYTES)
        {
            files.push(path);
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_is_built_in() {
        assert!(CRATES.lines().any(|line| line.starts_with("serde ")), "{CRATES}");
    }

    #[test]
    fn items_get_the_path_of_their_file() {
        let registry = tempfile::tempdir().unwrap();
        let src = registry.path().join("index/my-crate-1.0.0/src");
        fs::create_dir_all(src.join("a")).unwrap();
        fs::create_dir_all(src.join("tests")).unwrap();
        let doc = "/// Does a thing with things.\npub fn";
        for (file, name) in
            [("lib.rs", "x"), ("a/mod.rs", "y"), ("a/b.rs", "z"), ("tests/t.rs", "t")]
        {
            fs::write(src.join(file), format!("{doc} {name}() {{}}")).unwrap();
        }
        fs::write(src.join("c.rs"), format!("// @generated\n{doc} g() {{}}")).unwrap();
        let found = find_in(registry.path(), "my-crate 0.9.0\nmy-crate 1.0.0\nother 1.0.0\n");
        assert_eq!(found.len(), 1);
        let mut paths: Vec<String> = found[0].items().into_iter().map(|item| item.path).collect();
        paths.sort();
        assert_eq!(paths, ["my_crate::a::b::z", "my_crate::a::y", "my_crate::x"]);
    }
}
