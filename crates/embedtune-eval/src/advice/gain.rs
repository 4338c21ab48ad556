//! What a full run is expected to gain, from short ones.

use embedtune_metrics::{Measure, stats::student_quantile};
use serde::{Deserialize, Serialize};

use crate::EvalError;

/// Coverage of the intervals.
const CONFIDENCE: f64 = 0.95;
/// Held-out queries below which a spread over queries means little.
const MIN_HELD_OUT: usize = 10;
/// What the mean of a run is taken to move by when the seed changes, before the runs are seen.
const RUN_NOISE: f64 = 0.005;
/// Runs that [`RUN_NOISE`] counts as: three short runs alone say next to nothing of their noise.
const RUN_NOISE_WEIGHT: f64 = 4.0;

/// Scores of one short run, by held-out query.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRun {
    /// Pairs trained on.
    pub pairs: usize,
    /// Score of each held-out query, in the order of the base model's.
    pub scores: Vec<f64>,
}

/// Standard errors of a [`GainPrediction`] by where they come from; their squares add up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GainErrors {
    /// The held-out queries are a sample.
    pub held_out: f64,
    /// So are the queries of the test split, on which the full run will be judged.
    pub test: f64,
    /// Another seed gives another model: the short runs and the full one all have their luck.
    pub runs: f64,
    /// Nobody has seen what the pairs beyond the largest run bring.
    pub extrapolation: f64,
}

/// The gain of a full run on the test split, predicted from short runs on held-out queries.
///
/// # Formula
/// Run `j` on `n_j` pairs changes the score of held-out query `q` by `d_qj`, against the base model
/// on the same query. A line in `x = ln(pairs)` is fitted through the means by least squares and
/// read at `x0`, half way from the largest run to the `N` pairs of the full one:
///
/// ```text
/// x0  = (ln n_max + ln N) / 2
/// y_q = Σ_j w_j d_qj       w_j = 1/k + (x0 - x̄)(x_j - x̄) / Σ (x_i - x̄)²
/// ```
///
/// Half way, because the truth lies somewhere between a curve that is flat from `n_max` on and one
/// that keeps rising as it did. The fit is linear in the scores, so `y_q` is the prediction of
/// each query alone, and its spread over the queries holds all that the runs have in common.
///
/// A query that the base model answers well cannot gain much. So `y_q` is regressed on the base
/// model's score `b_q` and read at its mean `B` on the test split, which is known without looking
/// at any tuned model there:
///
/// ```text
/// gain = ȳ + β (B - b̄)
/// ```
///
/// That also allows for held-out queries that are easier or harder than those of the test split.
/// The variance is the sum of four, see [`GainErrors`]:
///
/// ```text
/// held out       s_y² (1/m + (B - b̄)² / Σ (b_q - b̄)²)   s_y² of the residuals of y_q, m queries
/// test           s_d² / M                               s_d² of those of the largest run, M queries
/// runs           σ² (1 + Σ_j w_j²)      σ² = (4 · 0.005² + RSS) / (4 + k - 2), RSS of the line
/// extrapolation  (slope · ln(N / n_max))² / 12           uniform between flat and rising on
/// ```
///
/// The interval is `gain ± t · √variance` with Student's t of `m - 2` degrees of freedom, cut to
/// what is possible (`-B` to `1 - B`). It is about the gain *measured* on this test split, which a
/// full run confirms or does not, so it is wider than one about the gain on all queries ever.
///
/// Not in it: that the full run may use other settings than the short ones, and a corpus that was
/// subsampled for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GainPrediction {
    /// What gains.
    pub measure: Measure,
    /// Pairs of the full run.
    pub pairs: usize,
    /// Pairs of the largest short run.
    pub measured_pairs: usize,
    /// Queries that the short runs were judged on.
    pub held_out_queries: usize,
    /// Queries that the prediction is for.
    pub test_queries: usize,
    /// Mean of the base model on the test split.
    pub base: f64,
    /// Expected gain of the full run.
    pub gain: f64,
    /// Interval of the gain, `[lower, upper]`.
    pub interval: [f64; 2],
    /// Coverage of the interval.
    pub confidence: f64,
    /// Where the width of the interval comes from.
    pub errors: GainErrors,
}

impl GainPrediction {
    /// Predicts the gain of a run on `full_pairs` pairs in `measure`. `held_out` are the base
    /// model's scores of the held-out queries and `test` those of the test split.
    ///
    /// # Errors
    /// With fewer than 10 held-out queries or fewer than 2 test queries, fewer than two different
    /// sizes of runs, a run without pairs, or a run with another number of scores.
    pub fn new(
        measure: Measure,
        held_out: &[f64],
        test: &[f64],
        runs: &[LearningRun],
        full_pairs: usize,
    ) -> Result<Self, EvalError> {
        check(held_out, test, runs)?;
        let line = Line::through(runs.iter().map(|run| (run.pairs as f64).ln()).collect());
        let largest = runs.iter().max_by_key(|run| run.pairs);
        let largest = largest.expect("there are at least two runs");
        let beyond = (full_pairs.max(largest.pairs) as f64 / largest.pairs as f64).ln();
        let last = (largest.pairs as f64).ln();

        let gains: Vec<Vec<f64>> = runs.iter().map(|run| differences(run, held_out)).collect();
        let means: Vec<f64> = gains.iter().map(|gains| mean(gains)).collect();
        let weights = line.weights(last + beyond / 2.0);
        let predicted: Vec<f64> = (0..held_out.len())
            .map(|query| weights.iter().zip(&gains).map(|(w, gains)| w * gains[query]).sum())
            .collect();

        let base = mean(test);
        let on_test = Adjusted::new(&predicted, held_out, base);
        let spread = Adjusted::new(&differences(largest, held_out), held_out, base).residual;
        let slope = line.slope(&means);
        let errors = GainErrors {
            held_out: on_test.error,
            test: spread / (test.len() as f64).sqrt(),
            runs: line.run_noise(&means)
                * (1.0 + weights.iter().map(|w| w * w).sum::<f64>()).sqrt(),
            extrapolation: (slope * beyond).abs() / 12f64.sqrt(),
        };
        let gain = on_test.mean.clamp(-base, 1.0 - base);
        let half = student(held_out.len() - 2) * errors.total();
        Ok(Self {
            measure,
            pairs: full_pairs,
            measured_pairs: largest.pairs,
            held_out_queries: held_out.len(),
            test_queries: test.len(),
            base,
            gain,
            interval: [(gain - half).max(-base).min(gain), (gain + half).min(1.0 - base).max(gain)],
            confidence: CONFIDENCE,
            errors,
        })
    }
}

