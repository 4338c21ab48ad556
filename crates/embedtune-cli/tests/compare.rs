//! `embedtune compare`: models and run files, for people, machines and the browser.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Workshop, copy, model, run, stderr, text};

/// Runs the command, which must succeed, and returns its stdout.
fn compare(arguments: &[&str]) -> String {
    let output = run(["compare"].iter().chain(arguments));
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn compare_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&compare(&[arguments, &["--json"]].concat())).unwrap()
}

fn fails(arguments: &[&str], part: &str) {
    let output = run(["compare"].iter().chain(arguments));
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(part), "`{part}` in: {message}");
    assert!(output.stdout.is_empty());
}

/// Forty-eight queries of which twelve are for testing, from two sources, and the runs of a good
/// and of a poor system: the right document stands first, or second of three.
struct Shop {
    workshop: Workshop,
    data: String,
    good: String,
    poor: String,
}

const TEST: std::ops::Range<usize> = 36..48;

impl Shop {
    fn new() -> Self {
        let workshop = Workshop::new(48);
        let source = |number: usize| if number.is_multiple_of(3) { "mail" } else { "chat" };
        let query = |number: usize| {
            let (id, words) = (format!("q{number}"), 2 + number % 5);
            let metadata = json!({"source": source(number)});
            json!({"_id": id, "text": text(number, words), "metadata": metadata}).to_string() + "\n"
        };
        workshop.write("data/queries.jsonl", (0..48).map(query).collect::<String>());
        let line = |number: usize, document: usize, score: f64| {
            format!("q{number} Q0 d{document} 1 {score} made-up\n")
        };
        let ranked = |scores: [f64; 3]| -> String {
            let lines = TEST.flat_map(|number| {
                let documents = [number, (number + 1) % 48, (number + 2) % 48];
                documents.into_iter().zip(scores).map(move |(d, score)| line(number, d, score))
            });
            lines.collect()
        };
        let good = workshop.write("good.run", ranked([0.9, 0.4, 0.3]));
        let poor = workshop.write("poor.run", ranked([0.6, 0.7, 0.2]));
        let data = workshop.at("data");
        Self { workshop, data, good, poor }
    }
}

#[test]
fn runs_are_compared_without_a_model() {
    let shop = Shop::new();
    let tsv = shop.workshop.at("out/queries.tsv");
    let flags = [&shop.poor, &shop.good, "--data", &shop.data, "--measures", "mrr@10,recall@1"];
    let found = compare_json(&[&flags[..], &["--per-query", &tsv]].concat());
    assert_eq!((&found["a"]["kind"], &found["split"]), (&json!("run"), &json!("test")));
    let comparison = &found["comparison"];
    assert_eq!(comparison["names"], json!(["poor.run", "good.run"]));
    assert_eq!((&comparison["queries"], &comparison["documents"]), (&json!(12), &json!(48)));
    let mrr = &comparison["measures"][0];
    assert_eq!((&mrr["base_mean"], &mrr["tuned_mean"]), (&json!(0.5), &json!(1.0)));
    assert_eq!((&mrr["wins"], &mrr["losses"]), (&json!(12), &json!(0)));
    // Twelve gains of one sign; two measures.
    assert_eq!(mrr["p_permutation"], json!(2.0 / 4096.0));
    assert_eq!(mrr["p_holm"], json!(2.0 * 2.0 / 4096.0));
    for value in ["p_t_test", "p_wilcoxon", "minimum_detectable_effect", "interval"] {
        assert!(!mrr[value].is_null(), "{value}: {mrr}");
    }
    let margin = &comparison["margins"][0]["non_inferiority"];
    assert_eq!((&margin["margin"], &margin["p"]), (&json!(0.005), &json!(0.0)));

    let slices = comparison["slices"].as_array().unwrap();
    let of = |by: &str| -> Vec<&Value> { slices.iter().filter(|it| it["by"] == by).collect() };
    let sources = of("source");
    assert_eq!((&sources[0]["label"], &sources[0]["queries"]), (&json!("chat"), &json!(8)));
    assert_eq!((&sources[1]["label"], &sources[1]["small"]), (&json!("mail"), &json!(true)));
    assert!(of("length").len() > 1 && of("head-tail").is_empty(), "{slices:?}");

    // The poor system shows its right documents at 0.6, each with a wrong one above it.
    let threshold = &comparison["threshold"];
    assert_eq!(threshold["base"]["threshold"], json!(0.6));
    assert_eq!(threshold["base"]["precision"], json!(0.5));
    assert_eq!(threshold["unchanged"]["precision"], json!(1.0));
    assert_eq!(threshold["kept"]["point"]["threshold"], json!(0.4));
    assert_eq!(threshold["kept"]["recall_interval"], json!([1.0, 1.0]));
    let winner = &comparison["winners"][0];
    assert_eq!((&winner["base_top"][0]["relevant"], &winner["gain"]), (&json!(false), &json!(0.5)));
    assert_eq!(winner["tuned_top"][0]["relevant"], json!(true));

    let table = fs::read_to_string(tsv).unwrap();
    let mut lines = table.lines();
    let header = "query-id\tmrr@10 A\tmrr@10 B\tmrr@10 B-A\trecall@1 A\trecall@1 B\trecall@1 B-A";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.next(), Some("q36\t0.5\t1\t0.5\t0\t1\t1"));
    assert_eq!(lines.count(), 11);
}

