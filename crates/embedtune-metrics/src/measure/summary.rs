//! From the values of the queries to one number.

use super::Measure;

/// How a measure is summarized over queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    Mean,
    /// The exponential of the mean of logarithms.
    GeometricMean,
    Sum,
    Count,
}

impl Summary {
    /// Sums run in the order of the values, as those of `trec_eval` do. 0 for no value.
    pub(crate) fn of(self, values: &[f64]) -> f64 {
        if values.is_empty() {
            return 0.0;
        }
        let sum = super::total(values.iter().copied());
        match self {
            Self::Mean => sum / values.len() as f64,
            Self::GeometricMean => (sum / values.len() as f64).exp(),
            Self::Sum => sum,
            Self::Count => values.len() as f64,
        }
    }
}

impl Summary {
    /// Whether `trec_eval -q` prints the value of each query.
    pub(crate) fn is_printed_per_query(self) -> bool {
        matches!(self, Self::Mean | Self::Sum)
    }
}

impl Measure {
    pub(crate) fn summary(self) -> Summary {
        match self {
            Self::GeometricMap | Self::GeometricBpref => Summary::GeometricMean,
            Self::NumQueries => Summary::Count,
            Self::NumRetrieved
            | Self::NumRelevant
            | Self::NumRelevantRetrieved
            | Self::NumNonrelevantRetrieved => Summary::Sum,
            _ => Summary::Mean,
        }
    }

    /// Whether the values are whole numbers that count something.
    pub fn is_count(&self) -> bool {
        matches!(self.summary(), Summary::Sum | Summary::Count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_number() {
        let values = [2f64.ln(), 8f64.ln()];
        assert!((Summary::GeometricMean.of(&values) - 4.0).abs() < 1e-12);
        assert_eq!(Summary::Mean.of(&[1.0, 0.0]), 0.5);
        assert_eq!(Summary::Sum.of(&[1.0, 2.0]), 3.0);
        assert_eq!(Summary::Count.of(&[0.0, 0.0]), 2.0);
        assert_eq!(Summary::GeometricMean.of(&[]), 0.0);
    }
}
