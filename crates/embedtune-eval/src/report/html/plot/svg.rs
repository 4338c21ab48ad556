//! A small writer of inline SVG.

use super::super::markup::Markup;

/// A drawing of `width` × `height` units that scales with the page.
pub(in super::super) struct Svg<'m> {
    m: &'m mut Markup,
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Anchor {
    Start,
    Middle,
    End,
}

/// What a screen reader says of a drawing, and how it is told from others.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Name<'a> {
    /// Unique on the page.
    pub(in super::super) id: &'a str,
    /// CSS class of the drawing.
    pub(in super::super) class: &'a str,
    pub(in super::super) title: &'a str,
    pub(in super::super) description: &'a str,
}

impl Svg<'_> {
    /// Draws into `m`.
    pub(in super::super) fn draw(
        m: &mut Markup,
        name: Name<'_>,
        (width, height): (f64, f64),
        body: impl FnOnce(&mut Svg<'_>),
    ) {
        let (title_id, description_id) =
            (format!("{}-title", name.id), format!("{}-desc", name.id));
        let view_box = format!("0 0 {} {}", px(width), px(height));
        let labels = format!("{title_id} {description_id}");
        let attributes = [
            ("viewBox", &*view_box),
            ("role", "img"),
            ("aria-labelledby", &labels),
            ("class", name.class),
        ];
        m.element("svg", &attributes, |m| {
            m.leaf("title", &[("id", &title_id)], name.title);
            m.leaf("desc", &[("id", &description_id)], name.description);
            body(&mut Svg { m });
        });
    }

    pub(in super::super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (px(from.0), px(from.1), px(to.0), px(to.1));
        let ends = [("x1", &*x1), ("y1", &y1), ("x2", &x2), ("y2", &y2), ("class", class)];
        self.m.void("line", &ends);
    }

    pub(in super::super) fn rect(&mut self, class: &str, (x, y): (f64, f64), size: (f64, f64)) {
        let (x, y, width, height) = (px(x), px(y), px(size.0.max(0.0)), px(size.1.max(0.0)));
        let sides = [("x", &*x), ("y", &y), ("width", &width), ("height", &height)];
        self.m.void("rect", &[&sides[..], &[("class", class)]].concat());
    }

    /// A dot that says `tip` when it is pointed at.
    pub(in super::super) fn dot(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        radius: f64,
        tip: &str,
    ) {
        let (x, y, radius) = (px(x), px(y), px(radius));
        let attributes = [("cx", &*x), ("cy", &y), ("r", &radius), ("class", class)];
        self.m.element("circle", &attributes, |m| {
            if !tip.is_empty() {
                m.leaf("title", &[], tip);
            }
        });
    }

    pub(in super::super) fn polyline(
        &mut self,
        class: &str,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        let points: Vec<String> = points.map(|(x, y)| format!("{},{}", px(x), px(y))).collect();
        if !points.is_empty() {
            self.m.void("polyline", &[("points", &points.join(" ")), ("class", class)]);
        }
    }

    /// The area between `points`, from left to right, and the level `base`.
    pub(in super::super) fn area(&mut self, class: &str, base: f64, points: &[(f64, f64)]) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let mut path = format!("M{},{}", px(first.0), px(base));
        for (x, y) in points {
            path.push_str(&format!("L{},{}", px(*x), px(*y)));
        }
        path.push_str(&format!("L{},{}Z", px(last.0), px(base)));
        self.m.void("path", &[("d", &path), ("class", class)]);
    }

    pub(in super::super) fn text(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
    ) {
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

/// A coordinate with one decimal where it needs one. What is not finite has no place.
fn px(value: f64) -> String {
    let text = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        assert_eq!(
            [1.0, 2.26, -0.04, f64::NAN, f64::INFINITY].map(px),
            ["1", "2.3", "0", "0", "0"]
        );
    }
}
