//! The BEIR directory: `corpus.jsonl`, `queries.jsonl`, `qrels/{train,dev,test}.tsv`.

mod read;
mod write;

use std::{collections::BTreeMap, path::Path};

use embedtune_metrics::Qrels;
use serde::{Deserialize, Serialize};

use crate::{Corpus, DataError, Queries, Split};

pub(crate) use read::{copy_judgements, document, files};
pub use read::{read_corpus, read_queries};
pub use write::{BeirWriter, write_beir};

/// Where the judgements of a split come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SplitOrigin {
    /// A file of their own.
    File,
    /// Cut from the training queries, as the set has no dev split: this fraction of them, chosen
    /// by a hash of their text.
    CutFromTrain {
        /// Fraction asked for.
        fraction: f64,
    },
}

/// How to read a BEIR directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BeirOptions {
    /// Fraction of the training queries that become the dev split of a set without one; 0 turns
    /// that off. A tenth leaves most for training and is enough to tell checkpoints apart.
    pub dev_fraction: f64,
}

impl Default for BeirOptions {
    fn default() -> Self {
        Self { dev_fraction: 0.1 }
    }
}

impl BeirOptions {
    /// Sets [`dev_fraction`](Self::dev_fraction).
    pub fn with_dev_fraction(mut self, dev_fraction: f64) -> Self {
        self.dev_fraction = dev_fraction;
        self
    }
}

/// A retrieval data set: documents, queries, and judgements by split.
///
/// ```
/// use embedtune_data::{BeirData, Corpus, Document, Queries, Split, write_beir};
/// use embedtune_metrics::Qrels;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("mini");
/// let mut corpus = Corpus::new();
/// corpus.push(Document { id: "d1".into(), title: "Crate".into(), text: "A library.".into() });
/// let mut queries = Queries::new();
/// queries.push("q1", "what is a crate?");
/// let mut test = Qrels::new();
/// test.insert("q1", "d1", 1)?;
/// write_beir(&path, &corpus, &queries, &[(Split::Test, &test)])?;
///
/// let data = BeirData::open(&path)?;
/// assert_eq!(data.corpus.texts(), ["Crate A library."]);
/// assert_eq!(data.qrels(Split::Test), Some(&test));
/// assert_eq!(data.qrels(Split::Train), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct BeirData {
    /// Name of the directory.
    pub name: String,
    /// The documents.
    pub corpus: Corpus,
    /// The queries of all splits.
    pub queries: Queries,
    splits: BTreeMap<Split, (Qrels, Option<SplitOrigin>)>,
}

impl BeirData {
    /// Data that is in memory already, without judgements; add them by [`insert`](Self::insert).
    pub fn new(name: impl Into<String>, corpus: Corpus, queries: Queries) -> Self {
        Self { name: name.into(), corpus, queries, splits: BTreeMap::new() }
    }

    /// Reads a directory with the default [`BeirOptions`].
    ///
    /// The file of the dev split may be called `dev`, `valid`, `validation` or `val`.
    ///
    /// # Errors
    /// If a file is missing or malformed, if an id is unknown or comes twice, if a text is empty,
    /// or if a split has no relevant document: each with file, line and remedy.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_with(path, &BeirOptions::default())
    }

    /// Reads a directory; see [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open), and if an option is out of its range.
    pub fn open_with(path: impl AsRef<Path>, options: &BeirOptions) -> Result<Self, DataError> {
        read::open(path.as_ref(), options)
    }

    /// Judgements of `split`, if the set has it.
    pub fn qrels(&self, split: Split) -> Option<&Qrels> {
        self.splits.get(&split).map(|(qrels, _)| qrels)
    }

    /// Where the judgements of `split` come from; `None` if there are none or they were never on
    /// disk.
    pub fn origin(&self, split: Split) -> Option<SplitOrigin> {
        self.splits.get(&split).and_then(|&(_, origin)| origin)
    }

    /// The splits that the set has, in the order train, dev, test.
    pub fn splits(&self) -> impl Iterator<Item = Split> + '_ {
        self.splits.keys().copied()
    }

    /// Sets the judgements of `split`. Their ids are taken as they are.
    pub fn insert(&mut self, split: Split, qrels: Qrels) {
        self.splits.insert(split, (qrels, None));
    }
}
