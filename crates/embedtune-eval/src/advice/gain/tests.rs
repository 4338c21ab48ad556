use embedtune_data::SeededRng;
use proptest::prelude::*;

use super::*;

const TEST: [f64; 4] = [0.5, 0.5, 0.5, 0.5];

fn run(pairs: usize, base: &[f64], gain: impl Fn(usize) -> f64) -> LearningRun {
    let scores = base.iter().enumerate().map(|(query, base)| base + gain(query)).collect();
    LearningRun { pairs, scores }
}

fn predict(base: &[f64], test: &[f64], runs: &[LearningRun], full: usize) -> GainPrediction {
    GainPrediction::new(Measure::NDCG_10, base, test, runs, full).unwrap()
}

#[test]
fn the_percentiles_are_those_of_the_tables() {
    for (freedom, expected) in [(8, 2.3060), (10, 2.2281), (30, 2.0423), (120, 1.9799)] {
        assert!((student(freedom) / expected - 1.0).abs() < 1e-4, "{freedom}");
    }
}

/// Without any noise the line is the law, and half of what lies beyond is promised.
#[test]
fn a_law_in_the_logarithm_is_found() {
    let base = vec![0.5; 20];
    let law = |pairs: f64| 0.02 + 0.01 * pairs.ln();
    let runs = [100, 200, 400].map(|pairs| run(pairs, &base, |_| law(pairs as f64)));
    let same = predict(&base, &TEST, &runs, 400);
    assert!((same.gain - law(400.0)).abs() < 1e-12);
    assert!(same.errors.extrapolation == 0.0 && same.errors.held_out < 1e-12);
    let more = predict(&base, &TEST, &runs, 1600);
    assert!((more.gain - law(800.0)).abs() < 1e-12);
    assert!((more.errors.extrapolation - 0.01 * 4f64.ln() / 12f64.sqrt()).abs() < 1e-12);
    assert!(more.interval[0] < law(400.0) && law(1600.0) < more.interval[1]);
}

/// Gains that shrink as the base model is better are read where the test split is.
#[test]
fn easier_queries_are_allowed_for() {
    let base: Vec<f64> = (0..21).map(|query| f64::from(query) / 20.0).collect();
    let gains = |query: usize| 0.2 * (1.0 - query as f64 / 20.0);
    let runs = [50, 100].map(|pairs| run(pairs, &base, gains));
    assert!((predict(&base, &[0.9, 0.9], &runs, 100).gain - 0.02).abs() < 1e-12);
    assert!((predict(&base, &[0.1, 0.1], &runs, 100).gain - 0.18).abs() < 1e-12);
}

#[test]
fn what_cannot_be_predicted_from_is_refused() {
    let base = vec![0.5; 20];
    let good = [run(10, &base, |_| 0.1), run(20, &base, |_| 0.1)];
    let refused = |base: &[f64], test: &[f64], runs: &[LearningRun]| {
        GainPrediction::new(Measure::NDCG_10, base, test, runs, 20).unwrap_err().to_string()
    };
    assert!(refused(&base[..9], &TEST, &good).contains("held-out queries is 9"));
    assert!(refused(&base, &TEST[..1], &good).contains("test queries is 1"));
    assert!(refused(&base, &TEST, &good[..1]).contains("different sizes"));
    assert!(refused(&base, &TEST, &[run(0, &base, |_| 0.1), good[0].clone()]).contains("pairs"));
    assert!(refused(&base[..15], &TEST, &good).contains("15 against 20"));
}

/// A number that is about standard normal.
fn normal(rng: &mut SeededRng) -> f64 {
    (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
}

/// Two splits of `queries` each: short runs on one, and the true gain of a full run on the other.
/// Gains differ from query to query, mostly in the same way in all runs, and shrink where the base
/// model is good; a run has its luck; the curve rises on somewhat, or not at all.
fn world(seed: u64, queries: usize) -> (GainPrediction, f64) {
    let mut rng = SeededRng::new(seed);
    let [held_out, test] = [0, 1].map(|_| -> Vec<(f64, f64)> {
        (0..queries).map(|_| (rng.unit(), 0.16 * normal(&mut rng))).collect()
    });
    let rises_on = rng.unit();
    let law =
        |pairs: f64| 0.01 * (pairs.min(1000.0).ln() + rises_on * (pairs / 1000.0).ln().max(0.0));
    let mut tuned = |split: &[(f64, f64)], pairs: usize| -> Vec<f64> {
        let gain = law(pairs as f64) + 0.005 * normal(&mut rng);
        let mut tuned = |(base, own): &(f64, f64)| {
            base + gain + 0.3 * (0.5 - base) + own + 0.12 * normal(&mut rng)
        };
        split.iter().map(&mut tuned).collect()
    };
    let runs = [250, 500, 1000].map(|pairs| LearningRun { pairs, scores: tuned(&held_out, pairs) });
    let full = tuned(&test, 2000);
    let base = |split: &[(f64, f64)]| -> Vec<f64> { split.iter().map(|it| it.0).collect() };
    let prediction = predict(&base(&held_out), &base(&test), &runs, 2000);
    (prediction, mean(&full) - mean(&base(&test)))
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    for (queries, worlds) in [(30, 2000), (300, 1000)] {
        let held = (0..worlds).filter(|&seed| {
            let (prediction, truth) = world(seed, queries);
            let [low, high] = prediction.interval;
            low <= truth && truth <= high
        });
        let share = held.count() as f64 / worlds as f64;
        assert!((0.93..=0.985).contains(&share), "{queries}: {share}");
    }
}

/// A query's gain varies by 0.2 here beyond what the base model explains.
#[test]
fn three_hundred_queries_are_enough_for_a_useful_interval() {
    let width = |seed| {
        let [low, high] = world(seed, 300).0.interval;
        high - low
    };
    let mean = (0..50).map(width).sum::<f64>() / 50.0;
    assert!((0.05..0.08).contains(&mean), "{mean}");
}

fn scores(queries: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..=1.0, queries)
}

