//! Training rows from files: what is read, and what each bad file is told.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use embedtune_data::{
    ColumnMap, DataError, Dataset, DatasetKind, RowFormat, RowOptions, RowReader, TextRow,
    read_rows, write_rows,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn rows(name: &str, content: impl AsRef<[u8]>) -> Vec<TextRow> {
    let (_folder, path) = file(name, content);
    RowReader::open(path, &RowOptions::default()).unwrap().map(Result::unwrap).collect()
}

fn read(name: &str, content: impl AsRef<[u8]>, columns: Option<&str>) -> Result<Dataset, String> {
    let (folder, path) = file(name, content);
    let mut options = RowOptions::default();
    if let Some(columns) = columns {
        options = options.with_columns(columns.parse().map_err(|e: DataError| e.to_string())?);
    }
    // What a message says about the path depends on where the test runs.
    let folder = format!("{}/", folder.path().display());
    read_rows(path, &options).map_err(|error| error.to_string().replace(&folder, ""))
}

fn row(anchor: &str, positive: &str, negatives: &[&str]) -> TextRow {
    TextRow {
        anchor: anchor.to_owned(),
        positive: positive.to_owned(),
        negatives: negatives.iter().map(|&text| text.to_owned()).collect(),
        label: None,
    }
}

#[test]
fn every_format_says_the_same() {
    let expected = [row("q 1", "d, 1", &["n1", "n2"]), row("q 2", "\"d\" 2", &["n3"])];
    let jsonl = "\u{feff}{\"query\": \"q 1\", \"pos\": \"d, 1\", \"neg\": [\"n1\", \"n2\"]}\r\n\
                 {\"query\": \"q 2\", \"pos\": [\"\\\"d\\\" 2\"], \"neg\": \"n3\", \"id\": 7}\n\n";
    let json = "\u{feff}\n[{\"query\": \"q 1\", \"positive\": \"d, 1\", \"negatives\": [\"n1\", \
                \"n2\"]},\n{\"query\": \"q 2\", \"positive\": \"\\\"d\\\" 2\", \"negatives\": \
                [\"n3\"]}]\n";
    let csv = "\u{feff}query,positive,negative_2,negative_1\r\nq 1,\"d, 1\",n2,n1\r\n\
               q 2,\"\"\"d\"\" 2\",,n3\r\n";
    let tsv = "Question\tAnswer\tneg_1\tneg_2\tsource\nq 1\td, 1\tn1\tn2\tx\nq 2\t\"d\" 2\tn3\t\tx";
    for (name, content) in [("a.jsonl", jsonl), ("a.json", json), ("a.csv", csv), ("a.tsv", tsv)] {
        assert_eq!(rows(name, content), expected, "{name}");
    }
}

#[test]
fn a_plain_triplet_file_is_read_without_a_map() {
    let json = r#"[{"query": "q", "positive": "p", "negative": "n"}]"#;
    assert_eq!(rows("training_triplets.json", json), [row("q", "p", &["n"])]);
}

#[test]
fn several_positives_are_several_rows() {
    let jsonl = r#"{"query": "q", "pos": ["p1", "p2"], "neg": []}"#;
    assert_eq!(rows("a.jsonl", jsonl), [row("q", "p1", &[]), row("q", "p2", &[])]);
}

#[test]
fn negatives_may_come_late() {
    let jsonl = "{\"query\": \"q\", \"doc\": \"d\"}\n\
                 {\"query\": \"q\", \"doc\": \"d\", \"negative\": \"n\"}\n";
    assert_eq!(rows("a.jsonl", jsonl), [row("q", "d", &[]), row("q", "d", &["n"])]);
    let dataset = read("a.jsonl", jsonl, Some("anchor=query,positive=doc,negative=negative"));
    assert_eq!(dataset.unwrap().rows[1].negatives.len(), 1);
    let message = read("a.jsonl", jsonl, Some("anchor=query,positive=doc,negative=negativ"));
    assert!(message.unwrap_err().starts_with("a.jsonl: there is no column `negativ` (columns"));
}

