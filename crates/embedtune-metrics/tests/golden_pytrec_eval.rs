//! Values of `pytrec_eval` to the last bit, from `fixtures/gen/pytrec_eval_golden.py`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use embedtune_metrics::{
    EvaluateOptions, Measure, Qrels, Report, Run, ScorePrecision, evaluate, evaluate_rankings,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    measures: Vec<Measure>,
    queries: BTreeMap<String, Query>,
}

#[derive(Deserialize)]
struct Query {
    qrel: BTreeMap<String, i32>,
    run: BTreeMap<String, String>,
    /// By relevance level.
    values: BTreeMap<String, Vec<String>>,
}

impl Golden {
    fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pytrec_eval.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn qrels(&self) -> Qrels {
        let mut qrels = Qrels::new();
        for (id, query) in &self.queries {
            for (doc, &grade) in &query.qrel {
                qrels.insert(id, doc, grade).unwrap();
            }
        }
        qrels
    }

    fn run(&self) -> Run {
        let mut run = Run::new();
        for (id, query) in &self.queries {
            for (doc, score) in &query.run {
                run.insert(id, doc, score.parse().unwrap()).unwrap();
            }
        }
        run
    }

    fn check(&self, report: &Report, level: i32) {
        for (index, id) in report.query_ids().iter().enumerate() {
            let expected = &self.queries[id].values[&level.to_string()];
            for (measure, expected) in self.measures.iter().zip(expected) {
                let got = report.per_query(measure).unwrap()[index];
                let expected: f64 = expected.parse().unwrap();
                assert_eq!(got.to_bits(), expected.to_bits(), "{id} {measure} level {level}");
            }
        }
        assert_eq!(report.query_ids().len(), self.queries.len());
    }
}

#[test]
fn every_value_has_the_same_bits() {
    let golden = Golden::load();
    assert_eq!((golden.measures.len(), golden.queries.len()), (21, 200));
    for level in [1, 2] {
        let options = EvaluateOptions::default()
            .with_score_precision(ScorePrecision::F32)
            .with_relevance_level(level);
        let report = evaluate(&golden.qrels(), &golden.run(), &golden.measures, &options).unwrap();
        golden.check(&report, level);
    }
}

#[test]
fn rankings_in_memory_have_the_same_bits_in_any_order() {
    let golden = Golden::load();
    let mut rankings: Vec<(&str, Vec<(&str, f64)>)> = golden
        .queries
        .iter()
        .map(|(id, query)| {
            let docs = query.run.iter().map(|(doc, score)| (doc.as_str(), score.parse().unwrap()));
            (id.as_str(), docs.collect())
        })
        .collect();
    rankings.reverse();
    let options = EvaluateOptions::default().with_score_precision(ScorePrecision::F32);
    let report = evaluate_rankings(&golden.qrels(), &rankings, &golden.measures, &options).unwrap();
    golden.check(&report, 1);
}

#[test]
fn the_scores_of_the_golden_tell_the_precisions_apart() {
    let golden = Golden::load();
    let evaluate_with = |precision| {
        let options = EvaluateOptions::default().with_score_precision(precision);
        evaluate(&golden.qrels(), &golden.run(), &[Measure::NDCG_10], &options).unwrap()
    };
    assert_ne!(evaluate_with(ScorePrecision::F32), evaluate_with(ScorePrecision::F64));
}
