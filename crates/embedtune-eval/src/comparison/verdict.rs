//! The outcome of a comparison in words.

use embedtune_metrics::MeasureComparison;
use serde::{Deserialize, Serialize};

use super::ModelComparison;
use crate::wording::{count, measure_label, signed};

/// What the test says about the headline measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GainVerdict {
    /// Significantly better.
    Better,
    /// Significantly worse.
    Worse,
    /// The difference may be chance.
    NotShown,
}

impl ModelComparison {
    /// The comparison of the headline measure.
    fn of_headline(&self) -> Option<&MeasureComparison> {
        self.measure(self.headline)
    }

    /// Whether the headline measure changed significantly at [`ModelComparison::alpha`], by the
    /// permutation test corrected for the number of measures.
    pub fn verdict(&self) -> GainVerdict {
        match self.of_headline() {
            Some(it) if it.p_holm < self.alpha && it.comparison.difference > 0.0 => {
                GainVerdict::Better
            }
            Some(it) if it.p_holm < self.alpha && it.comparison.difference < 0.0 => {
                GainVerdict::Worse
            }
            _ => GainVerdict::NotShown,
        }
    }

    /// The verdict as a short sentence.
    pub fn headline_sentence(&self) -> String {
        match (self.verdict(), &self.names) {
            (GainVerdict::Better, None) => "Fine-tuning made the search better.".to_owned(),
            (GainVerdict::Worse, None) => "Fine-tuning made the search worse.".to_owned(),
            (GainVerdict::NotShown, None) => "A gain from fine-tuning is not shown.".to_owned(),
            (GainVerdict::Better, Some([a, b])) => format!("{b} searches better than {a}."),
            (GainVerdict::Worse, Some([a, b])) => format!("{b} searches worse than {a}."),
            (GainVerdict::NotShown, Some([a, b])) => {
                format!("A difference between {a} and {b} is not shown.")
            }
        }
    }

    /// The figures behind the verdict, in one or two sentences.
    pub fn explanation(&self) -> String {
        let Some(MeasureComparison { measure, comparison, p_holm, .. }) = self.of_headline() else {
            return String::new();
        };
        let relative = comparison
            .relative_difference
            .map_or_else(String::new, |it| format!(" ({} %)", signed(100.0 * it, 1)));
        let moved = format!(
            "{} went from {:.4} to {:.4}{relative} over {} queries, {}",
            measure_label(*measure),
            comparison.base_mean,
            comparison.tuned_mean,
            count(comparison.queries as u64),
            p_value(*p_holm),
        );
        let sample = self.subset.map_or_else(String::new, |it| {
            let counts = [it.queries, it.of_queries, it.documents, it.of_documents];
            let [queries, of_queries, documents, of_documents] = counts.map(|n| count(n as u64));
            format!(
                " This is a sample of {queries} of {of_queries} queries and {documents} of \
                 {of_documents} documents."
            )
        });
        let meaning = match self.verdict() {
            GainVerdict::Better | GainVerdict::Worse => {
                format!(": a difference of this size is not chance at the level {}.", self.alpha)
            }
            GainVerdict::NotShown => format!(
                ": this may be chance. With this many queries a true difference of {:.3} would be \
                 found four times out of five.",
                comparison.minimum_detectable_effect
            ),
        };
        moved + &meaning + &sample
    }
}

/// `p = 0.012`, or `p < 0.001`.
fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}
