//! From text to tokens with their places.
//!
//! Flows in: a paragraph. Flows out: [`Token`]s, byte ranges of the original text. Words are those of Unicode UAX #29, joined further in three cases where
//! the standard cuts what readers of politics take for one word: a hash tag (`#ceasefire`), a mention (`@un`) and a hyphenated word (`non-proliferation`);
//! and cut further where an elided article leans on the next word (`l'accord`). Numbers
//! stay whole (`1,540`, `3.5`) as the standard has them. Clusters of punctuation and symbols are kept as [`TokenKind::Mark`]s: they bound negation, and character n-grams may use them.
//!
//! A token has at most [`LONGEST`] bytes; what is longer is cut, so that a text without a space is a text like others and not one word of fifty megabytes.
//!
//! Two paths give the same tokens: chunks of text between ASCII white space that are all ASCII are cut by a byte scanner, others
//! by `unicode-segmentation`. A property test holds them equal.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::ascii_segments::segment_end;

/// Bytes of a token at most.
pub const LONGEST: usize = 1_024;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A word, number, hash tag or mention: has at least one letter or digit.
    Word,
    /// Punctuation or symbols between words.
    Mark,
}

/// A token: a byte range of the text it was cut from, on character bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
    /// What it is.
    pub kind: TokenKind,
}

/// Cuts `text` into tokens, appended to `tokens`.
///
/// ```
/// use rapporteur::text::{tokenise, TokenKind};
/// let text = "We can't accept 1,540 cease-fires, #UNSC!";
/// let mut tokens = Vec::new();
/// tokenise(text, &mut tokens);
/// let words: Vec<&str> =
///     tokens.iter().filter(|t| t.kind == TokenKind::Word).map(|t| &text[t.start..t.end]).collect();
/// assert_eq!(words, ["We", "can't", "accept", "1,540", "cease-fires", "#UNSC"]);
/// ```
pub fn tokenise(text: &str, tokens: &mut Vec<Token>) {
    cut(text, &mut Sink { tokens, most: usize::MAX, full: &mut |_| () });
}

/// As [`tokenise`], a run at a time, so that a text of any length takes little memory: `each` is given about `most` tokens, which it takes out, and at the
/// end those that are left, perhaps none, with `true`.
pub(crate) fn tokenise_runs(
    text: &str,
    most: usize,
    tokens: &mut Vec<Token>,
    mut each: impl FnMut(&mut Vec<Token>, bool),
) {
    cut(text, &mut Sink { tokens, most, full: &mut |tokens| each(tokens, false) });
    each(tokens, true);
}

/// Where tokens go.
struct Sink<'a> {
    tokens: &'a mut Vec<Token>,
    most: usize,
    full: &'a mut dyn FnMut(&mut Vec<Token>),
}

impl Sink<'_> {
    #[inline]
    fn push(&mut self, text: &str, mut token: Token) {
        while token.end - token.start > LONGEST {
            let bound = (token.start + LONGEST - 3..=token.start + LONGEST).rev();
            let cut = bound.into_iter().find(|&at| text.is_char_boundary(at)).unwrap_or(token.end);
            self.put(Token { end: cut, ..token });
            token.start = cut;
        }
        self.put(token);
    }

    #[inline]
    fn put(&mut self, token: Token) {
        self.tokens.push(token);
        if self.tokens.len() >= self.most {
            (self.full)(self.tokens);
        }
    }
}

fn cut(text: &str, sink: &mut Sink<'_>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if is_space(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut ascii = true;
        while at < bytes.len() && !is_space(bytes[at]) {
            ascii &= bytes[at] < 0x80;
            at += 1;
        }
        if ascii {
            cut_ascii(text, start..at, sink);
        } else {
            cut_unicode(text, start..at, sink);
        }
    }
}

