//! `embedtune advise` on generated data and the tiny fixture model.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{Workshop, json, model, run, stderr};

/// 120 queries to train on, 60 dev and 60 test, each with a document of its own.
const QUERIES: usize = 240;

fn text(flags: &[&str]) -> String {
    let model = model();
    let all = ["advise", "--model", model.to_str().unwrap()];
    let output = run(all.iter().chain(flags));
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn short_runs_predict_the_gain_of_a_full_one() {
    let shop = Workshop::new(QUERIES);
    let (data, page) = (shop.at("data"), shop.at("advice.html"));
    let flags = ["--data", &data, "--minutes", "60", "--report", &page, "--batch-size", "8"];
    let result = json("advise", &flags);

    let points = result["learning_curve"]["points"].as_array().unwrap();
    let pairs: Vec<u64> = points.iter().map(|point| point["pairs"].as_u64().unwrap()).collect();
    assert_eq!((pairs.len(), pairs[0]), (4, 0));
    assert!(pairs.windows(2).all(|pair| pair[0] < pair[1]), "{pairs:?}");
    // Some of the 120 are held out beside the dev split.
    assert!((60..=100).contains(&pairs[3]), "{pairs:?}");
    assert_eq!(result["learning_curve"]["predicted"]["pairs"], 120);
    let prediction = &result["advice"]["prediction"];
    assert_eq!((&prediction["pairs"], &prediction["test_queries"]), (&120.into(), &60.into()));
    assert_eq!(prediction["measured_pairs"].as_u64(), Some(pairs[3]));
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let (low, high) = (number(&prediction["interval"][0]), number(&prediction["interval"][1]));
    assert!(low <= number(&prediction["gain"]) && number(&prediction["gain"]) <= high);

    assert_eq!(result["advice"]["trusted"], false);
    assert_eq!(result["advice"]["supply"], "too_few");
    for (system, name) in ["BM25", "base model"].iter().enumerate() {
        let system = &result["systems"][system];
        assert_eq!(system["name"], **name);
        for it in system["intervals"].as_array().unwrap() {
            let (low, high) = (number(&it["interval"][0]), number(&it["interval"][1]));
            assert!(low <= number(&it["mean"]) && number(&it["mean"]) <= high, "{it}");
        }
    }
    let full = &result["full_run"];
    assert_eq!((&full["pairs"], &full["steps"]), (&120.into(), &15.into()));
    assert_eq!(full["measured"], true);
    assert!(number(&full["seconds"]) > 0.0 && number(&full["memory_mb"]) > 0.0);

    let report = fs::read_to_string(shop.path("advice.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["learning_curve"], result["learning_curve"]);
    assert_eq!(report["advice"]["summary"], result["advice"]["summary"]);
    assert_eq!(report["base"]["metrics"], result["systems"][1]["scores"]["metrics"]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("learning-curve"), "the curve is drawn");
    assert_eq!(shop.names(), ["advice.html", "advice.json", "data"]);
}

#[test]
fn the_text_says_the_verdict_first_and_fits_a_terminal() {
    let shop = Workshop::new(QUERIES);
    let data = shop.at("data");
    let text = text(&["--data", &data, "--minutes", "60"]);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with(char::is_uppercase), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for part in ["- The base model has", "BM25", "predicted", "A full run on 120 pairs", "note: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_same_seed_gives_the_same_advice() {
    let shop = Workshop::new(QUERIES);
    let data = shop.at("data");
    let advice = |seed| {
        let flags = ["--data", &data, "--minutes", "60", "--seed", seed];
        json("advise", &flags)["advice"].clone()
    };
    assert_eq!(advice("1"), advice("1"));
}

#[test]
fn without_time_it_goes_by_the_rules_and_says_so() {
    let shop = Workshop::new(QUERIES);
    let result = json("advise", &["--data", &shop.at("data"), "--minutes", "0.00001"]);
    assert!(result["learning_curve"].is_null() && result["advice"]["prediction"].is_null());
    let documents = result["extent"]["documents"].as_u64().unwrap();
    assert!((60..240).contains(&documents), "{documents}");
    let notes = result["notes"].to_string();
    assert!(notes.contains("of 240 documents were searched"), "{notes}");
    assert!(notes.contains("larger --minutes"), "{notes}");
    assert_eq!(result["full_run"]["measured"], false);
}

#[test]
fn another_model_is_compared_by_name_and_by_vectors() {
    let shop = Workshop::new(40);
    let data = shop.at("data");
    let vectors = [("alt/corpus.npy", None), ("alt/queries.npy", Some("--queries"))];
    for (output, side) in vectors {
        let output = shop.at(output);
        let flags = ["--input", &data, "--output", &output].into_iter().chain(side);
        json("embed", &flags.collect::<Vec<_>>());
    }
    let (model, stored) = (model(), shop.at("alt"));
    let common = ["--data", &data, "--no-curve"];
    let ways = [["--alternative", &stored], ["--alternative-model", model.to_str().unwrap()]];
    for way in ways {
        let result = json("advise", &[&common[..], &way[..]].concat());
        let other = &result["advice"]["alternative"];
        // It is the same model.
        assert_eq!(other["choice"], "no_difference", "{other}");
        assert_eq!(other["cost"]["dim"], other["cost"]["base_dim"]);
        assert_eq!(other["cost"]["time_ratio"].is_number(), way[0] == "--alternative-model");
        assert!(other["over_tuned"].is_null());
        let summary = result["advice"]["summary"].as_str().unwrap();
        assert!(summary.ends_with(other["summary"].as_str().unwrap()), "{summary}");
        assert!(result["notes"][0].as_str().unwrap().contains("--no-curve"));
    }
}

#[test]
fn what_cannot_be_advised_on_is_refused() {
    let shop = Workshop::new(24);
    let data = shop.at("data");
    let model = model();
    let refused = |flags: &[&str]| {
        let all = ["advise", "--model", model.to_str().unwrap(), "--data", &data];
        let output = run(all.iter().chain(flags));
        assert!(!output.status.success());
        stderr(&output)
    };
    assert!(refused(&["--minutes", "0"]).contains("--minutes 0: expected a number above 0"));
    assert!(refused(&["--report", "x.json"]).contains("expected FILE.html"));
    assert!(
        refused(&["--alternative", "a", "--alternative-model", "b"]).contains("cannot be used")
    );
    assert!(refused(&["--no-curve", "--alternative", "none.npy"]).contains("none.npy"));
    fs::remove_file(shop.path("data/qrels/test.tsv")).unwrap();
    assert!(refused(&[]).contains("no qrels/test.tsv"));
}
