//! What makes two runs the same run: resuming anything else is refused.

use std::collections::BTreeMap;

use embedtune_data::Dataset;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::config::plain;

/// Settings that do not change a single weight, so a resumed run may have others.
const FREE: [&str; 5] =
    ["output_dir", "checkpoint_every", "checkpoint_limit", "log_every", "gradient_caching"];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) config: Map<String, Value>,
    /// Settings that the trainer does not see itself.
    pub(crate) settings: BTreeMap<String, String>,
    /// Hash over rows and texts.
    pub(crate) dataset: String,
    /// Fingerprint of the model before the first step.
    pub(crate) model: String,
    /// Values that are trained.
    pub(crate) trained_values: usize,
    /// Engines agree but for rounding.
    pub(crate) engine: String,
    pub(crate) loss: String,
    /// Hash over the batches of the first epoch.
    pub(crate) batches: String,
    pub(crate) total_steps: u64,
}

impl Identity {
    /// The first difference: what, here, there.
    pub(crate) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let facts = |id: &Self| -> Vec<(String, String)> {
            let fixed = |(name, _): &(&String, &Value)| !FREE.contains(&name.as_str());
            let config = id.config.iter().filter(fixed);
            let config = config.map(|(name, value)| (name.clone(), plain(value)));
            let settings = id.settings.iter().map(|(name, value)| (name.clone(), value.clone()));
            let hashes = [
                ("the loss", id.loss.clone()),
                ("the engine", id.engine.clone()),
                ("the base model", id.model.clone()),
                ("the dataset", id.dataset.clone()),
                ("the sampler's batches", id.batches.clone()),
                ("the number of trained values", id.trained_values.to_string()),
                ("the number of steps", id.total_steps.to_string()),
            ];
            let hashes = hashes.map(|(name, value)| (name.to_owned(), value));
            config.chain(settings).chain(hashes).collect()
        };
        let (here, there) = (facts(self), BTreeMap::from_iter(facts(other)));
        let absent = || "not set".to_owned();
        here.into_iter().find_map(|(what, mine)| {
            let theirs = there.get(&what).cloned().unwrap_or_else(absent);
            (mine != theirs).then_some((what, mine, theirs))
        })
    }
}

/// Hash over rows, texts, labels and what is known to be relevant.
pub(crate) fn dataset_hash(dataset: &Dataset) -> String {
    let mut hash = Sha256::new();
    let text = |id| dataset.texts.hash(id).0.to_le_bytes();
    for row in &dataset.rows {
        hash.update((row.negatives.len() as u64).to_le_bytes());
        row.texts().for_each(|id| hash.update(text(id)));
        hash.update(row.label.map_or([0xFF; 4], f32::to_le_bytes));
    }
    let mut known: Vec<_> =
        dataset.known_pairs().map(|(anchor, document)| (text(anchor), text(document))).collect();
    known.sort_unstable();
    for (anchor, document) in known {
        hash.update(anchor);
        hash.update(document);
    }
    format!("{:x}", hash.finalize())
}
