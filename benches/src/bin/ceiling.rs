//! The ceiling: how fast this machine multiplies matrices of a MiniLM encoder, and how fast its
//! memory is, as one JSON object.
//!
//! `cargo run --release -p embedtune-benches --bin ceiling`
//!
//! For each number format, the kernel that computes in it, and product: GFLOP/s on one thread and on
//! all, the best of many calls. The kernels of this project get their weights packed, as a training
//! step packs them once, and pack rows within the time.
//! `best` is the highest rate of all products. `train` and `encode` are what a block would run at
//! if it were nothing but its products: operations over time, summed over those of a training step
//! and of a forward pass. `triad` is in GB/s (10⁹ bytes).

#![allow(clippy::print_stdout, reason = "the result is what the program is for")]

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use embedtune_benches::{
    best_time,
    products::{Case, Pass, Products, TOKENS, formats},
    triad::Triad,
};
use embedtune_kernels::CpuFeatures;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Time for one product on one number of threads.
const BUDGET: Duration = Duration::from_millis(300);

/// Rates of one format, in GFLOP/s.
struct Rates {
    cases: Vec<(Case, f64, f64)>,
}

impl Rates {
    fn of(products: &mut dyn Products, one: &ThreadPool) -> Self {
        let trains = products.trains();
        let cases = Case::all().into_iter().filter(|case| trains || case.pass == Pass::Forward);
        let cases = cases.map(|case| {
            products.prepare(case);
            let mut rate = || {
                let time = best_time(BUDGET, || products.run());
                case.flops() as f64 / time.as_secs_f64() / 1e9
            };
            (case, one.install(&mut rate), rate())
        });
        Self { cases: cases.collect() }
    }

    /// The highest rate on all threads.
    fn best(&self) -> f64 {
        self.cases.iter().map(|&(_, _, all)| all).fold(0.0, f64::max)
    }

    /// Operations over time of the products of a block, on all threads.
    fn block(&self, counts: impl Fn(Pass) -> bool) -> f64 {
        let (mut flops, mut time) = (0.0, 0.0);
        for (case, _, all) in self.cases.iter().filter(|(case, ..)| counts(case.pass)) {
            let work = (case.layers as u64 * case.flops()) as f64;
            flops += work;
            time += work / all;
        }
        flops / time
    }

    fn json(&self, products: &dyn Products) -> String {
        let cases: Vec<String> = self
            .cases
            .iter()
            .map(|(case, one, all)| {
                format!(
                    "{{\"product\": \"{}\", \"out\": {}, \"inputs\": {}, \"one\": {one:.1}, \
                     \"all\": {all:.1}}}",
                    case.pass.name(),
                    case.out,
                    case.inputs
                )
            })
            .collect();
        let train = if products.trains() {
            format!("\"train\": {:.1}, ", self.block(|_| true))
        } else {
            String::new()
        };
        format!(
            "\"{}\": {{\"best\": {:.1}, {train}\"encode\": {:.1}, \"products\": [\n    {}\n  ]}}",
            products.name(),
            self.best(),
            self.block(|pass| pass == Pass::Forward),
            cases.join(",\n    ")
        )
    }
}

fn triad(threads: usize) -> f64 {
    let mut triad = Triad::default();
    let time = best_time(3 * BUDGET, || triad.run(threads));
    Triad::BYTES as f64 / time.as_secs_f64() / 1e9
}

fn main() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let one = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    let formats: Vec<String> = formats()
        .into_iter()
        .map(|mut products| Rates::of(&mut *products, &one).json(&*products))
        .collect();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    println!(
        "{{\n  \"unix_time\": {time},\n  \"threads\": {threads},\n  \"tokens\": {TOKENS},\n  \
         \"features\": \"{:?}\",\n  \"triad\": {{\"one\": {:.1}, \"all\": {:.1}}},\n  {}\n}}",
        CpuFeatures::get(),
        triad(1),
        triad(threads),
        formats.join(",\n  ")
    );
}
