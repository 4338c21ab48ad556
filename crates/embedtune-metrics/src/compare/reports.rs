//! Comparing two reports measure by measure.

use serde::{Deserialize, Serialize};

use super::{Comparison, ComparisonOptions};
use crate::error::MetricsError;
use crate::measure::Measure;
use crate::report::Report;
use crate::stats::{benjamini_hochberg, holm};

/// The comparison of one measure among several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MeasureComparison {
    /// The measure.
    pub measure: Measure,
    /// Its comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// [`Comparison::p_permutation`] corrected by [`holm`] for everything compared in the same
    /// call: below alpha, the chance of any false claim is below alpha.
    pub p_holm: f64,
    /// The same corrected by [`benjamini_hochberg`]: below alpha, the share of false claims is.
    pub p_benjamini_hochberg: f64,
}

/// Compares every measure that both reports have, in the order of `base`.
///
/// # Errors
/// [`MetricsError::QueryMismatch`] when the reports are not about the same queries,
/// [`MetricsError::NoCommonMeasures`], and the errors of [`Comparison::new`].
pub fn compare_reports(
    base: &Report,
    tuned: &Report,
    options: &ComparisonOptions,
) -> Result<Vec<MeasureComparison>, MetricsError> {
    Ok(corrected(vec![compare_pair(base, tuned, options)?]).remove(0))
}

/// Which of many models to compare with which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelPairs {
    /// Each of the others with the first.
    #[default]
    WithFirst,
    /// Each with each, the later one as the tuned side.
    All,
}

/// The comparison of two models among many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairComparison {
    /// Name of the model on the base side.
    pub base: String,
    /// Name of the model on the tuned side.
    pub tuned: String,
    /// One comparison for each measure that both have, corrected for all pairs and measures.
    pub measures: Vec<MeasureComparison>,
}

/// Compares many models over the same queries, with p-values corrected for **all** tests made:
/// measures times pairs of models. The more models are tried, the better the best of them looks by
/// chance alone.
///
/// # Errors
/// Those of [`compare_reports`]; [`MetricsError::InvalidOption`] below two models.
///
/// ```
/// use embedtune_metrics::{
///     ComparisonOptions, EvaluateOptions, Measure, ModelPairs, Qrels, Run, compare_many, evaluate,
/// };
///
/// let qrels = Qrels::read_trec_from("q1 0 a 1\nq2 0 b 1\nq3 0 c 1\n".as_bytes(), "qrels")?;
/// let of = |found: &[(&str, &str)]| {
///     let mut run = Run::new();
///     for (query, doc) in found {
///         run.insert(query, doc, 1.0)?;
///     }
///     evaluate(&qrels, &run, &[Measure::MRR_10], &EvaluateOptions::default())
/// };
/// let base = of(&[("q1", "a")])?;
/// let small = of(&[("q1", "a"), ("q2", "b")])?;
/// let large = of(&[("q1", "a"), ("q2", "b"), ("q3", "c")])?;
/// let models = [("base", &base), ("small", &small), ("large", &large)];
/// let compared = compare_many(&models, ModelPairs::WithFirst, &ComparisonOptions::default())?;
/// assert_eq!((compared[1].base.as_str(), compared[1].tuned.as_str()), ("base", "large"));
/// assert!(compared[1].measures[0].p_holm >= compared[1].measures[0].comparison.p_permutation);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn compare_many(
    models: &[(&str, &Report)],
    pairs: ModelPairs,
    options: &ComparisonOptions,
) -> Result<Vec<PairComparison>, MetricsError> {
    let [_, others @ ..] = models else { return Err(too_few_models(0)) };
    if others.is_empty() {
        return Err(too_few_models(1));
    }
    let bases = if pairs == ModelPairs::All { models.len() } else { 1 };
    let mut names = Vec::new();
    let mut compared = Vec::new();
    for (index, (base_name, base)) in models[..bases].iter().enumerate() {
        for (tuned_name, tuned) in &models[index + 1..] {
            compared.push(compare_pair(base, tuned, options)?);
            names.push((base_name.to_string(), tuned_name.to_string()));
        }
    }
    let together = corrected(compared).into_iter().zip(names);
    Ok(together.map(|(measures, (base, tuned))| PairComparison { base, tuned, measures }).collect())
}

fn too_few_models(got: usize) -> MetricsError {
    let (option, expected) = ("models", "at least 2");
    MetricsError::InvalidOption { option, expected, got: got.to_string() }
}

fn compare_pair(
    base: &Report,
    tuned: &Report,
    options: &ComparisonOptions,
) -> Result<Vec<(Measure, Comparison)>, MetricsError> {
    check_queries(base.query_ids(), tuned.query_ids())?;
    let mut compared = Vec::new();
    for measure in base.measures() {
        if let (Some(base), Some(tuned)) = (base.per_query(&measure), tuned.per_query(&measure)) {
            compared.push((measure, Comparison::new(base, tuned, options)?));
        }
    }
    if compared.is_empty() { Err(MetricsError::NoCommonMeasures) } else { Ok(compared) }
}

