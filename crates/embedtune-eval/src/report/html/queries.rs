//! Which queries gained and which lost.

use super::{format, histogram, markup::Markup, section};
use crate::{DocumentExcerpt, ModelComparison, QueryChange, RelevantRank};

/// Relevant documents listed per query.
const MAX_RELEVANT: usize = 3;

pub(super) fn draw(m: &mut Markup, comparison: &ModelComparison) {
    section(m, "queries", "Queries", |m| {
        let measure = format::measure_label(comparison.headline);
        let count = |test: fn(&f64) -> bool| {
            format::count(comparison.gains.iter().filter(|gain| test(gain)).count() as u64)
        };
        let sentence = format!(
            "Of {} queries, {} gained in {measure}, {} lost and {} stayed the same.",
            format::count(comparison.queries as u64),
            count(|&gain| gain > 0.0),
            count(|&gain| gain < 0.0),
            count(|&gain| gain == 0.0),
        );
        m.leaf("p", &[], &sentence);
        m.element("figure", &[("class", "wide")], |m| {
            histogram::draw(m, &comparison.gains, &measure);
        });
        m.element("div", &[("class", "columns")], |m| {
            list(m, "Gained most", "won", &comparison.winners);
            list(m, "Lost most", "lost", &comparison.losers);
        });
    });
}

fn list(m: &mut Markup, title: &str, class: &str, changes: &[QueryChange]) {
    m.element("div", &[("class", class)], |m| {
        m.leaf("h3", &[], title);
        if changes.is_empty() {
            m.leaf("p", &[("class", "note")], "None.");
            return;
        }
        m.element("ol", &[("class", "changes")], |m| {
            for change in changes {
                m.element("li", &[], |m| item(m, change));
            }
        });
    });
}

fn item(m: &mut Markup, change: &QueryChange) {
    m.leaf("p", &[("class", "query"), ("dir", "auto")], &change.query);
    m.element("p", &[("class", "moved")], |m| {
        m.leaf("span", &[("class", "gain")], &format::signed(change.gain, 3));
        let values = format!("{:.3} → {:.3}", change.base, change.tuned);
        m.leaf("span", &[], &values);
        m.leaf("span", &[("class", "id")], &change.query_id);
    });
    m.element("details", &[], |m| {
        m.leaf("summary", &[], &summary(change));
        m.element("dl", &[], |m| {
            for relevant in change.relevant.iter().take(MAX_RELEVANT) {
                let term = format!("Relevant, {}", ranks(relevant));
                document(m, &term, &relevant.document);
            }
            if change.relevant.len() > MAX_RELEVANT {
                let more = change.relevant.len() - MAX_RELEVANT;
                m.leaf("dt", &[], &format!("and {more} more relevant"));
            }
            for (term, top) in
                [("First before", &change.top_base), ("First after", &change.top_tuned)]
            {
                if let Some(top) = top {
                    let relevant = if top.relevant { ", relevant" } else { "" };
                    document(m, &format!("{term}{relevant}"), top);
                }
            }
        });
    });
}

fn summary(change: &QueryChange) -> String {
    change.relevant.first().map_or_else(
        || "Results".to_owned(),
        |best| format!("Best relevant document: {}", ranks(best)),
    )
}

fn ranks(relevant: &RelevantRank) -> String {
    let rank = |rank: Option<usize>| rank.map_or_else(|| "not found".to_owned(), |r| r.to_string());
    format!("rank {} → {}", rank(relevant.base_rank), rank(relevant.tuned_rank))
}

fn document(m: &mut Markup, term: &str, document: &DocumentExcerpt) {
    m.element("dt", &[], |m| {
        m.text(term);
        m.leaf("span", &[("class", "id")], &document.id);
    });
    m.leaf("dd", &[("dir", "auto")], &document.text);
}
