//! Splits: nothing is lost, nothing leaks, nothing moves.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use embedtune_data::{
    Corpus, Dataset, Document, Example, Queries, Split, SplitBy, SplitConfig, SplitDataset,
    split_dataset, split_dataset_by_key, split_qrels,
};
use embedtune_metrics::Qrels;
use proptest::prelude::*;

type TextPair = (String, String);

fn dataset(pairs: &[(u32, u32)]) -> Dataset {
    let mut dataset = Dataset::new("pairs");
    for (query, document) in pairs {
        let anchor = dataset.texts.intern(&format!("query {query}"));
        let positive = dataset.texts.intern(&format!("document {document}"));
        let negative = dataset.texts.intern("the same everywhere");
        dataset.push(Example { negatives: vec![negative], ..Example::pair(anchor, positive) });
    }
    dataset
}

fn pairs(dataset: &Dataset) -> Vec<TextPair> {
    let text = |id| dataset.texts.text(id).to_owned();
    dataset.rows.iter().map(|row| (text(row.anchor), text(row.positive))).collect()
}

fn parts(split: &SplitDataset) -> [&Dataset; 3] {
    [&split.train, &split.dev, &split.test]
}

/// The slow twin of the groups: spread labels until nothing changes.
fn components(pairs: &[(u32, u32)]) -> Vec<usize> {
    let mut label: Vec<usize> = (0..pairs.len()).collect();
    loop {
        let before = label.clone();
        for (i, a) in pairs.iter().enumerate() {
            for (j, b) in pairs.iter().enumerate() {
                if a.0 == b.0 || a.1 == b.1 {
                    label[i] = label[i].min(label[j]);
                }
            }
        }
        if label == before {
            return label;
        }
    }
}

proptest! {
    #[test]
    fn rows_are_kept_and_their_company_too(
        pairs_in in proptest::collection::vec((0u32..40, 0u32..40), 1..60), seed: u64, group: bool
    ) {
        let by = if group { SplitBy::Group } else { SplitBy::Query };
        let data = dataset(&pairs_in);
        let config =
            SplitConfig::default().with_dev(0.3).with_test(0.3).with_by(by).with_seed(seed);
        let split = split_dataset(&data, &config).unwrap();
        let mut all: Vec<TextPair> = parts(&split).into_iter().flat_map(pairs).collect();
        let mut expected = pairs(&data);
        all.sort();
        expected.sort();
        prop_assert_eq!(all, expected);

        let mut part_of: BTreeMap<TextPair, usize> = BTreeMap::new();
        for (part, rows) in parts(&split).into_iter().enumerate() {
            part_of.extend(pairs(rows).into_iter().map(|pair| (pair, part)));
        }
        let named = pairs(&data);
        let company = if group {
            components(&pairs_in)
        } else {
            pairs_in.iter().map(|pair| pair.0 as usize).collect()
        };
        for (i, a) in named.iter().enumerate() {
            for (j, b) in named.iter().enumerate() {
                if company[i] == company[j] {
                    prop_assert_eq!(part_of[a], part_of[b]);
                }
            }
        }
    }

    #[test]
    fn more_rows_move_no_query(
        few in proptest::collection::vec((0u32..50, 0u32..50), 1..40),
        more in proptest::collection::vec((50u32..90, 0u32..50), 1..40),
    ) {
        let config = SplitConfig::default().with_by(SplitBy::Query);
        let test = |pairs_in: &[(u32, u32)]| -> BTreeSet<TextPair> {
            pairs(&split_dataset(&dataset(pairs_in), &config).unwrap().test).into_iter().collect()
        };
        let all: Vec<_> = few.iter().chain(&more).copied().collect();
        prop_assert!(test(&few).is_subset(&test(&all)));
    }
}

#[test]
fn fractions_are_met() {
    let data = dataset(&(0..3000).map(|row| (row, row)).collect::<Vec<_>>());
    for by in [SplitBy::Query, SplitBy::Group] {
        let split = split_dataset(&data, &SplitConfig::default().with_by(by)).unwrap();
        assert!((2000..2200).contains(&split.train.len()), "{}", split.train.len());
        assert!((250..350).contains(&split.dev.len()), "{}", split.dev.len());
        assert!((530..670).contains(&split.test.len()), "{}", split.test.len());
    }
}

