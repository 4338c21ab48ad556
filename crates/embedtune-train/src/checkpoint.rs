//! Checkpoints: directories that are whole or not there, with a checksum of every file.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use embedtune_encoder::{EmbeddingModel, ModelCard};
use safetensors::SafeTensorError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    OptimizerState, TrainError, files, heads::values, identity::Identity, progress::Progress,
};

/// Named tensors of one file.
pub(crate) type Tensors = BTreeMap<String, Tensor>;

const CHECKSUMS: &str = "checksums.json";
const STATE: &str = "trainer_state.json";
const MODEL: &str = "model";
const PREFIX: &str = "checkpoint-";
const FORMAT: u32 = 1;

/// `trainer_state.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    format: u32,
    pub(crate) progress: Progress,
    pub(crate) identity: Identity,
}

impl State {
    pub(crate) fn new(progress: Progress, identity: Identity) -> Self {
        Self { format: FORMAT, progress, identity }
    }
}

/// A whole checkpoint of a run.
///
/// The directory `checkpoint-N` of step `N` holds the model in a directory of its own, which loads
/// like any other, the state of optimizer and loss, the place in the data, and a checksum of every
/// file.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    state: State,
}

impl Checkpoint {
    /// Opens the checkpoint in `dir` and verifies every file of it.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] if a file is missing or differs from its checksum,
    /// [`TrainError::Io`] if one cannot be read.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, TrainError> {
        let dir = dir.as_ref();
        let checksums: BTreeMap<String, String> = json(&dir.join(CHECKSUMS))?;
        for (name, checksum) in &checksums {
            let path = dir.join(name);
            if sha256(&path)? != *checksum {
                return Err(damaged(&path, "it differs from its checksum"));
            }
        }
        let path = dir.join(STATE);
        let state: State = json(&path)?;
        if state.format != FORMAT {
            return Err(damaged(&path, "it is of another version"));
        }
        Ok(Self { path: dir.to_owned(), state })
    }

    /// The newest whole checkpoint in `output_dir`. Damaged ones are passed over with a warning.
    ///
    /// # Errors
    /// [`TrainError::Io`] if the directory or a file cannot be read.
    pub fn latest(output_dir: impl AsRef<Path>) -> Result<Option<Self>, TrainError> {
        for (_, path) in list(output_dir.as_ref())?.into_iter().rev() {
            match Self::open(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(TrainError::Damaged { path, reason }) => {
                    tracing::warn!(path = %path.display(), reason, "passing over a damaged checkpoint");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Optimizer steps done.
    pub fn step(&self) -> u64 {
        self.state.progress.step
    }

    /// Directory of the model, in the layout of Sentence Transformers.
    pub fn model_dir(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// An error about the model inside.
    pub(crate) fn damaged(&self, reason: &'static str) -> TrainError {
        damaged(&self.model_dir(), reason)
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Tensors of the file called `name`; none if there is no such file.
    pub(crate) fn tensors(&self, name: &str) -> Result<Tensors, TrainError> {
        let path = self.path.join(name);
        if !path.exists() {
            return Ok(Tensors::new());
        }
        Ok(candle_core::safetensors::load_buffer(&read(&path)?, &Device::Cpu)?
            .into_iter()
            .collect())
    }
}

/// Everything that is written into a checkpoint.
pub(crate) struct Contents<'a> {
    pub(crate) model: &'a EmbeddingModel,
    pub(crate) card: &'a ModelCard,
    pub(crate) state: &'a State,
    /// Files of tensors by name.
    pub(crate) tensors: BTreeMap<&'static str, Tensors>,
}

impl Contents<'_> {
    /// Writes `checkpoint-N` into `output_dir`, in the place of a damaged one if need be.
    pub(crate) fn save(&self, output_dir: &Path) -> Result<PathBuf, TrainError> {
        let staged = files::staging(output_dir)?;
        let dir = staged.path();
        self.model.save(dir.join(MODEL), self.card)?;
        for (name, tensors) in &self.tensors {
            // Tensor by tensor: an optimizer's state is twice as large as the model.
            let path = dir.join(name);
            safetensors::serialize_to_file(tensors, None, &path).map_err(
                |source| match source {
                    SafeTensorError::IoError(source) => {
                        TrainError::Io { path: path.clone(), source }
                    }
                    source => TrainError::Candle(source.into()),
                },
            )?;
            files::finish(&path)?;
        }
        write_json(&dir.join(STATE), self.state)?;
        let mut checksums = BTreeMap::new();
        collect_checksums(dir, dir, &mut checksums)?;
        write_json(&dir.join(CHECKSUMS), &checksums)?;
        let target = path(output_dir, self.state.progress.step);
        files::publish(staged, &target)?;
        Ok(target)
    }
}

/// Directory of the checkpoint of `step`.
pub(crate) fn path(output_dir: &Path, step: u64) -> PathBuf {
    output_dir.join(format!("{PREFIX}{step}"))
}

/// Whether `dir` is itself a checkpoint, whole or not.
pub(crate) fn is_checkpoint(dir: &Path) -> bool {
    dir.join(CHECKSUMS).exists() || dir.join(STATE).exists()
}

/// Checkpoints in `output_dir` by step, ascending, whole or not; none if there is no such directory.
pub(crate) fn list(output_dir: &Path) -> Result<Vec<(u64, PathBuf)>, TrainError> {
    let entries = match fs::read_dir(output_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(TrainError::Io { path: output_dir.to_owned(), source }),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(TrainError::io(output_dir))?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        found.extend(step.map(|step| (step, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes the oldest checkpoints until `limit` are left; the one of step `newest` and the one of
/// step `best` stay whatever the limit.
pub(crate) fn prune(
    output_dir: &Path,
    limit: usize,
    newest: u64,
    best: Option<u64>,
) -> Result<(), TrainError> {
    let (kept, mut others): (Vec<_>, Vec<_>) =
        list(output_dir)?.into_iter().partition(|&(step, _)| step == newest || Some(step) == best);
    let room = limit.saturating_sub(kept.len());
    others.truncate(others.len().saturating_sub(room));
    others.iter().try_for_each(|(_, path)| files::remove(path))
}

/// An optimizer's state as tensors, named with `prefix`.
pub(crate) fn optimizer_tensors(
    prefix: &str,
    state: OptimizerState,
) -> Result<Tensors, TrainError> {
    let mut tensors = Tensors::new();
    for (name, buffer) in state.buffers {
        let len = buffer.len();
        let tensor = Tensor::from_vec(buffer, len, &Device::Cpu)?;
        tensors.insert(format!("{prefix}.{name}"), tensor);
    }
    let step = Tensor::new(state.step as i64, &Device::Cpu)?;
    tensors.insert(format!("{prefix}.step"), step);
    Ok(tensors)
}

/// The inverse of [`optimizer_tensors`].
pub(crate) fn optimizer_state(
    prefix: &str,
    tensors: &Tensors,
) -> Result<OptimizerState, TrainError> {
    let mut state = OptimizerState::default();
    for (name, tensor) in with_prefix(prefix, tensors) {
        if name == "step" {
            state.step = tensor.to_scalar::<i64>()? as u64;
        } else {
            state.buffers.insert(name, values(&tensor)?);
        }
    }
    Ok(state)
}

/// The tensors whose name begins with `prefix` and a dot, without it.
pub(crate) fn with_prefix(prefix: &str, tensors: &Tensors) -> Tensors {
    let rest = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
    tensors.iter().filter_map(|(name, tensor)| Some((rest(name)?, tensor.clone()))).collect()
}

fn collect_checksums(
    root: &Path,
    dir: &Path,
    checksums: &mut BTreeMap<String, String>,
) -> Result<(), TrainError> {
    for entry in fs::read_dir(dir).map_err(TrainError::io(dir))? {
        let path = entry.map_err(TrainError::io(dir))?.path();
        if path.is_dir() {
            collect_checksums(root, &path, checksums)?;
        } else {
            let name = path.strip_prefix(root).expect("the walk began at the root");
            let name = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            checksums.insert(name, sha256(&path)?);
        }
    }
    Ok(())
}

/// Checksum of a file that a whole checkpoint has, read piece by piece.
fn sha256(path: &Path) -> Result<String, TrainError> {
    let mut hash = Sha256::new();
    let digest = fs::File::open(path).and_then(|mut file| io::copy(&mut file, &mut hash));
    digest.map_err(|source| missing_or_io(path, source))?;
    Ok(format!("{:x}", hash.finalize()))
}

/// A file that a whole checkpoint has.
fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    fs::read(path).map_err(|source| missing_or_io(path, source))
}

fn missing_or_io(path: &Path, source: io::Error) -> TrainError {
    match source.kind() {
        ErrorKind::NotFound => damaged(path, "it is missing"),
        _ => TrainError::Io { path: path.to_owned(), source },
    }
}

fn json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, TrainError> {
    serde_json::from_slice(&read(path)?).map_err(|_| damaged(path, "it is not the JSON expected"))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data with string keys");
    bytes.push(b'\n');
    files::write(path, &bytes)
}

fn damaged(path: &Path, reason: &'static str) -> TrainError {
    TrainError::Damaged { path: path.to_owned(), reason }
}
