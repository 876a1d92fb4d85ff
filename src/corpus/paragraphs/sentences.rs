//! Sentence ends, and cutting endless paragraphs at them.
//!
//! Flows in: single-spaced text. Flows out: pieces of a limited number of words. Sentence ends are told at words rather
//! than by the rules of UAX #29: these break after `Mr.` and `U.N.`, and their implementation in `unicode-segmentation`
//! looks ahead again at every character, which is quadratic on long runs of marks.

use super::layout::is_unspaced;

/// How a line or a word ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With `.`, `!`, `?` or the like, and not as an abbreviation.
    Sentence,
    /// With `:` or `;`.
    Clause,
    /// In the middle of a sentence, for all one can see.
    Open,
}

/// How `a` ends, given the text `b` that follows it.
pub(super) fn ending(a: &str, b: &str) -> Ending {
    let closes = |c: char| matches!(c, '"' | '\'' | '”' | '’' | '“' | '»' | ')' | ']' | '）' | '」' | '』' | '》');
    let core = a.trim_end_matches(closes);
    match core.chars().next_back() {
        Some('.') if is_abbreviation(&core[..core.len() - 1], b) => Ending::Open,
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '؟' | '۔' | '।' | '።' | '։') => {
            Ending::Sentence
        }
        Some(':' | ';' | '：' | '；' | '؛') => Ending::Clause,
        _ => Ending::Open,
    }
}

/// Abbreviations before names and the like, lower case, without their last full stop: English, French, German, Spanish,
/// Italian.
const BEFORE_WORDS: [&str; 57] = [
    "mr", "mrs", "ms", "messrs", "dr", "drs", "prof", "st", "ste", "gen", "col", "lt", "maj", "sgt", "capt", "cdr",
    "adm", "amb", "hon", "rev", "sen", "rep", "gov", "pres", "fr", "vs", "v", "cf", "al", "viz", "approx", "dept",
    "mme", "mlle", "mm", "m", "sr", "sra", "srta", "dra", "lic", "ing", "sig", "dott", "avv", "on", "hr", "fr", "ca",
    "bzw", "vgl", "sog", "inkl", "ggf", "evtl", "ud", "uds",
];

/// Abbreviations only before a number: elsewhere `No.` is an answer and `Art.` a word.
const BEFORE_NUMBERS: [&str; 34] = [
    "no", "nos", "nr", "núm", "num", "art", "arts", "para", "paras", "par", "abs", "vol", "vols", "p", "pp", "ch",
    "chap", "fig", "sec", "sect", "res", "doc", "add", "corr", "rev", "jan", "feb", "mar", "apr", "aug", "sept", "oct",
    "nov", "dec",
];

/// Whether `a`, of which a full stop was taken off, ends in an abbreviation that no sentence ends with.
fn is_abbreviation(a: &str, b: &str) -> bool {
    /// Bytes of the longest abbreviation.
    const LONGEST: usize = 16;
    let starts = |c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“' | '«' | '‘' | '\'' | '’' | '-');
    // Looking no further back than needed keeps text without spaces linear.
    let mut from = a.len().saturating_sub(LONGEST);
    while !a.is_char_boundary(from) {
        from += 1;
    }
    let tail = &a[from..];
    let word = match tail.char_indices().rev().find(|&(_, c)| starts(c)) {
        Some((at, c)) => &tail[at + c.len_utf8()..],
        None if from == 0 => tail,
        None => return false,
    };
    let mut chars = word.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        // An initial; `I` is more often the last word of a sentence. A single small letter is tried as an abbreviation
        // below.
        if c.is_uppercase() {
            return c != 'I';
        }
    }
    let dotted =
        word.contains('.') && word.split('.').all(|p| p.chars().count() == 1 && p.chars().all(char::is_alphabetic));
    let lower = word.to_lowercase();
    let numbered = b.trim_start_matches(['(', '[']).starts_with(|c: char| c.is_numeric())
        || b.split_whitespace().next().is_some_and(|w| w.len() < 8 && w.bytes().all(|b| b"IVXLC".contains(&b)));
    dotted && !matches!(lower.as_str(), "a.m" | "p.m")
        || BEFORE_WORDS.contains(&lower.as_str())
        || numbered && BEFORE_NUMBERS.contains(&lower.as_str())
}

/// The places where the words of a single-spaced text begin and end; a Chinese or Japanese character is a word, marks
/// belong to the word before.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while text[at..].starts_with(' ') {
            at += 1;
        }
        if at == text.len() {
            return None;
        }
        let start = at;
        let mut before = None;
        for (i, c) in text[start..].char_indices() {
            let opens = matches!(c, '「' | '『' | '（' | '《' | '“');
            let begins = before.is_some_and(|p: char| {
                !matches!(p, '「' | '『' | '（' | '《' | '“')
                    && (is_ideograph(c) || is_unspaced(p) && (c.is_alphanumeric() || opens))
            });
            if c == ' ' || begins {
                break;
            }
            before = Some(c);
            at = start + i + c.len_utf8();
        }
        Some((start, at))
    })
}

fn is_ideograph(c: char) -> bool {
    is_unspaced(c) && c.is_alphanumeric()
}

