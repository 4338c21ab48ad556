//! What a report comes to, in words.

use embedtune_metrics::{Measure, MeasureComparison};

use super::JsonReport;
use crate::{
    GainVerdict, ModelComparison, TrainingCurve,
    wording::{count, measure_label, metric_label, signed},
};

impl JsonReport {
    /// The verdict in one sentence: that of the comparison, else the advice, else what became of
    /// the dev metric, else what the one system finds.
    pub fn verdict(&self) -> String {
        if let Some(comparison) = &self.comparison {
            return comparison.headline_sentence();
        }
        if let Some(advice) = &self.advice {
            return advice.summary.clone();
        }
        let trained = self.training.as_ref().and_then(of_dev);
        let found = || self.of_system();
        trained.or_else(found).unwrap_or_else(|| "There are no results yet.".to_owned())
    }

    /// The figures behind the verdict, in a sentence or two; empty if the reasons say all.
    pub fn explanation(&self) -> String {
        match (&self.comparison, &self.advice, &self.training) {
            (Some(comparison), _, _) => comparison.explanation(),
            (None, None, Some(training)) if of_dev(training).is_some() => {
                "The dev split chose which weights were kept, so its figures flatter them: what \
                 counts is a test split that had no say."
                    .to_owned()
            }
            _ => String::new(),
        }
    }

    /// What the verdict rests on, a full sentence each, most important first.
    pub fn reasons(&self) -> Vec<String> {
        let Some(comparison) = &self.comparison else {
            let advised = self.advice.iter().flat_map(|it| it.reasons.iter().cloned());
            let alone = self.base.is_some() && self.advice.is_none();
            return advised.chain(self.against_words(Measure::NDCG_10).filter(|_| alone)).collect();
        };
        let Some(headline) = comparison.measure(comparison.headline) else { return Vec::new() };
        let mut reasons = vec![of_interval(comparison, headline), of_queries(headline)];
        if comparison.verdict() != GainVerdict::NotShown {
            reasons.push(of_power(headline));
        }
        reasons.extend(of_others(comparison));
        reasons.extend(self.against_words(comparison.headline));
        reasons
    }

    /// What a report of an evaluation alone says.
    fn of_system(&self) -> Option<String> {
        let system = self.tuned.as_ref().or(self.base.as_ref()).or(self.bm25.as_ref())?;
        if let Some(recall) = system.metrics.get(&Measure::RECALL_10) {
            let percent = 100.0 * recall;
            return Some(format!(
                "A query finds {percent:.0} % of its relevant documents in the first 10."
            ));
        }
        let (measure, value) = system.metrics.first_key_value()?;
        Some(format!("{} is {value:.4}.", measure_label(*measure)))
    }

    fn against_words(&self, measure: Measure) -> Option<String> {
        let model = self.tuned.as_ref().or(self.base.as_ref())?;
        let value = model.metrics.get(&measure)?;
        let words = self.bm25.as_ref()?.metrics.get(&measure)?;
        let side = if value >= words { "above" } else { "below" };
        Some(format!(
            "Search by words alone (BM25) has {} {words:.4}: {} is {:.4} {side} it.",
            measure_label(measure),
            model.name,
            (value - words).abs()
        ))
    }
}

/// What became of the metric that chose the weights.
fn of_dev(training: &TrainingCurve) -> Option<String> {
    let metric = training.decisive_metric()?;
    let values = training.values_of(metric);
    let (&(first_step, first), &(_, last)) = (values.first()?, values.last()?);
    let kept = training.kept_step.map(|kept| kept as f64);
    let kept = values.iter().find(|(step, _)| Some(*step) == kept).map_or(last, |it| it.1);
    let label = metric_label(metric);
    Some(match (first_step, kept - first) {
        // The base model was not evaluated: there is nothing to rise from.
        (1.0.., _) => format!("{label} on dev is {kept:.3}."),
        (_, gain) if gain > 0.0 => format!("{label} on dev rose from {first:.3} to {kept:.3}."),
        (_, gain) if gain < 0.0 => format!("{label} on dev fell from {first:.3} to {kept:.3}."),
        _ => format!("{label} on dev did not rise above {first:.3}."),
    })
}

fn of_interval(comparison: &ModelComparison, headline: &MeasureComparison) -> String {
    let [low, high] = headline.comparison.interval.map(|end| signed(end, 3));
    let percent = 100.0 * comparison.confidence;
    format!("With {percent:.0} % confidence the true gain lies between {low} and {high}.")
}

fn of_queries(headline: &MeasureComparison) -> String {
    let it = &headline.comparison;
    let [won, lost, same] = [it.wins, it.losses, it.ties].map(|n| count(n as u64));
    let effect = it.effect_size.map_or_else(String::new, |effect| {
        let size = match effect.abs() {
            effect if effect < 0.2 => "very small",
            effect if effect < 0.5 => "small",
            effect if effect < 0.8 => "medium",
            _ => "large",
        };
        format!(" Against the spread over the queries this is {size} (d = {}).", signed(effect, 2))
    });
    format!("{won} queries got better, {lost} worse, and {same} stayed the same.{effect}")
}

fn of_power(headline: &MeasureComparison) -> String {
    let it = &headline.comparison;
    format!(
        "{} queries find a true difference of {:.3} four times out of five.",
        count(it.queries as u64),
        it.minimum_detectable_effect
    )
}

/// Whether the other measures agree.
fn of_others(comparison: &ModelComparison) -> Option<String> {
    let others = comparison.measures.iter().filter(|it| it.measure != comparison.headline);
    let (mut total, mut rose, mut fell) = (0, 0, 0);
    for it in others {
        total += 1;
        let moved = it.p_holm < comparison.alpha;
        rose += usize::from(moved && it.comparison.difference > 0.0);
        fell += usize::from(moved && it.comparison.difference < 0.0);
    }
    let some =
        |n: usize| if n == total { format!("All {total}") } else { format!("{n} of {total}") };
    match (total, rose, fell) {
        (0, _, _) => None,
        (_, 0, 0) => Some(format!("None of the {total} other measures changed significantly.")),
        (_, _, 0) => Some(format!("{} other measures rose significantly.", some(rose))),
        (_, 0, _) => Some(format!("{} other measures fell significantly.", some(fell))),
        _ => Some(format!("Of {total} other measures {rose} rose and {fell} fell significantly.")),
    }
}
