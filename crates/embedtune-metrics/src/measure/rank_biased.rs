//! Rank-biased precision: a reader who goes on to the next document with a fixed probability.

use super::name::{Spelling, Takes};
use super::{Gains, Measure, Parameter};
use crate::ranking::GradedRanking;

pub(crate) const DEFAULT_PERSISTENCE: Parameter = Parameter::new(0.9).expect("finite");

pub(super) const GRADED: &[Spelling] = &[Spelling {
    name: "rbp",
    takes: Takes::Parameters {
        default: Some(Measure::RankBiased {
            persistence: DEFAULT_PERSISTENCE,
            gains: Gains::GRADES,
        }),
        parse: parse_graded,
        expected: "p, above 0 and below 1, and a gain for each of up to 8 grades",
        examples: &["rbp(p=0.8)", "rbp(p=0.8,1=0.5,2=1)"],
    },
}];

pub(super) const BINARY: &[Spelling] = &[Spelling {
    name: "rbp_binary",
    takes: Takes::Parameters {
        default: Some(Measure::BinaryRankBiased { persistence: DEFAULT_PERSISTENCE }),
        parse: |text| Some(Measure::BinaryRankBiased { persistence: parse_persistence(text)? }),
        expected: "p, above 0 and below 1",
        examples: &["rbp_binary(p=0.8)"],
    },
}];

pub(super) const RESIDUAL: &[Spelling] = &[Spelling {
    name: "rbp_resid",
    takes: Takes::Parameters {
        default: Some(RESIDUAL_DEFAULT),
        parse: |text| Some(Measure::RankBiasedResidual { persistence: parse_persistence(text)? }),
        expected: "p, above 0 and below 1",
        examples: &["rbp_resid(p=0.8)"],
    },
}];

pub(super) const RESIDUAL_DEFAULT: Measure =
    Measure::RankBiasedResidual { persistence: DEFAULT_PERSISTENCE };

/// `p=0.8`, or the number alone.
fn parse_persistence(text: &str) -> Option<Parameter> {
    let number = text.trim().strip_prefix("p=").unwrap_or(text);
    Parameter::parse(number).filter(|p| p.get() > 0.0 && p.get() < 1.0)
}

fn parse_graded(text: &str) -> Option<Measure> {
    if !text.contains('=') {
        let persistence = parse_persistence(text)?;
        return Some(Measure::RankBiased { persistence, gains: Gains::GRADES });
    }
    let (mut persistence, mut gains) = (DEFAULT_PERSISTENCE, Vec::new());
    for part in text.split(',') {
        match part.trim().strip_prefix("p=") {
            Some(_) => persistence = parse_persistence(part)?,
            None => gains.push(part),
        }
    }
    let gains = if gains.is_empty() { Gains::GRADES } else { Gains::parse(&gains.join(","))? };
    Some(Measure::RankBiased { persistence, gains })
}

/// Gains that do not lie between 0 and 1 already are brought there, by the least and the greatest
/// of this query's judgements.
pub(super) fn graded(query: &GradedRanking, persistence: Parameter, gains: Gains) -> f64 {
    let is_given = |grade: i32| gains.get().iter().any(|&(named, _)| named == grade);
    // Of the grades that gain themselves, the greatest is enough.
    let greatest = query.ideal_top(None).first().copied().unwrap_or(0);
    let grade = (0..=greatest).rev().find(|&grade| !is_given(grade)).map(f64::from);
    let known = gains.get().iter().map(|it| it.1.get()).chain(grade);
    let (least, most) =
        known.fold((0.0f64, 0.0f64), |(least, most), gain| (least.min(gain), most.max(gain)));
    let normalize = least < 0.0 || most > 1.0;
    let gain = |grade: i32| {
        let gain = gains.of(grade.max(-2));
        if normalize && ((0..=greatest).contains(&grade) || is_given(grade)) {
            (gain - least) / (most - least)
        } else {
            gain
        }
    };
    biased_sum(query, persistence, gain)
}

pub(super) fn binary(query: &GradedRanking, persistence: Parameter) -> f64 {
    biased_sum(query, persistence, |grade| if query.is_relevant(grade) { 1.0 } else { 0.0 })
}

fn biased_sum(query: &GradedRanking, persistence: Parameter, gain: impl Fn(i32) -> f64) -> f64 {
    let p = persistence.get();
    let (mut reached, mut rank, mut sum) = (1.0, 1, 0.0);
    for hit in query.top(None) {
        while rank < hit.rank {
            reached *= p;
            rank += 1;
        }
        let gain = gain(hit.grade);
        if gain != 0.0 {
            sum += gain * reached;
        }
    }
    (1.0 - p) * sum
}

/// What documents that nobody judged could add at most, including those that were not retrieved.
pub(super) fn residual(query: &GradedRanking, persistence: Parameter) -> f64 {
    let p = persistence.get();
    let mut judged = query.top(None).iter().filter(|hit| hit.is_judged()).peekable();
    let (mut reached, mut sum, mut any) = (1.0, 0.0, false);
    for rank in (1..).take(query.retrieved()) {
        if judged.next_if(|hit| hit.rank == rank).is_none() {
            sum += reached;
            any = true;
        }
        reached *= p;
    }
    if any { reached + (1.0 - p) * sum } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded as query;

    const HALF: Parameter = Parameter::new(0.5).unwrap();

    #[test]
    fn gains_are_shares_of_the_greatest() {
        let ranking = query(&[1, -1, 2], &[4]);
        assert_eq!(graded(&ranking, HALF, Gains::GRADES), 0.5 * (0.25 + 0.5 * 0.25));
        assert_eq!(binary(&ranking, HALF), 0.5 * (1.0 + 0.25));
        let gains = Gains::new(&[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]).unwrap();
        assert_eq!(graded(&ranking, HALF, gains), binary(&ranking, HALF));
        assert_eq!(graded(&query(&[0], &[]), HALF, Gains::GRADES), 0.0);
    }

    #[test]
    fn the_residual_is_what_is_not_known() {
        assert_eq!(residual(&query(&[1, -1], &[]), HALF), 0.25 + 0.5 * 0.5);
        assert_eq!(residual(&query(&[1, 0], &[]), HALF), 0.0);
        assert_eq!(residual(&query(&[-1, -2], &[]), HALF), 0.25 + 0.5 * 1.5);
    }

    #[test]
    fn names_with_parameters() {
        let p = |text: &str| match parse_graded(text) {
            Some(Measure::RankBiased { persistence, gains }) => Some((persistence.get(), gains)),
            _ => None,
        };
        assert_eq!(p("0.8"), Some((0.8, Gains::GRADES)));
        assert_eq!(p("p=0.8"), Some((0.8, Gains::GRADES)));
        assert_eq!(p("p=0.8,2=1"), Some((0.8, Gains::new(&[(2, 1.0)]).unwrap())));
        assert_eq!(p("2=1"), Some((0.9, Gains::new(&[(2, 1.0)]).unwrap())));
        assert!(p("p=1").is_none() && p("p=x").is_none() && p("").is_none());
    }
}
