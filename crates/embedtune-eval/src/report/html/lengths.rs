//! Lengths of the texts and what the model does not read of them.

use embedtune_data::Role;

use super::{
    format,
    markup::Markup,
    plot::{
        Axis, End, Frame, SMALL,
        svg::{Name, Svg},
    },
    section,
};
use crate::TextLengths;

pub(super) fn draw(m: &mut Markup, sides: &[TextLengths]) {
    let sides: Vec<&TextLengths> = sides.iter().filter(|it| it.tokens.texts > 0).collect();
    if sides.is_empty() {
        return;
    }
    section(m, "lengths", "Length of the texts", |m| {
        m.element("div", &[("class", "charts")], |m| {
            for (number, side) in sides.iter().enumerate() {
                m.element("figure", &[], |m| {
                    m.leaf("figcaption", &[], side_name(side.role));
                    m.leaf("p", &[("class", "note")], &sentence(side));
                    chart(m, number, side);
                });
            }
        });
    });
}

fn side_name(role: Role) -> &'static str {
    match role {
        Role::Query => "Queries",
        Role::Document => "Documents",
    }
}

fn sentence(side: &TextLengths) -> String {
    let tokens = &side.tokens;
    let cut = match side.cut {
        0 => format!("none is cut: the model reads {}", format::count(side.max_tokens as u64)),
        cut => format!(
            "{} of {} ({:.1}\u{a0}%) {} cut to {}",
            format::count(cut as u64),
            format::count(tokens.texts as u64),
            100.0 * side.cut_rate(),
            if cut == 1 { "is" } else { "are" },
            format::count(side.max_tokens as u64)
        ),
    };
    let beyond = match side.histogram.above {
        0 => String::new(),
        1 => {
            format!(" One, of {} tokens, is beyond the drawing.", format::count(tokens.max as u64))
        }
        above => format!(
            " {} are beyond the drawing, up to {} tokens.",
            format::count(above),
            format::count(tokens.max as u64)
        ),
    };
    format!(
        "{:.0} tokens on average, 95\u{a0}% have at most {}; {cut}.{beyond}",
        tokens.mean,
        format::count(tokens.p95 as u64)
    )
}

fn chart(m: &mut Markup, number: usize, side: &TextLengths) {
    let histogram = &side.histogram;
    let ends = [histogram.low.max(0.0), histogram.high];
    let counts: Vec<f64> = histogram.counts.iter().map(|&it| it as f64).chain([0.0, 4.0]).collect();
    let x = Axis { label: "tokens", values: &ends, ticks: 5, tight: true };
    let y = Axis { label: "texts", values: &counts, ticks: 4, tight: false };
    let frame = Frame::new(SMALL, &x, &y);
    let name = Name {
        id: &format!("lengths{number}"),
        class: "small",
        title: &format!("{} by length in tokens", side_name(side.role)),
        description: &sentence(side),
    };
    // A length belongs to the middle between two borders.
    let border = side.max_tokens as f64 + 0.5;
    Svg::draw(m, name, SMALL, |svg| {
        frame.draw(svg, &x, &y);
        for (begin, end, count) in histogram.bins().filter(|(_, _, count)| *count > 0) {
            let class = if begin + 0.25 > border { "bar cut" } else { "bar" };
            let (left, right) = (frame.x.at(begin.max(0.0)), frame.x.at(end));
            let top = frame.y.at(count as f64);
            svg.rect(class, (left + 0.5, top), (right - left - 1.0, frame.bottom - top));
        }
        if border < histogram.high {
            let label = format!("cut at {}", format::count(side.max_tokens as u64));
            // The longest texts are the rarest.
            frame.mark(svg, border, &label, End::Top);
        }
    });
}
