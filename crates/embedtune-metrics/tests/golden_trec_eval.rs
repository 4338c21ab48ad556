//! The printed values of `trec_eval` itself, from its own test files and from larger runs.
//!
//! The files are found through `EMBEDTUNE_TEST_DATA`; without it the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use embedtune_metrics::{EvaluateOptions, Measure, Qrels, Run, evaluate};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EMBEDTUNE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: EMBEDTUNE_TEST_DATA does not name the folder of the data sets");
    }
    folder.map(|folder| folder.join("trec_eval_reference"))
}

/// `(measure as trec_eval writes it, query or "all", value as printed)`.
fn printed(text: &str) -> Vec<(Measure, String, String)> {
    text.lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let (name, query, value) = (columns.next()?, columns.next()?, columns.next()?);
            Some((name.parse().ok()?, query.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Compares every printed value of a known measure; returns how many there were.
fn check(qrels: &str, run: &str, output: &str, options: &EvaluateOptions) -> usize {
    let Some(folder) = folder() else { return usize::MAX };
    let expected = printed(&std::fs::read_to_string(folder.join(output)).unwrap());
    let measures: BTreeSet<Measure> = expected.iter().map(|(measure, ..)| *measure).collect();
    let measures: Vec<Measure> = measures.into_iter().collect();
    let qrels = Qrels::read_trec(folder.join(qrels)).unwrap();
    let run = Run::read_trec(folder.join(run)).unwrap();
    let report = evaluate(&qrels, &run, &measures, options).unwrap();
    for (measure, query, value) in &expected {
        let got = if query == "all" {
            report.mean(measure).unwrap()
        } else {
            let index = report.query_ids().binary_search(query).unwrap();
            report.per_query(measure).unwrap()[index]
        };
        assert_eq!(&format!("{got:6.4}"), value, "{output}: {measure} of {query}");
    }
    expected.len()
}

fn only_common_queries() -> EvaluateOptions {
    EvaluateOptions::default().with_complete(false)
}

#[test]
fn official_and_all_measures() {
    let options = only_common_queries();
    for (qrels, run, output, at_least) in [
        ("qrels.test", "results.test", "out.test", 13),
        ("qrels.test.with-comments", "results.test", "out.test", 13),
        ("qrels.test", "results.test", "out.test.a", 44),
        ("qrels.test", "results.test", "out.test.aq", 176),
        ("qrels.comment.test", "results.comment.test", "out.comment.test", 13),
    ] {
        let compared = check(qrels, run, output, &options);
        assert!(compared >= at_least, "{output}: {compared}");
    }
}

#[test]
fn complete_depth_and_relevance_level() {
    let complete = EvaluateOptions::default();
    assert!(check("qrels.test", "results.trunc", "out.test.aqc", &complete) >= 130);
    let depth = complete.with_depth(NonZeroUsize::new(100));
    assert!(check("qrels.test", "results.trunc", "out.test.aqcM", &depth) >= 130);
    let level = only_common_queries().with_relevance_level(2);
    assert!(check("qrels.rel_level", "results.test", "out.test.aql", &level) >= 176);
}

#[test]
fn larger_runs_with_ties_and_grades() {
    for (name, at_least) in [("attack_procedures", 2000), ("cranfield", 1000), ("scifact", 6000)] {
        let file = |extension| format!("extra/{name}.{extension}");
        let options = only_common_queries();
        let compared = check(&file("qrels"), &file("run"), &file("out"), &options);
        assert!(compared >= at_least, "{name}: {compared}");
    }
}

#[test]
fn written_files_read_back_the_same() {
    let Some(folder) = folder() else { return };
    let qrels = Qrels::read_trec(folder.join("qrels.rel_level")).unwrap();
    let run = Run::read_trec(folder.join("extra/cranfield.run")).unwrap();
    let (mut trec, mut beir, mut ranked) = (Vec::new(), Vec::new(), Vec::new());
    qrels.write_trec_to(&mut trec).unwrap();
    qrels.write_beir_tsv_to(&mut beir).unwrap();
    run.write_trec_to(&mut ranked, "tag").unwrap();
    assert_eq!(Qrels::read_trec_from(&trec[..], "memory").unwrap(), qrels);
    assert_eq!(Qrels::read_beir_tsv_from(&beir[..], "memory").unwrap(), qrels);
    assert_eq!(Run::read_trec_from(&ranked[..], "memory").unwrap(), run);
}
