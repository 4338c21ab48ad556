//! Loading a model directory in which one file is hostile: an error or a model that embeds, never a
//! panic or an allocation that the file's size does not justify.
//!
//! The first byte of an input names the file, the rest is its content; see [`FILES`].

#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use embedtune_data::{Embed, Role};
use embedtune_encoder::EmbeddingModel;
use libfuzzer_sys::{Corpus, fuzz_target};
use tempfile::TempDir;

const FILES: [(u8, &str); 6] = [
    (b'c', "config.json"),
    (b'm', "modules.json"),
    (b'p', "1_Pooling/config.json"),
    (b's', "sentence_bert_config.json"),
    (b't', "tokenizer.json"),
    (b'w', "model.safetensors"),
];

fn fixture() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/embedtune-encoder/fixtures/tiny-bert"
    ))
}

/// A copy of the fixture, of which each run changes one file and puts it back.
static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(directory.path().join("1_Pooling")).expect("a folder in it");
    for (_, name) in FILES {
        fs::copy(fixture().join(name), directory.path().join(name)).expect("a copy of the fixture");
    }
    directory
});

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((letter, content)) = input.split_first() else { return Corpus::Reject };
    let Some((_, name)) = FILES.iter().find(|(known, _)| known == letter) else {
        return Corpus::Reject;
    };
    let path = DIRECTORY.path().join(name);
    fs::write(&path, content).expect("the file can be written");
    if let Ok(model) = EmbeddingModel::load(DIRECTORY.path()) {
        let _ = model.embed(&["a cat", ""], Role::Query);
    }
    fs::copy(fixture().join(name), &path).expect("the file can be put back");
    Corpus::Keep
});