/// The same tokens without the byte scanner: slower, and what tests compare [`tokenise`] with.
pub fn tokenise_by_the_standard(text: &str, tokens: &mut Vec<Token>) {
    let sink = &mut Sink { tokens, most: usize::MAX, full: &mut |_| () };
    let mut at = 0;
    for chunk in text.split(|c: char| c.is_ascii() && is_space(c as u8)) {
        cut_unicode(text, at..at + chunk.len(), sink);
        at += chunk.len() + 1;
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Where an elided article or pronoun ends, apostrophe included: `l'accord` and `dell'Unione` are two words, of which the second is the one that
/// matters. What follows must have three letters at least, which leaves English `council's`, `don't` and `we'll` whole.
fn elision(piece: &str) -> Option<usize> {
    let at = piece.find(['\'', '\u{2019}'])?;
    let cut = at + piece[at..].chars().next().map_or(0, char::len_utf8);
    (at > 0 && piece[cut..].chars().take(3).filter(|c| c.is_alphanumeric()).count() == 3).then_some(cut)
}

fn cut_ascii(text: &str, place: Range<usize>, sink: &mut Sink<'_>) {
    let (chunk, offset) = (&text[place.clone()], place.start);
    let bytes = chunk.as_bytes();
    let mut joiner = Joiner::new(text, sink);
    let mut at = 0;
    while at < bytes.len() {
        let first = at;
        if let Some(end) = segment_end(bytes, at) {
            at = end;
            let is_word = bytes[first..at].iter().any(u8::is_ascii_alphanumeric);
            let segment = if is_word { Segment::Word } else { Segment::Mark };
            joiner.piece(chunk, offset, first..at, segment);
        } else {
            at += 1;
            joiner.segment(offset + first, offset + at, Segment::of_mark(bytes[first] as char));
        }
    }
    joiner.finish();
}

fn cut_unicode(text: &str, place: Range<usize>, sink: &mut Sink<'_>) {
    let (chunk, offset) = (&text[place.clone()], place.start);
    let mut joiner = Joiner::new(text, sink);
    for (at, piece) in chunk.split_word_bound_indices() {
        let segment = if piece.chars().any(char::is_alphanumeric) {
            Segment::Word
        } else if piece.chars().all(char::is_whitespace) {
            Segment::Space
        } else {
            piece.chars().next().map_or(Segment::Space, Segment::of_mark)
        };
        joiner.piece(chunk, offset, at..at + piece.len(), segment);
    }
    joiner.finish();
}

/// What the joining rules need to know of a UAX #29 segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Word,
    Sigil,
    Hyphen,
    Mark,
    Space,
}

impl Segment {
    fn of_mark(c: char) -> Segment {
        match c {
            '#' | '@' | '\u{FF03}' | '\u{FF20}' => Segment::Sigil,
            '-' | '\u{2010}' | '\u{2011}' => Segment::Hyphen,
            _ => Segment::Mark,
        }
    }
}

/// Joins sigil + word, word + hyphen + word, and runs of marks; `open` is a token that may still grow.
struct Joiner<'a, 'b> {
    text: &'a str,
    sink: &'a mut Sink<'b>,
    open: Option<Token>,
    /// A sigil or hyphen that the next segment may take in, with its range.
    pending: Option<(Segment, usize, usize)>,
}

impl<'a, 'b> Joiner<'a, 'b> {
    fn new(text: &'a str, sink: &'a mut Sink<'b>) -> Self {
        Joiner { text, sink, open: None, pending: None }
    }

    /// A segment that stands at `place` of a chunk that begins at `offset`; an elided word before it becomes a segment of its own.
    fn piece(&mut self, chunk: &str, offset: usize, mut place: Range<usize>, segment: Segment) {
        while segment == Segment::Word
            && let Some(cut) = elision(&chunk[place.clone()])
        {
            self.segment(offset + place.start, offset + place.start + cut, segment);
            place.start += cut;
        }
        self.segment(offset + place.start, offset + place.end, segment);
    }

    fn segment(&mut self, start: usize, end: usize, segment: Segment) {
        match (segment, self.pending.take()) {
            (Segment::Word, Some((Segment::Hyphen, _, _))) => {
                // `open` is the word before the hyphen: a hyphen is pending only right after one.
                if let Some(open) = &mut self.open {
                    open.end = end;
                }
            }
            (Segment::Word, Some((_, sigil_start, _))) => {
                self.close();
                self.open = Some(Token { start: sigil_start, end, kind: TokenKind::Word });
            }
            (Segment::Word, None) => {
                self.close();
                self.open = Some(Token { start, end, kind: TokenKind::Word });
            }
            (_, pending) => {
                if let Some((_, s, e)) = pending {
                    self.mark(s, e);
                }
                let after_word = matches!(self.open, Some(Token { kind: TokenKind::Word, .. }));
                match segment {
                    Segment::Hyphen if after_word => self.pending = Some((segment, start, end)),
                    Segment::Sigil if !after_word => self.pending = Some((segment, start, end)),
                    Segment::Space => self.close(),
                    _ => self.mark(start, end),
                }
            }
        }
    }

    fn mark(&mut self, start: usize, end: usize) {
        match &mut self.open {
            Some(open) if open.kind == TokenKind::Mark => open.end = end,
            _ => {
                self.close();
                self.open = Some(Token { start, end, kind: TokenKind::Mark });
            }
        }
    }

    fn close(&mut self) {
        if let Some(token) = self.open.take() {
            self.sink.push(self.text, token);
        }
    }

    fn finish(mut self) {
        if let Some((_, s, e)) = self.pending.take() {
            self.mark(s, e);
        }
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        tokenise(text, &mut tokens);
        tokens.iter().filter(|t| t.kind == TokenKind::Word).map(|t| &text[t.start..t.end]).collect()
    }

    #[test]
    fn keeps_numbers_tags_mentions_and_hyphens() {
        assert_eq!(words("In 2003, 1,540 U.N. posts."), ["In", "2003", "1,540", "U.N", "posts"]);
        assert_eq!(words("@un #Cease_Fire a#b"), ["@un", "#Cease_Fire", "a", "b"]);
        assert_eq!(words("non-nuclear-weapon state- -led"), ["non-nuclear-weapon", "state", "led"]);
        assert_eq!(words("l'État ‘don’t’ non‑aligned"), ["l'", "État", "don’t", "non‑aligned"]);
        assert_eq!(words("安理会 قرار"), ["安", "理", "会", "قرار"]);
        assert_eq!(words("dell’Unione qu'elle council's"), ["dell’", "Unione", "qu'", "elle", "council's"]);
        assert!(words("... —— !?").is_empty());
    }

    /// A text without a space was one word, whose forms and n-grams took twenty times its memory.
    #[test]
    fn endless_words_are_cut_on_character_bounds() {
        for text in
            ["x".repeat(5_000), "é".repeat(3_000), "!".repeat(3_000), "a-".repeat(2_000), "e\u{301}".repeat(2_000)]
        {
            let (mut tokens, mut slow) = (Vec::new(), Vec::new());
            tokenise(&text, &mut tokens);
            tokenise_by_the_standard(&text, &mut slow);
            assert_eq!(tokens, slow);
            assert!(tokens.len() > 1 && tokens.iter().all(|t| t.end - t.start <= LONGEST));
            assert_eq!(
                tokens.iter().map(|t| &text[t.start..t.end]).collect::<String>().trim_end_matches('-'),
                text.trim_end_matches('-')
            );
        }
    }

    #[test]
    fn marks_are_clusters() {
        let mut tokens = Vec::new();
        tokenise("no!!! ok", &mut tokens);
        assert_eq!(tokens.len(), 3);
        assert_eq!((tokens[1].start, tokens[1].end, tokens[1].kind), (2, 5, TokenKind::Mark));
    }

    proptest! {
        #[test]
        fn ascii_path_equals_unicode_path(text in "[ -~\n]{0,60}") {
            let mut fast = Vec::new();
            tokenise(&text, &mut fast);
            let mut slow = Vec::new();
            tokenise_by_the_standard(&text, &mut slow);
            prop_assert_eq!(fast, slow);
        }

        // Marks are left out: one that follows a space belongs to the space by the standard, and to nothing a reader would call a word.
        #[test]
        fn chunks_cut_as_the_whole_text_does(text in "[\\PC&&\\P{M}]{0,40}") {
            let mut by_chunk = Vec::new();
            tokenise(&text, &mut by_chunk);
            let mut whole = Vec::new();
            cut_unicode(&text, 0..text.len(), &mut Sink { tokens: &mut whole, most: usize::MAX, full: &mut |_| () });
            let word = |t: &&Token| t.kind == TokenKind::Word;
            prop_assert_eq!(by_chunk.iter().filter(word).collect::<Vec<_>>(), whole.iter().filter(word).collect::<Vec<_>>());
        }

        #[test]
        fn runs_are_the_whole(text in "[a-c' ,\\-\u{E9}]{0,80}", most in 1usize..9) {
            let (mut whole, mut tokens, mut runs, mut ended) = (Vec::new(), Vec::new(), Vec::new(), false);
            tokenise(&text, &mut whole);
            tokenise_runs(&text, most, &mut tokens, |run, last| {
                assert!(!ended && run.len() <= most);
                runs.append(run);
                ended = last;
            });
            prop_assert!(ended);
            prop_assert_eq!(runs, whole);
        }

        #[test]
        fn offsets_ascend_on_character_bounds(text in "\\PC{0,40}") {
            let mut tokens = Vec::new();
            tokenise(&text, &mut tokens);
            let mut last = 0;
            for t in tokens {
                prop_assert!(t.start >= last && t.end > t.start);
                prop_assert!(text.is_char_boundary(t.start) && text.is_char_boundary(t.end));
                last = t.end;
            }
        }
    }
}