#[test]
fn a_group_too_large_for_dev_or_test_is_trained_on() {
    // One group of 60 in 100 rows, whatever the seed.
    let rows: Vec<(u32, u32)> = (0..100).map(|row| (row, if row < 60 { 0 } else { row })).collect();
    for seed in 0..20 {
        let split =
            split_dataset(&dataset(&rows), &SplitConfig::default().with_seed(seed)).unwrap();
        assert!(split.train.len() >= 60);
    }
}

#[test]
fn keys_decide_where_there_are_some() {
    let data = dataset(&[(0, 0), (1, 1), (2, 2), (3, 3)]);
    let config = SplitConfig::default().with_dev(0.3).with_test(0.4);
    let keys = ["serde", "regex", "serde", "rayon"];
    let split = split_dataset_by_key(&data, &keys, &config).unwrap();
    for (part, rows) in [Split::Train, Split::Dev, Split::Test].into_iter().zip(parts(&split)) {
        let expected = keys.iter().filter(|key| config.of_key(key) == part).count();
        assert_eq!(rows.len(), expected);
    }
    let error = split_dataset_by_key(&data, &keys[1..], &config).unwrap_err();
    assert_eq!(error.to_string(), "number of keys = 3: expected one key for each row");
}

#[test]
fn known_positives_go_along() {
    let mut data = dataset(&[(0, 0), (1, 1)]);
    let [anchor, other] = ["query 0", "document 1"].map(|text| data.texts.find(text).unwrap());
    data.add_known_positive(anchor, other);
    let subset = data.subset("one", &[0]);
    let [anchor, own, other] =
        ["query 0", "document 0", "document 1"].map(|text| subset.texts.find(text).unwrap());
    assert_eq!(subset.known_positives(anchor).collect::<Vec<_>>(), [own, other]);
    assert_eq!(subset.texts.find("query 1"), None);
}

#[test]
fn judgements_are_split_without_leaks() {
    let (mut corpus, mut queries, mut qrels) = (Corpus::new(), Queries::new(), Qrels::new());
    for number in 0..400 {
        // Every fourth document repeats the text of the one before under another id.
        let text = format!("document {}", if number % 4 == 3 { number - 1 } else { number });
        corpus.push(Document { id: format!("d{number}"), text, ..Document::default() });
        queries.push(format!("q{number}"), format!("query {number}"));
        qrels.insert(&format!("q{number}"), &format!("d{number}"), 1).unwrap();
        qrels.insert(&format!("q{number}"), &format!("d{}", number / 2), 0).unwrap_or(());
    }
    let config = SplitConfig::default();
    let parts = split_qrels(&corpus, &queries, &qrels, &config).unwrap();
    let names: Vec<Split> = parts.iter().map(|(split, _)| *split).collect();
    assert_eq!(names, [Split::Train, Split::Dev, Split::Test]);
    assert_eq!(parts.iter().map(|(_, part)| part.len()).sum::<usize>(), 400);
    let texts = |part: &Qrels| -> BTreeSet<&str> {
        let relevant = part.query_ids().flat_map(|query| part.relevant(query));
        relevant.map(|id| corpus.texts()[corpus.find(id).unwrap() as usize].as_str()).collect()
    };
    let [train, dev, test] = [0, 1, 2].map(|part| texts(&parts[part].1));
    assert!(train.is_disjoint(&dev) && train.is_disjoint(&test) && dev.is_disjoint(&test));

    qrels.insert("q0", "d999", 1).unwrap();
    let error = split_qrels(&corpus, &queries, &qrels, &config).unwrap_err();
    let expected = "relevance judgements: document `d999` is unknown; they belong to other data";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn impossible_fractions_are_refused() {
    let data = dataset(&[(0, 0)]);
    let cases = [
        (SplitConfig::default().with_dev(-0.1), "dev = -0.1"),
        (SplitConfig::default().with_test(f64::NAN), "test = NaN"),
        (SplitConfig::default().with_dev(0.5).with_test(0.5), "dev + test = 1"),
    ];
    for (config, start) in cases {
        let error = split_dataset(&data, &config).unwrap_err().to_string();
        assert_eq!(error, format!("{start}: expected a fraction from 0 up to, but not, 1"));
    }
    assert_eq!("val".parse::<Split>().unwrap(), Split::Dev);
    assert_eq!(
        "holdout".parse::<Split>().unwrap_err().to_string(),
        "split = holdout: expected train, dev or test"
    );
}
