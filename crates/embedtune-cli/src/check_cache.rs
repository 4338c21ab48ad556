//! What was found out about data, kept from one run to the next.
//!
//! An entry is named after everything that its value depends on, so it is never out of date; one
//! that is damaged, or cannot be read or written, is as good as none. Removing the folder is always
//! safe.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{model_source::SourceSettings, output};

/// A folder of small files, or nothing where there is no place for one.
#[derive(Debug, Clone)]
pub(crate) struct CheckCache {
    folder: Option<PathBuf>,
}

impl CheckCache {
    /// The cache of this user.
    pub(crate) fn from_env() -> Self {
        let SourceSettings { own_cache, .. } = SourceSettings::from_env();
        // Without a home, names are relative, and a working directory is no place for a cache.
        let folder = own_cache.parent().filter(|folder| folder.is_absolute());
        Self { folder: folder.map(|folder| folder.join("checks")) }
    }

    /// What was kept under `key`; else what `make` makes, which is kept.
    pub(crate) fn get_or<T: Serialize + DeserializeOwned, E>(
        &self,
        key: &Key,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let path = self.folder.as_deref().map(|folder| folder.join(&key.0));
        if let Some(value) = path.as_deref().and_then(read) {
            tracing::info!("data was checked before: {}", key.0);
            return Ok(value);
        }
        let value = make()?;
        if let Some(path) = path
            && let Err(error) = write(&path, &value)
        {
            tracing::info!("cannot keep what was found out: {error:#}");
        }
        Ok(value)
    }
}

/// Name of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// Of a value called `kind` that depends on `parts`, in this order, and on this version of the
    /// program.
    pub(crate) fn new(kind: &str, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut hash = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION").as_bytes(), kind.as_bytes()] {
            hash.update(Sha256::digest(part));
        }
        for part in parts {
            hash.update(Sha256::digest(part));
        }
        Self(format!("{kind}-{}.json", hex(&hash.finalize()[..16])))
    }
}

/// The first line is the SHA-256 of the rest.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    let (checksum, json) = text.split_once('\n')?;
    if checksum != hex(&Sha256::digest(json)) {
        return None;
    }
    serde_json::from_str(json).ok()
}

fn write(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let json = serde_json::to_string(value)?;
    output::write_file(path, |writer| {
        write!(writer, "{}\n{json}", hex(&Sha256::digest(&json)))?;
        Ok(())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn get(cache: &CheckCache, key: &Key, fresh: u32) -> u32 {
        cache.get_or(key, || Ok::<u32, Infallible>(fresh)).unwrap()
    }

    #[test]
    fn a_value_is_made_once_and_again_when_its_entry_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CheckCache { folder: Some(folder.path().join("checks")) };
        let key = Key::new("check", ["data"]);
        assert_eq!([1, 2, 3].map(|fresh| get(&cache, &key, fresh)), [1, 1, 1]);
        let path = folder.path().join("checks").join(&key.0);
        let whole = fs::read(&path).unwrap();
        let mut other = whole.clone();
        *other.last_mut().unwrap() = b'7';
        for damaged in [&whole[..10], &other, b"\xff\xfe", b""] {
            fs::write(&path, damaged).unwrap();
            assert_eq!([4, 5].map(|fresh| get(&cache, &key, fresh)), [4, 4]);
        }
    }

    #[test]
    fn other_keys_are_other_entries() {
        let keys = [
            Key::new("check", ["ab", "c"]),
            Key::new("check", ["a", "bc"]),
            Key::new("check", ["ab"]),
            Key::new("lengths", ["ab"]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{key:?}");
        }
    }

    #[test]
    fn without_a_place_everything_still_works() {
        let cache = CheckCache { folder: None };
        let key = Key::new("check", ["data"]);
        assert_eq!([1, 2].map(|fresh| get(&cache, &key, fresh)), [1, 2]);
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = CheckCache { folder: Some(file.path().join("below-a-file")) };
        assert_eq!([1, 2].map(|fresh| get(&cache, &key, fresh)), [1, 2]);
    }
}
