//! Scores of relevant and other documents, before and after.

use super::{
    format,
    markup::Markup,
    plot::{
        Axis, Frame, SMALL,
        svg::{Name, Svg},
    },
    section,
};
use crate::{Histogram, ScoreDistribution};

pub(super) fn draw(m: &mut Markup, systems: &[ScoreDistribution]) {
    if systems.is_empty() {
        return;
    }
    let highest =
        systems.iter().flat_map(|it| [&it.relevant, &it.other]).map(top).fold(0.0, f64::max);
    section(m, "scores", "Scores", |m| {
        m.leaf("p", &[], &explanation(systems));
        m.element("ul", &[("class", "key")], |m| {
            m.leaf("li", &[("class", "relevant")], "relevant");
            m.leaf("li", &[("class", "other")], "not judged relevant");
        });
        m.element("div", &[("class", "charts")], |m| {
            for (number, system) in systems.iter().enumerate() {
                m.element("figure", &[], |m| {
                    m.leaf("figcaption", &[("dir", "auto")], &system.name);
                    chart(m, number, system, highest);
                });
            }
            m.element("div", &[], |m| medians(m, systems));
        });
    });
}

fn explanation(systems: &[ScoreDistribution]) -> String {
    let depth = systems[0].depth;
    let retrieved = format!(
        "Similarity of each query to the {} documents retrieved for it. The further apart the two \
         humps, the better a threshold can tell them apart.",
        format::count(depth as u64)
    );
    let [base, .., tuned] = systems else { return retrieved };
    let medians = |of: fn(&ScoreDistribution) -> Option<f64>| of(base).zip(of(tuned));
    let pairs = medians(|it| it.relevant_median).zip(medians(|it| it.other_median));
    let shift = pairs.map_or_else(String::new, |(relevant, other)| {
        format!(
            " In the middle, relevant documents went from {:.3} to {:.3} and others from {:.3} to \
             {:.3}: a threshold on the score belongs to the model that it was chosen for.",
            relevant.0, relevant.1, other.0, other.1
        )
    });
    retrieved + &shift
}

/// The largest share of a bin.
fn top(histogram: &Histogram) -> f64 {
    histogram.counts.iter().copied().max().unwrap_or(0) as f64 / histogram.total().max(1) as f64
}

fn chart(m: &mut Markup, number: usize, system: &ScoreDistribution, highest: f64) {
    let description = format!(
        "Median score of relevant documents {}, of others {}.",
        number_or_dash(system.relevant_median),
        number_or_dash(system.other_median)
    );
    let name = Name {
        id: &format!("scores{number}"),
        class: "small",
        title: &format!("Scores of relevant and other documents, {}", system.name),
        description: &description,
    };
    let ends = [system.relevant.low, system.relevant.high];
    let x = Axis { label: "score", values: &ends, ticks: 5, tight: true };
    let y =
        Axis { label: "% of the group", values: &[0.0, 100.0 * highest], ticks: 4, tight: false };
    let frame = Frame::new(SMALL, &x, &y);
    Svg::draw(m, name, SMALL, |svg| {
        frame.draw(svg, &x, &y);
        for (class, histogram) in [("other", &system.other), ("relevant", &system.relevant)] {
            for run in runs(&frame, histogram) {
                svg.area(&format!("hump {class}"), frame.bottom, &run);
                svg.polyline(&format!("line {class}"), run.into_iter());
            }
        }
    });
}

/// The outline of a histogram of shares in percent, in pieces where bins are empty: a line along
/// the bottom would look like a value.
fn runs(frame: &Frame, histogram: &Histogram) -> Vec<Vec<(f64, f64)>> {
    let total = histogram.total().max(1) as f64;
    let bins: Vec<(f64, f64, u64)> = histogram.bins().collect();
    let filled = bins.split(|(_, _, count)| *count == 0).filter(|run| !run.is_empty());
    let outline = |run: &[(f64, f64, u64)]| {
        let tops = run.iter().flat_map(|&(begin, end, count)| {
            let share = 100.0 * count as f64 / total;
            [(begin, share), (end, share)]
        });
        let (first, last) = ((run[0].0, 0.0), (run[run.len() - 1].1, 0.0));
        let corners = std::iter::once(first).chain(tops).chain([last]);
        corners.map(|corner| frame.at(corner)).collect()
    };
    filled.map(outline).collect()
}

fn medians(m: &mut Markup, systems: &[ScoreDistribution]) {
    m.element("table", &[("class", "medians")], |m| {
        m.leaf("caption", &[], "Median scores");
        m.element("thead", &[], |m| {
            m.element("tr", &[], |m| {
                m.leaf("th", &[("scope", "col")], "");
                for title in ["Relevant", "Others", "Apart"] {
                    m.leaf("th", &[("scope", "col"), ("class", "number")], title);
                }
            });
        });
        m.element("tbody", &[], |m| {
            for system in systems {
                m.element("tr", &[], |m| {
                    m.leaf("th", &[("scope", "row"), ("dir", "auto")], &system.name);
                    let apart = system.relevant_median.zip(system.other_median).map(|(a, b)| a - b);
                    for value in [system.relevant_median, system.other_median, apart] {
                        m.leaf("td", &[("class", "number")], &number_or_dash(value));
                    }
                });
            }
        });
    });
    let missed: Vec<String> = systems
        .iter()
        .map(|it| format!("{} by {}", format::count(it.missed as u64), it.name))
        .collect();
    let missed = format!("Relevant documents not retrieved at all: {}.", missed.join(", "));
    m.leaf("p", &[("class", "note"), ("dir", "auto")], &missed);
}

fn number_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}").replace('-', "−"))
}
