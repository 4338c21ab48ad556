//! Outputs of `trec_eval` 10 on small hostile input, as it printed them, and the same as JSON.

#![allow(clippy::unwrap_used)]

use embedtune_metrics::{EvaluateOptions, MetricsError, Qrels, Run, TrecEval, TrecEvalOutput};

const QRELS: &str = "q1 0 a 1\nq1 0 b 0\nq1 0 c -1\nq2 0 a 3\nq2 0 b 1\nq3 0 a 2\n";
const RUN: &str = "q1 Q0 c 1 2.5 one\nq1 Q0 a 1 2.5 one\nq1 Q0 b 9 2.5 one\nq1 Q0 x 1 -1 one\n\
                   q2 Q0 b 1 7 one\nq2 Q0 y 1 inf two\n";

fn output(measures: &[&str], options: EvaluateOptions) -> TrecEvalOutput {
    let qrels = Qrels::read_trec_from(QRELS.as_bytes(), "qrels").unwrap();
    let run = Run::read_trec_from(RUN.as_bytes(), "run").unwrap();
    let command = TrecEval::new(measures).unwrap().with_per_query(true).with_options(options);
    command.evaluate(&qrels, &run).unwrap()
}

fn lines(output: &TrecEvalOutput) -> Vec<String> {
    let short = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    output.to_string().lines().map(short).collect()
}

#[test]
fn a_missing_query_is_one_unknown_document_unless_that_would_show() {
    let complete = EvaluateOptions::trec_eval().with_complete(true);
    let third = |measures: &[&str]| {
        let lines = lines(&output(measures, complete.clone()));
        lines.into_iter().filter(|line| line.contains(" q3 ")).collect::<Vec<_>>()
    };
    assert_eq!(
        third(&["num_ret", "relstring", "unj.1", "utility", "rbp_resid"]),
        [
            "num_ret q3 0",
            "relstring q3 ''",
            "utility q3 0.0000",
            "rbp_resid q3 0.0000",
            "unj_1 q3 0.0000",
        ]
    );
    assert_eq!(
        third(&["relstring.2", "utility.1,1,0,0", "rbp_resid.p=0.5"]),
        ["relstring_2 q3 '-'", "utility_1,1,0,0 q3 1.0000", "rbp_resid_p=0.5 q3 1.0000"]
    );
    let output = output(&["map"], complete.clone());
    assert_eq!(output.missing_queries(), ["q3"]);
}

#[test]
fn complete_counts_relevant_documents_of_every_grade() {
    let level = EvaluateOptions::trec_eval().with_relevance_level(2);
    let measures = ["num_q", "num_rel", "num_rel_ret", "gm_map"];
    let all = |options| {
        let lines = lines(&output(&measures, options));
        lines.into_iter().filter(|line| line.contains(" all ")).collect::<Vec<_>>()
    };
    let common = ["num_q all 2", "num_rel all 1", "num_rel_ret all 0", "gm_map all 0.0000"];
    assert_eq!(all(level.clone()), common);
    let complete = ["num_q all 3", "num_rel all 4", "num_rel_ret all 0", "gm_map all 0.0000"];
    assert_eq!(all(level.with_complete(true)), complete);
}

#[test]
fn ties_break_by_id_and_grades_below_zero_are_not_judged() {
    let output = output(&["runid", "relstring", "bpref", "infAP"], EvaluateOptions::trec_eval());
    assert_eq!(
        lines(&output),
        [
            "bpref q1 0.0000",
            "relstring q1 '.01-'",
            "infAP q1 0.3333",
            "bpref q2 0.5000",
            "relstring q2 '-1'",
            "infAP q2 0.2500",
            "runid all two",
            "bpref all 0.2500",
            "infAP all 0.2917",
        ]
        .map(str::to_owned)
    );
}

#[test]
fn json_has_the_same_values_with_every_digit() {
    let output = output(&["map", "num_ret", "relstring"], EvaluateOptions::trec_eval());
    let value = serde_json::to_value(&output).unwrap();
    let expected = serde_json::json!({
        "run": "two",
        "queries": 2,
        "metrics": {"map": (1.0 / 3.0 + 0.5 / 2.0) / 2.0, "num_ret": 6.0},
        "per_query": {
            "q1": {"map": 1.0 / 3.0, "num_ret": 4.0, "relstring": ".01-"},
            "q2": {"map": 0.25, "num_ret": 2.0, "relstring": "-1"},
        },
        "missing_queries": ["q3"],
    });
    assert_eq!(value, expected);
    assert_eq!(output.summary("num_ret"), Some(6.0));
}

#[test]
fn judged_only_can_leave_nothing() {
    let qrels = Qrels::read_trec_from("q 0 a 1\n".as_bytes(), "qrels").unwrap();
    let run = Run::read_trec_from("q Q0 x 1 1 t\n".as_bytes(), "run").unwrap();
    let options = EvaluateOptions::trec_eval().with_judged_only(true);
    let command = TrecEval::new(["all_trec"]).unwrap().with_options(options);
    let output = command.evaluate(&qrels, &run).unwrap();
    // Where trec_eval divides 0 by 0 and prints -nan.
    assert_eq!(output.summary("iprec_at_recall_0.00"), Some(0.0));
    assert!(!output.to_string().contains("nan"), "{output}");
}

#[test]
fn no_query_in_common_is_an_error() {
    let qrels = Qrels::read_trec_from(QRELS.as_bytes(), "qrels").unwrap();
    let command = TrecEval::new(["map"]).unwrap();
    assert!(matches!(command.evaluate(&qrels, &Run::new()), Err(MetricsError::NothingRetrieved)));
    let mut foreign = Run::new();
    foreign.insert("other", "a", 1.0).unwrap();
    assert!(matches!(
        command.evaluate(&qrels, &foreign),
        Err(MetricsError::NoCommonQueries { .. })
    ));
}
