//! BEIR directories: round trips, the dev cut, and what each bad directory is told.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use embedtune_data::{
    BatchSampler, BeirData, BeirOptions, BeirWriter, CheckReport, Corpus, DatasetBuilder, Document,
    FindingKind, NegativeMix, NoDuplicatesSampler, Queries, Split, SplitOrigin, write_beir,
};
use embedtune_metrics::Qrels;
use proptest::prelude::*;

const CORPUS: &str = "{\"_id\": \"d1\", \"title\": \"T\", \"text\": \"one\"}\n\
                      {\"_id\": \"d2\", \"title\": \"\", \"text\": \"two\", \"metadata\": {}}\n\
                      {\"_id\": \"d3\", \"text\": \" three \"}\n\n";
const QUERIES: &str = "\u{feff}{\"_id\": \"q1\", \"text\": \"first\"}\r\n\
                       {\"_id\": \"q2\", \"text\": \"second\"}\n";
const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq2\td3\t2\n";

fn directory(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    fs::create_dir_all(path.join("qrels")).unwrap();
    for (name, content) in files {
        fs::write(path.join(name), content).unwrap();
    }
    (folder, path)
}

/// The good files, some of them replaced.
fn with(replaced: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let mut files: Vec<(&str, &[u8])> = vec![
        ("corpus.jsonl", CORPUS.as_bytes()),
        ("queries.jsonl", QUERIES.as_bytes()),
        ("qrels/test.tsv", QRELS.as_bytes()),
    ];
    files.extend(replaced);
    directory(&files)
}

fn message(path: &Path) -> String {
    let error = BeirData::open(path).unwrap_err().to_string();
    error.replace(&format!("{}/", path.display()), "").replace(&path.display().to_string(), "DIR")
}

#[test]
fn a_directory_is_read() {
    let (_folder, path) = with(&[("qrels/validation.tsv", QRELS.as_bytes())]);
    let data = BeirData::open(&path).unwrap();
    assert_eq!(data.name, "set");
    assert_eq!(data.corpus.ids(), ["d1", "d2", "d3"]);
    assert_eq!(data.corpus.texts(), ["T one", "two", "three"]);
    assert_eq!(data.queries.texts(), ["first", "second"]);
    assert_eq!(data.splits().collect::<Vec<_>>(), [Split::Dev, Split::Test]);
    assert_eq!(data.origin(Split::Dev), Some(SplitOrigin::File));
    assert_eq!(data.qrels(Split::Test).unwrap().judgements("q1").unwrap()["d2"], 0);
}

