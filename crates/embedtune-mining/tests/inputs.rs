//! Files, bad input, and mining straight from texts.

#![allow(clippy::unwrap_used)]

use std::fs;

use embedtune_data::{Corpus, Document, Embed, Embeddings, Fingerprint, Queries, Role};
use embedtune_index::{EmbeddingStore, IndexError, Vectors};
use embedtune_metrics::Qrels;
use embedtune_mining::{
    MinedNegatives, Miner, MiningConfig, MiningCorpus, MiningError, TrainQueries,
};
use embedtune_testkit::{HashEmbed, temp_dir};

fn corpus() -> Corpus {
    let mut corpus = Corpus::new();
    for (id, text) in [
        ("cats", "cats purr and sleep"),
        ("copy", "cats purr and sleep"),
        ("lions", "lions roar and sleep"),
        ("cars", "cars need fuel"),
        ("bread", "bread needs flour"),
    ] {
        corpus.push(Document { id: id.into(), text: text.into(), ..Document::default() });
    }
    corpus
}

fn queries() -> Queries {
    let mut queries = Queries::new();
    queries.push("q1", "do cats purr and sleep");
    queries.push("q2", "what do cars need");
    queries.push("q3", "never judged");
    queries
}

fn qrels(labels: &[(&str, &str, i32)]) -> Qrels {
    let mut qrels = Qrels::new();
    labels
        .iter()
        .for_each(|(query, document, grade)| qrels.insert(query, document, *grade).unwrap());
    qrels
}

fn mined() -> MinedNegatives {
    let labels = qrels(&[("q1", "cats", 1), ("q1", "bread", 0), ("q2", "cars", 2)]);
    let config = MiningConfig::default().with_relative_margin(None).with_per_positive(2);
    let miner = Miner::new(config).unwrap();
    miner.mine_with(&HashEmbed::new(64, 1), &corpus(), &queries(), &labels, None).unwrap()
}

#[test]
fn mines_from_texts_with_a_store() {
    let mined = mined();
    let ids: Vec<&str> = mined.queries.iter().map(|query| query.query_id.as_str()).collect();
    assert_eq!(ids, ["q1", "q2"]);
    assert_eq!(mined.queries[0].positive_ids, ["cats"]);
    assert_eq!(mined.queries[0].negative_ids[0], "lions");
    assert!(!mined.queries[0].negative_ids.contains(&"copy".to_owned()));
    assert_eq!(mined.by_query()["q1"], mined.queries[0].negative_ids);

    let (folder, model) = (temp_dir(), HashEmbed::new(64, 1));
    let labels = qrels(&[("q1", "cats", 1), ("q2", "cars", 2)]);
    for _ in 0..2 {
        let mut store =
            EmbeddingStore::open(folder.path(), &model.fingerprint(), 64, Role::Document).unwrap();
        let miner = Miner::new(mined.config.clone()).unwrap();
        let stored =
            miner.mine_with(&model, &corpus(), &queries(), &labels, Some(&mut store)).unwrap();
        assert_eq!(stored.queries, mined.queries);
    }
    // Four distinct documents once, two queries twice.
    assert_eq!(model.texts(), 4 + 2 + 2);
}

#[test]
fn labels_must_fit_the_data() {
    let miner = Miner::new(MiningConfig::default()).unwrap();
    let mine = |labels: &[(&str, &str, i32)]| {
        let model = HashEmbed::new(8, 1);
        miner.mine_with(&model, &corpus(), &queries(), &qrels(labels), None).unwrap_err()
    };
    let error = mine(&[("q1", "dogs", 1)]);
    assert!(matches!(error, MiningError::UnknownId { what: "document", .. }), "{error}");
    let error = mine(&[("q9", "cats", 1)]);
    assert!(matches!(error, MiningError::UnknownId { what: "query", .. }), "{error}");
    let error = mine(&[("q1", "cats", 0)]);
    assert!(matches!(error, MiningError::NothingToMine), "{error}");
}

