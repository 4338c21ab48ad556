//! What more training pairs bring.

use super::{
    format,
    markup::Markup,
    plot::{
        Axis, Frame, SMALL,
        svg::{Name, Svg},
    },
    section,
};
use crate::{LearningCurve, LearningPoint};

pub(super) fn draw(m: &mut Markup, curve: &LearningCurve) {
    if curve.points.is_empty() && curve.predicted.is_none() {
        return;
    }
    section(m, "learning", "What more data brings", |m| {
        m.element("div", &[("class", "charts")], |m| {
            m.element("figure", &[], |m| {
                m.element("figcaption", &[], |m| {
                    m.text("Quality by number of training pairs");
                    m.element("ul", &[("class", "key")], |m| {
                        m.leaf("li", &[("class", "measured")], "measured");
                        if curve.predicted.is_some() {
                            m.leaf("li", &[("class", "predicted")], "predicted");
                        }
                    });
                });
                chart(m, curve);
            });
            m.element("div", &[], |m| table(m, curve));
        });
    });
}

fn all(curve: &LearningCurve) -> impl Iterator<Item = (&LearningPoint, &'static str)> {
    let measured = curve.points.iter().map(|point| (point, "measured"));
    measured.chain(curve.predicted.iter().map(|point| (point, "predicted")))
}

fn chart(m: &mut Markup, curve: &LearningCurve) {
    let label = format::measure_label(curve.measure);
    let pairs: Vec<f64> = all(curve).map(|(it, _)| it.pairs as f64).chain([0.0]).collect();
    let values: Vec<f64> = all(curve)
        .flat_map(|(it, _)| it.interval.into_iter().flatten().chain([it.value]))
        .collect();
    let x = Axis { label: "training pairs", values: &pairs, ticks: 4, tight: false };
    let y = Axis { label: &label, values: &values, ticks: 4, tight: false };
    let frame = Frame::new(SMALL, &x, &y);
    let name = Name {
        id: "learning-curve",
        class: "small",
        title: &format!("{label} by number of training pairs"),
        description: &description(curve),
    };
    let place = |it: &LearningPoint| frame.at((it.pairs as f64, it.value));
    Svg::draw(m, name, SMALL, |svg| {
        frame.draw(svg, &x, &y);
        let last = curve.points.last().into_iter().chain(&curve.predicted);
        svg.polyline("line predicted", last.map(place));
        svg.polyline("line measured", curve.points.iter().map(place));
        for (point, class) in all(curve).filter(|(it, _)| it.value.is_finite()) {
            if let Some([low, high]) = point.interval {
                whisker(svg, &frame, class, point.pairs as f64, [low, high]);
            }
            svg.dot(&format!("dot {class}"), place(point), 4.0, &tip(point));
        }
    });
}

/// An interval as a bar with ends.
fn whisker(svg: &mut Svg<'_>, frame: &Frame, class: &str, pairs: f64, interval: [f64; 2]) {
    let class = format!("whisker {class}");
    let [(x, low), (_, high)] = interval.map(|end| frame.at((pairs, end)));
    svg.line(&class, (x, low), (x, high));
    for end in [low, high] {
        svg.line(&class, (x - 4.0, end), (x + 4.0, end));
    }
}

fn tip(point: &LearningPoint) -> String {
    format!("{} pairs: {}", format::count(point.pairs as u64), format::score(point.value))
}

fn description(curve: &LearningCurve) -> String {
    let points: Vec<String> =
        all(curve).map(|(point, class)| format!("{}, {class}", tip(point))).collect();
    points.join("; ")
}

fn table(m: &mut Markup, curve: &LearningCurve) {
    m.element("table", &[], |m| {
        m.element("thead", &[], |m| {
            m.element("tr", &[], |m| {
                m.leaf("th", &[("scope", "col")], "Training pairs");
                let number = [("scope", "col"), ("class", "number")];
                m.leaf("th", &number, &format::measure_label(curve.measure));
                m.leaf("th", &number, &format!("{:.0}\u{a0}% interval", 100.0 * curve.confidence));
            });
        });
        m.element("tbody", &[], |m| {
            for (point, class) in all(curve) {
                m.element("tr", &[], |m| {
                    let note = match (class, point.pairs) {
                        ("predicted", _) => " (predicted)",
                        (_, 0) => " (base model)",
                        _ => "",
                    };
                    let pairs = format::count(point.pairs as u64) + note;
                    m.leaf("th", &[("scope", "row")], &pairs);
                    m.leaf("td", &[("class", "number")], &format::score(point.value));
                    let interval = point.interval.map_or_else(
                        || "–".to_owned(),
                        |[low, high]| format!("{low:.3} … {high:.3}"),
                    );
                    m.leaf("td", &[("class", "number")], &interval);
                });
            }
        });
    });
}
