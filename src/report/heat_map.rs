//! A table whose cells are the stronger in colour the more there is.
//!
//! Flows in: names of rows and columns, and cells. Flows out: an SVG element of as many pixels as its names need: it is moved sideways on a telephone and not shrunk. Long names are cut; whoever points at them
//! gets the whole.

use maud::{Markup, PreEscaped};
use svg::node::element::{Description, Group, Rectangle, SVG, Text, Title};
use unicode_width::UnicodeWidthStr;

use super::chart::short;

/// Least pixels of a cell across, and its pixels down.
const CELL: (f64, f64) = (24.0, 24.0);
/// About the pixels of a letter, and the most letters of a name.
const LETTER: f64 = 6.6;
const MOST_LETTERS: usize = 30;
/// How steep the names of columns rise, in degrees.
const SLOPE: f64 = 50.0;
/// From this depth on the text in a cell is in the colour of the page.
const DEEP: f64 = 0.55;

/// A cell.
pub(super) struct Cell {
    /// How strong, from 0 to 1.
    pub depth: f64,
    /// What stands in it.
    pub text: String,
    /// What whoever points at it gets.
    pub name: String,
}

/// A heat map.
pub(super) struct HeatMap<'a> {
    pub title: &'a str,
    pub description: &'a str,
    pub rows: &'a [String],
    pub columns: &'a [String],
    /// What rows and columns are.
    pub axes: (&'a str, &'a str),
}

impl HeatMap<'_> {
    /// Draws it; `cell` gives the cell of a row and a column, or nothing.
    pub fn draw(&self, cell: impl Fn(usize, usize) -> Option<Cell>) -> Markup {
        let (rows, columns): (Vec<String>, Vec<String>) = (cut_all(self.rows), cut_all(self.columns));
        let widest = |names: &[String]| names.iter().map(|n| n.width()).max().unwrap_or(0) as f64 * LETTER;
        let cells: Vec<Vec<Option<Cell>>> =
            (0..rows.len()).map(|r| (0..columns.len()).map(|c| cell(r, c)).collect()).collect();
        let texts = cells.iter().flatten().flatten().map(|cell| cell.text.width());
        let wide = CELL.0.max(texts.max().unwrap_or(0) as f64 * LETTER + 8.0);
        let slope = SLOPE.to_radians();
        let left = widest(&rows).max(self.axes.0.width() as f64 * LETTER) + 14.0;
        let head = widest(&columns) * slope.sin() + 34.0;
        let lean = widest(&columns) * slope.cos() + 8.0;
        let (across, down) = (columns.len() as f64 * wide, rows.len() as f64 * CELL.1);
        let (width, height) = (left + across + lean.max(8.0), head + down + 6.0);
        let mut out = SVG::new()
            .set("class", "heat")
            .set("viewBox", format!("0 0 {} {}", short(width), short(height)))
            .set("width", short(width))
            .set("height", short(height))
            .set("role", "img")
            .set("aria-label", format!("{}. {}", self.title, self.description))
            .add(Title::new(self.title))
            .add(Description::new().add(svg::node::Text::new(self.description)));
        let axis = |content: &str, x: f64, y: f64| {
            Text::new(content).set("class", "soft").set("x", short(x)).set("y", short(y))
        };
        out = out
            .add(axis(self.axes.1, left, 13.0))
            .add(axis(self.axes.0, left - 8.0, head - 8.0).set("text-anchor", "end"));
        for (c, (name, whole)) in columns.iter().zip(self.columns).enumerate() {
            let (x, y) = (left + (c as f64 + 0.5) * wide, head - 6.0);
            let label = Text::new(name.as_str()).set("x", short(x)).set("y", short(y));
            let turned = format!("rotate(-{SLOPE} {} {})", short(x), short(y));
            out = out.add(Group::new().add(Title::new(whole.as_str())).add(label.set("transform", turned)));
        }
        for (r, ((name, whole), cells)) in rows.iter().zip(self.rows).zip(cells).enumerate() {
            let y = head + r as f64 * CELL.1;
            let label = Text::new(name.as_str()).set("x", short(left - 8.0)).set("y", short(y + 16.0));
            let label = label.set("text-anchor", "end");
            out = out.add(Group::new().add(Title::new(whole.as_str())).add(label));
            for (c, found) in cells.into_iter().enumerate() {
                let x = left + c as f64 * wide;
                let depth = found.as_ref().map_or(0.0, |cell| cell.depth.clamp(0.0, 1.0));
                let field = Rectangle::new().set("class", "cell").set("x", short(x)).set("y", short(y));
                let field = field.set("width", short(wide)).set("height", CELL.1).set("fill-opacity", short(depth));
                let mut group = Group::new();
                if let Some(cell) = &found {
                    group = group.add(Title::new(cell.name.as_str()));
                }
                group = group.add(field);
                if let Some(cell) = found.filter(|cell| !cell.text.is_empty()) {
                    let class = if depth > DEEP { "value on" } else { "value" };
                    let text = Text::new(cell.text).set("class", class).set("text-anchor", "middle");
                    group = group.add(text.set("x", short(x + 0.5 * wide)).set("y", short(y + 16.0)));
                }
                out = out.add(group);
            }
        }
        PreEscaped(out.to_string())
    }
}

/// Names cut to what there is room for: their beginnings, or where these do not tell them apart (paths of files), their ends.
fn cut_all(names: &[String]) -> Vec<String> {
    let beginnings: Vec<String> = names.iter().map(|name| cut(name, MOST_LETTERS)).collect();
    let distinct: std::collections::BTreeSet<&String> = beginnings.iter().collect();
    if distinct.len() == names.len() {
        return beginnings;
    }
    let end = |name: &String| match name.char_indices().rev().nth(MOST_LETTERS - 1) {
        Some((start @ 1.., _)) => format!("…{}", &name[start..]),
        _ => name.clone(),
    };
    names.iter().map(end).collect()
}

/// A text of so many letters at most.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_are_told_by_their_ends() {
        let names = |list: [&str; 2]| list.map(str::to_owned).to_vec();
        let long = "a name that is longer than there is room for";
        assert_eq!(cut_all(&names(["short", long]))[0], "short");
        assert!(
            cut_all(&names(["short", long]))[1].starts_with("a name")
                && cut_all(&names(["short", long]))[1].ends_with('…')
        );
        let paths = ["a/folder/that/is/very/deep/down/one.txt", "a/folder/that/is/very/deep/down/two.txt"];
        let cut = cut_all(&names(paths));
        assert!(cut[0].starts_with('…') && cut[0].ends_with("one.txt") && cut[1].ends_with("two.txt"), "{cut:?}");
    }
}
