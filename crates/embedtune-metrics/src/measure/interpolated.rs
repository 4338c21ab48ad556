//! Interpolated precision at shares of the relevant documents.

use super::name::{Spelling, Takes};
use super::{Measure, Parameter, Points};
use crate::ranking::GradedRanking;

pub(super) const AT_RECALL: &[Spelling] = &[
    Spelling {
        name: "iprec_at_recall",
        takes: Takes::Parameters {
            default: None,
            parse: at_recall,
            expected: "a share of the relevant documents",
            examples: &["iprec_at_recall@0.1"],
        },
    },
    Spelling {
        name: "iprec",
        takes: Takes::Parameters {
            default: None,
            parse: at_recall,
            expected: "a share of the relevant documents",
            examples: &["iprec@0.1"],
        },
    },
];

pub(super) const ELEVEN_POINT: &[Spelling] = &[Spelling {
    name: "11pt_avg",
    takes: Takes::Parameters {
        default: Some(Measure::ElevenPoint { points: TENTHS }),
        parse: |text| Some(Measure::ElevenPoint { points: Points::parse(text)? }),
        expected: "up to 11 shares of the relevant documents",
        examples: &["11pt_avg", "11pt_avg(0.2,0.5,0.8)"],
    },
}];

/// The eleven points of the classic curve.
pub(crate) const TENTHS: Points =
    Points::new(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
        .expect("eleven finite numbers");

fn at_recall(text: &str) -> Option<Measure> {
    Some(Measure::InterpolatedPrecision { recall: Parameter::parse(text)? })
}

pub(super) fn precision(query: &GradedRanking, recall: Parameter) -> f64 {
    let mut value = 0.0;
    each_point(query, &[recall], |precision| value = precision);
    value
}

pub(super) fn average(query: &GradedRanking, points: &[Parameter]) -> f64 {
    let mut sum = 0.0;
    each_point(query, points, |precision| sum += precision);
    sum / points.len() as f64
}

/// Calls `found` with the best precision from the rank on where each of `points` is reached, the last
/// point first; points that are not reached are left out, 0 being their precision.
fn each_point(query: &GradedRanking, points: &[Parameter], mut found: impl FnMut(f64)) {
    let documents =
        |point: &Parameter| query.recall_points.documents(point.get(), query.relevant());
    let mut hits = query.hits(None);
    let mut points = points;
    while let Some((_, rest)) = points.split_last().filter(|(point, _)| documents(point) > hits) {
        points = rest;
    }
    let mut best = 0.0f64;
    for rank in query.relevant_ranks(None).rev() {
        best = best.max(hits as f64 / f64::from(rank));
        while let Some((_, rest)) =
            points.split_last().filter(|(point, _)| documents(point) == hits)
        {
            found(best);
            points = rest;
        }
        hits -= 1;
    }
    points.iter().for_each(|_| found(best));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    fn at(query: &GradedRanking, recall: f64) -> f64 {
        precision(query, Parameter::new(recall).unwrap())
    }

    #[test]
    fn the_best_precision_further_down_counts() {
        let query = graded(&[0, 1, 1, 0, 1], &[1]);
        assert_eq!(at(&query, 0.0), 2.0 / 3.0);
        assert_eq!(at(&query, 0.25), 2.0 / 3.0);
        assert_eq!(at(&query, 0.75), 3.0 / 5.0);
        assert_eq!(at(&query, 1.0), 0.0);
        assert_eq!(at(&graded(&[0], &[]), 0.0), 0.0);
    }

    #[test]
    fn the_average_takes_points_that_are_not_reached_as_zero() {
        let points = Points::new(&[0.0, 0.5, 1.0]).unwrap();
        let query = graded(&[1, 0], &[1]);
        assert_eq!(average(&query, points.get()), (1.0 + 1.0 + 0.0) / 3.0);
    }
}
