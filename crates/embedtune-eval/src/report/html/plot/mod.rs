//! Charts as inline SVG: a frame with axes, and marks in it.
//!
//! Drawings of width [`SMALL`] are shown at about their own size on a telephone as well as three to
//! a row on a desk, so text in them keeps its size. What needs the whole width is drawn twice, and
//! the style sheet shows the drawing that fits.

pub(super) mod interval;
pub(super) mod lines;
pub(super) mod scale;
pub(super) mod svg;

use self::{
    scale::Scale,
    svg::{Anchor, Svg},
};

/// Width and height of a small chart.
pub(super) const SMALL: (f64, f64) = (360.0, 240.0);
/// Height of a character above its baseline, for labels that stand beside a point.
const HALF_CAPITAL: f64 = 4.0;
/// Width of a digit in the widest of the usual fonts.
const DIGIT: f64 = 7.7;

/// Where the marks of a chart go, and how data becomes pixels there.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// Data of an axis and how it is divided.
pub(super) struct Axis<'a> {
    /// What is measured, for people.
    pub(super) label: &'a str,
    /// Values that the axis must hold; see [`Scale::new`].
    pub(super) values: &'a [f64],
    /// About as many intervals between ticks.
    pub(super) ticks: usize,
    /// Whether the axis ends at its outermost values, or at round numbers beyond them.
    pub(super) tight: bool,
}

/// An end of an upright line.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Top,
    Bottom,
}

impl Frame {
    /// A frame in a drawing of `size`, with room for the labels of its axes.
    pub(super) fn new(size: (f64, f64), x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let (top, bottom) = (28.0, size.1 - 40.0);
        let y = Scale::new(y.values.iter().copied(), bottom, top, y.ticks);
        let widest = y.ticks().map(|tick| y.label(tick).chars().count()).max().unwrap_or(1);
        let left = 12.0 + DIGIT * widest as f64;
        let right = size.0 - 12.0;
        let values = x.values.iter().copied();
        let x = match x.tight {
            true => Scale::tight(values, left, right, x.ticks),
            false => Scale::new(values, left, right, x.ticks),
        };
        Self { x, y, left, right, top, bottom }
    }

    /// Point of a value.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// Grid, ticks and names of the axes. The name of the upright one stands above it: turned text
    /// is hard to read.
    pub(super) fn draw(&self, svg: &mut Svg<'_>, x: &Axis<'_>, y: &Axis<'_>) {
        self.draw_y(svg, y.label);
        self.draw_x(svg, x.label);
    }

    fn draw_y(&self, svg: &mut Svg<'_>, label: &str) {
        let plot = (self.right - self.left, self.bottom - self.top);
        svg.rect("plot", (self.left, self.top), plot);
        for tick in self.y.ticks() {
            let y = self.y.at(tick);
            let class = if tick == 0.0 && self.y.low() < 0.0 { "zero" } else { "grid" };
            svg.line(class, (self.left, y), (self.right, y));
            let text = self.y.label(tick);
            svg.text("tick", (self.left - 6.0, y + HALF_CAPITAL), Anchor::End, &text);
        }
        svg.text("label", (0.0, 13.0), Anchor::Start, label);
    }

    fn draw_x(&self, svg: &mut Svg<'_>, label: &str) {
        svg.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        for tick in self.x.ticks() {
            let x = self.x.at(tick);
            svg.line("axis", (x, self.bottom), (x, self.bottom + 4.0));
            let text = self.x.label(tick);
            // A label at the very end would stick out of the drawing.
            let half = DIGIT * text.chars().count() as f64 / 2.0;
            let x = x.min(self.right + 12.0 - half);
            svg.text("tick", (x, self.bottom + 17.0), Anchor::Middle, &text);
        }
        let middle = (self.left + self.right) / 2.0;
        svg.text("label", (middle, self.bottom + 35.0), Anchor::Middle, label);
    }

    /// An upright dashed line at a value, with its name on the side that has room, at the end that
    /// the data leaves free.
    pub(super) fn mark(&self, svg: &mut Svg<'_>, value: f64, label: &str, end: End) {
        let x = self.x.at(value);
        svg.line("mark", (x, self.top), (x, self.bottom));
        let wide = DIGIT * label.chars().count() as f64 + 10.0;
        let (x, anchor) = match x + wide > self.right {
            true => (x - 5.0, Anchor::End),
            false => (x + 5.0, Anchor::Start),
        };
        let y = match end {
            End::Top => self.top + 11.0,
            End::Bottom => self.bottom - 8.0,
        };
        svg.text("note", (x, y), anchor, label);
    }
}
