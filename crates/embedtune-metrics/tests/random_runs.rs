//! 100,000 random queries with ties, grades and unjudged documents: the bits of `pytrec_eval`, from
//! `fixtures/gen/random_runs.py`. The queries are made here by the same counter-based generator.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use embedtune_metrics::{EvaluateOptions, Measure, Qrels, Report, evaluate_rankings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    measures: Vec<String>,
    queries: u64,
    digests: BTreeMap<String, String>,
    values: Vec<String>,
}

impl Golden {
    fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/random_runs.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn measures(&self) -> Vec<Measure> {
        self.measures.iter().map(|name| name.parse().unwrap()).collect()
    }
}

/// The finalizer of splitmix64 over a counter of its own for each query.
fn random(query: u64, counter: u64) -> u64 {
    let x = query
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(counter.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(0x2545_f491_4f6c_dd1d);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

struct Draw {
    query: u64,
    counter: u64,
}

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.counter += 1;
        (random(self.query, self.counter) >> 11) % bound
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn score(&mut self) -> f64 {
        let scale: u64 = self.of(&[10, 100, 100, 1_000_000]);
        let base = (self.below(2 * scale + 1) as f64 - scale as f64) / scale as f64;
        base + self.of(&[0.0, 0.0, 0.0, 1e-10, -1e-10])
    }
}

const GRADES: [&[i32]; 6] =
    [&[0, 1], &[-1, 0, 1], &[-1, 0, 0, 0, 1, 2, 3], &[0], &[-1, 2], &[1, 1, 2, 3]];

type Ranking = (String, Vec<(String, f64)>);

/// Every document of a pool is judged, retrieved, both or neither.
fn make(query: u64, qrels: &mut Qrels) -> Ranking {
    let mut draw = Draw { query, counter: 0 };
    let (grades, pool) = (draw.of(&GRADES), 2 + draw.below(60));
    let (judge, retrieve) = (1 + draw.below(4), 1 + draw.below(4));
    let id = format!("q{query}");
    qrels.insert(&id, "anchor", draw.of(grades).max(0)).unwrap();
    let mut docs = Vec::new();
    for n in 0..pool {
        let doc = format!("{}{}", draw.of(&["d", "D", "é", "doc-"]), n * 7);
        if draw.below(4) < judge {
            qrels.insert(&id, &doc, draw.of(grades)).unwrap();
        }
        if draw.below(4) < retrieve {
            docs.push((doc, draw.score()));
        }
    }
    if draw.below(2) == 0 || docs.is_empty() {
        docs.push(("anchor".to_owned(), draw.score()));
    }
    (id, docs)
}

fn evaluate(queries: std::ops::Range<u64>, measures: &[Measure], level: i32) -> Report {
    let mut qrels = Qrels::new();
    let rankings: Vec<Ranking> = queries.map(|query| make(query, &mut qrels)).collect();
    let options = EvaluateOptions::pytrec_eval().with_relevance_level(level);
    evaluate_rankings(&qrels, &rankings, measures, &options).unwrap()
}

#[test]
fn every_value_of_the_first_queries_has_the_same_bits() {
    let golden = Golden::load();
    let measures = golden.measures();
    let report = evaluate(0..golden.values.len() as u64, &measures, 1);
    for (query, expected) in golden.values.iter().enumerate() {
        let row = report.query_ids().binary_search(&format!("q{query}")).unwrap();
        for (n, expected) in expected.split(',').enumerate() {
            let got = report.per_query(&measures[n]).unwrap()[row];
            let expected: f64 = expected.parse().unwrap();
            let name = &golden.measures[n];
            assert_eq!(got.to_bits(), expected.to_bits(), "q{query} {name}: {got} {expected}");
        }
    }
    assert_eq!(golden.values.len(), 500);
}

/// FNV-1a over the bits of all values in order of query and measure.
fn digest(golden: &Golden, level: i32) -> String {
    const CHUNK: u64 = 5000;
    let measures = golden.measures();
    let mut digest = 0xcbf2_9ce4_8422_2325u64;
    for start in (0..golden.queries).step_by(CHUNK as usize) {
        let report = evaluate(start..start + CHUNK, &measures, level);
        for query in start..start + CHUNK {
            let row = report.query_ids().binary_search(&format!("q{query}")).unwrap();
            for measure in &measures {
                let bits = report.per_query(measure).unwrap()[row].to_bits();
                digest = (digest ^ bits).wrapping_mul(0x100_0000_01b3);
            }
        }
    }
    format!("{digest:016x}")
}

#[test]
fn all_queries_have_the_digest_of_pytrec_eval() {
    let golden = Golden::load();
    assert_eq!(golden.queries, 100_000);
    for level in [1, 2] {
        assert_eq!(digest(&golden, level), golden.digests[&level.to_string()], "level {level}");
    }
}
