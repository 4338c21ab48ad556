//! Comparing two reports measure by measure.

use serde::{Deserialize, Serialize};

use super::{Comparison, ComparisonOptions, holm};
use crate::error::MetricsError;
use crate::measure::Measure;
use crate::report::Report;

/// The comparison of one measure among several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MeasureComparison {
    /// The measure.
    pub measure: Measure,
    /// Its comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// [`Comparison::p_permutation`] corrected for the number of measures compared, by [`holm`].
    pub p_holm: f64,
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
    check_queries(base.query_ids(), tuned.query_ids())?;
    let mut compared = Vec::new();
    for measure in base.measures() {
        if let (Some(base), Some(tuned)) = (base.per_query(&measure), tuned.per_query(&measure)) {
            compared.push((measure, Comparison::new(base, tuned, options)?));
        }
    }
    if compared.is_empty() {
        return Err(MetricsError::NoCommonMeasures);
    }
    let p_values: Vec<f64> = compared.iter().map(|(_, it)| it.p_permutation).collect();
    let adjusted = holm(&p_values);
    Ok(compared
        .into_iter()
        .zip(adjusted)
        .map(|((measure, comparison), p_holm)| MeasureComparison { measure, comparison, p_holm })
        .collect())
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
}
