//! Do 95 % intervals cover 95 % of the time, and are p-values uniform when nothing differs?
//!
//! Simulated with differences as measures give them: many ties, few values, one-sided tails. The
//! tables in the docs of `embedtune_metrics::stats` come from the ignored test:
//!
//! ```sh
//! cargo test --release -p embedtune-metrics --test stats_coverage -- --ignored --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use embedtune_metrics::stats::{
    Alternative, BootstrapMethod, BootstrapOptions, Paired, PermutationOptions, WilcoxonOptions,
    bootstrap_interval, cluster_bootstrap, permutation_test, t_interval, t_test, wilcoxon_test,
};

/// SplitMix64, one draw after the other.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A rank from 1 on; 0 for "not found among ten".
    fn rank(&mut self, found_first: f64) -> u32 {
        (1..=10).find(|_| self.unit() < found_first).unwrap_or(0)
    }
}

/// A population of differences: samples are drawn from it with replacement, so that its mean is
/// the true one.
struct Population {
    name: &'static str,
    values: Vec<f64>,
}

impl Population {
    fn new(name: &'static str, mut draw: impl FnMut(&mut Random) -> f64) -> Self {
        let mut random = Random(20_240_607);
        Self { name, values: (0..20_000).map(|_| draw(&mut random)).collect() }
    }

    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    fn sample(&self, random: &mut Random, count: usize) -> Vec<f64> {
        let index = |random: &mut Random| random.bits() as usize % self.values.len();
        (0..count).map(|_| self.values[index(random)]).collect()
    }
}

/// What differences of measures look like.
fn populations() -> Vec<Population> {
    let reciprocal = |rank: u32| if rank == 0 { 0.0 } else { 1.0 / f64::from(rank) };
    vec![
        Population::new("nDCG@10: 30 % ties, the rest bell-shaped", |random| {
            if random.unit() < 0.3 { 0.0 } else { (0.03 + 0.2 * random.normal()).clamp(-1.0, 1.0) }
        }),
        Population::new("recall of one document: 12 % gained, 5 % lost", |random| {
            match random.unit() {
                u if u < 0.12 => 1.0,
                u if u < 0.17 => -1.0,
                _ => 0.0,
            }
        }),
        Population::new("reciprocal rank: half of the queries unchanged", |random| {
            if random.unit() < 0.5 {
                return 0.0;
            }
            reciprocal(random.rank(0.5)) - reciprocal(random.rank(0.4))
        }),
        Population::new("gains only: 80 % ties, the rest u²", |random| {
            if random.unit() < 0.8 { 0.0 } else { random.unit().powi(2) }
        }),
    ]
}

/// 95 % of the queries tie and the rest jumps: too few queries move for any interval.
fn harsh() -> Population {
    Population::new("harsh: 95 % ties, gains of 1 twice as often as losses", |random| match random
        .unit()
    {
        u if u < 0.033 => 1.0,
        u if u < 0.05 => -1.0,
        _ => 0.0,
    })
}

/// The share of samples whose interval holds the true mean: by t, percentile, BCa, expanded BCa.
fn coverage(population: &Population, count: usize, trials: u64, samples: u32) -> [f64; 4] {
    let truth = population.mean();
    let mut random = Random(count as u64);
    let mut covered = [0u32; 4];
    for trial in 0..trials {
        let paired = Paired::from_differences(population.sample(&mut random, count)).unwrap();
        let options = BootstrapOptions::default().with_samples(samples).with_seed(trial);
        let by = |method| bootstrap_interval(&paired, method, &options).unwrap();
        let intervals = [
            t_interval(&paired, 0.95).unwrap(),
            by(BootstrapMethod::Percentile),
            by(BootstrapMethod::Bca),
            by(BootstrapMethod::ExpandedBca),
        ];
        for (covered, [low, high]) in covered.iter_mut().zip(intervals) {
            // Means are sums in different orders: the last bit is no miss.
            *covered += u32::from(low - 1e-12 <= truth && truth <= high + 1e-12);
        }
    }
    covered.map(|count| f64::from(count) / trials as f64)
}

/// Documents that differ from each other more than their queries do.
fn clustered_coverage(clusters: usize, trials: u64, samples: u32) -> [f64; 2] {
    let truth = 0.02;
    let mut random = Random(clusters as u64);
    let mut covered = [0u32; 2];
    for trial in 0..trials {
        let (mut values, mut names) = (Vec::new(), Vec::new());
        for cluster in 0..clusters {
            let shared = 0.1 * random.normal();
            for _ in 0..1 + random.bits() % 9 {
                values.push(truth + shared + 0.1 * random.normal());
                names.push(cluster);
            }
        }
        let paired = Paired::from_differences(values).unwrap();
        let options = BootstrapOptions::default().with_samples(samples).with_seed(trial);
        let of_queries =
            bootstrap_interval(&paired, BootstrapMethod::Percentile, &options).unwrap();
        let of_clusters = cluster_bootstrap(&paired, &names, &options).unwrap().interval;
        for (covered, [low, high]) in covered.iter_mut().zip([of_queries, of_clusters]) {
            *covered += u32::from(low <= truth && truth <= high);
        }
    }
    covered.map(|count| f64::from(count) / trials as f64)
}

