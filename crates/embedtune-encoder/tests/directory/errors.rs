//! Directories that are refused: the message names the file and what to do.

use std::{fs, path::Path};

use embedtune_testkit::{copy_dir, temp_dir};
use serde_json::json;

use crate::support::{edit_json, edit_tensors, fixture, refusal, tiny};

/// Asserts that `dir` is refused with a message that names `file` and says `what`.
#[track_caller]
fn refused(dir: &Path, file: &str, what: &[&str]) {
    let message = refusal(dir);
    let path = if file.is_empty() { dir.to_owned() } else { dir.join(file) };
    assert!(message.starts_with(path.to_str().unwrap()), "{path:?} is not named: {message}");
    for what in what {
        assert!(message.contains(what), "no {what:?} in: {message}");
    }
}

#[test]
fn no_directory() {
    let out = temp_dir();
    refused(&out.path().join("nothing"), "", &["no model directory", "give the path"]);
    fs::write(out.path().join("file"), "").unwrap();
    refused(&out.path().join("file"), "", &["no model directory"]);
    refused(out.path(), "", &["no config.json here"]);
}

#[test]
fn missing_files() {
    for (name, what) in [
        ("config.json", &["no config.json here", "is this a model directory?"][..]),
        ("tokenizer.json", &["no tokenizer.json here", "save the model again"]),
        ("model.safetensors", &["no model.safetensors here", "fetch"]),
    ] {
        let dir = tiny();
        fs::remove_file(dir.path().join(name)).unwrap();
        refused(dir.path(), "", what);
    }
    let dir = copy_dir(fixture("tiny-bert-sharded"));
    fs::remove_file(dir.path().join("model-00002-of-00003.safetensors")).unwrap();
    refused(dir.path(), "model-00002-of-00003.safetensors", &[]);
    let dir = copy_dir(fixture("tiny-bert-dense"));
    fs::remove_file(dir.path().join("2_Dense/model.safetensors")).unwrap();
    refused(dir.path(), "2_Dense", &["no model.safetensors here", "SentenceTransformer(DIR)"]);
    fs::remove_file(dir.path().join("2_Dense/config.json")).unwrap();
    refused(dir.path(), "2_Dense", &["no config.json here", "modules.json names this"]);
}

#[test]
fn pickled_weights() {
    let dir = tiny();
    fs::rename(dir.path().join("model.safetensors"), dir.path().join("pytorch_model.bin")).unwrap();
    refused(dir.path(), "", &["pytorch_model.bin is a pickle", "save_pretrained"]);
}

#[test]
fn malformed_json() {
    for (name, text) in [
        ("config.json", "{\n  \"a\": 1,,\n}"),
        ("modules.json", "[\n  ,\n]"),
        ("sentence_bert_config.json", "{\n  \"a\": 1,,\n}"),
        ("config_sentence_transformers.json", "{\n  \"a\": 1,,\n}"),
        ("1_Pooling/config.json", "{\n  \"a\": 1,,\n}"),
    ] {
        let dir = tiny();
        fs::write(dir.path().join(name), text).unwrap();
        refused(dir.path(), name, &["line 2 column"]);
        fs::write(dir.path().join(name), [0xff, 0xfe]).unwrap();
        refused(dir.path(), name, &["line 1 column"]);
    }
    let dir = tiny();
    fs::write(dir.path().join("tokenizer.json"), "{").unwrap();
    refused(dir.path(), "tokenizer.json", &["no usable tokenizer", "save it again"]);
    let dir = tiny();
    edit_json(dir.path().join("tokenizer.json"), |t| t["post_processor"] = json!(null));
    refused(dir.path(), "tokenizer.json", &["no post-processor"]);
    let dir = copy_dir(fixture("tiny-bert-sharded"));
    fs::write(dir.path().join("model.safetensors.index.json"), "[]").unwrap();
    refused(dir.path(), "model.safetensors.index.json", &[]);
}

#[test]
fn settings_that_no_engine_runs() {
    for (name, value, what) in [
        ("model_type", json!("roberta"), &["model_type `roberta`", "supported: bert"][..]),
        ("model_type", json!(null), &["model_type `(none)`"]),
        ("hidden_act", json!("swish"), &["hidden_act `swish`", "gelu"]),
        ("position_embedding_type", json!("relative_key"), &["`relative_key`", "absolute"]),
        ("num_attention_heads", json!(3), &["num_attention_heads `3`", "divisor of hidden_size"]),
        ("num_attention_heads", json!(0), &["num_attention_heads `0`"]),
        ("hidden_size", json!(0), &["hidden_size `0`"]),
        ("num_hidden_layers", json!(10_000_000_000_u64), &["num_hidden_layers `10000000000`"]),
        ("vocab_size", json!("many"), &["invalid type"]),
    ] {
        let dir = tiny();
        edit_json(dir.path().join("config.json"), |config| config[name] = value);
        refused(dir.path(), "config.json", what);
    }
    let dir = tiny();
    edit_json(dir.path().join("config.json"), |config| {
        config.as_object_mut().unwrap().remove("hidden_size");
    });
    refused(dir.path(), "config.json", &["missing field `hidden_size`"]);
}

