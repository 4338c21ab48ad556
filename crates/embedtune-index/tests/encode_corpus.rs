//! A corpus to a file of vectors: bounded, in order, and the same after any interruption.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use embedtune_data::{CorpusReader, DataError, Embed, EmbedError, Embeddings, Role};
use embedtune_index::{
    EncodedWindow, IndexError, Resumed, RowCounts, VectorFile, Window, WindowConfig, encode_corpus,
};
use embedtune_testkit::HashEmbed;
use proptest::prelude::*;
use tempfile::TempDir;

const DIM: usize = 4;

fn facts(model: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("model".to_owned(), model.to_owned())])
}

struct Shop {
    folder: TempDir,
}

impl Shop {
    /// A corpus of `texts`, ids `d0`, `d1`, ….
    fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        let mut file = BufWriter::new(fs::File::create(shop.path("corpus.jsonl")).unwrap());
        for (number, text) in texts.into_iter().enumerate() {
            writeln!(file, "{{\"_id\": \"d{number}\", \"text\": \"{text}\"}}").unwrap();
        }
        file.flush().unwrap();
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn begin(&self, name: &str) -> Result<VectorFile, IndexError> {
        VectorFile::create(&self.path(name), DIM, facts("m"))
    }

    fn resume(&self, name: &str) -> Result<Resumed, IndexError> {
        VectorFile::resume(&self.path(name), DIM, &facts("m"))
    }

    /// Encodes what `file` lacks; the model fails at its call number `fail_at`, from 0.
    fn encode(
        &self,
        mut file: VectorFile,
        config: &WindowConfig,
        fail_at: Option<usize>,
    ) -> Result<RowCounts, IndexError> {
        let mut reader = CorpusReader::resume(self.path("corpus.jsonl"), &file.counts().input)?;
        let (model, mut call) = (HashEmbed::new(DIM, 1), 0);
        let mut embed = |window: &Window<'_>| {
            call += 1;
            if fail_at == Some(call - 1) {
                return Err(EmbedError::new("the plug was pulled"));
            }
            Ok(encoded(&model, &window.texts))
        };
        encode_corpus(&mut reader, &mut file, config, &mut embed, &mut |_| ())?;
        file.finish()
    }
}

/// Vectors that depend on the texts they are embedded with, as those of an engine do in their last
/// bits: a window that is cut in another way shows.
fn encoded(model: &HashEmbed, texts: &[&str]) -> EncodedWindow {
    let vectors = model.embed(texts, Role::Document).unwrap().into_vec();
    let company = texts.len() as f32 + texts[0].len() as f32 / 64.0;
    let vectors = vectors.into_iter().map(|value| value + company).collect();
    let tokens = texts.iter().map(|text| text.split(' ').count() as u64).sum();
    EncodedWindow { vectors: Embeddings::new(DIM, vectors), tokens, truncated: 0 }
}

fn small() -> WindowConfig {
    WindowConfig::default().with_texts(3).with_bytes(20)
}

fn result(shop: &Shop, name: &str) -> (Vec<u8>, String) {
    let ids = format!("{name}.ids");
    (fs::read(shop.path(name)).unwrap(), fs::read_to_string(shop.path(&ids)).unwrap())
}

