//! Fused runs: the values of ranx, from `fixtures/gen/ranx_golden.py`, and what holds for all runs.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use embedtune_metrics::fusion::{FusionMethod, FusionOptions, MissingScore, Normalization, fuse};
use embedtune_metrics::{Run, ScorePrecision};
use proptest::prelude::*;
use serde::Deserialize;

/// Scores as text, by query and document.
type Scores = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Deserialize)]
struct Fixture {
    runs: Vec<Scores>,
    fused: Vec<Fused>,
}

#[derive(Deserialize)]
struct Fused {
    method: String,
    norm: Option<String>,
    k: Option<f64>,
    weights: Vec<f64>,
    scores: Scores,
}

impl Fused {
    fn options(&self) -> FusionOptions {
        let method = match self.method.as_str() {
            "rrf" => FusionMethod::ReciprocalRank { k: self.k.unwrap() },
            "mnz" => FusionMethod::CombMnz,
            _ => FusionMethod::CombSum,
        };
        let normalization = match self.norm.as_deref() {
            None => Normalization::None,
            Some("min-max") => Normalization::MinMax,
            Some("zmuv") => Normalization::ZScore,
            Some("sum") => Normalization::Sum,
            Some("rank") => Normalization::Rank,
            Some(other) => panic!("{other}"),
        };
        FusionOptions::default()
            .with_method(method)
            .with_normalization(normalization)
            .with_weights(self.weights.clone())
    }
}

fn read(scores: &Scores) -> Run {
    let mut run = Run::new();
    for (query, documents) in scores {
        for (doc, score) in documents {
            run.insert(query, doc, score.parse().unwrap()).unwrap();
        }
    }
    run
}

#[test]
fn values_are_those_of_ranx() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ranx.json");
    let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let runs: Vec<Run> = fixture.runs.iter().map(read).collect();
    let runs: Vec<&Run> = runs.iter().collect();
    assert!(fixture.fused.len() >= 14);
    for case in &fixture.fused {
        let fused = fuse(&runs, &case.options()).unwrap();
        assert_eq!(fused.len(), case.scores.len());
        for (query, expected) in &case.scores {
            let got = fused.scores(query).unwrap();
            assert!(got.keys().eq(expected.keys()), "{} {query}", case.method);
            for (doc, expected) in expected {
                let expected: f64 = expected.parse().unwrap();
                let error = (got[doc] - expected).abs();
                assert!(
                    error <= 1e-12 * expected.abs().max(1.0),
                    "{} {:?} {doc}: {} {expected}",
                    case.method,
                    case.norm,
                    got[doc]
                );
            }
        }
    }
}

/// A run over two queries; scores in tenths tie often.
fn run() -> impl Strategy<Value = Run> {
    let documents = prop::collection::btree_map((0..2u8, 0..12u8), 0..=10u8, 0..16);
    documents.prop_map(|documents| {
        let mut run = Run::new();
        for ((query, doc), score) in documents {
            let (query, doc) = (format!("q{query}"), format!("d{doc}"));
            run.insert(&query, &doc, f64::from(score) / 10.0).unwrap();
        }
        run
    })
}

fn options() -> impl Strategy<Value = FusionOptions> {
    let method = prop_oneof![
        (0..100u8).prop_map(|k| FusionMethod::ReciprocalRank { k: f64::from(k) }),
        Just(FusionMethod::CombSum),
        Just(FusionMethod::CombMnz),
    ];
    let normalization = prop_oneof![
        Just(Normalization::None),
        Just(Normalization::MinMax),
        Just(Normalization::ZScore),
        Just(Normalization::Sum),
        Just(Normalization::Rank),
    ];
    let missing = prop_oneof![Just(MissingScore::Zero), Just(MissingScore::Lowest)];
    (method, normalization, missing).prop_map(|(method, normalization, missing)| {
        FusionOptions::default()
            .with_method(method)
            .with_normalization(normalization)
            .with_missing(missing)
    })
}

fn ids(run: &Run, query: &str) -> Vec<String> {
    run.ranking(query, ScorePrecision::F64).map(|(doc, _)| doc.to_owned()).collect()
}

proptest! {
    #[test]
    fn every_document_is_fused_once(first in run(), second in run(), options in options()) {
        let fused = fuse(&[&first, &second], &options).unwrap();
        for query in ["q0", "q1"] {
            let mut expected = ids(&first, query);
            expected.extend(ids(&second, query));
            expected.sort();
            expected.dedup();
            let mut got = ids(&fused, query);
            got.sort();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn a_run_fused_with_itself_keeps_its_order(run in run(), options in options()) {
        let scores_decide = !matches!(options.method, FusionMethod::ReciprocalRank { .. })
            && options.normalization != Normalization::Rank;
        let fused = fuse(&[&run, &run], &options).unwrap();
        for query in ["q0", "q1"] {
            if !scores_decide {
                prop_assert_eq!(ids(&fused, query), ids(&run, query));
                continue;
            }
            // Rounding may not turn documents round, only tie them.
            let fused = fused.scores(query).unwrap_or_default();
            let own = run.scores(query).unwrap_or_default();
            for (a, a_score) in &own {
                for (b, b_score) in &own {
                    prop_assert!(a_score <= b_score || fused[a] >= fused[b]);
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_runs_is_free(first in run(), second in run(), options in options()) {
        let there = fuse(&[&first, &second], &options).unwrap();
        let back = fuse(&[&second, &first], &options).unwrap();
        for query in ["q0", "q1"] {
            let (there, back) = (there.scores(query), back.scores(query));
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            let values = there.iter().flat_map(|it| it.values());
            prop_assert!(values.zip(back.iter().flat_map(|it| it.values())).all(near));
        }
    }

    #[test]
    fn a_weight_of_nothing_silences_a_run(first in run(), second in run(), options in options()) {
        let options = options.with_missing(MissingScore::Zero);
        prop_assume!(options.method != FusionMethod::CombMnz);
        let both = fuse(&[&first, &second], &options.clone().with_weights([1.0, 0.0])).unwrap();
        let alone = fuse(&[&first], &options).unwrap();
        for query in ["q0", "q1"] {
            let both = both.scores(query).unwrap_or_default();
            for (doc, score) in alone.scores(query).unwrap_or_default() {
                prop_assert_eq!(both[&doc], score);
            }
        }
    }
}
