//! BERT (Devlin et al., 2019) as in Hugging Face's `BertModel`: absolute positions, layer norm
//! after each sub-block. all-MiniLM-L6-v2 and the BGE models are of this kind.

use serde::Deserialize;

use super::{Affine, Architecture, ConfigError, LayerNames, WeightNames};
use crate::spec::{Activation, TransformerSpec};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "bert",
    class: "BertModel",
    prefixes: &["0.auto_model.", "bert.", ""],
    spec,
    names,
};

/// The fields of config.json that matter here; files of others may hold more.
#[derive(Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "tiny")]
    layer_norm_eps: f64,
    hidden_act: String,
    #[serde(default = "tenth")]
    hidden_dropout_prob: f32,
    #[serde(default = "tenth")]
    attention_probs_dropout_prob: f32,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

fn two() -> usize {
    2
}
fn tiny() -> f64 {
    1e-12
}
fn tenth() -> f32 {
    0.1
}

fn spec(config: &serde_json::Value) -> Result<TransformerSpec, ConfigError> {
    let config = Config::deserialize(config).map_err(ConfigError::Json)?;
    let activation = match config.hidden_act.as_str() {
        "gelu" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
        "relu" => Activation::Relu,
        other => {
            return Err(ConfigError::Unsupported {
                what: "hidden_act",
                value: other.to_owned(),
                supported: "gelu, gelu_new, gelu_pytorch_tanh, relu",
            });
        }
    };
    if let Some(kind) = config.position_embedding_type.filter(|kind| kind != "absolute") {
        return Err(ConfigError::Unsupported {
            what: "position_embedding_type",
            value: kind,
            supported: "absolute",
        });
    }
    for (what, value) in [
        ("vocab_size", config.vocab_size),
        ("hidden_size", config.hidden_size),
        ("intermediate_size", config.intermediate_size),
        ("max_position_embeddings", config.max_position_embeddings),
        ("type_vocab_size", config.type_vocab_size),
    ] {
        // Far above any model: products of two of these do not overflow.
        if value == 0 || value > 1 << 24 {
            let value = value.to_string();
            return Err(ConfigError::Unsupported { what, value, supported: "1 to 16777216" });
        }
    }
    // Names are made of every layer before a weight is read.
    if config.num_hidden_layers == 0 || config.num_hidden_layers > 4096 {
        return Err(ConfigError::Unsupported {
            what: "num_hidden_layers",
            value: config.num_hidden_layers.to_string(),
            supported: "1 to 4096",
        });
    }
    if config.num_attention_heads == 0
        || !config.hidden_size.is_multiple_of(config.num_attention_heads)
    {
        return Err(ConfigError::Unsupported {
            what: "num_attention_heads",
            value: config.num_attention_heads.to_string(),
            supported: "a divisor of hidden_size",
        });
    }
    Ok(TransformerSpec {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_layers: config.num_hidden_layers,
        num_heads: config.num_attention_heads,
        intermediate_size: config.intermediate_size,
        max_positions: config.max_position_embeddings,
        type_vocab_size: config.type_vocab_size,
        layer_norm_eps: config.layer_norm_eps,
        activation,
        hidden_dropout: config.hidden_dropout_prob,
        attention_dropout: config.attention_probs_dropout_prob,
    })
}

fn names(spec: &TransformerSpec) -> WeightNames {
    WeightNames {
        words: "embeddings.word_embeddings.weight".to_owned(),
        positions: "embeddings.position_embeddings.weight".to_owned(),
        token_types: "embeddings.token_type_embeddings.weight".to_owned(),
        embeddings_norm: Affine::at("embeddings.LayerNorm"),
        layers: (0..spec.num_layers)
            .map(|number| {
                let at = |part: &str| Affine::at(&format!("encoder.layer.{number}.{part}"));
                LayerNames {
                    query: at("attention.self.query"),
                    key: at("attention.self.key"),
                    value: at("attention.self.value"),
                    attention_output: at("attention.output.dense"),
                    attention_norm: at("attention.output.LayerNorm"),
                    intermediate: at("intermediate.dense"),
                    output: at("output.dense"),
                    output_norm: at("output.LayerNorm"),
                }
            })
            .collect(),
    }
}