#[test]
fn rows_are_in_the_order_of_the_input() {
    let shop = Shop::new(["a", "b c", "a", "d", "b c"]);
    let counts = shop.encode(shop.begin("v").unwrap(), &WindowConfig::default(), None).unwrap();
    assert_eq!((counts.rows, counts.embedded, counts.tokens), (5, 3, 4));
    let (bytes, ids) = result(&shop, "v");
    assert_eq!(ids, "d0\nd1\nd2\nd3\nd4\n");
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(header.contains("'shape': (5, 4)"), "{header}");
    let expected = encoded(&HashEmbed::new(DIM, 1), &["a", "b c", "d"]).vectors;
    let rows: Vec<f32> =
        bytes[128..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    for (row, place) in [0, 1, 0, 2, 1].into_iter().enumerate() {
        assert_eq!(rows[row * DIM..(row + 1) * DIM], *expected.row(place));
    }
    assert_eq!(shop.names(), ["corpus.jsonl", "v", "v.ids"]);
}

/// What is in memory at a time is a window, and windows do not grow with the input.
#[test]
fn a_large_corpus_is_seen_in_small_windows() {
    const LINES: usize = 200_000;
    let texts: Vec<String> = (0..LINES).map(|number| format!("line {number}")).collect();
    let shop = Shop::new(texts.iter().map(String::as_str));
    let mut file = shop.begin("v").unwrap();
    let mut reader = CorpusReader::open(shop.path("corpus.jsonl")).unwrap();
    let config = WindowConfig::default();
    let model = HashEmbed::new(DIM, 1);
    let (mut largest, mut windows) = (0, 0);
    let mut embed = |window: &Window<'_>| {
        let bytes: usize = window.texts.iter().map(|text| text.len()).sum();
        assert!(window.texts.len() <= config.texts && bytes <= config.bytes + 12);
        largest = largest.max(window.texts.len());
        windows += 1;
        Ok(encoded(&model, &window.texts))
    };
    let mut rows = Vec::new();
    encode_corpus(&mut reader, &mut file, &config, &mut embed, &mut |it| rows.push(it.rows))
        .unwrap();
    assert_eq!((largest, windows), (config.texts, LINES.div_ceil(config.texts)));
    assert!(rows.is_sorted() && rows.len() == windows);
    assert_eq!(file.finish().unwrap().rows, LINES as u64);
    assert_eq!(fs::metadata(shop.path("v")).unwrap().len(), (128 + LINES * DIM * 4) as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Interrupted at any window, any number of times, with any rest of a broken write behind it.
    #[test]
    fn an_interrupted_run_ends_with_the_same_bytes(
        texts in prop::collection::vec("[a-c]( [a-c]{1,6}){0,3}", 1..30),
        cuts in prop::collection::vec(0usize..4, 0..5),
        torn in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let shop = Shop::new(texts.iter().map(String::as_str));
        let whole = shop.encode(shop.begin("whole").unwrap(), &small(), None).unwrap();
        let mut file = Some(shop.begin("cut").unwrap());
        for cut in cuts {
            let open = match file.take() {
                Some(file) => file,
                // A run without a row leaves nothing behind.
                None if !shop.path("cut.run").exists() => shop.begin("cut").unwrap(),
                None => match shop.resume("cut").unwrap() {
                    Resumed::Unfinished(file) => file,
                    Resumed::Finished(_) => unreachable!("the run was interrupted"),
                },
            };
            if shop.encode(open, &small(), Some(cut)).is_ok() {
                break;
            }
            for name in ["vectors.npy", "ids"] {
                let path = shop.path("cut.run").join(name);
                if path.exists() {
                    OpenOptions::new().append(true).open(path).unwrap().write_all(&torn).unwrap();
                }
            }
        }
        if !shop.path("cut").exists() {
            let open = match file {
                Some(file) => file,
                None if !shop.path("cut.run").exists() => shop.begin("cut").unwrap(),
                None => match shop.resume("cut").unwrap() {
                    Resumed::Unfinished(file) => file,
                    Resumed::Finished(_) => unreachable!("the run was interrupted"),
                },
            };
            prop_assert_eq!(shop.encode(open, &small(), None).unwrap(), whole);
        }
        prop_assert_eq!(result(&shop, "cut"), result(&shop, "whole"));
        prop_assert!(!shop.path("cut.run").exists());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// All rows are there and the files are being moved.
#[test]
fn killed_between_the_renames_it_still_finishes() {
    let shop = Shop::new(["a", "b", "c", "d"]);
    let counts = shop.encode(shop.begin("v").unwrap(), &small(), None).unwrap();
    let expected = result(&shop, "v");
    // The state of the run just before the first rename.
    let mut file = shop.begin("w").unwrap();
    let mut reader = CorpusReader::open(shop.path("corpus.jsonl")).unwrap();
    let model = HashEmbed::new(DIM, 1);
    let mut embed = |window: &Window<'_>| Ok(encoded(&model, &window.texts));
    encode_corpus(&mut reader, &mut file, &small(), &mut embed, &mut |_| ()).unwrap();
    fs::create_dir(shop.path("w.ids")).unwrap();
    let error = file.finish().unwrap_err();
    assert!(matches!(error, IndexError::OutputExists { .. }), "{error}");
    fs::remove_dir(shop.path("w.ids")).unwrap();

    let progress = shop.path("w.run/progress.json");
    let complete =
        fs::read_to_string(&progress).unwrap().replace("\"complete\": false", "\"complete\": true");
    fs::write(&progress, complete).unwrap();
    fs::write(shop.path("w.run/vectors.npy"), &expected.0).unwrap();
    copy(&shop.path("w.run"), &shop.path("saved"));
    for moved in [vec![], vec![("ids", "w.ids")], vec![("ids", "w.ids"), ("vectors.npy", "w")]] {
        for (name, target) in moved {
            fs::rename(shop.path("w.run").join(name), shop.path(target)).unwrap();
        }
        let Resumed::Finished(found) = shop.resume("w").unwrap() else { panic!("not finished") };
        assert_eq!((found, result(&shop, "w")), (counts.clone(), expected.clone()));
        assert!(!shop.path("w.run").exists());
        fs::remove_file(shop.path("w")).unwrap();
        fs::remove_file(shop.path("w.ids")).unwrap();
        copy(&shop.path("saved"), &shop.path("w.run"));
    }
}

#[test]
fn another_run_is_not_gone_on_with() {
    let shop = Shop::new(["a", "b", "c", "d", "e", "f", "g"]);
    assert!(matches!(shop.resume("v").unwrap_err(), IndexError::NoRun { .. }));
    let error = shop.encode(shop.begin("v").unwrap(), &small(), Some(2)).unwrap_err();
    assert!(error.to_string().contains("the plug was pulled"), "{error}");
    assert!(matches!(shop.begin("v").unwrap_err(), IndexError::RunExists { .. }));

    let resume = |dim, model| VectorFile::resume(&shop.path("v"), dim, &facts(model)).unwrap_err();
    let error = resume(DIM, "n").to_string();
    assert!(error.contains("v.run") && error.contains("model was m and is now n"), "{error}");
    assert!(resume(8, "m").to_string().contains("dimension was 4 and is now 8"));
    let more =
        BTreeMap::from([("role".to_owned(), "query".to_owned()), ("model".into(), "m".into())]);
    let error = VectorFile::resume(&shop.path("v"), DIM, &more).unwrap_err().to_string();
    assert!(error.contains("role was not set and is now query"), "{error}");

    // The input is another one up to where it was read.
    let input = fs::read_to_string(shop.path("corpus.jsonl")).unwrap();
    fs::write(shop.path("corpus.jsonl"), input.replace("\"b\"", "\"B\"")).unwrap();
    let Resumed::Unfinished(file) = shop.resume("v").unwrap() else { panic!("finished") };
    let error = shop.encode(file, &small(), None).unwrap_err();
    assert!(matches!(error, IndexError::Data(DataError::Changed { lines: 6, .. })), "{error}");

    OpenOptions::new()
        .write(true)
        .open(shop.path("v.run/vectors.npy"))
        .unwrap()
        .set_len(130)
        .unwrap();
    let error = shop.resume("v").unwrap_err();
    assert!(matches!(error, IndexError::DamagedRun { got: 130, .. }), "{error}");
    fs::write(shop.path("v.run/progress.json"), "{\n\"format\": 1}").unwrap();
    assert!(shop.resume("v").unwrap_err().to_string().contains("progress.json: line 2"));
}

#[test]
fn what_cannot_be_encoded_leaves_nothing() {
    let shop = Shop::new([]);
    let begin = || shop.begin("v").unwrap();
    let error = shop.encode(begin(), &small(), None).unwrap_err();
    assert!(matches!(error, IndexError::Data(DataError::NoRows { .. })), "{error}");
    for (line, part) in [
        ("{\"text\": \"x\"}\n{\"text\"}\n", "corpus.jsonl:2"),
        ("{\"_id\": \"a\\nb\", \"text\": \"x\"}\n", "line break"),
    ] {
        fs::write(shop.path("corpus.jsonl"), line).unwrap();
        let error = shop.encode(begin(), &small(), None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    fs::write(shop.path("corpus.jsonl"), "{\"text\": \"x\"}\n").unwrap();
    let encode = |vectors: Embeddings, config: &WindowConfig| {
        let mut reader = CorpusReader::open(shop.path("corpus.jsonl")).unwrap();
        let mut embed = |_: &Window<'_>| Ok(vectors.clone().into());
        encode_corpus(&mut reader, &mut begin(), config, &mut embed, &mut |_| ()).unwrap_err()
    };
    let error = encode(Embeddings::new(DIM, vec![0.0, 0.0, f32::NAN, 0.0]), &small());
    assert!(matches!(error, IndexError::NotFinite { row: 0, column: 2, .. }), "{error}");
    let error = encode(Embeddings::new(DIM, vec![0.0; 2 * DIM]), &small());
    assert!(matches!(error, IndexError::Count { expected: 1, got: 2, .. }), "{error}");
    let error = encode(Embeddings::new(2, vec![0.0; 2]), &small());
    assert!(matches!(error, IndexError::Dimension { .. }), "{error}");
    let error = encode(Embeddings::new(DIM, vec![0.0; DIM]), &small().with_bytes(0));
    assert!(matches!(error, IndexError::Config { field: "bytes", .. }), "{error}");
    assert_eq!(shop.names(), ["corpus.jsonl"]);
}
