//! From text to the lines that bear text.
//!
//! Flows in: a text with any line ends. Flows out: trimmed lines with what stood before each: how many blank lines, how
//! deep an indentation, whether a page ended. Page numbers on a line of their own are dropped here, so that the rest of
//! the module never sees that a page ended in mid-sentence but for a flag: a page's end says nothing about a
//! paragraph's.

/// A line that is not blank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its text without white space at either end.
    pub text: &'a str,
    /// Its length in characters.
    pub chars: u32,
    /// Blank lines before it.
    pub blanks: u32,
    /// Columns of white space it began with.
    pub indent: u32,
    /// A page ended between the line before and this one, so blank lines there mean nothing.
    pub page_break: bool,
}

/// White space, line ends and characters that print nothing between words: byte order marks and control characters.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{FEFF}'
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A line without a single visible character: zero-width spaces and joiners alone make no paragraph.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| is_space(c) || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{AD}'))
}

/// The lines of a text that bear text, without lone page numbers.
pub(super) fn lines_of(text: &str) -> Vec<Line<'_>> {
    let mut lines = all_lines(text);
    drop_page_numbers(&mut lines);
    lines
}

fn all_lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut rest = text;
    let (mut blanks, mut page_break) = (0u32, false);
    while !rest.is_empty() {
        let at = rest.find(is_line_end).unwrap_or(rest.len());
        let (raw, after) = rest.split_at(at);
        let end = after.chars().next();
        rest = match end {
            Some('\r') => after.strip_prefix("\r\n").unwrap_or(&after[1..]),
            Some(c) => &after[c.len_utf8()..],
            None => "",
        };
        if is_blank(raw) {
            blanks = blanks.saturating_add(1);
        } else {
            let text = raw.trim_matches(is_space);
            let indent = raw.chars().take_while(|&c| is_space(c)).map(columns).sum();
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            lines.push(Line { text, chars, blanks, indent, page_break });
            (blanks, page_break) = (0, false);
        }
        match end {
            Some('\u{0C}') => page_break = true,
            Some('\u{2029}') => blanks = blanks.saturating_add(1),
            _ => {}
        }
    }
    lines
}

fn columns(space: char) -> u32 {
    match space {
        '\t' => 4,
        '\u{3000}' => 2,
        '\u{FEFF}' => 0,
        _ => 1,
    }
}

/// How sure a line's own look makes us that it is a page number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageNumber {
    /// Up to three digits and nothing else: may also be an item of a list or a table.
    Bare,
    /// `- 7 -`, `[7]`, `Page 7`, `7/12`, `page 7 of 12`.
    Dressed,
}

fn page_number(text: &str) -> Option<PageNumber> {
    // Longer lines are text; this keeps the look at each line short.
    if text.len() > 40 {
        return None;
    }
    let is_dress =
        |c: char| is_space(c) || matches!(c, '-' | '–' | '—' | '[' | ']' | '(' | ')' | '|' | '~' | '·' | '*');
    let core = text.trim_matches(is_dress);
    let lower = core.to_lowercase();
    let number = ["page", "pág.", "página", "seite", "pagina", "p."]
        .iter()
        .find_map(|w| lower.strip_prefix(w))
        .map_or(lower.as_str(), |after| after.trim_start_matches(is_space));
    // `de 7` is the end of a sentence and not of a page.
    if !number.starts_with(is_digit) {
        return None;
    }
    let mut parts = number
        .split(|c: char| is_space(c) || c == '/')
        .filter(|p| !matches!(*p, "" | "of" | "de" | "von" | "sur" | "di"));
    let (first, last) = (parts.next()?, parts.next());
    let is_number = |p: &str| p.chars().all(is_digit) && p.chars().count() <= 4;
    if parts.next().is_some() || !is_number(first) || !last.is_none_or(is_number) {
        return None;
    }
    if core == text && lower == first {
        // Four bare digits are more likely a year.
        return (first.chars().count() <= 3).then_some(PageNumber::Bare);
    }
    // Two numbers with nothing but a space are cells of a table; `7/12` and `page 7 of 12` are pages. A number in
    // brackets alone, `(7)`, numbers a paragraph.
    let plain_pair = last.is_some() && lower == number && !number.contains(['/', 'o', 'd', 'v', 's']);
    (!plain_pair && !text.starts_with('(')).then_some(PageNumber::Dressed)
}

fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '\u{660}'..='\u{669}' | '\u{6F0}'..='\u{6F9}' | '\u{966}'..='\u{96F}' | '\u{FF10}'..='\u{FF19}')
}

/// Drops page numbers, and remembers the page's end on the line that follows.
///
/// Bare numbers are page numbers only where they are few: at most one line of three, or one in 400 bytes. Where they
/// are more, the text is a list or a table of numbers, and they stay. So do numbers next to each other.
fn drop_page_numbers(lines: &mut Vec<Line<'_>>) {
    const BYTES_A_PAGE: usize = 400;
    let kinds: Vec<Option<PageNumber>> = lines.iter().map(|l| page_number(l.text)).collect();
    let bare = kinds.iter().filter(|k| **k == Some(PageNumber::Bare)).count();
    let numbers = kinds.iter().flatten().count();
    let bytes: usize = lines.iter().map(|l| l.text.len()).sum();
    if numbers == 0 || numbers == lines.len() {
        return;
    }
    let few = bare * 3 <= lines.len() || bare * BYTES_A_PAGE <= bytes;
    let is_number = |i: usize| kinds.get(i).is_some_and(Option::is_some);
    let mut i = 0usize;
    let mut ended = false;
    lines.retain_mut(|line| {
        let neighbours = [i.checked_sub(1), Some(i + 1)];
        let alone = !neighbours.into_iter().flatten().any(is_number);
        let dropped = match kinds[i] {
            Some(PageNumber::Dressed) => true,
            Some(PageNumber::Bare) => few && alone,
            None => false,
        };
        i += 1;
        if dropped {
            ended = true;
        } else {
            line.page_break |= std::mem::take(&mut ended);
        }
        !dropped
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        lines_of(text).iter().map(|l| l.text).collect()
    }

    #[test]
    fn every_line_end_ends_a_line() {
        assert_eq!(
            texts("a\r\nb\rc\nd\u{2028}e\u{2029}f\u{0C}g\u{0B}h\u{85}i"),
            ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
        );
        let blanks: Vec<u32> = lines_of("a\r\n\r\nb\u{2029}c\n \t\u{A0}\n\nd").iter().map(|l| l.blanks).collect();
        assert_eq!(blanks, [0, 1, 1, 2]);
        assert!(texts("\u{FEFF} \n\u{200B}\n\u{A0}\t").is_empty());
    }

    #[test]
    fn page_numbers_go_and_leave_a_flag() {
        for number in ["7", "128", "- 7 -", "— 12 —", "[7]", "Page 7", "page 7 of 12", "7/12", "Seite 3", "٧"] {
            let text = format!("one two\n\n{number}\n\nthree\nfour");
            let lines = lines_of(&text);
            assert_eq!(lines.len(), 3, "{number}");
            assert!(!lines[0].page_break && lines[1].page_break && !lines[2].page_break);
        }
        assert!(lines_of("a\n\u{0C}b")[1].page_break);
    }

    #[test]
    fn other_numbers_stay() {
        for line in ["2015", "7.", "1,540", "IV", "(7)", "12 14", "7 July", "-", "Page", "p"] {
            assert_eq!(texts(&format!("one\n{line}\ntwo\nthree")).len(), 4, "{line}");
        }
        assert_eq!(texts("12"), ["12"]);
        assert_eq!(texts("1\n2\n3\n4"), ["1", "2", "3", "4"]);
        assert_eq!(texts("Yes\n12\nNo\n7\n").len(), 4);
    }
}
