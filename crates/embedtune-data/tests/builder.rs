//! Rows from judgements: which documents may be negatives, and which never.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashMap};

use embedtune_data::{
    Corpus, DataError, Dataset, DatasetBuilder, DatasetKind, Document, NegativeMix, Queries,
};
use embedtune_metrics::Qrels;
use proptest::prelude::*;

struct Set {
    corpus: Corpus,
    queries: Queries,
    train: Qrels,
}

/// `documents` documents, of which the last two share a text, and the given (query, document,
/// grade).
fn set(documents: usize, judgements: &[(usize, usize, i32)]) -> Set {
    let mut set = Set { corpus: Corpus::new(), queries: Queries::new(), train: Qrels::new() };
    for number in 0..documents {
        let text = format!("document {}", number.min(documents - 2));
        set.corpus.push(Document { id: format!("d{number}"), text, ..Document::default() });
    }
    for &(query, document, grade) in judgements {
        set.queries.push(format!("q{query}"), format!("query {query}"));
        // The first grade of a pair counts.
        let _ = set.train.insert(&format!("q{query}"), &format!("d{document}"), grade);
    }
    set
}

impl Set {
    fn builder(&self) -> DatasetBuilder<'_> {
        DatasetBuilder::new(&self.corpus, &self.queries, &self.train)
    }
}

fn texts(dataset: &Dataset) -> Vec<(String, String, Vec<String>)> {
    let text = |id| dataset.texts.text(id).to_owned();
    dataset
        .rows
        .iter()
        .map(|row| {
            let negatives = row.negatives.iter().map(|&id| text(id)).collect();
            (text(row.anchor), text(row.positive), negatives)
        })
        .collect()
}

#[test]
fn each_positive_judgement_is_a_row() {
    let set = set(6, &[(1, 0, 1), (1, 1, 2), (1, 2, 0), (2, 3, 1), (3, 2, -1)]);
    let (dataset, report) = set.builder().build("pairs").unwrap();
    let expected =
        [("query 1", "document 0"), ("query 1", "document 1"), ("query 2", "document 3")];
    let rows = texts(&dataset);
    let pairs: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1.as_str())).collect();
    assert_eq!(pairs, expected);
    assert_eq!((report.rows, report.short, dataset.kind()), (3, 0, DatasetKind::Pairs));
    assert_eq!(dataset.name, "pairs");
}

#[test]
fn negatives_come_in_the_order_of_the_mix() {
    let set = set(20, &[(1, 0, 1), (1, 5, 0), (1, 6, -1), (1, 1, 1)]);
    let mined =
        HashMap::from([("q1".to_owned(), ["d1", "d7", "d8", "d9"].map(str::to_owned).to_vec())]);
    let mix = NegativeMix::default().with_judged(2).with_mined(2).with_random(1);
    let builder = set.builder().with_mix(mix).with_mined(&mined);
    let (dataset, report) = builder.build("tuples").unwrap();
    for (_, positive, negatives) in texts(&dataset) {
        assert!(["document 0", "document 1"].contains(&positive.as_str()));
        // One judged where two are wanted; the mined positive is passed over.
        assert_eq!(negatives[..3], ["document 5", "document 7", "document 8"]);
        assert_eq!(negatives.len(), 4);
    }
    assert_eq!((report.judged, report.mined, report.random, report.short), (2, 4, 2, 2));
}

#[test]
fn a_repeated_document_is_as_relevant_as_the_first() {
    // d2 and d3 have the same text; only d2 is judged.
    let set = set(4, &[(1, 2, 1)]);
    let mix = NegativeMix::default().with_random(5);
    let (dataset, report) = set.builder().with_mix(mix).build("small").unwrap();
    let negatives: BTreeSet<String> = texts(&dataset)[0].2.iter().cloned().collect();
    assert_eq!(negatives, ["document 0", "document 1"].map(str::to_owned).into());
    assert_eq!((report.random, report.short), (2, 3));
}

#[test]
fn equal_rows_are_counted_and_left_out_on_request() {
    let set = set(4, &[(1, 2, 1), (1, 3, 1)]);
    let (dataset, report) = set.builder().build("small").unwrap();
    assert_eq!((dataset.len(), report.repeated), (2, 1));
    let (dataset, report) = set.builder().with_skip_repeated(true).build("small").unwrap();
    assert_eq!((dataset.len(), report.rows, report.repeated), (1, 1, 1));
}

#[test]
fn lower_grades_make_no_row_and_no_negative() {
    let set = set(4, &[(1, 0, 2), (1, 1, 1)]);
    let mix = NegativeMix::default().with_random(3);
    let builder = set.builder().with_mix(mix).with_relevant_from(2);
    let (dataset, _) = builder.build("graded").unwrap();
    let rows = texts(&dataset);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].1.as_str(), &rows[0].2[..]),
        ("document 0", &["document 2".to_owned()][..])
    );
}

#[test]
fn what_cannot_be_built_is_told() {
    let set = set(4, &[(1, 0, 0)]);
    let message = |error: DataError| error.to_string();
    assert_eq!(
        message(set.builder().build("zeros").unwrap_err()),
        "zeros: no document has a grade of 1 or more, so there is no row"
    );
    assert_eq!(
        message(set.builder().with_relevant_from(0).build("zeros").unwrap_err()),
        "relevant_from = 0: expected a grade of at least 1"
    );
    let mined = HashMap::from([("q1".to_owned(), vec!["d77".to_owned()])]);
    assert_eq!(
        message(set.builder().with_mined(&mined).build("mined").unwrap_err()),
        "mined negatives: document `d77` is unknown; they belong to other data"
    );
    let mined = HashMap::from([("q77".to_owned(), Vec::new())]);
    assert_eq!(
        message(set.builder().with_mined(&mined).build("mined").unwrap_err()),
        "mined negatives: query `q77` is unknown; they belong to other data"
    );
}

proptest! {
    #[test]
    fn no_negative_is_a_positive(
        judgements in proptest::collection::vec((0usize..6, 0usize..12, 0i32..3), 1..40),
        seed: u64,
        random in 0usize..14,
    ) {
        let set = set(12, &judgements);
        prop_assume!(set.train.has_relevant());
        let mix = NegativeMix::default().with_judged(2).with_random(random);
        let build = || set.builder().with_mix(mix).with_seed(seed).build("random").unwrap();
        let (dataset, report) = build();
        prop_assert_eq!(texts(&dataset), texts(&build().0));
        for row in &dataset.rows {
            let distinct: BTreeSet<u32> = row.texts().collect();
            prop_assert_eq!(distinct.len(), row.texts().count());
            for &negative in &row.negatives {
                prop_assert!(!dataset.is_known_positive(row.anchor, negative));
            }
        }
        let negatives: usize = dataset.rows.iter().map(|row| row.negatives.len()).sum();
        prop_assert_eq!(negatives, report.judged + report.random);
        prop_assert_eq!(negatives + report.short, dataset.len() * (2 + random));
    }
}
