//! The comparison within each slice.

use embedtune_metrics::{Comparison, ComparisonOptions, Measure, MetricsError, Report, holm};
use serde::{Deserialize, Serialize};

use super::{SliceBy, Slices};
use crate::EvalError;

/// Below this many queries a slice is [small](SliceComparison::small): tests and intervals assume
/// a spread that fewer queries do not show.
const SMALL: usize = 30;

/// Two systems on the queries of one slice, in one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SliceComparison {
    /// What divided the queries.
    pub by: SliceBy,
    /// Which of them these are.
    pub label: String,
    /// Queries of the slice.
    pub queries: usize,
    /// The measure.
    pub measure: Measure,
    /// `None` for a slice of one query.
    pub comparison: Option<Comparison>,
    /// The permutation test's p, corrected by Holm's method for **all** slices that were compared
    /// together: who looks at ten slices finds one that "gained" by chance.
    pub p_holm: Option<f64>,
    /// Fewer than 30 queries: only a large difference would show, and the interval is rough.
    pub small: bool,
}

impl SliceComparison {
    /// Compares two reports within each group of `slices`, in one measure. Queries that the
    /// reports do not know are passed over.
    ///
    /// # Errors
    /// If the reports are about different queries or lack the measure; if an option is out of
    /// range.
    pub fn of(
        base: &Report,
        tuned: &Report,
        measure: Measure,
        slices: &[Slices],
        options: &ComparisonOptions,
    ) -> Result<Vec<Self>, EvalError> {
        let (before, after) = (values(base, measure)?, values(tuned, measure)?);
        check_queries(base, tuned)?;
        let groups = slices.iter().flat_map(|it| it.groups.iter().map(|group| (it.by, group)));
        let mut compared = Vec::new();
        for (by, group) in groups {
            let places =
                group.queries.iter().filter_map(|id| base.query_ids().binary_search(id).ok());
            // In the order of the report, on which the outcome must not depend.
            let mut places: Vec<usize> = places.collect();
            places.sort_unstable();
            let of = |values: &[f64]| places.iter().map(|&it| values[it]).collect::<Vec<f64>>();
            let comparison = (places.len() > 1)
                .then(|| Comparison::new(&of(before), &of(after), options))
                .transpose()?;
            compared.push(Self {
                by,
                label: group.label.clone(),
                queries: places.len(),
                measure,
                comparison,
                p_holm: None,
                small: places.len() < SMALL,
            });
        }
        correct(&mut compared);
        Ok(compared)
    }
}

fn correct(compared: &mut [SliceComparison]) {
    let tested = || compared.iter().filter_map(|it| it.comparison.as_ref());
    let p_values: Vec<f64> = tested().map(|it| it.p_permutation).collect();
    let tested = compared.iter_mut().filter(|it| it.comparison.is_some());
    for (slice, p) in tested.zip(holm(&p_values)) {
        slice.p_holm = Some(p);
    }
}

fn values(report: &Report, measure: Measure) -> Result<&[f64], EvalError> {
    report.per_query(&measure).ok_or_else(|| {
        let computed: Vec<String> = report.measures().map(|it| it.to_string()).collect();
        let (measure, computed) = (measure.to_string(), computed.join(", "));
        EvalError::MeasureMissing { measure, computed }
    })
}

fn check_queries(base: &Report, tuned: &Report) -> Result<(), MetricsError> {
    let (left, right) = (base.query_ids(), tuned.query_ids());
    let one_sided = |ids: &[String], others: &[String]| {
        ids.iter().find(|id| others.binary_search(id).is_err()).cloned()
    };
    match one_sided(left, right).or_else(|| one_sided(right, left)) {
        Some(query) => Err(MetricsError::QueryMismatch { query }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use embedtune_metrics::{EvaluateOptions, Qrels, Run, evaluate};

    use super::*;

    /// One relevant document per query, at rank `rank(query)`.
    fn report(queries: usize, rank: impl Fn(usize) -> usize) -> Report {
        let (mut qrels, mut run) = (Qrels::new(), Run::new());
        for number in 0..queries {
            let query = format!("q{number}");
            qrels.insert(&query, "right", 1).unwrap();
            for place in 1..=rank(number) {
                let right = place == rank(number);
                let id = if right { "right".to_owned() } else { format!("w{place}") };
                run.insert(&query, &id, -(place as f64)).unwrap();
            }
        }
        evaluate(&qrels, &run, &[Measure::MRR_10], &EvaluateOptions::default()).unwrap()
    }

    fn sources(queries: usize, source: impl Fn(usize) -> &'static str) -> Slices {
        let ids: Vec<String> = (0..queries).map(|it| format!("q{it}")).collect();
        Slices::by_source(ids.iter().enumerate().map(|(it, id)| (id.as_str(), source(it))))
    }

    #[test]
    fn a_slice_holds_its_queries_alone_and_is_corrected_for_the_others() {
        // The even ones gain, the odd ones do not; the last is alone.
        let base = report(81, |_| 2);
        let tuned = report(81, |it| if it % 2 == 0 && it < 80 { 1 } else { 2 });
        let by = sources(81, |it| match it {
            80 => "alone",
            it if it % 2 == 0 => "even",
            _ => "odd",
        });
        let options = ComparisonOptions::default().with_permutations(1_000);
        let measure = Measure::MRR_10;
        let slices = SliceComparison::of(&base, &tuned, measure, &[by], &options).unwrap();
        let [even, odd, alone] = &slices[..] else { panic!("{slices:?}") };
        assert_eq!((even.label.as_str(), even.queries, even.small), ("even", 40, false));
        let comparison = even.comparison.as_ref().unwrap();
        assert_eq!((comparison.base_mean, comparison.tuned_mean), (0.5, 1.0));
        assert_eq!(even.p_holm, Some(2.0 * comparison.p_permutation));
        assert_eq!((odd.p_holm, odd.comparison.as_ref().unwrap().difference), (Some(1.0), 0.0));
        assert_eq!((alone.queries, alone.small, &alone.comparison), (1, true, &None));
        assert_eq!(alone.p_holm, None);
    }

    #[test]
    fn unknown_measures_and_other_queries_are_refused() {
        let (few, more) = (report(3, |_| 1), report(4, |_| 1));
        let options = ComparisonOptions::default();
        let of = |left, right, measure| SliceComparison::of(left, right, measure, &[], &options);
        let refused = of(&few, &few, Measure::NDCG_10).unwrap_err();
        assert!(matches!(refused, EvalError::MeasureMissing { .. }), "{refused}");
        for (left, right) in [(&few, &more), (&more, &few)] {
            let refused = of(left, right, Measure::MRR_10).unwrap_err();
            assert!(refused.to_string().contains("\"q3\""), "{refused}");
        }
    }
}
