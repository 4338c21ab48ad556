//! Maximum length, prompts and letter case.

use embedtune_data::{Embed, Role};
use embedtune_encoder::{EmbeddingModel, EncoderError};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{edit_json, embed, fixture, tiny};

fn with_lengths(sentence: Value, tokenizer: Value) -> usize {
    let dir = tiny();
    edit_json(dir.path().join("sentence_bert_config.json"), |c| c["max_seq_length"] = sentence);
    edit_json(dir.path().join("tokenizer_config.json"), |c| c["model_max_length"] = tokenizer);
    EmbeddingModel::load(dir.path()).unwrap().max_seq_len()
}

#[test]
fn the_maximum_length_comes_from_its_right_place() {
    let unlimited = json!(1e30);
    assert_eq!(with_lengths(json!(10), json!(20)), 10, "sentence_bert_config.json first");
    assert_eq!(with_lengths(json!(20), json!(10)), 20, "even where it is larger");
    assert_eq!(with_lengths(json!(null), json!(10)), 10, "then tokenizer_config.json");
    assert_eq!(with_lengths(json!(null), unlimited.clone()), 32, "then the position table");
    assert_eq!(with_lengths(json!(512), unlimited), 32, "which is never exceeded");
}

#[test]
fn a_length_of_the_tokenizer_file_is_ignored() {
    let dir = tiny();
    edit_json(dir.path().join("tokenizer.json"), |tokenizer| {
        tokenizer["truncation"] = json!({
            "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0
        });
        tokenizer["padding"] = json!({
            "strategy": {"Fixed": 30}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"
        });
    });
    let model = EmbeddingModel::load(dir.path()).unwrap();
    let tokens = model.tokenize(&["a cat and a dog and a bird"], Role::Query).unwrap();
    assert_eq!(tokens[0].ids.len(), 10);
}

#[test]
fn a_maximum_length_must_leave_room_for_text_and_fit_the_positions() {
    let mut model = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    for tokens in [0, 2, 33, usize::MAX] {
        let error = model.set_max_seq_len(tokens).unwrap_err();
        let EncoderError::MaxSeqLen { requested, min, max } = error else {
            panic!("{error}");
        };
        assert_eq!((requested, min, max), (tokens, 3, 32));
    }
    assert_eq!(model.max_seq_len(), 24, "a refused length changes nothing");
    model.set_max_seq_len(3).unwrap();
    let tokens = model.tokenize(&["a cat and a dog"], Role::Query).unwrap();
    assert_eq!((tokens[0].ids.len(), tokens[0].full_len), (3, 7));
    assert!(tokens[0].truncated());
    model.set_max_seq_len(32).unwrap();
}

/// The fixture with these prompts.
fn with_prompts(prompts: Value, default: Value) -> (TempDir, EmbeddingModel) {
    let dir = tiny();
    edit_json(dir.path().join("config_sentence_transformers.json"), |config| {
        config["prompts"] = prompts;
        config["default_prompt_name"] = default;
    });
    let model = EmbeddingModel::load(dir.path()).unwrap();
    (dir, model)
}

#[test]
fn prompts_go_by_role() {
    let prompts = |prompts, default| {
        let (_dir, model) = with_prompts(prompts, default);
        [Role::Query, Role::Document].map(|role| model.prompt(role).to_owned())
    };
    let null = json!(null);
    assert_eq!(prompts(json!({}), null.clone()), ["", ""]);
    assert_eq!(
        prompts(json!({"query": "find ", "document": "read "}), null.clone()),
        ["find ", "read "]
    );
    assert_eq!(prompts(json!({"passage": "read "}), null.clone()), ["", "read "]);
    assert_eq!(prompts(json!({"corpus": "c ", "document": "d "}), null.clone()), ["", "d "]);
    assert_eq!(prompts(json!({"any": "walk "}), null), ["", ""], "a prompt of no role is not used");
    assert_eq!(
        prompts(json!({"any": "walk ", "query": "find "}), json!("any")),
        ["find ", "walk "]
    );
}

#[test]
fn a_prompt_is_text_before_the_text() {
    let (_dir, model) = with_prompts(json!({"query": "find the "}), json!(null));
    let plain = EmbeddingModel::load(fixture("tiny-bert")).unwrap();
    assert_eq!(
        model.embed(&["cat"], Role::Query).unwrap(),
        plain.embed(&["find the cat"], Role::Query).unwrap()
    );
    assert_eq!(
        model.embed(&["cat"], Role::Document).unwrap(),
        plain.embed(&["cat"], Role::Document).unwrap()
    );
    assert_ne!(model.fingerprint(), plain.fingerprint());
}

#[test]
fn a_prompt_can_be_left_out_of_pooling() {
    let (dir, whole) = with_prompts(json!({"query": "find the "}), json!(null));
    edit_json(dir.path().join("1_Pooling/config.json"), |c| c["include_prompt"] = json!(false));
    let model = EmbeddingModel::load(dir.path()).unwrap();
    let tokens = model.tokenize(&["cat"], Role::Query).unwrap();
    assert_eq!((tokens[0].prompt_len, tokens[0].ids.len()), (3, 5), "[CLS], two words of prompt");
    assert_ne!(
        model.embed(&["cat"], Role::Query).unwrap(),
        whole.embed(&["cat"], Role::Query).unwrap()
    );
    assert_eq!(embed(&model), embed(&whole), "documents have no prompt");
}

#[test]
fn lower_case_is_asked_for_by_sentence_bert_config() {
    let cased = |lower: bool| {
        let dir = tiny();
        // The tokenizer itself no longer lowers.
        edit_json(dir.path().join("tokenizer.json"), |t| {
            t["normalizer"]["lowercase"] = json!(false)
        });
        edit_json(dir.path().join("sentence_bert_config.json"), |c| {
            c["do_lower_case"] = json!(lower)
        });
        let model = EmbeddingModel::load(dir.path()).unwrap();
        model.tokenize(&["CAT"], Role::Query).unwrap().remove(0).ids
    };
    assert_eq!(cased(false)[1], 1, "[UNK]");
    assert_ne!(cased(true)[1], 1);
}
