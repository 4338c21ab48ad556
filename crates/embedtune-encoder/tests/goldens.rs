//! Outputs and the gradient of every weight against PyTorch, and against finite differences.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use embedtune_data::{Embed, Role};
use embedtune_encoder::{
    Activation, CpuEngine, Dropout, EmbeddingModel, EncoderSpec, Engine, HeadStep, PackedBatch,
    Parameters, Pooling, ReferenceEngine, Tokens,
};
use embedtune_testkit::{Golden, Tolerance, assert_close, finite_difference, golden_json};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Texts {
    texts: Vec<String>,
    token_ids: Vec<Vec<u32>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn golden() -> Golden {
    Golden::open(fixture("tiny-bert-golden.safetensors"))
}

fn texts() -> Texts {
    golden_json(fixture("tiny-bert-golden.json"))
}

fn tokens(model: &EmbeddingModel) -> Vec<Tokens> {
    let texts = texts();
    let texts: Vec<&str> = texts.texts.iter().map(String::as_str).collect();
    model.tokenize(&texts, Role::Document).unwrap()
}

fn engines(spec: &EncoderSpec) -> [Box<dyn Engine>; 2] {
    [
        Box::new(ReferenceEngine::new(spec.clone(), Device::Cpu)),
        Box::new(CpuEngine::new(spec.clone())),
    ]
}

fn check_embeddings(model: &EmbeddingModel, spec: &EncoderSpec, expected: &[f64]) {
    let batch: PackedBatch = tokens(model).iter().collect();
    for engine in engines(spec) {
        let rows = engine.embed(model.parameters(), &batch, None).unwrap();
        assert_close(&rows, expected, Tolerance::relative(1e-6));
    }
}

#[test]
fn tokens_are_those_of_transformers() {
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let tokens = tokens(&model);
    let ids: Vec<_> = tokens.iter().map(|tokens| tokens.ids.clone()).collect();
    assert_eq!(ids, texts().token_ids);
    let truncated: Vec<_> = tokens.iter().map(Tokens::truncated).collect();
    assert_eq!(truncated, [false, false, false, false, true]);
}

#[test]
fn every_pooling_equals_pytorch() {
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let golden = golden();
    for (pooling, name) in [
        (Pooling::Mean, "mean"),
        (Pooling::Cls, "cls"),
        (Pooling::Max, "max"),
        (Pooling::MeanSqrtLen, "mean_sqrt_len"),
    ] {
        let mut spec = model.spec().clone();
        spec.head.pooling = pooling;
        spec.head.steps = vec![HeadStep::Normalize];
        let expected = golden.values(&format!("embeddings.{name}.normalized"));
        check_embeddings(&model, &spec, expected);
        spec.head.steps.clear();
        let expected = golden.values(&format!("embeddings.{name}"));
        check_embeddings(&model, &spec, expected);
    }
}

#[test]
fn every_directory_layout_gives_the_same_embeddings() {
    let golden = golden();
    let expected = golden.values("embeddings.mean.normalized");
    for name in ["tiny-bert", "tiny-bert-new-schema", "tiny-bert-sharded"] {
        let model = EmbeddingModel::load(fixture(name)).unwrap();
        assert_eq!(model.max_seq_len(), 24, "{name}");
        check_embeddings(&model, model.spec(), expected);
    }
    let model = EmbeddingModel::load(fixture("tiny-bert-f16")).unwrap();
    let expected = golden.values("f16.embeddings.mean.normalized");
    check_embeddings(&model, model.spec(), expected);
}

/// Gradients of `sum(embeddings * w)`, laid out as the trainable parameters.
fn gradients(
    engine: &dyn Engine,
    parameters: &Parameters,
    batch: &PackedBatch,
    w: &[f64],
) -> Vec<f32> {
    let (_, tape) = engine.forward(parameters, batch, None).unwrap();
    let w: Vec<f32> = w.iter().map(|&w| w as f32).collect();
    let mut gradients = vec![0.0; parameters.trainable().len()];
    engine.backward(parameters, tape, &w, &mut gradients).unwrap();
    gradients
}

fn check_gradients(name: &str, prefix: &str) {
    let model = EmbeddingModel::load(fixture(name)).unwrap();
    let golden = golden();
    let batch: PackedBatch = tokens(&model).iter().collect();
    let w = golden.values(&format!("{prefix}w"));
    for engine in engines(model.spec()) {
        let gradients = gradients(&*engine, model.parameters(), &batch, w);
        let largest = gradients.iter().fold(0.0f32, |max, g| max.max(g.abs()));
        for info in model.parameters().infos() {
            let name = info.name.trim_start_matches("2_Dense.");
            let expected = golden.values(&format!("{prefix}gradient.{name}"));
            let actual = &gradients[info.range()];
            if name.ends_with("self.key.bias") {
                // It shifts all scores of a query alike, so its gradient is mathematically zero.
                assert!(actual.iter().all(|g| g.abs() < 1e-6 * largest), "{name}");
            } else {
                assert!(actual.iter().any(|&g| g != 0.0), "{name} has no gradient");
                assert_close(actual, expected, Tolerance::relative(1e-5));
            }
        }
    }
}

/// Embeddings and gradients of both engines, with dropout, frozen blocks and any head.
#[test]
fn engines_agree_in_every_configuration() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert-dense")).unwrap();
    let mut batch = PackedBatch::new();
    for (slot, tokens) in tokens(&model).iter().enumerate() {
        batch.push(&Tokens { prompt_len: 1, ..tokens.clone() }, slot as u64 * 17);
    }
    let dropout = Dropout { seed: 5, step: 9, hidden: 0.2, attention: 0.3 };
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max, Pooling::MeanSqrtLen] {
        for (frozen, include_prompt) in [(0, true), (1, false), (2, true)] {
            model.freeze_layers(frozen).unwrap();
            let mut spec = model.spec().clone();
            spec.head.pooling = pooling;
            spec.head.include_prompt = include_prompt;
            let d_embeddings: Vec<f32> = (0..40).map(|i| (i as f32 * 0.7).sin()).collect();
            let [reference, cpu] = engines(&spec).map(|engine| {
                let parameters = model.parameters();
                let (rows, tape) = engine.forward(parameters, &batch, Some(&dropout)).unwrap();
                let again = engine.embed(parameters, &batch, Some(&dropout)).unwrap();
                assert_eq!(rows, again, "{}", engine.name());
                let mut gradients = vec![0.0; parameters.trainable().len()];
                engine.backward(parameters, tape, &d_embeddings, &mut gradients).unwrap();
                (rows, gradients)
            });
            assert_close(&cpu.0, &reference.0, Tolerance::relative(1e-5));
            assert_close(&cpu.1, &reference.1, Tolerance::relative(1e-5));
        }
    }
}

