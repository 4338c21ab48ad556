//! The advice in the light of a measured learning curve and of another model.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use embedtune_eval::{
    Advice, AdviceFacts, AdviceRules, Alternative, AlternativeChoice, AlternativeCost, CurveSays,
    EvalError, GainPrediction, LearningRun, LearningStudy, Need, RetrievalConfig,
    RetrievalEvaluator, Supply,
};
use embedtune_metrics::{Measure, Qrels};
use embedtune_testkit::HashEmbed;
use proptest::prelude::*;
use support::Collection;

fn advice(base_recall: f64, train_pairs: usize, test_queries: usize) -> Advice {
    let facts = AdviceFacts { base_recall, bm25_recall: None, train_pairs, test_queries };
    Advice::new(facts, &AdviceRules::default())
}

/// A prediction whose gain is about `gain` and varies over the queries by `spread`.
fn prediction(gain: f64, spread: f64) -> GainPrediction {
    let base = vec![0.5; 200];
    let score = |query: usize| 0.5 + gain + if query.is_multiple_of(2) { spread } else { -spread };
    let runs = [100, 200, 400]
        .map(|pairs| LearningRun { pairs, scores: (0..base.len()).map(score).collect() });
    GainPrediction::new(Measure::NDCG_10, &base, &base, &runs, 800).unwrap()
}

#[test]
fn a_curve_above_zero_overrides_marginal_and_too_few() {
    for (recall, pairs) in [(0.95, 2_000), (0.95, 700), (0.6, 400)] {
        let before = advice(recall, pairs, 300);
        assert!(!before.recommended);
        let after = before.clone().with_prediction(prediction(0.1, 0.1));
        assert!(after.recommended, "{recall} {pairs}");
        assert!(after.summary.contains("training was tried and helped"), "{}", after.summary);
        assert_eq!(after.summary.contains("overfitting"), pairs < 1_000);
        assert!(after.reasons[0].contains("whatever the rules of thumb below say"));
        assert_eq!(after.reasons[1..], before.reasons);
        assert_eq!((after.need, after.supply), (before.need, before.supply));
    }
}

#[test]
fn a_curve_at_or_below_zero_overrides_a_recommendation() {
    let before = advice(0.6, 2_000, 300);
    assert!(before.recommended);
    let after = before.with_prediction(prediction(-0.1, 0.1));
    assert!(!after.recommended);
    assert!(after.summary.contains("did not help"), "{}", after.summary);
    assert_eq!((after.need, after.supply), (Need::Essential, Supply::Enough));
}

#[test]
fn an_unclear_curve_changes_nothing_but_is_told() {
    for recall in [0.6, 0.95] {
        let before = advice(recall, 2_000, 300);
        let after = before.clone().with_prediction(prediction(0.001, 0.4));
        assert_eq!((after.recommended, &after.summary), (before.recommended, &before.summary));
        assert!(after.reasons[0].contains("is not shown"), "{}", after.reasons[0]);
    }
}

#[test]
fn a_small_test_split_is_not_trusted_whatever_the_curve_says() {
    let after = advice(0.95, 2_000, 99).with_prediction(prediction(0.1, 0.1));
    assert!(after.recommended && !after.trusted);
    assert!(after.summary.contains("not to be trusted"), "{}", after.summary);
}

#[test]
fn a_recall_on_some_documents_is_an_upper_bound() {
    for (recall, trusted) in [(0.6, true), (0.78, false), (0.95, false)] {
        let whole = advice(recall, 2_000, 300).with_documents_searched(500, 500);
        assert_eq!(whole, advice(recall, 2_000, 300));
        let part = advice(recall, 2_000, 300).with_documents_searched(400, 5_000);
        assert_eq!(part.trusted, trusted, "{recall}");
        assert_eq!(part.summary.contains("not to be trusted: only a part"), !trusted);
        assert!(part.summary.ends_with('.') && !part.summary.contains(".."));
        assert!(part.reasons.last().unwrap().contains("400 of 5,000"));
        let overruled =
            part.with_prediction(prediction(if recall > 0.9 { 0.1 } else { -0.1 }, 0.1));
        assert!(overruled.trusted && !overruled.summary.contains("trusted"));
    }
}

#[test]
fn advice_with_a_curve_survives_json() {
    let advice = advice(0.6, 2_000, 300).with_prediction(prediction(0.1, 0.1));
    let json = serde_json::to_string(&advice).unwrap();
    assert!(!json.contains("alternative"), "{json}");
    let read: Advice = serde_json::from_str(&json).unwrap();
    // Numbers keep all but their last bit.
    let gain = |advice: &Advice| advice.prediction.as_ref().unwrap().gain;
    assert!((gain(&read) - gain(&advice)).abs() < 1e-12);
    assert_eq!((read.summary, read.reasons), (advice.summary, advice.reasons));
}

