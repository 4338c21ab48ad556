//! Pre-flight facts.
#![allow(clippy::unwrap_used)]

use embedtune_data::{
    BeirData, CheckReport, Corpus, Dataset, Document, FindingKind, LengthStats, Queries, Role,
    Severity, Split, SplitTexts, TextRow,
};
use embedtune_metrics::Qrels;

fn row(anchor: &str, positive: &str, negatives: &[&str], label: Option<f32>) -> TextRow {
    TextRow {
        anchor: anchor.to_owned(),
        positive: positive.to_owned(),
        negatives: negatives.iter().map(|&text| text.to_owned()).collect(),
        label,
    }
}

fn dataset(name: &str, rows: &[TextRow]) -> Dataset {
    let mut dataset = Dataset::new(name);
    for row in rows {
        dataset.push_text(row);
    }
    dataset
}

fn facts(report: &CheckReport) -> Vec<(FindingKind, usize)> {
    report.findings.iter().map(|finding| (finding.what, finding.count)).collect()
}

#[test]
fn clean_rows_have_nothing_to_find() {
    let rows = [row("q1", "d1", &["d2"], None), row("q2", "d22", &["d1"], None)];
    let report = CheckReport::of_dataset(&dataset("clean", &rows));
    assert_eq!(facts(&report), []);
    assert_eq!((report.rows, report.queries, report.documents), (2, 2, 3));
    assert_eq!((report.document_chars.max, report.worst()), (3, None));
}

#[test]
fn every_fault_of_rows_is_found() {
    let rows = [
        row("q1", "d1", &["d2"], None),
        row("q1", "d1", &["d2"], None),
        row("q1", "d2", &[], None),
        row("same", "same", &[], None),
    ];
    let report = CheckReport::of_dataset(&dataset("faulty", &rows));
    let expected = [
        (FindingKind::AnchorIsPositive, 1),
        (FindingKind::NegativeIsPositive, 2),
        (FindingKind::DuplicateRows, 1),
    ];
    assert_eq!(facts(&report), expected);
    assert_eq!(report.worst(), Some(Severity::Warning));
    assert_eq!(
        report.findings[1].to_string(),
        "2 negatives known to be relevant to their anchor, for example \"q1 / d2\"; \
         remove these negatives: they push answers away"
    );
}

#[test]
fn labels_that_contradict_are_found() {
    let rows = [
        row("a", "b", &[], Some(1.0)),
        row("a", "b", &[], Some(0.0)),
        row("c", "d", &[], Some(0.0)),
        row("c", "d", &[], Some(0.0)),
        row("e", "e", &[], Some(0.0)),
    ];
    let report = CheckReport::of_dataset(&dataset("labels", &rows));
    let found = facts(&report);
    assert!(found.contains(&(FindingKind::ContradictoryLabels, 1)), "{found:?}");
    assert!(found.contains(&(FindingKind::DuplicateRows, 1)), "{found:?}");
    assert!(found.iter().all(|(what, _)| *what != FindingKind::AnchorIsPositive), "{found:?}");
}

#[test]
fn a_text_that_keeps_batches_small_is_found() {
    let rows: Vec<TextRow> = (0..320)
        .map(|number| {
            let positive = if number < 11 { "hot".to_owned() } else { format!("d{number}") };
            row(&format!("q{number}"), &positive, &[], None)
        })
        .collect();
    let report = CheckReport::of_dataset(&dataset("hot", &rows));
    assert_eq!(facts(&report), [(FindingKind::FrequentTexts, 1)]);
    assert_eq!(report.findings[0].examples, ["11 of 320 rows: hot"]);
    let report = CheckReport::of_dataset(&dataset("warm", &rows[1..]));
    assert_eq!(facts(&report), []);
}

#[test]
fn no_rows_is_an_error() {
    let report = CheckReport::of_dataset(&Dataset::new("empty"));
    assert_eq!(report.worst(), Some(Severity::Error));
    assert_eq!(
        report.findings[0].to_string(),
        "1 no training row, for example \"empty\"; check the file and the split"
    );
}

#[test]
fn overlap_goes_by_text() {
    let train = dataset("train", &[row("q1", "d1", &[], None), row("q2", "d2", &["d3"], None)]);
    let test = dataset("test", &[row("q2", "d1", &[], None), row("q3", "d3", &[], None)]);
    let mut report = CheckReport::of_dataset(&train);
    report.add_overlap(&SplitTexts::of_dataset(&train), &SplitTexts::of_dataset(&test));
    assert_eq!(facts(&report), [(FindingKind::QueryOverlap, 1), (FindingKind::DocumentOverlap, 1)]);
    assert_eq!(report.findings[0].examples, ["test: q2"]);
}

#[test]
fn truncation_is_a_warning_from_a_tenth_on() {
    let mut report = CheckReport::default();
    report.add_truncation(Role::Query, &[1, 2, 3], 4);
    let mut lengths = vec![10; 19];
    lengths.push(300);
    report.add_truncation(Role::Document, &lengths, 256);
    assert_eq!(report.worst(), Some(Severity::Info));
    assert_eq!(report.findings[0].examples, ["longest: 300 tokens, read: 256"]);
    report.add_truncation(Role::Document, &lengths, 8);
    assert_eq!(report.worst(), Some(Severity::Warning));
    let rates: Vec<f64> = report.truncation.iter().map(|it| it.rate).collect();
    assert_eq!(rates, [0.0, 0.05, 1.0]);
}

#[test]
fn lengths_are_nearest_ranks() {
    let stats = LengthStats::of(1..=100);
    assert_eq!((stats.texts, stats.median, stats.p95, stats.max), (100, 50, 95, 100));
    assert_eq!(stats.mean, 50.5);
    let one = LengthStats::of([7]);
    assert_eq!((one.median, one.p95, one.max), (7, 7, 7));
    assert_eq!(LengthStats::of([]), LengthStats::default());
}

#[test]
fn a_retrieval_set_is_checked_across_its_splits() {
    let (mut corpus, mut queries) = (Corpus::new(), Queries::new());
    for (id, text) in [("d1", "same"), ("d2", "same"), ("d3", "other")] {
        corpus.push(Document { id: id.to_owned(), text: text.to_owned(), ..Document::default() });
    }
    for (id, text) in [("q1", "first"), ("q2", "first"), ("q3", "third")] {
        queries.push(id, text);
    }
    let qrels = |judgements: &[(&str, &str, i32)]| {
        let mut qrels = Qrels::new();
        for (query, document, grade) in judgements {
            qrels.insert(query, document, *grade).unwrap();
        }
        qrels
    };
    let mut data = BeirData::new("set", corpus, queries);
    data.insert(Split::Train, qrels(&[("q1", "d1", 1)]));
    data.insert(Split::Test, qrels(&[("q2", "d2", 1), ("q3", "d3", 0)]));
    let report = CheckReport::of_beir(&data);
    let expected = [
        (FindingKind::QueriesWithoutRelevant, 1),
        (FindingKind::QueryOverlap, 1),
        (FindingKind::DuplicateDocuments, 1),
        (FindingKind::DuplicateQueries, 1),
        (FindingKind::DocumentOverlap, 1),
    ];
    assert_eq!(facts(&report), expected);
    assert_eq!((report.rows, report.queries, report.documents), (3, 3, 3));
}

#[test]
fn reports_are_json() {
    let report = CheckReport::of_dataset(&dataset("a", &[row("x", "x", &[], None)]));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][0]["what"], "anchor_is_positive");
    assert_eq!(json["findings"][0]["severity"], "warning");
    assert_eq!(serde_json::from_value::<CheckReport>(json).unwrap(), report);
}
