//! Model directories whose files are damaged or made to harm: loading gives an error or a model
//! that embeds, never a panic, and allocates no more than the files justify. These are the fuzz
//! targets' inputs on stable: random bytes, mutations of good files, and numbers far out of range.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use embedtune_data::{Embed, Role};
use embedtune_encoder::EmbeddingModel;
use embedtune_testkit::copy_dir;
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-bert-dense")
}

/// The files that loading reads.
const FILES: [&str; 9] = [
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "model.safetensors",
    "2_Dense/model.safetensors",
];

/// Loads the model, and runs it if that is possible.
fn survives(dir: &Path) {
    if let Ok(model) = EmbeddingModel::load(dir) {
        let _ = model.embed(&["", "a cat", "the old builder reads, why?"], Role::Query);
    }
}

/// Numbers that a careless reader would multiply, allocate or shift by.
fn extreme() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(-1)),
        Just(json!(65_537)),
        Just(json!(16_777_216)),
        Just(json!(1_000_000_000)),
        Just(json!(1_000_000_000_000_u64)),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        Just(json!(0.5)),
        Just(json!(null)),
        Just(json!("16")),
        Just(json!([])),
        Just(json!({})),
    ]
}

/// A change of a file: some bytes replaced, put in, cut out, or the end cut off.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Truncate(usize),
}

impl Mutation {
    fn any() -> impl Strategy<Value = Self> {
        let bytes = || {
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 1..9),
                proptest::sample::select(b"0123456789{}[]\",:-e.".to_vec()).prop_map(|b| vec![b]),
            ]
        };
        prop_oneof![
            (any::<usize>(), bytes()).prop_map(|(at, bytes)| Self::Replace(at, bytes)),
            (any::<usize>(), bytes()).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (any::<usize>(), 1usize..40).prop_map(|(at, len)| Self::Remove(at, len)),
            any::<usize>().prop_map(Self::Truncate),
        ]
    }

    fn apply(self, content: &mut Vec<u8>) {
        let place = |at: usize| at % (content.len() + 1);
        let until = |from: usize, len: usize| (from + len).min(content.len());
        match self {
            Self::Replace(at, bytes) => {
                let at = place(at);
                content.splice(at..until(at, bytes.len()), bytes);
            }
            Self::Insert(at, bytes) => {
                let at = place(at);
                content.splice(at..at, bytes);
            }
            Self::Remove(at, len) => {
                let at = place(at);
                content.drain(at..until(at, len));
            }
            Self::Truncate(at) => content.truncate(place(at)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn mutated_files(
        name in proptest::sample::select(&FILES[..]),
        mutations in proptest::collection::vec(Mutation::any(), 1..4),
    ) {
        let dir = copy_dir(fixture());
        let path = dir.path().join(name);
        let mut content = fs::read(&path).unwrap();
        // Mutations of a weight file's numbers are dull: most go to its header.
        let header = match name.ends_with("safetensors") {
            true => content.len().min(2000),
            false => content.len(),
        };
        let rest = content.split_off(header);
        mutations.into_iter().for_each(|mutation| mutation.apply(&mut content));
        content.extend(rest);
        fs::write(&path, content).unwrap();
        survives(dir.path());
    }

    #[test]
    fn random_bytes(
        name in proptest::sample::select(&FILES[..]),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let dir = copy_dir(fixture());
        fs::write(dir.path().join(name), bytes).unwrap();
        survives(dir.path());
    }

    #[test]
    fn extreme_settings(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), extreme()), 1..4),
        name in proptest::sample::select(&FILES[..4]),
    ) {
        let dir = copy_dir(fixture());
        let path = dir.path().join(name);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (at, value) in changes {
            let settings = match &mut config {
                Value::Array(modules) => &mut modules[at.index(3)],
                config => config,
            };
            let settings = settings.as_object_mut().unwrap();
            let place = at.index(settings.len());
            *settings.values_mut().nth(place).unwrap() = value;
        }
        fs::write(&path, config.to_string()).unwrap();
        survives(dir.path());
    }
}

