//! Identity of a model.

use std::fmt::Write as _;

use embedtune_data::Fingerprint;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Parameters, directory::Directory};

/// Values that are made bytes at a time: they stay in the first cache until they are hashed.
const BLOCK: usize = 4096;

/// SHA-256 over everything that a vector depends on, cut to 128 bits; the prefix names and
/// versions the recipe.
pub(crate) fn of(directory: &Directory, parameters: &Parameters) -> Fingerprint {
    let spec = &directory.spec;
    let mut hash = Sha256::new();
    let settings = json!({
        "pooling": spec.head.pooling,
        "include_prompt": spec.head.include_prompt,
        "steps": format!("{:?}", spec.head.steps),
        "transformer": format!("{:?}", spec.transformer),
        "max_seq_len": directory.max_seq_len,
        "lowercase": directory.lowercase,
        "prompts": directory.prompts,
        "default_prompt": directory.default_prompt,
    });
    hash.update(settings.to_string());
    hash.update(directory.tokenizer.json());
    let mut bytes = vec![0; 4 * BLOCK];
    for info in parameters.infos() {
        hash.update(&info.name);
        for values in parameters.values(info).chunks(BLOCK) {
            let bytes = &mut bytes[..4 * values.len()];
            for (bytes, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                *bytes = value.to_le_bytes();
            }
            hash.update(&*bytes);
        }
    }
    let mut text = String::from("em1-");
    for byte in &hash.finalize()[..16] {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Fingerprint(text)
}
