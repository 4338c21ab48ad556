//! The quickstart's data: the documentation of the Rust crates that this program was built from,
//! which every machine that built it has.
//!
//! A query is the first sentence of an item's documentation; its relevant document is the item's
//! path, its signature and the rest of the documentation, with that sentence removed. Whole
//! families of crates (`clap`, `clap_builder`, …) go to one split, so that the test split asks
//! about crates that training never saw.

mod docs;
mod scan;
mod sources;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    path::Path,
};

use anyhow::{Context, Result, bail};
use embedtune_data::{
    BeirData, Corpus, Document, Queries, Split, SplitConfig, TextHash, write_beir,
};
use embedtune_metrics::Qrels;

use sources::CrateSource;

/// Longest remaining documentation of a document, in bytes: more is beyond what the quickstart's
/// time allows to encode.
const MAX_REST_BYTES: usize = 200;
/// Longest declaration in a document, in bytes; generic ones go on for pages.
const MAX_SIGNATURE_BYTES: usize = 120;

/// A query with its relevant document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Name of the crate's family.
    family: String,
    query: String,
    document: Document,
}

/// Queries in each split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SplitSizes {
    pub(crate) train: usize,
    pub(crate) dev: usize,
    pub(crate) test: usize,
}

/// Everything that was found, before it is cut to size.
#[derive(Debug)]
pub(crate) struct RustdocCorpus {
    /// Entries of each split in the order in which they are taken: crates take turns.
    splits: BTreeMap<Split, Vec<Entry>>,
    crates: usize,
}

impl RustdocCorpus {
    /// Reads the sources that cargo keeps on this machine.
    pub(crate) fn collect() -> Result<Self> {
        Self::from_sources(&sources::find()?)
    }

    fn from_sources(sources: &[CrateSource]) -> Result<Self> {
        let mut entries: Vec<Entry> = sources.iter().flat_map(entries_of).collect();
        deduplicate(&mut entries);
        let config = SplitConfig::default().with_dev(0.1).with_test(0.3);
        let mut by_split: BTreeMap<Split, BTreeMap<String, VecDeque<Entry>>> = BTreeMap::new();
        for entry in entries {
            let families = by_split.entry(config.of_key(&entry.family)).or_default();
            families.entry(entry.family.clone()).or_default().push_back(entry);
        }
        for split in [Split::Train, Split::Dev, Split::Test] {
            if !by_split.contains_key(&split) {
                bail!(
                    "only {} crates with documentation are on this machine, too few for a {split} \
                     split; give your own data with --data DIR",
                    sources.len()
                );
            }
        }
        let splits = by_split.into_iter().map(|(split, families)| (split, take_turns(families)));
        Ok(Self { splits: splits.collect(), crates: sources.len() })
    }

    /// Number of crates whose sources were found.
    pub(crate) fn crates(&self) -> usize {
        self.crates
    }

    /// Number of entries in each split.
    pub(crate) fn available(&self) -> SplitSizes {
        let of = |split| self.splits.get(&split).map_or(0, Vec::len);
        SplitSizes { train: of(Split::Train), dev: of(Split::Dev), test: of(Split::Test) }
    }

    /// Up to `count` (query, document) texts of the training split, to measure speed with.
    pub(crate) fn sample(&self, count: usize) -> Vec<(String, String)> {
        let train = self.splits.get(&Split::Train).into_iter().flatten().take(count);
        train.map(|entry| (entry.query.clone(), entry.document.full_text())).collect()
    }

    /// Writes a BEIR directory with at most `sizes` queries to `path` and reads it back.
    pub(crate) fn write(&self, path: &Path, sizes: SplitSizes) -> Result<BeirData> {
        let (mut corpus, mut queries) = (Corpus::new(), Queries::new());
        let mut judgements = Vec::new();
        for (&split, entries) in &self.splits {
            let limit = match split {
                Split::Train => sizes.train,
                Split::Dev => sizes.dev,
                Split::Test => sizes.test,
            };
            let mut qrels = Qrels::new();
            for entry in entries.iter().take(limit) {
                let id = &entry.document.id;
                corpus.push(entry.document.clone());
                queries.push(id, &entry.query);
                qrels.insert(id, id, 1)?;
            }
            judgements.push((split, qrels));
        }
        let judged: Vec<_> = judgements.iter().map(|(split, qrels)| (*split, qrels)).collect();
        write_beir(path, &corpus, &queries, &judged)?;
        BeirData::open(path).with_context(|| path.display().to_string())
    }
}

