//! Lines over training steps.

use super::{
    super::markup::Markup,
    Axis, End, Frame, SMALL,
    svg::{Name, Svg},
};

/// More points than pixels only make the file larger.
const MAX_POINTS: usize = 400;

/// One line of a chart.
pub(in super::super) struct Series {
    /// CSS class that gives colour and width.
    pub(in super::super) class: &'static str,
    /// `(step, value)`, in order of the step.
    pub(in super::super) points: Vec<(f64, f64)>,
    /// What each point says when it is pointed at; points get dots if there is something to say.
    pub(in super::super) tips: Option<fn((f64, f64)) -> String>,
}

/// A chart of values by training step.
pub(in super::super) struct LineChart<'a> {
    pub(in super::super) name: Name<'a>,
    pub(in super::super) y_label: &'a str,
    /// The first lies behind the others.
    pub(in super::super) series: Vec<Series>,
    /// Whether the upright axis begins at 0.
    pub(in super::super) from_zero: bool,
    /// An upright mark at a step, with its label.
    pub(in super::super) mark: Option<(f64, &'a str)>,
}

impl LineChart<'_> {
    pub(in super::super) fn draw(&self, m: &mut Markup) {
        let drawn: Vec<Vec<(f64, f64)>> =
            self.series.iter().map(|series| thinned(&series.points)).collect();
        let points = || drawn.iter().flatten();
        // A thinned group stands at its middle: the axis still ends where the run ended.
        let steps = self.series.iter().flat_map(|series| &series.points).map(|(step, _)| *step);
        let steps: Vec<f64> = steps.chain(self.mark.map(|(step, _)| step)).collect();
        let zero = self.from_zero.then_some(0.0);
        let values: Vec<f64> = points().map(|(_, value)| *value).chain(zero).collect();
        let x = Axis { label: "step", values: &steps, ticks: 4, tight: true };
        let y = Axis { label: self.y_label, values: &values, ticks: 4, tight: false };
        let frame = Frame::new(SMALL, &x, &y);
        Svg::draw(m, self.name, SMALL, |svg| {
            frame.draw(svg, &x, &y);
            if let Some((step, label)) = self.mark {
                // Curves of quality end high.
                frame.mark(svg, step, label, End::Bottom);
            }
            for (series, points) in self.series.iter().zip(&drawn) {
                let pixels = points.iter().map(|&point| frame.at(point));
                svg.polyline(&format!("line {}", series.class), pixels);
                // A line of one point is nothing to see.
                let tip = series.tips.or((points.len() == 1).then_some(|_| String::new()));
                for &point in points.iter().filter(|_| tip.is_some()) {
                    let tip = tip.map_or_else(String::new, |tip| tip(point));
                    svg.dot(&format!("dot {}", series.class), frame.at(point), 3.5, &tip);
                }
            }
        });
    }
}

/// Finite points, averaged in groups when there are too many.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> =
        points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let group = finite.len().div_ceil(MAX_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let (x, y) = group.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (x / group.len() as f64, y / group.len() as f64)
    };
    finite.chunks(group).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_series_are_averaged_and_gaps_left_out() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 2.0)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= MAX_POINTS);
        assert!(thin.iter().all(|&(_, value)| value == 2.0));
        let broken = [(0.0, 1.0), (1.0, f64::NAN), (2.0, f64::INFINITY), (3.0, 4.0)];
        assert_eq!(thinned(&broken), [(0.0, 1.0), (3.0, 4.0)]);
    }
}
