//! Vectors on disk, by the hash of their text.

mod shard;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use embedtune_data::{Fingerprint, Role, TextHash};
use serde::{Deserialize, Serialize};

use self::shard::Shard;
use crate::{IndexError, Vectors, write_atomically};

const MANIFEST: &str = "manifest.json";
const FORMAT: &str = "embedtune-embeddings-1";

/// Vectors of one model and one role on disk, found by [`TextHash`].
///
/// The folder holds `manifest.json` (model, role, dimension, hash function) and shards, each a
/// file that ends with the SHA-256 of the rest and is named after it. Shards are written whole,
/// under a temporary name, synced and renamed, and never change: a crash loses at most the
/// vectors of the call it interrupts, and two processes may add to one store. [`open`](Self::open)
/// reads every shard once to verify it; vectors themselves stay on disk.
///
/// A store is opened for one fingerprint and refuses any other, so vectors of an older model are
/// never taken for those of a newer one.
///
/// ```
/// use embedtune_data::{Embeddings, Fingerprint, Role, TextHash};
/// use embedtune_index::{EmbeddingStore, Vectors};
///
/// let folder = tempfile::tempdir()?;
/// let model = Fingerprint("model-a".into());
/// let mut store = EmbeddingStore::open(folder.path(), &model, 2, Role::Document)?;
/// let vectors = Embeddings::new(2, vec![0.6, 0.8]);
/// store.put(&[TextHash::of("a text")], Vectors::of(&vectors, &model))?;
///
/// let store = EmbeddingStore::open(folder.path(), &model, 2, Role::Document)?;
/// assert_eq!(store.get(TextHash::of("a text"))?, Some(vec![0.6, 0.8]));
/// assert_eq!(store.get(TextHash::of("another"))?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EmbeddingStore {
    folder: PathBuf,
    fingerprint: Fingerprint,
    dim: usize,
    role: Role,
    shards: Vec<Shard>,
    /// Shard and row of each vector.
    places: HashMap<TextHash, (u32, u32)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    text_hash: String,
    fingerprint: Fingerprint,
    role: Role,
    dim: usize,
    /// Stores of before there were several hold f32.
    #[serde(default = "f32_format")]
    precision: String,
}

/// What vectors are computed in unless it is said otherwise.
const F32: &str = "f32";

fn f32_format() -> String {
    F32.to_owned()
}

impl EmbeddingStore {
    /// Opens the store in `folder`, or makes an empty one there, for vectors of `dim` values that
    /// the model `fingerprint` made of texts in the role `role`, computed in f32.
    ///
    /// # Errors
    /// If the store holds vectors of another model, role or dimension, a shard is damaged (the
    /// error names it), or the folder cannot be read or written.
    pub fn open(
        folder: impl Into<PathBuf>,
        fingerprint: &Fingerprint,
        dim: usize,
        role: Role,
    ) -> Result<Self, IndexError> {
        Self::open_format(folder, fingerprint, dim, role, F32)
    }

    /// As [`open`](Self::open), for vectors that were computed in another number format:
    /// `precision` is its name, `bf16` or `int8`, say. The vectors of one model are comparable
    /// across formats but not equal, so that those of one store are all of one.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if the store holds vectors of another precision.
    pub fn open_format(
        folder: impl Into<PathBuf>,
        fingerprint: &Fingerprint,
        dim: usize,
        role: Role,
        precision: &str,
    ) -> Result<Self, IndexError> {
        let folder = folder.into();
        let manifest = Manifest {
            format: FORMAT.into(),
            text_hash: TextHash::NAME.into(),
            fingerprint: fingerprint.clone(),
            role,
            dim,
            precision: precision.to_owned(),
        };
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        manifest.check_or_write(&folder.join(MANIFEST))?;

        let mut store = Self {
            fingerprint: fingerprint.clone(),
            dim,
            role,
            shards: Vec::new(),
            places: HashMap::new(),
            folder,
        };
        for path in store.shard_files()? {
            store.add_shard(&path)?;
        }
        Ok(store)
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Number of values in a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The model whose vectors the store holds.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The role in which the texts were embedded.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the vector of this text is there.
    pub fn contains(&self, hash: TextHash) -> bool {
        self.places.contains_key(&hash)
    }

    /// The vector `(dim)` of this text, if it is there.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn get(&self, hash: TextHash) -> Result<Option<Vec<f32>>, IndexError> {
        let mut vector = vec![0.0; self.dim];
        Ok(self.read_into(hash, &mut vector)?.then_some(vector))
    }

