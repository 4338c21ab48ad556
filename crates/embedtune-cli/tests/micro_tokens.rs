//! Batches that are cut to bound memory.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use support::{Workshop, model, run, stderr, weights};

fn train(shop: &Workshop, out: &str, flags: &[&str]) -> Value {
    let (model, data, out) = (model(), shop.at("data"), shop.at(out));
    let fixed = ["train", "--json", "--model", model.to_str().unwrap(), "--data", &data];
    let run_flags = ["--output", &out, "--batch-size", "16", "--learning-rate", "1e-3"];
    let output = run(fixed.iter().chain(&run_flags).chain(flags));
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn gradient_caching_is_the_same_training_in_less_memory() {
    let shop = Workshop::new(40);
    let plain = train(&shop, "plain", &["--micro-tokens", "40"]);
    let cached = train(&shop, "cached", &["--micro-tokens", "40", "--gradient-caching"]);
    assert_eq!(weights(&shop.path("plain")), weights(&shop.path("cached")));
    assert_ne!(weights(&shop.path("plain")), weights(&model()));

    let setting = |summary: &Value, name: &str| -> String {
        let settings = summary["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting[0] == name).unwrap();
        found[1].as_str().unwrap().to_owned()
    };
    assert_eq!(setting(&cached, "micro_tokens"), "40");
    assert_eq!(setting(&cached, "gradient_caching"), "true");
    assert_eq!(setting(&plain, "gradient_caching"), "false");
    // What is said before the run knows of it too.
    let memory = |summary: &Value| summary["preflight"]["estimated_memory_mb"].as_f64().unwrap();
    assert!(memory(&cached) < memory(&plain));
}

#[test]
fn a_budget_of_no_token_is_refused_before_anything_is_read() {
    let shop = Workshop::new(4);
    let output = run([
        "train",
        "--data",
        "no-such-data",
        "--output",
        &shop.at("out"),
        "--micro-tokens",
        "0",
    ]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("micro_tokens = 0: expected at least 1"), "{output:?}");
}
