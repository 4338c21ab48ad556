//! Reading documents one at a time.
#![allow(clippy::unwrap_used)]

use std::fs;

use embedtune_data::{CorpusReader, DataError, Document, read_corpus};
use proptest::prelude::*;
use tempfile::TempDir;

fn file(content: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.jsonl");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn rest(mut reader: CorpusReader) -> Vec<Document> {
    std::iter::from_fn(|| reader.next_document().unwrap()).collect()
}

#[test]
fn reads_what_read_corpus_reads() {
    let (_folder, path) = file(
        "\u{feff}{\"_id\": \"a\", \"title\": \"T\", \"text\": \"x\"}\r\n\n\
         {\"_id\": \"b\", \"text\": \"y\", \"metadata\": {\"k\": [1]}}\n  \n{\"_id\": \"c\", \"title\": null, \"text\": \"z\"}",
    );
    let all = read_corpus(&path).unwrap();
    let documents = rest(CorpusReader::open(&path).unwrap());
    let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let texts: Vec<String> = documents.iter().map(Document::full_text).collect();
    assert_eq!(texts, all.texts());
}

#[test]
fn documents_without_an_id_are_called_by_their_line() {
    let (_folder, path) = file(
        "{\"text\": \"x\"}\n\n{\"id\": 12, \"text\": \"y\"}\n{\"id\": null, \"text\": \"z\"}\n",
    );
    let documents = rest(CorpusReader::open(&path).unwrap());
    let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, ["1", "12", "4"]);
}

#[test]
fn bad_lines_are_named() {
    let good = "{\"_id\": \"a\", \"text\": \"x\"}\n\n";
    for (line, parts) in [
        ("{\"_id\": \"b\", \"text\": \"y\"", vec!["malformed JSON", "column"]),
        ("[1]", vec!["an object", "a list"]),
        ("{\"_id\": \"b\"}", vec!["no field `text`", "_id"]),
        ("{\"_id\": \"b\", \"text\": 3}", vec!["`text`", "a string", "a number"]),
        ("{\"_id\": \"\", \"text\": \"y\"}", vec!["`_id` is empty"]),
        ("{\"_id\": [], \"text\": \"y\"}", vec!["`_id`", "a string or a number", "a list"]),
        ("{\"_id\": \"b\", \"text\": \" \"}", vec!["`text` is empty"]),
    ] {
        let (_folder, path) = file(&format!("{good}{line}\n"));
        let mut reader = CorpusReader::open(&path).unwrap();
        reader.next_document().unwrap().unwrap();
        let error = reader.next_document().unwrap_err().to_string();
        assert!(error.contains("corpus.jsonl:3"), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

#[test]
fn a_file_that_changed_is_not_gone_on_with() {
    let lines = ["one", "two", "three"].map(|text| format!("{{\"text\": \"{text}\"}}\n"));
    let (_folder, path) = file(&lines.concat());
    let mut reader = CorpusReader::open(&path).unwrap();
    reader.next_document().unwrap();
    reader.next_document().unwrap();
    let position = reader.position();
    assert_eq!((position.lines, position.bytes), (2, (lines[0].len() + lines[1].len()) as u64));

    // What comes later may change: a bad line was repaired.
    fs::write(&path, format!("{}{}{{\"text\": \"four\"}}", lines[0], lines[1])).unwrap();
    assert_eq!(rest(CorpusReader::resume(&path, &position).unwrap())[0].text, "four");
    for changed in [lines.concat().replace("one", "ONE"), lines[0].clone(), String::new()] {
        fs::write(&path, changed).unwrap();
        let error = CorpusReader::resume(&path, &position).err().unwrap();
        assert!(matches!(error, DataError::Changed { lines: 2, .. }), "{error}");
        assert!(error.to_string().contains("corpus.jsonl: its first 2 lines"), "{error}");
    }
}

proptest! {
    #[test]
    fn going_on_anywhere_is_as_reading_through(
        texts in prop::collection::vec("[a-zé ]{0,12}", 0..20),
        blank in prop::collection::vec(any::<bool>(), 20),
        at in 0usize..21,
    ) {
        let content: String = texts.iter().zip(&blank).map(|(text, &blank)| {
            let line = serde_json::json!({ "text": format!("{text}.") });
            format!("{line}\n{}", if blank { "\n" } else { "" })
        }).collect();
        let (_folder, path) = file(&content);
        let whole = rest(CorpusReader::open(&path).unwrap());
        let at = at.min(whole.len());
        let mut reader = CorpusReader::open(&path).unwrap();
        for _ in 0..at {
            reader.next_document().unwrap();
        }
        let resumed = CorpusReader::resume(&path, &reader.position()).unwrap();
        prop_assert_eq!(reader.position(), resumed.position());
        prop_assert_eq!(rest(resumed), &whole[at..]);
    }
}
