//! Where one paragraph ends and the next begins.
//!
//! Flows in: the lines of a text. Flows out: a [`Layout`], learnt from all of them, that says of two neighbouring lines
//! whether they [part](Layout::parts). Hard-wrapped lines betray themselves twice: sentences run on over their ends,
//! and where they do the line was full, that is, the first word of the next would not have fitted into the width that
//! most lines keep to. Both are needed: verse and lists run on, but their lines are not full; paragraphs of like length
//! look full, but end in full stops.

use super::lines::Line;
use super::sentences::{Ending, ending};

/// Share of the usual width that a line and the next word must reach for the line to count as full when the layout is
/// found out.
const FULL: f64 = 0.75;
/// A line that ends a sentence and stays below this share of the width ends a paragraph. Measured on transcripts set in
/// a proportional type, where lines vary by a tenth: below this, the ends of paragraphs are more frequent than the ends
/// of sentences within them.
const SHORT: f64 = 0.95;
/// The same where blank lines mark most paragraphs already: what is left to find are blank lines that were lost.
const SHORT_IF_SPACED: f64 = 0.75;
/// A line that does not end a sentence and stays below this share is a heading, a line of verse or an item of a list.
const VERY_SHORT: f64 = 0.6;
/// Lines longer than this are paragraphs, not wrapped.
const WIDEST: u32 = 300;

/// How a text is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The usual width of its lines in characters, if it is hard-wrapped.
    width: Option<f64>,
    /// Blank lines between lines of the same paragraph: 1 in double-spaced text.
    spacing: u32,
    /// Blank lines mark paragraphs.
    spaced: bool,
    /// A lower-case letter at the start of a line is the exception, so it says that a sentence runs on.
    cased: bool,
}

impl Layout {
    pub fn of(lines: &[Line<'_>]) -> Layout {
        let mut layout = Layout { width: None, spacing: 0, spaced: false, cased: true };
        let tight = lines.iter().skip(1).filter(|l| l.gap() == 0).count();
        let gaps = lines.len().saturating_sub(1) - tight;
        layout.spaced = gaps * 20 > tight;
        if tight * 10 >= gaps {
            layout.width = wrapped_width(lines, 0, 0.25);
        } else if let Some(width) = wrapped_width(lines, 1, 0.5) {
            // Hardly two lines without a blank between, yet sentences run on over the blanks: double spacing.
            layout = Layout { width: Some(width), spacing: 1, spaced: false, ..layout };
        }
        // Where lines are wrapped, most begin in lower case; those after a blank line tell whether the text is written
        // in capitals and small letters.
        let starts =
            || lines.iter().enumerate().filter(|(i, l)| *i == 0 || layout.width.is_none() || l.gap() > layout.spacing);
        layout.cased = starts().filter(|(_, l)| case_of(l.text) == Case::Lower).count() * 4 <= starts().count();
        layout
    }

    /// Whether a paragraph ends between two neighbouring lines; `next` is the line after both.
    pub fn parts(&self, a: &Line<'_>, b: &Line<'_>, next: Option<&Line<'_>>) -> bool {
        let gap = b.gap().saturating_sub(self.spacing) > 0;
        let end = ending(a.text, b.text);
        let starts_lower = case_of(b.text) == Case::Lower;
        if !gap && is_lone_mark(a.text) {
            return false;
        }
        let Some(width) = self.width else {
            let runs_on = match end {
                Ending::Open => starts_lower && (b.page_break || self.cased && ends_in_word(a.text)),
                Ending::Clause => starts_lower && b.page_break,
                Ending::Sentence => false,
            };
            return !runs_on;
        };
        let filled = filled(a, b, width);
        if gap {
            // A page ended here, and its number was lost.
            let runs_on =
                end == Ending::Open && self.cased && filled >= FULL && (starts_lower || ends_in_small_word(a.text));
            return !runs_on;
        }
        if is_bullet(b.text) || end != Ending::Open && is_item(b.text) {
            return true;
        }
        let indented = is_first_line_indent(a, b, next);
        match end {
            Ending::Sentence => {
                let short = if self.spaced { SHORT_IF_SPACED } else { SHORT };
                !starts_lower && (filled < short || indented || is_speaker(b.text))
            }
            Ending::Clause => filled < VERY_SHORT || !starts_lower && (indented || is_speaker(b.text)),
            Ending::Open => !starts_lower && filled < VERY_SHORT && !a.text.ends_with([',', '،', '、', '-']),
        }
    }
}

impl Line<'_> {
    /// Blank lines before this one that mean something.
    fn gap(&self) -> u32 {
        if self.page_break { 0 } else { self.blanks }
    }
}