#[test]
fn labels_may_be_numbers_booleans_or_text() {
    let jsonl = "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": 0.5}\n\
                 {\"sentence1\": \"a\", \"sentence2\": \"c\", \"score\": true}\n\
                 {\"sentence1\": \"a\", \"sentence2\": \"d\", \"score\": \" 0 \"}\n";
    let dataset = read("a.jsonl", jsonl, None).unwrap();
    let labels: Vec<f32> = dataset.rows.iter().filter_map(|row| row.label).collect();
    assert_eq!(labels, [0.5, 1.0, 0.0]);
    assert_eq!(dataset.kind(), DatasetKind::LabelledPairs);
    let [a, d] = ["a", "d"].map(|text| dataset.texts.find(text).unwrap());
    assert!(!dataset.is_known_positive(a, d));
}

#[test]
fn columns_are_renamed_by_a_map() {
    let csv = "doc,query,bad,junk\nd,q,n,x\n";
    let dataset = read("a.csv", csv, Some("anchor=query, positive=doc, negative=bad")).unwrap();
    assert_eq!(dataset.texts.iter().collect::<Vec<_>>(), ["q", "d", "n"]);
    let map: ColumnMap = "anchor=query,positive=doc,negative=a,negative=b".parse().unwrap();
    assert_eq!(map.to_string(), "anchor=query,positive=doc,negative=a,negative=b");
    assert_eq!(map, map.to_string().parse().unwrap());
}

#[test]
fn the_format_may_be_said() {
    let (_folder, path) = file("rows.data", "query,doc\nq,d\n");
    let options = RowOptions::default().with_format(RowFormat::Csv);
    assert_eq!(read_rows(&path, &options).unwrap().len(), 1);
}