#[test]
fn bad_directories_are_told_where_and_what_to_do() {
    let layout =
        "a BEIR directory has corpus.jsonl, queries.jsonl and qrels/train.tsv or qrels/test.tsv";
    let test = |lines: &str| format!("query-id\tcorpus-id\tscore\n{lines}").into_bytes();
    let cases: &[(&str, &[u8], String)] = &[
        (
            "corpus.jsonl",
            b"{\"_id\": \"d1\", \"text\": \"x\"}\n{\"_id\": \"d2\", \"text\": \"x\n",
            "corpus.jsonl:2, column 24: malformed JSON: EOF while parsing a string; \
          every line must be one complete JSON object"
                .to_owned(),
        ),
        (
            "corpus.jsonl",
            b"{\"_id\": \"d1\", \"body\": \"x\"}\n",
            "corpus.jsonl:1: no field `text` (found: _id, body); add it or name another column"
                .to_owned(),
        ),
        (
            "corpus.jsonl",
            b"{\"_id\": 1, \"text\": \"x\"}\n",
            "corpus.jsonl:1: `_id` is a number, expected a string".to_owned(),
        ),
        (
            "corpus.jsonl",
            b"{\"_id\": \"d1\", \"title\": \" \", \"text\": \"\"}\n",
            "corpus.jsonl:1: `text` is empty; fill it in or remove the row".to_owned(),
        ),
        (
            "corpus.jsonl",
            b"\xff\n",
            "corpus.jsonl:1: not UTF-8; convert the file, for example `iconv -f LATIN1 -t UTF-8`"
                .to_owned(),
        ),
        ("corpus.jsonl", b"", "corpus.jsonl: no rows; is this the right file?".to_owned()),
        (
            "queries.jsonl",
            b"{\"_id\": \"q1\", \"text\": \"x\"}\n\n{\"_id\": \"q1\", \"text\": \"y\"}\n",
            "queries.jsonl:3: id `q1` was used before, on line 1; ids must be unique".to_owned(),
        ),
        (
            "queries.jsonl",
            b"{\"_id\": \"\", \"text\": \"x\"}\n",
            "queries.jsonl:1: `_id` is empty; fill it in or remove the row".to_owned(),
        ),
        (
            "queries.jsonl",
            b"{\"_id\": \"q1\", \"text\": \"\"}\n",
            "queries.jsonl:1: `text` is empty; fill it in or remove the row".to_owned(),
        ),
        (
            "qrels/test.tsv",
            &test("q1\td1\t1\n\nq9\td1\t1\n"),
            "qrels/test.tsv:4: query `q9` is not in queries.jsonl; \
          add it there or remove the judgement"
                .to_owned(),
        ),
        (
            "qrels/test.tsv",
            &test("q2\td1\t1\nq1\td9\t1\n"),
            "qrels/test.tsv:3: document `d9` is not in corpus.jsonl; \
          add it there or remove the judgement"
                .to_owned(),
        ),
        (
            "qrels/test.tsv",
            &test("q1\td1\t0\n"),
            "qrels/test.tsv: no relevant documents: every grade is 0 or below; \
          give at least one document a grade of 1 or more"
                .to_owned(),
        ),
    ];
    for (name, content, expected) in cases {
        let (_folder, path) = with(&[(name, content)]);
        assert_eq!(message(&path), *expected);
    }
    for missing in ["corpus.jsonl", "queries.jsonl"] {
        let (_folder, path) = with(&[]);
        fs::remove_file(path.join(missing)).unwrap();
        assert_eq!(message(&path), format!("{missing}: not found; {layout}"));
    }
    let (_folder, path) = with(&[]);
    fs::remove_file(path.join("qrels/test.tsv")).unwrap();
    assert_eq!(message(&path), format!("qrels: not found; {layout}"));
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(message(&path), format!("DIR: not found; {layout}"));
    let (_folder, path) = with(&[("qrels/test.tsv", &test("q1\td1\n"))]);
    assert!(message(&path).starts_with("qrels/test.tsv, line 2: expected"), "{}", message(&path));
}

/// A set of `queries` training queries, each with one document.
fn training_set(queries: usize) -> (Corpus, Queries, Qrels) {
    let (mut corpus, mut all, mut train) = (Corpus::new(), Queries::new(), Qrels::new());
    for number in 0..queries {
        let id = format!("d{number}");
        corpus.push(Document { text: format!("document {number}"), id, ..Document::default() });
        all.push(format!("q{number}"), format!("query {number}"));
        train.insert(&format!("q{number}"), &format!("d{number}"), 1).unwrap();
    }
    (corpus, all, train)
}

#[test]
fn dev_is_cut_from_train_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let open = |queries: usize| {
        let path = folder.path().join(queries.to_string());
        let (corpus, all, train) = training_set(queries);
        write_beir(&path, &corpus, &all, &[(Split::Train, &train)]).unwrap();
        BeirData::open(&path).unwrap()
    };
    let ids = |data: &BeirData| -> BTreeSet<String> {
        data.qrels(Split::Dev).unwrap().query_ids().map(str::to_owned).collect()
    };
    let (small, large) = (open(1000), open(2000));
    assert_eq!(large.origin(Split::Dev), Some(SplitOrigin::CutFromTrain { fraction: 0.1 }));
    assert_eq!(large.origin(Split::Train), Some(SplitOrigin::File));
    assert!((160..=240).contains(&ids(&large).len()), "{}", ids(&large).len());
    assert_eq!(ids(&large).len() + large.qrels(Split::Train).unwrap().len(), 2000);
    assert!(ids(&small).is_subset(&ids(&large)), "more data moved a query");

    let none = BeirOptions::default().with_dev_fraction(0.0);
    let data = BeirData::open_with(folder.path().join("1000"), &none).unwrap();
    assert_eq!(data.splits().collect::<Vec<_>>(), [Split::Train]);
    let all = BeirOptions::default().with_dev_fraction(1.0);
    let error = BeirData::open_with(folder.path().join("1000"), &all).unwrap_err();
    assert_eq!(error.to_string(), "dev_fraction = 1: expected a fraction from 0 up to, but not, 1");
}

