//! What is written, and that it is written whole or not at all.

use std::{collections::BTreeMap, fs, path::Path};

use embedtune_data::{Role, TextHash};
use embedtune_encoder::{EmbeddingModel, EncoderError, ModelCard};
use embedtune_testkit::{copy_dir, temp_dir};
use safetensors::Dtype;
use serde_json::json;

use crate::support::{Raw, edit_json, edit_tensors, embed, fixture, read_json, tensors, tiny};

/// Every file below `dir` by its relative path.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[test]
fn a_saved_model_is_the_same_model_and_saves_to_the_same_bytes() {
    for name in ["tiny-bert", "tiny-bert-new-schema", "tiny-bert-sharded", "tiny-bert-dense"] {
        let out = temp_dir();
        let (first, second) = (out.path().join("first"), out.path().join("second"));
        let model = EmbeddingModel::load(fixture(name)).unwrap();
        model.save(&first, &ModelCard::default()).unwrap();
        let again = EmbeddingModel::load(&first).unwrap();
        assert_eq!(embed(&again), embed(&model), "{name}");
        assert_eq!(again.fingerprint(), model.fingerprint(), "{name}");
        assert_eq!(again.spec(), model.spec(), "{name}");
        again.save(&second, &ModelCard::default()).unwrap();
        assert!(files(&first) == files(&second), "{name}: the second save differs");
        let names: Vec<_> = fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(names.len(), 2, "no staging folder is left: {names:?}");
    }
}

#[test]
fn settings_changed_in_memory_are_saved() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    model.set_max_seq_len(9).unwrap();
    model.set_prompt(Role::Query, "find ");
    model.set_prompt(Role::Document, "read ");
    model.freeze_layers(1).unwrap();
    model.parameters_mut().trainable_mut().iter_mut().for_each(|w| *w *= 1.25);
    let out = temp_dir();
    let saved = out.path().join("new/folder/model");
    model.save(&saved, &ModelCard::default()).unwrap();
    let again = EmbeddingModel::load(&saved).unwrap();
    assert_eq!(again.max_seq_len(), 9);
    assert_eq!((again.prompt(Role::Query), again.prompt(Role::Document)), ("find ", "read "));
    assert_eq!(embed(&again), embed(&model));
    assert_eq!(again.fingerprint(), model.fingerprint());
}

#[test]
fn the_layout_is_the_legacy_one_and_nothing_else() {
    let out = temp_dir();
    let saved = out.path().join("model");
    let model = EmbeddingModel::load(fixture("tiny-bert-dense")).unwrap();
    model.save(&saved, &ModelCard::default()).unwrap();
    let names: Vec<String> = files(&saved).into_keys().collect();
    assert_eq!(
        names,
        [
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "README.md",
            "config.json",
            "config_sentence_transformers.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    );
    let module = |number: u32, path: &str, kind: &str| {
        json!({
            "idx": number, "name": number.to_string(), "path": path,
            "type": format!("sentence_transformers.models.{kind}"),
        })
    };
    assert_eq!(
        read_json(saved.join("modules.json")),
        json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Dense", "Dense"),
            module(3, "3_Normalize", "Normalize"),
        ])
    );
    assert_eq!(
        read_json(saved.join("1_Pooling/config.json")),
        json!({
            "word_embedding_dimension": 16,
            "pooling_mode_cls_token": false,
            "pooling_mode_mean_tokens": true,
            "pooling_mode_max_tokens": false,
            "pooling_mode_mean_sqrt_len_tokens": false,
            "pooling_mode_weightedmean_tokens": false,
            "pooling_mode_lasttoken": false,
            "include_prompt": true,
        })
    );
    assert_eq!(
        read_json(saved.join("sentence_bert_config.json")),
        json!({"max_seq_length": 24, "do_lower_case": false})
    );
    assert_eq!(
        read_json(saved.join("2_Dense/config.json")),
        json!({
            "in_features": 16, "out_features": 8, "bias": true,
            "activation_function": "torch.nn.modules.activation.Tanh",
        })
    );
    let settings = read_json(saved.join("config_sentence_transformers.json"));
    assert_eq!(settings["prompts"], json!({"document": "", "query": ""}));
    assert_eq!(settings["similarity_fn_name"], json!("cosine"));
}

