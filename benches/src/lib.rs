//! What the benchmarks share: matrix products at the shapes of a MiniLM encoder, the speed of the
//! machine's memory, and an encoder with random weights.
//!
//! The benchmarks themselves are beside this folder; `ceiling` measures what the processor can do at
//! most, and `peers/` holds the comparison with other libraries.

pub mod minilm;
pub mod products;
pub mod triad;

use std::time::{Duration, Instant};

/// Values in `[-1, 1)`, the same for the same seed.
pub fn values(length: usize, seed: u64) -> Vec<f32> {
    embedtune_testkit::uniform(seed, length).into_iter().map(|value| value as f32).collect()
}

/// The shortest time of one call among those that fit in `budget`, of which there are at least
/// three after one that warms up. The shortest, since whatever else the machine does only adds.
pub fn best_time(budget: Duration, mut call: impl FnMut()) -> Duration {
    call();
    let (started, mut best, mut calls) = (Instant::now(), Duration::MAX, 0);
    while calls < 3 || started.elapsed() < budget {
        let call_started = Instant::now();
        call();
        best = best.min(call_started.elapsed());
        calls += 1;
    }
    best
}