/// The width of lines, if those with `spacing` blank lines between are hard-wrapped: at least the share `least` of
/// their ends are in mid-sentence, and seven of ten of these after a full line. A line that no full stop ends is in
/// mid-sentence when the next begins with a small letter, or with a capital and the block of lines ends with a full
/// stop: so a short block full of names is told from a list of names.
fn wrapped_width(lines: &[Line<'_>], spacing: u32, least: f64) -> Option<f64> {
    let pairs = || lines.windows(2).filter(|p| p[1].gap() <= spacing);
    let mut lengths: Vec<u32> = pairs().map(|p| p[0].chars).collect();
    let ninth_decile = (lengths.len() * 9).div_ceil(10).checked_sub(1)?;
    let (_, &mut width, _) = lengths.select_nth_unstable(ninth_decile);
    if width > WIDEST {
        return None;
    }
    let width = f64::from(width);
    let (mut open, mut full) = (0usize, 0usize);
    let mut block_ends_sentence = lines.last().is_some_and(|l| ending(l.text, "") == Ending::Sentence);
    for pair in lines.windows(2).rev() {
        let (a, b) = (&pair[0], &pair[1]);
        let end = ending(a.text, b.text);
        if b.gap() > spacing {
            block_ends_sentence = end == Ending::Sentence;
            continue;
        }
        let runs_on = match case_of(b.text) {
            Case::Lower | Case::None => end != Ending::Sentence,
            Case::Upper => end == Ending::Open && block_ends_sentence,
            Case::Other => false,
        };
        open += usize::from(runs_on);
        full += usize::from(runs_on && filled(a, b, width) >= FULL);
    }
    let enough = open > 0 && open as f64 >= least * lengths.len() as f64 && full * 10 >= open * 7;
    enough.then_some(width)
}

/// The share of the width that line `a` would have with the first word of `b`.
fn filled(a: &Line<'_>, b: &Line<'_>, width: f64) -> f64 {
    /// Longer words (addresses of web pages, text without spaces) are broken elsewhere.
    const LONGEST: usize = 40;
    let first = if b.text.chars().next().is_some_and(is_unspaced) {
        1
    } else {
        b.text.chars().take(LONGEST).take_while(|c| !c.is_whitespace()).count()
    };
    (f64::from(a.chars) + 1.0 + first as f64) / width
}

/// Chinese and Japanese are written without spaces, and may be broken between any two characters.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{303F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF01}'..='\u{FF60}' | '\u{20000}'..='\u{3FFFF}')
}

/// What the first letter of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    /// A letter of a script without case.
    None,
    /// Not a letter.
    Other,
}

fn case_of(text: &str) -> Case {
    match text.trim_start_matches(['"', '“', '‘', '«', '(', '[']).chars().next() {
        Some(c) if c.is_lowercase() => Case::Lower,
        Some(c) if c.is_uppercase() => Case::Upper,
        Some(c) if c.is_alphabetic() => Case::None,
        _ => Case::Other,
    }
}

/// Whether the last word is one that neither a heading nor a sentence ends with.
fn ends_in_small_word(text: &str) -> bool {
    let last = text.rsplit(char::is_whitespace).next().unwrap_or("");
    matches!(
        last,
        "a" | "an"
            | "the"
            | "of"
            | "to"
            | "in"
            | "on"
            | "for"
            | "from"
            | "with"
            | "by"
            | "and"
            | "or"
            | "that"
            | "its"
            | "our"
            | "their"
    ) || matches!(
        last,
        "le" | "la"
            | "les"
            | "de"
            | "du"
            | "des"
            | "et"
            | "der"
            | "die"
            | "das"
            | "und"
            | "el"
            | "los"
            | "las"
            | "del"
            | "y"
    )
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '-')
}

