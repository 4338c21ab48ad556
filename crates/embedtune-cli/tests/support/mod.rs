//! Runs the program on generated data and the tiny fixture model.
#![allow(dead_code, unreachable_pub)]

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// Words of the fixture's vocabulary.
pub const WORDS: &[&str] = &[
    "a", "the", "of", "in", "cat", "dog", "bird", "fish", "tree", "river", "stone", "cloud",
    "city", "bridge", "train", "light", "wind", "read", "write", "fast", "slow", "old", "new",
    "run",
];

/// The tiny seeded BERT of the encoder's tests.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedtune-encoder/fixtures/tiny-bert")
}

/// The program, without network and without the caches of this machine.
pub fn embedtune() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedtune"));
    command.env("HF_HUB_OFFLINE", "1").env_remove("HF_HOME").env_remove("HF_HUB_CACHE");
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

/// Runs the program with `arguments`.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    embedtune().args(arguments).output().unwrap()
}

/// Runs a command on the fixture model, which must succeed, and returns its stdout as JSON.
pub fn json(command: &str, flags: &[&str]) -> serde_json::Value {
    let model = model();
    let output = run([command, "--model", model.to_str().unwrap(), "--json"]
        .into_iter()
        .chain(flags.iter().copied()));
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder for a test, and a BEIR directory `data` in it.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// With `queries` queries and as many documents; the first half is for training, then dev and
    /// test share the rest.
    pub fn new(queries: usize) -> Self {
        let workshop = Self { folder: tempfile::tempdir().unwrap() };
        workshop.write_beir(queries);
        workshop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as text, for flags.
    pub fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self.at(name)
    }

    /// Names in the folder, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A copy of the fixture model to be damaged.
    pub fn copy_of_model(&self, name: &str) -> PathBuf {
        let target = self.path(name);
        copy(&model(), &target);
        target
    }

    fn write_beir(&self, queries: usize) {
        let (mut corpus, mut asked) = (String::new(), String::new());
        let header = "query-id\tcorpus-id\tscore\n";
        let mut splits = [header.to_owned(), header.to_owned(), header.to_owned()];
        for number in 0..queries {
            let document =
                serde_json::json!({"_id": format!("d{number}"), "text": text(number, 12)});
            let query = serde_json::json!({"_id": format!("q{number}"), "text": text(number, 4)});
            corpus.push_str(&format!("{document}\n"));
            asked.push_str(&format!("{query}\n"));
            let split = match number * 4 / queries {
                0 | 1 => 0,
                part => part - 1,
            };
            splits[split].push_str(&format!("q{number}\td{number}\t1\n"));
        }
        self.write("data/corpus.jsonl", corpus);
        self.write("data/queries.jsonl", asked);
        for (name, judgements) in ["train", "dev", "test"].into_iter().zip(splits) {
            self.write(&format!("data/qrels/{name}.tsv"), judgements);
        }
    }
}

/// The same number gives the same beginning, so that a query is like its document.
pub fn text(number: usize, words: usize) -> String {
    let mut state = number as u64 + 1;
    let word = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 33) as usize % WORDS.len()]
    };
    let words: Vec<&str> = (0..words).map(word).collect();
    words.join(" ")
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Bytes of the weights of a saved model.
pub fn weights(model: &Path) -> Vec<u8> {
    fs::read(model.join("model.safetensors")).unwrap()
}
