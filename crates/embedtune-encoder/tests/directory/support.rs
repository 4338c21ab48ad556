//! Copies of fixtures that a test may change.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use embedtune_data::{Embed, Embeddings, Role};
use embedtune_encoder::EmbeddingModel;
use embedtune_testkit::copy_dir;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const TEXTS: [&str; 4] =
    ["cat", "What is a river?", "a fast train and a slow wind", "the old builder reads"];

/// A model directory of this crate's fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A copy of the smallest fixture.
pub(crate) fn tiny() -> TempDir {
    copy_dir(fixture("tiny-bert"))
}

pub(crate) fn embed(model: &EmbeddingModel) -> Embeddings {
    model.embed(&TEXTS, Role::Document).unwrap()
}

/// The message with which `dir` is refused.
#[track_caller]
pub(crate) fn refusal(dir: impl AsRef<Path>) -> String {
    match EmbeddingModel::load(dir) {
        Ok(_) => panic!("the directory was accepted"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn read_json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Changes a JSON file in place.
pub(crate) fn edit_json(path: impl AsRef<Path>, edit: impl FnOnce(&mut Value)) {
    let mut value = read_json(&path);
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// A tensor of a weight file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raw {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<u8>,
}

/// Every tensor of a weight file, by ascending name.
pub(crate) fn tensors(path: impl AsRef<Path>) -> Vec<Raw> {
    let bytes = fs::read(path).unwrap();
    let mut tensors: Vec<Raw> = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| Raw {
            name: name.to_owned(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            data: view.data().to_vec(),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors
}

/// Changes the tensors of a weight file in place.
pub(crate) fn edit_tensors(path: impl AsRef<Path>, edit: impl FnOnce(&mut Vec<Raw>)) {
    let mut all = tensors(&path);
    edit(&mut all);
    let views =
        all.iter().map(|t| (&t.name, TensorView::new(t.dtype, t.shape.clone(), &t.data).unwrap()));
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    fs::write(path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}
