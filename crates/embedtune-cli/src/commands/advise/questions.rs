//! Which queries judge what: test, held out, and those that short runs learn from.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, SeededRng, Split, SplitBy, SplitConfig, TextHash, split_qrels};
use embedtune_metrics::Qrels;

use super::budget::HELD_OUT_QUERIES;

/// Largest part of the training queries that is held out where the dev split is small.
const MOST_HELD_OUT: f64 = 0.4;
/// Share of the test queries with a relevant document from training above which the held-out
/// queries may have such documents too.
const SHARED_DOCUMENTS: f64 = 0.1;

/// The judgements by what they are for. No query is in two of them.
#[derive(Debug)]
pub(super) struct Questions {
    pub(super) test: Qrels,
    pub(super) held_out: Qrels,
    /// What short runs learn from.
    pub(super) train: Qrels,
    /// Remarks, a sentence each.
    pub(super) notes: Vec<String>,
}

impl Questions {
    /// The test split as it is; the dev split held out, filled up from train where it is small.
    pub(super) fn new(data: &BeirData, seed: u64) -> Result<Self> {
        let split = |split: Split| {
            data.qrels(split).with_context(|| {
                format!("{}: no qrels/{split}.tsv; `embedtune prepare` makes the splits", data.name)
            })
        };
        let (all_train, test) = (split(Split::Train)?, answerable(split(Split::Test)?)?);
        let dev = data.qrels(Split::Dev).map(answerable).transpose()?.unwrap_or_default();
        if test.is_empty() {
            bail!("{}: no query of the test split has a relevant document", data.name);
        }
        let (train, cut, mut notes) = cut(data, all_train, &test, dev.len(), seed)?;
        if !cut.is_empty() {
            notes.push(format!(
                "short runs are judged on {} dev queries and {} that were cut from train",
                dev.len(),
                cut.len()
            ));
        }
        let mut held_out = dev;
        copy(&cut, cut.query_ids(), &mut held_out)?;
        Ok(Self { test, held_out, train, notes })
    }

    /// The same with at most so many queries to ask, chosen by hash.
    pub(super) fn limit(&mut self, test: usize, held_out: usize, seed: u64) -> Result<()> {
        self.test = first_by_hash(&self.test, test, seed)?;
        self.held_out = first_by_hash(&self.held_out, held_out, seed)?;
        Ok(())
    }
}

/// Training queries that stay, and those that are held out beside `dev` ones.
fn cut(
    data: &BeirData,
    train: &Qrels,
    test: &Qrels,
    dev: usize,
    seed: u64,
) -> Result<(Qrels, Qrels, Vec<String>)> {
    let wanted = HELD_OUT_QUERIES.saturating_sub(dev) as f64;
    let fraction = (wanted / train.len() as f64).min(MOST_HELD_OUT);
    if fraction == 0.0 {
        return Ok((train.clone(), Qrels::new(), Vec::new()));
    }
    // Held-out queries should be to training what test queries are.
    let apart = shared(train, test) <= SHARED_DOCUMENTS;
    let attempts: &[SplitBy] =
        if apart { &[SplitBy::Group, SplitBy::Query] } else { &[SplitBy::Query] };
    let mut notes = Vec::new();
    for &by in attempts {
        let config =
            SplitConfig::default().with_dev(fraction).with_test(0.0).with_by(by).with_seed(seed);
        let [mut kept, mut held_out] = [Qrels::new(), Qrels::new()];
        for (split, qrels) in split_qrels(&data.corpus, &data.queries, train, &config)? {
            match split {
                Split::Train => kept = qrels,
                _ => held_out = answerable(&qrels)?,
            }
        }
        // Groups cannot always be cut as asked: one may hold nearly all queries.
        let enough = held_out.len() as f64 >= 0.5 * fraction * train.len() as f64;
        if enough || by == SplitBy::Query {
            return Ok((kept, held_out, notes));
        }
        notes.push(
            "the training queries hang together by their documents, so held-out queries share \
             some with them, and the predicted gain may be too high"
                .to_owned(),
        );
    }
    Ok((train.clone(), Qrels::new(), notes))
}

/// Share of the test queries with a relevant document that is relevant in training too.
fn shared(train: &Qrels, test: &Qrels) -> f64 {
    let known: BTreeSet<&str> = train.query_ids().flat_map(|id| train.relevant(id)).collect();
    let shares = |id: &&str| test.relevant(id).any(|document| known.contains(document));
    test.query_ids().filter(shares).count() as f64 / test.len() as f64
}