#[test]
fn modules_that_are_not_built_in() {
    let with_module = |number: usize, kind: &str| {
        let dir = tiny();
        edit_json(dir.path().join("modules.json"), |modules| {
            modules[number]["type"] = json!(kind);
        });
        dir
    };
    let kind = "sentence_transformers.models.CNN";
    for number in 0..3 {
        let dir = with_module(number, kind);
        refused(dir.path(), "modules.json", &[kind, "supported: Transformer, Pooling"]);
    }
    let dir = with_module(1, "sentence_transformers.models.Normalize");
    refused(dir.path(), "modules.json", &["in this order"]);
}

#[test]
fn poolings_that_are_not_built_in() {
    for (name, value, what) in [
        ("pooling_mode_lasttoken", json!(true), "`mean + lasttoken`"),
        ("pooling_mode_weightedmean_tokens", json!(true), "`mean + weightedmean`"),
        ("pooling_mode_cls_token", json!(true), "`cls + mean`"),
    ] {
        let dir = tiny();
        edit_json(dir.path().join("1_Pooling/config.json"), |config| config[name] = value);
        refused(dir.path(), "1_Pooling/config.json", &[what, "one of mean, cls, max"]);
    }
    let dir = copy_dir(fixture("tiny-bert-new-schema"));
    edit_json(dir.path().join("1_Pooling/config.json"), |c| c["pooling_mode"] = json!("attention"));
    refused(dir.path(), "1_Pooling/config.json", &["pooling `attention`"]);
}

#[test]
fn projections_that_do_not_fit() {
    for (name, value, what) in [
        ("activation_function", json!("torch.nn.modules.activation.ReLU"), "activation.ReLU"),
        ("use_residual", json!(true), "use_residual `true`"),
        ("in_features", json!(15), "in_features `15`"),
    ] {
        let dir = copy_dir(fixture("tiny-bert-dense"));
        edit_json(dir.path().join("2_Dense/config.json"), |config| config[name] = value);
        refused(dir.path(), "2_Dense/config.json", &[what]);
    }
    let dir = copy_dir(fixture("tiny-bert-dense"));
    edit_json(dir.path().join("2_Dense/config.json"), |c| c["out_features"] = json!(9));
    refused(dir.path(), "2_Dense/model.safetensors", &["[8, 16]", "[9, 16]"]);
}

#[test]
fn weights_cut_short_anywhere() {
    let dir = tiny();
    let path = dir.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for len in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        refused(
            dir.path(),
            "model.safetensors",
            &["not a whole safetensors file", "fetch it again"],
        );
    }
    fs::write(&path, "<html>not found</html>").unwrap();
    refused(dir.path(), "model.safetensors", &["not a whole safetensors file"]);
}

#[test]
fn weights_of_another_model() {
    let dir = tiny();
    edit_json(dir.path().join("config.json"), |config| config["vocab_size"] = json!(58));
    let what = ["embeddings.word_embeddings.weight", "[57, 16]", "[58, 16]", "different models"];
    refused(dir.path(), "model.safetensors", &what);

    let dir = tiny();
    edit_json(dir.path().join("config.json"), |config| config["num_hidden_layers"] = json!(3));
    refused(dir.path(), "", &["encoder.layer.2.", "is missing", "different models"]);

    let dir = tiny();
    edit_tensors(dir.path().join("model.safetensors"), |tensors| {
        tensors.retain(|tensor| tensor.name != "encoder.layer.1.output.dense.bias");
    });
    refused(dir.path(), "", &["`encoder.layer.1.output.dense.bias` is missing"]);
}

#[test]
fn weights_that_are_no_numbers() {
    let name = "encoder.layer.0.attention.self.query.weight";
    for value in [f32::NAN, f32::INFINITY] {
        let dir = tiny();
        edit_tensors(dir.path().join("model.safetensors"), |tensors| {
            let tensor = tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
            tensor.data[8..12].copy_from_slice(&value.to_le_bytes());
        });
        refused(dir.path(), "model.safetensors", &[name, "not finite", "diverged"]);
    }
    let dir = tiny();
    edit_tensors(dir.path().join("model.safetensors"), |tensors| {
        let tensor = tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        tensor.dtype = safetensors::Dtype::I32;
    });
    refused(dir.path(), "model.safetensors", &[name, "has type I32"]);
}