#[test]
fn a_file_comes_back_as_it_was() {
    let (folder, mined) = (temp_dir(), mined());
    let path = folder.path().join("negatives.jsonl");
    mined.write(&path).unwrap();
    assert_eq!(MinedNegatives::read(&path).unwrap(), mined);
    mined.write(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1 + mined.queries.len());
    let error = mined.write(folder.path().join("nowhere/negatives.jsonl")).unwrap_err();
    assert!(error.to_string().contains("negatives.jsonl"), "{error}");
}

#[test]
fn a_bad_file_is_refused_with_its_line() {
    let (folder, mined) = (temp_dir(), mined());
    let path = folder.path().join("negatives.jsonl");
    mined.write(&path).unwrap();
    let sound = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    let message = |text: String| {
        fs::write(&path, text).unwrap();
        let message = MinedNegatives::read(&path).unwrap_err().to_string();
        assert!(message.contains("negatives.jsonl"), "{message}");
        message
    };
    assert!(message(String::new()).contains("line 1: empty"));
    assert!(message(lines[1..].join("\n")).contains("line 1: missing field `format`"));
    let cut = format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..20]);
    assert!(message(cut).contains("line 3"));
    assert!(
        message(format!("{}\n\n{}\n{}", lines[0], lines[1], lines[1]))
            .contains("line 4: query `q1`")
    );
    assert!(
        message(sound.replacen("negatives-1", "negatives-9", 1)).contains("embedtune-negatives-9")
    );
    let uneven = lines[1].replacen("\"negative_scores\":[", "\"negative_scores\":[0.5,", 1);
    assert!(message(format!("{}\n{uneven}", lines[0])).contains("2 negatives and 3 scores"));
    assert!(MinedNegatives::read(folder.path().join("none.jsonl")).is_err());
}

#[test]
fn inputs_must_fit_together() {
    let corpus = corpus();
    let model = Fingerprint("a".into());
    let documents = Embeddings::new(1, vec![0.1, 0.1, 0.2, 0.3, 0.4]);
    let query = Embeddings::new(1, vec![1.0]);
    let (ids, texts) = (["q".to_owned()], ["text".to_owned()]);
    let miner = Miner::new(MiningConfig::default()).unwrap();
    let mine = |positives: &[Vec<u32>], fingerprint: &Fingerprint| {
        let vectors = Vectors::of(&query, fingerprint);
        let train = TrainQueries { ids: &ids, texts: &texts, vectors, positives };
        let documents = MiningCorpus { corpus: &corpus, vectors: Vectors::of(&documents, &model) };
        miner.mine(train, documents)
    };
    assert!(mine(&[vec![4]], &model).is_ok());
    let error = mine(&[], &model).unwrap_err();
    assert!(matches!(error, MiningError::Count { what: "lists of positives", .. }), "{error}");
    let error = mine(&[vec![]], &model).unwrap_err();
    assert!(matches!(error, MiningError::NoPositive { .. }), "{error}");
    let error = mine(&[vec![5]], &model).unwrap_err();
    assert!(matches!(error, MiningError::UnknownPositive { document: 5, .. }), "{error}");
    let error = mine(&[vec![0]], &Fingerprint("b".into())).unwrap_err();
    assert!(matches!(error, MiningError::Index(IndexError::Fingerprint { .. })), "{error}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let config = MiningConfig::default;
    for (field, config) in [
        ("top_k", config().with_top_k(0)),
        ("per_positive", config().with_per_positive(0)),
        ("per_positive", config().with_top_k(2)),
        ("range_min", config().with_range_min(50)),
        ("relative_margin", config().with_relative_margin(Some(-0.1))),
        ("absolute_margin", config().with_absolute_margin(Some(f32::NAN))),
        ("max_score", config().with_max_score(Some(f32::INFINITY))),
        ("random_fraction", config().with_random_fraction(1.5)),
    ] {
        let error = Miner::new(config).unwrap_err();
        assert!(matches!(error, MiningError::Config { field: f, .. } if f == field), "{error}");
    }
}
