//! What holds for any input, against a naive miner that scores every pair.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use embedtune_data::{Corpus, Document, Embeddings, Fingerprint};
use embedtune_index::{HnswConfig, IndexConfig, Vectors};
use embedtune_mining::{
    MinedNegatives, MinedQuery, Miner, MiningConfig, MiningCorpus, Sampling, TrainQueries,
};
use embedtune_testkit::normal;
use proptest::prelude::*;

const DIM: usize = 5;

/// Texts repeat, so that copies are the rule; a vector belongs to its text.
#[derive(Debug, Clone)]
struct Case {
    documents: Vec<u8>,
    /// Text and positives of each query.
    queries: Vec<(u8, Vec<u32>)>,
}

fn case() -> impl Strategy<Value = Case> {
    prop::collection::vec(0u8..40, 1..60).prop_flat_map(|documents| {
        let positives = prop::collection::vec(0..documents.len() as u32, 1..4);
        let queries = prop::collection::vec((0u8..12, positives), 1..10);
        queries.prop_map(move |queries| Case { documents: documents.clone(), queries })
    })
}

fn config() -> impl Strategy<Value = MiningConfig> {
    let margin = || prop::option::of(0f32..0.5);
    let score = || prop::option::of(-0.8f32..0.8);
    (margin(), margin(), score(), score(), 1usize..5, 1usize..12, 0usize..3).prop_map(
        |(absolute, relative, max, min, per_positive, window, range_min)| {
            MiningConfig::default()
                .with_absolute_margin(absolute)
                .with_relative_margin(relative)
                .with_max_score(max)
                .with_min_score(min)
                .with_per_positive(per_positive)
                .with_range_min(range_min)
                .with_top_k(range_min + per_positive.max(window))
        },
    )
}

fn unit(seed: u64) -> Vec<f32> {
    let vector = normal(seed, DIM);
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.iter().map(|value| (value / length) as f32).collect()
}

fn query_vector(text: u8) -> Vec<f32> {
    unit(1000 + u64::from(text))
}

fn document_vector(text: u8) -> Vec<f32> {
    unit(u64::from(text))
}

fn mine(case: &Case, config: &MiningConfig) -> MinedNegatives {
    let mut corpus = Corpus::new();
    for (number, text) in case.documents.iter().enumerate() {
        let (id, text) = (format!("d{number}"), format!("document {text}"));
        corpus.push(Document { id, text, ..Document::default() });
    }
    let ids: Vec<String> = (0..case.queries.len()).map(|query| format!("q{query}")).collect();
    let texts: Vec<String> = case.queries.iter().map(|(text, _)| format!("query {text}")).collect();
    let positives: Vec<Vec<u32>> = case.queries.iter().map(|(_, p)| p.clone()).collect();
    let rows = |vectors: Vec<Vec<f32>>| Embeddings::new(DIM, vectors.concat());
    let queries = rows(case.queries.iter().map(|(text, _)| query_vector(*text)).collect());
    let documents = rows(case.documents.iter().map(|&text| document_vector(text)).collect());
    let model = Fingerprint("properties".into());
    let miner = Miner::new(config.clone()).unwrap();
    let train = TrainQueries {
        ids: &ids,
        texts: &texts,
        vectors: Vectors::of(&queries, &model),
        positives: &positives,
    };
    let documents = MiningCorpus { corpus: &corpus, vectors: Vectors::of(&documents, &model) };
    miner.mine(train, documents).unwrap()
}

fn score(query: u8, document: u8) -> f64 {
    let pairs = query_vector(query).into_iter().zip(document_vector(document));
    pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
}

/// Texts of everything relevant to queries with this text.
fn relevant(case: &Case, query: u8) -> BTreeSet<u8> {
    let same = case.queries.iter().filter(|(text, _)| *text == query);
    same.flat_map(|(_, positives)| positives.iter().map(|&p| case.documents[p as usize])).collect()
}

/// Texts and scores of the negatives of one query, by the definition of each setting.
fn naive(case: &Case, query: u8, config: &MiningConfig) -> Vec<(u8, f64)> {
    let relevant = relevant(case, query);
    let lowest = relevant.iter().map(|&text| score(query, text)).fold(f64::INFINITY, f64::min);
    let distinct: BTreeMap<u8, f64> =
        case.documents.iter().map(|&text| (text, score(query, text))).collect();
    let mut ranked: Vec<(u8, f64)> = distinct.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(config.top_k + relevant.len());
    ranked.retain(|(text, score)| {
        let wide = |x: Option<f32>| x.map(f64::from);
        !relevant.contains(text)
            && wide(config.absolute_margin).is_none_or(|m| score + m <= lowest)
            && wide(config.relative_margin).is_none_or(|m| *score <= lowest - lowest.abs() * m)
            && wide(config.max_score).is_none_or(|most| *score <= most)
            && wide(config.min_score).is_none_or(|least| *score >= least)
    });
    let kept = ranked.into_iter().take(config.top_k).skip(config.range_min);
    kept.take(config.per_positive).collect()
}

