//! Scoring a hostile run: whatever judgements and run can be read, `trec_eval`'s measures of them are
//! finite, and what is written is read again as the same.
//!
//! An input is a file of judgements and a run, of any layout, separated by a line `====`.

#![no_main]

use embedtune_metrics::{EvaluateOptions, Qrels, Run, TrecEval, ZScores};
use libfuzzer_sys::fuzz_target;

const SEPARATOR: &[u8] = b"\n====\n";

fuzz_target!(|input: &[u8]| {
    let at = input.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (judged, ranked) = match at {
        Some(at) => (&input[..at], &input[at + SEPARATOR.len()..]),
        None => (input, input),
    };
    let _ = ZScores::read_from(ranked, "zscores");
    let (Ok(qrels), Ok(run)) = (Qrels::read_from(judged, "qrels"), Run::read_from(ranked, "run"))
    else {
        return;
    };
    let options = EvaluateOptions::trec_eval().with_complete(true);
    let command = TrecEval::new(["all_trec", "err@10", "rbp_binary", "ndcg.1=2,2=5"]);
    let command = command.expect("known measures").with_options(options).with_per_query(true);
    if let Ok(output) = command.evaluate(&qrels, &run) {
        for line in output.to_string().lines().filter(|line| !line.starts_with("runid")) {
            let value = line.rsplit('\t').next().and_then(|value| value.trim().parse::<f64>().ok());
            assert!(value.is_none_or(f64::is_finite), "{line}");
        }
    }
    let mut written = Vec::new();
    qrels.write_json_to(&mut written).expect("memory takes everything");
    assert_eq!(Qrels::read_json_from(&written[..], "written").expect("it was written"), qrels);
});
