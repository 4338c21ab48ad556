//! Base against tuned.

#![allow(clippy::unwrap_used)]

mod support;

use embedtune_eval::{
    CompareConfig, EvalError, Evaluation, Forgetting, GainVerdict, GeneralCheck, RetrievalConfig,
    RetrievalEvaluator, SampleConfig,
};
use embedtune_metrics::{Measure, MetricsError, Run};
use embedtune_testkit::HashEmbed;
use support::Collection;

fn evaluator() -> RetrievalEvaluator {
    let Collection { corpus, queries, qrels } = Collection::sixty();
    RetrievalEvaluator::new(corpus, &queries, qrels, RetrievalConfig::default()).unwrap()
}

/// A model of few dimensions confuses words that one of many tells apart.
fn weak_and_strong(evaluator: &RetrievalEvaluator) -> (Evaluation, Evaluation) {
    let of = |dim| evaluator.evaluate(&HashEmbed::new(dim, 7)).unwrap();
    (of(3), of(128))
}

#[test]
fn a_better_model_is_called_better_and_the_reverse_worse() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let config = CompareConfig::default();
    let there = evaluator.compare(&weak, &strong, &config).unwrap();
    let back = evaluator.compare(&strong, &weak, &config).unwrap();
    assert_eq!(there.verdict(), GainVerdict::Better);
    assert_eq!(back.verdict(), GainVerdict::Worse);
    assert_eq!(there.headline, Measure::NDCG_10);
    assert_eq!(there.measures.len(), RetrievalConfig::default().measures.len());
    assert!(there.explanation().contains("nDCG@10 went from"), "{}", there.explanation());

    let headline = there.measure(Measure::NDCG_10).unwrap();
    let means = (headline.comparison.base_mean, headline.comparison.tuned_mean);
    let expected = |it: &Evaluation| it.report.mean(&Measure::NDCG_10).unwrap();
    assert_eq!(means, (expected(&weak), expected(&strong)));
    let wins = there.gains.iter().filter(|gain| **gain > 0.0).count();
    assert_eq!(wins, headline.comparison.wins);
    assert_eq!(there.gains.len(), 60);
    assert!(there.gains.is_sorted());
    for it in &there.measures {
        assert!(it.p_holm >= it.comparison.p_permutation);
    }
}

#[test]
fn a_model_is_not_better_than_itself() {
    let evaluator = evaluator();
    let (weak, _) = weak_and_strong(&evaluator);
    let same = evaluator.compare(&weak, &weak, &CompareConfig::default()).unwrap();
    assert_eq!(same.verdict(), GainVerdict::NotShown);
    assert!(same.winners.is_empty() && same.losers.is_empty());
    assert!(same.explanation().contains("may be chance"));
}

#[test]
fn winners_come_with_texts_and_ranks() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let config =
        CompareConfig::default().with_examples(4).with_excerpt_chars(20).with_top_documents(3);
    let comparison = evaluator.compare(&weak, &strong, &config).unwrap();
    assert_eq!(comparison.winners.len(), 4);
    assert!(comparison.winners.is_sorted_by(|a, b| a.gain >= b.gain));
    assert!(comparison.losers.is_sorted_by(|a, b| a.gain <= b.gain));
    assert!(comparison.losers.iter().all(|change| change.gain < 0.0));
    for change in &comparison.winners {
        assert!((change.tuned - change.base - change.gain).abs() < 1e-12);
        let [relevant] = &change.relevant[..] else { panic!("one relevant document per query") };
        let number: usize = change.query_id[1..].parse().unwrap();
        assert_eq!(relevant.document.id, format!("d{}", 2 * number));
        assert!(relevant.document.relevant);
        assert!(relevant.document.text.starts_with("title "));
        assert!(relevant.document.text.chars().count() <= 21);
        let after = relevant.tuned_rank.unwrap();
        assert!(relevant.base_rank.is_none_or(|before| before > after));
        assert_eq!((change.base_top.len(), change.tuned_top.len()), (3, 3));
        for (place, top) in change.tuned_top.iter().enumerate() {
            assert_eq!(top.relevant, after == place + 1);
        }
        let number = evaluator.queries().find(&change.query_id).unwrap() as usize;
        assert_eq!(change.query, evaluator.queries().texts()[number]);
    }
}

#[test]
fn evaluations_of_different_searches_are_refused() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let sample = SampleConfig::default().with_queries(30).with_documents(200);
    let sample = evaluator.sample(&sample).unwrap();
    assert_eq!(sample.corpus().len(), 120);
    let sampled = sample.evaluate(&HashEmbed::new(128, 7)).unwrap();
    let config = CompareConfig::default();
    let refused = evaluator.compare(&weak, &sampled, &config).unwrap_err();
    assert!(matches!(refused, EvalError::Incomparable { what: "sample", .. }), "{refused}");
    // Both of one search, but not of this evaluator's.
    let refused = sample.compare(&weak, &strong, &config).unwrap_err();
    assert!(matches!(refused, EvalError::Incomparable { .. }), "{refused}");

    let mut other = sampled.clone();
    other.subset = None;
    let refused = evaluator.compare(&weak, &other, &config).unwrap_err();
    assert!(matches!(refused, EvalError::Metrics(MetricsError::QueryMismatch { .. })), "{refused}");
}

