//! Precision at multiples of the number of relevant documents.

use std::num::NonZeroUsize;

use super::name::{Spelling, Takes};
use super::{Measure, Parameter};
use crate::evaluate::raised;
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[Spelling {
    name: "rprec_mult",
    takes: Takes::Parameters {
        default: None,
        parse: |text| Some(Measure::RPrecisionMultiple { factor: Parameter::parse(text)? }),
        expected: "a multiple of the number of relevant documents",
        examples: &["rprec_mult@0.5"],
    },
}];

pub(super) fn score(query: &GradedRanking, factor: Parameter) -> f64 {
    match NonZeroUsize::new(raised(factor.get(), query.relevant())) {
        Some(cutoff) => query.hits(Some(cutoff)) as f64 / cutoff.get() as f64,
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn the_cutoff_is_raised_to_the_next_number() {
        let query = graded(&[1, 0, 1], &[1]);
        let at = |factor| score(&query, Parameter::new(factor).unwrap());
        assert_eq!((at(0.0), at(0.5), at(1.0), at(2.0)), (0.0, 1.0 / 2.0, 2.0 / 3.0, 2.0 / 6.0));
        assert_eq!(score(&graded(&[0], &[]), Parameter::new(1.0).unwrap()), 0.0);
    }
}
