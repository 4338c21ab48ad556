//! What holds for every sample, by random samples.

#![allow(clippy::unwrap_used)]

use embedtune_metrics::stats::{
    Alternative, BootstrapMethod, BootstrapOptions, EffectSizes, Paired, PermutationOptions,
    WilcoxonOptions, benjamini_hochberg, bootstrap_interval, cluster_bootstrap, equivalence_test,
    holm, permutation_test, t_test, wilcoxon_test,
};
use proptest::prelude::*;

/// Values as measures give them: often equal, often in tenths.
fn values(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    let value = || prop_oneof![(0..=10u8).prop_map(|tenth| f64::from(tenth) / 10.0), 0.0..=1.0f64];
    prop::collection::vec((value(), value()), count)
}

fn split(pairs: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    pairs.iter().copied().unzip()
}

/// Holm's adjusted value as closed testing defines it: the worst Bonferroni value among all sets
/// of hypotheses that hold this one.
fn closed_testing(p_values: &[f64]) -> Vec<f64> {
    let of_set = |set: u32| {
        let members = (0..p_values.len()).filter(|i| set >> i & 1 == 1);
        let smallest = members.map(|i| p_values[i]).fold(1.0, f64::min);
        (smallest * f64::from(set.count_ones())).min(1.0)
    };
    let sets = 1..1u32 << p_values.len();
    (0..p_values.len())
        .map(|i| sets.clone().filter(|set| set >> i & 1 == 1).map(of_set).fold(0.0, f64::max))
        .collect()
}

/// The adjusted value as the step-up procedure defines it: the smallest level at which the
/// hypothesis is rejected.
fn step_up(p_values: &[f64]) -> Vec<f64> {
    let tests = p_values.len() as f64;
    let level = |threshold: f64| {
        let rejected = p_values.iter().filter(|&&p| p <= threshold).count() as f64;
        threshold * tests / rejected
    };
    let smallest = |p: f64| {
        p_values.iter().filter(|&&other| other >= p).map(|&other| level(other)).fold(1.0, f64::min)
    };
    p_values.iter().map(|&p| smallest(p)).collect()
}

proptest! {
    #[test]
    fn swapping_the_systems_swaps_the_sides(pairs in values(2..60)) {
        let (base, tuned) = split(&pairs);
        let there = Paired::new(&base, &tuned).unwrap();
        let back = Paired::new(&tuned, &base).unwrap();
        let options = PermutationOptions::default().with_resamples(300);
        for (side, other) in [
            (Alternative::TwoSided, Alternative::TwoSided),
            (Alternative::Greater, Alternative::Less),
        ] {
            let flips = |paired: &Paired, side| permutation_test(paired, side, &options).unwrap().p;
            prop_assert_eq!(flips(&there, side), flips(&back, other));
            prop_assert_eq!(t_test(&there, side).p, t_test(&back, other).p);
            let ranks = |paired: &Paired, side| {
                wilcoxon_test(paired, side, &WilcoxonOptions::default()).p
            };
            prop_assert!((ranks(&there, side) - ranks(&back, other)).abs() < 1e-12);
        }
        let (forward, backward) =
            (EffectSizes::new(&base, &tuned).unwrap(), EffectSizes::new(&tuned, &base).unwrap());
        prop_assert_eq!(forward.dominance, -backward.dominance);
        prop_assert_eq!(forward.cohens_d_z, backward.cohens_d_z.map(|d| -d));
    }

    #[test]
    fn everything_stays_in_its_range(pairs in values(2..60), margin in 0.001..0.5f64) {
        let (base, tuned) = split(&pairs);
        let paired = Paired::new(&base, &tuned).unwrap();
        for side in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
            let flips = PermutationOptions::default().with_resamples(100);
            let p = permutation_test(&paired, side, &flips).unwrap().p;
            prop_assert!(p > 0.0 && p <= 1.0);
            prop_assert!((0.0..=1.0).contains(&t_test(&paired, side).p));
            for exact in [Some(true), Some(false), None] {
                let options = WilcoxonOptions::default().with_exact(exact);
                let p = wilcoxon_test(&paired, side, &options).p;
                prop_assert!((0.0..=1.0).contains(&p), "{p}");
            }
        }
        let within = equivalence_test(&paired, margin).unwrap();
        prop_assert!((0.0..=1.0).contains(&within.p));
        let effect = EffectSizes::new(&base, &tuned).unwrap();
        for bounded in [Some(effect.dominance), effect.rank_biserial].into_iter().flatten() {
            prop_assert!((-1.0..=1.0).contains(&bounded));
        }
    }

    #[test]
    fn intervals_stay_among_the_values_and_grow_with_confidence(pairs in values(2..60)) {
        let (base, tuned) = split(&pairs);
        let paired = Paired::new(&base, &tuned).unwrap();
        let least = paired.differences().iter().copied().fold(f64::INFINITY, f64::min);
        let most = paired.differences().iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own: Vec<usize> = (0..paired.len()).collect();
        let of = |confidence: f64| {
            let options =
                BootstrapOptions::default().with_samples(200).with_confidence(confidence);
            let by = |method| bootstrap_interval(&paired, method, &options).unwrap();
            let clustered = cluster_bootstrap(&paired, &own, &options).unwrap().interval;
            [by(BootstrapMethod::Percentile), by(BootstrapMethod::ExpandedBca), clustered]
        };
        for ([low, high], [lower, higher]) in of(0.8).into_iter().zip(of(0.95)) {
            prop_assert!(lower <= low && low <= high && high <= higher);
            prop_assert!(least - 1e-12 <= lower && higher <= most + 1e-12);
        }
    }

    #[test]
    fn corrections_are_what_their_definitions_say(
        p_values in prop::collection::vec(prop_oneof![0.0..=1.0f64, Just(0.05), Just(0.01)], 1..8),
    ) {
        for (got, expected) in [
            (holm(&p_values), closed_testing(&p_values)),
            (benjamini_hochberg(&p_values), step_up(&p_values)),
        ] {
            for (got, expected) in got.iter().zip(expected) {
                prop_assert!((got - expected).abs() < 1e-12, "{got} {expected}");
            }
        }
    }

    #[test]
    fn more_of_the_same_evidence_is_more_evidence(pairs in values(3..12)) {
        let (base, tuned) = split(&pairs);
        let once = Paired::new(&base, &tuned).unwrap();
        prop_assume!(once.std_dev() > 0.0 && once.mean() != 0.0);
        let twice = Paired::new(&base.repeat(2), &tuned.repeat(2)).unwrap();
        let side = Alternative::TwoSided;
        prop_assert!(t_test(&twice, side).p <= t_test(&once, side).p + 1e-12);
        prop_assert!(twice.standard_error() < once.standard_error());
    }
}