/// Corrects the p-values of all pairs together.
fn corrected(pairs: Vec<Vec<(Measure, Comparison)>>) -> Vec<Vec<MeasureComparison>> {
    let p_values: Vec<f64> = pairs.iter().flatten().map(|(_, it)| it.p_permutation).collect();
    let mut adjusted = holm(&p_values).into_iter().zip(benjamini_hochberg(&p_values));
    let mut next = |(measure, comparison)| {
        let (p_holm, p_benjamini_hochberg) = adjusted.next().unwrap_or((1.0, 1.0));
        MeasureComparison { measure, comparison, p_holm, p_benjamini_hochberg }
    };
    pairs.into_iter().map(|pair| pair.into_iter().map(&mut next).collect()).collect()
}

/// Both lists are sorted, so the first place where they differ names a query of one side alone.
fn check_queries(base: &[String], tuned: &[String]) -> Result<(), MetricsError> {
    let differing = base.iter().zip(tuned).find(|(a, b)| a != b).map(|(a, b)| a.min(b));
    let surplus = || base.get(tuned.len()).or_else(|| tuned.get(base.len()));
    match differing.or_else(surplus) {
        Some(query) => Err(MetricsError::QueryMismatch { query: query.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(measures: &[Measure], queries: &[&str]) -> Report {
        let mut report = Report::new(measures);
        for (index, query) in queries.iter().enumerate() {
            report.push(query, |_| index as f64 / 10.0);
        }
        report
    }

    #[test]
    fn only_common_measures_are_compared_and_corrected_together() {
        let base = report(&[Measure::NDCG_10, Measure::MRR_10, Measure::MAP_100], &["a", "b"]);
        let tuned = report(&[Measure::MAP_100, Measure::NDCG_10], &["a", "b"]);
        let compared = compare_reports(&base, &tuned, &ComparisonOptions::default()).unwrap();
        let measures: Vec<_> = compared.iter().map(|it| it.measure).collect();
        assert_eq!(measures, [Measure::NDCG_10, Measure::MAP_100]);
        assert!(compared.iter().all(|it| it.p_holm == 1.0));
    }

    #[test]
    fn different_queries_are_named() {
        let measures = [Measure::NDCG_10];
        let options = ComparisonOptions::default();
        let of = |queries: &[&str]| report(&measures, queries);
        for (left, right, named) in [(["a", "c"], ["b", "c"], "a"), (["a", "b"], ["a", "c"], "b")] {
            match compare_reports(&of(&left), &of(&right), &options) {
                Err(MetricsError::QueryMismatch { query }) => assert_eq!(query, named),
                other => panic!("{other:?}"),
            }
        }
        assert!(compare_reports(&of(&["a", "b"]), &of(&["a", "b", "c"]), &options).is_err());
        let other = report(&[Measure::MRR_10], &["a", "b"]);
        assert!(matches!(
            compare_reports(&of(&["a", "b"]), &other, &options),
            Err(MetricsError::NoCommonMeasures)
        ));
    }

    #[test]
    fn many_models_are_corrected_together() {
        let measures = [Measure::NDCG_10, Measure::MRR_10];
        let queries: Vec<String> = (0..12).map(|i| format!("q{i:02}")).collect();
        let of = |gain: f64| {
            let mut report = Report::new(&measures);
            for (i, query) in queries.iter().enumerate() {
                report.push(query, |_| 0.3 + gain * (1.0 + i as f64));
            }
            report
        };
        let reports = [of(0.0), of(0.01), of(0.02), of(-0.01)];
        let models: Vec<(&str, &Report)> = ["a", "b", "c", "d"].into_iter().zip(&reports).collect();
        let options = ComparisonOptions::default();
        let with_first = compare_many(&models, ModelPairs::WithFirst, &options).unwrap();
        let all = compare_many(&models, ModelPairs::All, &options).unwrap();
        let names = |pairs: &[PairComparison]| -> Vec<String> {
            pairs.iter().map(|it| format!("{}{}", it.base, it.tuned)).collect()
        };
        assert_eq!(names(&with_first), ["ab", "ac", "ad"]);
        assert_eq!(names(&all), ["ab", "ac", "ad", "bc", "bd", "cd"]);
        // Twelve gains of one sign: p = 2 / 4096 each, times 6 and 12 tests.
        let p = 2.0 / 4096.0;
        for (pairs, tests) in [(with_first, 6.0), (all, 12.0)] {
            for it in pairs.iter().flat_map(|pair| &pair.measures) {
                assert_eq!(it.comparison.p_permutation, p);
                assert_eq!(it.p_benjamini_hochberg, p);
                assert_eq!(it.p_holm, p * tests);
            }
        }
        assert!(compare_many(&models[..1], ModelPairs::All, &options).is_err());
        assert!(compare_many(&[], ModelPairs::All, &options).is_err());
    }
}
