//! Which queries gained and which lost, and what they found before and after.

use super::{format, markup::Markup, section, waterfall};
use crate::{DocumentExcerpt, ModelComparison, QueryChange, RelevantRank};

/// Relevant documents listed per query.
const MAX_RELEVANT: usize = 3;
/// Characters of a document that are shown; the rest appears when it is pointed at.
const SHOWN_CHARS: usize = 220;
/// Longest text, in bytes, that appears as a whole when it is pointed at.
const MAX_TITLE: usize = 2_000;

pub(super) fn draw(m: &mut Markup, comparison: &ModelComparison) {
    if comparison.gains.is_empty() {
        return;
    }
    section(m, "queries", "Queries", |m| {
        waterfall::draw(m, &comparison.gains, &format::measure_label(comparison.headline));
        list(m, "Gained most", "won", &comparison.winners);
        list(m, "Lost most", "lost", &comparison.losers);
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
                m.element("li", &[], |m| {
                    m.element("details", &[], |m| item(m, change));
                });
            }
        });
    });
}

fn item(m: &mut Markup, change: &QueryChange) {
    m.element("summary", &[], |m| {
        m.leaf("span", &[("class", "gain")], &format::signed(change.gain, 3));
        text(m, "query", &change.query);
        m.element("span", &[("class", "moved")], |m| {
            m.text(&format!("{:.3} → {:.3}", change.base, change.tuned));
            if let Some(best) = change.relevant.first() {
                m.leaf("span", &[], &ranks(best));
            }
        });
    });
    m.element("div", &[("class", "pair")], |m| {
        results(m, "Before", &change.base_top);
        results(m, "After", &change.tuned_top);
    });
    wanted(m, change);
}

/// The first documents of one side.
fn results(m: &mut Markup, title: &str, documents: &[DocumentExcerpt]) {
    m.element("div", &[], |m| {
        m.leaf("h4", &[], title);
        if documents.is_empty() {
            m.leaf("p", &[("class", "note")], "Nothing was retrieved.");
            return;
        }
        m.element("ol", &[], |m| {
            for document in documents {
                let class = if document.relevant { "relevant" } else { "other" };
                m.element("li", &[("class", class)], |m| {
                    if document.relevant {
                        m.leaf("strong", &[], "relevant");
                    }
                    text(m, "text", &document.text);
                    m.leaf("span", &[("class", "id"), ("dir", "auto")], &document.id);
                });
            }
        });
    });
}

/// A text, cut if it is long; then the whole shows when it is pointed at, unless it is a book.
fn text(m: &mut Markup, class: &str, whole: &str) {
    let attributes = [("class", class), ("dir", "auto"), ("title", whole)];
    match format::cut(whole, SHOWN_CHARS) {
        Some(cut) if whole.len() <= MAX_TITLE => m.leaf("span", &attributes, &cut),
        Some(cut) => m.leaf("span", &attributes[..2], &cut),
        None => m.leaf("span", &attributes[..2], whole),
    }
}

/// The relevant documents that neither list shows.
fn wanted(m: &mut Markup, change: &QueryChange) {
    let shown = |it: &&RelevantRank| {
        let id = &it.document.id;
        !change.base_top.iter().chain(&change.tuned_top).any(|document| document.id == *id)
    };
    let hidden: Vec<&RelevantRank> = change.relevant.iter().filter(shown).collect();
    m.element("ul", &[("class", "wanted")], |m| {
        for it in hidden.iter().take(MAX_RELEVANT) {
            m.element("li", &[], |m| {
                m.leaf("strong", &[], &format!("relevant, {}", ranks(it)));
                text(m, "text", &it.document.text);
                m.leaf("span", &[("class", "id"), ("dir", "auto")], &it.document.id);
            });
        }
        if hidden.len() > MAX_RELEVANT {
            m.leaf("li", &[], &format!("and {} more relevant", hidden.len() - MAX_RELEVANT));
        }
        m.element("li", &[("class", "id")], |m| {
            m.text("query ");
            m.leaf("span", &[("dir", "auto")], &change.query_id);
        });
    });
}

fn ranks(relevant: &RelevantRank) -> String {
    match (relevant.base_rank, relevant.tuned_rank) {
        (Some(before), Some(after)) => format!("rank {before} → {after}"),
        (Some(before), None) => format!("rank {before} → not found"),
        (None, Some(after)) => format!("not found → rank {after}"),
        (None, None) => "not found".to_owned(),
    }
}
