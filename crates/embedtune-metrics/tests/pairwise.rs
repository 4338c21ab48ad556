//! The evaluators of Sentence Transformers, from `fixtures/gen/evaluators_golden.py`, and
//! what holds for all scores.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use embedtune_metrics::pairwise::{
    Closeness, MissingPositives, RerankingOptions, RerankingSample, ScoredPair, classify_at,
    evaluate_binary, evaluate_paraphrase_mining, evaluate_reranking, evaluate_similarity, spearman,
    triplet_accuracy,
};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer};

/// A number that the fixture holds as text.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.parse().unwrap()))
    }
}

#[derive(Deserialize)]
struct Fixture {
    binary: Vec<Binary>,
    similarity: Vec<Similarity>,
    triplets: Vec<Triplets>,
    reranking: Vec<Reranking>,
    missing: Vec<Missing>,
    mining: Vec<Mining>,
}

#[derive(Deserialize)]
struct Binary {
    distance: bool,
    labels: Vec<bool>,
    scores: Vec<Number>,
    accuracy: Number,
    accuracy_threshold: Number,
    f1: Number,
    precision: Number,
    recall: Number,
    f1_threshold: Number,
    ap: Number,
    mcc: Number,
}

#[derive(Deserialize)]
struct Similarity {
    scores: Vec<Number>,
    gold: Vec<Number>,
    pearson: Number,
    spearman: Number,
}

#[derive(Deserialize)]
struct Triplets {
    positive: Vec<Number>,
    negative: Vec<Number>,
    margin: Number,
    accuracy: Number,
}

#[derive(Deserialize)]
struct Reranking {
    k: usize,
    ties: bool,
    samples: Vec<Sample>,
    map: Number,
    mrr: Number,
    ndcg: Number,
}

#[derive(Deserialize)]
struct Sample {
    positive: Vec<Number>,
    negative: Vec<Number>,
}

#[derive(Deserialize)]
struct Missing {
    k: usize,
    samples: Vec<MissingSample>,
    ignored: [Number; 3],
    last: [Number; 3],
}

#[derive(Deserialize)]
struct MissingSample {
    missing: usize,
    positive: Vec<Number>,
    negative: Vec<Number>,
    first_positive: Vec<Number>,
    first_negative: Vec<Number>,
}

#[derive(Deserialize)]
struct Mining {
    mined: Vec<(u32, u32)>,
    duplicates: Vec<(u32, u32)>,
    scores: Vec<Number>,
    average_precision: Number,
    f1: Number,
    precision: Number,
    recall: Number,
    threshold: Number,
}

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/evaluators.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn plain(numbers: &[Number]) -> Vec<f64> {
    numbers.iter().map(|number| number.0).collect()
}

#[track_caller]
fn near(got: f64, expected: Number) {
    assert!((got - expected.0).abs() < 1e-12, "{got} {}", expected.0);
}

fn closeness(distance: bool) -> Closeness {
    if distance { Closeness::Distance } else { Closeness::Similarity }
}

#[test]
fn binary_classification_agrees() {
    for case in fixture().binary {
        let got =
            evaluate_binary(&plain(&case.scores), &case.labels, closeness(case.distance)).unwrap();
        near(got.accuracy, case.accuracy);
        near(got.accuracy_threshold, case.accuracy_threshold);
        near(got.f1, case.f1);
        near(got.precision, case.precision);
        near(got.recall, case.recall);
        near(got.f1_threshold.unwrap(), case.f1_threshold);
        near(got.average_precision, case.ap);
        near(got.mcc, case.mcc);
    }
}

#[test]
fn correlations_agree() {
    for case in fixture().similarity {
        let (scores, gold) = (plain(&case.scores), plain(&case.gold));
        let got = evaluate_similarity(&scores, &gold, Closeness::Similarity).unwrap();
        near(got.pearson.unwrap(), case.pearson);
        near(got.spearman.unwrap(), case.spearman);
    }
}

#[test]
fn triplets_agree_with_ties_wrong() {
    for case in fixture().triplets {
        let (positive, negative) = (plain(&case.positive), plain(&case.negative));
        let got = triplet_accuracy(&positive, &negative, Closeness::Similarity, case.margin.0);
        let got = got.unwrap();
        // The share is single precision there.
        assert!((got.accuracy - case.accuracy.0).abs() < 1e-7);
        assert!(got.ties > 0, "the fixture has ties");
    }
}

#[test]
fn reranking_agrees_and_ties_differ_in_the_reciprocal_rank_alone() {
    for case in fixture().reranking {
        let samples: Vec<RerankingSample> = case
            .samples
            .iter()
            .map(|it| RerankingSample::new(plain(&it.positive), plain(&it.negative)))
            .collect();
        let options = RerankingOptions::default().with_k(case.k);
        let got = evaluate_reranking(&samples, &options).unwrap();
        near(got.mean.average_precision, case.map);
        near(got.mean.ndcg, case.ndcg);
        if !case.ties {
            near(got.mean.reciprocal_rank, case.mrr);
        }
    }
}