/// Loads the fixture with one setting changed.
fn with_setting(file: &str, name: &str, value: Value) -> Result<EmbeddingModel, String> {
    let dir = copy_dir(fixture());
    let path = dir.path().join(file);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config[name] = value;
    fs::write(&path, config.to_string()).unwrap();
    EmbeddingModel::load(dir.path()).map_err(|error| error.to_string())
}

#[test]
fn sizes_that_no_machine_holds_are_errors() {
    for name in [
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
    ] {
        for size in [1 << 16, 1 << 20, 1 << 24, 1_000_000_000, 1_000_000_000_000, u64::MAX] {
            let message = with_setting("config.json", name, json!(size)).err();
            let message = message.unwrap_or_else(|| panic!("{name} = {size} was accepted"));
            assert!(!message.is_empty() && message.len() < 400, "{message}");
        }
    }
    for name in ["in_features", "out_features"] {
        for size in [0, 1 << 20, u64::MAX] {
            let loaded = with_setting("2_Dense/config.json", name, json!(size));
            assert!(loaded.is_err(), "{name} = {size} was accepted");
        }
    }
}

#[test]
fn a_maximum_length_without_room_for_text_is_an_error() {
    for length in [0, 1, 2] {
        let loaded = with_setting("sentence_bert_config.json", "max_seq_length", json!(length));
        let message = loaded.err().unwrap_or_else(|| panic!("{length} tokens were accepted"));
        assert!(message.contains("max_seq_length") && message.contains("more tokens"), "{message}");
    }
}

/// A safetensors file with the given header.
fn weights(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn weight_files_that_lie_about_their_size() {
    let header = |shape: &str, offsets: &str| {
        let name = "embeddings.word_embeddings.weight";
        format!(r#"{{"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let max = u64::MAX;
    for file in [
        u64::MAX.to_le_bytes().to_vec(),
        (1_u64 << 40).to_le_bytes().to_vec(),
        weights(&header("[57,16]", "[0,3648]"), &[0; 8]),
        weights(&header("[57,16]", "[3648,0]"), &[0; 3648]),
        weights(&header("[4294967296,4294967296]", "[0,0]"), &[]),
        weights(&header(&format!("[{max},{max}]"), &format!("[0,{max}]")), &[0; 16]),
        weights(&header("[1000000000000]", "[0,4000000000000]"), &[0; 16]),
        weights(&"[".repeat(100_000), &[]),
    ] {
        for name in ["model.safetensors", "2_Dense/model.safetensors"] {
            let dir = copy_dir(fixture());
            fs::write(dir.path().join(name), &file).unwrap();
            assert!(EmbeddingModel::load(dir.path()).is_err());
        }
    }
}

#[test]
fn deeply_nested_json_does_not_overflow_the_stack() {
    for name in FILES.iter().filter(|name| name.ends_with(".json")) {
        for nested in ["[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            let dir = copy_dir(fixture());
            fs::write(dir.path().join(name), nested).unwrap();
            assert!(EmbeddingModel::load(dir.path()).is_err(), "{name}");
        }
    }
}

/// The tokenizer library panics on a decoder that does not parse.
#[test]
fn a_tokenizer_that_is_cut_in_its_decoder() {
    let dir = copy_dir(fixture());
    let path = dir.path().join("tokenizer.json");
    let whole = fs::read_to_string(&path).unwrap();
    let decoder = whole.find("\"decoder\": {").unwrap();
    let (head, tail) = whole.split_at(decoder);
    for broken in [
        format!("{head}{}", tail.replacen('}', ",}", 1)),
        format!("{head}{}", tail.replacen("WordPiece", "\\ud800", 1)),
        format!("{head}{}", tail.replacen("\"WordPiece\"", "1e999", 1)),
        whole[..decoder + 30].to_owned(),
    ] {
        assert_ne!(broken, whole);
        fs::write(&path, broken).unwrap();
        let error = EmbeddingModel::load(dir.path()).err().unwrap().to_string();
        assert!(error.contains("tokenizer.json: no usable tokenizer"), "{error}");
    }
}
