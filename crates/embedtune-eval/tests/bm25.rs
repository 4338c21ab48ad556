//! BM25 through the evaluator.

#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, path::Path};

use embedtune_data::{Corpus, Document, Queries};
use embedtune_eval::{RetrievalConfig, RetrievalEvaluator};
use embedtune_index::Bm25Config;
use embedtune_metrics::{Measure, Qrels};
use embedtune_testkit::test_data;
use serde_json::Value;
use support::{corpus, qrels, queries};

#[test]
fn words_find_their_documents_and_settings_name_the_result() {
    let corpus = corpus([("d1", "the cat sleeps"), ("d2", "a dog barks"), ("d3", "birds sing")]);
    let queries = queries([("q1", "sleeping cats"), ("q2", "unheard of")]);
    let judged = qrels([("q1", "d1", 1), ("q2", "d2", 1)]);
    let config = RetrievalConfig::default().with_bm25(Bm25Config::default().with_k1(1.2));
    let evaluator = RetrievalEvaluator::new(corpus, &queries, judged, config).unwrap();
    let evaluation = evaluator.evaluate_bm25().unwrap();
    assert_eq!(evaluation.report.per_query(&Measure::NDCG_10), Some(&[1.0, 0.0][..]));
    assert_eq!(evaluation.report.missing_queries(), ["q2"]);
    assert!(
        evaluation.fingerprint.0.starts_with("bm25 k1=1.2 b=0.4"),
        "{}",
        evaluation.fingerprint
    );
}

#[test]
fn a_setting_out_of_range_is_refused() {
    let config = RetrievalConfig::default().with_bm25(Bm25Config::default().with_b(2.0));
    let corpus = corpus([("d1", "one")]);
    let queries = queries([("q1", "one")]);
    let judged = qrels([("q1", "d1", 1)]);
    let evaluator = RetrievalEvaluator::new(corpus, &queries, judged, config).unwrap();
    assert!(evaluator.evaluate_bm25().unwrap_err().to_string().contains("b is 2"));
}

/// The published BEIR figures of BM25 on SciFact lie between 0.665 (multi-field) and 0.679 (flat).
#[test]
fn scifact_is_where_published_figures_are() {
    let Some(data) = test_data() else { return };
    let folder = data.join("scifact");
    let mut corpus = Corpus::new();
    for row in rows(&folder.join("corpus.jsonl")) {
        let (id, title, text) = (field(&row, "_id"), field(&row, "title"), field(&row, "text"));
        corpus.push(Document { id, title, text }).unwrap();
    }
    let mut queries = Queries::new();
    for row in rows(&folder.join("queries.jsonl")) {
        queries.push(field(&row, "_id"), field(&row, "text")).unwrap();
    }
    let judged = Qrels::read_beir_tsv(folder.join("qrels/test.tsv")).unwrap();
    let evaluator =
        RetrievalEvaluator::new(corpus, &queries, judged, RetrievalConfig::default()).unwrap();
    let evaluation = evaluator.evaluate_bm25().unwrap();
    assert_eq!(evaluation.report.query_ids().len(), 300);
    let ndcg = evaluation.report.mean(&Measure::NDCG_10).unwrap();
    assert!((0.66..=0.69).contains(&ndcg), "{ndcg}");
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn field(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}
