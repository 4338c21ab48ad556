//! One file of an embedding store.
//!
//! Little-endian: the magic, `dim` and `rows` as u64; `rows` hashes of 16 bytes; `rows × dim`
//! f32 values; the SHA-256 of all before it.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use embedtune_data::TextHash;
use ndarray::ArrayView2;
use sha2::{Digest, Sha256};

use super::at;
use crate::{IndexError, ShardDamage, write_atomically};

const MAGIC: [u8; 8] = *b"EMBTUNE1";
const HEADER: u64 = 24;
const HASH: u64 = 16;
const CHECKSUM: u64 = 32;

/// A verified shard, open for reading.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    file: Mutex<File>,
    /// Where the values begin.
    values: u64,
}

impl Shard {
    /// Verifies the shard and returns it with the hashes of its rows.
    pub(super) fn open(path: &Path, dim: usize) -> Result<(Self, Vec<TextHash>), IndexError> {
        let damaged = |damage| IndexError::DamagedShard { path: path.to_owned(), damage };
        let mut file = File::open(path).map_err(at(path))?;
        let length = file.metadata().map_err(at(path))?.len();
        let mut reader =
            Hashing { file: BufReader::with_capacity(1 << 18, &mut file), sha: Sha256::new() };

        let mut header = [0; HEADER as usize];
        if length < HEADER + CHECKSUM {
            return Err(damaged(ShardDamage::Length { expected: HEADER + CHECKSUM, got: length }));
        }
        reader.read(&mut header).map_err(at(path))?;
        if header[..8] != MAGIC {
            return Err(damaged(ShardDamage::Magic));
        }
        let number =
            |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        let (shard_dim, rows) = (number(8), number(16));
        if shard_dim != dim as u64 {
            let (expected, got) = (dim, shard_dim as usize);
            return Err(damaged(ShardDamage::Dimension { expected, got }));
        }
        let row = HASH + 4 * shard_dim;
        let expected = rows.saturating_mul(row).saturating_add(HEADER + CHECKSUM);
        if length != expected {
            return Err(damaged(ShardDamage::Length { expected, got: length }));
        }

        let mut hashes = Vec::with_capacity(rows as usize);
        for _ in 0..rows {
            let mut hash = [0; HASH as usize];
            reader.read(&mut hash).map_err(at(path))?;
            hashes.push(TextHash(u128::from_le_bytes(hash)));
        }
        let checksum = reader.finish(rows * 4 * shard_dim).map_err(at(path))?;
        if !checksum {
            return Err(damaged(ShardDamage::Checksum));
        }
        let values = HEADER + rows * HASH;
        Ok((Self { path: path.to_owned(), file: Mutex::new(file), values }, hashes))
    }

    /// Reads row `row` into `vector` `(dim)`.
    pub(super) fn read(&self, row: u32, vector: &mut [f32]) -> Result<(), IndexError> {
        let mut bytes = vec![0; 4 * vector.len()];
        let from = self.values + u64::from(row) * bytes.len() as u64;
        // A panic elsewhere cannot leave a file in a state that a seek does not repair.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(at(&self.path))?;
        for (value, bytes) in vector.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}

/// Whether a file of this name is a shard, not a manifest or a leftover of a crash.
pub(super) fn is_shard_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("shard-") && name.ends_with(".vectors"))
}

/// Writes a shard of `vectors` `(hashes.len(), dim)`, named after its checksum, and returns its
/// path.
pub(super) fn write(
    folder: &Path,
    hashes: &[TextHash],
    vectors: ArrayView2<'_, f32>,
) -> Result<PathBuf, IndexError> {
    let mut bytes = Vec::with_capacity(
        HEADER as usize + hashes.len() * (HASH as usize + 4 * vectors.ncols()) + CHECKSUM as usize,
    );
    bytes.extend(MAGIC);
    bytes.extend((vectors.ncols() as u64).to_le_bytes());
    bytes.extend((hashes.len() as u64).to_le_bytes());
    hashes.iter().for_each(|hash| bytes.extend(hash.0.to_le_bytes()));
    vectors.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);

    let name: String = checksum[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(format!("shard-{name}.vectors"));
    write_atomically(&path, |file| file.write_all(&bytes)).map_err(at(&path))?;
    Ok(path)
}

/// Reads a file and hashes what it read.
struct Hashing<R> {
    file: R,
    sha: Sha256,
}

impl<R: Read> Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact(bytes)?;
        self.sha.update(bytes);
        Ok(())
    }

    /// Reads `left` more bytes and then the checksum; says whether it is right.
    fn finish(mut self, mut left: u64) -> io::Result<bool> {
        let mut block = vec![0; 1 << 18];
        while left > 0 {
            let part = left.min(block.len() as u64) as usize;
            self.read(&mut block[..part])?;
            left -= part as u64;
        }
        let mut expected = [0; CHECKSUM as usize];
        self.file.read_exact(&mut expected)?;
        Ok(self.sha.finalize()[..] == expected)
    }
}
