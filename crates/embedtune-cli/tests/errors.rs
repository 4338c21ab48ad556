//! Bad input: a clear error that names the file, the line and the remedy, and nothing half-written.
#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, path::Path, process::Command};

use support::{Workshop, embedtune, model, run, stderr};

/// Trains `data` with `model`, which must fail with all of `parts` in the message and leave nothing.
fn fails(shop: &Workshop, model: &Path, data: &str, flags: &[&str], parts: &[&str]) {
    let before = shop.names();
    let out = shop.at("out");
    let base = ["train", "--model", model.to_str().unwrap(), "--data", data, "--output", &out];
    let output = run(base.iter().chain(flags));
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` in: {message}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(shop.names(), before, "something was left");
}

#[test]
fn missing_column() {
    let shop = Workshop::new(8);
    let csv = shop.write("pairs.csv", "question,text\na cat,a dog\n");
    fails(&shop, &model(), &csv, &[], &["pairs.csv", "question, text", "--columns"]);
    let columns = ["--columns", "anchor=question,positive=answer"];
    fails(&shop, &model(), &csv, &columns, &["pairs.csv", "`answer`", "question, text"]);
}

#[test]
fn empty_text() {
    let shop = Workshop::new(8);
    let rows = "{\"anchor\": \"a cat\", \"positive\": \"fast\"}\n{\"anchor\": \" \", \"positive\": \"b\"}\n";
    let file = shop.write("rows.jsonl", rows);
    fails(&shop, &model(), &file, &[], &["rows.jsonl:2", "`anchor` is empty", "remove the row"]);
}

#[test]
fn unknown_id_in_qrels() {
    let shop = Workshop::new(8);
    shop.write("data/qrels/train.tsv", "query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td99\t1\n");
    let parts = ["train.tsv:3", "document `d99`", "corpus.jsonl", "add it there"];
    fails(&shop, &model(), &shop.at("data"), &[], &parts);
}

#[test]
fn no_relevant_documents() {
    let shop = Workshop::new(8);
    shop.write("data/qrels/train.tsv", "query-id\tcorpus-id\tscore\nq0\td0\t0\n");
    let parts = ["train.tsv", "no relevant documents", "grade of 1 or more"];
    fails(&shop, &model(), &shop.at("data"), &[], &parts);
}

#[test]
fn malformed_json() {
    let shop = Workshop::new(8);
    let corpus = fs::read_to_string(shop.path("data/corpus.jsonl")).unwrap();
    let broken: String = corpus
        .lines()
        .enumerate()
        .map(
            |(n, line)| if n == 4 { "{\"_id\": \"d4\",\n".to_owned() } else { format!("{line}\n") },
        )
        .collect();
    shop.write("data/corpus.jsonl", broken);
    fails(&shop, &model(), &shop.at("data"), &[], &["corpus.jsonl:5", "malformed JSON"]);
}

#[test]
fn not_utf8() {
    let shop = Workshop::new(8);
    let file = shop.write("rows.csv", b"anchor,positive\na cat,fast\ncaf\xe9,slow\n");
    fails(&shop, &model(), &file, &[], &["rows.csv:3", "not UTF-8", "iconv"]);
}

#[test]
fn truncated_safetensors() {
    let shop = Workshop::new(8);
    let model = shop.copy_of_model("model");
    let path = model.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let parts = ["model.safetensors", "not a whole safetensors file", "fetch it again"];
    fails(&shop, &model, &shop.at("data"), &[], &parts);
}

#[test]
fn weights_of_another_config() {
    let shop = Workshop::new(8);
    let model = shop.copy_of_model("model");
    let path = model.join("config.json");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("\"hidden_size\": 16", "\"hidden_size\": 32")).unwrap();
    fails(&shop, &model, &shop.at("data"), &[], &["model.safetensors", "config.json calls for"]);
}

#[test]
fn missing_tokenizer() {
    let shop = Workshop::new(8);
    let model = shop.copy_of_model("model");
    fs::remove_file(model.join("tokenizer.json")).unwrap();
    fails(&shop, &model, &shop.at("data"), &[], &["tokenizer.json", "model"]);
}

#[test]
fn sequence_length_over_the_positions() {
    let shop = Workshop::new(8);
    let parts = ["--max-seq-len 999", "3 to 32"];
    fails(&shop, &model(), &shop.at("data"), &["--max-seq-len", "999"], &parts);
}

#[test]
fn output_that_exists() {
    let shop = Workshop::new(8);
    shop.write("out/keep", "precious");
    let data = shop.at("data");
    fails(&shop, &model(), &data, &[], &["out: exists already", "another --output"]);
    assert_eq!(fs::read_to_string(shop.path("out/keep")).unwrap(), "precious");
    let model = model();
    let (model, out) = (model.to_str().unwrap(), shop.at("out"));
    let input = shop.at("data/corpus.jsonl");
    for command in [
        vec!["embed", "--model", model, "--input", &input, "--output", &out],
        vec!["mine", "--model", model, "--data", &data, "--output", &out],
        vec!["prepare", "--input", &data, "--output", &out],
        vec!["quickstart", "--model", model, "--data", &data, "--output", &out],
    ] {
        let output = run(&command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(stderr(&output).contains("exists already"), "{}", stderr(&output));
    }
}

/// A limit on the size of files fails a write halfway, as a full disk does.
#[test]
#[cfg(unix)]
fn disk_full() {
    let shop = Workshop::new(200);
    let before = shop.names();
    let model = model();
    let model = model.to_str().unwrap();
    let (data, input, out) = (shop.at("data"), shop.at("data/corpus.jsonl"), shop.at("out"));
    for command in [
        vec!["train", "--model", model, "--data", &data, "--output", &out, "--max-steps", "2"],
        vec!["embed", "--model", model, "--input", &input, "--output", &out],
        vec!["prepare", "--input", &data, "--output", &out],
    ] {
        let program = embedtune().get_program().to_owned();
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"])
            .arg(program)
            .args(&command)
            .output()
            .unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {message}");
        assert!(message.contains("File too large") && message.contains("out"), "{message}");
        assert!(!shop.path("out").exists());
        // A training run keeps its log, to be looked at or resumed.
        let _ = fs::remove_dir_all(shop.path("out.run"));
        assert_eq!(shop.names(), before, "{command:?}");
    }
}

#[test]
fn a_precision_that_does_not_train() {
    let shop = Workshop::new(8);
    let parts = ["--precision int8", "cannot be trained", "--precision auto"];
    fails(&shop, &model(), &shop.at("data"), &["--precision", "int8"], &parts);
    // Before data is read.
    let nowhere = shop.at("nowhere");
    fails(&shop, &model(), &nowhere, &["--precision", "int8"], &parts);
    let (model, data, out) = (model(), shop.at("data"), shop.at("out"));
    let output = run([
        "quickstart",
        "--model",
        model.to_str().unwrap(),
        "--data",
        &data,
        "--output",
        &out,
        "--precision",
        "int8",
    ]);
    assert!(stderr(&output).contains("cannot be trained"), "{}", stderr(&output));
    let output = run(["eval", "--data", &data, "--precision", "fp16"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("f32, bf16, int8, auto"), "{}", stderr(&output));
}

#[test]
fn a_metric_that_nothing_reports() {
    let shop = Workshop::new(8);
    let flags = ["--best-metric", "ndcg@11"];
    fails(&shop, &model(), &shop.at("data"), &flags, &["ndcg@11", "ndcg@10"]);
}
