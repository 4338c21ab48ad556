//! Should I fine-tune at all?

mod alternative;
mod gain;
mod learning;
mod reason;
mod rules;

use serde::{Deserialize, Serialize};

pub use self::alternative::{Alternative, AlternativeChoice, AlternativeCost};
pub use self::gain::{GainErrors, GainPrediction, LearningRun};
pub use self::learning::{LearningOutcome, LearningStudy};
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

/// What a measured learning curve says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveSays {
    /// The interval of the predicted gain lies above 0: training helps.
    Gain,
    /// It lies at or below 0: training does not help.
    NoGain,
    /// It holds 0: the rules of thumb stand.
    Unclear,
}

/// Whether fine-tuning is worth it, and why.
///
/// The rules of thumb of [`AdviceRules`] decide, unless a measured learning curve
/// ([`Advice::with_prediction`]) says otherwise.
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
    /// What a learning curve predicts, if one was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<GainPrediction>,
    /// Another model that could be taken instead, if one was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<Alternative>,
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
            prediction: None,
            alternative: None,
        }
    }

    /// The same advice where only some of the documents were searched, which makes search easier:
    /// the recall is then an upper bound. What it leaves to gain is at least as much as it says, so
    /// [`Need::Essential`] stands, and any milder verdict is not trusted.
    pub fn with_documents_searched(mut self, documents: usize, of_documents: usize) -> Self {
        if documents < of_documents {
            if self.need != Need::Essential {
                self.trusted = false;
                let doubt = " (not to be trusted: only a part of the documents was searched).";
                self.summary = self.summary.trim_end_matches('.').to_owned() + doubt;
            }
            self.reasons.push(reason::of_documents(documents, of_documents));
        }
        self
    }

    /// The same advice in the light of a measured learning curve. An interval of the gain above 0
    /// recommends fine-tuning whatever the rules of thumb say; one at or below 0 advises against
    /// it; one that holds 0 changes nothing. Where the curve decides, trust depends on the size of the
    /// test split alone.
    pub fn with_prediction(mut self, prediction: GainPrediction) -> Self {
        let says = CurveSays::of(&prediction);
        let by_rules = self.recommended;
        self.recommended = match says {
            CurveSays::Gain => true,
            CurveSays::NoGain => false,
            CurveSays::Unclear => by_rules,
        };
        if self.recommended != by_rules {
            // The recall that may have been doubted no longer decides.
            self.trusted = self.facts.test_queries >= self.rules.min_test_queries;
            self.summary = overruled(says, self.supply, self.trusted);
        }
        self.reasons.insert(0, reason::of_prediction(&prediction, says, by_rules));
        self.prediction = Some(prediction);
        self
    }

    /// The same advice with another model beside it: its summary says which to take.
    pub fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.summary = format!("{} {}", self.summary, alternative.summary);
        self.reasons.extend(alternative.reasons());
        self.alternative = Some(alternative);
        self
    }

    /// Adds what the caller knows beyond the rules, a full sentence.
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
        self
    }
}

impl CurveSays {
    /// What `prediction` says.
    pub fn of(prediction: &GainPrediction) -> Self {
        match prediction.interval {
            [low, _] if low > 0.0 => Self::Gain,
            [_, high] if high <= 0.0 => Self::NoGain,
            _ => Self::Unclear,
        }
    }
}

/// The summary where the curve and the rules of thumb disagree.
fn overruled(says: CurveSays, supply: Supply, trusted: bool) -> String {
    let verdict = match (says, supply) {
        (CurveSays::NoGain, _) => {
            "Fine-tuning is not worth it: training was tried and did not help"
        }
        (_, Supply::TooFew | Supply::OverfittingRisk) => {
            "Fine-tuning is worthwhile: training was tried and helped, but watch for overfitting"
        }
        _ => "Fine-tuning is worthwhile: training was tried and helped",
    };
    with_trust(verdict, trusted)
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
    with_trust(&format!("{verdict}{risk}"), trusted)
}

fn with_trust(verdict: &str, trusted: bool) -> String {
    let trust = if trusted { "" } else { " (not to be trusted: the test split is too small)" };
    format!("{verdict}{trust}.")
}
