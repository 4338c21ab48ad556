//! Inputs that cannot be evaluated, and files that cannot be read or written, are clear errors.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use embedtune_metrics::{
    EvaluateOptions, Measure, MetricsError, Qrels, Run, evaluate, evaluate_rankings,
};

type Hits = Vec<(&'static str, f64)>;

fn qrels() -> Qrels {
    let mut qrels = Qrels::new();
    qrels.insert("q1", "d1", 1).unwrap();
    qrels.insert("q2", "d2", 0).unwrap();
    qrels
}

fn evaluate_hits(rankings: &[(&str, Hits)]) -> Result<f64, MetricsError> {
    let options = EvaluateOptions::default();
    let report = evaluate_rankings(&qrels(), rankings, &[Measure::MRR_10], &options)?;
    Ok(report.mean(&Measure::MRR_10).unwrap())
}

#[test]
fn queries_without_relevant_documents_stay_in_the_mean_and_foreign_queries_do_not_count() {
    let rankings =
        [("q1", vec![("d1", 1.0)]), ("q2", vec![("d2", 1.0)]), ("q9", vec![("d1", f64::NAN)])];
    assert_eq!(evaluate_hits(&rankings).unwrap(), 0.5);
}

#[test]
fn a_system_that_retrieves_nothing_scores_zero() {
    assert_eq!(evaluate_hits(&[]).unwrap(), 0.0);
    assert_eq!(evaluate_hits(&[("q1", vec![])]).unwrap(), 0.0);
    let options = EvaluateOptions::default().with_complete(false);
    let report = evaluate(&qrels(), &Run::new(), &[Measure::MRR_10], &options).unwrap();
    assert!(report.query_ids().is_empty());
    assert_eq!(report.mean(&Measure::MRR_10), Some(0.0));
}

#[test]
fn rankings_with_doubtful_ranks_are_refused() {
    let twice = [("q1", vec![("d1", 1.0)]), ("q1", vec![("d2", 1.0)])];
    assert!(matches!(evaluate_hits(&twice), Err(MetricsError::DuplicateQuery { .. })));
    let duplicate = [("q1", vec![("d1", 1.0), ("d2", 0.5), ("d1", 0.1)])];
    assert!(matches!(
        evaluate_hits(&duplicate),
        Err(MetricsError::DuplicateDocument { doc, .. }) if doc == "d1"
    ));
    let nan = [("q1", vec![("d1", f64::NAN)])];
    assert!(matches!(evaluate_hits(&nan), Err(MetricsError::NanScore { .. })));
}

#[test]
fn foreign_query_ids_are_noticed() {
    let message = evaluate_hits(&[("1", vec![("d1", 1.0)])]).unwrap_err().to_string();
    assert!(message.contains("\"1\"") && message.contains("\"q1\""), "{message}");
}

#[test]
fn requests_that_ask_for_nothing_are_refused() {
    let options = EvaluateOptions::default();
    let run = Run::new();
    assert!(matches!(evaluate(&qrels(), &run, &[], &options), Err(MetricsError::NoMeasures)));
    let measures = [Measure::NDCG_10];
    assert!(matches!(
        evaluate(&Qrels::new(), &run, &measures, &options),
        Err(MetricsError::NoJudgements)
    ));
    assert!(matches!(
        evaluate(&qrels(), &run, &measures, &options.with_relevance_level(0)),
        Err(MetricsError::InvalidOption { option: "relevance_level", .. })
    ));
}

#[test]
fn a_missing_file_is_named() {
    for error in [
        Qrels::read_beir_tsv("no/such/test.tsv").unwrap_err(),
        Qrels::read_trec("no/such/test.tsv").unwrap_err(),
        Run::read_trec("no/such/test.tsv").unwrap_err(),
    ] {
        assert!(error.to_string().starts_with("cannot read no/such/test.tsv: "), "{error}");
    }
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let folder = scratch("metrics-files");
    let path = folder.join("test.tsv");
    qrels().write_beir_tsv(&path).unwrap();
    assert_eq!(Qrels::read_beir_tsv(&path).unwrap(), qrels());

    let mut unwritable = qrels();
    unwritable.insert("q3", "tab\there", 1).unwrap();
    assert!(unwritable.write_beir_tsv(&path).is_err());
    assert_eq!(Qrels::read_beir_tsv(&path).unwrap(), qrels(), "the old file was harmed");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a temporary file is left");

    let error = qrels().write_trec(folder.join("missing").join("qrels")).unwrap_err();
    assert!(matches!(error, MetricsError::WriteFile { .. }));
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn options_and_judgements_are_readable_and_typos_are_not_swallowed() {
    let options: EvaluateOptions =
        serde_json::from_str(r#"{"relevance_level": 2, "score_precision": "f32"}"#).unwrap();
    assert_eq!((options.relevance_level, options.complete), (2, true));
    assert!(serde_json::from_str::<EvaluateOptions>(r#"{"relevance": 2}"#).is_err());
    let judged: Qrels = serde_json::from_str(r#"{"q1": {"d1": 1}, "q2": {"d2": 0}}"#).unwrap();
    assert_eq!(judged, qrels());
    let unknown = serde_json::from_str::<Vec<Measure>>(r#"["ndcg@10", "nope"]"#).unwrap_err();
    assert!(unknown.to_string().contains("unknown measure \"nope\""), "{unknown}");
}
