//! Token vectors against another implementation of BERT, that of candle-transformers. It cannot be
//! trained (its fused layer norm and softmax cut the gradient), so it is an oracle for values only.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use embedtune_data::Role;
use embedtune_encoder::{CpuEngine, EmbeddingModel, Engine, Pooling, ReferenceEngine};
use embedtune_testkit::{Tolerance, assert_close};

#[test]
fn first_token_vectors_equal_those_of_candle_transformers() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-bert");
    let config: Config =
        serde_json::from_slice(&fs::read(dir.join("config.json")).unwrap()).unwrap();
    let weights = fs::read(dir.join("model.safetensors")).unwrap();
    let device = Device::Cpu;
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &device).unwrap();
    let oracle = BertModel::load(weights, &config).unwrap();

    let model = EmbeddingModel::load(&dir).unwrap();
    let mut spec = model.spec().clone();
    spec.head.pooling = Pooling::Cls;
    spec.head.steps.clear();
    let engines: [Box<dyn Engine>; 2] =
        [Box::new(ReferenceEngine::new(spec.clone(), Device::Cpu)), Box::new(CpuEngine::new(spec))];
    for text in ["cat", "What is a river?", "the old builder finds a small, lightless bridge!"] {
        let tokens = model.tokenize(&[text], Role::Query).unwrap();
        let ids = Tensor::new(&tokens[0].ids[..], &device).unwrap().unsqueeze(0).unwrap();
        let hidden = oracle.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
        let expected: Vec<f32> = hidden.get(0).unwrap().get(0).unwrap().to_vec1().unwrap();
        for engine in &engines {
            let batch = tokens.iter().collect();
            let actual = engine.embed(model.parameters(), &batch, None).unwrap();
            assert_close(&actual, &expected, Tolerance::relative(1e-5));
        }
    }
}
