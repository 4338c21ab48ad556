//! Or should I take a larger model instead?

use embedtune_metrics::{ComparisonOptions, Measure, MeasureComparison, compare_reports};
use serde::{Deserialize, Serialize};

use super::GainPrediction;
use crate::{
    EvalError, Evaluation,
    wording::{count, measure_label, signed},
};

/// Level of the tests.
const ALPHA: f64 = 0.05;

/// What another model costs beside the base model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlternativeCost {
    /// Values in a vector of the base model.
    pub base_dim: usize,
    /// Values in a vector of the other model. Index and search grow with it.
    pub dim: usize,
    /// Time that the other model takes for the same texts over that of the base model, if it ran
    /// here.
    pub time_ratio: Option<f64>,
}

/// Which of the two to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlternativeChoice {
    /// The other model as it is.
    Alternative,
    /// The base model, fine-tuned if the advice says so.
    Base,
    /// These queries do not tell them apart, so that what they cost decides.
    NoDifference,
}

/// Another model, as it is, beside the base model and what fine-tuning that promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alternative {
    /// Name of the other model.
    pub name: String,
    /// What it costs.
    pub cost: AlternativeCost,
    /// The other model minus the base model, on the test split.
    pub over_base: Vec<MeasureComparison>,
    /// The measure that decides.
    pub headline: Measure,
    /// The other model minus the fine-tuned one in the headline measure, with its interval, if a
    /// learning curve was measured.
    pub over_tuned: Option<(f64, [f64; 2])>,
    /// What follows.
    pub choice: AlternativeChoice,
    /// The choice in one sentence.
    pub summary: String,
}

impl Alternative {
    /// Compares the other model with `base` on the test split, and with what `prediction` says of
    /// the base model after training.
    ///
    /// The difference from the fine-tuned model is that of two differences from the base model on
    /// the same queries. Its interval adds their half widths in quadrature, as if they were
    /// independent: the gain of a model that nobody has trained is known by its mean alone. Both
    /// models tend to gain on the same queries, which makes the true interval narrower.
    ///
    /// # Errors
    /// If the evaluations are not of the same queries, or lack the headline measure.
    pub fn new(
        name: impl Into<String>,
        base: &Evaluation,
        alternative: &Evaluation,
        prediction: Option<&GainPrediction>,
        cost: AlternativeCost,
    ) -> Result<Self, EvalError> {
        let headline = prediction.map_or(Measure::NDCG_10, |it| it.measure);
        let options = ComparisonOptions::default();
        let over_base = compare_reports(&base.report, &alternative.report, &options)?;
        let Some(decisive) = over_base.iter().find(|it| it.measure == headline) else {
            return Err(EvalError::MeasureMissing {
                measure: headline.to_string(),
                computed: base.metrics().into_keys().collect::<Vec<_>>().join(", "),
            });
        };
        let (gain, interval) = (decisive.comparison.difference, decisive.comparison.interval);
        let over_tuned = prediction.map(|it| less((gain, interval), (it.gain, it.interval)));
        let choice = match over_tuned {
            Some((_, interval)) => choice(interval),
            None if decisive.p_holm >= ALPHA => AlternativeChoice::NoDifference,
            None => choice([gain; 2]),
        };
        let name = name.into();
        let summary = summary(&name, choice, prediction.is_some());
        Ok(Self { name, cost, over_base, headline, over_tuned, choice, summary })
    }

    /// What the choice rests on, a full sentence each.
    pub fn reasons(&self) -> Vec<String> {
        let of_measure = |it: &MeasureComparison| {
            let it = &it.comparison;
            let [low, high] = it.interval.map(|end| signed(end, 3));
            format!("{} ({low} to {high})", signed(it.difference, 3))
        };
        let mut measures: Vec<Measure> = vec![self.headline];
        measures.extend((self.headline != Measure::RECALL_10).then_some(Measure::RECALL_10));
        let shown = measures.iter().filter_map(|measure| {
            let found = self.over_base.iter().find(|it| it.measure == *measure)?;
            Some(format!("{} {}", measure_label(*measure), of_measure(found)))
        });
        let shown: Vec<String> = shown.collect();
        let mut reasons =
            vec![format!("{} as it is, against the base model: {}.", self.name, shown.join(", "))];
        if let Some((difference, [low, high])) = self.over_tuned {
            reasons.push(format!(
                "Against the base model after training, as predicted: {} {} ({} to {}).",
                measure_label(self.headline),
                signed(difference, 3),
                signed(low, 3),
                signed(high, 3)
            ));
        }
        reasons.push(self.of_cost());
        reasons
    }

    fn of_cost(&self) -> String {
        let AlternativeCost { base_dim, dim, time_ratio } = self.cost;
        let time = time_ratio.map_or_else(
            || "how long it takes to encode is not known here".to_owned(),
            |ratio| format!("it takes {ratio:.1} times as long to encode"),
        );
        format!(
            "Its vectors have {} values instead of {}, which index and search pay for; {time}.",
            count(dim as u64),
            count(base_dim as u64)
        )
    }
}

/// `a - b` with its interval.
fn less(a: (f64, [f64; 2]), b: (f64, [f64; 2])) -> (f64, [f64; 2]) {
    let ((a, [a_low, a_high]), (b, [b_low, b_high])) = (a, b);
    let difference = a - b;
    let (below, above) = ((a - a_low).hypot(b_high - b), (a_high - a).hypot(b - b_low));
    (difference, [difference - below, difference + above])
}

fn choice([low, high]: [f64; 2]) -> AlternativeChoice {
    if low > 0.0 {
        AlternativeChoice::Alternative
    } else if high < 0.0 {
        AlternativeChoice::Base
    } else {
        AlternativeChoice::NoDifference
    }
}

fn summary(name: &str, choice: AlternativeChoice, predicted: bool) -> String {
    match (choice, predicted) {
        (AlternativeChoice::Alternative, true) => {
            format!("{name} as it is finds more than fine-tuning the base model promises.")
        }
        (AlternativeChoice::Base, true) => {
            format!("Fine-tuning the base model promises more than {name} as it is.")
        }
        (AlternativeChoice::NoDifference, true) => format!(
            "{name} as it is and the fine-tuned base model come out alike: take the cheaper one."
        ),
        (AlternativeChoice::Alternative, false) => {
            format!("{name} as it is finds more than the base model.")
        }
        (AlternativeChoice::Base, false) => {
            format!("{name} as it is finds less than the base model.")
        }
        (AlternativeChoice::NoDifference, false) => {
            format!("These queries do not tell {name} and the base model apart.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_differences_is_wider_than_either() {
        let (difference, [low, high]) = less((0.10, [0.07, 0.13]), (0.04, [0.0, 0.08]));
        assert!((difference - 0.06).abs() < 1e-12);
        assert!((low - 0.01).abs() < 1e-12 && (high - 0.11).abs() < 1e-12);
    }

    #[test]
    fn the_interval_chooses() {
        assert_eq!(choice([0.01, 0.02]), AlternativeChoice::Alternative);
        assert_eq!(choice([-0.02, -0.01]), AlternativeChoice::Base);
        assert_eq!(choice([-0.01, 0.01]), AlternativeChoice::NoDifference);
        assert_eq!(choice([0.0, 0.0]), AlternativeChoice::NoDifference);
    }
}
