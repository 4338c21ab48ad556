//! The evaluator against a naive twin, and what it refuses.

#![allow(clippy::unwrap_used)]

mod support;

use embedtune_data::{Embed, EmbedError, Embeddings, Fingerprint, Queries, Role};
use embedtune_eval::{EvalError, RetrievalConfig, RetrievalEvaluator, SampleConfig};
use embedtune_index::{ExactIndex, IndexError};
use embedtune_metrics::{Measure, Qrels};
use embedtune_testkit::HashEmbed;
use proptest::prelude::*;
use support::{Collection, corpus, qrels, queries};

fn evaluator(collection: Collection, config: RetrievalConfig) -> RetrievalEvaluator {
    let Collection { corpus, queries, qrels } = collection;
    RetrievalEvaluator::new(corpus, &queries, qrels, config).unwrap()
}

#[test]
fn only_judged_queries_are_encoded_in_chunks_and_progress_is_told() {
    let config = RetrievalConfig::default().with_chunk_size(50);
    let evaluator = evaluator(Collection::sixty(), config);
    let model = HashEmbed::new(16, 3);
    let mut steps = Vec::new();
    evaluator.evaluate_with(&model, &mut |it| steps.push((it.role, it.done, it.total))).unwrap();
    assert_eq!(model.texts(), 120 + 60);
    let (documents, queries) = (Role::Document, Role::Query);
    assert_eq!(
        steps,
        [
            (documents, 50, 120),
            (documents, 100, 120),
            (documents, 120, 120),
            (queries, 50, 60),
            (queries, 60, 60)
        ]
    );
}

#[test]
fn the_size_of_the_chunks_changes_nothing() {
    let model = HashEmbed::new(24, 5);
    let whole = evaluator(Collection::sixty(), RetrievalConfig::default());
    let config = RetrievalConfig::default().with_chunk_size(7);
    let chunks = evaluator(Collection::sixty(), config);
    assert_eq!(whole.evaluate(&model).unwrap(), chunks.evaluate(&model).unwrap());
}

#[test]
fn vectors_that_are_there_are_not_encoded_again() {
    let evaluator = evaluator(Collection::sixty(), RetrievalConfig::default());
    let model = HashEmbed::new(16, 3);
    let direct = evaluator.evaluate(&model).unwrap();
    let texts: Vec<&str> = evaluator.corpus().texts().iter().map(String::as_str).collect();
    let vectors = model.embed(&texts, Role::Document).unwrap();
    let index = ExactIndex::new(vectors, model.fingerprint()).unwrap();
    let before = model.texts();
    assert_eq!(evaluator.evaluate_index(&model, &index).unwrap(), direct);
    assert_eq!(model.texts() - before, 60);

    let other = HashEmbed::new(16, 4);
    let refused = evaluator.evaluate_index(&other, &index).unwrap_err();
    assert!(matches!(refused, EvalError::Index(IndexError::Fingerprint { .. })));
    let short = Embeddings::new(16, vec![0.5; 32]);
    let short = ExactIndex::new(short, model.fingerprint()).unwrap();
    let refused = evaluator.evaluate_index(&model, &short).unwrap_err();
    assert!(matches!(refused, EvalError::IndexSize { expected: 120, got: 2 }));
}

#[test]
fn a_document_with_the_id_of_the_query_is_left_out_on_request() {
    let corpus = corpus([("a", "red cat"), ("b", "red cat old"), ("c", "blue dog")]);
    let queries = queries([("a", "red cat")]);
    let judged = qrels([("a", "b", 1)]);
    let measures = [Measure::Success { cutoff: 1.try_into().unwrap() }];
    let success = |exclude| {
        let config = RetrievalConfig::default().with_measures(measures).with_exclude_self(exclude);
        let evaluator =
            RetrievalEvaluator::new(corpus.clone(), &queries, judged.clone(), config).unwrap();
        let evaluation = evaluator.evaluate(&HashEmbed::new(64, 1)).unwrap();
        (evaluation.report.mean(&measures[0]).unwrap(), evaluation.run.scores("a").unwrap().len())
    };
    assert_eq!(success(false), (0.0, 3));
    assert_eq!(success(true), (1.0, 2));
}

