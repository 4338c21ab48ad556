//! Advice, data, settings and how to do it again.

use serde_json::Value;

use super::{format, markup::Markup, section};
use crate::{Advice, DataFacts, Facts, JsonReport};

pub(super) fn draw(m: &mut Markup, report: &JsonReport) {
    if let Some(advice) = &report.advice {
        section(m, "advice", "Was it worth trying?", |m| advice_section(m, advice));
    }
    if let Some(data) = &report.data {
        section(m, "data", "Data", |m| data_section(m, data));
    }
    let models = models(report);
    let settings = [
        ("What was run", &report.ran),
        ("Models", &models),
        ("Hyperparameters", &report.hyperparameters),
        ("Hard negatives", &report.mining),
        ("Versions", &report.versions),
    ];
    let has_settings = settings.iter().any(|(_, facts)| !facts.is_empty());
    if has_settings || !report.seconds.is_empty() {
        section(m, "settings", "Settings", |m| {
            m.element("div", &[("class", "columns")], |m| {
                for (title, facts) in settings {
                    table(m, title, facts, format::value);
                }
                table(m, "Time", &report.seconds, time);
            });
        });
    }
    if !report.reproduce.is_empty() {
        section(m, "reproduce", "How to reproduce", |m| {
            m.element("pre", &[], |m| {
                m.leaf("code", &[], &report.reproduce.join("\n"));
            });
        });
    }
}

/// Who is behind the names.
fn models(report: &JsonReport) -> Facts {
    let systems = [("BM25", &report.bm25), ("base", &report.base), ("tuned", &report.tuned)];
    let known = systems.into_iter().filter_map(|(role, it)| Some((role, it.as_ref()?)));
    known.fold(Facts::new(), |facts, (role, it)| facts.with(role, it.fingerprint.0.as_str()))
}

fn advice_section(m: &mut Markup, advice: &Advice) {
    m.leaf("p", &[("class", "summary")], &advice.summary);
    m.element("ul", &[], |m| {
        for reason in &advice.reasons {
            m.leaf("li", &[], &format::unbroken(reason));
        }
    });
}

fn data_section(m: &mut Markup, data: &DataFacts) {
    let counts = [
        ("Documents", data.documents),
        ("Training pairs", data.train_pairs),
        ("Training queries", data.train_queries),
        ("Dev queries", data.dev_queries),
        ("Test queries", data.test_queries),
        ("Test judgements", data.test_judgements),
    ];
    if !data.name.is_empty() {
        m.leaf("p", &[("dir", "auto")], &data.name);
    }
    m.element("dl", &[("class", "counts")], |m| {
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            m.element("div", &[], |m| {
                m.leaf("dt", &[], name);
                m.leaf("dd", &[], &format::count(count as u64));
            });
        }
    });
    if !data.more.is_empty() {
        rows(m, &data.more, format::value);
    }
    if !data.notes.is_empty() {
        m.element("ul", &[("class", "note")], |m| {
            data.notes.iter().for_each(|note| m.leaf("li", &[("dir", "auto")], note));
        });
    }
}

fn table(m: &mut Markup, title: &str, facts: &Facts, show: fn(&Value) -> String) {
    if facts.is_empty() {
        return;
    }
    m.element("div", &[], |m| {
        m.leaf("h3", &[], title);
        rows(m, facts, show);
    });
}

fn rows(m: &mut Markup, facts: &Facts, show: fn(&Value) -> String) {
    m.element("dl", &[("class", "facts")], |m| {
        for (name, value) in facts.iter() {
            m.element("div", &[], |m| {
                m.leaf("dt", &[], &name.replace('_', " "));
                m.leaf("dd", &[("dir", "auto")], &show(value));
            });
        }
    });
}

fn time(value: &Value) -> String {
    value.as_f64().map_or_else(|| format::value(value), format::seconds)
}
