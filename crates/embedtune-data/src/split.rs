//! Train, dev and test: by query, by group, or by a key of your own.

mod groups;

use std::{collections::HashMap, fmt, str::FromStr};

use embedtune_metrics::Qrels;
use serde::{Deserialize, Serialize};

use crate::{Corpus, DataError, Dataset, Queries, TextHash, beir::copy_judgements};
use groups::Groups;

/// Part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What the model learns from.
    Train,
    /// What chooses checkpoints and settings.
    Dev,
    /// What is reported, looked at once.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        })
    }
}

impl FromStr for Split {
    type Err = DataError;

    /// Parses `train`, `test`, or `dev` and its other names `valid`, `validation`, `val`.
    fn from_str(name: &str) -> Result<Self, DataError> {
        match name {
            "train" => Ok(Self::Train),
            "dev" | "valid" | "validation" | "val" => Ok(Self::Dev),
            "test" => Ok(Self::Test),
            _ => Err(DataError::Setting {
                name: "split",
                value: name.to_owned(),
                expected: "train, dev or test",
            }),
        }
    }
}

/// What must not be cut in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SplitBy {
    /// All rows of a query stay together. Documents may be relevant on both sides.
    Query,
    /// Queries that share a relevant document, directly or through others, stay together: no
    /// relevant document of the test split is one of the training split.
    Group,
}

/// How to split. Which part something goes to depends on a hash of its text alone, so adding data
/// moves nothing (but may join two groups into one).
///
/// ```
/// use embedtune_data::{Split, SplitConfig};
///
/// # fn main() -> Result<(), embedtune_data::DataError> {
/// let config = SplitConfig::default().with_dev(0.1).with_test(0.2);
/// let crates = ["serde", "regex", "rayon", "tracing", "clap", "anyhow"];
/// let test: Vec<_> = crates.iter().filter(|name| config.of_key(name) == Split::Test).collect();
/// # assert!(test.len() < crates.len());
/// # config.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SplitConfig {
    /// Fraction that goes to dev.
    pub dev: f64,
    /// Fraction that goes to test. Twice as large as dev, as it has to prove a gain.
    pub test: f64,
    /// What stays together. Groups, as a gain on documents seen in training proves little.
    pub by: SplitBy,
    /// Another number gives another split.
    pub seed: u64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { dev: 0.1, test: 0.2, by: SplitBy::Group, seed: 42 }
    }
}

impl SplitConfig {
    /// Sets [`dev`](Self::dev).
    pub fn with_dev(mut self, dev: f64) -> Self {
        self.dev = dev;
        self
    }

    /// Sets [`test`](Self::test).
    pub fn with_test(mut self, test: f64) -> Self {
        self.test = test;
        self
    }

    /// Sets [`by`](Self::by).
    pub fn with_by(mut self, by: SplitBy) -> Self {
        self.by = by;
        self
    }

    /// Sets [`seed`](Self::seed).
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks the fractions.
    ///
    /// # Errors
    /// If one is not in `[0, 1)`, or both together leave nothing for training.
    pub fn check(&self) -> Result<(), DataError> {
        check_fraction("dev", self.dev)?;
        check_fraction("test", self.test)?;
        check_fraction("dev + test", self.dev + self.test)
    }

    /// The part that everything with this key goes to: a crate, a customer, a source document.
    pub fn of_key(&self, key: &str) -> Split {
        self.of_hash(TextHash::of(key))
    }

    fn of_hash(&self, hash: TextHash) -> Split {
        let at = unit_hash(hash, &format!("split {}", self.seed));
        if at < self.test {
            Split::Test
        } else if at < self.test + self.dev {
            Split::Dev
        } else {
            Split::Train
        }
    }

    /// The part of a group that holds `share` of everything. A group too large for dev or test
    /// would make that part larger than asked for, so it is trained on.
    fn of_group(&self, name: TextHash, share: f64) -> Split {
        match self.of_hash(name) {
            Split::Dev if share > self.dev => Split::Train,
            Split::Test if share > self.test => Split::Train,
            split => split,
        }
    }
}

/// The rows of a dataset in three parts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SplitDataset {
    /// To learn from.
    pub train: Dataset,
    /// To choose by.
    pub dev: Dataset,
    /// To report.
    pub test: Dataset,
}

