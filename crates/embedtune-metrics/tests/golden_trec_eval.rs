//! The outputs of `trec_eval` itself byte for byte, from its own test files and from larger runs.
//!
//! The files are found through `EMBEDTUNE_TEST_DATA`; without it the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use embedtune_metrics::{EvaluateOptions, Qrels, Run, TrecEval, ZScores};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EMBEDTUNE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: EMBEDTUNE_TEST_DATA does not name the folder of the data sets");
    }
    folder.map(|folder| folder.join("trec_eval_reference"))
}

fn check(folder: &Path, command: &TrecEval, qrels: &str, run: &str, output: &str) {
    let expected = std::fs::read_to_string(folder.join(output)).unwrap();
    let qrels = Qrels::read_trec(folder.join(qrels)).unwrap();
    let run = Run::read_trec(folder.join(run)).unwrap();
    let got = command.evaluate(&qrels, &run).unwrap().to_string();
    // The first difference says more than two long texts.
    for (number, (got, expected)) in (1..).zip(got.lines().zip(expected.lines())) {
        assert_eq!(got, expected, "{output}, line {number}");
    }
    assert_eq!(got, expected, "{output} has another length");
}

fn all_trec() -> TrecEval {
    TrecEval::new(["all_trec"]).unwrap().with_per_query(true)
}

#[test]
fn official_measures_with_and_without_comments() {
    let Some(folder) = folder() else { return };
    let official = TrecEval::new([""; 0]).unwrap();
    for (qrels, run, output) in [
        ("qrels.test", "results.test", "out.test"),
        ("qrels.test.with-comments", "results.test", "out.test"),
        ("qrels.comment.test", "results.comment.test", "out.comment.test"),
    ] {
        check(&folder, &official, qrels, run, output);
    }
}

#[test]
fn all_measures_of_every_query() {
    let Some(folder) = folder() else { return };
    check(&folder, &all_trec(), "qrels.test", "results.test", "out.test.aq");
    let summary = all_trec().with_per_query(false);
    check(&folder, &summary, "qrels.test", "results.test", "out.test.a");
}

#[test]
fn complete_depth_and_relevance_level() {
    let Some(folder) = folder() else { return };
    let options = EvaluateOptions::trec_eval();
    let complete = options.clone().with_complete(true);
    let command = all_trec().with_options(complete.clone());
    check(&folder, &command, "qrels.test", "results.trunc", "out.test.aqc");
    let command = all_trec().with_options(complete.with_depth(NonZeroUsize::new(100)));
    check(&folder, &command, "qrels.test", "results.trunc", "out.test.aqcM");
    let level = TrecEval::new(["all_trec", "relstring.20"]).unwrap().with_per_query(true);
    let command = level.with_options(options.with_relevance_level(2));
    check(&folder, &command, "qrels.rel_level", "results.test", "out.test.aql");
}

#[test]
fn parameters_of_measures() {
    let Some(folder) = folder() else { return };
    let measures = [
        "iprec_at_recall..10,.20,.25,.75,.50",
        "P.5,7,3",
        "recall.20,2000",
        "Rprec_mult.5.0,0.2,0.35",
        "utility.2,-1,0,0",
        "11pt_avg..25,.5,.75",
        "ndcg.1=3,2=9,4=4.5",
        "ndcg_cut.10,20,23.4",
        "success.2,5,20",
    ];
    let command = TrecEval::new(measures).unwrap().with_per_query(true);
    check(&folder, &command, "qrels.test", "results.test", "out.test.meas_params");
}

#[test]
fn distances_from_reference_runs() {
    let Some(folder) = folder() else { return };
    let zscores = ZScores::read(folder.join("zscores_file")).unwrap();
    let command = all_trec().with_zscores(zscores);
    check(&folder, &command, "qrels.test", "results.test", "out.test.aqZ");
}

#[test]
fn larger_runs_with_ties_and_grades() {
    let Some(folder) = folder() else { return };
    for name in ["attack_procedures", "cranfield", "scifact"] {
        let output = format!("extra/{name}.out");
        let expected = std::fs::read_to_string(folder.join(&output)).unwrap();
        let names: Vec<&str> = expected
            .lines()
            .filter(|line| line.contains("\tall\t"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert!(names.len() > 20, "{output} has {} measures", names.len());
        let command = TrecEval::new(names).unwrap().with_per_query(true);
        let file = |extension| format!("extra/{name}.{extension}");
        check(&folder, &command, &file("qrels"), &file("run"), &output);
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
