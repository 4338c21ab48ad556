//! The table of measures.

use std::collections::BTreeSet;

use embedtune_metrics::{Measure, MeasureComparison};

use super::{
    format,
    markup::Markup,
    plot::{interval, scale::Scale},
    section,
};
use crate::{JsonReport, ModelComparison};

pub(super) fn draw(m: &mut Markup, report: &JsonReport) {
    let measures = measures(report);
    if measures.is_empty() {
        return;
    }
    section(m, "metrics", "Metrics", |m| {
        m.element(
            "div",
            &[
                ("class", "scroll"),
                ("tabindex", "0"),
                ("role", "group"),
                ("aria-labelledby", "metrics-heading"),
            ],
            |m| {
                let class = if report.comparison.is_some() { "full" } else { "narrow" };
                m.element("table", &[("class", class)], |m| {
                    heads(m, report);
                    m.element("tbody", &[], |m| rows(m, report, &measures));
                });
            },
        );
        note(m, report);
    });
}

/// In the order of the comparison, the headline first; the rest in the order of [`Measure`].
fn measures(report: &JsonReport) -> Vec<Measure> {
    let compared = report.comparison.iter().flat_map(|it| it.measures.iter().map(|it| it.measure));
    let mut measures: Vec<Measure> = compared.collect();
    let systems = [&report.bm25, &report.base, &report.tuned];
    let all: BTreeSet<Measure> =
        systems.into_iter().flatten().flat_map(|it| it.metrics.keys().copied()).collect();
    let rest: Vec<Measure> = all.into_iter().filter(|it| !measures.contains(it)).collect();
    measures.extend(rest);
    measures
}

fn heads(m: &mut Markup, report: &JsonReport) {
    m.element("thead", &[], |m| {
        m.element("tr", &[], |m| {
            m.leaf("th", &[("scope", "col")], "Measure");
            let number = [("scope", "col"), ("class", "number")];
            let base = if report.tuned.is_some() { "Base" } else { "Model" };
            let systems = [(&report.bm25, "BM25"), (&report.base, base), (&report.tuned, "Tuned")];
            for (_, name) in systems.iter().filter(|(system, _)| system.is_some()) {
                m.leaf("th", &number, name);
            }
            if let Some(comparison) = &report.comparison {
                m.leaf("th", &number, "Gain");
                m.leaf("th", &number, "Relative");
                let interval = format!("{:.0} % interval", 100.0 * comparison.confidence);
                m.leaf(
                    "th",
                    &[("scope", "colgroup"), ("colspan", "2"), ("class", "interval")],
                    &interval,
                );
                m.leaf("th", &number, "p (Holm)");
                m.leaf("th", &number, "Effect d");
                m.leaf("th", &number, "Detectable");
                m.leaf("th", &number, "Won / same / lost");
            }
        });
    });
}

fn rows(m: &mut Markup, report: &JsonReport, measures: &[Measure]) {
    let compared = |comparison: &ModelComparison| {
        interval::shared_scale(comparison.measures.iter().map(|it| it.comparison.interval))
    };
    let scale = report.comparison.as_ref().map(compared);
    for (row, &measure) in measures.iter().enumerate() {
        let is_headline = report.comparison.as_ref().is_some_and(|it| it.headline == measure);
        m.element("tr", if is_headline { &[("class", "headline")] } else { &[] }, |m| {
            m.leaf("th", &[("scope", "row")], &format::measure_label(measure));
            for (system, class) in
                [(&report.bm25, "bm25"), (&report.base, "base"), (&report.tuned, "tuned")]
            {
                if let Some(system) = system {
                    let value = system.metrics.get(&measure).copied();
                    let value = value.map_or_else(|| "–".to_owned(), format::score);
                    m.leaf("td", &[("class", &format!("number {class}"))], &value);
                }
            }
            if let (Some(comparison), Some(scale)) = (&report.comparison, &scale) {
                match comparison.measure(measure) {
                    Some(it) => gain(m, row, it, scale, comparison.alpha),
                    None => m.leaf("td", &[("colspan", "8")], ""),
                }
            }
        });
    }
}

fn gain(m: &mut Markup, row: usize, it: &MeasureComparison, scale: &Scale, alpha: f64) {
    let comparison = &it.comparison;
    let number = [("class", "number")];
    let class = match comparison.difference {
        _ if it.p_holm >= alpha => "number",
        difference if difference > 0.0 => "number won",
        _ => "number lost",
    };
    m.leaf("td", &[("class", class)], &format::signed(comparison.difference, 4));
    m.leaf("td", &[("class", class)], &format::relative(comparison.relative_difference));
    let [low, high] = comparison.interval.map(|end| format::signed(end, 3));
    m.leaf("td", &number, &format!("{low} … {high}"));
    m.element("td", &[("class", "glyph")], |m| {
        let label = format::measure_label(it.measure);
        let id = format!("interval{row}");
        interval::draw(m, &id, &label, scale, comparison.difference, comparison.interval);
    });
    m.leaf("td", &number, &format::p_value(it.p_holm));
    let effect = comparison.effect_size.map_or_else(|| "–".to_owned(), |it| format::signed(it, 2));
    m.leaf("td", &number, &effect);
    m.leaf("td", &number, &format!("{:.3}", comparison.minimum_detectable_effect));
    let counts = [comparison.wins, comparison.ties, comparison.losses];
    let counts = counts.map(|count| format::count(count as u64)).join(" / ");
    m.leaf("td", &number, &counts);
}

fn note(m: &mut Markup, report: &JsonReport) {
    let Some(system) = report.base.as_ref().or(report.bm25.as_ref()) else { return };
    let mut note = format!(
        "{} queries over {} documents, measured as trec_eval does.",
        format::count(system.queries as u64),
        format::count(system.documents as u64)
    );
    if let Some(comparison) = &report.comparison {
        note += &format!(
            " p: two-sided paired permutation test, corrected for {} measures by Holm's method. \
             Interval: paired bootstrap (BCa). Effect d: gain over the standard deviation of the gains \
             (Cohen). Detectable: the true difference that this many queries find four times out of \
             five. Gains with p below {} are coloured.",
            comparison.measures.len(),
            comparison.alpha
        );
    }
    if let Some(subset) = system.subset {
        note += &format!(
            " This is a sample of {} queries and {} documents; its figures are higher than those \
             of the whole collection.",
            format::count(subset.of_queries as u64),
            format::count(subset.of_documents as u64)
        );
    }
    m.leaf("p", &[("class", "note")], &note);
}