fn runs(queries: usize) -> impl Strategy<Value = Vec<LearningRun>> {
    let scores = prop::collection::vec(scores(queries), 3);
    (scores, 1usize..200).prop_map(|(scores, quarter)| {
        let sizes = [quarter, 2 * quarter, 4 * quarter];
        let runs = sizes.into_iter().zip(scores);
        runs.map(|(pairs, scores)| LearningRun { pairs, scores }).collect()
    })
}

proptest! {
    #[test]
    fn the_interval_holds_the_gain_and_only_what_is_possible(
        base in scores(12), test in scores(30), runs in runs(12), full in 1usize..100_000,
    ) {
        let it = predict(&base, &test, &runs, full);
        let [low, high] = it.interval;
        prop_assert!(low <= it.gain && it.gain <= high, "{:?}", it);
        prop_assert!(it.base + low >= -1e-12 && it.base + high <= 1.0 + 1e-12, "{:?}", it);
        prop_assert!(it.errors.total().is_finite());
    }

    /// The slow way: each query has its line, and the prediction is the mean of theirs.
    #[test]
    fn the_fit_of_the_means_is_the_mean_of_the_fits(
        runs in runs(12), factor in 1usize..9,
    ) {
        let base = vec![0.5; 12];
        let last = runs[2].pairs;
        let it = predict(&base, &TEST, &runs, factor * last);
        let place = (last as f64).ln() + (factor as f64).ln() / 2.0;
        let x: Vec<f64> = runs.iter().map(|run| (run.pairs as f64).ln()).collect();
        let centre = x.iter().sum::<f64>() / 3.0;
        let mut sum = 0.0;
        for (query, base) in base.iter().enumerate() {
            let y: Vec<f64> = runs.iter().map(|run| run.scores[query] - base).collect();
            let slope = (0..3).map(|j| (x[j] - centre) * y[j]).sum::<f64>()
                / (0..3).map(|j| (x[j] - centre).powi(2)).sum::<f64>();
            sum += y.iter().sum::<f64>() / 3.0 + slope * (place - centre);
        }
        let slow = (sum / 12.0).clamp(-0.5, 0.5);
        prop_assert!((it.gain - slow).abs() < 1e-9, "{} {}", it.gain, slow);
    }

    /// More test queries, or less to extrapolate, never widen an interval.
    #[test]
    fn more_to_go_by_is_no_worse(base in scores(12), runs in runs(12), full in 1usize..5000) {
        let total = |test: usize, full| predict(&base, &vec![0.5; test], &runs, full).errors;
        let (few, many) = (total(50, full), total(500, full));
        prop_assert!(many.total() <= few.total());
        prop_assert!(total(50, full).extrapolation <= total(50, 2 * full).extrapolation);
    }

    /// Where every query gains more from more pairs, more pairs are never said to lose.
    #[test]
    fn a_rising_curve_is_not_predicted_to_fall(
        base in prop::collection::vec(0.1..0.3, 12), steps in prop::collection::vec(0.0..0.1, 36),
        full in 400usize..10_000,
    ) {
        let rise = |run: usize, query: usize| -> f64 {
            steps[..(run + 1) * 12].iter().skip(query).step_by(12).sum()
        };
        let runs: Vec<LearningRun> =
            (0..3).map(|j| run(100 << j, &base, |query| rise(j, query))).collect();
        let average = vec![mean(&base); 40];
        let [near, far] = [400, full].map(|pairs| predict(&base, &average, &runs, pairs).gain);
        prop_assert!(far >= near - 1e-12);
    }
}