#[test]
fn tensors_that_the_model_does_not_use_are_passed_through() {
    let dir = tiny();
    let ids = Raw {
        name: "embeddings.position_ids".to_owned(),
        dtype: Dtype::I64,
        shape: vec![1, 2],
        data: [0_i64, 1].iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    edit_tensors(dir.path().join("model.safetensors"), |tensors| tensors.push(ids));
    let out = temp_dir();
    let saved = out.path().join("model");
    EmbeddingModel::load(dir.path()).unwrap().save(&saved, &ModelCard::default()).unwrap();
    let (before, after) =
        (tensors(dir.path().join("model.safetensors")), tensors(saved.join("model.safetensors")));
    assert!(before.iter().any(|tensor| tensor.name == "pooler.dense.weight"));
    assert!(before == after, "tensors changed on their way through");
}

#[test]
fn half_precision_is_saved_as_f32_and_says_so() {
    let dir = copy_dir(fixture("tiny-bert-f16"));
    edit_json(dir.path().join("config.json"), |c| c["torch_dtype"] = json!("float16"));
    let out = temp_dir();
    let saved = out.path().join("model");
    let model = EmbeddingModel::load(dir.path()).unwrap();
    model.save(&saved, &ModelCard::default()).unwrap();
    let config = read_json(saved.join("config.json"));
    assert_eq!((&config["torch_dtype"], &config["dtype"]), (&json!("float32"), &json!("float32")));
    assert_eq!(embed(&EmbeddingModel::load(&saved).unwrap()), embed(&model));
}

#[test]
fn the_card_tells_where_the_model_comes_from() {
    let mut card = ModelCard::default();
    card.base_model = "some/model \"quoted\"".to_owned();
    card.datasets = vec!["a dozen pairs".to_owned()];
    card.metrics = vec![("ndcg@10".to_owned(), Some(0.25), 0.5), ("mrr@10".to_owned(), None, 0.75)];
    card.hyperparameters = vec![("learning_rate".to_owned(), "0.00002".to_owned())];
    let out = temp_dir();
    let saved = out.path().join("model");
    EmbeddingModel::load(fixture("tiny-bert")).unwrap().save(&saved, &card).unwrap();
    let readme = fs::read_to_string(saved.join("README.md")).unwrap();
    for expected in [
        "base_model: \"some/model \\\"quoted\\\"\"\n",
        "- a dozen pairs\n",
        "| ndcg@10 | 0.2500 | 0.5000 |\n",
        "| mrr@10 | – | 0.7500 |\n",
        "| `learning_rate` | 0.00002 |\n",
        "| Pooling | mean |\n",
        "| Maximum length | 24 tokens |\n",
    ] {
        assert!(readme.contains(expected), "no {expected:?} in\n{readme}");
    }
}

#[test]
fn an_output_that_exists_is_left_alone() {
    let out = temp_dir();
    fs::write(out.path().join("precious"), "data").unwrap();
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    for path in [out.path().to_owned(), out.path().join("precious")] {
        let error = model.save(&path, &ModelCard::default()).unwrap_err();
        assert!(matches!(error, EncoderError::OutputExists { .. }), "{error}");
        assert!(error.to_string().contains("exists; choose another output or remove it"));
    }
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(out.path().join("precious")).unwrap(), "data");
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_and_left_as_it_was() {
    let out = temp_dir();
    let file = out.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let error = model.save(file.join("model"), &ModelCard::default()).unwrap_err();
    assert!(matches!(error, EncoderError::Io { .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

/// A name that is too long fails in the last step, the renaming: what was staged must go.
#[test]
fn what_a_killed_save_left_is_removed_by_the_next() {
    let out = temp_dir();
    let left = |name: &str| {
        let path = out.path().join(format!(".embedtune-save-{}-killed", TextHash::of(name)));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("model.safetensors"), "half").unwrap();
        path
    };
    let (own, foreign) = (left("tuned"), left("another"));
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    model.save(out.path().join("tuned"), &ModelCard::default()).unwrap();
    assert!(!own.exists());
    assert!(foreign.exists());
}

#[test]
fn a_failed_renaming_leaves_nothing() {
    let out = temp_dir();
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    let error = model.save(out.path().join("x".repeat(300)), &ModelCard::default()).unwrap_err();
    assert!(matches!(error, EncoderError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_server_may_read_what_was_saved() {
    use std::os::unix::fs::PermissionsExt;

    let out = temp_dir();
    let saved = out.path().join("model");
    let model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    model.save(&saved, &ModelCard::default()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // Files get what the process's umask leaves of 0666; a file made here shows it.
    let probe = out.path().join("probe");
    fs::write(&probe, "").unwrap();
    assert_eq!(mode(&saved), 0o755);
    for name in files(&saved).keys() {
        assert_eq!(mode(&saved.join(name)), mode(&probe), "{name}");
    }
}
