//! Directories as other programs write them.

use std::fs;

use embedtune_encoder::{EmbeddingModel, HeadStep, Pooling};
use serde_json::json;

use crate::support::{TEXTS, edit_json, edit_tensors, embed, fixture, tiny};

#[test]
fn both_schemas_and_shards_are_the_same_model() {
    let expected = embed(&EmbeddingModel::load(fixture("tiny-bert")).unwrap());
    for name in ["tiny-bert-new-schema", "tiny-bert-sharded"] {
        let model = EmbeddingModel::load(fixture(name)).unwrap();
        assert_eq!(embed(&model), expected, "{name}");
        assert_eq!(model.max_seq_len(), 24, "{name}");
        assert!(model.spec().head.normalizes(), "{name}");
    }
}

#[test]
fn a_bare_transformer_is_pooled_by_its_mean_and_not_normalized() {
    let dir = tiny();
    for name in ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    fs::remove_dir_all(dir.path().join("1_Pooling")).unwrap();
    let model = EmbeddingModel::load(dir.path()).unwrap();
    assert_eq!(model.spec().head.pooling, Pooling::Mean);
    assert!(model.spec().head.steps.is_empty());
    assert_eq!(model.max_seq_len(), 32, "the position table is the limit");
    assert!((norm(embed(&model).row(0)) - 1.0).abs() > 1e-3);
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|v| v * v).sum::<f32>().sqrt()
}

#[test]
fn a_transformer_may_lie_in_a_folder_of_its_own() {
    let dir = tiny();
    let inner = dir.path().join("0_Transformer");
    fs::create_dir(&inner).unwrap();
    for name in [
        "config.json",
        "model.safetensors",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        fs::rename(dir.path().join(name), inner.join(name)).unwrap();
    }
    edit_json(dir.path().join("modules.json"), |modules| {
        modules[0]["path"] = json!("0_Transformer");
    });
    let expected = embed(&EmbeddingModel::load(fixture("tiny-bert")).unwrap());
    assert_eq!(embed(&EmbeddingModel::load(dir.path()).unwrap()), expected);
}

#[test]
fn task_prefixes_and_old_layer_norm_names_are_understood() {
    let expected = embed(&EmbeddingModel::load(fixture("tiny-bert")).unwrap());
    for prefix in ["bert.", "0.auto_model."] {
        let dir = tiny();
        edit_tensors(dir.path().join("model.safetensors"), |tensors| {
            for tensor in tensors {
                let name = tensor.name.replace("LayerNorm.weight", "LayerNorm.gamma");
                tensor.name =
                    format!("{prefix}{}", name.replace("LayerNorm.bias", "LayerNorm.beta"));
            }
        });
        assert_eq!(embed(&EmbeddingModel::load(dir.path()).unwrap()), expected, "{prefix}");
    }
}

#[test]
fn a_shard_without_the_word_table_may_have_a_prefix_too() {
    let dir = embedtune_testkit::copy_dir(fixture("tiny-bert-sharded"));
    // A shard of its own for one tensor that is neither the word table nor in a block.
    let moved = "embeddings.LayerNorm.bias";
    let mut apart = Vec::new();
    for number in 1..=3 {
        let path = dir.path().join(format!("model-0000{number}-of-00003.safetensors"));
        edit_tensors(&path, |tensors| {
            tensors.iter_mut().for_each(|t| t.name = format!("bert.{}", t.name));
            let (one, rest) =
                std::mem::take(tensors).into_iter().partition(|t| t.name.ends_with(moved));
            apart.extend::<Vec<_>>(one);
            *tensors = rest;
        });
    }
    assert_eq!(apart.len(), 1);
    let shard = dir.path().join("model-4.safetensors");
    fs::copy(dir.path().join("model-00001-of-00003.safetensors"), &shard).unwrap();
    edit_tensors(&shard, |tensors| *tensors = apart);
    edit_json(dir.path().join("model.safetensors.index.json"), |index| {
        index["weight_map"][moved] = json!("model-4.safetensors");
    });
    let expected = embed(&EmbeddingModel::load(fixture("tiny-bert")).unwrap());
    assert_eq!(embed(&EmbeddingModel::load(dir.path()).unwrap()), expected);
}

#[test]
fn a_projection_is_read_and_defaults_to_tanh() {
    let model = EmbeddingModel::load(fixture("tiny-bert-dense")).unwrap();
    assert_eq!(model.spec().dim(), 8);
    assert!(matches!(model.spec().head.steps[..], [HeadStep::Dense(_), HeadStep::Normalize]));
    let dir = embedtune_testkit::copy_dir(fixture("tiny-bert-dense"));
    edit_json(dir.path().join("2_Dense/config.json"), |config| {
        config.as_object_mut().unwrap().remove("activation_function");
    });
    let again = EmbeddingModel::load(dir.path()).unwrap();
    assert_eq!(embed(&again), embed(&model));
    assert_eq!(embed(&again).rows(), TEXTS.len());
}

#[test]
fn pooling_words_and_lists_of_the_newer_schema_are_understood() {
    for (value, expected) in [
        (json!("cls"), Pooling::Cls),
        (json!(["max"]), Pooling::Max),
        (json!("mean_sqrt_len_tokens"), Pooling::MeanSqrtLen),
    ] {
        let dir = embedtune_testkit::copy_dir(fixture("tiny-bert-new-schema"));
        edit_json(dir.path().join("1_Pooling/config.json"), |config| {
            config["pooling_mode"] = value;
        });
        let model = EmbeddingModel::load(dir.path()).unwrap();
        assert_eq!(model.spec().head.pooling, expected);
    }
}
