//! Each command does its work and prints what scripts rely on.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{Workshop, copy, embedtune, json, model, run, stderr, text, weights};

#[test]
fn eval_prints_the_measures() {
    let shop = Workshop::new(24);
    let result = json("eval", &["--data", &shop.at("data"), "--split", "test", "--bm25"]);
    for name in ["ndcg@10", "recall@10", "precision@10", "map@100", "mrr@10"] {
        let value = result["metrics"][name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{name} {value}");
    }
    assert_eq!((result["queries"].as_u64(), result["documents"].as_u64()), (Some(6), Some(24)));
    assert!(result["bm25"]["metrics"]["ndcg@10"].as_f64().unwrap() > 0.9, "{result}");
    let missing = shop.path("data/qrels/test.tsv");
    fs::remove_file(missing).unwrap();
    let output = run(["eval", "--model", model().to_str().unwrap(), "--data", &shop.at("data")]);
    assert!(stderr(&output).contains("no qrels/test.tsv; this set has train, dev"));
}

/// What a page says that it was drawn from.
fn data_of(page: &str) -> serde_json::Value {
    assert!(page.starts_with("<!DOCTYPE html>"));
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"report\">").unwrap();
    let (data, rest) = rest.split_once("</script>").unwrap();
    assert!(!rest.contains("<script"));
    serde_json::from_str(data).unwrap()
}

