//! From data to pixels.

use super::super::format;

/// Values beyond this have no place on an axis: sums and differences of them are not finite.
const LARGEST: f64 = 1e300;
/// Share of a step that is a rounding error.
const SLACK: f64 = 1e-6;
/// A range below this share of its values is rounding, not a difference.
const RESOLUTION: f64 = 1e-9;

/// Sizes of values that are written without an exponent.
const PLAIN: std::ops::Range<f64> = 1e-3..1e9;

/// A linear axis with round ticks.
#[derive(Debug, Clone)]
pub(in super::super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
}

impl Scale {
    /// An axis for `values` drawn from pixel `from` to pixel `to`, extended to round numbers, with
    /// about `ticks` intervals. Values that are not finite, or beyond 1e300, are ignored; without
    /// any the axis goes from 0 to 1, and around a single one there is room.
    pub(in super::super) fn new(
        values: impl Iterator<Item = f64>,
        from: f64,
        to: f64,
        ticks: usize,
    ) -> Self {
        let (low, high) = range(values);
        let step = round_step((high - low) / ticks.max(1) as f64);
        // Ends that are round but for a rounding error stay where they are.
        let (first, last) = ((low / step + SLACK).floor(), (high / step - SLACK).ceil());
        Self { low: first * step, high: last * step, from, to, step }
    }

    /// [`Scale::new`] that ends at the outermost values: right where a round number beyond the data
    /// has no meaning, the number of a step or of a query for example.
    pub(in super::super) fn tight(
        values: impl Iterator<Item = f64>,
        from: f64,
        to: f64,
        ticks: usize,
    ) -> Self {
        let (low, high) = range(values);
        let of = |ticks: usize| {
            let step = round_step((high - low) / ticks as f64);
            Self { low, high, from, to, step }
        };
        // The round numbers may all lie outside; of five intervals two ticks never do.
        let ticks = ticks.max(1);
        (ticks..ticks + 5).map(of).find(|scale| scale.ticks().count() > 1).unwrap_or(of(ticks + 5))
    }

    /// Pixel of `value`.
    pub(in super::super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Least value of the axis.
    pub(in super::super) fn low(&self) -> f64 {
        self.low
    }

    /// Round values along the axis, ascending.
    pub(in super::super) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let step = self.step;
        let first = (self.low / step - SLACK).ceil();
        let last = (self.high / step + SLACK).floor();
        (0..(last - first + 1.0).clamp(0.0, 1000.0) as usize).map(move |tick| {
            let value = (first + tick as f64) * step;
            // −0 would print with its sign.
            if value == 0.0 { 0.0 } else { value }
        })
    }

    /// A tick's label, with as many digits as the step needs; all ticks of an axis share them.
    pub(in super::super) fn label(&self, tick: f64) -> String {
        let sign = if tick < 0.0 { "−" } else { "" };
        let value = tick.abs();
        let place = self.step.log10().floor() as i32;
        let largest = self.low.abs().max(self.high.abs());
        if value == 0.0 && !PLAIN.contains(&largest) {
            return "0".to_owned();
        }
        if !PLAIN.contains(&largest) {
            let exponent = largest.log10().floor() as i32;
            let decimals = (exponent - place).max(0) as usize;
            return format!("{sign}{:.decimals$}e{exponent}", value / 10f64.powi(exponent));
        }
        match place {
            0.. => sign.to_owned() + &format::count(value.round() as u64),
            _ => format!("{sign}{value:.0$}", place.unsigned_abs() as usize),
        }
    }
}

/// Least and greatest of the values, with room around a single one.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.abs() <= LARGEST) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.0, 1.0);
    }
    let size = low.abs().max(high.abs());
    if size < 1.0 / LARGEST {
        return (-1.0, 1.0);
    }
    if high - low <= size * RESOLUTION {
        let room = size * 0.1;
        return ((low - room).max(-LARGEST * 2.0), high + room);
    }
    (low, high)
}

/// The smallest of 1, 2, 5, 10 times a power of ten that is not below `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= raw * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(values: &[f64], ticks: usize) -> Vec<String> {
        let scale = Scale::new(values.iter().copied(), 0.0, 100.0, ticks);
        scale.ticks().map(|tick| scale.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[0.0, 1.0], 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[3.0, 48.0], 5), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(&[-0.04, 0.05], 4), ["−0.05", "0.00", "0.05"]);
        assert_eq!(labels(&[0.0, 30_000.0], 3), ["0", "10,000", "20,000", "30,000"]);
    }

    #[test]
    fn small_and_large_ones_have_an_exponent() {
        assert_eq!(labels(&[0.0, 2e-5], 4), ["0", "0.5e-5", "1.0e-5", "1.5e-5", "2.0e-5"]);
        assert_eq!(labels(&[0.0, 4e12], 2), ["0", "2e12", "4e12"]);
    }

    #[test]
    fn an_axis_needs_no_data_and_no_difference() {
        assert_eq!(labels(&[], 2), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(&[f64::NAN, 2.0, f64::INFINITY], 2), ["1.8", "2.0", "2.2"]);
        assert_eq!(labels(&[0.0], 2), ["−1", "0", "1"]);
        assert_eq!(labels(&[0.3, 0.1 + 0.2], 1), ["0.2", "0.3", "0.4"]);
    }

    #[test]
    fn a_tight_axis_ends_where_the_data_ends() {
        let scale = Scale::tight([1.0, 600.0].into_iter(), 0.0, 100.0, 4);
        assert_eq!((scale.at(1.0), scale.at(600.0)), (0.0, 100.0));
        assert_eq!(scale.ticks().collect::<Vec<_>>(), [200.0, 400.0, 600.0]);
    }

    /// Values of any size, and some that are no numbers.
    fn values() -> impl Strategy<Value = Vec<f64>> {
        let any_size = (-1.0..1.0, -290i32..290).prop_map(|(sign, size)| sign * 10f64.powi(size));
        let value = prop_oneof![
            8 => -1e6..1e6,
            4 => any_size,
            1 => Just(0.0),
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        ];
        prop::collection::vec(value, 0..20)
    }

    proptest! {
        #[test]
        fn every_value_lies_on_the_axis(values in values(), wanted in 1usize..9) {
            let of = |scale: Scale| -> Result<(), TestCaseError> {
                let mut pixels: Vec<(f64, f64)> = values
                    .iter()
                    .filter(|value| value.is_finite())
                    .map(|&value| (value, scale.at(value)))
                    .collect();
                pixels.sort_by(|a, b| a.0.total_cmp(&b.0));
                for (value, pixel) in &pixels {
                    prop_assert!((9.99..=90.01).contains(pixel), "{value} at {pixel}");
                }
                prop_assert!(pixels.is_sorted_by(|a, b| a.1 <= b.1));
                let ticks: Vec<f64> = scale.ticks().collect();
                prop_assert!((2..=wanted + 5).contains(&ticks.len()), "{ticks:?}");
                prop_assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
                for &tick in &ticks {
                    prop_assert!(tick.is_finite() && (9.99..=90.01).contains(&scale.at(tick)));
                }
                let mut labels: Vec<String> = ticks.iter().map(|&it| scale.label(it)).collect();
                prop_assert!(labels.iter().all(|it| it.chars().count() <= 20), "{labels:?}");
                labels.dedup();
                prop_assert_eq!(labels.len(), ticks.len());
                Ok(())
            };
            of(Scale::new(values.iter().copied(), 10.0, 90.0, wanted))?;
            of(Scale::tight(values.iter().copied(), 10.0, 90.0, wanted))?;
        }
    }
}
