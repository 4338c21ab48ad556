//! The gain of every query, sorted.

use super::{
    format::{self, signed},
    markup::Markup,
    plot::{
        Axis, Frame, SMALL,
        svg::{Anchor, Name, Svg},
    },
};

/// The drawing for the desk; [`SMALL`] is that for the telephone.
const WIDE: (f64, f64) = (1000.0, 300.0);
/// Steps of an outline: more than pixels only make the file larger.
const MAX_STEPS: usize = 400;

/// Gains in the order in which they are drawn, best first, and where they change their sign.
struct Sorted {
    gains: Vec<f64>,
    /// Queries that gained come before this one.
    won: usize,
    /// Queries that lost begin here.
    lost: usize,
}

impl Sorted {
    fn new(gains: &[f64]) -> Self {
        let mut gains: Vec<f64> = gains.iter().copied().filter(|gain| gain.is_finite()).collect();
        gains.sort_unstable_by(|a, b| b.total_cmp(a));
        let won = gains.partition_point(|&gain| gain > 0.0);
        let lost = gains.partition_point(|&gain| gain >= 0.0);
        Self { gains, won, lost }
    }

    fn mean(&self) -> f64 {
        self.gains.iter().sum::<f64>() / self.gains.len().max(1) as f64
    }

    fn description(&self) -> String {
        let count = |n: usize| format::count(n as u64);
        format!(
            "{} queries gained, up to {}; {} stayed the same; {} lost, down to {}. The mean is {}.",
            count(self.won),
            signed(self.gains.first().copied().unwrap_or(0.0).max(0.0), 3),
            count(self.lost - self.won),
            count(self.gains.len() - self.lost),
            signed(self.gains.last().copied().unwrap_or(0.0).min(0.0), 3),
            signed(self.mean(), 4),
        )
    }
}

/// Draws `gains` in `measure` for both widths, with a key.
pub(super) fn draw(m: &mut Markup, gains: &[f64], measure: &str) {
    let sorted = Sorted::new(gains);
    if sorted.gains.is_empty() {
        return;
    }
    m.element("figure", &[], |m| {
        m.element("figcaption", &[], |m| {
            m.text("Each query by its gain");
            key(m, &sorted);
        });
        for (size, id, class) in
            [(WIDE, "waterfall", "wide-only"), (SMALL, "waterfall-small", "narrow-only")]
        {
            let name = Name {
                id,
                class,
                title: &format!("Gain of each query in {measure}, best first"),
                description: &sorted.description(),
            };
            Svg::draw(m, name, size, |svg| chart(svg, size, &sorted, measure));
        }
    });
}

fn key(m: &mut Markup, sorted: &Sorted) {
    let counts = [
        ("won", sorted.won, "better"),
        ("even", sorted.lost - sorted.won, "the same"),
        ("lost", sorted.gains.len() - sorted.lost, "worse"),
    ];
    m.element("ul", &[("class", "key")], |m| {
        for (class, count, word) in counts {
            let text = format!("{} {word}", format::count(count as u64));
            m.leaf("li", &[("class", class)], &text);
        }
    });
}

fn chart(svg: &mut Svg<'_>, size: (f64, f64), sorted: &Sorted, measure: &str) {
    let ends = [0.0, sorted.gains.len() as f64];
    let outermost = [sorted.gains[0], sorted.gains[sorted.gains.len() - 1], 0.0];
    let gain = format!("gain in {measure}");
    let ticks = if size == SMALL { 4 } else { 8 };
    let x = Axis { label: "queries, best first", values: &ends, ticks, tight: true };
    let y = Axis { label: &gain, values: &outermost, ticks: 4, tight: false };
    let frame = Frame::new(size, &x, &y);
    frame.draw(svg, &x, &y);
    let zero = frame.y.at(0.0);
    svg.area("area won", zero, &outline(&frame, 0, &sorted.gains[..sorted.won], true));
    svg.area("area lost", zero, &outline(&frame, sorted.lost, &sorted.gains[sorted.lost..], false));
    svg.line("zero", (frame.left, zero), (frame.right, zero));
    mean_line(svg, &frame, sorted.mean());
}

/// The steps of `gains`, whose first query is number `from`. Where there are too many, a step is the
/// mean of its queries, but the best (or the worst, at the other end) keeps its height.
fn outline(frame: &Frame, from: usize, gains: &[f64], best_first: bool) -> Vec<(f64, f64)> {
    let group = gains.len().div_ceil(MAX_STEPS).max(1);
    let mut points = Vec::with_capacity(2 * gains.len().div_ceil(group));
    let mut start = from;
    for step in gains.chunks(group) {
        let mean = step.iter().sum::<f64>() / step.len() as f64;
        let end = start + step.len();
        points.extend([start, end].map(|query| frame.at((query as f64, mean))));
        start = end;
    }
    let outermost = if best_first { gains.first() } else { gains.last() };
    let end = if best_first { points.first_mut() } else { points.last_mut() };
    if let (Some(&gain), Some(end)) = (outermost, end) {
        end.1 = frame.y.at(gain);
    }
    points
}

/// The label stands where the areas are not: gains lie above zero on the left, losses below it on
/// the right.
fn mean_line(svg: &mut Svg<'_>, frame: &Frame, mean: f64) {
    let y = frame.y.at(mean);
    svg.line("mark", (frame.left, y), (frame.right, y));
    let label = format!("mean {}", signed(mean, 3));
    if mean >= 0.0 {
        svg.text("note", (frame.right - 4.0, y - 6.0), Anchor::End, &label);
    } else {
        svg.text("note", (frame.left + 4.0, y + 15.0), Anchor::Start, &label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(queries: usize) -> Frame {
        let axis = |values| Axis { label: "", values, ticks: 4, tight: true };
        Frame::new(WIDE, &axis(&[0.0, queries as f64]), &axis(&[-1.0, 1.0]))
    }

    #[test]
    fn queries_are_sorted_and_counted() {
        let sorted = Sorted::new(&[-0.5, 0.0, f64::NAN, 1.0, 0.25, 0.0]);
        assert_eq!(sorted.gains, [1.0, 0.25, 0.0, 0.0, -0.5]);
        assert_eq!((sorted.won, sorted.lost), (2, 4));
        assert_eq!(
            sorted.description(),
            "2 queries gained, up to +1.000; 2 stayed the same; 1 lost, down to −0.500. The mean \
             is +0.1500."
        );
    }

    #[test]
    fn many_queries_are_few_steps_and_the_extremes_stay() {
        let gains: Vec<f64> = (0..10_000).map(|it| 1.0 - f64::from(it) / 10_000.0).collect();
        let frame = frame(gains.len());
        let points = outline(&frame, 0, &gains, true);
        assert!(points.len() <= 2 * MAX_STEPS);
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        assert_eq!(points[0], frame.at((0.0, 1.0)));
        assert_eq!(points[points.len() - 1].0, frame.right);
        assert!(outline(&frame, 3, &[], false).is_empty());
    }
}
