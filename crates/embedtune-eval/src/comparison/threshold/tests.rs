use embedtune_data::{Corpus, Document, Queries};
use embedtune_metrics::{Qrels, Run};
use proptest::prelude::*;

use super::*;
use crate::RetrievalConfig;

/// `queries` queries with two relevant documents and three others each.
fn evaluator(queries: usize) -> RetrievalEvaluator {
    let (mut corpus, mut asked, mut qrels) = (Corpus::new(), Queries::new(), Qrels::new());
    for number in 0..queries {
        let query = format!("q{number}");
        asked.push(query.as_str(), "text");
        for place in 0..5 {
            let id = format!("{query}-{place}");
            if place < 2 {
                qrels.insert(&query, &id, 1).unwrap();
            }
            corpus.push(Document { id, title: String::new(), text: "text".to_owned() });
        }
    }
    RetrievalEvaluator::new(corpus, &asked, qrels, RetrievalConfig::default()).unwrap()
}

/// Every document retrieved, with the score that `score(query, place)` gives.
fn evaluation(
    evaluator: &RetrievalEvaluator,
    score: impl Fn(usize, usize) -> f64,
) -> crate::Evaluation {
    let mut run = Run::new();
    for number in 0..evaluator.queries().len() {
        for place in 0..5 {
            let (query, document) = (format!("q{number}"), format!("q{number}-{place}"));
            run.insert(&query, &document, score(number, place)).unwrap();
        }
    }
    evaluator.evaluate_run(&run).unwrap()
}

/// Relevant documents around 0.8, others around 0.3, with some overlap.
fn usual(number: usize, place: usize) -> f64 {
    let noise = ((number * 7 + place * 13) % 29) as f64 / 29.0 - 0.5;
    if place < 2 { 0.7 + 0.5 * noise } else { 0.4 + 0.5 * noise }
}

#[test]
fn a_shift_of_all_scores_moves_the_threshold_and_nothing_else() {
    let evaluator = evaluator(60);
    let a = evaluation(&evaluator, usual);
    let b = evaluation(&evaluator, |number, place| usual(number, place) / 2.0);
    let given = evaluator.transfer_threshold(&a, &b, Some(0.65), 0.95, 1).unwrap().unwrap();
    let kept = given.kept.unwrap();
    assert!(given.given && (given.relevant, given.depth) == (120, 100));
    let [a_precision, b_precision] = [given.base, kept.point].map(|it| it.precision.unwrap());
    assert!(b_precision >= a_precision && kept.point.recall >= given.base.recall);
    // B ranks as A does, so it shows the same or, where that is as precise, more.
    assert!(kept.point.threshold <= 0.65 / 2.0 + 0.02, "{kept:?}");
    assert_eq!((given.unchanged.shown, given.unchanged.precision), (0, None));
    let [low, high] = kept.recall_interval;
    assert!(low <= kept.point.recall && kept.point.recall <= high && low < high, "{kept:?}");
    assert!(given.sentence().contains("The same number would show nothing of B."));
}

#[test]
fn the_default_is_the_best_f1_of_the_first_system() {
    let evaluator = evaluator(30);
    let a = evaluation(&evaluator, usual);
    let f1 = |it: OperatingPoint| {
        let precision = it.precision.unwrap_or(0.0);
        2.0 * precision * it.recall / (precision + it.recall)
    };
    let found = evaluator.transfer_threshold(&a, &a, None, 0.95, 1).unwrap().unwrap();
    assert!(!found.given);
    for step in 0..40 {
        let threshold = f64::from(step) / 50.0;
        let other = evaluator.transfer_threshold(&a, &a, Some(threshold), 0.95, 1).unwrap();
        assert!(f1(other.unwrap().base) <= f1(found.base) + 1e-12);
    }
    // The same system keeps its precision at its own threshold, or at a lower one.
    let kept = found.kept.unwrap();
    assert!(kept.point.threshold <= found.base.threshold && kept.point.recall >= found.base.recall);
    assert!(found.sentence().contains("its best (F1) threshold"), "{}", found.sentence());
}

#[test]
fn a_system_that_cannot_be_as_precise_is_said_to_be() {
    let evaluator = evaluator(20);
    let a = evaluation(&evaluator, |_, place| if place < 2 { 0.9 } else { 0.1 });
    let b = evaluation(&evaluator, |_, place| if place < 2 { 0.5 } else { 0.6 });
    let found = evaluator.transfer_threshold(&a, &b, None, 0.95, 1).unwrap().unwrap();
    assert_eq!((found.base.precision, found.base.recall), (Some(1.0), 1.0));
    assert!(found.kept.is_none());
    assert_eq!((found.most_precise.precision, found.most_precise.threshold), (Some(0.4), 0.5));
    assert!(found.sentence().contains("No threshold of B keeps the precision"));
}

/// What ranks below the depth has no score, but would be shown.
#[test]
fn lists_that_end_above_the_threshold_are_counted() {
    let deep = evaluator(20);
    let a = evaluation(&deep, |_, place| if place < 2 { 0.9 } else { 0.1 });
    let whole = deep.transfer_threshold(&a, &a, Some(0.05), 0.95, 1).unwrap().unwrap();
    // Five documents each, of a hundred that could have been retrieved.
    assert_eq!((whole.base.shown, whole.base.full_queries), (100, 0));
    let mut shallow = deep.clone();
    shallow.config =
        RetrievalConfig::default().with_measures([embedtune_metrics::Measure::Bpref]).with_top_k(3);
    let a = shallow.evaluate_run(&a.run).unwrap();
    let full = |threshold| {
        let found = shallow.transfer_threshold(&a, &a, Some(threshold), 0.95, 1).unwrap().unwrap();
        (found.base.full_queries, found.sentence().contains("retrieve more to see it"))
    };
    assert_eq!(full(0.05), (20, true));
    assert_eq!(full(0.5), (0, false));
}

#[test]
fn thresholds_out_of_reach_are_refused() {
    let evaluator = evaluator(5);
    let a = evaluation(&evaluator, usual);
    for (threshold, confidence, field) in
        [(2.0, 0.95, "threshold"), (f64::NAN, 0.95, "threshold"), (0.5, 1.0, "confidence")]
    {
        let refused = evaluator.transfer_threshold(&a, &a, Some(threshold), confidence, 1);
        assert!(refused.unwrap_err().to_string().starts_with(field));
    }
    let nothing =
        evaluation(&evaluator, |_, place| if place < 2 { f64::NEG_INFINITY } else { 0.5 });
    assert_eq!(evaluator.transfer_threshold(&nothing, &a, None, 0.95, 1).unwrap(), None);
}

proptest! {
    /// The twin counts how many values lie on either side.
    #[test]
    fn percentiles_leave_the_tails_outside(values in prop::collection::vec(-9.0f64..9.0, 1..200)) {
        let [low, high] = percentiles(values.clone(), 0.9).unwrap();
        let share = |outside: &dyn Fn(f64) -> bool| {
            values.iter().filter(|it| outside(**it)).count() as f64 / values.len() as f64
        };
        let slack = 1.0 / values.len() as f64;
        prop_assert!(low <= high);
        prop_assert!(share(&|it| it < low) <= 0.05 + slack);
        prop_assert!(share(&|it| it > high) <= 0.05 + slack);
        prop_assert!(share(&|it| it <= low) >= 0.05 - slack);
        prop_assert!(share(&|it| it >= high) >= 0.05 - slack);
    }
}
