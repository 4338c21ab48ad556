//! Weights of models whose bytes are known must be those bytes, whatever way they came.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::{DEFAULT_MODEL, ModelId};

/// Model id and SHA-256 of its `model.safetensors`.
const KNOWN: &[(&str, &str)] =
    &[(DEFAULT_MODEL, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")];

/// Checks the weights in `dir` if `id` is a known model.
pub(super) fn verify(id: &ModelId, dir: &Path) -> Result<()> {
    let Some((_, expected)) = KNOWN.iter().find(|(known, _)| *known == id.0) else {
        return Ok(());
    };
    let path = dir.join("model.safetensors");
    let got = sha256(&path)?;
    if got != *expected {
        bail!(
            "{}: not the weights of {id}: SHA-256 is {got}, expected {expected}; remove this \
             directory and run the command again",
            path.display()
        );
    }
    Ok(())
}

/// SHA-256 of a file, in lowercase hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String> {
    let context = || path.display().to_string();
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).with_context(context)?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer).with_context(context)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_under_a_known_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("model.safetensors"), "abc").unwrap();
        // SHA-256 test vector of FIPS 180-4 for "abc".
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let id = ModelId(DEFAULT_MODEL.to_owned());
        let error = verify(&id, dir.path()).unwrap_err().to_string();
        assert!(error.contains(digest) && error.contains("remove"), "{error}");
        verify(&ModelId("other/model".to_owned()), dir.path()).unwrap();
    }
}