#[test]
fn activations_agree_between_engines() {
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let batch: PackedBatch = tokens(&model).iter().collect();
    let golden = golden();
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let mut spec = model.spec().clone();
        spec.transformer.activation = activation;
        let [reference, cpu] = engines(&spec).map(|engine| {
            let rows = engine.embed(model.parameters(), &batch, None).unwrap();
            (rows, gradients(&*engine, model.parameters(), &batch, golden.values("w")))
        });
        assert_close(&cpu.0, &reference.0, Tolerance::relative(1e-5));
        assert_close(&cpu.1, &reference.1, Tolerance::relative(1e-5));
    }
}

#[test]
fn every_gradient_equals_pytorch() {
    check_gradients("tiny-bert", "");
}

#[test]
fn every_gradient_with_a_projection_equals_pytorch() {
    check_gradients("tiny-bert-dense", "dense.");
}

#[test]
fn every_gradient_equals_finite_differences() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let golden = golden();
    let w = golden.values("w").to_vec();
    let batch: PackedBatch = tokens(&model).iter().collect();
    let spec = model.spec().clone();
    let engine = ReferenceEngine::with_dtype(spec, Device::Cpu, DType::F64);
    let dropout = Dropout { seed: 1, step: 2, hidden: 0.2, attention: 0.2 };
    let (_, tape) = engine.forward(model.parameters(), &batch, Some(&dropout)).unwrap();
    let mut gradients = vec![0.0; model.parameters().trainable().len()];
    let d_embeddings: Vec<f32> = w.iter().map(|&w| w as f32).collect();
    engine.backward(model.parameters(), tape, &d_embeddings, &mut gradients).unwrap();
    let infos = model.parameters().infos().to_vec();
    for info in infos {
        // Two values of each tensor, dropout on: the mask is replayed in every evaluation.
        for index in [info.range().start, info.range().end - 1] {
            let value = model.parameters().trainable()[index];
            let numeric = finite_difference(&[f64::from(value)], 1e-3, |x| {
                model.parameters_mut().trainable_mut()[index] = x[0] as f32;
                let rows = engine.embed(model.parameters(), &batch, Some(&dropout)).unwrap();
                rows.iter().zip(&w).map(|(&row, w)| f64::from(row) * w).sum()
            });
            model.parameters_mut().trainable_mut()[index] = value;
            // Weights and embeddings pass through f32: about 1e-4 of noise at this step.
            assert_close(
                &[gradients[index]],
                &numeric,
                Tolerance { relative: 3e-3, absolute: 3e-3 },
            );
        }
    }
}

