//! Embedding and a training step of an encoder with the shape of all-MiniLM-L6-v2 and random
//! weights, on all cores.
//!
//! `cargo bench -p embedtune-benches --bench encoder`
//!
//! Criterion's "elem/s" are tokens.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use embedtune_encoder::{
    Activation, Affine, CpuEngine, Dropout, EncoderSpec, Engine, Head, HeadStep, LayerNames,
    PackedBatch, Parameters, Pooling, Tokens, TransformerSpec, WeightNames,
};
use embedtune_kernels::{AdamWStep, adamw_step};

/// Rows of the word table; a tenth of the model's, since speed does not depend on them.
const VOCAB: u32 = 3072;

fn affine(name: &str) -> Affine {
    Affine { weight: format!("{name}.weight"), bias: format!("{name}.bias") }
}

fn layer(number: usize) -> LayerNames {
    let at = |part: &str| affine(&format!("{number}.{part}"));
    LayerNames {
        query: at("query"),
        key: at("key"),
        value: at("value"),
        attention_output: at("attention_output"),
        attention_norm: at("attention_norm"),
        intermediate: at("intermediate"),
        output: at("output"),
        output_norm: at("output_norm"),
    }
}

fn minilm() -> EncoderSpec {
    let transformer = TransformerSpec {
        vocab_size: VOCAB as usize,
        hidden_size: 384,
        num_layers: 6,
        num_heads: 12,
        intermediate_size: 1536,
        max_positions: 512,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        activation: Activation::Gelu,
        hidden_dropout: 0.1,
        attention_dropout: 0.1,
    };
    let names = WeightNames {
        words: "words".to_owned(),
        positions: "positions".to_owned(),
        token_types: "token_types".to_owned(),
        embeddings_norm: affine("embeddings_norm"),
        layers: (0..transformer.num_layers).map(layer).collect(),
    };
    let steps = vec![HeadStep::Normalize];
    let head = Head { pooling: Pooling::Mean, include_prompt: true, steps };
    EncoderSpec { transformer, names, head }
}

/// Weights of the size that BERT starts from; norms are the identity.
fn parameters(spec: &EncoderSpec) -> Parameters {
    let tensors = spec.shapes().into_iter().enumerate().map(|(seed, (name, shape))| {
        let length = shape.iter().product();
        let values = match name.ends_with("norm.weight") {
            true => vec![1.0; length],
            false => embedtune_testkit::uniform(seed as u64, length)
                .into_iter()
                .map(|value| 0.035 * value as f32)
                .collect(),
        };
        (name, shape, values)
    });
    Parameters::new(tensors)
}

fn batch(sequences: usize, len: usize) -> PackedBatch {
    let mut batch = PackedBatch::new();
    for sequence in 0..sequences {
        let ids = (0..len).map(|token| (sequence * 7919 + token * 104_729) as u32 % VOCAB);
        let tokens = Tokens { ids: ids.collect(), prompt_len: 0, full_len: len as u32 };
        batch.push(&tokens, sequence as u64);
    }
    batch
}

fn encoder(c: &mut Criterion) {
    let spec = minilm();
    let mut parameters = parameters(&spec);
    let engine = CpuEngine::new(spec.clone());
    let (mut m, mut v) = (vec![0.0; parameters.num_values()], vec![0.0; parameters.num_values()]);
    let mut gradients = vec![0.0; parameters.num_values()];
    let dropout = Dropout { seed: 42, step: 0, hidden: 0.1, attention: 0.1 };
    let (lr, beta1, beta2, eps) = (1e-8, 0.9, 0.999, 1e-8);
    let step = AdamWStep { lr, beta1, beta2, eps, weight_decay: 0.01, step: 100, grad_scale: 1.0 };

    let mut group = c.benchmark_group("encoder");
    group.sample_size(10);
    for (sequences, len) in [(64, 32), (8, 256)] {
        let batch = batch(sequences, len);
        let shape = format!("{sequences} texts of {len} tokens");
        group.throughput(Throughput::Elements(batch.num_tokens() as u64));
        group.bench_function(BenchmarkId::new("embed", &shape), |b| {
            b.iter(|| {
                engine.embed(&parameters, black_box(&batch), None).expect("ids are in range")
            });
        });
        let d_embeddings: Vec<f32> = embedtune_testkit::uniform(1, sequences * spec.dim())
            .into_iter()
            .map(|value| value as f32)
            .collect();
        group.bench_function(BenchmarkId::new("train step", &shape), |b| {
            b.iter(|| {
                gradients.fill(0.0);
                let (_, tape) = engine
                    .forward(&parameters, black_box(&batch), Some(&dropout))
                    .expect("ids are in range");
                engine
                    .backward(&parameters, tape, &d_embeddings, &mut gradients)
                    .expect("the tape is of this engine");
                adamw_step(parameters.trainable_mut(), &gradients, &mut m, &mut v, step);
            });
        });
    }
}

criterion_group!(benches, encoder);
criterion_main!(benches);