#[test]
fn intervals_of_200_queries_cover_94_to_96_percent() {
    for population in populations() {
        let covered = coverage(&population, 200, 1500, 800);
        // The one that is reported; the others are held to it in the measured tables.
        let share = covered[3];
        assert!((0.94..=0.96).contains(&share), "{}: {share} {covered:?}", population.name);
    }
}

#[test]
fn clusters_cover_where_queries_do_not() {
    let [of_queries, of_clusters] = clustered_coverage(60, 1000, 500);
    assert!((0.93..=0.96).contains(&of_clusters), "{of_clusters}");
    assert!(of_queries < 0.85, "{of_queries}");
}

#[test]
#[ignore = "minutes; prints the tables of the docs"]
fn measured_coverage() {
    println!("| differences | queries | t | percentile | BCa | expanded BCa |");
    for population in populations().iter().chain([&harsh()]) {
        for count in [20, 50, 100, 200, 500] {
            let shares = coverage(population, count, 10_000, 1000);
            let cells = shares.map(|share| format!("{:.1}", 100.0 * share)).join(" | ");
            println!("| {} | {count} | {cells} |", population.name);
        }
    }
    println!("| clusters | drawing queries | drawing clusters |");
    for clusters in [10, 20, 40, 100, 200] {
        let [queries, of_clusters] =
            clustered_coverage(clusters, 10_000, 1000).map(|share| 100.0 * share);
        println!("| {clusters} | {queries:.1} | {of_clusters:.1}");
    }
}

/// The largest distance between the distribution of `p_values` and the uniform one (Kolmogorov
/// and Smirnov), in units in which 1.63 is reached once in a hundred times.
fn distance_from_uniform(mut p_values: Vec<f64>) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let count = p_values.len() as f64;
    let gaps = p_values.iter().enumerate().map(|(index, p)| {
        let (below, above) = (index as f64 / count, (index + 1) as f64 / count);
        (p - below).max(above - p)
    });
    gaps.fold(0.0, f64::max) * count.sqrt()
}

/// p-values by test for samples of a distribution that is symmetric around 0.
fn null_p_values(
    trials: u64,
    count: usize,
    mut draw: impl FnMut(&mut Random) -> f64,
) -> [Vec<f64>; 3] {
    let mut random = Random(count as u64 ^ 77);
    let mut p_values = [const { Vec::new() }; 3];
    for trial in 0..trials {
        let differences = (0..count).map(|_| draw(&mut random)).collect();
        let paired = Paired::from_differences(differences).unwrap();
        let options = PermutationOptions::default().with_resamples(999).with_seed(trial);
        let side = Alternative::TwoSided;
        p_values[0].push(permutation_test(&paired, side, &options).unwrap().p);
        p_values[1].push(t_test(&paired, side).p);
        p_values[2].push(wilcoxon_test(&paired, side, &WilcoxonOptions::default()).p);
    }
    p_values
}

#[test]
fn p_values_are_uniform_when_nothing_differs() {
    for count in [30, 60, 200] {
        let [permutation, t, wilcoxon] = null_p_values(2000, count, Random::normal);
        for (test, p_values) in [("permutation", permutation), ("t", t), ("Wilcoxon", wilcoxon)] {
            let distance = distance_from_uniform(p_values);
            assert!(distance < 1.63, "{test}, {count} queries: {distance}");
        }
    }
}

#[test]
fn ties_never_make_false_findings_more_frequent() {
    for count in [12, 50, 200] {
        let draw = |random: &mut Random| match random.unit() {
            u if u < 0.1 => 1.0,
            u if u < 0.2 => -1.0,
            u if u < 0.3 => 0.5,
            u if u < 0.4 => -0.5,
            _ => 0.0,
        };
        let [permutation, t, wilcoxon] = null_p_values(2000, count, draw);
        for (test, p_values) in [("permutation", permutation), ("t", t), ("Wilcoxon", wilcoxon)] {
            for alpha in [0.01, 0.05, 0.2] {
                let found = p_values.iter().filter(|&&p| p <= alpha).count() as f64;
                let allowed = 2000.0 * alpha + 3.5 * (2000.0 * alpha * (1.0 - alpha)).sqrt();
                assert!(found <= allowed, "{test}, {count} queries: {found} > {allowed}");
            }
        }
    }
}
