//! P-values, intervals and effect sizes of SciPy, from `fixtures/gen/scipy_golden.py`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use embedtune_metrics::stats::{
    Alternative, BootstrapMethod, BootstrapOptions, EffectSizes, Paired, PermutationMethod,
    PermutationOptions, WilcoxonOptions, Zeros, benjamini_hochberg, bootstrap_interval,
    cluster_bootstrap, equivalence_test, minimum_detectable_effect, non_inferiority_test,
    permutation_test, t_interval, t_test, wilcoxon_test,
};
use serde::{Deserialize, Deserializer};

const SIDES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

/// A number that the fixture holds as text.
#[derive(Clone, Copy)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.parse().unwrap()))
    }
}

#[derive(Deserialize)]
struct Fixture {
    paired: Vec<Case>,
    multiple: Vec<Multiple>,
    power: Vec<Power>,
    clustered: Vec<Clustered>,
}

#[derive(Deserialize)]
struct Case {
    base: Vec<Number>,
    tuned: Vec<Number>,
    t: Number,
    p_t_test: [Number; 3],
    t_interval: [Number; 2],
    exact: bool,
    p_permutation: [Number; 3],
    percentile: [Number; 2],
    bca: [Number; 2],
    standard_error: Number,
    wilcoxon: Wilcoxon,
    effects: Effects,
    equivalence: Equivalence,
}

#[derive(Deserialize)]
struct Wilcoxon {
    drop: [Number; 3],
    drop_uncorrected: [Number; 3],
    pratt: [Number; 3],
    exact: Vec<Number>,
}

#[derive(Deserialize)]
struct Effects {
    cohens_d_z: Number,
    hedges_g_z: Number,
    hedges_g_av: Number,
    rank_biserial: Number,
    dominance: Number,
}

#[derive(Deserialize)]
struct Equivalence {
    margin: Number,
    p_lower: Number,
    p_upper: Number,
}

#[derive(Deserialize)]
struct Multiple {
    p: Vec<Number>,
    benjamini_hochberg: Vec<Number>,
}

#[derive(Deserialize)]
struct Power {
    n: Number,
    alpha: Number,
    power: Number,
    effect: Number,
}

#[derive(Deserialize)]
struct Clustered {
    clusters: Vec<String>,
    differences: Vec<Number>,
    standard_error: Number,
}

impl Case {
    fn values(&self) -> (Vec<f64>, Vec<f64>) {
        (plain(&self.base), plain(&self.tuned))
    }

    fn paired(&self) -> Paired {
        let (base, tuned) = self.values();
        Paired::new(&base, &tuned).unwrap()
    }
}

fn plain(numbers: &[Number]) -> Vec<f64> {
    numbers.iter().map(|number| number.0).collect()
}

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scipy.json");
    let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(fixture.paired.len() > 40);
    fixture
}

#[track_caller]
fn close(got: f64, expected: Number, tolerance: f64) {
    let error = (got - expected.0).abs();
    assert!(error <= tolerance * expected.0.abs().max(1e-300), "{got} {}", expected.0);
}

#[test]
fn the_t_test_and_its_interval_agree_to_eleven_digits() {
    for case in fixture().paired {
        let paired = case.paired();
        for (side, expected) in SIDES.into_iter().zip(case.p_t_test) {
            close(t_test(&paired, side).p, expected, 1e-11);
        }
        let t = t_test(&paired, Alternative::TwoSided).t;
        assert!((t - case.t.0).abs() < 1e-11 * case.t.0.abs().max(1.0));
        for (got, expected) in t_interval(&paired, 0.9).unwrap().into_iter().zip(case.t_interval) {
            assert!((got - expected.0).abs() < 1e-12);
        }
    }
}

#[test]
fn permutation_tests_agree_exactly_or_within_sampling_error() {
    for case in fixture().paired {
        let paired = case.paired();
        for (side, Number(expected)) in SIDES.into_iter().zip(case.p_permutation) {
            let got = permutation_test(&paired, side, &PermutationOptions::default()).unwrap();
            // Five standard errors of a share over the smaller of the two samples.
            let sampling = 5.0 * (expected * (1.0 - expected) / 100_000.0).sqrt() + 5e-5;
            let tolerance = if case.exact { 1e-12 } else { sampling };
            assert!((got.p - expected).abs() < tolerance, "{side:?} {} {expected}", got.p);
            if case.exact {
                assert_eq!(got.method, PermutationMethod::Exact);
            }
        }
    }
}

