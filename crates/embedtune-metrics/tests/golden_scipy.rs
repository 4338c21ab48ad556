//! P-values and intervals of SciPy, from `fixtures/gen/scipy_golden.py`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use embedtune_metrics::{Comparison, ComparisonOptions, PermutationMethod};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    base: Vec<String>,
    tuned: Vec<String>,
    p_t_test: String,
    exact: bool,
    p_permutation: String,
    interval: [String; 2],
    standard_error: String,
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

fn cases() -> Vec<(Case, Comparison)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scipy.json");
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() > 40);
    cases
        .into_iter()
        .map(|case| {
            let values = |texts: &[String]| texts.iter().map(|text| number(text)).collect();
            let (base, tuned): (Vec<f64>, Vec<f64>) = (values(&case.base), values(&case.tuned));
            let comparison = Comparison::new(&base, &tuned, &ComparisonOptions::default()).unwrap();
            (case, comparison)
        })
        .collect()
}

#[test]
fn the_t_test_agrees_to_twelve_digits() {
    for (case, comparison) in cases() {
        let expected = number(&case.p_t_test);
        let error = (comparison.p_t_test / expected - 1.0).abs();
        assert!(error < 1e-12, "{} {expected}", comparison.p_t_test);
    }
}

#[test]
fn exact_permutation_tests_agree_exactly() {
    for (case, comparison) in cases().into_iter().filter(|(case, _)| case.exact) {
        assert_eq!(comparison.permutation_method, PermutationMethod::Exact);
        let expected = number(&case.p_permutation);
        assert!(
            (comparison.p_permutation - expected).abs() < 1e-12,
            "{} {expected} {}",
            comparison.p_permutation,
            comparison.queries
        );
    }
}

#[test]
fn sampled_permutation_tests_agree_within_sampling_error() {
    for (case, comparison) in cases().into_iter().filter(|(case, _)| !case.exact) {
        let expected = number(&case.p_permutation);
        // Five standard errors of a share over the smaller of the two samples.
        let tolerance = 5.0 * (expected * (1.0 - expected) / 100_000.0).sqrt() + 5e-5;
        let error = (comparison.p_permutation - expected).abs();
        assert!(error < tolerance, "{} {expected}", comparison.p_permutation);
    }
}

#[test]
fn bootstrap_intervals_agree_within_sampling_error() {
    for (case, comparison) in cases().into_iter().filter(|(_, it)| it.queries >= 30) {
        let allowed = 0.15 * number(&case.standard_error);
        for (got, expected) in comparison.interval.iter().zip(&case.interval) {
            let expected = number(expected);
            assert!((got - expected).abs() < allowed, "{got} {expected} ± {allowed}");
        }
    }
}

#[test]
fn the_effect_and_its_smallest_detectable_size_follow_from_the_standard_error() {
    for (case, comparison) in cases() {
        let error = number(&case.standard_error);
        let detectable = comparison.minimum_detectable_effect / error;
        assert!((detectable - 2.801_585_218_112_969).abs() < 1e-9, "{detectable}");
        let effect = comparison.effect_size.unwrap() * (comparison.queries as f64).sqrt();
        assert!((effect - comparison.difference / error).abs() < 1e-9 * effect.abs().max(1.0));
    }
}