fn text_of(case: &Case, id: &str) -> u8 {
    case.documents[id[1..].parse::<usize>().unwrap()]
}

/// No positive, no copy of one, no text twice, nothing above the margins.
fn assert_sound(case: &Case, mined: &MinedQuery, query: u8, config: &MiningConfig) {
    let relevant = relevant(case, query);
    let lowest = relevant.iter().map(|&text| score(query, text)).fold(f64::INFINITY, f64::min);
    let texts: Vec<u8> = mined.negative_ids.iter().map(|id| text_of(case, id)).collect();
    assert!(texts.len() <= config.per_positive);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "a text came twice");
    assert_eq!(mined.negative_scores.len(), texts.len());
    for (&text, &found) in texts.iter().zip(&mined.negative_scores) {
        assert!(!relevant.contains(&text), "a positive, or a copy of one, came as a negative");
        let exact = score(query, text);
        assert!((f64::from(found) - exact).abs() < 1e-6);
        if let Some(margin) = config.relative_margin {
            assert!(exact <= lowest - lowest.abs() * f64::from(margin) + 1e-6);
        }
        if let Some(margin) = config.absolute_margin {
            assert!(exact + f64::from(margin) <= lowest + 1e-6);
        }
    }
}

fn hnsw() -> IndexConfig {
    IndexConfig::Hnsw(HnswConfig::default())
}

proptest! {
    #[test]
    fn equals_the_definition(case in case(), config in config()) {
        let mined = mine(&case, &config);
        for (mined, (query, _)) in mined.queries.iter().zip(&case.queries) {
            assert_sound(&case, mined, *query, &config);
            let found: Vec<u8> = mined.negative_ids.iter().map(|id| text_of(&case, id)).collect();
            let expected: Vec<u8> = naive(&case, *query, &config).iter().map(|(t, _)| *t).collect();
            prop_assert_eq!(found, expected);
        }
        let stats = mined.stats;
        let counts: Vec<usize> = mined.queries.iter().map(|q| q.negative_ids.len()).collect();
        prop_assert_eq!(stats.queries, counts.len());
        prop_assert_eq!(stats.negatives, counts.iter().sum::<usize>());
        prop_assert_eq!(stats.empty_queries, counts.iter().filter(|&&count| count == 0).count());
        let short = counts.iter().filter(|&&count| count < config.per_positive).count();
        prop_assert_eq!(stats.short_queries, short);
        prop_assert!(stats.rejected() <= stats.candidates);
    }

    #[test]
    fn is_sound_repeatable_and_blind_to_the_order_of_queries(
        case in case(),
        config in config(),
        random_fraction in 0f32..=1.0,
        sampling in prop::sample::select(vec![Sampling::Top, Sampling::Random]),
        seed in any::<u64>(),
        index in prop::sample::select(vec![IndexConfig::Auto, hnsw()]),
    ) {
        let config = config
            .with_random_fraction(random_fraction)
            .with_sampling(sampling)
            .with_seed(seed)
            .with_index(index);
        let mined = mine(&case, &config);
        prop_assert_eq!(&mined, &mine(&case, &config));
        for (mined, (query, _)) in mined.queries.iter().zip(&case.queries) {
            assert_sound(&case, mined, *query, &config);
        }
        let mut reversed = case.clone();
        reversed.queries.reverse();
        let again = mine(&reversed, &config);
        for (mined, again) in mined.queries.iter().zip(again.queries.iter().rev()) {
            prop_assert_eq!(&mined.negative_ids, &again.negative_ids);
        }
    }
}

#[test]
fn another_seed_is_another_sample() {
    let case =
        Case { documents: (0..40).collect(), queries: (0..12).map(|q| (q, vec![0])).collect() };
    let config = MiningConfig::default().with_relative_margin(None).with_sampling(Sampling::Random);
    let ids = |seed| {
        let mined = mine(&case, &config.clone().with_seed(seed));
        mined.queries.into_iter().map(|query| query.negative_ids).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}