#[test]
fn bad_files_are_told_where_and_what_to_do() {
    let cases: &[(&str, &[u8], Option<&str>, &str)] = &[
        (
            "a.jsonl",
            b"{\"query\": \"q\", \"doc\": \"d\"}\n{\"query\": \"q\", \"doc\": ",
            None,
            "a.jsonl:2, column 22: malformed JSON: EOF while parsing a value; \
          every line must be one complete JSON object",
        ),
        (
            "a.jsonl",
            b"[1]\n",
            None,
            "a.jsonl:1: `row` is a list, expected an object such as {\"query\": \"…\"}",
        ),
        (
            "a.jsonl",
            b"{\"query\": \"q\", \"doc\": \"d\"}\n\n{\"query\": \"q\"}\n",
            None,
            "a.jsonl:3: no field `doc` (found: query); add it or name another column",
        ),
        (
            "a.jsonl",
            b"{\"query\": \"q\", \"doc\": \"d\"}\n{\"query\": \" \", \"doc\": \"d\"}",
            None,
            "a.jsonl:2: `query` is empty; fill it in or remove the row",
        ),
        (
            "a.jsonl",
            b"{\"query\": 1, \"doc\": \"d\"}",
            None,
            "a.jsonl:1: `query` is a number, expected a string",
        ),
        (
            "a.jsonl",
            b"{\"query\": \"q\", \"doc\": \"d\", \"neg\": [null]}",
            None,
            "a.jsonl:1: `neg` is null, expected a string or a list of strings",
        ),
        (
            "a.jsonl",
            b"{\"query\": \"q\", \"doc\": \"d\"}\n{\"query\": \"\xe9\"}",
            None,
            "a.jsonl:2: not UTF-8; convert the file, for example `iconv -f LATIN1 -t UTF-8`",
        ),
        ("a.jsonl", b"\n \n", None, "a.jsonl: no rows; is this the right file?"),
        (
            "a.jsonl",
            b"{\"a\": \"q\", \"b\": \"d\"}",
            None,
            "a.jsonl: no column is known to be the anchor (columns found: a, b); \
          say which is which, for example `--columns anchor=a,positive=b`",
        ),
        (
            "a.csv",
            b"question,answer,context\nq,a,c\n",
            None,
            "a.csv: several columns could be the positive: answer, context \
          (columns found: question, answer, context); \
          say which is which, for example `--columns anchor=question,positive=answer`",
        ),
        (
            "a.csv",
            b"query,doc,negative,neg\nq,d,n,m\n",
            None,
            "a.csv: several columns could be the negative: negative, neg \
          (columns found: query, doc, negative, neg); \
          say which is which, for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"query,doc,negative,score\nq,d,n,1\n",
            None,
            "a.csv: a row has either a label or negatives, not both \
          (columns found: query, doc, negative, score); \
          say which is which, for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"query,doc\nq,d\n",
            Some("anchor=query,positive=passage"),
            "a.csv: there is no column `passage` (columns found: query, doc); \
          say which is which, for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"query,doc,query\nq,d,q\n",
            None,
            "a.csv: column `query` is there twice (columns found: query, doc, query); \
          say which is which, for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"query,doc\nq,d\nq,d,e\n",
            None,
            "a.csv:3: 3 fields where the header has 2; quote fields that hold separators",
        ),
        (
            "a.csv",
            b"query,doc\n\"a\nb\",d\nq,\n",
            None,
            "a.csv:4: `doc` is empty; fill it in or remove the row",
        ),
        (
            "a.csv",
            b"query,doc,label\nq,d,yes\n",
            None,
            "a.csv:2: `label` is `yes`, expected a finite number",
        ),
        (
            "a.tsv",
            b"query\tdoc\nq\t\xff\n",
            None,
            "a.tsv:2: not UTF-8; convert the file, for example `iconv -f LATIN1 -t UTF-8`",
        ),
        ("a.csv", b"", None, "a.csv: no rows; is this the right file?"),
        ("a.csv", b"query,doc\n", None, "a.csv: no rows; is this the right file?"),
        (
            "a.json",
            b"[\n{\"query\": \"q\", \"doc\": \"d\"},\n{\"query\": \"q\",\n \"doc\" 1}]",
            None,
            "a.json:4 (element 2), column 8: malformed JSON: expected `:`; \
          the file must be one complete JSON array of objects",
        ),
        (
            "a.json",
            b"[\n  {\"query\": \"q\", \"doc\": \"d\"}, {\"query\": 'q'}]",
            None,
            "a.json:2 (element 2), column 41: malformed JSON: expected value; \
          the file must be one complete JSON array of objects",
        ),
        (
            "a.json",
            b"[{\"query\": \"q\", \"doc\": \"d\"},\n\n {\"query\": \"q\", \"doc\": \"\"}]",
            None,
            "a.json:3 (element 2): `doc` is empty; fill it in or remove the row",
        ),
        (
            "a.json",
            b"[{\"query\": \"q\", \"doc\": \"d\"}\n",
            None,
            "a.json:2 (element 1), column 1: malformed JSON: the file ends inside the array; \
          the file must be one complete JSON array of objects",
        ),
        (
            "a.json",
            b"{\"query\": \"q\", \"doc\": \"d\"}\n",
            None,
            "a.json:1, column 1: malformed JSON: the file does not start with `[`; \
          write one array of objects, or if each line is an object, give the format `jsonl`",
        ),
        (
            "a.json",
            b"[\n\"\xff\"]",
            None,
            "a.json:2: not UTF-8; convert the file, for example `iconv -f LATIN1 -t UTF-8`",
        ),
        ("a.json", b" [ ] ", None, "a.json: no rows; is this the right file?"),
        (
            "a.xlsx",
            b"",
            None,
            "a.xlsx: cannot tell the format from the name; \
          use .jsonl, .json, .csv or .tsv, or say the format",
        ),
        (
            "a.csv",
            b"",
            Some("query,doc"),
            "`--columns query,doc`: `query` is not role=column with the roles anchor, positive, \
          negative, label; write for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"",
            Some("anchor=a,positive=a"),
            "`--columns anchor=a,positive=a`: column `a` is there twice; \
          write for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"",
            Some("anchor=a,positive=b,anchor=c"),
            "`--columns anchor=a,positive=b,anchor=c`: several columns could be the anchor: a, c; \
          write for example `--columns anchor=query,positive=doc`",
        ),
        (
            "a.csv",
            b"",
            Some("anchor=a"),
            "`--columns anchor=a`: no column is known to be the positive; \
          write for example `--columns anchor=query,positive=doc`",
        ),
    ];
    for (name, content, columns, expected) in cases {
        let message = read(name, content, *columns).map(|data| data.len()).unwrap_err();
        assert_eq!(message, *expected);
    }
}

