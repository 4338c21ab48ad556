//! Times the sign-flip permutation test over differences from a file, one number a line:
//!
//! ```sh
//! cargo run --release -p embedtune-metrics --example permutation_speed -- \
//!     differences.txt 100000 20 0
//! ```
//!
//! The arguments are the file, the number of resamples, the number of rounds and of threads (0:
//! all). Prints p, the median and the fastest round in seconds. `benches/peers/permutation.py` runs
//! it against ranx.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use embedtune_metrics::stats::{Alternative, Paired, PermutationOptions, permutation_test};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, resamples, rounds, threads] = &arguments[..] else {
        return Err("expected FILE RESAMPLES ROUNDS THREADS".into());
    };
    let text = std::fs::read_to_string(file)?;
    let differences = text.lines().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let paired = Paired::from_differences(differences)?;
    let options = PermutationOptions::default()
        .with_resamples(resamples.parse()?)
        .with_threads(threads.parse()?);
    let mut seconds = Vec::new();
    let mut p = 0.0;
    for _ in 0..rounds.parse::<usize>()?.max(1) {
        let start = Instant::now();
        p = permutation_test(&paired, Alternative::TwoSided, &options)?.p;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let (median, fastest) = (seconds[seconds.len() / 2], seconds[0]);
    println!("{p} {median} {fastest}");
    Ok(())
}