proptest! {
    #[test]
    fn the_verdict_follows_the_interval(
        gain in -0.3..0.3, spread in 0.0..0.5, recall in 0.0..=1.0, pairs in 0usize..9_000,
    ) {
        let prediction = prediction(gain, spread);
        let [low, high] = prediction.interval;
        let before = advice(recall, pairs, 300);
        let after = before.clone().with_prediction(prediction.clone());
        let expected = if low > 0.0 { true } else if high <= 0.0 { false } else { before.recommended };
        prop_assert_eq!(after.recommended, expected);
        let unclear = CurveSays::of(&prediction) == CurveSays::Unclear;
        prop_assert_eq!(unclear, low <= 0.0 && high > 0.0);
        for text in after.reasons.iter().chain([&after.summary]) {
            prop_assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{}", text);
        }
    }
}

/// Test and held-out queries of one corpus.
fn two_splits() -> [RetrievalEvaluator; 2] {
    let Collection { corpus, queries, qrels } = Collection::sixty();
    let corpus = Arc::new(corpus);
    [0, 1].map(|part| {
        let mut own = Qrels::new();
        for (query, judgements) in qrels.iter().skip(part).step_by(2) {
            for (document, &grade) in judgements {
                own.insert(query, document, grade).unwrap();
            }
        }
        let config = RetrievalConfig::default();
        RetrievalEvaluator::new(Arc::clone(&corpus), &queries, own, config).unwrap()
    })
}

/// More dimensions stand for more training.
#[test]
fn a_study_asks_for_each_share_and_judges_on_held_out_queries() {
    let [test, held_out] = two_splits();
    let base = HashEmbed::new(4, 1);
    let (base_test, base_held_out) =
        (test.evaluate(&base).unwrap(), held_out.evaluate(&base).unwrap());
    let study = LearningStudy {
        held_out: &held_out,
        base_held_out: &base_held_out,
        base_test: &base_test,
        full_pairs: 800,
        measure: Measure::NDCG_10,
    };
    let mut asked = Vec::new();
    let outcome = study
        .run(&[0.25, 0.5, 1.0], |share| -> Result<_, EvalError> {
            asked.push(share);
            Ok(((400.0 * share) as usize, HashEmbed::new((64.0 * share) as usize, 1)))
        })
        .unwrap();
    assert_eq!(asked, [0.25, 0.5, 1.0]);
    let pairs: Vec<usize> = outcome.curve.points.iter().map(|point| point.pairs).collect();
    assert_eq!(pairs, [0, 100, 200, 400]);
    assert_eq!(Some(outcome.curve.points[0].value), base_test.report.mean(&Measure::NDCG_10));
    let predicted = outcome.curve.predicted.unwrap();
    assert_eq!((predicted.pairs, outcome.prediction.pairs), (800, 800));
    assert!(outcome.prediction.interval[0] > 0.0, "{:?}", outcome.prediction);
    for point in outcome.curve.points[1..].iter().chain([&predicted]) {
        let [low, high] = point.interval.unwrap();
        assert!(low <= point.value && point.value <= high, "{point:?}");
    }

    let failed = study.run(&[1.0], |_| -> Result<(usize, HashEmbed), EvalError> {
        Err(EvalError::NoJudgedQuery)
    });
    assert!(matches!(failed, Err(EvalError::NoJudgedQuery)));
}

#[test]
fn another_model_is_set_against_base_and_tuned() {
    let [test, _] = two_splits();
    let evaluations = [4, 64].map(|dim| test.evaluate(&HashEmbed::new(dim, 1)).unwrap());
    let [base, larger] = &evaluations;
    let cost = AlternativeCost { base_dim: 4, dim: 64, time_ratio: Some(2.5) };
    let alone = Alternative::new("larger", base, larger, None, cost).unwrap();
    assert_eq!((alone.choice, alone.over_tuned), (AlternativeChoice::Alternative, None));
    let reversed = Alternative::new("smaller", larger, base, None, cost).unwrap();
    assert_eq!(reversed.choice, AlternativeChoice::Base);

    let small = Alternative::new("larger", base, larger, Some(&prediction(0.0, 0.01)), cost);
    assert_eq!(small.unwrap().choice, AlternativeChoice::Alternative);
    let great = prediction(0.45, 0.01);
    let gain = alone.over_base.iter().find(|it| it.measure == Measure::NDCG_10).unwrap();
    let great = Alternative::new("larger", base, larger, Some(&great), cost).unwrap();
    let (difference, [low, high]) = great.over_tuned.unwrap();
    assert!((difference - (gain.comparison.difference - 0.45)).abs() < 1e-6);
    assert!(low < difference && difference < high);

    let advice = advice(0.6, 2_000, 300).with_alternative(great.clone());
    assert!(advice.summary.ends_with(&great.summary));
    assert!(advice.reasons.last().unwrap().contains("2.5 times as long"));
    let same = Alternative::new("itself", base, base, None, cost).unwrap();
    assert_eq!(same.choice, AlternativeChoice::NoDifference);
}
