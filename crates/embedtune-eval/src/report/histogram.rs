//! Counts of values by equal bins.

use serde::{Deserialize, Serialize};

/// How many values fall into each of a few bins of equal width.
///
/// ```
/// use embedtune_eval::Histogram;
///
/// let histogram = Histogram::of([0.1, 0.4, 0.5, 1.0, 7.0], 0.0, 1.0, 2);
/// assert_eq!(histogram.counts, [2, 2]);
/// assert_eq!((histogram.below, histogram.above), (0, 1));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Histogram {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// Values of each bin `[a, b)`; the last one holds `high` too.
    pub counts: Vec<u64>,
    /// Values below the first bin.
    pub below: u64,
    /// Values above the last bin.
    pub above: u64,
}

impl Histogram {
    /// Counts `values` in `bins` bins from `low` to `high`. NaN is no value.
    pub fn of(values: impl IntoIterator<Item = f64>, low: f64, high: f64, bins: usize) -> Self {
        let mut histogram = Self { low, high, counts: vec![0; bins.max(1)], below: 0, above: 0 };
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }

    fn add(&mut self, value: f64) {
        if value < self.low {
            self.below += 1;
        } else if value > self.high {
            self.above += 1;
        } else if !value.is_nan() {
            let last = self.counts.len() - 1;
            // `high` itself, and what rounding puts behind the last bin, belongs to the last bin.
            let place = (value - self.low) / self.width();
            self.counts[(place as usize).min(last)] += 1;
        }
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        (self.high - self.low) / self.counts.len().max(1) as f64
    }

    /// All values counted, those outside of the bins included.
    pub fn total(&self) -> u64 {
        self.below + self.counts.iter().sum::<u64>() + self.above
    }

    /// Begin, end and count of each bin.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let (low, width) = (self.low, self.width());
        let begin = move |bin: usize| low + bin as f64 * width;
        self.counts.iter().enumerate().map(move |(bin, &n)| (begin(bin), begin(bin + 1), n))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn borders_belong_to_the_bin_that_they_begin() {
        let histogram = Histogram::of([0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN, -0.1], 0.0, 4.0, 4);
        assert_eq!(histogram.counts, [1, 1, 1, 2]);
        assert_eq!((histogram.below, histogram.above, histogram.total()), (1, 0, 6));
    }

    #[test]
    fn infinities_lie_outside_and_a_range_of_nothing_is_one_bin() {
        let histogram = Histogram::of([f64::INFINITY, f64::NEG_INFINITY], 0.0, 1.0, 3);
        assert_eq!((histogram.below, histogram.above), (1, 1));
        let point = Histogram::of([2.0, 2.0], 2.0, 2.0, 3);
        assert_eq!(point.total(), 2);
    }

    proptest! {
        #[test]
        fn every_value_is_counted_where_it_lies(
            values in prop::collection::vec(-2.0..2.0, 0..50), bins in 1usize..40,
        ) {
            let histogram = Histogram::of(values.iter().copied(), -1.0, 1.0, bins);
            prop_assert_eq!(histogram.total(), values.len() as u64);
            for (begin, end, count) in histogram.bins() {
                let inside = |slack: f64| {
                    values.iter().filter(|&&v| v >= begin - slack && v < end + slack).count() as u64
                };
                prop_assert!(count >= inside(-1e-9) && count <= inside(1e-9));
            }
        }
    }
}
