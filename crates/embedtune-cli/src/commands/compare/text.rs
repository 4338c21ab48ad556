//! The findings for people, in 80 columns.

use embedtune_eval::{
    DocumentExcerpt, ModelComparison, QueryChange, SliceComparison, ThresholdTransfer,
};
use embedtune_metrics::MeasureComparison;

use super::Findings;
use crate::{output, progress::thousands};

/// Columns of the text.
const WIDTH: usize = 80;
/// Documents of a query that are shown of each side.
const TOP: usize = 3;

/// All of it.
pub(super) fn of(findings: &Findings) -> String {
    let Findings { comparison, .. } = findings;
    let mut text = format!(
        "A  {} ({})\nB  {} ({})\n{}, {}: {} queries, {} documents\n\n",
        findings.a.name,
        findings.a.kind,
        findings.b.name,
        findings.b.kind,
        findings.data,
        findings.split,
        thousands(comparison.queries),
        thousands(comparison.documents),
    );
    let verdict = format!("{} {}", comparison.headline_sentence(), comparison.explanation());
    text.push_str(&wrapped(&verdict));
    section(&mut text, "Measures", &measures(comparison));
    section(&mut text, "Tests and sizes of the effect", &tests(comparison));
    section(&mut text, &margin_title(comparison), &margins(comparison));
    let by = format!("Slices by {}", comparison.headline);
    section(&mut text, &by, &slices(comparison));
    if let Some(general) = &comparison.general {
        section(&mut text, "General data", &wrapped(&general.sentence()));
    }
    section(&mut text, "Scores", &scores(findings));
    section(&mut text, "Gained most", &changes(&comparison.winners));
    section(&mut text, "Lost most", &changes(&comparison.losers));
    section(&mut text, "Notes", &findings.notes.iter().map(|it| wrapped(it)).collect::<String>());
    text
}

/// A part with its title; an empty one does not appear.
fn section(text: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        text.push_str(&format!("\n{title}\n{body}"));
    }
}