#[test]
fn settings_out_of_range_and_unknown_headlines_are_refused() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let compare = |config| evaluator.compare(&weak, &strong, &config).map(|_| ()).unwrap_err();
    let refused = compare(CompareConfig::default().with_headline(Measure::Bpref));
    assert!(refused.to_string().contains("bpref was not computed; computed were ndcg@10"));
    let refused = compare(CompareConfig::default().with_alpha(1.0));
    assert!(matches!(refused, EvalError::Config { field: "alpha", .. }));
    let chosen = CompareConfig::default().with_headline(Measure::MRR_10);
    let comparison = evaluator.compare(&weak, &strong, &chosen).unwrap();
    assert_eq!(comparison.headline, Measure::MRR_10);
}

#[test]
fn a_comparison_survives_json() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let comparison = evaluator.compare(&weak, &strong, &CompareConfig::default()).unwrap();
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["headline"], "ndcg@10");
    assert!(json["measures"][0]["p_holm"].is_number());
    let back: embedtune_eval::ModelComparison = serde_json::from_value(json).unwrap();
    assert_eq!(back.measures.len(), comparison.measures.len());
    assert_eq!(back.winners, comparison.winners);
}

#[test]
fn a_run_file_is_scored_as_the_model_that_made_it() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let rerun = evaluator.evaluate_run(&weak.run).unwrap();
    assert_eq!((&rerun.report, &rerun.run), (&weak.report, &weak.run));
    let other = evaluator.evaluate_run(&strong.run).unwrap();
    assert_ne!(rerun.fingerprint, other.fingerprint);

    // The order of a file and queries that nobody judged change nothing.
    let mut reordered = Run::new();
    let ids: Vec<&str> = weak.run.query_ids().collect();
    for query in ids.iter().rev() {
        for (document, score) in weak.run.documents(query) {
            reordered.insert(query, document, score).unwrap();
        }
    }
    assert_eq!(evaluator.evaluate_run(&reordered).unwrap().fingerprint, rerun.fingerprint);
    reordered.insert("unjudged", "elsewhere", 1.0).unwrap();
    assert_eq!(evaluator.evaluate_run(&reordered).unwrap().report, weak.report);

    let mut foreign = Run::new();
    foreign.insert("q1", "elsewhere", 1.0).unwrap();
    let refused = evaluator.evaluate_run(&foreign).unwrap_err();
    assert!(matches!(refused, EvalError::UnknownRetrieved { count: 1, .. }), "{refused}");
    let mut unjudged = Run::new();
    unjudged.insert("elsewhere", "d1", 1.0).unwrap();
    let refused = evaluator.evaluate_run(&unjudged).unwrap_err();
    assert!(matches!(refused, EvalError::Metrics(MetricsError::NoCommonQueries { .. })));
}

/// A system with a longer list must not look better for it.
#[test]
fn a_run_counts_as_deep_as_a_model_is_asked() {
    let Collection { corpus, queries, qrels } = Collection::sixty();
    let config = RetrievalConfig::default().with_measures([Measure::NDCG_10]).with_top_k(20);
    let shallow = RetrievalEvaluator::new(corpus, &queries, qrels, config).unwrap();
    let deep = evaluator().evaluate(&HashEmbed::new(3, 7)).unwrap();
    let cut = shallow.evaluate_run(&deep.run).unwrap();
    assert!(cut.run.query_ids().all(|query| cut.run.documents(query).count() == 20));
    assert!(deep.run.query_ids().all(|query| deep.run.documents(query).count() == 100));
}

#[test]
fn forgetting_is_judged_against_the_margin() {
    let evaluator = evaluator();
    let (weak, strong) = weak_and_strong(&evaluator);
    let check = |base, tuned, margin: f64| {
        let config = CompareConfig::default().with_margin(margin);
        let comparison = evaluator.compare(base, tuned, &config).unwrap().with_names("old", "new");
        GeneralCheck::new("general", comparison)
    };
    let gained = check(&weak, &strong, 0.01);
    assert_eq!(gained.verdict(), Forgetting::Kept);
    assert_eq!(gained.comparison.headline_sentence(), "new searches better than old.");
    assert!(gained.sentence().starts_with("No loss of 0.01 or more on general: nDCG@10 went"));
    let lost = check(&strong, &weak, 0.01);
    assert_eq!(lost.verdict(), Forgetting::Lost);
    assert!(lost.sentence().starts_with("It got worse on general"), "{}", lost.sentence());
    // A margin that forgives any loss.
    assert_eq!(check(&strong, &weak, 1.0).verdict(), Forgetting::Kept);
    let refused = CompareConfig::default().with_margin(0.0).validate().unwrap_err();
    assert!(refused.to_string().starts_with("margin is 0"), "{refused}");
}
