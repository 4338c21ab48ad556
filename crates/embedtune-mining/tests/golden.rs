//! The same negatives as Sentence Transformers' `mine_hard_negatives` on the same vectors.

#![allow(clippy::unwrap_used)]

use embedtune_data::{Corpus, Document, Embeddings, Fingerprint};
use embedtune_index::Vectors;
use embedtune_mining::{Miner, MiningConfig, MiningCorpus, TrainQueries};
use serde_json::Value;

fn config(value: &Value) -> MiningConfig {
    let mut value = value.clone();
    // The peer has no margin by default.
    let fields = value.as_object_mut().unwrap();
    fields.entry("relative_margin").or_insert(Value::Null);
    serde_json::from_value(value).unwrap()
}

fn matrix(value: &Value) -> Embeddings {
    let rows: Vec<Vec<f32>> = serde_json::from_value(value.clone()).unwrap();
    Embeddings::new(rows[0].len(), rows.concat())
}

#[test]
fn follows_sentence_transformers() {
    let golden: Value = serde_json::from_str(include_str!("../fixtures/mine.json")).unwrap();
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).unwrap();
    let mut corpus = Corpus::new();
    for (number, text) in texts.iter().enumerate() {
        let id = number.to_string();
        corpus.push(Document { id, text: text.clone(), ..Document::default() });
    }
    let (documents, queries) = (matrix(&golden["documents"]), matrix(&golden["queries"]));
    let positives: Vec<Vec<u32>> = serde_json::from_value(golden["positives"].clone()).unwrap();
    let ids: Vec<String> = (0..queries.rows()).map(|query| format!("query {query}")).collect();
    let model = Fingerprint("golden".into());

    for case in golden["cases"].as_array().unwrap() {
        let miner = Miner::new(config(&case["config"])).unwrap();
        let mined = miner
            .mine(
                TrainQueries {
                    ids: &ids,
                    texts: &ids,
                    vectors: Vectors::of(&queries, &model),
                    positives: &positives,
                },
                MiningCorpus { corpus: &corpus, vectors: Vectors::of(&documents, &model) },
            )
            .unwrap();
        for (query, expected) in mined.queries.iter().zip(case["negatives"].as_array().unwrap()) {
            let at = format!("{}: {}", case["config"], query.query_id);
            let mut expected: Vec<(&str, f64)> = expected
                .as_object()
                .unwrap()
                .iter()
                .map(|(text, score)| (text.as_str(), score.as_f64().unwrap()))
                .collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let text = |id: &String| texts[id.parse::<usize>().unwrap()].as_str();
            let found: Vec<&str> = query.negative_ids.iter().map(text).collect();
            let names: Vec<&str> = expected.iter().map(|(text, _)| *text).collect();
            assert_eq!(found, names, "{at}");
            for (score, (_, expected)) in query.negative_scores.iter().zip(&expected) {
                assert!((f64::from(*score) - expected).abs() < 1e-6, "{at}");
            }
        }
    }
}
