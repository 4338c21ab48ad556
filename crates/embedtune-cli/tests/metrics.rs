//! `embedtune metrics`: what `trec_eval` prints, on any layout, with notes on stderr.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::{fs, io::Write, path::PathBuf, process::Stdio};

use support::{Workshop, embedtune, run, stderr};

const QRELS: &str = "q1 0 d1 1\nq1 0 d2 0\nq1 0 d3 2\nq2 0 d4 1\nq3 0 d5 1\n";
const RUN: &str = "q1 Q0 d2 1 3.5 mine\nq1 Q0 d1 2 3.5 mine\nq1 Q0 d9 3 1.0 mine\n\
                   q2 Q0 d4 1 0.25 mine\n";

/// Runs the command, which must succeed, and returns its stdout and stderr.
fn metrics(arguments: &[&str]) -> (String, String) {
    let output = run(["metrics"].iter().chain(arguments));
    assert!(output.status.success(), "{}", stderr(&output));
    (String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output))
}

fn fails(arguments: &[&str], code: i32, part: &str) {
    let output = run(["metrics"].iter().chain(arguments));
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.contains(part), "`{part}` in: {message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn queries_then_summary_and_a_note_about_what_is_missing() {
    let shop = Workshop::new(2);
    let (qrels, ranked) = (shop.write("qrels", QRELS), shop.write("run", RUN));
    let (out, notes) = metrics(&["-q", "-m", "recip_rank", "-mP.1,2", &qrels, &ranked]);
    assert_eq!(
        out,
        "recip_rank            \tq1\t0.5000\nP_1                   \tq1\t0.0000\n\
         P_2                   \tq1\t0.5000\nrecip_rank            \tq2\t1.0000\n\
         P_1                   \tq2\t1.0000\nP_2                   \tq2\t0.5000\n\
         recip_rank            \tall\t0.7500\nP_1                   \tall\t0.5000\n\
         P_2                   \tall\t0.5000\n"
    );
    assert!(notes.contains("1 of 3 judged queries are not in the run (the first is \"q3\")"));
    assert!(notes.contains("-c counts them as 0"), "{notes}");
    let (out, notes) = metrics(&["-c", "-m", "recip_rank", &qrels, &ranked]);
    assert_eq!(out, "recip_rank            \tall\t0.5000\n");
    assert!(notes.contains("count as 0"), "{notes}");
}