/// The number of words of a single-spaced text.
pub(super) fn count_words(text: &str) -> usize {
    words(text).count()
}

/// A stretch of text that is kept in one piece.
#[derive(Debug, Clone, Copy)]
struct Unit {
    start: usize,
    end: usize,
    words: usize,
}

/// Cuts a single-spaced text into as few pieces of at most `max_words` words as sentence ends allow, as equal as they
/// allow.
pub(super) fn cut(text: &str, max_words: usize, pieces: &mut Vec<String>) {
    let units = sentences(text, max_words);
    // Words before each sentence.
    let mut before = Vec::with_capacity(units.len() + 1);
    before.push(0usize);
    for unit in &units {
        before.push(before[before.len() - 1] + unit.words);
    }
    let count = units.len();
    // Fewest pieces for the sentences from each on: filling greedily is optimal, and the furthest end moves with the
    // start.
    let mut fewest = vec![0usize; count + 1];
    let mut furthest = count;
    for i in (0..count).rev() {
        while before[furthest] - before[i] > max_words {
            furthest -= 1;
        }
        fewest[i] = 1 + fewest[furthest];
    }
    let mut i = 0;
    while i < count {
        let left = fewest[i];
        let aim = before[i] + (before[count] - before[i]).div_ceil(left);
        // The ends that leave no more pieces than needed: `fewest` falls as the end moves on.
        let first = i + 1 + fewest[i + 1..].partition_point(|&f| f > left - 1);
        let last = i + before[i..].partition_point(|&b| b - before[i] <= max_words) - 1;
        let above = (i + 1 + before[i + 1..].partition_point(|&b| b < aim)).clamp(first, last.max(first));
        let below = (above - 1).max(first);
        let end = if aim.abs_diff(before[below]) < aim.abs_diff(before[above]) { below } else { above };
        pieces.push(text[units[i].start..units[end - 1].end].to_owned());
        i = end;
    }
}

/// The sentences of a text; those of more than `max_words` words cut into equal parts.
fn sentences(text: &str, max_words: usize) -> Vec<Unit> {
    let words: Vec<(usize, usize)> = words(text).collect();
    let mut units = Vec::new();
    let mut first = 0;
    for (i, &(start, end)) in words.iter().enumerate() {
        let next = words.get(i + 1).map_or("", |w| &text[w.0..]);
        let lone_number =
            first == i && text[start..end].trim_end_matches(['.', ')']).bytes().all(|b| b.is_ascii_digit());
        let ends =
            ending(&text[..end], next) == Ending::Sentence && !next.starts_with(char::is_lowercase) && !lone_number;
        if ends || next.is_empty() {
            let parts = (i + 1 - first).div_ceil(max_words);
            for part in 0..parts {
                let at = |k: usize| first + (i + 1 - first) * k / parts;
                let (from, to) = (at(part), at(part + 1));
                units.push(Unit { start: words[from].0, end: words[to - 1].1, words: to - from });
            }
            first = i + 1;
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, max_words: usize) -> Vec<String> {
        let mut out = Vec::new();
        cut(text, max_words, &mut out);
        out
    }

    #[test]
    fn abbreviations_end_no_sentence() {
        for (a, b) in [
            ("I thank Mr.", "Blix"),
            ("the U.N.", "Charter"),
            ("(see No.", "5)"),
            ("under Art.", "VII"),
            ("by J.", "Smith"),
            ("M.", "Dupont"),
            ("z.B.", "Berlin"),
            ("paras.", "(3)"),
        ] {
            assert_eq!(ending(a, b), Ending::Open, "{a}");
        }
        for (a, b) in [
            ("He said no.", "We"),
            ("is an art.", "It"),
            ("so do I.", "We"),
            ("at 6.35 p.m.", "The"),
            ("end.”", "We"),
            ("(2002).", "We"),
            ("结束。", "我"),
            ("Why?", ""),
        ] {
            assert_eq!(ending(a, b), Ending::Sentence, "{a}");
        }
        assert_eq!(ending("as follows:", "a"), Ending::Clause);
    }

    #[test]
    fn pieces_are_balanced_and_whole_sentences() {
        let sentence = "One two three four five.";
        let text = [sentence; 11].join(" ");
        let sizes: Vec<usize> = pieces(&text, 50).iter().map(|p| count_words(p)).collect();
        assert_eq!(sizes, [30, 25]);
        assert_eq!(pieces("Mr. Blix came. No. 5 left.", 3), ["Mr. Blix came.", "No. 5 left."]);
        assert_eq!(pieces("1. First words here. 2. More words.", 4), ["1. First words here.", "2. More words."]);
    }

    #[test]
    fn endless_sentences_are_cut_at_words() {
        let text = vec!["word"; 101].join(" ");
        let sizes: Vec<usize> = pieces(&text, 50).iter().map(|p| count_words(p)).collect();
        assert_eq!(sizes, [33, 34, 34]);
    }

    #[test]
    fn text_without_spaces_is_counted_by_characters() {
        assert_eq!(count_words("安理会2015年"), 5);
        assert_eq!(pieces("我们支持。他们反对！「好」", 5), ["我们支持。", "他们反对！「好」"]);
    }
}
