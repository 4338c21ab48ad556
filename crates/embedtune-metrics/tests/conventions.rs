//! Values of ranx and Sentence Transformers under their conventions, from
//! `fixtures/gen/conventions.py`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use embedtune_metrics::{EvaluateOptions, Measure, Qrels, Report, Run, evaluate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden<V> {
    queries: BTreeMap<String, Query>,
    values: BTreeMap<String, V>,
}

#[derive(Deserialize)]
struct Query {
    qrel: BTreeMap<String, i32>,
    /// In the order that the tool was given.
    run: Vec<(String, f64)>,
}

impl<V: for<'de> Deserialize<'de>> Golden<V> {
    fn load(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn evaluate(&self, measures: &[Measure], options: &EvaluateOptions) -> Report {
        let (mut qrels, mut run) = (Qrels::new(), Run::new());
        for (id, query) in &self.queries {
            query.qrel.iter().for_each(|(doc, &grade)| qrels.insert(id, doc, grade).unwrap());
            query.run.iter().for_each(|(doc, score)| run.insert(id, doc, *score).unwrap());
        }
        evaluate(&qrels, &run, measures, options).unwrap()
    }
}

/// What ranx calls otherwise.
fn from_ranx(name: &str) -> Measure {
    if name == "r-precision" { Measure::RPrecision } else { name.parse().unwrap() }
}

#[test]
fn ranx_keeps_ties_in_the_order_of_the_input() {
    let golden: Golden<Vec<f64>> = Golden::load("ranx_measures.json");
    let names: Vec<&String> = golden.values.keys().collect();
    let measures: Vec<Measure> = names.iter().map(|name| from_ranx(name)).collect();
    assert_eq!((measures.len(), golden.queries.len()), (12, 40));
    let report = golden.evaluate(&measures, &EvaluateOptions::ranx());
    for (name, measure) in names.iter().zip(&measures) {
        let got = report.per_query(measure).unwrap();
        for (query, (got, expected)) in got.iter().zip(&golden.values[*name]).enumerate() {
            assert!((got - expected).abs() < 1e-12, "{name} of {query}: {got}, not {expected}");
        }
    }
    assert_ne!(report, golden.evaluate(&measures, &EvaluateOptions::default()), "nothing ties");
}

#[test]
fn sentence_transformers_ignores_grades_and_breaks_ties_by_id_ascending() {
    let golden: Golden<f64> = Golden::load("sentence_transformers_measures.json");
    let measures: Vec<Measure> = golden.values.keys().map(|name| name.parse().unwrap()).collect();
    assert_eq!((measures.len(), golden.queries.len()), (24, 40));
    let report = golden.evaluate(&measures, &EvaluateOptions::sentence_transformers());
    for (measure, expected) in measures.iter().zip(golden.values.values()) {
        let got = report.mean(measure).unwrap();
        assert!((got - expected).abs() < 1e-12, "{measure}: {got}, not {expected}");
    }
    assert_ne!(report, golden.evaluate(&measures, &EvaluateOptions::default()), "nothing ties");
}
