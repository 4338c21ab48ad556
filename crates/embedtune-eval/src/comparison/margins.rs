//! Is B good enough to replace A, and are both the same in practice?

use embedtune_metrics::{
    Measure, MetricsError, Report,
    stats::{EquivalenceTest, NonInferiorityTest, Paired, equivalence_test, non_inferiority_test},
};
use serde::{Deserialize, Serialize};

/// The tests of one measure against a margin that was chosen before looking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MarginTests {
    /// The measure.
    pub measure: Measure,
    /// Worse by less than the margin? What a model that is cheaper has to show.
    pub non_inferiority: NonInferiorityTest,
    /// Neither better nor worse by the margin?
    pub equivalence: EquivalenceTest,
}

impl MarginTests {
    /// One entry for each measure that both reports have, over the same queries.
    pub(super) fn of(
        base: &Report,
        tuned: &Report,
        margin: f64,
    ) -> Result<Vec<Self>, MetricsError> {
        let mut tests = Vec::new();
        for measure in base.measures() {
            let values = (base.per_query(&measure), tuned.per_query(&measure));
            if let (Some(base), Some(tuned)) = values {
                let paired = Paired::new(base, tuned)?;
                tests.push(Self {
                    measure,
                    non_inferiority: non_inferiority_test(&paired, margin)?,
                    equivalence: equivalence_test(&paired, margin)?,
                });
            }
        }
        Ok(tests)
    }

    /// What the tests show at level `alpha`, in a few words.
    pub fn finding(&self, alpha: f64) -> &'static str {
        match (self.equivalence.p < alpha, self.non_inferiority.p < alpha) {
            (true, _) => "the same within the margin",
            (false, true) => "not worse by the margin",
            (false, false) => "not shown",
        }
    }
}

#[cfg(test)]
mod tests {
    use embedtune_metrics::{EvaluateOptions, Qrels, Run, evaluate};

    use super::*;

    /// A report in which query `i` has its one document at rank `ranks[i]`.
    fn report(ranks: &[usize]) -> Report {
        let (mut qrels, mut run) = (Qrels::new(), Run::new());
        for (number, &rank) in ranks.iter().enumerate() {
            let query = format!("q{number:03}");
            qrels.insert(&query, "right", 1).unwrap();
            for place in 1..=rank {
                let document = if place == rank { "right".to_owned() } else { format!("w{place}") };
                run.insert(&query, &document, -(place as f64)).unwrap();
            }
        }
        evaluate(&qrels, &run, &[Measure::MRR_10], &EvaluateOptions::default()).unwrap()
    }

    #[test]
    fn many_queries_show_what_few_cannot() {
        let alternating = |count: usize, side: usize| -> Report {
            report(&(0..count).map(|it| 1 + (it + side) % 2).collect::<Vec<_>>())
        };
        let of = |count, margin| {
            let tests =
                MarginTests::of(&alternating(count, 0), &alternating(count, 1), margin).unwrap();
            tests[0].finding(0.05)
        };
        assert_eq!(of(8, 0.1), "not shown");
        assert_eq!(of(400, 0.1), "the same within the margin");
        let (worse, better) = (report(&[2; 40]), report(&[1; 40]));
        let up = MarginTests::of(&worse, &better, 0.1).unwrap();
        assert_eq!(up[0].finding(0.05), "not worse by the margin");
        let down = MarginTests::of(&better, &worse, 0.1).unwrap();
        assert_eq!(down[0].finding(0.05), "not shown");
    }

    #[test]
    fn a_margin_must_be_positive() {
        let same = report(&[1, 2, 3]);
        assert!(MarginTests::of(&same, &same, 0.0).is_err());
    }
}