#[test]
fn bootstrap_intervals_agree_within_sampling_error() {
    for case in fixture().paired.iter().filter(|case| case.base.len() >= 30) {
        let paired = case.paired();
        let allowed = 0.12 * case.standard_error.0;
        for (method, expected) in
            [(BootstrapMethod::Percentile, case.percentile), (BootstrapMethod::Bca, case.bca)]
        {
            let got = bootstrap_interval(&paired, method, &BootstrapOptions::default()).unwrap();
            for (got, Number(expected)) in got.into_iter().zip(expected) {
                assert!((got - expected).abs() < allowed, "{got} {expected} ± {allowed}");
            }
        }
    }
}

#[test]
fn wilcoxon_tests_agree_in_all_variants() {
    let mut counted = 0;
    // SciPy takes far tails as differences from 1: 1e-16 off where p is 1e-14.
    let near = |got: f64, expected: Number| {
        assert!((got - expected.0).abs() < 1e-11 * expected.0 + 1e-15, "{got} {}", expected.0);
    };
    for case in fixture().paired {
        let paired = case.paired();
        let approximate = WilcoxonOptions::default().with_exact(false);
        let uncorrected = approximate.clone().with_continuity_correction(false);
        let variants = [
            (approximate.clone(), case.wilcoxon.drop),
            (uncorrected, case.wilcoxon.drop_uncorrected),
            (approximate.with_zeros(Zeros::Pratt), case.wilcoxon.pratt),
        ];
        for (options, expected) in variants {
            for (side, expected) in SIDES.into_iter().zip(expected) {
                near(wilcoxon_test(&paired, side, &options).p, expected);
            }
        }
        let exact = WilcoxonOptions::default().with_exact(true);
        for (side, &expected) in SIDES.into_iter().zip(&case.wilcoxon.exact) {
            near(wilcoxon_test(&paired, side, &exact).p, expected);
            counted += 1;
        }
    }
    assert!(counted > 50);
}

#[test]
fn effect_sizes_agree_to_eleven_digits() {
    for case in fixture().paired {
        let (base, tuned) = case.values();
        let got = EffectSizes::new(&base, &tuned).unwrap();
        let near = |got: f64, expected: Number| {
            assert!((got - expected.0).abs() < 1e-11, "{got} {}", expected.0);
        };
        near(got.cohens_d_z.unwrap(), case.effects.cohens_d_z);
        near(got.hedges_g_z.unwrap(), case.effects.hedges_g_z);
        near(got.hedges_g_av.unwrap(), case.effects.hedges_g_av);
        near(got.rank_biserial.unwrap(), case.effects.rank_biserial);
        near(got.dominance, case.effects.dominance);
    }
}

#[test]
fn equivalence_and_non_inferiority_agree_with_one_sided_t_tests() {
    for case in fixture().paired {
        let (paired, expected) = (case.paired(), case.equivalence);
        let got = equivalence_test(&paired, expected.margin.0).unwrap();
        close(got.p_lower, expected.p_lower, 1e-11);
        close(got.p_upper, expected.p_upper, 1e-11);
        assert_eq!(got.p, got.p_lower.max(got.p_upper));
        let one_sided = non_inferiority_test(&paired, expected.margin.0).unwrap();
        assert_eq!(one_sided.p, got.p_lower);
    }
}

#[test]
fn benjamini_hochberg_agrees() {
    for case in fixture().multiple {
        let got = benjamini_hochberg(&plain(&case.p));
        for (got, expected) in got.into_iter().zip(case.benjamini_hochberg) {
            close(got, expected, 1e-14);
        }
    }
}

#[test]
fn the_detectable_effect_is_near_that_of_the_noncentral_t() {
    for case in fixture().power {
        let queries = case.n.0 as usize;
        let got = minimum_detectable_effect(1.0, queries, case.alpha.0, case.power.0).unwrap();
        let tolerance = match queries {
            30.. => 0.008,
            10.. => 0.03,
            _ => 0.1,
        };
        close(got, case.effect, tolerance);
    }
}

#[test]
fn clustered_standard_errors_are_those_of_a_sandwich() {
    for case in fixture().clustered {
        let paired = Paired::from_differences(plain(&case.differences)).unwrap();
        let got = cluster_bootstrap(&paired, &case.clusters, &BootstrapOptions::default()).unwrap();
        close(got.standard_error, case.standard_error, 1e-10);
        let [low, high] = got.interval;
        let width = (high - low) / 2.0 / 1.96 / case.standard_error.0;
        // Few clusters make a narrow percentile interval, by about sqrt((G - 1) / G).
        assert!((0.75..1.05).contains(&width), "{width}");
    }
}
