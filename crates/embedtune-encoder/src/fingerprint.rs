//! Identity of a model.

use std::fmt::Write as _;

use embedtune_data::Fingerprint;
use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Parameters, directory::Directory};

/// Values that are made bytes at a time: they stay in the first cache until they are hashed.
const BLOCK: usize = 4096;
/// Values of a chunk, a part of a tensor that is hashed by one core. Part of the recipe.
const CHUNK: usize = 1 << 18;

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
    let tensors: Vec<_> = parameters.infos().iter().collect();
    let digests: Vec<_> =
        tensors.par_iter().map(|info| digest_of(parameters.values(info))).collect();
    for (info, digest) in tensors.iter().zip(digests) {
        hash.update(&info.name);
        hash.update(digest);
    }
    let mut text = String::from("em2-");
    for byte in &hash.finalize()[..16] {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Fingerprint(text)
}

/// SHA-256 over the SHA-256 of each chunk: chunks are hashed on all cores.
fn digest_of(values: &[f32]) -> [u8; 32] {
    let chunks: Vec<_> = values.par_chunks(CHUNK).map(digest_of_chunk).collect();
    let mut hash = Sha256::new();
    chunks.iter().for_each(|digest| hash.update(digest));
    hash.finalize().into()
}

fn digest_of_chunk(values: &[f32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut bytes = [0; 4 * BLOCK];
    for values in values.chunks(BLOCK) {
        let bytes = &mut bytes[..4 * values.len()];
        for (bytes, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
            *bytes = value.to_le_bytes();
        }
        hash.update(&*bytes);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The twin: one thread, all bytes at once.
    #[test]
    fn chunks_are_hashed_in_their_order() {
        for len in [0, 1, BLOCK - 1, BLOCK, CHUNK, CHUNK + 1, 2 * CHUNK + BLOCK + 3] {
            let values: Vec<f32> = (0..len).map(|at| at as f32 * 0.5 - 3.0).collect();
            let mut outer = Sha256::new();
            for chunk in values.chunks(CHUNK) {
                let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
                outer.update(Sha256::digest(bytes));
            }
            assert_eq!(digest_of(&values)[..], outer.finalize()[..], "{len}");
        }
    }

    #[test]
    fn every_value_and_its_place_counts() {
        let values: Vec<f32> = (0..CHUNK + 2).map(|at| at as f32).collect();
        let digest = digest_of(&values);
        for (a, b) in [(0, 1), (0, CHUNK), (CHUNK, CHUNK + 1)] {
            let mut other = values.clone();
            other.swap(a, b);
            assert_ne!(digest_of(&other), digest, "{a} and {b}");
        }
        assert_ne!(digest_of(&values[..CHUNK + 1]), digest);
    }
}