/// Queries with a relevant document.
fn answerable(qrels: &Qrels) -> Result<Qrels> {
    let mut kept = Qrels::new();
    let ids = qrels.query_ids().filter(|id| qrels.relevant(id).next().is_some());
    copy(qrels, ids, &mut kept)?;
    Ok(kept)
}

fn first_by_hash(qrels: &Qrels, count: usize, seed: u64) -> Result<Qrels> {
    let key = |id: &str| SeededRng::derive(seed, &[TextHash::of(id).0 as u64]).next_u64();
    let mut ids: Vec<&str> = qrels.query_ids().collect();
    ids.sort_by_cached_key(|id| key(id));
    let mut kept = Qrels::new();
    copy(qrels, ids.into_iter().take(count), &mut kept)?;
    Ok(kept)
}

fn copy<'a>(from: &Qrels, ids: impl Iterator<Item = &'a str>, to: &mut Qrels) -> Result<()> {
    for id in ids {
        for (document, &grade) in from.judgements(id).into_iter().flatten() {
            to.insert(id, document, grade)?;
        }
    }
    Ok(())
}

/// (query, relevant document) pairs.
pub(super) fn pairs(qrels: &Qrels) -> usize {
    qrels.query_ids().map(|id| qrels.relevant(id).count()).sum()
}

#[cfg(test)]
mod tests {
    use embedtune_data::{Corpus, Document, Queries};

    use super::*;

    /// Query `n` is answered by document `n / together`; every fifth query is of the test split,
    /// and `dev` of the others are held out by the data itself.
    fn data(queries: usize, dev: usize, together: usize) -> BeirData {
        let (mut corpus, mut asked) = (Corpus::new(), Queries::new());
        let mut splits = [Qrels::new(), Qrels::new(), Qrels::new()];
        let mut left = dev;
        for number in 0..queries {
            let document = format!("d{}", number / together);
            let text = format!("text of {document}");
            corpus.push(Document { id: document.clone(), text, ..Document::default() });
            asked.push(format!("q{number}"), format!("query {number}"));
            let split = match number % 5 {
                0 => 2,
                _ if left > 0 => {
                    left -= 1;
                    1
                }
                _ => 0,
            };
            splits[split].insert(&format!("q{number}"), &document, 1).unwrap();
        }
        let mut data = BeirData::new("x", corpus, asked);
        for (split, qrels) in [Split::Train, Split::Dev, Split::Test].into_iter().zip(splits) {
            if !qrels.is_empty() {
                data.insert(split, qrels);
            }
        }
        data
    }

    #[test]
    fn no_query_is_for_two_things() {
        for (dev, together) in [(0, 1), (30, 1), (0, 3), (0, 1000)] {
            let it = Questions::new(&data(300, dev, together), 1).unwrap();
            let parts = [&it.test, &it.held_out, &it.train];
            let ids: BTreeSet<&str> = parts.iter().flat_map(|qrels| qrels.query_ids()).collect();
            assert_eq!(ids.len(), 300);
            assert_eq!(parts.iter().map(|qrels| qrels.len()).sum::<usize>(), 300);
            let share = (it.held_out.len() - dev) as f64 / (240 - dev) as f64;
            assert!((0.25..0.55).contains(&share), "{dev} {together}: {share}");
        }
    }

    #[test]
    fn a_large_dev_split_is_enough() {
        let it = Questions::new(&data(2_000, 600, 1), 1).unwrap();
        assert_eq!((it.held_out.len(), it.train.len()), (600, 1_000));
        assert!(it.notes.is_empty());
    }

    #[test]
    fn held_out_documents_are_new_where_those_of_the_test_split_are() {
        let documents = |qrels: &Qrels| -> BTreeSet<String> {
            qrels.query_ids().flat_map(|id| qrels.relevant(id)).map(str::to_owned).collect()
        };
        let data = data(300, 0, 1);
        let it = Questions::new(&data, 1).unwrap();
        assert!(documents(&it.held_out).is_disjoint(&documents(&it.train)));
    }

    #[test]
    fn a_limit_keeps_the_first_by_hash() {
        let mut it = Questions::new(&data(300, 30, 1), 1).unwrap();
        let all: BTreeSet<String> = it.test.query_ids().map(str::to_owned).collect();
        it.limit(20, 10, 1).unwrap();
        assert_eq!((it.test.len(), it.held_out.len()), (20, 10));
        assert!(it.test.query_ids().all(|id| all.contains(id)));
    }

    #[test]
    fn both_splits_must_be_there() {
        let error = Questions::new(&BeirData::new("x", Corpus::new(), Queries::new()), 1);
        assert!(format!("{:#}", error.unwrap_err()).contains("no qrels/train.tsv"));
    }
}
