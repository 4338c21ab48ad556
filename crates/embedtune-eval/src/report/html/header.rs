//! The verdict, in words and in three large figures.

use embedtune_metrics::Measure;

use super::{format, markup::Markup};
use crate::{GainVerdict, JsonReport, SystemScores};

pub(super) fn draw(m: &mut Markup, report: &JsonReport) {
    m.element("header", &[], |m| {
        m.leaf("p", &[("class", "eyebrow"), ("dir", "auto")], &report.title);
        m.leaf("h1", &[("class", class(report))], &format::unbroken(&report.verdict()));
        let explanation = report.explanation();
        if !explanation.is_empty() {
            m.leaf("p", &[("class", "lead")], &format::unbroken(&explanation));
        }
        figures(m, report);
        let reasons = report.reasons();
        if !reasons.is_empty() {
            m.element("ul", &[("class", "reasons")], |m| {
                reasons
                    .iter()
                    .for_each(|reason| m.leaf("li", &[("dir", "auto")], &format::unbroken(reason)));
            });
        }
    });
}

fn class(report: &JsonReport) -> &'static str {
    match report.comparison.as_ref().map(|it| it.verdict()) {
        Some(GainVerdict::Better) => "won",
        Some(GainVerdict::Worse) => "lost",
        _ => "even",
    }
}

/// The headline measure of every system.
fn figures(m: &mut Markup, report: &JsonReport) {
    let systems = [&report.bm25, &report.base, &report.tuned];
    let headline = report.comparison.as_ref().map(|it| it.headline);
    let first = || systems.iter().find_map(|it| it.as_ref()?.metrics.keys().next().copied());
    let Some(measure) = headline.or_else(first) else { return };
    // Before and after what, if there is only one model?
    let captions = match &report.tuned {
        Some(_) => ["Words alone", "Before", "After"],
        None => ["Words alone", "Model", ""],
    };
    m.element("dl", &[("class", "figures")], |m| {
        for ((system, caption), class) in
            systems.into_iter().zip(captions).zip(["bm25", "base", "tuned"])
        {
            if let Some(system) = system {
                figure(m, system, measure, caption, class);
            }
        }
    });
}

fn figure(m: &mut Markup, system: &SystemScores, measure: Measure, caption: &str, class: &str) {
    let Some(&value) = system.metrics.get(&measure) else { return };
    m.element("div", &[("class", class)], |m| {
        m.element("dt", &[], |m| {
            m.leaf("span", &[("class", "caption")], caption);
            m.leaf("span", &[("class", "name"), ("dir", "auto")], &system.name);
        });
        m.element("dd", &[], |m| {
            m.leaf("span", &[("class", "number")], &format::score(value));
            m.leaf("span", &[("class", "unit")], &format::measure_label(measure));
        });
    });
}