#[test]
fn a_missing_file_is_told_apart_from_an_unreadable_one() {
    let message = read_rows("no such folder/a.jsonl", &RowOptions::default()).unwrap_err();
    assert_eq!(
        message.to_string(),
        "no such folder/a.jsonl: not found; give the path of a JSON Lines, JSON, CSV or TSV file"
    );
}

#[test]
fn rows_before_a_bad_one_are_streamed() {
    let (_folder, path) = file("a.jsonl", "{\"query\": \"q\", \"doc\": \"d\"}\n{\n{}\n");
    let mut reader = RowReader::open(path, &RowOptions::default()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), row("q", "d", &[]));
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let path = "no such folder/rows.jsonl";
    let error = write_rows(path, &Dataset::new("empty")).unwrap_err().to_string();
    assert!(error.starts_with("no such folder/rows.jsonl: "), "{error}");
}

/// Bytes that look like rows often enough to get somewhere.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"{\"query\": \"q\", \"doc\": \"d\"}".to_vec()),
        Just(b"query,doc\n".to_vec()),
        Just(b"query\tdoc\n".to_vec()),
        proptest::sample::select(b"[]{}\",:\t\r\n\xff \\q".to_vec()).prop_map(|byte| vec![byte]),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_input_makes_a_reader_panic(bytes in noise()) {
        for format in [RowFormat::Jsonl, RowFormat::Json, RowFormat::Csv, RowFormat::Tsv] {
            let input = std::io::Cursor::new(bytes.clone());
            let Ok(reader) = RowReader::from_reader(input, "noise", format, None) else { continue };
            let rows: Vec<_> = reader.collect();
            prop_assert!(!rows.is_empty(), "no rows is an error");
        }
    }
}

/// Texts with something to see, quotes and line breaks among them.
fn text() -> impl Strategy<Value = String> {
    let start = proptest::collection::vec(any::<char>(), 0..8);
    start.prop_map(|start| format!("{}x\n\"y\"", String::from_iter(start)))
}

proptest! {
    // Every case writes and syncs a file.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn written_rows_come_back(
        pairs in proptest::collection::vec(
            (text(), text(), proptest::collection::vec(text(), 0..3)), 1..10
        ),
        labels in proptest::option::of(-1.0f32..1.0),
    ) {
        let mut dataset = Dataset::new("written");
        for (anchor, positive, negatives) in pairs {
            let negatives = if labels.is_some() { Vec::new() } else { negatives };
            dataset.push_text(&TextRow { anchor, positive, negatives, label: labels });
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        write_rows(&path, &dataset).unwrap();
        let back = read_rows(&path, &RowOptions::default()).unwrap();
        let texts = |data: &Dataset| -> Vec<_> {
            let text = |id| data.texts.text(id).to_owned();
            data.rows.iter().map(|row| {
                (text(row.anchor), text(row.positive),
                 row.negatives.iter().map(|&id| text(id)).collect::<Vec<_>>(), row.label)
            }).collect()
        };
        prop_assert_eq!(texts(&back), texts(&dataset));
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