fn measures(comparison: &ModelComparison) -> String {
    let percent = (100.0 * comparison.confidence).round();
    let mut rows = vec![
        ["", "A", "B", "B-A", &format!("{percent} % interval"), "p", "p (Holm)"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for MeasureComparison { measure, comparison, p_holm, .. } in &comparison.measures {
        rows.push(vec![
            measure.to_string(),
            format!("{:.4}", comparison.base_mean),
            format!("{:.4}", comparison.tuned_mean),
            signed(comparison.difference, 4),
            interval(comparison.interval, 4),
            p(comparison.p_permutation),
            p(*p_holm),
        ]);
    }
    output::table(&rows)
}

fn tests(comparison: &ModelComparison) -> String {
    let header = ["", "p t", "p Wilc.", "d_z", "g", "rank r", "won/same/lost", "detect."];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for MeasureComparison { measure, comparison, .. } in &comparison.measures {
        rows.push(vec![
            measure.to_string(),
            p(comparison.p_t_test),
            p(comparison.p_wilcoxon),
            size(comparison.effects.cohens_d_z),
            size(comparison.effects.hedges_g_av),
            size(comparison.effects.rank_biserial),
            format!("{}/{}/{}", comparison.wins, comparison.ties, comparison.losses),
            format!("{:.4}", comparison.minimum_detectable_effect),
        ]);
    }
    output::table(&rows)
}

fn margin_title(comparison: &ModelComparison) -> String {
    let margin = comparison.margins.first().map_or(0.0, |it| it.equivalence.margin);
    format!("Against a margin of {margin}")
}

fn margins(comparison: &ModelComparison) -> String {
    if comparison.margins.is_empty() {
        return String::new();
    }
    let header = ["", "90 % interval", "p not worse", "p same", "shown"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for it in &comparison.margins {
        rows.push(vec![
            it.measure.to_string(),
            interval(it.equivalence.interval_90, 4),
            p(it.non_inferiority.p),
            p(it.equivalence.p),
            it.finding(comparison.alpha).to_owned(),
        ]);
    }
    output::table(&rows)
}

fn slices(comparison: &ModelComparison) -> String {
    if comparison.slices.is_empty() {
        return String::new();
    }
    let header = ["", "n", "A", "B", "B-A", "interval", "p (Holm)"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for slice in &comparison.slices {
        let mark = if slice.small { "*" } else { "" };
        // What the other columns leave.
        let mut row = vec![cut(&format!("{}{mark}", slice.label), 27), slice.queries.to_string()];
        if let Some(it) = &slice.comparison {
            row.extend([
                format!("{:.3}", it.base_mean),
                format!("{:.3}", it.tuned_mean),
                signed(it.difference, 3),
                interval(it.interval, 3),
                p(slice.p_holm.unwrap_or(1.0)),
            ]);
        }
        rows.push(row);
    }
    let small = comparison.slices.iter().any(|it| it.small);
    let warning = "* fewer than 30 queries: only a large difference would show\n";
    output::table(&rows) + if small { warning } else { "" }
}

/// One slice as a line of facts.
pub(super) fn slice_in_words(slice: &SliceComparison) -> String {
    let Some(it) = &slice.comparison else { return "one query".to_owned() };
    format!(
        "{} queries{}: {:.4} to {:.4}, {} ({}), p (Holm) {}",
        slice.queries,
        if slice.small { " (few)" } else { "" },
        it.base_mean,
        it.tuned_mean,
        signed(it.difference, 4),
        interval(it.interval, 4),
        p(slice.p_holm.unwrap_or(1.0)),
    )
}

/// Where the scores lie, and which threshold keeps the precision.
fn scores(findings: &Findings) -> String {
    let header = ["median score", "relevant", "other", "relevant, not found"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (letter, it) in ["A", "B"].iter().zip(&findings.scores) {
        let median = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("{it:.4}"));
        rows.push(vec![
            (*letter).to_owned(),
            median(it.relevant_median),
            median(it.other_median),
            it.missed.to_string(),
        ]);
    }
    let threshold = findings.comparison.threshold.as_ref().map(ThresholdTransfer::sentence);
    output::table(&rows) + &threshold.map_or_else(String::new, |it| wrapped(&it))
}

fn changes(changes: &[QueryChange]) -> String {
    changes.iter().map(change).collect::<Vec<_>>().join("\n")
}

/// A query, and the first documents of both sides beside each other.
fn change(change: &QueryChange) -> String {
    let head = format!("{:+.3}  {}  {}", change.gain, change.query_id, change.query);
    let mut text = cut(&head, WIDTH) + "\n";
    for place in 0..TOP.min(change.base_top.len().max(change.tuned_top.len())) {
        let half = WIDTH / 2 - 1;
        let left = document(place, change.base_top.get(place), half);
        let right = document(place, change.tuned_top.get(place), half);
        let padding = " ".repeat(half.saturating_sub(left.chars().count()));
        text.push_str(format!("{left}{padding}  {right}").trim_end());
        text.push('\n');
    }
    text
}

/// Relevant documents have a star.
fn document(place: usize, document: Option<&DocumentExcerpt>, width: usize) -> String {
    let Some(it) = document else { return String::new() };
    let mark = if it.relevant { '*' } else { ' ' };
    cut(&format!("  {} {mark} {}  {}", place + 1, it.id, it.text), width)
}

/// At most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// Lines of at most [`WIDTH`] characters, cut between words.
fn wrapped(text: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        let chars = word.chars().count();
        if length > 0 && length + 1 + chars > WIDTH {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += chars;
    }
    lines + "\n"
}

/// A size of an effect. One in the hundreds says that hardly anything varies.
fn size(effect: Option<f64>) -> String {
    match effect {
        None => "-".to_owned(),
        Some(it) if it.abs() >= 100.0 => if it > 0.0 { ">99" } else { "<-99" }.to_owned(),
        Some(it) => format!("{it:+.2}"),
    }
}

/// A p-value, with what three digits can say of a small one.
fn p(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// With its sign; what rounds to 0 has none.
fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    let is_zero = text.chars().all(|c| "+-0.".contains(c));
    if is_zero { text[1..].to_owned() } else { text }
}

fn interval(ends: [f64; 2], decimals: usize) -> String {
    ends.map(|end| signed(end, decimals)).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_within_the_width() {
        let text = "word ".repeat(40) + &"x".repeat(100);
        let lines = wrapped(&text);
        assert!(lines.lines().all(|line| line.len() <= WIDTH || line.len() == 100), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 41);
        assert_eq!(lines.lines().next().unwrap().len(), 79);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0.000_4, 0.0123].map(p), ["<0.001", "0.012"]);
        assert_eq!([-0.001, 0.5, -0.25].map(|it| signed(it, 2)), ["0.00", "+0.50", "-0.25"]);
        assert_eq!(interval([-0.1, 0.0], 3), "-0.100 0.000");
        assert_eq!([None, Some(-0.126), Some(4e15)].map(size), ["-", "-0.13", ">99"]);
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
