//! Reasons as sentences.

use super::{AdviceFacts, AdviceRules, CurveSays, GainPrediction, Need, Supply};
use crate::wording::{count, measure_label, signed};

pub(super) fn all(
    facts: &AdviceFacts,
    rules: &AdviceRules,
    need: Need,
    supply: Supply,
    trusted: bool,
) -> Vec<String> {
    let mut reasons = vec![of_need(facts, rules, need), of_supply(facts, rules, supply)];
    reasons.extend(facts.bm25_recall.map(|bm25| of_bm25(facts.base_recall, bm25)));
    if !trusted {
        reasons.push(format!(
            "The test split has {}, fewer than {}: the recall it shows may be off by {:.2}, so \
             the verdict is not to be trusted.",
            counted(facts.test_queries, "query", "queries"),
            rules.min_test_queries,
            margin_of_error(facts.base_recall, facts.test_queries),
        ));
    }
    reasons
}

fn of_need(facts: &AdviceFacts, rules: &AdviceRules, need: Need) -> String {
    let found = format!(
        "The base model has {:.1} % of the relevant documents among its first 10",
        100.0 * facts.base_recall
    );
    match need {
        Need::Essential => {
            format!("{found}, below {:.0} %: too much is missed.", 100.0 * rules.essential_below)
        }
        Need::Worthwhile => format!(
            "{found}, below {:.0} %: there is clearly something to gain.",
            100.0 * rules.worthwhile_below
        ),
        Need::TryIt => format!(
            "{found}, not above {:.0} %: there may be something to gain.",
            100.0 * rules.marginal_above
        ),
        Need::Marginal => format!(
            "{found}, above {:.0} %: what is left to gain is marginal.",
            100.0 * rules.marginal_above
        ),
    }
}

fn of_supply(facts: &AdviceFacts, rules: &AdviceRules, supply: Supply) -> String {
    let pairs = match facts.train_pairs {
        1 => "There is 1 training pair".to_owned(),
        pairs => format!("There are {} training pairs", count(pairs as u64)),
    };
    match supply {
        Supply::TooFew => {
            format!("{pairs}, fewer than {}: too few.", count(rules.min_pairs as u64))
        }
        Supply::OverfittingRisk => format!(
            "{pairs}, fewer than the {} recommended: there is a risk of overfitting.",
            count(rules.recommended_pairs as u64)
        ),
        Supply::Enough => {
            format!("{pairs}, at least the {} recommended.", count(rules.recommended_pairs as u64))
        }
        Supply::DiminishingReturns => format!(
            "{pairs}, more than {}: enough, and further ones bring less and less.",
            count(rules.diminishing_above as u64)
        ),
    }
}

fn of_bm25(base: f64, bm25: f64) -> String {
    let (base_percent, bm25_percent) = (100.0 * base, 100.0 * bm25);
    if bm25 > base {
        format!(
            "BM25 finds more than the base model ({bm25_percent:.1} % against {base_percent:.1} \
             %): the words of this domain are what the base model lacks, and the two combined are \
             worth a look."
        )
    } else {
        format!(
            "BM25 finds no more than the base model ({bm25_percent:.1} % against {base_percent:.1} \
             %), so the base model already adds to plain word search or equals it."
        )
    }
}

pub(super) fn of_documents(documents: usize, of_documents: usize) -> String {
    format!(
        "Only {} of {} documents were searched, which is easier than searching all: the true \
         recall is lower.",
        count(documents as u64),
        count(of_documents as u64)
    )
}

/// `by_rules` is whether the rules of thumb recommend fine-tuning.
pub(super) fn of_prediction(it: &GainPrediction, says: CurveSays, by_rules: bool) -> String {
    let [low, high] = it.interval.map(|end| signed(end, 3));
    let basis = if it.pairs > it.measured_pairs {
        format!(
            "Short runs on up to {} of {} pairs promise",
            count(it.measured_pairs as u64),
            count(it.pairs as u64)
        )
    } else {
        "Runs on parts and all of the pairs promise".to_owned()
    };
    let follows = match (says, by_rules) {
        (CurveSays::Gain, true) => "training helps",
        (CurveSays::Gain, false) => "training helps, whatever the rules of thumb below say",
        (CurveSays::NoGain, true) => {
            "training does not help, whatever the rules of thumb below say"
        }
        (CurveSays::NoGain, false) => "training does not help",
        (CurveSays::Unclear, _) => {
            "whether training helps is not shown, so the rules of thumb below decide"
        }
    };
    format!(
        "{basis} a gain of {} {} on the test split, between {low} and {high} with {:.0} % \
         confidence: {follows}.",
        signed(it.gain, 3),
        measure_label(it.measure),
        100.0 * it.confidence
    )
}

/// Half of the 95 % interval of Agresti and Coull (1998) for a proportion, which does not collapse
/// where all or none were found. A mean of values between 0 and 1 varies no more than that.
fn margin_of_error(recall: f64, queries: usize) -> f64 {
    let queries = queries as f64;
    let centre = (recall * queries + 2.0) / (queries + 4.0);
    1.96 * (centre * (1.0 - centre) / (queries + 4.0)).max(0.0).sqrt()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
