//! A difference with its confidence interval, as a mark on a line.

use super::{
    super::{format::signed, markup::Markup},
    scale::Scale,
    svg::{Name, Svg},
};

const SIZE: (f64, f64) = (150.0, 22.0);

/// The scale that all rows of a table share.
pub(in super::super) fn shared_scale(intervals: impl Iterator<Item = [f64; 2]>) -> Scale {
    Scale::tight(intervals.flatten().chain([0.0]), 6.0, SIZE.0 - 6.0, 6)
}

/// One row's mark: the line from end to end, a dot at the difference, a rule at zero.
pub(in super::super) fn draw(
    m: &mut Markup,
    id: &str,
    measure: &str,
    scale: &Scale,
    difference: f64,
    interval: [f64; 2],
) {
    let [low, high] = interval;
    let ends = [difference, low, high].map(|value| signed(value, 4));
    let name = Name {
        id,
        class: "interval",
        title: &format!("Gain in {measure}"),
        description: &format!("{}, interval from {} to {}", ends[0], ends[1], ends[2]),
    };
    let class = match interval {
        [low, _] if low > 0.0 => "won",
        [_, high] if high < 0.0 => "lost",
        _ => "even",
    };
    let middle = SIZE.1 / 2.0;
    Svg::draw(m, name, SIZE, |svg| {
        svg.line("zero", (scale.at(0.0), 1.0), (scale.at(0.0), SIZE.1 - 1.0));
        svg.line(&format!("span {class}"), (scale.at(low), middle), (scale.at(high), middle));
        svg.dot(&format!("point {class}"), (scale.at(difference), middle), 4.0, "");
    });
}
