//! An encoder with the shape of all-MiniLM-L6-v2 and random weights: speed does not depend on what
//! a model has learned.

use embedtune_encoder::{
    Activation, Affine, EncoderSpec, Head, HeadStep, LayerNames, PackedBatch, Parameters, Pooling,
    Tokens, TransformerSpec, WeightNames,
};

use crate::products::{HIDDEN, INNER};

/// Rows of the word table; a tenth of the model's, since speed hardly depends on them.
pub const VOCAB: u32 = 3072;

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

/// Six blocks of hidden size 384, mean pooling, normalized.
pub fn spec() -> EncoderSpec {
    let transformer = TransformerSpec {
        vocab_size: VOCAB as usize,
        hidden_size: HIDDEN,
        num_layers: 6,
        num_heads: 12,
        intermediate_size: INNER,
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
pub fn parameters(spec: &EncoderSpec) -> Parameters {
    let tensors = spec.shapes().into_iter().enumerate().map(|(seed, (name, shape))| {
        let length = shape.iter().product();
        let values = match name.ends_with("norm.weight") {
            true => vec![1.0; length],
            false => {
                crate::values(length, seed as u64).into_iter().map(|value| 0.035 * value).collect()
            }
        };
        (name, shape, values)
    });
    Parameters::new(tensors)
}

/// `sequences` texts of `len` tokens each.
pub fn batch(sequences: usize, len: usize) -> PackedBatch {
    let mut batch = PackedBatch::new();
    for sequence in 0..sequences {
        let ids = (0..len).map(|token| (sequence * 7919 + token * 104_729) as u32 % VOCAB);
        let tokens = Tokens { ids: ids.collect(), prompt_len: 0, full_len: len as u32 };
        batch.push(&tokens, sequence as u64);
    }
    batch
}
