//! BM25 against the formula, and on real judgements.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{HashMap, HashSet};

use embedtune_index::{Bm25, Bm25Config, Neighbor, Stemming};
use proptest::prelude::*;
use serde_json::Value;

/// The formula, word by word, over texts of words separated by spaces.
fn naive(documents: &[String], query: &str, k1: f64, b: f64) -> Vec<Neighbor> {
    let words = |text: &str| text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let documents: Vec<Vec<String>> = documents.iter().map(|text| words(text)).collect();
    let average =
        documents.iter().map(Vec::len).sum::<usize>() as f64 / documents.len().max(1) as f64;
    let query: Vec<String> = words(query);
    let mut found = Vec::new();
    for (id, document) in (0..).zip(&documents) {
        let mut score = 0.0;
        for word in &query {
            let containing = documents.iter().filter(|d| d.contains(word)).count() as f64;
            let count = document.iter().filter(|w| *w == word).count() as f64;
            let rarity =
                (1.0 + (documents.len() as f64 - containing + 0.5) / (containing + 0.5)).ln();
            let length = document.len() as f64 / average;
            if count > 0.0 {
                score += rarity * count / (count + k1 * (1.0 - b + b * length));
            }
        }
        if score > 0.0 {
            found.push(Neighbor { id, score: score as f32 });
        }
    }
    found.sort_by(Neighbor::by_rank);
    found
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["ab", "cd", "ef", "gh", "xy"]), 0..12)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn equals_the_formula(
        documents in prop::collection::vec(text(), 0..20), query in text(),
        k1 in 0f32..3.0, b in 0f32..1.0, k in 1usize..25,
    ) {
        let config = Bm25Config::default().with_k1(k1).with_b(b);
        let found = Bm25::build(&documents, &config).unwrap().search(&[&query], k).remove(0);
        let expected = naive(&documents, &query, f64::from(k1), f64::from(b));
        prop_assert_eq!(found.len(), expected.len().min(k));
        prop_assert!(found.is_sorted_by(|a, b| a.by_rank(b).is_lt()));
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found.score - expected.score).abs() <= 1e-5 * expected.score);
        }
    }
}

#[test]
fn equal_documents_come_by_number_and_strangers_not_at_all() {
    let documents = ["green tea", "black tea", "green tea", "coffee"];
    let index = Bm25::build(&documents, &Bm25Config::default()).unwrap();
    let found = index.search(&["tea green", "green tea", "water", ""], 10);
    let ids: Vec<u32> = found[0].iter().map(|neighbor| neighbor.id).collect();
    assert_eq!(ids, [0, 2, 1]);
    assert_eq!(found[0], found[1]);
    assert!(found[2].is_empty() && found[3].is_empty());
    assert!(
        Bm25::build::<&str>(&[], &Bm25Config::default()).unwrap().search(&["x"], 1)[0].is_empty()
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    for config in [
        Bm25Config::default().with_k1(-1.0),
        Bm25Config::default().with_k1(f32::NAN),
        Bm25Config::default().with_b(1.1),
    ] {
        assert!(Bm25::build(&["a"], &config).is_err());
    }
}

/// Pyserini publishes nDCG@10 0.679 (Porter stemmer) for BM25 on this test split.
#[test]
fn scifact_is_near_the_published_figure() {
    let Some(data) = embedtune_testkit::test_data() else { return };
    let read = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(data.join("scifact").join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let field = |row: &Value, name: &str| row[name].as_str().unwrap_or("").to_owned();
    let corpus = read("corpus.jsonl");
    let ids: Vec<String> = corpus.iter().map(|row| field(row, "_id")).collect();
    let texts: Vec<String> = corpus
        .iter()
        .map(|row| format!("{} {}", field(row, "title"), field(row, "text")))
        .collect();
    let queries: HashMap<String, String> =
        read("queries.jsonl").iter().map(|row| (field(row, "_id"), field(row, "text"))).collect();
    let mut relevant: HashMap<String, HashSet<String>> = HashMap::new();
    let qrels = std::fs::read_to_string(data.join("scifact/qrels/test.tsv")).unwrap();
    for line in qrels.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells[2] != "0" {
            relevant.entry(cells[0].to_owned()).or_default().insert(cells[1].to_owned());
        }
    }
    for stemming in [Stemming::None, Stemming::Light] {
        let config = Bm25Config::default().with_stemming(stemming);
        let index = Bm25::build(&texts, &config).unwrap();
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let mut total = 0.0;
        for (query, relevant) in &relevant {
            let found = index.search(&[&queries[query]], 10).remove(0);
            let hits = found.iter().enumerate();
            let hits = hits.filter(|(_, n)| relevant.contains(&ids[n.id as usize]));
            let dcg: f64 = hits.map(|(rank, _)| gain(rank)).sum();
            total += dcg / (0..relevant.len().min(10)).map(gain).sum::<f64>();
        }
        let ndcg = total / relevant.len() as f64;
        eprintln!("scifact, {stemming:?}: nDCG@10 {ndcg:.4}");
        assert!((0.64..0.70).contains(&ndcg), "{stemming:?}: {ndcg}");
    }
}
