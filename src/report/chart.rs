//! Curves in a frame.
//!
//! Flows in: a [`Chart`]: axes and series. Flows out: an SVG element. Colours are classes of the page's style. A reader who does not see gets the title and the description, which says what the curve says;
//! whoever points at a dot gets its numbers.

use maud::{Markup, PreEscaped};
use svg::node::element::{Circle, Description, Line, Polygon, Polyline, Rectangle, SVG, Text, Title};

/// Size of the drawing in its own units, which are pixels on a telephone.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;
/// Colours of series; the next one begins again.
pub(super) const COLOURS: usize = 5;

/// A place on a curve.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    /// Ends of the interval of `y`.
    pub interval: Option<(f64, f64)>,
    /// What it is, for whoever points at it.
    pub name: String,
}

/// A curve.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub colour: usize,
    pub points: Vec<Point>,
    /// Whether points get dots of their own.
    pub dots: bool,
}

/// A chart. `x` and `y` run over the ranges given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart<'a> {
    pub title: &'a str,
    pub description: &'a str,
    pub x_label: &'a str,
    pub x_range: (f64, f64),
    pub x_ticks: Vec<(f64, String)>,
    pub y_label: &'a str,
    pub y_range: (f64, f64),
    pub series: Vec<Series>,
    /// Whether to draw the line on which `x` equals `y`.
    pub diagonal: bool,
}

impl Chart<'_> {
    /// Draws it.
    pub fn draw(&self) -> Markup {
        let across = |x: f64| LEFT + (WIDTH - LEFT - RIGHT) * part(x, self.x_range);
        let up = |y: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part(y, self.y_range);
        let (left, right, top, bottom) = (LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM);
        let mut out = SVG::new()
            .set("class", "chart")
            .set("viewBox", format!("0 0 {WIDTH} {HEIGHT}"))
            .set("role", "img")
            .set("aria-label", format!("{}. {}", self.title, self.description))
            .add(Title::new(self.title))
            .add(Description::new().add(svg::node::Text::new(self.description)));
        for (y, label) in percent_ticks(self.y_range) {
            out = out.add(line("grid", (left, up(y)), (right, up(y))));
            out = out.add(text(&label, left - 6.0, up(y) + 4.0, "end"));
        }
        for (x, label) in &self.x_ticks {
            out = out.add(line("grid", (across(*x), bottom), (across(*x), bottom + 4.0)));
            out = out.add(text(label, across(*x), bottom + 17.0, "middle"));
        }
        let frame = Rectangle::new().set("class", "frame").set("x", left).set("y", top);
        out = out.add(frame.set("width", right - left).set("height", bottom - top));
        if self.diagonal {
            let (from, to) = (self.x_range.0.max(self.y_range.0), self.x_range.1.min(self.y_range.1));
            out = out.add(line("ideal", (across(from), up(from)), (across(to), up(to))));
        }
        for series in &self.series {
            let class = |kind: &str| format!("{kind} s{}", series.colour % COLOURS);
            let spread: Option<Vec<(f64, f64)>> = series.points.iter().map(|p| p.interval).collect();
            if let Some(spread) = spread.filter(|s| s.len() > 1) {
                let places = |end: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
                    series.points.iter().zip(&spread).map(|(p, s)| (across(p.x), up(end(s)))).collect()
                };
                let edge = places(|s| s.0).into_iter().chain(places(|s| s.1).into_iter().rev());
                out = out.add(Polygon::new().set("class", class("band")).set("points", joined(edge)));
            } else {
                for point in &series.points {
                    if let Some((low, high)) = point.interval {
                        out = out.add(line(&class("curve"), (across(point.x), up(low)), (across(point.x), up(high))));
                    }
                }
            }
            let curve = series.points.iter().map(|p| (across(p.x), up(p.y)));
            out = out.add(Polyline::new().set("class", class("curve")).set("points", joined(curve)));
            for point in series.points.iter().filter(|_| series.dots) {
                let dot = Circle::new().set("class", class("dot")).set("r", 3.5);
                let dot = dot.set("cx", short(across(point.x))).set("cy", short(up(point.y)));
                out = out.add(dot.add(Title::new(point.name.as_str())));
            }
        }
        out = out.add(text(self.x_label, 0.5 * (left + right), HEIGHT - 6.0, "middle").set("class", "soft"));
        let middle = 0.5 * (top + bottom);
        let turned = format!("rotate(-90 11 {middle})");
        out = out.add(text(self.y_label, 11.0, middle, "middle").set("class", "soft").set("transform", turned));
        PreEscaped(out.to_string())
    }
}

/// Ticks at shares in round steps, as percentages.
fn percent_ticks((low, high): (f64, f64)) -> Vec<(f64, String)> {
    let steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
    let step = steps.into_iter().find(|s| (high - low) / s <= 5.5).unwrap_or(0.25);
    let from = (low / step).ceil() as i64;
    let decimals = usize::from(step < 0.01);
    (from..=((high + 1e-9) / step).floor() as i64)
        .map(|i| (i as f64 * step, format!("{:.decimals$} %", 100.0 * i as f64 * step)))
        .collect()
}

/// Ticks from 0 to 1 in fifths, as percentages.
pub(super) fn fifths() -> Vec<(f64, String)> {
    (0..=5).map(|i| (f64::from(i) / 5.0, format!("{} %", 20 * i))).collect()
}

fn part(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Line {
    let line = Line::new().set("class", class).set("x1", short(from.0)).set("y1", short(from.1));
    line.set("x2", short(to.0)).set("y2", short(to.1))
}

fn text(content: &str, x: f64, y: f64, anchor: &str) -> Text {
    Text::new(content).set("x", short(x)).set("y", short(y)).set("text-anchor", anchor)
}

/// A hundredth of a pixel is more than anyone sees.
pub(super) fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn joined(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.map(|(x, y)| format!("{},{}", short(x), short(y))).collect::<Vec<_>>().join(" ")
}