/// A mark that nothing but an item of a list begins with.
fn is_bullet(text: &str) -> bool {
    text.starts_with(['•', '‣', '▪', '●', '◦', '■', '□', '◆', '➢', '✓'])
}

/// A mark that an item of a list may begin with: `(a)`, `1.`, `iv)`, `-`.
fn is_item(text: &str) -> bool {
    let Some(mark) = text.split_whitespace().next() else { return false };
    if matches!(mark, "-" | "–" | "—" | "*" | "·" | "o") {
        return true;
    }
    let core = mark.trim_start_matches('(').trim_end_matches([')', '.']);
    let marked = core.len() < mark.len() && mark.ends_with([')', '.']);
    let number = core.len() <= 3 && core.bytes().all(|b| b.is_ascii_digit());
    let letter = core.len() == 1 && core.bytes().all(|b| b.is_ascii_alphabetic());
    let roman = core.len() <= 5 && core.bytes().all(|b| matches!(b.to_ascii_lowercase(), b'i' | b'v' | b'x'));
    marked && !core.is_empty() && (number || (letter || roman) && mark.ends_with(')'))
}

/// A number or mark of an item alone on its line: its text follows.
fn is_lone_mark(text: &str) -> bool {
    !text.contains(char::is_whitespace) && text != "o" && (is_item(text) || is_bullet(text))
}

/// The line before which a speaker's turn begins: `Mr. Traore (Guinea) (spoke in French): ...`, `The President: ...`.
fn is_speaker(text: &str) -> bool {
    const TITLES: [&str; 28] = [
        "Mr.",
        "Mrs.",
        "Ms.",
        "Miss",
        "Dr.",
        "Sir",
        "Dame",
        "Lord",
        "Lady",
        "Baroness",
        "Prince",
        "Princess",
        "Sheikh",
        "King",
        "Queen",
        "President",
        "Prime",
        "Ambassador",
        "The",
        "M.",
        "Mme",
        "Le",
        "La",
        "Sr.",
        "Sra.",
        "El",
        "Herr",
        "Frau",
    ];
    /// Words a header may have before its colon.
    const LONGEST: usize = 14;
    let mut words = text.split_whitespace();
    let Some(first) = words.next() else { return false };
    if !TITLES.contains(&first) {
        return false;
    }
    let mut in_brackets = false;
    for word in words.take(LONGEST) {
        in_brackets |= word.starts_with('(');
        if word.ends_with(':') {
            return true;
        }
        let name = word.chars().next().is_some_and(|c| c.is_uppercase() || c == '(')
            || matches!(
                word,
                "of" | "the"
                    | "and"
                    | "for"
                    | "de"
                    | "del"
                    | "al"
                    | "bin"
                    | "van"
                    | "von"
                    | "der"
                    | "du"
                    | "des"
                    | "la"
            );
        if !in_brackets && !name {
            return false;
        }
        in_brackets &= !word.ends_with(')');
    }
    false
}

/// Whether `b` is indented as the first line of a paragraph: deeper than the line before and the line after.
fn is_first_line_indent(a: &Line<'_>, b: &Line<'_>, next: Option<&Line<'_>>) -> bool {
    b.indent >= a.indent + 2 && next.is_none_or(|n| n.gap() > 0 || n.indent + 2 <= b.indent) && !is_item(a.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_and_items_are_known() {
        assert!(is_speaker("Mr. Traore (Guinea) (spoke in French): Let me"));
        assert!(is_speaker("The President: I thank"));
        assert!(is_speaker("Sir Jeremy Brown (United Kingdom of Great Britain): We"));
        assert!(!is_speaker("The Council adopted the following: peace"));
        assert!(!is_speaker("Peace: a dream"));
        for item in ["(a) x", "1. x", "12) x", "iv) x", "- x", "* x"] {
            assert!(is_item(item), "{item}");
        }
        for text in ["2015. I would", "I. e.", "a. b", "non-x", "Then", ""] {
            assert!(!is_item(text), "{text}");
        }
    }
}
