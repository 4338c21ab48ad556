//! A small writer of inline SVG.

use super::markup::Markup;

/// A drawing of `width` × `height` units that scales with the page.
pub(super) struct Svg<'m> {
    m: &'m mut Markup,
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg<'_> {
    /// Draws into `m`. `title` and `description` are what a screen reader says; `id` must be
    /// unique on the page.
    pub(super) fn draw(
        m: &mut Markup,
        id: &str,
        (width, height): (f64, f64),
        (title, description): (&str, &str),
        body: impl FnOnce(&mut Svg<'_>),
    ) {
        let (title_id, description_id) = (format!("{id}-title"), format!("{id}-desc"));
        let attributes = [
            ("viewBox", format!("0 0 {} {}", px(width), px(height))),
            ("role", "img".to_owned()),
            ("aria-labelledby", format!("{title_id} {description_id}")),
            ("class", id.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()),
        ];
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        m.element("svg", &attributes, |m| {
            m.leaf("title", &[("id", &title_id)], title);
            m.leaf("desc", &[("id", &description_id)], description);
            body(&mut Svg { m });
        });
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (px(from.0), px(from.1), px(to.0), px(to.1));
        let ends = [("x1", &*x1), ("y1", &y1), ("x2", &x2), ("y2", &y2), ("class", class)];
        self.m.void("line", &ends);
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (x, y, width, height) = (px(x), px(y), px(width.max(0.0)), px(height.max(0.0)));
        let sides = [("x", &*x), ("y", &y), ("width", &width), ("height", &height)];
        self.m.void("rect", &[&sides[..], &[("class", class)]].concat());
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let (x, y, radius) = (px(x), px(y), px(radius));
        self.m.void("circle", &[("cx", &x), ("cy", &y), ("r", &radius), ("class", class)]);
    }

    pub(super) fn polyline(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<String> = points.map(|(x, y)| format!("{},{}", px(x), px(y))).collect();
        self.m.void("polyline", &[("points", &points.join(" ")), ("class", class)]);
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = (px(x), px(y));
        let place = [("x", &*x), ("y", &y), ("text-anchor", anchor), ("class", class)];
        self.m.leaf("text", &place, text);
    }
}

/// A coordinate with one decimal where it needs one.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