#[test]
fn an_output_that_exists_is_left_alone() {
    let (_folder, path) = with(&[]);
    let (corpus, queries, train) = training_set(1);
    let error = write_beir(&path, &corpus, &queries, &[(Split::Train, &train)]).unwrap_err();
    let expected =
        format!("{}: exists already; remove it or choose another output", path.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read_to_string(path.join("corpus.jsonl")).unwrap(), CORPUS);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    let mut writer = BeirWriter::create(&path).unwrap();
    writer.query("q", "text").unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // An empty directory is as good as none.
    fs::create_dir(&path).unwrap();
    let mut writer = BeirWriter::create(&path).unwrap();
    writer.query("q", "text").unwrap();
    writer.finish().unwrap();
    assert!(path.join("queries.jsonl").is_file() && path.join("qrels").is_dir());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

proptest! {
    // Every case writes and syncs four files.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn written_sets_come_back(texts in proptest::collection::vec((".{0,8}", ".{0,8}"), 1..12)) {
        let (mut corpus, mut queries, mut test) = (Corpus::new(), Queries::new(), Qrels::new());
        for (number, (title, text)) in texts.into_iter().enumerate() {
            let (document, query) = (format!("d {number}"), format!("q{number}"));
            test.insert(&query, &document, number as i32 + 1).unwrap();
            queries.push(query, format!("{text}?"));
            corpus.push(Document { id: document, title, text: format!("{text}.") });
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set");
        write_beir(&path, &corpus, &queries, &[(Split::Test, &test)]).unwrap();
        let data = BeirData::open(&path).unwrap();
        prop_assert_eq!(data.corpus.ids(), corpus.ids());
        prop_assert_eq!(data.corpus.texts(), corpus.texts());
        for number in 0..corpus.len() as u32 {
            prop_assert_eq!(data.corpus.document(number), corpus.document(number));
        }
        prop_assert_eq!(data.queries.texts(), queries.texts());
        prop_assert_eq!(data.qrels(Split::Test), Some(&test));
    }
}

#[test]
#[allow(clippy::print_stderr)]
fn real_sets_have_their_published_counts() {
    let Some(root) = std::env::var_os("EMBEDTUNE_TEST_DATA") else {
        eprintln!("skipped: EMBEDTUNE_TEST_DATA is not set");
        return;
    };
    let root = PathBuf::from(root);
    let data = BeirData::open(root.join("scifact")).unwrap();
    assert_eq!((data.corpus.len(), data.queries.len()), (5183, 1109));
    let counts = [Split::Train, Split::Dev, Split::Test].map(|split| {
        let qrels = data.qrels(split).unwrap();
        (qrels.len(), qrels.judgement_count())
    });
    assert_eq!(counts, [(733, 835), (76, 84), (300, 339)]);
    let report = CheckReport::of_beir(&data);
    assert_eq!((report.rows, report.documents), (1258, 5183));
    assert!(report.findings.iter().any(|it| it.what == FindingKind::DocumentOverlap));

    let train = data.qrels(Split::Train).unwrap();
    let mix = NegativeMix::default().with_random(1);
    let builder = DatasetBuilder::new(&data.corpus, &data.queries, train).with_mix(mix);
    let (dataset, report) = builder.build("scifact").unwrap();
    // Three claims are there twice under two ids.
    assert_eq!((report.rows, report.repeated, report.random), (835, 3, 835));
    let batches = NoDuplicatesSampler::new(32).batches(&dataset, 42, 0);
    assert_eq!(batches.concat().len(), 835);
    let small = batches.iter().filter(|batch| batch.len() < 32).count();
    assert!(small <= 3, "{small} small batches");

    let data = BeirData::open(root.join("nl2bash")).unwrap();
    assert_eq!((data.corpus.len(), data.queries.len()), (10594, 11308));
    assert_eq!(data.qrels(Split::Train).unwrap().judgement_count(), 7485);
}