#[test]
fn judgements_must_fit_the_collection() {
    let corpus = corpus([("d1", "one"), ("d2", "two")]);
    let queries = queries([("q1", "one"), ("q2", "two")]);
    let new = |judged: &[(&'static str, &'static str, i32)]| {
        let judged = qrels(judged.iter().copied());
        RetrievalEvaluator::new(corpus.clone(), &queries, judged, RetrievalConfig::default())
            .map(|_| ())
            .unwrap_err()
    };
    match new(&[("q1", "d1", 1), ("q1", "d9", 1), ("q2", "d8", 0)]) {
        EvalError::UnknownDocument { query, document, count } => {
            assert_eq!((query.as_str(), document.as_str(), count), ("q1", "d9", 2));
        }
        other => panic!("{other}"),
    }
    match new(&[("q1", "d1", 1), ("q8", "d1", 1), ("q9", "d2", 1)]) {
        EvalError::UnknownQuery { query, count } => assert_eq!((query.as_str(), count), ("q8", 2)),
        other => panic!("{other}"),
    }
    assert!(matches!(new(&[]), EvalError::NoJudgedQuery));
    assert!(matches!(
        new(&[("q1", "d1", 0), ("q2", "d1", -1)]),
        EvalError::NoRelevantDocument { queries: 2, judgements: 2 }
    ));
}

#[test]
fn a_judged_query_without_a_relevant_document_counts_as_zero() {
    let corpus = corpus([("d1", "one"), ("d2", "two")]);
    let queries = queries([("q1", "one"), ("q2", "two")]);
    let judged = qrels([("q1", "d1", 1), ("q2", "d2", 0)]);
    let evaluator =
        RetrievalEvaluator::new(corpus, &queries, judged, RetrievalConfig::default()).unwrap();
    let evaluation = evaluator.evaluate(&HashEmbed::new(32, 1)).unwrap();
    assert_eq!(evaluation.metrics()["ndcg@10"], 0.5);
}

/// Returns vectors that do not fit what it says.
struct Broken {
    stated: usize,
    returned: usize,
    rows: fn(usize) -> usize,
    value: f32,
}

impl Embed for Broken {
    fn embed(&self, texts: &[&str], _role: Role) -> Result<Embeddings, EmbedError> {
        let rows = (self.rows)(texts.len());
        Ok(Embeddings::new(self.returned, vec![self.value; rows * self.returned]))
    }

    fn dim(&self) -> usize {
        self.stated
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint("broken".to_owned())
    }
}

#[test]
fn a_model_that_breaks_its_word_is_refused() {
    let evaluator = evaluator(Collection::sixty(), RetrievalConfig::default());
    let sound = Broken { stated: 4, returned: 4, rows: |n| n, value: 0.5 };
    assert!(evaluator.evaluate(&sound).is_ok());
    let refusal = |model: Broken| evaluator.evaluate(&model).map(|_| ()).unwrap_err();
    assert!(matches!(
        refusal(Broken { returned: 3, ..sound }),
        EvalError::Dimension { expected: 4, got: 3, .. }
    ));
    assert!(matches!(
        refusal(Broken { rows: |n| n - 1, ..sound }),
        EvalError::Rows { expected: 120, got: 119, .. }
    ));
    assert!(matches!(
        refusal(Broken { value: f32::NAN, ..sound }),
        EvalError::Index(IndexError::NotFinite { .. })
    ));
}

#[test]
fn a_sample_keeps_judged_documents_and_says_what_it_is() {
    let whole = evaluator(Collection::sixty(), RetrievalConfig::default());
    let config = SampleConfig::default().with_queries(20).with_documents(50);
    let sample = whole.sample(&config).unwrap();
    let subset = sample.subset().unwrap();
    assert_eq!((subset.queries, subset.of_queries), (20, 60));
    assert_eq!((subset.documents, subset.of_documents), (50, 120));
    for (_, judgements) in sample.qrels().iter() {
        assert!(judgements.keys().all(|document| sample.corpus().find(document).is_some()));
    }
    let number = sample.corpus().find("d1").unwrap();
    assert_eq!(sample.corpus().document(number).title, "title 1");

    let model = HashEmbed::new(16, 3);
    let evaluation = sample.evaluate(&model).unwrap();
    assert_eq!(evaluation.subset, Some(subset));
    assert_eq!(evaluation, whole.sample(&config).unwrap().evaluate(&model).unwrap());

    let other = whole.sample(&config.clone().with_seed(1)).unwrap();
    assert_ne!(other.queries().ids(), sample.queries().ids());
    let larger = whole.sample(&config.clone().with_queries(30)).unwrap();
    assert!(sample.queries().ids().iter().all(|id| larger.queries().find(id).is_some()));
    let tiny = whole.sample(&config.clone().with_documents(1)).unwrap();
    assert_eq!(tiny.corpus().len(), 21);
    assert!(whole.sample(&config.with_queries(0)).is_err());
}

#[test]
fn a_sample_does_not_depend_on_the_order_of_the_files() {
    let collection = Collection::sixty();
    let mut reversed = Queries::new();
    for (id, text) in collection.queries.ids().iter().zip(collection.queries.texts()).rev() {
        reversed.push(id.as_str(), text.as_str()).unwrap();
    }
    let config = SampleConfig::default().with_queries(10).with_documents(30);
    let sample = |queries: &Queries| {
        let Collection { corpus, qrels, .. } = Collection::sixty();
        RetrievalEvaluator::new(corpus, queries, qrels, RetrievalConfig::default())
            .unwrap()
            .sample(&config)
            .unwrap()
    };
    let (one, other) = (sample(&collection.queries), sample(&reversed));
    assert_eq!(one.queries().ids(), other.queries().ids());
    assert_eq!(one.corpus().ids(), other.corpus().ids());
}

