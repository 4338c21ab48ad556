//! Checks of training rows.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{CheckReport, Finding, FindingKind, Severity, char_stats};
use crate::{DEFAULT_BATCH_SIZE, Dataset, Example, TextId};

impl CheckReport {
    /// Checks training rows.
    pub fn of_dataset(dataset: &Dataset) -> Self {
        let text = |id: &TextId| dataset.texts.text(*id);
        let anchors: BTreeSet<TextId> = dataset.rows.iter().map(|row| row.anchor).collect();
        let documents: BTreeSet<TextId> =
            dataset.rows.iter().flat_map(|row| row.texts().skip(1)).collect();
        let mut report = Self {
            name: dataset.name.clone(),
            rows: dataset.len(),
            queries: anchors.len(),
            documents: documents.len(),
            query_chars: char_stats(anchors.iter().map(text)),
            document_chars: char_stats(documents.iter().map(text)),
            ..Self::default()
        };
        if dataset.is_empty() {
            report.add(Finding::new(Severity::Error, FindingKind::NoRows, 1, [&dataset.name]));
        }
        report.add(duplicate_rows(dataset));
        report.add(anchor_is_positive(dataset));
        report.add(negative_is_positive(dataset));
        report.add(contradictory_labels(dataset));
        report.add(frequent_texts(dataset));
        report
    }
}

/// A finding about rows, with their anchors as examples.
fn about_rows<'a>(
    dataset: &'a Dataset,
    severity: Severity,
    what: FindingKind,
    is_it: impl FnMut(&&'a Example) -> bool,
) -> Finding {
    let rows: Vec<&Example> = dataset.rows.iter().filter(is_it).collect();
    let examples = rows.iter().map(|row| dataset.texts.text(row.anchor));
    Finding::new(severity, what, rows.len(), examples)
}

fn duplicate_rows(dataset: &Dataset) -> Finding {
    let mut seen = HashSet::new();
    about_rows(dataset, Severity::Info, FindingKind::DuplicateRows, |row| {
        let label = row.label.map(f32::to_bits);
        !seen.insert((row.anchor, row.positive, row.negatives.as_slice(), label))
    })
}

fn anchor_is_positive(dataset: &Dataset) -> Finding {
    let relevant = |row: &Example| row.label.is_none_or(|label| label > 0.0);
    about_rows(dataset, Severity::Warning, FindingKind::AnchorIsPositive, |row| {
        row.anchor == row.positive && relevant(row)
    })
}

fn negative_is_positive(dataset: &Dataset) -> Finding {
    let pairs: Vec<(TextId, TextId)> = dataset
        .rows
        .iter()
        .flat_map(|row| row.negatives.iter().map(|&negative| (row.anchor, negative)))
        .filter(|&(anchor, negative)| dataset.is_known_positive(anchor, negative))
        .collect();
    let text = |id| dataset.texts.text(id);
    let examples = pairs.iter().map(|&(anchor, it)| format!("{} / {}", text(anchor), text(it)));
    Finding::new(Severity::Warning, FindingKind::NegativeIsPositive, pairs.len(), examples)
}

fn contradictory_labels(dataset: &Dataset) -> Finding {
    let mut first: HashMap<(TextId, TextId), f32> = HashMap::new();
    let mut contradicted = BTreeSet::new();
    for row in &dataset.rows {
        let Some(label) = row.label else { continue };
        let pair = (row.anchor, row.positive);
        if *first.entry(pair).or_insert(label) != label {
            contradicted.insert(pair);
        }
    }
    let examples = contradicted.iter().map(|&(anchor, _)| dataset.texts.text(anchor));
    let severity = Severity::Warning;
    Finding::new(severity, FindingKind::ContradictoryLabels, contradicted.len(), examples)
}

/// Texts that are in more rows than there are batches of the usual size. Where the rows make one
/// batch, that says nothing.
fn frequent_texts(dataset: &Dataset) -> Finding {
    let mut rows_of_text = vec![0usize; dataset.texts.len()];
    for row in &dataset.rows {
        for text in row.texts().collect::<BTreeSet<_>>() {
            rows_of_text[text as usize] += 1;
        }
    }
    let batches = dataset.len().div_ceil(DEFAULT_BATCH_SIZE);
    let mut frequent: Vec<(usize, TextId)> = (0..)
        .zip(&rows_of_text)
        .filter(|&(_, &rows)| batches > 1 && rows > batches)
        .map(|(text, &rows)| (rows, text))
        .collect();
    frequent.sort_unstable_by(|a, b| b.cmp(a));
    let examples = frequent
        .iter()
        .map(|&(rows, id)| format!("{rows} of {} rows: {}", dataset.len(), dataset.texts.text(id)));
    Finding::new(Severity::Info, FindingKind::FrequentTexts, frequent.len(), examples)
}
