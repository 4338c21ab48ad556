//! A published model: runs where `EMBEDTUNE_TEST_MODEL` names the directory of all-MiniLM-L6-v2.

#![allow(clippy::unwrap_used)]

use candle_core::Device;
use embedtune_data::{Embed, Role};
use embedtune_encoder::{EmbeddingModel, ReferenceEngine};
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