#[test]
fn the_text_fits_a_terminal() {
    let shop = Shop::new();
    let out = compare(&[&shop.poor, &shop.good, "--data", &shop.data, "--threshold", "0.55"]);
    assert!(
        out.lines().all(|line| line.starts_with("A  ")
            || line.starts_with("B  ")
            || line.chars().count() <= 80),
        "{out}"
    );
    for part in [
        "test: 12 queries, 48 documents",
        "good.run searches better than poor.run. nDCG@10 went from 0.6309 to 1.0000",
        "95 % interval",
        "Against a margin of 0.005",
        "not worse by the margin",
        "* fewer than 30 queries",
        "Gained most\n+0.369  q47",
        "1 * d47",
    ] {
        assert!(out.contains(part), "`{part}` in: {out}");
    }
    assert!(!out.contains("Lost most"));
    fails(
        &[&shop.poor, &shop.good, "--data", &shop.data, "--threshold", "0.95"],
        "threshold is 0.95, it must be at most the best score of a relevant document",
    );
    // Test documents are none of training.
    let flags = [&shop.poor, &shop.good, "--data", &shop.data, "--slice", "head-tail"];
    let out = compare(&flags);
    assert!(out.contains("No slices by head-tail: all queries are \"not in train\"."), "{out}");
}

#[test]
fn models_are_compared_here_and_on_general_data() {
    let shop = Shop::new();
    let (model, tuned) = (model(), shop.workshop.at("tuned"));
    let train = ["train", "--model", model.to_str().unwrap(), "--data", &shop.data];
    let flags = ["--output", &tuned, "--batch-size", "4", "--learning-rate", "1e-3"];
    let trained = run(train.iter().chain(&flags));
    assert!(trained.status.success(), "{}", stderr(&trained));
    let (general, page) = (Workshop::new(40), shop.workshop.at("compared.html"));
    let general_data = general.at("data");
    let found = compare_json(&[
        model.to_str().unwrap(),
        &tuned,
        "--data",
        &shop.data,
        "--general",
        &general_data,
        "--margin",
        "0.1",
        "--report",
        &page,
    ]);
    let comparison = &found["comparison"];
    assert_ne!(comparison["base"], comparison["tuned"]);
    assert_eq!(comparison["measures"].as_array().unwrap().len(), 7);
    let forgotten = &comparison["general"]["comparison"];
    assert_eq!((&forgotten["queries"], &forgotten["documents"]), (&json!(10), &json!(40)));
    assert_eq!(forgotten["margins"][0]["non_inferiority"]["margin"], json!(0.1));
    assert_eq!(found["scores"].as_array().unwrap().len(), 2);

    let report = fs::read_to_string(shop.workshop.path("compared.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["comparison"], *comparison);
    assert_eq!(report["scores"], found["scores"]);
    assert!(report["data"]["notes"].to_string().contains("over 10 queries"), "{report}");
    assert!(report["data"]["more"]["source: chat"].is_string());
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("source: chat") && page.contains("tuned against tiny-bert"));

    // What a model retrieved and a run are compared too.
    let mixed = compare_json(&[&shop.poor, &tuned, "--data", &shop.data]);
    assert_eq!((&mixed["a"]["kind"], &mixed["b"]["kind"]), (&json!("run"), &json!("model")));
    let ndcg = |of: &Value, side: &str| of["comparison"]["measures"][0][side].clone();
    assert_eq!(ndcg(&mixed, "tuned_mean"), ndcg(&found, "tuned_mean"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let shop = Shop::new();
    let (good, poor, data) = (shop.good.as_str(), shop.poor.as_str(), shop.data.as_str());
    let with = |flags: &[&'static str], part: &str| {
        fails(&[&[poor, good, "--data", data], flags].concat(), part);
    };
    with(&["--margin", "0"], "margin is 0, it must be above 0");
    with(&["--alpha", "1"], "alpha is 1, it must be between 0 and 1");
    with(&["--report", "x.json"], "expected FILE.html");
    with(&["--slice", "source", "--source-field", "origin"], "no query has a field \"origin\"");
    fails(&[poor, good, "--data", data, "--general", data], "a run file cannot answer");
    fails(&[good, good, "--data", data], "A and B are the same run");

    let twin = shop.workshop.path("twin");
    copy(&model(), &twin);
    let (model, twin) = (model(), twin.to_str().unwrap().to_owned());
    fails(&[model.to_str().unwrap(), &twin, "--data", data], "A and B are the same model");
    fails(&["no/such/model", good, "--data", data], "A: model `no/such/model` not found");

    let lines = fs::read_to_string(good).unwrap();
    let partial: String = lines.lines().skip(6).map(|line| format!("{line}\n")).collect();
    let partial = shop.workshop.write("partial.run", partial);
    let part = "nothing is retrieved for 2 of 12 judged queries (the first is \"q36\")";
    fails(&[poor, &partial, "--data", data], part);
    let found = compare_json(&[poor, &partial, "--data", data, "--complete"]);
    assert_eq!(found["comparison"]["queries"], json!(12));
    assert_eq!(found["comparison"]["measures"][0]["losses"], json!(2));

    let foreign = shop.workshop.write("foreign.run", "x1 Q0 d1 1 0.5 t\nx2 Q0 d1 1 0.5 t\n");
    fails(&[poor, &foreign, "--data", data], "no query of the run is judged");
    let elsewhere = shop.workshop.write("elsewhere.run", "q36 Q0 e1 1 0.5 t\n");
    fails(
        &[poor, &elsewhere, "--data", data],
        "retrieved document \"e1\", which is not in the corpus",
    );
    let empty = shop.workshop.write("empty.run", "");
    fails(&[poor, &empty, "--data", data], "B: ");
    fs::remove_file(shop.workshop.path("data/qrels/test.tsv")).unwrap();
    with(&[], "no qrels/test.tsv; this set has train, dev");
}