/// Splits rows as `config` says: by their anchor, or by groups of rows that share an anchor or a
/// positive. Negatives join nothing.
///
/// # Errors
/// If the fractions are out of range.
pub fn split_dataset(dataset: &Dataset, config: &SplitConfig) -> Result<SplitDataset, DataError> {
    config.check()?;
    let hash = |text| dataset.texts.hash(text);
    if config.by == SplitBy::Query {
        return Ok(divide(dataset, |row| config.of_hash(hash(dataset.rows[row].anchor))));
    }
    let mut groups = Groups::new((0..dataset.texts.len() as u32).map(hash).collect());
    for row in &dataset.rows {
        groups.join(row.anchor, row.positive);
    }
    let of_row: Vec<u32> = dataset.rows.iter().map(|row| groups.find(row.anchor)).collect();
    let splits = place_groups(&groups, &of_row, config);
    Ok(divide(dataset, |row| splits[&of_row[row]]))
}

/// Splits rows by a key of each: all rows of a key go to the same part.
///
/// # Errors
/// If the fractions are out of range, or there is not one key for each row.
pub fn split_dataset_by_key(
    dataset: &Dataset,
    keys: &[impl AsRef<str>],
    config: &SplitConfig,
) -> Result<SplitDataset, DataError> {
    config.check()?;
    if keys.len() != dataset.len() {
        return Err(DataError::Setting {
            name: "number of keys",
            value: keys.len().to_string(),
            expected: "one key for each row",
        });
    }
    Ok(divide(dataset, |row| config.of_key(keys[row].as_ref())))
}

/// Splits the queries of `qrels` as `config` says: by the text of the query, or by groups of
/// queries that share their text or a relevant document (by id or by text).
///
/// Parts without a query are left out of the result.
///
/// # Errors
/// If the fractions are out of range, or the judgements name an unknown query or document.
pub fn split_qrels(
    corpus: &Corpus,
    queries: &Queries,
    qrels: &Qrels,
    config: &SplitConfig,
) -> Result<Vec<(Split, Qrels)>, DataError> {
    let pairs = Dataset::of_relevant(corpus, queries, qrels)?;
    config.check()?;
    let mut groups =
        Groups::new((0..pairs.texts.len() as u32).map(|text| pairs.texts.hash(text)).collect());
    if config.by == SplitBy::Group {
        for (anchor, document) in pairs.known_pairs() {
            groups.join(anchor, document);
        }
    }
    let mut group_of_query = Vec::new();
    for query in qrels.query_ids() {
        let text = queries.find(query).map(|number| queries.texts()[number as usize].as_str());
        let text = text.and_then(|text| pairs.texts.find(text));
        group_of_query.push(groups.find(text.expect("the texts of all judged queries are there")));
    }
    let splits = place_groups(&groups, &group_of_query, config);
    let mut parts = [Split::Train, Split::Dev, Split::Test].map(|split| (split, Qrels::new()));
    for ((query, judgements), group) in qrels.iter().zip(group_of_query) {
        copy_judgements(&mut parts[splits[&group] as usize].1, query, judgements);
    }
    Ok(parts.into_iter().filter(|(_, qrels)| !qrels.is_empty()).collect())
}

/// The part of each group, given the group of every item.
fn place_groups(groups: &Groups, of_item: &[u32], config: &SplitConfig) -> HashMap<u32, Split> {
    let mut sizes: HashMap<u32, usize> = HashMap::new();
    for &group in of_item {
        *sizes.entry(group).or_default() += 1;
    }
    let share = |size| size as f64 / of_item.len() as f64;
    sizes
        .into_iter()
        .map(|(group, size)| (group, config.of_group(groups.name(group), share(size))))
        .collect()
}

fn divide(dataset: &Dataset, split_of: impl Fn(usize) -> Split) -> SplitDataset {
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for row in 0..dataset.len() {
        rows[split_of(row) as usize].push(row as u32);
    }
    let part =
        |split: Split| dataset.subset(format!("{} ({split})", dataset.name), &rows[split as usize]);
    SplitDataset { train: part(Split::Train), dev: part(Split::Dev), test: part(Split::Test) }
}

pub(crate) fn check_fraction(name: &'static str, value: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    let expected = "a fraction from 0 up to, but not, 1";
    Err(DataError::Setting { name, value: value.to_string(), expected })
}

/// A number in `[0, 1)` that depends on `hash` and `salt` alone. Different salts give independent
/// numbers: what one split left in training must not decide about the next cut.
pub(crate) fn unit_hash(hash: TextHash, salt: &str) -> f64 {
    let mixed = TextHash::of(&format!("{hash} {salt}")).0 as u64;
    (mixed >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}
