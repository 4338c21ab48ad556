//! `report.html`: one file that needs nothing else.

mod facts;
mod format;
mod header;
mod learning;
mod lengths;
mod markup;
mod metrics;
mod plot;
mod queries;
mod scores;
mod training;
mod waterfall;

use std::fmt;

use self::markup::Markup;
use crate::JsonReport;

/// No script, no request; styles are those of the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Hatchings, which tell areas apart where colours do not. They have no size of their own.
const PATTERNS: &str = "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"patterns\">\
    <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
    patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\"/>\
    <line y2=\"5\"/></pattern></svg>";

/// Draws a [`JsonReport`] as a page for people: verdict, metrics, curves, queries, data, settings.
///
/// The page is one file: styles and drawings are inside, nothing runs and nothing is loaded, which
/// its own content security policy enforces. It follows the reader's light or dark preference and
/// the width of the screen, and it prints. All text from outside is escaped. What the page was
/// drawn from is in it: the script element `report`, which is data, holds the JSON.
///
/// ```
/// use embedtune_eval::{HtmlReport, JsonReport};
///
/// let report = JsonReport::new("<b>all-MiniLM-L6-v2</b>");
/// let page = HtmlReport::new(&report).render();
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// assert!(page.contains("&lt;b&gt;all-MiniLM-L6-v2&lt;/b&gt;"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HtmlReport<'a> {
    report: &'a JsonReport,
}

impl<'a> HtmlReport<'a> {
    /// The page for `report`.
    pub fn new(report: &'a JsonReport) -> Self {
        Self { report }
    }

    /// The page.
    pub fn render(&self) -> String {
        let mut m = Markup::default();
        m.trusted("<!DOCTYPE html>\n");
        m.element("html", &[("lang", "en")], |m| {
            m.element("head", &[], |m| head(m, &self.report.title));
            m.element("body", &[], |m| {
                m.trusted(PATTERNS);
                m.element("main", &[], |m| body(m, self.report));
                m.element("footer", &[], |m| footer(m, self.report));
                let json = serde_json::to_string(self.report);
                m.data("report", &json.expect("string keys and plain values always serialize"));
            });
        });
        m.finish() + "\n"
    }
}

impl fmt::Display for HtmlReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

fn head(m: &mut Markup, title: &str) {
    m.void("meta", &[("charset", "utf-8")]);
    m.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    m.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    m.void("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    m.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    m.leaf("title", &[], &format!("{title} · embedtune report"));
    m.element("style", &[], |m| m.trusted(include_str!("style.css")));
}

fn body(m: &mut Markup, report: &JsonReport) {
    header::draw(m, report);
    metrics::draw(m, report);
    if let Some(comparison) = &report.comparison {
        queries::draw(m, comparison);
    }
    scores::draw(m, &report.scores);
    if let Some(training) = &report.training {
        training::draw(m, training);
    }
    if let Some(curve) = &report.learning_curve {
        learning::draw(m, curve);
    }
    lengths::draw(m, &report.lengths);
    facts::draw(m, report);
}

fn footer(m: &mut Markup, report: &JsonReport) {
    let versions: Vec<String> =
        report.versions.iter().map(|(name, it)| format!("{name} {}", format::value(it))).collect();
    let mut parts = vec!["Made by embedtune".to_owned()];
    parts.extend(report.created.clone());
    parts.extend((!versions.is_empty()).then(|| versions.join(", ")));
    m.leaf("p", &[], &parts.join(" · "));
}

/// A headed section of the page.
fn section(m: &mut Markup, id: &str, title: &str, body: impl FnOnce(&mut Markup)) {
    let heading = format!("{id}-heading");
    m.element("section", &[("id", id), ("aria-labelledby", &heading)], |m| {
        m.leaf("h2", &[("id", &heading)], title);
        body(m);
    });
}
