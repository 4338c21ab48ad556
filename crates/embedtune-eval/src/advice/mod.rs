//! Should I fine-tune at all?

mod reason;
mod rules;

use serde::{Deserialize, Serialize};

pub use self::rules::AdviceRules;

/// What is known before training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdviceFacts {
    /// Recall@10 of the base model on the test split.
    pub base_recall: f64,
    /// Recall@10 of BM25 on the test split, if it was measured.
    pub bm25_recall: Option<f64>,
    /// (query, relevant document) pairs to train on.
    pub train_pairs: usize,
    /// Queries of the test split.
    pub test_queries: usize,
}

/// How much there is to gain, by the base model's recall@10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Too much is missed: fine-tuning is essential.
    Essential,
    /// Fine-tuning is worthwhile.
    Worthwhile,
    /// It may help; try it.
    TryIt,
    /// The base model finds nearly all; what is left to gain is marginal.
    Marginal,
}

/// How far the training pairs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// Too few to learn from.
    TooFew,
    /// The model may learn them by heart.
    OverfittingRisk,
    /// As many as recommended.
    Enough,
    /// More pairs than these bring less and less.
    DiminishingReturns,
}

/// Whether fine-tuning is worth it, and why.
///
/// ```
/// use embedtune_eval::{Advice, AdviceFacts, AdviceRules, Need, Supply};
///
/// let facts = AdviceFacts {
///     base_recall: 0.71,
///     bm25_recall: Some(0.69),
///     train_pairs: 2_400,
///     test_queries: 300,
/// };
/// let advice = Advice::new(facts, &AdviceRules::default());
/// assert_eq!((advice.need, advice.supply), (Need::Essential, Supply::Enough));
/// assert!(advice.recommended && advice.trusted);
/// for reason in &advice.reasons {
///     println!("{reason}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// Whether to fine-tune: there is something to gain and enough to learn from.
    pub recommended: bool,
    /// Whether the test split is large enough to rely on this.
    pub trusted: bool,
    /// How much there is to gain.
    pub need: Need,
    /// How far the training pairs go.
    pub supply: Supply,
    /// The advice in one sentence.
    pub summary: String,
    /// What it rests on, a full sentence each, most important first.
    pub reasons: Vec<String>,
    /// What it was given.
    pub facts: AdviceFacts,
    /// The thresholds that it used.
    pub rules: AdviceRules,
}

impl Advice {
    /// Applies `rules` to `facts`. The rules look at the base model's recall, the number of pairs
    /// and the number of test queries; BM25 adds a reason, never a verdict.
    pub fn new(facts: AdviceFacts, rules: &AdviceRules) -> Self {
        let need = rules.need(facts.base_recall);
        let supply = rules.supply(facts.train_pairs);
        let trusted = facts.test_queries >= rules.min_test_queries;
        let recommended = need != Need::Marginal && supply != Supply::TooFew;
        Self {
            recommended,
            trusted,
            need,
            supply,
            summary: summary(need, supply, trusted),
            reasons: reason::all(&facts, rules, need, supply, trusted),
            facts,
            rules: rules.clone(),
        }
    }
}

fn summary(need: Need, supply: Supply, trusted: bool) -> String {
    let verdict = match (need, supply) {
        (Need::Marginal, _) => "Fine-tuning is hardly worth it: the base model finds nearly all",
        (_, Supply::TooFew) => "Collect more pairs first: there are too few to learn from",
        (Need::Essential, _) => "Fine-tuning is essential",
        (Need::Worthwhile, _) => "Fine-tuning is worthwhile",
        (Need::TryIt, _) => "Fine-tuning may help: try it",
    };
    let overfitting = need != Need::Marginal && supply == Supply::OverfittingRisk;
    let risk = if overfitting { ", but watch for overfitting" } else { "" };
    let trust = if trusted { "" } else { " (not to be trusted: the test split is too small)" };
    format!("{verdict}{risk}{trust}.")
}
