//! The answer for people.

use embedtune_eval::{DataFacts, JsonReport, LearningPoint};

use super::answer::{Answer, System};
use crate::{
    output,
    progress::{duration, thousands},
    report,
};

/// Columns of the text.
const WIDTH: usize = 80;

/// The answer as text: the verdict first, then what it rests on.
pub(super) fn text(answer: &Answer) -> String {
    let mut text = wrap(&answer.advice.summary, "", "");
    text.push('\n');
    for reason in &answer.advice.reasons {
        text.push_str(&wrap(reason, "- ", "  "));
    }
    text.push('\n');
    text.push_str(&systems(&answer.systems));
    if let Some(curve) = learning(answer) {
        text.push('\n');
        text.push_str(&curve);
    }
    text.push('\n');
    text.push_str(&wrap(&full_run(answer), "", ""));
    let warnings = answer.full_run.warnings().map(|it| wrap(&it, "warning: ", "  "));
    let notes = answer.notes.iter().map(|it| wrap(it, "note: ", "  "));
    text.extend(warnings.chain(notes));
    text
}

fn systems(systems: &[System]) -> String {
    let mut rows = vec![vec!["95 % intervals".to_owned()]];
    if let Some(first) = systems.first() {
        rows[0].extend(first.intervals.iter().map(|it| it.measure.to_string()));
    }
    for system in systems {
        let cells = system.intervals.iter().map(|it| value(it.mean, it.interval));
        rows.push([system.name.clone()].into_iter().chain(cells).collect());
    }
    output::table(&rows)
}

fn learning(answer: &Answer) -> Option<String> {
    let curve = answer.learning_curve.as_ref()?;
    let row = |point: &LearningPoint, what: &str| {
        vec![
            format!("{} pairs", thousands(point.pairs)),
            value(point.value, point.interval),
            what.to_owned(),
        ]
    };
    let mut rows = vec![vec!["training".to_owned(), curve.measure.to_string(), String::new()]];
    for point in &curve.points {
        rows.push(row(point, if point.pairs == 0 { "base model" } else { "short run" }));
    }
    rows.extend(curve.predicted.iter().map(|point| row(point, "predicted")));
    Some(output::table(&rows))
}

fn value(mean: f64, interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => format!("{mean:.3} ({low:.3}-{high:.3})"),
        // In line with the others.
        None => format!("{mean:.3}{}", " ".repeat(14)),
    }
}

fn full_run(answer: &Answer) -> String {
    let run = &answer.full_run;
    format!(
        "A full run on {} pairs takes {} steps: {} {} and {:.1} GB of memory on this machine.",
        thousands(run.pairs),
        thousands(run.steps as usize),
        if run.measured { "about" } else { "roughly" },
        duration(run.seconds),
        run.memory_mb / 1024.0
    )
}

/// `text` in lines of at most [`WIDTH`] columns; a longer word has a line of its own.
fn wrap(text: &str, first: &str, rest: &str) -> String {
    let mut lines = first.to_owned();
    let mut width = first.chars().count();
    let mut empty = true;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !empty && width + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(rest);
            (width, empty) = (rest.chars().count(), true);
        }
        if !empty {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
        empty = false;
    }
    lines + "\n"
}

/// The same as a report.
pub(super) fn report(answer: &Answer) -> JsonReport {
    let name = report::short(&answer.model);
    let title = format!("Should {name} be fine-tuned on {}?", answer.data);
    let mut report = report::begin(title, "advise");
    report.ran.insert("model", answer.model.as_str());
    report.ran.insert("minutes asked for", answer.extent.minutes);
    let run = &answer.full_run;
    report.ran.insert("full run, steps", run.steps);
    report.ran.insert("full run, seconds", run.seconds.round());
    report.ran.insert("full run, memory, MiB", run.memory_mb.round());
    let mut scores = answer.systems.iter().map(|system| system.scores.clone());
    (report.bm25, report.base) = (scores.next(), scores.next());
    report.advice = Some(answer.advice.clone());
    for system in &answer.systems {
        if let Some(advice) = &mut report.advice {
            advice.reasons.push(intervals(system));
        }
    }
    report.learning_curve = answer.learning_curve.clone();
    report.data = Some(data(answer));
    report.lengths = run.preflight.lengths.clone();
    report.seconds = answer.seconds.clone();
    report.reproduce = vec![report::command_line()];
    report
}

/// The figures of a system with their intervals, in a sentence.
fn intervals(system: &System) -> String {
    let cells = system
        .intervals
        .iter()
        .map(|it| format!("{} {}", it.measure, value(it.mean, it.interval).trim_end()));
    let cells: Vec<String> = cells.collect();
    format!("95 % intervals of {}: {}.", system.name, cells.join(", "))
}

fn data(answer: &Answer) -> DataFacts {
    let mut data = report::data_facts(&answer.full_run.preflight, &answer.notes);
    data.test_queries = answer.extent.test_queries;
    data.dev_queries = answer.extent.held_out_queries;
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_no_word_is_lost() {
        let text = "word ".repeat(60) + &"x".repeat(100) + " end";
        let wrapped = wrap(&text, "- ", "  ");
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH || line.contains("xx")));
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("  ")));
        let words: Vec<&str> = wrapped.split_whitespace().skip(1).collect();
        assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(wrap("short", "note: ", "  "), "note: short\n");
    }

    #[test]
    fn values_stand_below_each_other() {
        let widths = [value(0.5, None), value(0.5, Some([0.4, 0.6]))].map(|it| it.len());
        assert_eq!(widths[0], widths[1]);
    }
}
