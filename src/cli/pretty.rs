//! A table for reading on a terminal.
//!
//! Flows in: labels and texts. Flows out: lines no wider than the terminal, in columns of fixed width, so that rows can be drawn as they come.

use std::fmt::Write;

use terminal_size::{Width, terminal_size};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::answers::Labels;

const NUMBER: usize = 5;
const TOPIC: usize = 24;
const STANCE: usize = 12;
const SHARE: usize = 5;
const GAPS: usize = 5;

/// Draws rows for a terminal of a width.
pub struct Pretty {
    text: usize,
}

impl Pretty {
    /// For the terminal of standard output.
    pub fn of_terminal() -> Pretty {
        let width = terminal_size().map_or(100, |(Width(w), _)| usize::from(w));
        Pretty::of_width(width)
    }

    fn of_width(width: usize) -> Pretty {
        Pretty { text: width.saturating_sub(NUMBER + TOPIC + STANCE + 2 * SHARE + GAPS).max(20) }
    }

    /// The first line.
    pub fn header(&self) -> Vec<u8> {
        let line = format!(
            "{:>NUMBER$} {:TOPIC$} {:>SHARE$} {:STANCE$} {:>SHARE$} text\n",
            "row", "topic", "p", "stance", "p"
        );
        line.into_bytes()
    }

    /// Adds a row.
    pub fn row(&self, number: u64, labels: Labels<'_>, text: &str, out: &mut Vec<u8>) {
        let share = |label: &str, p: f64| if label.is_empty() { String::new() } else { format!("{p:.2}") };
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = write!(line, "{number:>NUMBER$} {} ", fit(labels.topic, TOPIC));
        let _ =
            write!(line, "{:>SHARE$} {} ", share(labels.topic, labels.topic_probability), fit(labels.stance, STANCE));
        let _ = writeln!(
            line,
            "{:>SHARE$} {}",
            share(labels.stance, labels.stance_probability),
            fit(text, self.text).trim_end()
        );
        out.extend_from_slice(line.as_bytes());
    }
}

/// A text of exactly `width` columns: cut with an ellipsis or filled with spaces; white space and control characters become spaces.
fn fit(text: &str, width: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    let mut out = String::new();
    let mut used = 0;
    for word in words {
        let gap = usize::from(!out.is_empty());
        if used + gap + word.width() > width {
            for c in " ".repeat(gap).chars().chain(word.chars()) {
                let wide = c.width().unwrap_or(0);
                if used + wide + 1 > width {
                    break;
                }
                out.push(c);
                used += wide;
            }
            while used + 1 > width {
                used -= out.pop().and_then(|c| c.width()).unwrap_or(0);
            }
            out.push('…');
            used += 1;
            break;
        }
        if gap == 1 {
            out.push(' ');
        }
        out.push_str(word);
        used += gap + word.width();
    }
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_column() {
        assert_eq!(fit("peace", 8), "peace   ");
        assert_eq!(fit("peace\nand\tquiet", 20), "peace and quiet     ");
        assert_eq!(fit("peace and quiet", 10), "peace and…");
        for width in 1..20 {
            assert_eq!(fit("安理会通过了决议 and more", width).width(), width);
        }
    }

    #[test]
    fn rows_are_no_wider_than_the_terminal() {
        let pretty = Pretty::of_width(100);
        let mut out = Vec::new();
        let labels =
            Labels { topic: "peacekeeping", topic_probability: 0.5, stance: "support", stance_probability: 1.0 };
        pretty.row(12, labels, &"long text ".repeat(40), &mut out);
        assert!(String::from_utf8(out).unwrap().trim_end().width() <= 100);
    }
}
