//! Did the model forget what it could do before?

use serde::{Deserialize, Serialize};

use super::{GainVerdict, MarginTests, ModelComparison};
use crate::wording::{count, measure_label, signed};

/// The same two systems on data that the tuning was not about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GeneralCheck {
    /// Name of the data.
    pub data: String,
    /// The comparison there, with its [`ModelComparison::margins`].
    pub comparison: ModelComparison,
}

/// What a [`GeneralCheck`] shows about the headline measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgetting {
    /// A loss of the margin or more is ruled out.
    Kept,
    /// Significantly worse, and perhaps by the margin or more.
    Lost,
    /// These queries are too few to tell.
    NotShown,
}

impl GeneralCheck {
    /// A check on the data called `data`; `comparison` was made with a
    /// [margin](crate::CompareConfig::margin).
    pub fn new(data: impl Into<String>, comparison: ModelComparison) -> Self {
        Self { data: data.into(), comparison }
    }

    /// The tests of the headline measure against the margin.
    pub fn margin(&self) -> Option<&MarginTests> {
        self.comparison.margins.iter().find(|it| it.measure == self.comparison.headline)
    }

    /// What the tests say. A loss that is certain but smaller than the margin counts as kept:
    /// that is what the margin is for.
    pub fn verdict(&self) -> Forgetting {
        let alpha = self.comparison.alpha;
        match self.margin() {
            Some(it) if it.non_inferiority.p < alpha => Forgetting::Kept,
            _ if self.comparison.verdict() == GainVerdict::Worse => Forgetting::Lost,
            _ => Forgetting::NotShown,
        }
    }

    /// The verdict with its figures, in two sentences.
    pub fn sentence(&self) -> String {
        let comparison = &self.comparison;
        let Some(it) = comparison.measure(comparison.headline) else { return String::new() };
        let margin = self.margin().map_or(f64::NAN, |it| it.non_inferiority.margin);
        let verdict = match self.verdict() {
            Forgetting::Kept => format!("No loss of {margin} or more"),
            Forgetting::Lost => "It got worse".to_owned(),
            Forgetting::NotShown => {
                format!("These queries cannot rule out a loss of {margin} or more")
            }
        };
        let bound = self.margin().map_or_else(String::new, |it| {
            let bound = signed(it.non_inferiority.lower_bound_95, 4);
            format!(" The difference is above {bound} with 95 % confidence.")
        });
        format!(
            "{verdict} on {}: {} went from {:.4} to {:.4} over {} queries.{bound}",
            self.data,
            measure_label(it.measure),
            it.comparison.base_mean,
            it.comparison.tuned_mean,
            count(it.comparison.queries as u64),
        )
    }
}
