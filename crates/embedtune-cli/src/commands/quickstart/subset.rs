//! The part of a data set that fits the time.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, Corpus, Queries, SeededRng, Split, TextHash};
use embedtune_metrics::Qrels;

use crate::rustdoc_corpus::SplitSizes;

/// Queries in each split of `data`.
pub(super) fn available(data: &BeirData) -> SplitSizes {
    let of = |split| data.qrels(split).map_or(0, Qrels::len);
    SplitSizes { train: of(Split::Train), dev: of(Split::Dev), test: of(Split::Test) }
}

/// Up to `count` pairs of a training query and a relevant document, to measure speed with.
pub(super) fn sample(data: &BeirData, count: usize) -> Result<Vec<(String, String)>> {
    let Some(train) = data.qrels(Split::Train) else {
        bail!("{}: no qrels/train.tsv; `embedtune prepare` makes a training split", data.name);
    };
    let mut pairs = Vec::new();
    for query in train.query_ids().take(count) {
        let document = train.relevant(query).next().and_then(|id| data.corpus.find(id));
        if let (Some(query), Some(document)) = (data.queries.find(query), document) {
            let query = data.queries.texts()[query as usize].clone();
            pairs.push((query, data.corpus.texts()[document as usize].clone()));
        }
    }
    Ok(pairs)
}

/// At most `sizes` queries of each split, all documents judged for them, and others up to
/// `documents`. The choice is by hash, so that it does not depend on the order of the files.
pub(super) fn cut(
    data: &BeirData,
    sizes: SplitSizes,
    documents: usize,
    seed: u64,
) -> Result<BeirData> {
    let mut kept = Vec::new();
    for split in data.splits() {
        let limit = match split {
            Split::Train => sizes.train,
            Split::Dev => sizes.dev,
            Split::Test => sizes.test,
        };
        let qrels = data.qrels(split).context("the split was listed")?;
        kept.push((split, first_by_hash(qrels, limit, seed)?));
    }
    let judged: BTreeSet<&str> = kept
        .iter()
        .flat_map(|(_, qrels)| qrels.iter())
        .flat_map(|(_, judgements)| judgements.keys().map(String::as_str))
        .collect();
    let mut others: Vec<&str> =
        data.corpus.ids().iter().map(String::as_str).filter(|id| !judged.contains(id)).collect();
    others.sort_by_cached_key(|id| key(id, seed));
    others.truncate(documents.saturating_sub(judged.len()));
    let others: BTreeSet<&str> = others.into_iter().collect();

    let (mut corpus, mut queries) = (Corpus::new(), Queries::new());
    for (number, id) in (0..).zip(data.corpus.ids()) {
        if judged.contains(id.as_str()) || others.contains(id.as_str()) {
            corpus.push(data.corpus.document(number));
        }
    }
    let asked: BTreeSet<&str> = kept.iter().flat_map(|(_, qrels)| qrels.query_ids()).collect();
    for (id, text) in data.queries.ids().iter().zip(data.queries.texts()) {
        if asked.contains(id.as_str()) {
            queries.push(id, text);
        }
    }
    let mut cut = BeirData::new(&data.name, corpus, queries);
    kept.into_iter().for_each(|(split, qrels)| cut.insert(split, qrels));
    Ok(cut)
}

fn first_by_hash(qrels: &Qrels, count: usize, seed: u64) -> Result<Qrels> {
    let mut ids: Vec<&str> =
        qrels.query_ids().filter(|id| qrels.relevant(id).next().is_some()).collect();
    ids.sort_by_cached_key(|id| key(id, seed));
    let mut kept = Qrels::new();
    for id in ids.into_iter().take(count) {
        for (document, &grade) in qrels.judgements(id).into_iter().flatten() {
            kept.insert(id, document, grade)?;
        }
    }
    Ok(kept)
}

fn key(id: &str, seed: u64) -> u64 {
    SeededRng::derive(seed, &[TextHash::of(id).0 as u64]).next_u64()
}

#[cfg(test)]
mod tests {
    use embedtune_data::Document;

    use super::*;

    #[test]
    fn judged_documents_stay() {
        let (mut corpus, mut queries) = (Corpus::new(), Queries::new());
        let (mut train, mut test) = (Qrels::new(), Qrels::new());
        for number in 0..20 {
            let id = format!("d{number}");
            corpus.push(Document { id: id.clone(), text: id.clone(), ..Document::default() });
            queries.push(format!("q{number}"), format!("query {number}"));
            let qrels = if number < 10 { &mut train } else { &mut test };
            qrels.insert(&format!("q{number}"), &id, 1).unwrap();
        }
        let mut data = BeirData::new("x", corpus, queries);
        data.insert(Split::Train, train);
        data.insert(Split::Test, test);
        let cut = cut(&data, SplitSizes { train: 3, dev: 0, test: 4 }, 9, 1).unwrap();
        assert_eq!((cut.queries.len(), cut.corpus.len()), (7, 9));
        for split in [Split::Train, Split::Test] {
            for id in cut.qrels(split).unwrap().query_ids() {
                assert!(cut.queries.find(id).is_some());
                assert!(cut.corpus.find(&id.replace('q', "d")).is_some());
            }
        }
    }
}
