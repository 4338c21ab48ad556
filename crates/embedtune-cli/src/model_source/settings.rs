//! Where models are cached and fetched from, by the environment variables of `huggingface_hub`.

use std::path::PathBuf;

/// Caches, hub and whether it may be asked.
#[derive(Debug, Clone)]
pub(crate) struct SourceSettings {
    /// Cache that is shared with the Python libraries.
    pub(crate) hub_cache: PathBuf,
    /// Cache of this program, for what does not come from the hub.
    pub(crate) own_cache: PathBuf,
    /// Address of the hub, without a slash at the end.
    pub(crate) endpoint: String,
    /// Never ask the network.
    pub(crate) offline: bool,
    /// Access token for private models.
    pub(crate) token: Option<String>,
}

impl SourceSettings {
    /// Settings of this process's environment.
    pub(crate) fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Self {
        let directory = |name: &str| get(name).map(PathBuf::from);
        let home = directory("HOME").or_else(|| directory("USERPROFILE")).unwrap_or_default();
        let caches = directory("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
        let hub_home = directory("HF_HOME").unwrap_or_else(|| caches.join("huggingface"));
        let flag = |name: &str| {
            get(name).is_some_and(|value| {
                ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
            })
        };
        Self {
            hub_cache: directory("HF_HUB_CACHE")
                .or_else(|| directory("HUGGINGFACE_HUB_CACHE"))
                .unwrap_or_else(|| hub_home.join("hub")),
            own_cache: caches.join("embedtune").join("models"),
            endpoint: get("HF_ENDPOINT")
                .unwrap_or_else(|| "https://huggingface.co".to_owned())
                .trim_end_matches('/')
                .to_owned(),
            offline: flag("HF_HUB_OFFLINE") || flag("TRANSFORMERS_OFFLINE"),
            token: get("HF_TOKEN"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> SourceSettings {
        SourceSettings::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_are_those_of_the_python_library() {
        let found = settings(&[("HOME", "/home/a")]);
        assert_eq!(found.hub_cache, Path::new("/home/a/.cache/huggingface/hub"));
        assert_eq!(found.own_cache, Path::new("/home/a/.cache/embedtune/models"));
        assert_eq!(found.endpoint, "https://huggingface.co");
        assert!(!found.offline);
    }

    #[test]
    fn the_nearest_variable_wins() {
        let home = ("HOME", "/home/a");
        let found = settings(&[home, ("XDG_CACHE_HOME", "/c")]);
        assert_eq!(found.hub_cache, Path::new("/c/huggingface/hub"));
        let found = settings(&[home, ("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/h")]);
        assert_eq!(found.hub_cache, Path::new("/h/hub"));
        let found = settings(&[home, ("HF_HOME", "/h"), ("HF_HUB_CACHE", "/hub")]);
        assert_eq!(found.hub_cache, Path::new("/hub"));
        let found = settings(&[("HF_ENDPOINT", "https://mirror/"), ("HF_HUB_OFFLINE", "true")]);
        assert_eq!((found.endpoint.as_str(), found.offline), ("https://mirror", true));
    }
}
