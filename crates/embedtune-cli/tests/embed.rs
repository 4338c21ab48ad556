//! Embedding a corpus: an interrupted run goes on to the very same file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::{
    fmt::Write as _,
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use support::{Workshop, embedtune, json, model, run, stderr, text};

/// Some windows of texts.
const TEXTS: usize = 40_000;

fn workshop() -> Workshop {
    let shop = Workshop::new(4);
    let mut corpus = String::new();
    for number in 0..TEXTS {
        // Every tenth text comes again.
        let text = text(number / 10 * 10 + number % 9, 1 + number % 12);
        writeln!(corpus, "{{\"_id\": \"d{number}\", \"text\": \"{text}\"}}").unwrap();
    }
    shop.write("corpus.jsonl", corpus);
    shop
}

fn embed(shop: &Workshop, out: &str) -> Command {
    let mut command = embedtune();
    command.args(["embed", "--model", model().to_str().unwrap()]).args([
        "--input",
        &shop.at("corpus.jsonl"),
        "--output",
        &shop.at(out),
    ]);
    command
}

fn rows(shop: &Workshop) -> u64 {
    let progress = fs::read(shop.path("cut.run/progress.json")).unwrap_or_default();
    let progress: serde_json::Value = serde_json::from_slice(&progress).unwrap_or_default();
    progress["counts"]["rows"].as_u64().unwrap_or(0)
}

/// Waits until more than `done` rows are on disk.
fn wait_for(shop: &Workshop, child: &mut Child, done: u64) {
    while rows(shop) <= done {
        assert!(child.try_wait().unwrap().is_none(), "the run ended too soon");
        thread::sleep(Duration::from_millis(1));
    }
}

fn result(shop: &Workshop, out: &str) -> (Vec<u8>, Vec<u8>) {
    assert!(!shop.path(&format!("{out}.run")).exists());
    (fs::read(shop.path(out)).unwrap(), fs::read(shop.path(&format!("{out}.ids"))).unwrap())
}

fn resume(shop: &Workshop) -> serde_json::Value {
    let output = embed(shop, "cut").args(["--resume", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let shop = workshop();
    let whole = embed(&shop, "whole").output().unwrap();
    assert!(whole.status.success(), "{}", stderr(&whole));
    let mut done = 0;
    // Some milliseconds after a window is on disk: in the middle of the next one, or of its write.
    for pause in [0, 17, 5] {
        let mut command = embed(&shop, "cut");
        if done > 0 {
            command.arg("--resume");
        }
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        wait_for(&shop, &mut child, done);
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!shop.path("cut").exists() && !shop.path("cut.ids").exists());
        done = rows(&shop);
    }
    let summary = resume(&shop);
    assert_eq!(summary["resumed_rows"].as_u64(), Some(done));
    assert_eq!(summary["rows"].as_u64(), Some(TEXTS as u64));
    assert!(summary["embedded"].as_u64().unwrap() < TEXTS as u64);
    assert_eq!(result(&shop, "cut"), result(&shop, "whole"));
}

#[test]
fn ctrl_c_ends_it_and_says_how_to_go_on() {
    let shop = workshop();
    let mut child = embed(&shop, "cut").stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&shop, &mut child, 0);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("go on with: ") && stderr(&output).contains("--resume"));

    let again = embed(&shop, "cut").output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("cut.run: holds an interrupted run"), "{}", stderr(&again));
    let other = embed(&shop, "cut").args(["--resume", "--queries"]).output().unwrap();
    assert!(stderr(&other).contains("role was document and is now query"), "{}", stderr(&other));
    let other = embed(&shop, "cut").args(["--resume", "--precision", "int8"]).output().unwrap();
    assert!(stderr(&other).contains("precision was ") && stderr(&other).contains("is now int8"));
    resume(&shop);
    let again = embed(&shop, "cut").arg("--resume").output().unwrap();
    assert!(stderr(&again).contains("no interrupted run here"), "{}", stderr(&again));
}

#[test]
fn a_bad_line_late_in_the_file_is_named_and_can_be_repaired() {
    let shop = workshop();
    let corpus = fs::read_to_string(shop.path("corpus.jsonl")).unwrap();
    let bad = corpus.replacen("{\"_id\": \"d20000\"", "\"_id\": \"d20000\"", 1);
    shop.write("corpus.jsonl", bad);
    let output = embed(&shop, "cut").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("corpus.jsonl:20001"), "{}", stderr(&output));
    assert!(rows(&shop) > 0);
    shop.write("corpus.jsonl", corpus);
    assert!(resume(&shop)["resumed_rows"].as_u64().unwrap() > 0);
}

#[test]
fn real_documents_are_embedded_by_a_real_model() {
    let place = |name: &str| std::env::var(name).ok();
    let (Some(model), Some(data)) = (place("EMBEDTUNE_TEST_MODEL"), place("EMBEDTUNE_TEST_DATA"))
    else {
        eprintln!("skipped: EMBEDTUNE_TEST_MODEL or EMBEDTUNE_TEST_DATA is not set");
        return;
    };
    let shop = Workshop::new(4);
    let corpus = fs::read_to_string(format!("{data}/scifact/corpus.jsonl")).unwrap();
    let lines: Vec<&str> = corpus.lines().take(20).chain(corpus.lines().take(3)).collect();
    let input = shop.write("corpus.jsonl", lines.join("\n"));
    let output =
        run(["embed", "--model", &model, "--input", &input, "--output", &shop.at("out"), "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = ["rows", "embedded", "dim"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [23, 20, 384]);
    let (bytes, _) = result(&shop, "out");
    let values: Vec<f32> =
        bytes[128..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let rows: Vec<&[f32]> = values.chunks(384).collect();
    assert_eq!(rows[..3], rows[20..]);
    for row in rows {
        let norm: f32 = row.iter().map(|value| value * value).sum();
        assert!((norm - 1.0).abs() < 1e-3, "{norm}");
    }
}

#[test]
fn a_directory_and_texts_without_ids_can_be_embedded() {
    let shop = Workshop::new(5);
    let data = shop.at("data");
    let result = json("embed", &["--input", &data, "--output", &shop.at("documents")]);
    assert_eq!(result["rows"], 5);
    let result = json("embed", &["--input", &data, "--queries", "--output", &shop.at("queries")]);
    assert_eq!(result["rows"], 5);
    let ids = fs::read_to_string(shop.path("queries.ids")).unwrap();
    assert!(ids.starts_with("q0\n"), "{ids}");

    let plain =
        shop.write("plain.jsonl", "{\"text\": \"a cat\"}\n{\"id\": 7, \"text\": \"a dog\"}\n");
    json("embed", &["--input", &plain, "--output", &shop.at("plain")]);
    assert_eq!(fs::read_to_string(shop.path("plain.ids")).unwrap(), "1\n7\n");

    let before = shop.names();
    let empty = shop.at("data/qrels");
    let output =
        run(["embed", "--model", model().to_str().unwrap(), "--input", &empty, "--output", "x"]);
    assert!(stderr(&output).contains("corpus.jsonl"), "{}", stderr(&output));
    assert_eq!(shop.names(), before);
}
