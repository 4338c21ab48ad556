//! Times the evaluation of a large run that is in memory, for `benches/peers/metrics.py`, which makes
//! the same run in Python.
//!
//! `cargo run --release -p embedtune-metrics --example speed -- MODE [QUERIES] [DOCUMENTS]`, where
//! MODE is `rankings` (string ids in memory, nothing built) or `run` (a built `Run`). Prints one JSON
//! object: seconds to build and to evaluate (the best of three), peak memory, the means.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use embedtune_metrics::{
    EvaluateOptions, Measure, MetricsError, Qrels, Report, Run, evaluate, evaluate_rankings,
};

/// A prime, so that the documents of a query are distinct.
const CORPUS: usize = 1_000_003;

type Rankings = Vec<(String, Vec<(String, f64)>)>;

fn document(query: usize, n: usize) -> String {
    format!("d{}", (query * 7919 + n * 104_729) % CORPUS)
}

fn ranking(query: usize, documents: usize) -> Vec<(String, f64)> {
    let score = |n: usize| ((query * 31 + n * 977) % 10_007) as f64 / 10_007.0;
    (0..documents).map(|n| (document(query, n), score(n))).collect()
}

/// Twenty judged documents a query, half of them retrieved.
fn qrels(queries: usize, documents: usize) -> Result<Qrels, MetricsError> {
    let mut qrels = Qrels::new();
    for query in 0..queries {
        for n in 0..20 {
            let place = if n < 10 { n * documents / 10 } else { documents + n };
            qrels.insert(&format!("q{query}"), &document(query, place), n as i32 % 4)?;
        }
    }
    Ok(qrels)
}

/// The best of three, since the machine does other things too.
fn time(
    mut evaluate: impl FnMut() -> Result<Report, MetricsError>,
) -> Result<(f64, Report), MetricsError> {
    let mut best = (f64::INFINITY, None);
    for _ in 0..3 {
        let start = Instant::now();
        let report = evaluate()?;
        best = (best.0.min(start.elapsed().as_secs_f64()), Some(report));
    }
    best.1.map(|report| (best.0, report)).ok_or(MetricsError::NoMeasures)
}

/// The most memory this process ever took, in MiB; 0 where the system does not tell.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_else(|| "rankings".to_owned());
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse());
    let (queries, documents) = (number(10_000)?, number(1000)?);
    let measures: Vec<Measure> = ["map", "ndcg_cut.10", "recall.100", "recip_rank"]
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let options = EvaluateOptions::pytrec_eval();
    let qrels = qrels(queries, documents)?;
    let mut build = 0.0;
    let (seconds, report) = if mode == "run" {
        let mut run = Run::new();
        for query in 0..queries {
            // Not the making of the ids is timed, but what a run does with them.
            let (id, docs) = (format!("q{query}"), ranking(query, documents));
            let start = Instant::now();
            docs.iter().try_for_each(|(doc, score)| run.insert(&id, doc, *score))?;
            build += start.elapsed().as_secs_f64();
        }
        run.shrink_to_fit();
        time(|| evaluate(&qrels, &run, &measures, &options))?
    } else {
        let rankings: Rankings =
            (0..queries).map(|query| (format!("q{query}"), ranking(query, documents))).collect();
        time(|| evaluate_rankings(&qrels, &rankings, &measures, &options))?
    };
    let means: Vec<String> =
        report.means().map(|(measure, mean)| format!("\"{measure}\": {mean}")).collect();
    println!(
        "{{\"mode\": \"{mode}\", \"build\": {build}, \"evaluate\": {seconds}, \"peak_mib\": {}, \
         \"means\": {{{}}}}}",
        peak_mib(),
        means.join(", ")
    );
    Ok(())
}
