//! Writing, whole or not at all.

use std::{fs, path::Path};

use embedtune_metrics::Qrels;
use serde::Serialize;

use crate::{
    Corpus, DataError, Document, Queries, Split,
    atomic::{AtomicDirectory, AtomicFile, io_error},
};

#[derive(Serialize)]
struct QueryLine<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct DocumentLine<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    title: &'a str,
    text: &'a str,
}

/// Writes a BEIR directory document by document, for corpora that need not fit into memory. It
/// appears under its name on [`finish`](Self::finish); dropped before that, nothing is left.
///
/// Ids are written as they come: a repeated one is found by the reader.
pub struct BeirWriter {
    corpus: AtomicFile,
    queries: AtomicFile,
    /// Last, so that the files in it are closed when it is dropped.
    directory: AtomicDirectory,
}

impl std::fmt::Debug for BeirWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BeirWriter").finish_non_exhaustive()
    }
}

impl BeirWriter {
    /// Begins the directory `path`, which must not exist or be empty.
    ///
    /// # Errors
    /// If it exists with something in it, or cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let directory = AtomicDirectory::create(path.as_ref())?;
        let qrels = directory.path().join("qrels");
        fs::create_dir_all(&qrels).map_err(io_error(&qrels))?;
        let corpus = AtomicFile::create(&directory.path().join("corpus.jsonl"))?;
        let queries = AtomicFile::create(&directory.path().join("queries.jsonl"))?;
        Ok(Self { directory, corpus, queries })
    }

    /// Adds a document.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn document(&mut self, document: &Document) -> Result<(), DataError> {
        let Document { id, title, text } = document;
        self.corpus.json_line(&DocumentLine { id, title, text })
    }

    /// Adds a query.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn query(&mut self, id: &str, text: &str) -> Result<(), DataError> {
        self.queries.json_line(&QueryLine { id, text })
    }

    /// Adds the judgements of a split.
    ///
    /// # Errors
    /// If the file cannot be written, or an id holds a tab or a line break.
    pub fn qrels(&mut self, split: Split, qrels: &Qrels) -> Result<(), DataError> {
        Ok(qrels.write_beir_tsv(self.directory.path().join(format!("qrels/{split}.tsv")))?)
    }

    /// Gives the directory its name.
    ///
    /// # Errors
    /// If the files cannot be made durable.
    pub fn finish(self) -> Result<(), DataError> {
        self.corpus.commit()?;
        self.queries.commit()?;
        self.directory.commit()
    }
}

/// Writes a BEIR directory; see [`BeirWriter`].
///
/// # Errors
/// If `path` exists with something in it, a file cannot be written, or an id holds a tab or a line
/// break.
pub fn write_beir(
    path: impl AsRef<Path>,
    corpus: &Corpus,
    queries: &Queries,
    splits: &[(Split, &Qrels)],
) -> Result<(), DataError> {
    let mut writer = BeirWriter::create(path)?;
    for number in 0..corpus.len() {
        writer.document(&corpus.document(number as u32))?;
    }
    for (id, text) in queries.ids().iter().zip(queries.texts()) {
        writer.query(id, text)?;
    }
    for (split, qrels) in splits {
        writer.qrels(*split, qrels)?;
    }
    writer.finish()
}