impl GainErrors {
    /// Standard error of the prediction.
    pub fn total(&self) -> f64 {
        let Self { held_out, test, runs, extrapolation } = self;
        [held_out, test, runs, extrapolation].map(|part| part * part).iter().sum::<f64>().sqrt()
    }
}

fn check(held_out: &[f64], test: &[f64], runs: &[LearningRun]) -> Result<(), EvalError> {
    let refuse = |field, value: usize, allowed| {
        Err(EvalError::Config { field, value: value.to_string(), allowed })
    };
    if held_out.len() < MIN_HELD_OUT {
        return refuse("number of held-out queries", held_out.len(), "at least 10");
    }
    if test.len() < 2 {
        return refuse("number of test queries", test.len(), "at least 2");
    }
    let mut sizes: Vec<usize> = runs.iter().map(|run| run.pairs).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.first() == Some(&0) {
        return refuse("pairs of a run", 0, "at least 1");
    }
    if sizes.len() < 2 {
        return refuse("number of different sizes of runs", sizes.len(), "at least 2");
    }
    match runs.iter().find(|run| run.scores.len() != held_out.len()) {
        Some(run) => Err(EvalError::Incomparable {
            what: "number of held-out queries",
            left: held_out.len().to_string(),
            right: run.scores.len().to_string(),
        }),
        None => Ok(()),
    }
}

pub(super) fn differences(run: &LearningRun, base: &[f64]) -> Vec<f64> {
    run.scores.iter().zip(base).map(|(tuned, base)| tuned - base).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Least squares through points at fixed places.
struct Line {
    places: Vec<f64>,
    centre: f64,
    /// Sum of the squared distances from the centre.
    squares: f64,
}

impl Line {
    fn through(places: Vec<f64>) -> Self {
        let centre = mean(&places);
        let squares = places.iter().map(|place| (place - centre).powi(2)).sum();
        Self { places, centre, squares }
    }

    /// What each point weighs in the line's value at `place`; the weights add up to 1.
    fn weights(&self, place: f64) -> Vec<f64> {
        let lever = (place - self.centre) / self.squares;
        let even = 1.0 / self.places.len() as f64;
        self.places.iter().map(|it| even + lever * (it - self.centre)).collect()
    }

    fn slope(&self, values: &[f64]) -> f64 {
        let products = self.places.iter().zip(values).map(|(place, v)| (place - self.centre) * v);
        products.sum::<f64>() / self.squares
    }

    /// Standard deviation of a run about the line: what the runs show, drawn towards what is usual.
    fn run_noise(&self, values: &[f64]) -> f64 {
        let (middle, slope) = (mean(values), self.slope(values));
        let expected = self.places.iter().map(|place| middle + slope * (place - self.centre));
        let squares: f64 = expected.zip(values).map(|(line, value)| (value - line).powi(2)).sum();
        let freedom = RUN_NOISE_WEIGHT + self.places.len() as f64 - 2.0;
        ((RUN_NOISE_WEIGHT * RUN_NOISE * RUN_NOISE + squares) / freedom).sqrt()
    }
}

/// A mean over the held-out queries, moved to where the base model is as good as on the test split.
pub(super) struct Adjusted {
    pub(super) mean: f64,
    /// Standard error of the mean.
    pub(super) error: f64,
    /// Standard deviation of a query about the regression.
    residual: f64,
}

impl Adjusted {
    /// Regresses `gains` on the base model's `scores` and reads them at `base`.
    pub(super) fn new(gains: &[f64], scores: &[f64], base: f64) -> Self {
        let (middle, centre) = (mean(gains), mean(scores));
        let squares: f64 = scores.iter().map(|score| (score - centre).powi(2)).sum();
        let products: f64 =
            scores.iter().zip(gains).map(|(score, gain)| (score - centre) * gain).sum();
        // Where all scores are the same there is nothing to learn about other ones.
        let (slope, lever) = match squares > 1e-12 {
            true => (products / squares, (base - centre).powi(2) / squares),
            false => (0.0, 0.0),
        };
        let left = scores
            .iter()
            .zip(gains)
            .map(|(score, gain)| (gain - middle - slope * (score - centre)).powi(2));
        let residual = (left.sum::<f64>() / (gains.len() as f64 - 2.0)).sqrt();
        Self {
            mean: middle + slope * (base - centre),
            error: residual * (1.0 / gains.len() as f64 + lever).sqrt(),
            residual,
        }
    }

    /// The interval of the mean, over `queries` held-out queries.
    pub(super) fn interval(&self, queries: usize) -> [f64; 2] {
        let half = student(queries - 2) * self.error;
        [self.mean - half, self.mean + half]
    }
}

/// What a standard error of a mean over so many queries is multiplied by.
fn student(freedom: usize) -> f64 {
    student_quantile(0.5 + 0.5 * CONFIDENCE, freedom as f64)
}

#[cfg(test)]
mod tests;