#[test]
fn frozen_layers_get_no_gradient_and_the_others_the_same() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let batch: PackedBatch = tokens(&model).iter().collect();
    let golden = golden();
    let w = golden.values("w");
    for engine in engines(&model.spec().clone()) {
        let all = gradients(&*engine, model.parameters(), &batch, w);
        let before = model.parameters().clone();
        model.freeze_layers(1).unwrap();
        let some = gradients(&*engine, model.parameters(), &batch, w);
        assert!(some.len() < all.len());
        for info in model.parameters().infos() {
            assert_eq!(info.frozen, !info.name.contains("layer.1"), "{}", info.name);
            if !info.frozen {
                let full = &all[before.info(&info.name).unwrap().range()];
                assert_eq!(&some[info.range()], full, "{}", info.name);
            }
        }
        model.freeze_layers(0).unwrap();
        assert_eq!(model.parameters().trainable(), before.trainable());
    }
    assert!(model.freeze_layers(3).is_err());
}

#[test]
fn weights_changed_between_passes_are_used() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let before = model.embed(&["cat"], Role::Document).unwrap();
    let fingerprint = model.fingerprint();
    for value in model.parameters_mut().trainable_mut() {
        *value *= 1.5;
    }
    assert_ne!(model.embed(&["cat"], Role::Document).unwrap(), before);
    assert_ne!(model.fingerprint(), fingerprint);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A text alone, in any company and in any place gives the same embedding and dropout mask.
    #[test]
    fn packing_does_not_matter(
        lengths in prop::collection::vec(1usize..24, 1..12),
        seed in any::<u64>(),
        drop in any::<bool>(),
    ) {
        let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
        let sequences: Vec<Tokens> = lengths
            .iter()
            .enumerate()
            .map(|(row, &len)| Tokens {
                ids: (0..len).map(|i| ((row * 31 + i * 7) % 57) as u32).collect(),
                ..Tokens::default()
            })
            .collect();
        let dropout = Dropout { seed, step: 3, hidden: 0.1, attention: 0.1 };
        let dropout = drop.then_some(&dropout);
        let mut forwards = PackedBatch::new();
        let mut backwards = PackedBatch::new();
        for (slot, tokens) in sequences.iter().enumerate() {
            forwards.push(tokens, slot as u64);
        }
        for (slot, tokens) in sequences.iter().enumerate().rev() {
            backwards.push(tokens, slot as u64);
        }
        for engine in engines(model.spec()) {
            let one = engine.embed(model.parameters(), &forwards, dropout).unwrap();
            let two = engine.embed(model.parameters(), &backwards, dropout).unwrap();
            let reversed: Vec<f32> = two.chunks(16).rev().flatten().copied().collect();
            assert_close(&one, &reversed, Tolerance::absolute(1e-5));
            let (tracked, _) = engine.forward(model.parameters(), &forwards, dropout).unwrap();
            assert_eq!(&one, &tracked);
            for (slot, tokens) in sequences.iter().enumerate() {
                let mut alone = PackedBatch::new();
                alone.push(tokens, slot as u64);
                let row = engine.embed(model.parameters(), &alone, dropout).unwrap();
                assert_close(&row, &one[slot * 16..(slot + 1) * 16], Tolerance::absolute(1e-5));
            }
        }
    }
}

#[test]
fn bad_tokens_are_errors() {
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let batch = |ids: Vec<u32>| -> PackedBatch {
        [&Tokens { ids, ..Tokens::default() }].into_iter().collect()
    };
    let error = |batch| model.engine().embed(model.parameters(), &batch, None).unwrap_err();
    assert!(error(batch(vec![2, 57, 3])).to_string().contains("token id 57"));
    assert!(error(batch(vec![5; 33])).to_string().contains("maximum length 33"));
    assert!(error(batch(vec![])).to_string().contains("maximum length 0"));
    let (_, tape) = model.forward(&batch(vec![2, 3]), None).unwrap();
    assert!(model.backward(tape, &[0.0; 3], &mut []).is_err());
}
