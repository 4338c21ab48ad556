//! The advice as a whole; each threshold is tested where the rules are.

#![allow(clippy::unwrap_used)]

use embedtune_eval::{Advice, AdviceFacts, AdviceRules, Need, Supply};

fn advice(base_recall: f64, train_pairs: usize, test_queries: usize) -> Advice {
    let facts = AdviceFacts { base_recall, bm25_recall: None, train_pairs, test_queries };
    Advice::new(facts, &AdviceRules::default())
}

#[test]
fn both_something_to_gain_and_something_to_learn_from_are_needed() {
    for (recall, pairs, recommended) in [
        (0.60, 2_000, true),
        (0.78, 2_000, true),
        (0.85, 500, true),
        (0.60, 499, false),
        (0.86, 2_000, false),
        (0.95, 100, false),
    ] {
        assert_eq!(advice(recall, pairs, 300).recommended, recommended, "{recall} {pairs}");
    }
}

#[test]
fn a_small_test_split_is_not_trusted() {
    let (small, large) = (advice(0.6, 2_000, 99), advice(0.6, 2_000, 100));
    assert!(!small.trusted && large.trusted);
    assert!(small.summary.contains("not to be trusted"));
    assert_eq!(small.reasons.len(), large.reasons.len() + 1);
    assert!(small.reasons.last().unwrap().contains("99 queries, fewer than 100"));
    // Even where every document was found, few queries leave doubt.
    let perfect = advice(1.0, 2_000, 1);
    assert!(perfect.reasons.last().unwrap().contains("1 query"));
    assert!(!perfect.reasons.last().unwrap().contains("0.00"));
}

#[test]
fn every_reason_is_a_sentence_with_its_figures() {
    for recall in [0.0, 0.76, 0.82, 0.9] {
        for (pairs, written) in [(1, "1 "), (700, "700 "), (2_000, "2,000 "), (9_000, "9,000 ")] {
            let mut facts = advice(recall, pairs, 10).facts;
            facts.bm25_recall = Some(0.8);
            let advice = Advice::new(facts, &AdviceRules::default());
            assert_eq!(advice.reasons.len(), 4);
            for reason in advice.reasons.iter().chain([&advice.summary]) {
                assert!(
                    reason.starts_with(char::is_uppercase) && reason.ends_with('.'),
                    "{reason}"
                );
            }
            assert!(advice.reasons[0].contains(&format!("{:.1} %", 100.0 * recall)));
            assert!(advice.reasons[1].contains(written));
            assert_eq!(advice.reasons[2].contains("finds more"), recall < 0.8);
        }
    }
}

#[test]
fn own_rules_move_the_verdict_and_json_keeps_it() {
    let mut rules = AdviceRules::default();
    rules.marginal_above = 0.5;
    rules.worthwhile_below = 0.4;
    rules.essential_below = 0.3;
    let facts = advice(0.6, 2_000, 300).facts;
    let advice = Advice::new(facts, &rules);
    assert_eq!((advice.need, advice.supply), (Need::Marginal, Supply::Enough));
    let json = serde_json::to_string(&advice).unwrap();
    assert!(json.contains(r#""need":"marginal","supply":"enough""#), "{json}");
    assert_eq!(serde_json::from_str::<Advice>(&json).unwrap(), advice);
}