#[test]
fn eval_writes_a_report() {
    let shop = Workshop::new(24);
    let (data, page) = (shop.at("data"), shop.at("reports/mine.html"));
    let result = json("eval", &["--data", &data, "--bm25", "--report", &page]);
    let report = fs::read_to_string(shop.path("reports/mine.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(data_of(&fs::read_to_string(page).unwrap()), report);
    assert_eq!(report["base"]["metrics"], result["metrics"]);
    assert_eq!(report["bm25"], result["bm25"]);
    assert_eq!(report["scores"][0]["relevant"]["counts"].as_array().unwrap().len(), 12);
    assert_eq!(report["lengths"][1]["tokens"]["texts"], 24);
    assert!(report["reproduce"][0].as_str().unwrap().starts_with("embedtune eval --model"));
    let model = model();
    let flags = ["--model", model.to_str().unwrap(), "--data", &data, "--report", "x.json"];
    let refused = run(["eval"].iter().chain(&flags));
    assert!(stderr(&refused).contains("--report x.json: expected FILE.html"));
}

#[test]
fn embed_keeps_the_order_of_its_input() {
    let shop = Workshop::new(9);
    let (input, output) = (shop.at("data/corpus.jsonl"), shop.at("vectors.npy"));
    let result = json("embed", &["--input", &input, "--output", &output]);
    assert_eq!((result["rows"].as_u64(), result["dim"].as_u64()), (Some(9), Some(16)));
    let bytes = fs::read(&output).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(bytes.len(), header + 9 * 16 * 4);
    let ids = fs::read_to_string(shop.path("vectors.npy.ids")).unwrap();
    assert_eq!(
        ids.lines().collect::<Vec<_>>(),
        (0..9).map(|n| format!("d{n}")).collect::<Vec<_>>()
    );

    let alone = serde_json::json!({"_id": "x", "text": text(7, 12)}).to_string();
    let input = shop.write("alone.jsonl", alone);
    let single = shop.at("alone.npy");
    json("embed", &["--input", &input, "--output", &single]);
    let single = fs::read(single).unwrap();
    let values = |bytes: &[u8]| -> Vec<f32> {
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let row = values(&bytes[header + 7 * 64..header + 8 * 64]);
    let alone = values(&single[single.len() - 64..]);
    let difference = row.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference < 1e-6, "{difference}");
}

#[test]
fn search_finds_the_text_itself() {
    let shop = Workshop::new(20);
    let query = text(13, 12);
    for data in ["data", "data/corpus.jsonl"] {
        let found = json("search", &["--data", &shop.at(data), "--query", &query, "--top-k", "3"]);
        assert_eq!(found[0]["results"].as_array().unwrap().len(), 3);
        assert_eq!(found[0]["results"][0]["id"], "d13");
        assert!(found[0]["results"][0]["score"].as_f64().unwrap() > 0.999);
    }
}

#[test]
fn mine_writes_what_train_reads() {
    let shop = Workshop::new(40);
    let (data, negatives) = (shop.at("data"), shop.at("negatives.jsonl"));
    let flags =
        ["--data", &data, "--output", &negatives, "--per-positive", "2", "--relative-margin", "0"];
    let result = json("mine", &flags);
    assert_eq!(result["stats"]["queries"], 20);
    let found = result["stats"]["negatives"].as_u64().unwrap();
    assert!(found > 0, "{result}");

    let out = shop.at("tuned");
    let result = json(
        "train",
        &[
            "--data",
            &data,
            "--negatives",
            &negatives,
            "--random-negatives",
            "2",
            "--output",
            &out,
            "--batch-size",
            "4",
        ],
    );
    assert!(result["notes"][0].as_str().unwrap().contains("mined negatives"), "{result}");
    assert_eq!(result["notes"][1], "40 random negatives in 20 rows");

    let other = shop.at("test.jsonl");
    let output = run([
        "mine",
        "--model",
        model().to_str().unwrap(),
        "--data",
        &data,
        "--split",
        "test",
        "--output",
        &other,
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("only the training split"));
    assert!(!shop.path("test.jsonl").exists());
}

#[test]
fn train_prints_its_figures_and_saves_a_model() {
    let shop = Workshop::new(40);
    let (data, out) = (shop.at("data"), shop.at("tuned"));
    let result = json("train", &["--data", &data, "--output", &out, "--batch-size", "4"]);
    for key in ["train_seconds", "pairs_per_second", "tokens_per_second", "final_loss"] {
        assert!(result[key].as_f64().unwrap() > 0.0, "{key}: {result}");
    }
    assert!(result["peak_rss_mb"].is_number() || cfg!(not(target_os = "linux")));
    assert_eq!((result["steps"].as_u64(), result["pairs"].as_u64()), (Some(5), Some(20)));
    assert_eq!(result["best"]["metric"], "ndcg@10");
    assert_ne!(weights(&shop.path("tuned")), weights(&model()));
    assert_eq!(shop.names(), ["data", "tuned"]);
    let log = fs::read_to_string(shop.path("tuned/metrics.jsonl")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("grad_norm")).count(), 5);
    let report = fs::read_to_string(shop.path("tuned/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(data_of(&fs::read_to_string(shop.path("tuned/report.html")).unwrap()), report);
    assert_eq!(report["training"]["points"].as_array().unwrap().len(), 5);
    assert_eq!(report["training"]["kept_step"], result["best"]["step"]);
    assert_eq!(report["lengths"][0]["role"], "query");
    let card = fs::read_to_string(shop.path("tuned/README.md")).unwrap();
    assert!(card.contains("| `learning_rate` | 2e-5 |") || card.contains("0.00002"), "{card}");
    let eval = run(["eval", "--model", &out, "--data", &data, "--json"]);
    assert!(eval.status.success(), "{}", stderr(&eval));
}

/// `auto` is a promise, what was computed in is a fact.
#[test]
fn results_state_the_precision_that_was_used() {
    let shop = Workshop::new(24);
    let data = shop.at("data");
    let (out, negatives) = (shop.at("tuned"), shop.at("negatives.jsonl"));
    let (input, vectors) = (shop.at("data/corpus.jsonl"), shop.at("vectors.npy"));
    for (command, flags) in [
        ("eval", vec!["--data", &data]),
        ("mine", vec!["--data", &data, "--output", &negatives]),
        ("embed", vec!["--input", &input, "--output", &vectors]),
        ("train", vec!["--data", &data, "--output", &out, "--batch-size", "4"]),
    ] {
        let result = json(command, &[&flags[..], &["--precision", "f32"]].concat());
        assert_eq!(result["precision"], "f32", "{command}");
        if command == "train" {
            let settings = result["settings"].to_string();
            assert!(settings.contains(r#"["precision","f32"]"#), "{settings}");
        }
    }
    // Where a model is not trained, int8 works too, and its vectors are kept apart.
    assert_eq!(json("eval", &["--data", &data, "--precision", "int8"])["precision"], "int8");
    let (cache, output) = (shop.at("cache"), shop.at("negatives-f32.jsonl"));
    let mine = ["--data", &data, "--cache", &cache, "--output"];
    json("mine", &[&mine[..], &[&output, "--precision", "f32"]].concat());
    let (model, output) = (model(), shop.at("negatives-int8.jsonl"));
    let flags = [&output, "--precision", "int8", "--model", model.to_str().unwrap()];
    let refused = stderr(&run(["mine"].iter().chain(&mine).chain(&flags)));
    assert!(refused.contains("precision f32, not int8; use another folder"), "{refused}");
    let auto = json("eval", &["--data", &data]);
    assert_ne!(auto["precision"], "auto", "{auto}");
}

#[test]
fn the_plain_recipe_is_nothing_but_its_steps_and_given_flags_win() {
    let shop = Workshop::new(40);
    let data = shop.at("data");
    let settings = |name: &str, flags: &[&str]| {
        let out = shop.at(name);
        let all = [&["--data", &data, "--output", &out, "--recipe", "plain"], flags].concat();
        let result = json("train", &all);
        assert!(result["evaluations"].as_array().unwrap().is_empty() || !flags.is_empty());
        result["settings"].to_string()
    };
    let plain = settings("plain", &[]);
    for part in [r#"weight_decay\":0.0"#, r#"mask_false_negatives\":false"#] {
        assert!(plain.contains(part), "{part} in {plain}");
    }
    let given = settings("given", &["--weight-decay", "0.5", "--mask-false-negatives", "true"]);
    for part in [r#"weight_decay\":0.5"#, r#"mask_false_negatives\":true"#] {
        assert!(given.contains(part), "{part} in {given}");
    }
}

#[test]
fn train_learns_from_files_of_rows() {
    let shop = Workshop::new(4);
    let csv: String = (0..30).map(|n| format!("{},{}\n", text(n, 4), text(n, 9))).collect();
    let pairs = shop.write("pairs.csv", format!("ask,tell\n{csv}"));
    let columns = ["--columns", "anchor=ask,positive=tell"];
    let flags = ["--data", &pairs, "--output", &shop.at("a"), "--eval-every", "epoch"];
    let result = json("train", &[&flags[..], &columns].concat());
    assert_eq!(result["best"]["metric"], "in_batch_mrr");
    assert!(result["notes"].to_string().contains("cut from train by hash"), "{result}");

    let triplets: Vec<_> = (0..30)
        .map(|n| {
            let (query, positive, negative) = (text(n, 4), text(n, 9), text(n + 100, 9));
            serde_json::json!({"query": query, "positive": positive, "negative": negative})
        })
        .collect();
    let file = shop.write("training_triplets.json", serde_json::to_vec(&triplets).unwrap());
    let flags = ["--data", &file, "--output", &shop.at("b"), "--loss", "triplet"];
    let result = json("train", &[&flags[..], &["--early-stopping", "2"]].concat());
    assert_eq!(result["best"]["metric"], "triplet_accuracy");
}

#[test]
fn checks_are_kept_by_the_content_of_the_data() {
    let shop = Workshop::new(24);
    let run = |out: &str| {
        let output = embedtune()
            .env("XDG_CACHE_HOME", shop.path("cache"))
            .args(["train", "--model", model().to_str().unwrap(), "--data", &shop.at("data")])
            .args(["--output", &shop.at(out), "--max-steps", "1", "--json", "--verbose"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(result["startup_seconds"].as_f64().unwrap() > 0.0);
        let kept = stderr(&output).matches("data was checked before").count();
        (result["preflight"]["check"].clone(), kept)
    };
    // The data, and the lengths of queries and documents.
    let (first, kept) = run("a");
    assert_eq!(kept, 0);
    assert_eq!(run("b"), (first.clone(), 3));
    // Damaged entries are made anew.
    for entry in fs::read_dir(shop.path("cache/embedtune/checks")).unwrap() {
        fs::write(entry.unwrap().path(), "00\n{}").unwrap();
    }
    assert_eq!(run("c"), (first.clone(), 0));
    assert_eq!(run("d"), (first.clone(), 3));
    // Other data is checked, even where the sampled texts are the same.
    let corpus = fs::read_to_string(shop.path("data/corpus.jsonl")).unwrap();
    let again = corpus.lines().next().unwrap().replace("\"d0\"", "\"d0 again\"");
    shop.write("data/corpus.jsonl", format!("{corpus}{again}\n"));
    let (changed, kept) = run("e");
    assert_eq!(kept, 2);
    assert_eq!(changed["documents"], 25);
    assert!(changed.to_string().contains("duplicate_documents"), "{changed}");
}

#[test]
fn prepare_checks_splits_and_converts() {
    let shop = Workshop::new(4);
    let rows: String = (0..60)
        .map(|n| format!("{}\t{}\t{}\n", text(n, 4), text(n, 9), text(n + 100, 9)))
        .collect();
    let input = shop.write("rows.tsv", format!("query\tpositive\tnegative\n{rows}"));
    let before = shop.names();
    let checked = run(["prepare", "--input", &input, "--check", "--json"]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(checked["check"]["rows"], 60);
    assert_eq!(shop.names(), before);

    let output = run(["prepare", "--input", &input, "--output", &shop.at("beir")]);
    assert!(output.status.success(), "{}", stderr(&output));
    for split in ["train", "dev", "test"] {
        assert!(shop.path(&format!("beir/qrels/{split}.tsv")).is_file(), "{split}");
    }
    let result = json("eval", &["--data", &shop.at("beir")]);
    assert_eq!(result["documents"], 120);
    let again = ["prepare", "--input", &shop.at("beir"), "--output", &shop.at("train.jsonl")];
    assert!(run(again).status.success());
    let line = fs::read_to_string(shop.path("train.jsonl")).unwrap();
    assert!(line.starts_with(r#"{"anchor":"#) && line.contains("negatives"), "{line}");
}

#[test]
fn quickstart_tells_the_whole_story() {
    let shop = Workshop::new(60);
    let flags = ["--data", &shop.at("data"), "--output", &shop.at("out"), "--minutes", "0.02"];
    let result = json("quickstart", &[&flags[..], &["--max-seq-len", "24"]].concat());
    for key in ["data", "bm25", "base", "tuned", "comparison", "advice", "training"] {
        assert!(result[key].is_object(), "{key}");
    }
    assert!(result["comparison"]["measures"][0]["p_holm"].is_number());
    let report = fs::read_to_string(shop.path("out/report.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&report).unwrap(), result);
    let page = fs::read_to_string(shop.path("out/report.html")).unwrap();
    assert_eq!(data_of(&page), result);
    assert_eq!(result["scores"][1]["name"], "tuned");
    assert_eq!(result["lengths"][0]["max_tokens"], 24);
    assert_eq!(shop.names(), ["data", "out"]);
    let eval = run(["eval", "--model", &shop.at("out/model"), "--data", &shop.at("out/data")]);
    assert!(eval.status.success(), "{}", stderr(&eval));
}

#[test]
fn a_model_id_is_found_in_the_hub_cache() {
    let shop = Workshop::new(8);
    let snapshot = shop.path("hf/hub/models--org--tiny/snapshots/abc");
    copy(&model(), &snapshot);
    shop.write("hf/hub/models--org--tiny/refs/main", "abc");
    let eval = |id: &str| {
        let mut command = embedtune();
        command.args(["eval", "--model", id, "--data", &shop.at("data")]);
        command.env("HF_HOME", shop.path("hf")).output().unwrap()
    };
    let found = eval("org/tiny");
    assert!(found.status.success(), "{}", stderr(&found));
    let missing = eval("org/other");
    assert_eq!(missing.status.code(), Some(1));
    for part in ["models--org--other", "HF_HUB_OFFLINE", "remedy"] {
        assert!(stderr(&missing).contains(part), "{part} in {}", stderr(&missing));
    }
}

#[test]
fn help_goes_to_stdout_and_wrong_usage_is_2() {
    let help = run(["train", "--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Examples:") && text.contains("--learning-rate"), "{text}");
    assert_eq!(run(["train", "--epoch", "1"]).status.code(), Some(2));
    assert_eq!(run(["fly"]).status.code(), Some(2));
}
