//! Lines over training steps.

use super::{
    markup::Markup,
    scale::Scale,
    svg::{Anchor, Svg},
};

const SIZE: (f64, f64) = (500.0, 290.0);
const LEFT: f64 = 48.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;
/// More points than pixels only make the file larger.
const MAX_POINTS: usize = 400;

/// One line of a chart.
pub(super) struct Series {
    /// CSS class that gives the colour; `"faint"` lines lie behind.
    pub(super) class: &'static str,
    /// `(step, value)`, in order of the step.
    pub(super) points: Vec<(f64, f64)>,
    /// Whether each point gets a dot.
    pub(super) dots: bool,
}

/// A chart with labelled axes.
pub(super) struct LineChart<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) y_label: &'a str,
    pub(super) series: Vec<Series>,
    /// A vertical mark at a step, with its label.
    pub(super) mark: Option<(f64, &'a str)>,
}

impl LineChart<'_> {
    pub(super) fn draw(&self, m: &mut Markup) {
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let steps = points().map(|(step, _)| step).chain(self.mark.map(|(step, _)| step));
        let x = Scale::new(steps, LEFT, SIZE.0 - RIGHT, 5);
        let y = Scale::new(points().map(|(_, value)| value), SIZE.1 - BOTTOM, TOP, 5);
        Svg::draw(m, self.id, SIZE, (self.title, self.description), |svg| {
            self.axes(svg, &x, &y);
            if let Some((step, label)) = self.mark {
                mark(svg, x.at(step), label);
            }
            for series in &self.series {
                let points: Vec<(f64, f64)> = thinned(&series.points)
                    .map(|(step, value)| (x.at(step), y.at(value)))
                    .collect();
                svg.polyline(&format!("line {}", series.class), points.iter().copied());
                if series.dots {
                    let class = format!("dot {}", series.class);
                    points.iter().for_each(|&point| svg.circle(&class, point, 3.5));
                }
            }
        });
    }

    fn axes(&self, svg: &mut Svg<'_>, x: &Scale, y: &Scale) {
        let (right, bottom) = (SIZE.0 - RIGHT, SIZE.1 - BOTTOM);
        for tick in y.ticks() {
            svg.line("grid", (LEFT, y.at(tick)), (right, y.at(tick)));
            svg.text("tick", (LEFT - 8.0, y.at(tick) + 4.0), Anchor::End, &y.label(tick));
        }
        svg.line("axis", (LEFT, bottom), (right, bottom));
        for tick in x.ticks() {
            svg.line("axis", (x.at(tick), bottom), (x.at(tick), bottom + 5.0));
            svg.text("tick", (x.at(tick), bottom + 20.0), Anchor::Middle, &x.label(tick));
        }
        svg.text("label", ((LEFT + right) / 2.0, SIZE.1 - 6.0), Anchor::Middle, "step");
        svg.text("label", (0.0, 12.0), Anchor::Start, self.y_label);
    }
}

/// The label stands on the side where there is room.
fn mark(svg: &mut Svg<'_>, x: f64, label: &str) {
    svg.line("mark", (x, TOP), (x, SIZE.1 - BOTTOM));
    let left = x > SIZE.0 / 2.0;
    let (x, anchor) = if left { (x - 6.0, Anchor::End) } else { (x + 6.0, Anchor::Start) };
    svg.text("tick", (x, SIZE.1 - BOTTOM - 8.0), anchor, label);
}

/// Finite points, averaged in groups when there are too many.
fn thinned(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let finite: Vec<(f64, f64)> =
        points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let group = finite.len().div_ceil(MAX_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let (x, y) = group.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (x / group.len() as f64, y / group.len() as f64)
    };
    finite.chunks(group).map(mean).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_series_are_averaged_and_gaps_left_out() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 2.0)).collect();
        let thin: Vec<_> = thinned(&points).collect();
        assert!(thin.len() <= MAX_POINTS);
        assert!(thin.iter().all(|&(_, value)| value == 2.0));
        let broken = [(0.0, 1.0), (1.0, f64::NAN), (2.0, f64::INFINITY), (3.0, 4.0)];
        assert_eq!(thinned(&broken).collect::<Vec<_>>(), [(0.0, 1.0), (3.0, 4.0)]);
    }
}
