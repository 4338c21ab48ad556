//! Identity of the files of a data set.

use std::{fs::File, io::Read, path::Path};

use xxhash_rust::xxh3::Xxh3Default;

use crate::{DataError, TextHash, atomic::io_error, beir::files};

/// Hash over the bytes of the data at `path`: of a file, or of the files that
/// [`BeirData::open`](crate::BeirData::open) reads of a directory, with their names. What was found
/// out about data can be kept under it: the same hash is the same data, wherever it lies.
///
/// # Errors
/// If a file cannot be read.
pub fn content_hash(path: impl AsRef<Path>) -> Result<TextHash, DataError> {
    let path = path.as_ref();
    let mut hash = Xxh3Default::default();
    if path.is_dir() {
        for (name, file) in files(path) {
            hash.update(name.as_bytes());
            let bytes = add(&file, &mut hash)?;
            // Lengths keep the end of one file from being the beginning of the next.
            hash.update(&bytes.to_le_bytes());
        }
    } else {
        add(path, &mut hash)?;
    }
    Ok(TextHash(hash.digest128()))
}

/// Adds a file and returns its length in bytes.
fn add(path: &Path, hash: &mut Xxh3Default) -> Result<u64, DataError> {
    let mut file = File::open(path).map_err(io_error(path))?;
    let (mut buffer, mut total) = (vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer).map_err(io_error(path))? {
            0 => return Ok(total),
            count => {
                hash.update(&buffer[..count]);
                total += count as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_and_nothing_else_counts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let hash = || content_hash(folder.path()).unwrap();
        for name in ["corpus.jsonl", "queries.jsonl", "qrels/train.tsv"] {
            write(name, "ab");
        }
        let mut seen = vec![hash()];
        write("notes.txt", "not read");
        assert_eq!(hash(), seen[0]);
        for (name, bytes) in [
            ("qrels/valid.tsv", ""),
            ("qrels/test.tsv", "ab"),
            ("corpus.jsonl", "a"),
            ("corpus.jsonl", "abab"),
            ("queries.jsonl", ""),
        ] {
            write(name, bytes);
            assert!(!seen.contains(&hash()), "{name} = {bytes}");
            seen.push(hash());
        }
        let file = folder.path().join("notes.txt");
        assert_eq!(content_hash(&file).unwrap(), TextHash::of("not read"));
        assert!(content_hash(folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
