//! Utility: a price for each kind of document.

use super::name::{Spelling, Takes};
use super::{Measure, Parameter};
use crate::ranking::GradedRanking;

pub(super) const SPELLINGS: &[Spelling] = &[Spelling {
    name: "utility",
    takes: Takes::Parameters {
        default: Some(DEFAULT),
        parse,
        expected: "four numbers",
        examples: &["utility", "utility(2,-1,0,0)"],
    },
}];

pub(crate) const DEFAULT: Measure = Measure::Utility {
    coefficients: [
        Parameter::new(1.0).expect("finite"),
        Parameter::new(-1.0).expect("finite"),
        Parameter::new(0.0).expect("finite"),
        Parameter::new(0.0).expect("finite"),
    ],
};

fn parse(text: &str) -> Option<Measure> {
    let numbers: Option<Vec<Parameter>> = text.split(',').map(Parameter::parse).collect();
    Some(Measure::Utility { coefficients: numbers?.try_into().ok()? })
}

pub(super) fn score(query: &GradedRanking, coefficients: [Parameter; 4]) -> f64 {
    let [a, b, c, d] = coefficients.map(Parameter::get);
    let (hits, retrieved) = (query.hits(None) as f64, query.retrieved() as f64);
    let relevant = query.relevant() as f64;
    let elsewhere = query.collection_size as f64 + hits - retrieved - relevant;
    a * hits + b * (retrieved - hits) + c * (relevant - hits) + d * elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    #[test]
    fn each_kind_has_its_price() {
        let mut query = graded(&[1, 0, -1], &[1, 1, 1]);
        query.collection_size = 100;
        let Some(Measure::Utility { coefficients }) = parse("1,-1,0,0") else { panic!() };
        assert_eq!(score(&query, coefficients), 1.0 - 2.0);
        let Some(Measure::Utility { coefficients }) = parse("0,0,10,1") else { panic!() };
        assert_eq!(score(&query, coefficients), 30.0 + 94.0);
        assert!(parse("1,2,3").is_none());
    }
}
