//! A published model: runs where `EMBEDTUNE_TEST_MODEL` names the directory of all-MiniLM-L6-v2.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use candle_core::Device;
use embedtune_data::{Embed, Role};
use embedtune_encoder::{EmbeddingModel, PackedBatch, Precision, ReferenceEngine};
use embedtune_testkit::{Tolerance, assert_close, golden_json, test_model};
use serde::Deserialize;

const SENTENCES: [&str; 10] = [
    "What does a mutex protect?",
    "A mutex lets one thread at a time reach the data behind it.",
    "Statins lower the level of cholesterol in the blood.",
    "naïve café, Zürich — 東京 😀",
    "fn main() { println!(\"{}\", 1 << 4); }",
    "The quick brown fox jumps over the lazy dog.",
    "https://example.org/a/path?with=query&and=more",
    "cat",
    "",
    "Revenue grew by 12.5 % to $ 4,301 million in the fiscal year that ended on June 30.",
];

#[test]
fn a_published_model_loads_and_both_engines_agree() {
    let Some(dir) = test_model() else { return };
    let model = EmbeddingModel::load(dir).unwrap();
    assert_eq!((model.max_seq_len(), model.dim()), (256, 384));
    assert_eq!(model.engine().name(), "cpu");
    let vectors = model.embed(&SENTENCES, Role::Document).unwrap();
    for row in 0..SENTENCES.len() {
        let length = vectors.row(row).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-6, "{length}");
    }
    let reference = ReferenceEngine::new(model.spec().clone(), Device::Cpu);
    let model = model.with_engine(Box::new(reference));
    let expected = model.embed(&SENTENCES, Role::Document).unwrap();
    assert_close(vectors.as_slice(), expected.as_slice(), Tolerance::absolute(1e-5));
}

/// What Sentence Transformers computed, by `fixtures/gen/minilm.py`.
#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    token_ids: Vec<Vec<u32>>,
    embeddings: Vec<Vec<f32>>,
}

#[test]
fn a_published_model_computes_what_sentence_transformers_does() {
    let Some(dir) = test_model() else { return };
    let model = EmbeddingModel::load(dir).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/minilm-golden.json");
    let golden: Golden = golden_json(path);
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let tokens = model.tokenize(&texts, Role::Document).unwrap();
    let ids: Vec<_> = tokens.iter().map(|tokens| tokens.ids.clone()).collect();
    assert_eq!(ids, golden.token_ids);
    let vectors = model.embed(&texts, Role::Document).unwrap();
    assert_close(vectors.as_slice(), &golden.embeddings.concat(), Tolerance::absolute(1e-6));
}

#[test]
fn long_texts_are_cut_to_256_tokens_though_the_tokenizer_file_says_128() {
    let Some(dir) = test_model() else { return };
    let model = EmbeddingModel::load(dir).unwrap();
    let long = "word ".repeat(1000);
    let tokens = model.tokenize(&[&long], Role::Document).unwrap();
    assert_eq!((tokens[0].ids.len(), tokens[0].full_len), (256, 1002));
}

/// How far PyTorch's bf16 autocast is from its own f32, by `fixtures/gen/bf16_autocast.py`.
#[derive(Deserialize)]
struct Autocast {
    embeddings: f64,
    gradients: BTreeMap<String, f64>,
}

/// Embeddings, and gradients of `sum(embeddings * w)` with `w` as that script has it.
fn embeddings_and_gradients(model: &EmbeddingModel, golden: &Golden) -> (Vec<f32>, Vec<f32>) {
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let tokens = model.tokenize(&texts, Role::Document).unwrap();
    let batch: PackedBatch = tokens.iter().collect();
    let (rows, tape) = model.forward(&batch, None).unwrap();
    let w: Vec<f32> = (0..rows.len()).map(|i| (0.7 * i as f64).sin() as f32).collect();
    let mut gradients = vec![0.0; model.parameters().trainable().len()];
    model.backward(tape, &w, &mut gradients).unwrap();
    (rows, gradients)
}

#[test]
fn bf16_is_as_close_to_f32_as_autocast_is() {
    let Some(dir) = test_model() else { return };
    let mut model = EmbeddingModel::load(dir).unwrap();
    let golden: Golden =
        golden_json(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/minilm-golden.json"));
    let autocast: Autocast =
        golden_json(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bf16-autocast.json"));
    let (exact, exact_gradients) = embeddings_and_gradients(&model, &golden);
    model.set_precision(Precision::Bf16).unwrap();
    let (rows, gradients) = embeddings_and_gradients(&model, &golden);
    let distance = |exact: &[f32], got: &[f32]| {
        let norm = |values: &mut dyn Iterator<Item = f32>| {
            values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
        };
        let off = norm(&mut exact.iter().zip(got).map(|(a, b)| a - b));
        off / norm(&mut exact.iter().copied())
    };
    let off = distance(&exact, &rows);
    assert!(off <= autocast.embeddings, "{off} against {}", autocast.embeddings);
    let largest = autocast.gradients.values().copied().fold(0.0, f64::max);
    let mut ratios = Vec::new();
    for info in model.parameters().infos() {
        let Some(theirs) = autocast.gradients.get(&info.name) else { continue };
        let off = distance(&exact_gradients[info.range()], &gradients[info.range()]);
        assert!(off <= largest, "{}: {off} against at most {largest}", info.name);
        ratios.push(off / theirs);
    }
    assert_eq!(ratios.len(), autocast.gradients.len());
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!(mean <= 1.0, "on average {mean} of autocast's distance");
}

#[test]
fn int8_is_close_and_encodes_only() {
    let Some(dir) = test_model() else { return };
    let mut model = EmbeddingModel::load(dir).unwrap();
    let exact = model.embed(&SENTENCES, Role::Document).unwrap();
    model.set_precision(Precision::Int8).unwrap();
    let rows = model.embed(&SENTENCES, Role::Document).unwrap();
    for (row, sentence) in SENTENCES.iter().enumerate() {
        let cosine = exact.row(row).iter().zip(rows.row(row)).map(|(a, b)| a * b).sum::<f32>();
        assert!(cosine > 0.99, "{sentence}: cosine {cosine}");
    }
    assert_ne!(exact.as_slice(), rows.as_slice());
    let tokens = model.tokenize(&SENTENCES, Role::Document).unwrap();
    let batch: PackedBatch = tokens.iter().collect();
    let error = model.forward(&batch, None).err().unwrap().to_string();
    assert!(error.contains("int8") && error.contains("f32 and bf16"), "{error}");
}