/// Scores by definition: every pair, in f64, sorted.
fn naive_scores(model: &HashEmbed, query: &str, documents: &[String]) -> Vec<f64> {
    let query = model.vector(query);
    let dot = |document: &String| {
        let document = model.vector(document);
        query.iter().zip(&document).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    documents.iter().map(dot).collect()
}

/// nDCG@10, recall@10 and reciprocal rank@10 of a ranking, by their definitions.
fn naive_measures(ranking: &[String], qrels: &Qrels, query: &str) -> [f64; 3] {
    let judgements = qrels.judgements(query).unwrap();
    let grade = |id: &String| f64::from(judgements.get(id).copied().unwrap_or(0).max(0));
    let dcg = |grades: &[f64]| -> f64 {
        grades.iter().take(10).enumerate().map(|(i, g)| g / (i as f64 + 2.0).log2()).sum()
    };
    let grades: Vec<f64> = ranking.iter().map(grade).collect();
    let mut ideal: Vec<f64> = judgements.keys().map(grade).collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let relevant = ideal.iter().filter(|grade| **grade > 0.0).count() as f64;
    if relevant == 0.0 {
        return [0.0; 3];
    }
    let hits = grades.iter().take(10).filter(|grade| **grade > 0.0).count() as f64;
    let first = grades.iter().take(10).position(|grade| *grade > 0.0);
    [dcg(&grades) / dcg(&ideal), hits / relevant, first.map_or(0.0, |i| 1.0 / (i as f64 + 1.0))]
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(0..12u8, 1..5)
        .prop_map(|words| words.iter().map(|w| format!("w{w} ")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn results_are_those_of_a_naive_twin(
        documents in prop::collection::vec(words(), 1..40),
        texts in prop::collection::vec(words(), 1..8),
        judged in prop::collection::vec((0..8usize, 0..40usize, 0..3i32), 1..30),
        top_k in 10..30usize,
        exclude_self in any::<bool>(),
    ) {
        // Ids that queries and documents share, so that excluding itself matters.
        let ids: Vec<String> = (0..40).map(|number| format!("id{number}")).collect();
        let corpus = corpus(ids.iter().map(String::as_str).zip(documents.iter().map(String::as_str)));
        let queries = queries(ids.iter().map(String::as_str).zip(texts.iter().map(String::as_str)));
        let mut qrels = Qrels::new();
        for (query, document, grade) in judged {
            let (query, document) = (query % texts.len(), document % documents.len());
            let _conflict = qrels.insert(&ids[query], &ids[document], grade);
        }
        prop_assume!(qrels.has_relevant());

        let measures = [Measure::NDCG_10, Measure::RECALL_10, Measure::MRR_10];
        let config = RetrievalConfig::default()
            .with_measures(measures).with_top_k(top_k).with_exclude_self(exclude_self);
        let model = HashEmbed::new(8, 2);
        let evaluator =
            RetrievalEvaluator::new(corpus.clone(), &queries, qrels.clone(), config).unwrap();
        let evaluation = evaluator.evaluate(&model).unwrap();

        for (row, query) in evaluation.report.query_ids().iter().enumerate() {
            let text = &queries.texts()[queries.find(query).unwrap() as usize];
            let expected: Vec<(&String, f64)> = corpus.ids().iter()
                .zip(naive_scores(&model, text, corpus.texts()))
                .filter(|(id, _)| !(exclude_self && *id == query))
                .collect();
            let Some(found) = evaluation.run.scores(query) else {
                prop_assert!(expected.is_empty());
                continue;
            };
            prop_assert_eq!(found.len(), top_k.min(expected.len()));
            let worst = found.values().copied().fold(f64::INFINITY, f64::min);
            for (id, score) in expected {
                match found.get(id) {
                    Some(found) => prop_assert!((found - score).abs() < 1e-5),
                    None => prop_assert!(score <= worst + 1e-5),
                }
            }
            let mut ranking: Vec<(&String, f64)> = found.iter().map(|(id, s)| (id, *s)).collect();
            ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(a.0)));
            let ranking: Vec<String> = ranking.into_iter().map(|(id, _)| id.clone()).collect();
            let values = naive_measures(&ranking, &qrels, query);
            for (measure, value) in measures.iter().zip(values) {
                let got = evaluation.report.per_query(measure).unwrap()[row];
                prop_assert!((got - value).abs() < 1e-12, "{}: {} {}", measure, got, value);
            }
        }
    }
}