    /// Reads the vector of this text into `vector` `(dim)`; says whether it is there.
    ///
    /// # Errors
    /// If its file cannot be read.
    ///
    /// # Panics
    /// If `vector` has another length.
    pub fn read_into(&self, hash: TextHash, vector: &mut [f32]) -> Result<bool, IndexError> {
        assert_eq!(vector.len(), self.dim, "room for another number of values");
        let Some(&(shard, row)) = self.places.get(&hash) else { return Ok(false) };
        self.shards[shard as usize].read(row, vector)?;
        Ok(true)
    }

    /// Adds `vectors` `(hashes.len(), dim)` as one new shard, durable when the call returns.
    /// Texts that are there already are left out.
    ///
    /// # Errors
    /// If the vectors come from another model, have another shape or are not finite, or the shard
    /// cannot be written.
    pub fn put(&mut self, hashes: &[TextHash], vectors: Vectors<'_>) -> Result<(), IndexError> {
        if *vectors.fingerprint() != self.fingerprint {
            let (expected, got) = (self.fingerprint.clone(), vectors.fingerprint().clone());
            return Err(IndexError::Fingerprint { expected, got });
        }
        if vectors.len() != hashes.len() {
            let (expected, got) = (hashes.len(), vectors.len());
            return Err(IndexError::Count { what: "vectors", expected, got });
        }
        if vectors.dim() != self.dim && !hashes.is_empty() {
            return Err(IndexError::Dimension { expected: self.dim, got: vectors.dim() });
        }
        vectors.check_finite()?;
        let mut seen = std::collections::HashSet::new();
        let rows: Vec<usize> = (0..hashes.len())
            .filter(|&row| !self.contains(hashes[row]) && seen.insert(hashes[row]))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let hashes: Vec<TextHash> = rows.iter().map(|&row| hashes[row]).collect();
        let vectors = vectors.rows().select(ndarray::Axis(0), &rows);
        let path = shard::write(&self.folder, &hashes, vectors.view())?;
        self.add_shard(&path)
    }

    fn add_shard(&mut self, path: &Path) -> Result<(), IndexError> {
        let (shard, hashes) = Shard::open(path, self.dim)?;
        let number = self.shards.len() as u32;
        self.shards.push(shard);
        for (row, hash) in (0..).zip(hashes) {
            self.places.entry(hash).or_insert((number, row));
        }
        Ok(())
    }

    /// In the order of their names, so that two openings agree.
    fn shard_files(&self) -> Result<Vec<PathBuf>, IndexError> {
        let entries = fs::read_dir(&self.folder).map_err(at(&self.folder))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let paths: io::Result<Vec<PathBuf>> = paths.collect();
        let mut paths = paths.map_err(at(&self.folder))?;
        paths.retain(|path| shard::is_shard_name(path));
        paths.sort();
        Ok(paths)
    }
}

impl Manifest {
    fn check_or_write(&self, path: &Path) -> Result<(), IndexError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return write_atomically(path, |file| {
                    serde_json::to_writer_pretty(file, self).map_err(io::Error::from)
                })
                .map_err(at(path));
            }
            Err(error) => return Err(at(path)(error)),
        };
        let found: Self = serde_json::from_str(&text)
            .map_err(|source| IndexError::Manifest { path: path.to_owned(), source })?;
        let role = |role: Role| format!("{role:?}").to_lowercase();
        for (field, found, expected) in [
            ("format", &found.format, &self.format),
            ("text hash", &found.text_hash, &self.text_hash),
            ("model", &found.fingerprint.0, &self.fingerprint.0),
            ("role", &role(found.role), &role(self.role)),
            ("dimension", &found.dim.to_string(), &self.dim.to_string()),
            ("precision", &found.precision, &self.precision),
        ] {
            if found != expected {
                return Err(IndexError::StoreMismatch {
                    path: path.to_owned(),
                    field,
                    found: found.clone(),
                    expected: expected.clone(),
                });
            }
        }
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> IndexError + '_ {
    |source| IndexError::Io { path: path.to_owned(), source }
}
