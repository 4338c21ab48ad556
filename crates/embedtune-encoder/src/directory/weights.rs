//! Reads weights from safetensors files: single or sharded, f32, f16, bf16 or f64.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;

use super::Directory;
use crate::{EncoderError, HeadStep, Parameters};

/// A tensor of the file that the model does not use (`pooler.*`, `embeddings.position_ids`), kept
/// as it is and saved again.
#[derive(Debug, Clone)]
pub(crate) struct Extra {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<u8>,
}

/// A tensor of a weight file.
enum Read {
    Weight(String, Vec<f32>),
    Extra(Extra),
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// Reads every weight of the model in `dir`.
pub(crate) fn read_weights(
    dir: &Path,
    directory: &Directory,
) -> Result<(Parameters, Vec<Extra>), EncoderError> {
    let mut found = BTreeMap::new();
    let mut extras = Vec::new();
    let names = &directory.spec.names;
    let expected: BTreeMap<String, Vec<usize>> =
        names.shapes(&directory.spec.transformer).into_iter().collect();
    for path in weight_files(&directory.transformer_dir)? {
        let bytes = std::fs::read(&path).map_err(EncoderError::io(&path))?;
        let tensors = parse(&bytes, &path)?;
        let prefix = prefix(&tensors, directory, &expected);
        let read = |(name, view): (String, TensorView<'_>)| {
            let name = modern_name(name.strip_prefix(prefix).unwrap_or(&name));
            match expected.get(&name) {
                Some(shape) => {
                    values(&name, &view, shape, &path).map(|values| Read::Weight(name, values))
                }
                None => Ok(Read::Extra(Extra {
                    name,
                    dtype: view.dtype(),
                    shape: view.shape().to_vec(),
                    data: view.data().to_vec(),
                })),
            }
        };
        // All results before the first error, so that it is the same one each time.
        let read: Vec<Result<Read, EncoderError>> =
            tensors.tensors().into_par_iter().map(read).collect();
        for tensor in read {
            match tensor? {
                Read::Weight(name, values) => drop(found.insert(name, values)),
                Read::Extra(extra) => extras.push(extra),
            }
        }
    }
    read_dense(dir, directory, &mut found)?;
    let mut tensors = Vec::new();
    for (name, shape) in directory.spec.shapes() {
        let values = found.remove(&name).ok_or_else(|| EncoderError::MissingTensor {
            path: dir.to_owned(),
            name: name.clone(),
        })?;
        tensors.push((name, shape, values));
    }
    Ok((Parameters::new(tensors), extras))
}

fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, EncoderError> {
    let single = dir.join("model.safetensors");
    if single.is_file() {
        return Ok(vec![single]);
    }
    let index_path = dir.join("model.safetensors.index.json");
    if index_path.is_file() {
        let bytes = std::fs::read(&index_path).map_err(EncoderError::io(&index_path))?;
        let index: ShardIndex =
            serde_json::from_slice(&bytes).map_err(EncoderError::json(&index_path))?;
        let shards: BTreeSet<String> = index.weight_map.into_values().collect();
        return Ok(shards.into_iter().map(|shard| dir.join(shard)).collect());
    }
    let remedy = if dir.join("pytorch_model.bin").is_file() {
        "pytorch_model.bin is a pickle, which can run code when it is read, so it is not; convert \
         it once in Python: `AutoModel.from_pretrained(DIR).save_pretrained(DIR)`"
    } else {
        "fetch the model's weights"
    };
    Err(EncoderError::MissingFile { path: dir.to_owned(), missing: "model.safetensors", remedy })
}

/// Parses safetensors bytes; a damaged file is an error.
pub(crate) fn parse<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>, EncoderError> {
    SafeTensors::deserialize(bytes)
        .map_err(|source| EncoderError::Weights { path: path.to_owned(), source })
}

/// Prefix of the weights' names: the longest under which a file has one that the model uses.
fn prefix(
    tensors: &SafeTensors<'_>,
    directory: &Directory,
    expected: &BTreeMap<String, Vec<usize>>,
) -> &'static str {
    let names = tensors.names();
    let fits = |prefix: &str| {
        names.iter().any(|name| {
            name.strip_prefix(prefix).is_some_and(|bare| expected.contains_key(&modern_name(bare)))
        })
    };
    directory.architecture.prefixes.iter().copied().find(|prefix| fits(prefix)).unwrap_or("")
}

/// Layer norms of the first BERT checkpoints are called `gamma` and `beta`.
fn modern_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((layer, "gamma")) => format!("{layer}.weight"),
        Some((layer, "beta")) => format!("{layer}.bias"),
        _ => name.to_owned(),
    }
}

fn read_dense(
    dir: &Path,
    directory: &Directory,
    found: &mut BTreeMap<String, Vec<f32>>,
) -> Result<(), EncoderError> {
    for step in &directory.spec.head.steps {
        let HeadStep::Dense(dense) = step else { continue };
        let path = dir.join(&dense.module).join("model.safetensors");
        if !path.is_file() {
            return Err(EncoderError::MissingFile {
                path: dir.join(&dense.module),
                missing: "model.safetensors",
                remedy: "save the model once more in Python: \
                         `SentenceTransformer(DIR).save(NEW_DIR)`",
            });
        }
        let bytes = std::fs::read(&path).map_err(EncoderError::io(&path))?;
        let tensors = parse(&bytes, &path)?;
        let mut read = |file_name: &str, name: String, shape: &[usize]| {
            let view = tensors.tensor(file_name).map_err(|_| EncoderError::MissingTensor {
                path: path.clone(),
                name: file_name.to_owned(),
            })?;
            found.insert(name.clone(), values(&name, &view, shape, &path)?);
            Ok::<_, EncoderError>(())
        };
        read("linear.weight", dense.weight(), &[dense.out_features, dense.in_features])?;
        if dense.bias {
            read("linear.bias", dense.bias(), &[dense.out_features])?;
        }
    }
    Ok(())
}

fn values(
    name: &str,
    view: &TensorView<'_>,
    expected: &[usize],
    path: &Path,
) -> Result<Vec<f32>, EncoderError> {
    if view.shape() != expected {
        return Err(EncoderError::TensorShape {
            path: path.to_owned(),
            name: name.to_owned(),
            expected: expected.to_vec(),
            got: view.shape().to_vec(),
        });
    }
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => numbers(data, f32::from_le_bytes),
        Dtype::F64 => numbers(data, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F16 => numbers(data, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => numbers(data, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        other => {
            return Err(EncoderError::TensorType {
                path: path.to_owned(),
                name: name.to_owned(),
                dtype: format!("{other:?}"),
            });
        }
    };
    // Without a branch a value, as every value is looked at in a good file.
    if !values.iter().fold(true, |all, value| all & value.is_finite()) {
        return Err(EncoderError::NotFinite { path: path.to_owned(), name: name.to_owned() });
    }
    Ok(values)
}

fn numbers<const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.chunks_exact(N)
        .map(|chunk| number(chunk.try_into().expect("chunks_exact gives N bytes")))
        .collect()
}