#[test]
fn missing_positives_agree_with_both_conventions() {
    for case in fixture().missing {
        let of = |first_stage: bool, missing| {
            let samples: Vec<RerankingSample> = case
                .samples
                .iter()
                .map(|it| {
                    let (positive, negative) = if first_stage {
                        (&it.first_positive, &it.first_negative)
                    } else {
                        (&it.positive, &it.negative)
                    };
                    RerankingSample::new(plain(positive), plain(negative))
                        .with_missing_positives(it.missing)
                })
                .collect();
            let options =
                RerankingOptions::default().with_k(case.k).with_missing_positives(missing);
            evaluate_reranking(&samples, &options).unwrap().mean
        };
        for (got, expected) in [
            (of(false, MissingPositives::Ignored), case.ignored),
            (of(true, MissingPositives::Last), case.last),
        ] {
            near(got.average_precision, expected[0]);
            near(got.reciprocal_rank, expected[1]);
            near(got.ndcg, expected[2]);
        }
        // Never found is never better than found last.
        let never = of(true, MissingPositives::NeverFound);
        assert!(never.average_precision < case.last[0].0 && never.ndcg <= case.last[2].0);
    }
}

#[test]
fn paraphrase_mining_agrees() {
    for case in fixture().mining {
        let pairs = case.mined.iter().zip(&case.scores);
        let mined: Vec<ScoredPair> = pairs
            .map(|(&(first, second), score)| ScoredPair { first, second, score: score.0 })
            .collect();
        let got =
            evaluate_paraphrase_mining(&mined, &case.duplicates, Closeness::Similarity).unwrap();
        near(got.average_precision, case.average_precision);
        near(got.f1, case.f1);
        near(got.precision, case.precision);
        near(got.recall, case.recall);
        near(got.threshold.unwrap(), case.threshold);
    }
}

/// Scores in tenths, which tie often, with labels.
fn labelled(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(((0..=10u8).prop_map(|n| f64::from(n) / 10.0), any::<bool>()), count)
}

proptest! {
    #[test]
    fn no_threshold_beats_the_best(pairs in labelled(1..30), at in -0.1..1.1f64) {
        let (scores, labels): (Vec<f64>, Vec<bool>) = pairs.into_iter().unzip();
        for closeness in [Closeness::Similarity, Closeness::Distance] {
            let report = evaluate_binary(&scores, &labels, closeness).unwrap();
            let other = classify_at(&scores, &labels, closeness, at).unwrap();
            prop_assert!(other.accuracy() <= report.accuracy);
            prop_assert!(other.f1() <= report.f1 + 1e-15);
            let own = classify_at(&scores, &labels, closeness, report.accuracy_threshold).unwrap();
            prop_assert_eq!(own.accuracy(), report.accuracy);
        }
    }

    #[test]
    fn the_order_of_pairs_does_not_matter(pairs in labelled(1..30), turn in 0..30usize) {
        let of = |pairs: &[(f64, bool)]| {
            let (scores, labels): (Vec<f64>, Vec<bool>) = pairs.iter().copied().unzip();
            evaluate_binary(&scores, &labels, Closeness::Similarity).unwrap()
        };
        let mut turned = pairs.clone();
        turned.rotate_left(turn % pairs.len());
        prop_assert_eq!(of(&pairs), of(&turned));
    }

    /// Each value is the mean over all orders that tied candidates can have, but for average
    /// precision, which is never above it.
    #[test]
    fn ties_are_averaged_over_their_orders(
        pairs in prop::collection::vec((0..3u8, any::<bool>()), 2..6),
        k in 1..6usize,
    ) {
        let relevant = pairs.iter().filter(|it| it.1).count();
        prop_assume!(relevant > 0 && relevant < pairs.len());
        let of_label = |label: bool| -> Vec<f64> {
            pairs.iter().filter(|it| it.1 == label).map(|it| f64::from(it.0)).collect()
        };
        let options = RerankingOptions::default().with_k(k);
        let sample = RerankingSample::new(of_label(true), of_label(false));
        let got = evaluate_reranking(&[sample], &options).unwrap().mean;
        let (mut orders, mut reciprocal_rank, mut ndcg) = (0.0, 0.0, 0.0);
        for order in permutations(pairs.len()) {
            let ranked: Vec<(u8, bool)> = order.iter().map(|&i| pairs[i]).collect();
            if !ranked.is_sorted_by(|a, b| a.0 >= b.0) {
                continue;
            }
            orders += 1.0;
            let first = ranked.iter().position(|it| it.1).unwrap();
            reciprocal_rank += if first < k { 1.0 / (first + 1) as f64 } else { 0.0 };
            let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
            let gain: f64 =
                (0..k.min(ranked.len())).filter(|&place| ranked[place].1).map(discount).sum();
            ndcg += gain / (0..k.min(relevant)).map(discount).sum::<f64>();
        }
        prop_assert!((got.reciprocal_rank - reciprocal_rank / orders).abs() < 1e-12);
        prop_assert!((got.ndcg - ndcg / orders).abs() < 1e-12);
    }

    #[test]
    fn ranks_alone_decide_the_rank_correlation(pairs in labelled(3..30)) {
        let x: Vec<f64> = pairs.iter().map(|it| it.0).collect();
        let y: Vec<f64> = pairs.iter().enumerate().map(|(i, it)| it.0 + (i % 3) as f64).collect();
        let stretched: Vec<f64> = x.iter().map(|x| (5.0 * x).exp()).collect();
        match (spearman(&x, &y).unwrap(), spearman(&stretched, &y).unwrap()) {
            (Some(plain), Some(stretched)) => prop_assert!((plain - stretched).abs() < 1e-12),
            (plain, stretched) => prop_assert_eq!(plain, stretched),
        }
    }
}

/// All orders of `0..count`.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for item in 0..count {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, item);
                    longer
                })
            })
            .collect();
    }
    orders
}
