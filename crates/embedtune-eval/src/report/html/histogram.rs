//! How many queries gained or lost how much.

use super::{
    format::signed,
    markup::Markup,
    scale::Scale,
    svg::{Anchor, Svg},
};

const SIZE: (f64, f64) = (760.0, 260.0);
const LEFT: f64 = 40.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 46.0;
/// Bins on either side of zero; gains lie in `[-1, 1]`.
const BINS: usize = 10;

/// A histogram of the gains that are not 0, losses left of zero and wins right of it.
pub(super) fn draw(m: &mut Markup, gains: &[f64], measure: &str) {
    let bins = bins(gains);
    let highest = bins.iter().copied().max().unwrap_or(0);
    let counts = [0.0, highest.max(4) as f64];
    let x = |gain: f64| LEFT + (gain + 1.0) / 2.0 * (SIZE.0 - LEFT - RIGHT);
    let y = Scale::new(counts.into_iter(), SIZE.1 - BOTTOM, TOP, 4);
    let title = format!("Queries by their gain in {measure}");
    let description = description(&bins);
    Svg::draw(m, "histogram", SIZE, (&title, &description), |svg| {
        axes(svg, &y, x, measure);
        let width = x(1.0 / BINS as f64) - x(0.0);
        for (bin, &count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
            let left = x((bin as f64 - BINS as f64) / BINS as f64);
            let class = if bin < BINS { "bar lost" } else { "bar won" };
            let top = y.at(count as f64);
            svg.rect(class, (left + 1.5, top), (width - 3.0, SIZE.1 - BOTTOM - top));
            let label = count.to_string();
            svg.text("count", (left + width / 2.0, top - 5.0), Anchor::Middle, &label);
        }
        svg.line("zero", (x(0.0), TOP - 8.0), (x(0.0), SIZE.1 - BOTTOM));
    });
}

fn axes(svg: &mut Svg<'_>, y: &Scale, x: impl Fn(f64) -> f64, measure: &str) {
    let bottom = SIZE.1 - BOTTOM;
    for tick in y.ticks().filter(|tick| tick.fract() == 0.0) {
        svg.line("grid", (LEFT, y.at(tick)), (SIZE.0 - RIGHT, y.at(tick)));
        svg.text("tick", (LEFT - 8.0, y.at(tick) + 4.0), Anchor::End, &format!("{tick:.0}"));
    }
    svg.line("axis", (LEFT, bottom), (SIZE.0 - RIGHT, bottom));
    for tick in -5..=5 {
        let gain = f64::from(tick) / 5.0;
        svg.line("axis", (x(gain), bottom), (x(gain), bottom + 5.0));
        svg.text("tick", (x(gain), bottom + 20.0), Anchor::Middle, &signed(gain, 1));
    }
    let label = format!("gain of a query in {measure}");
    svg.text("label", (x(0.0), SIZE.1 - 6.0), Anchor::Middle, &label);
    svg.text("label", (0.0, 12.0), Anchor::Start, "queries");
}

/// Counts by tenths: `[-1, -0.9)`, …, `[-0.1, 0)`, `(0, 0.1]`, …, `(0.9, 1]`.
fn bins(gains: &[f64]) -> [usize; 2 * BINS] {
    let mut bins = [0; 2 * BINS];
    for &gain in gains.iter().filter(|gain| **gain != 0.0 && gain.is_finite()) {
        let depth = ((gain.abs() * BINS as f64).ceil() as usize).clamp(1, BINS);
        bins[if gain < 0.0 { BINS - depth } else { BINS + depth - 1 }] += 1;
    }
    bins
}

fn description(bins: &[usize; 2 * BINS]) -> String {
    let (lost, won) = bins.split_at(BINS);
    format!(
        "{} queries lost and {} gained; {} lost and {} gained more than 0.5.",
        lost.iter().sum::<usize>(),
        won.iter().sum::<usize>(),
        lost[..BINS / 2].iter().sum::<usize>(),
        won[BINS / 2..].iter().sum::<usize>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gain_falls_into_its_tenth() {
        let counts = bins(&[-1.0, -0.95, -0.05, 0.0, 0.05, 0.1, 0.11, 1.0, 3.0, f64::NAN]);
        assert_eq!((counts[0], counts[9]), (2, 1));
        assert_eq!((counts[10], counts[11], counts[19]), (2, 1, 2));
        assert_eq!(counts.iter().sum::<usize>(), 8);
    }
}
