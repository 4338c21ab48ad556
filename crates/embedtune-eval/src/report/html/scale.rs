//! From data to pixels.

/// A linear axis with round ticks.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
}

impl Scale {
    /// An axis for `values` drawn from pixel `from` to pixel `to`, extended to round numbers, with
    /// about `ticks` intervals. Values that are not finite are ignored.
    pub(super) fn new(values: impl Iterator<Item = f64>, from: f64, to: f64, ticks: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low == high {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / ticks.max(1) as f64);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { low, high, from, to, step }
    }

    /// Pixel of `value`.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values along the axis.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, step) = (self.low, self.step);
        let count = ((self.high - low) / step).round() as usize;
        (0..=count).map(move |tick| {
            let value = low + tick as f64 * step;
            // Sums of steps miss zero by a rounding error, which would print as −0.
            if value.abs() < step * 1e-9 { 0.0 } else { value }
        })
    }

    /// A tick's label, with as many decimals as the step needs.
    pub(super) fn label(&self, tick: f64) -> String {
        let decimals = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        let text = format!("{:.decimals$}", tick.abs());
        if tick < 0.0 { format!("−{text}") } else { text }
    }
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
        assert_eq!(labels(&[], 2), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(&[f64::NAN, 2.0], 2), ["1.8", "2.0", "2.2"]);
    }

    proptest! {
        #[test]
        fn every_value_lies_on_the_axis(values in prop::collection::vec(-1e6..1e6, 1..20)) {
            let scale = Scale::new(values.iter().copied(), 10.0, 90.0, 5);
            for &value in &values {
                let pixel = scale.at(value);
                prop_assert!((9.999..=90.001).contains(&pixel), "{value} at {pixel}");
            }
            prop_assert!(scale.ticks().count() <= 8);
        }
    }
}