fn entries_of(source: &CrateSource) -> Vec<Entry> {
    let family = source.name.split(['-', '_']).next().unwrap_or(&source.name).to_owned();
    let mut entries = Vec::new();
    for item in source.items() {
        let Some(docs) = docs::read(&item.docs) else { continue };
        let signature = cut(&item.signature, MAX_SIGNATURE_BYTES);
        let rest = cut(&docs.rest, MAX_REST_BYTES);
        let text = [signature, rest].join(" ").trim().to_owned();
        let document = Document { id: item.path.clone(), title: item.path, text };
        entries.push(Entry { family: family.clone(), query: docs.summary, document });
    }
    // An order that no alphabet decides, and that stays when items come and go.
    entries.sort_by_cached_key(|entry| TextHash::of(&entry.document.id));
    entries
}

/// The longest start of `text` within `bytes` that ends with a word.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].rsplit_once(' ').map_or(&text[..end], |(head, _)| head)
}

/// Keeps one item of a path and one of a text. Sentences that several items begin with tell none
/// of them apart: all of these go.
fn deduplicate(entries: &mut Vec<Entry>) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for entry in entries.iter() {
        *uses.entry(entry.query.to_lowercase()).or_default() += 1;
    }
    let mut seen = HashSet::new();
    entries.retain(|entry| {
        uses[&entry.query.to_lowercase()] == 1
            && seen.insert(entry.document.id.clone())
            && seen.insert(entry.document.text.clone())
    });
}

/// One entry of each family, then a second of each, and so on, so that no large crate dominates.
fn take_turns(mut families: BTreeMap<String, VecDeque<Entry>>) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !families.is_empty() {
        entries.extend(families.values_mut().filter_map(VecDeque::pop_front));
        families.retain(|_, rest| !rest.is_empty());
    }
    entries
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entry(family: &str, id: &str, query: &str, text: &str) -> Entry {
        let document = Document { id: id.into(), title: String::new(), text: text.into() };
        Entry { family: family.into(), query: query.into(), document }
    }

    #[test]
    fn ambiguous_queries_and_repeated_documents_go() {
        let mut entries = vec![
            entry("a", "a::x", "Makes a new list", "1"),
            entry("a", "a::y", "Counts the values", "2"),
            entry("b", "b::x", "makes a new list", "3"),
            entry("b", "b::y", "Sorts the values", "2"),
            entry("a", "a::y", "Counts the other values", "4"),
        ];
        deduplicate(&mut entries);
        let ids: Vec<&str> = entries.iter().map(|entry| entry.document.id.as_str()).collect();
        assert_eq!(ids, ["a::y"]);
    }

    #[test]
    fn crates_take_turns() {
        let mut families: BTreeMap<String, VecDeque<Entry>> = BTreeMap::new();
        for (family, id) in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")] {
            families.entry(family.into()).or_default().push_back(entry(family, id, "", ""));
        }
        let ids: Vec<String> = take_turns(families).into_iter().map(|e| e.document.id).collect();
        assert_eq!(ids, ["a1", "b1", "a2", "a3"]);
    }

    #[test]
    fn no_family_of_crates_is_in_two_splits_and_no_query_gives_itself_away() {
        let registry = tempfile::tempdir().unwrap();
        let mut sources = Vec::new();
        for number in 0..40 {
            for suffix in ["", "-core"] {
                let name = format!("crate{number}{suffix}");
                let path = registry.path().join(&name);
                fs::create_dir_all(path.join("src")).unwrap();
                let text = format!(
                    "/// Does the thing number {number} of {suffix} here. It is good.\n\
                     pub fn thing{number}() {{}}\n"
                );
                fs::write(path.join("src/lib.rs"), text).unwrap();
                sources.push(CrateSource { name, path });
            }
        }
        let corpus = RustdocCorpus::from_sources(&sources).unwrap();
        let mut families: HashMap<&str, Split> = HashMap::new();
        for (&split, entries) in &corpus.splits {
            for entry in entries {
                assert_eq!(*families.entry(&entry.family).or_insert(split), split);
                assert!(!entry.document.full_text().contains(&entry.query));
            }
        }
        let out = registry.path().join("out");
        let data = corpus.write(&out, SplitSizes { train: 5, dev: 1, test: 3 }).unwrap();
        assert_eq!((data.corpus.len(), data.queries.len()), (9, 9));
        assert_eq!(data.qrels(Split::Test).map(Qrels::len), Some(3));
    }
}