#[test]
fn flags_are_those_of_trec_eval() {
    let shop = Workshop::new(2);
    let (qrels, ranked) = (shop.write("qrels", QRELS), shop.write("run", RUN));
    let value = |arguments: &[&str]| {
        let (out, _) = metrics(&[arguments, &[&qrels, &ranked]].concat());
        out.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(value(&["-m", "num_rel_ret", "-l2"]), "0");
    assert_eq!(value(&["-m", "num_ret", "-M1"]), "2");
    assert_eq!(value(&["-m", "num_ret", "-J"]), "3");
    assert_eq!(value(&["-m", "num_q", "--complete_rel_info_wanted"]), "3");
    assert_eq!(value(&["-m", "utility.0,0,0,1", "-N", "10"]), "7.5000");
    assert_eq!(value(&["-m", "mrr@10", "--as", "sentence-transformers"]), "0.6667");
    assert_eq!(value(&["-m", "P.1", "--as", "ranx"]), "0.3333");
    let (out, _) = metrics(&["-qn", "-m", "runid", "-m", "relstring", &qrels, &ranked]);
    assert_eq!(out, "relstring             \tq1\t'01-'\nrelstring             \tq2\t'1'\n");
    let (out, notes) = metrics(&["-m", "P.1", "-m", "P.2", &qrels, &ranked]);
    assert_eq!(out, "P_1                   \tall\t0.5000\n");
    assert!(notes.contains("P.2 is passed over"), "{notes}");
}

#[test]
fn every_layout_and_stdin() {
    let shop = Workshop::new(2);
    let beir = shop.write("test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td4\t1\n");
    let json = shop.write("qrels.json", r#"{"q1": {"d1": 1}, "q2": {"d4": 1}}"#);
    let ranked = r#"{"q1": {"d2": 2.5, "d1": 2.0}, "q2": {"d4": 1}}"#;
    let file = shop.write("run.json", ranked);
    for qrels in [&beir, &json] {
        let (out, notes) = metrics(&["-m", "recip_rank", "--json", qrels, &file]);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["metrics"]["recip_rank"], 0.75);
        assert_eq!((&value["queries"], notes.as_str()), (&2.into(), ""));
    }
    let mut child = embedtune();
    child.args(["metrics", "-m", "map", &beir, "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(ranked.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "map                   \tall\t0.7500\n");
}

#[test]
fn what_cannot_be_scored_is_a_clear_error() {
    let shop = Workshop::new(2);
    let (qrels, ranked) = (shop.write("qrels", QRELS), shop.write("run", RUN));
    fails(&["-m", "nope", &qrels, &ranked], 1, "unknown measure \"nope\"");
    fails(&["-m", "P.0", &qrels, &ranked], 1, "numbers separated by commas");
    fails(&["-m", "all_prefs", &qrels, &ranked], 1, "unknown measure");
    fails(&["-R", "prefs", &qrels, &ranked], 2, "qrels");
    fails(&[&qrels], 2, "RUN");
    fails(&[&qrels, "no/such/run"], 1, "cannot read no/such/run");
    let cases = [
        ("q1 Q0 d1\n", "run.bad, line 1: expected query Q0 document rank score tag"),
        (
            "q1 Q0 d1 1 nan t\n",
            "run.bad, line 1: document \"d1\" of query \"q1\" has the score NaN",
        ),
        ("q1 Q0 d1 1 1 t\nq1 Q0 d1 2 2 t\n", "run.bad, line 2: query \"q1\" retrieves"),
        ("q7 Q0 d1 1 1 t\n", "no query of the run is judged"),
        ("", "no judged query is in the run"),
        ("{\"q1\": {\"d1\": 1}\n", "run.bad, line"),
    ];
    for (text, part) in cases {
        fails(&[&qrels, &shop.write("run.bad", text)], 1, part);
    }
    let judged = shop.write("qrels.bad", "q1 0 d1 1\nq1 0 d1\n");
    fails(&[&judged, &ranked], 1, "qrels.bad, line 2: expected query iteration document grade");
}

#[test]
fn infinite_scores_and_negative_grades_are_what_trec_eval_makes_of_them() {
    let shop = Workshop::new(2);
    let qrels = shop.write("qrels", "q1 0 a 1\nq1 0 b -1\nq1 0 c 0\n");
    let ranked = shop.write("run", "q1 Q0 b 1 inf t\nq1 Q0 a 2 1e400 t\nq1 Q0 c 3 -inf t\n");
    let measures = ["-q", "-m", "relstring", "-m", "num_nonrel_judged_ret", "-m", "unj.1"];
    let (out, _) = metrics(&[&measures[..], &["-n", &qrels, &ranked]].concat());
    assert_eq!(
        out,
        "relstring             \tq1\t'.10'\nnum_nonrel_judged_ret \tq1\t1\n\
         unj_1                 \tq1\t1.0000\n"
    );
}

/// The files are found through `EMBEDTUNE_TEST_DATA`; without it the test says so and passes.
#[test]
fn the_outputs_of_trec_eval_itself() {
    let Some(folder) = std::env::var_os("EMBEDTUNE_TEST_DATA").map(PathBuf::from) else {
        eprintln!("skipped: EMBEDTUNE_TEST_DATA does not name the folder of the data sets");
        return;
    };
    let folder = folder.join("trec_eval_reference");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let zscores = at("zscores_file");
    let all = ["-m", "all_trec", "-q"];
    for (flags, qrels, ranked, expected) in [
        (vec![], "qrels.test", "results.test", "out.test"),
        (vec![], "qrels.comment.test", "results.comment.test", "out.comment.test"),
        (all.to_vec(), "qrels.test", "results.test", "out.test.aq"),
        ([&all[..], &["-c"]].concat(), "qrels.test", "results.trunc", "out.test.aqc"),
        ([&all[..], &["-c", "-M100"]].concat(), "qrels.test", "results.trunc", "out.test.aqcM"),
        (
            [&all[..], &["-mrelstring.20", "-l2"]].concat(),
            "qrels.rel_level",
            "results.test",
            "out.test.aql",
        ),
        ([&all[..], &["-Z", &zscores]].concat(), "qrels.test", "results.test", "out.test.aqZ"),
    ] {
        let (qrels, ranked) = (at(qrels), at(ranked));
        let (out, _) = metrics(&[&flags[..], &[&qrels, &ranked]].concat());
        assert!(out == fs::read_to_string(at(expected)).unwrap(), "{expected} differs");
    }
}
