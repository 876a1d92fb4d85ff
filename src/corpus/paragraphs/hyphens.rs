//! Words that were cut at the end of a line.
//!
//! Flows in: the lines of a text. Flows out: for two lines that belong together, what stands between them: a space,
//! nothing, or nothing in place of the hyphen. A hyphen at a line's end may be the printer's (`inter-` `national`) or
//! the word's own (`non-` `proliferation`). The text itself is the best judge: whichever form stands elsewhere in it.
//! Where neither does, prefixes and second parts of English compounds decide, and last the printer's hyphen is
//! supposed, because typesetters cut many more words than compounds. Transcripts made from web pages have only the
//! word's own; these are mostly of the kinds listed.

use std::collections::HashMap;

use super::layout::is_unspaced;
use super::lines::Line;

/// What comes between two lines that are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// A space.
    Space,
    /// Nothing: a hyphen that belongs to the word, or script without spaces.
    Nothing,
    /// Nothing, and the hyphen goes.
    Mended,
}

/// Bytes of a part of a word; longer ones are addresses or no words at all.
const LONGEST: usize = 40;

/// First parts that keep their hyphen before most words.
const KEEP_AFTER: [&str; 64] = [
    "non", "self", "well", "ill", "long", "short", "high", "low", "ever", "ex", "anti", "pro", "counter", "co", "post",
    "pre", "cross", "vice", "quasi", "semi", "half", "mid", "multi", "socio", "all", "many", "much", "front", "grass",
    "north", "south", "east", "west", "gender", "nuclear", "peace", "oil", "air", "sea", "land", "arms", "war",
    "decision", "policy", "law", "rule", "fact", "far", "near", "full", "part", "one", "two", "three", "four", "five",
    "first", "second", "third", "twenty", "thirty", "forty", "fifty", "so",
];

/// Second parts that follow a hyphen.
const KEEP_BEFORE: [&str; 58] = [
    "based",
    "led",
    "free",
    "term",
    "level",
    "scale",
    "range",
    "ranking",
    "standing",
    "making",
    "building",
    "sharing",
    "taking",
    "keeping",
    "related",
    "driven",
    "oriented",
    "funded",
    "owned",
    "run",
    "sponsored",
    "backed",
    "affiliated",
    "called",
    "known",
    "established",
    "wing",
    "stricken",
    "torn",
    "ridden",
    "rich",
    "poor",
    "income",
    "round",
    "depth",
    "old",
    "year",
    "century",
    "headed",
    "minded",
    "style",
    "wide",
    "up",
    "off",
    "out",
    "in",
    "on",
    "to",
    "aligned",
    "proliferation",
    "terrorism",
    "general",
    "general's",
    "elect",
    "producing",
    "exporting",
    "intensive",
    "going",
];

/// Words without a hyphen that the two lists would give one.
const SOLID: [&str; 38] = [
    "counterpart",
    "counterparts",
    "counteract",
    "nonetheless",
    "nonsense",
    "highlight",
    "highlights",
    "highlighted",
    "highlighting",
    "postpone",
    "postponed",
    "postponement",
    "coordinate",
    "coordinated",
    "coordination",
    "cooperate",
    "cooperation",
    "cooperative",
    "cooperating",
    "coordinating",
    "process",
    "produce",
    "prohibit",
    "promote",
    "protect",
    "provide",
    "pronounce",
    "progress",
    "project",
    "prevent",
    "precede",
    "present",
    "prepare",
    "seaport",
    "airport",
    "landlord",
    "warrant",
    "partner",
];

/// Endings that are no words, so that the hyphen before them is the printer's.
const WORD_ENDINGS: [&str; 34] = [
    "s", "es", "ed", "er", "ers", "est", "ing", "ings", "ly", "ness", "ment", "ments", "tion", "tions", "sion",
    "sions", "cal", "ical", "ity", "ities", "ism", "ist", "ists", "able", "ible", "ful", "less", "ish", "ship",
    "ships", "hood", "ward", "wards", "ence",
];

/// Prefixes that are words too; cut after them, a word is hardly ever a compound.
const JOIN_AFTER: [&str; 18] = [
    "under", "over", "out", "with", "for", "fore", "up", "be", "in", "on", "to", "a", "an", "re", "con", "dis",
    "inter", "trans",
];

/// After a hyphen left hanging, as in `short-` `and long-term`.
const CONJUNCTIONS: [&str; 12] = ["and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e", "as"];

/// Mends words cut at line ends, by the evidence of the whole text.
#[derive(Debug, Default)]
pub(super) struct Mender {
    /// How often the forms in question stand in the text.
    counts: HashMap<String, u32>,
}

impl Mender {
    pub fn of(lines: &[Line<'_>]) -> Mender {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for pair in lines.windows(2) {
            if let Some((first, second)) = cut_word(pair[0].text, pair[1].text) {
                for form in [format!("{first}{second}"), format!("{first}-{second}"), first, second] {
                    counts.insert(form, 0);
                }
            }
        }
        let mut mender = Mender { counts };
        if !mender.counts.is_empty() {
            let mut cut = false;
            for line in lines {
                cut = mender.count(line.text, cut);
            }
        }
        mender
    }

    /// Counts the forms in question in a line; `cut` says that its first word is the rest of one cut before. Returns
    /// the same for the next line.
    fn count(&mut self, text: &str, mut cut: bool) -> bool {
        for token in text.split_whitespace() {
            let word = token.trim_matches(|c: char| !c.is_alphanumeric() && !is_hyphen(c));
            let first_of_line = std::mem::take(&mut cut);
            if word.ends_with(is_hyphen) {
                cut = true;
            } else if !first_of_line && word.len() <= 2 * LONGEST {
                let form = word.to_lowercase().replace(['\u{2010}', '\u{2011}'], "-");
                let stem = form.strip_suffix("'s").or(form.strip_suffix("’s")).unwrap_or(&form);
                if let Some(count) = self.counts.get_mut(stem) {
                    *count += 1;
                }
            }
        }
        text.ends_with(is_hyphen)
    }

    /// What comes between line `a` and line `b`.
    pub fn joint(&self, a: &str, b: &str) -> Joint {
        let (Some(last), Some(next)) = (a.chars().next_back(), b.chars().next()) else { return Joint::Space };
        if is_unspaced(last) && is_unspaced(next) {
            return Joint::Nothing;
        }
        if !is_hyphen(last) || !next.is_alphanumeric() {
            return Joint::Space;
        }
        let stem = &a[..a.len() - last.len_utf8()];
        let Some(before) = stem.chars().next_back().filter(|c| c.is_alphanumeric()) else { return Joint::Space };
        if CONJUNCTIONS.contains(&leading_word(b).to_lowercase().as_str())
            && !b[leading_word(b).len()..].starts_with(is_hyphen)
        {
            return if last == '\u{AD}' { Joint::Mended } else { Joint::Space };
        }
        if last == '\u{AD}' {
            return Joint::Mended;
        }
        // `2003-` `2005`, `Secretary-` `General`; but a word in capitals may be cut anywhere.
        let shouted = before.is_uppercase() && stem.chars().rev().nth(1).is_some_and(char::is_uppercase);
        if before.is_numeric() || next.is_numeric() || next.is_uppercase() && !shouted {
            return Joint::Nothing;
        }
        let Some((first, second)) = cut_word(a, b) else { return Joint::Nothing };
        if self.is_compound(&first, &second) { Joint::Nothing } else { Joint::Mended }
    }

    fn is_compound(&self, first: &str, second: &str) -> bool {
        let seen = |form: &str| self.counts.get(form).copied().unwrap_or(0);
        let solid = format!("{first}{second}");
        let (as_one, with_hyphen) = (seen(&solid), seen(&format!("{first}-{second}")));
        if as_one != with_hyphen {
            return with_hyphen > as_one;
        }
        // `air-to-` `air`, `vis-à-` `vis`: words of several parts.
        if first.contains('-') {
            return true;
        }
        if SOLID.contains(&solid.as_str()) || WORD_ENDINGS.contains(&second) || JOIN_AFTER.contains(&first) {
            return false;
        }
        if KEEP_AFTER.contains(&first) || KEEP_BEFORE.contains(&second) {
            return true;
        }
        let is_word = |part: &str| part.chars().count() >= 3 && seen(part) > 0;
        is_word(first) && is_word(second)
    }
}

/// Hyphen-minus, hyphen, soft hyphen, and the hyphen that does not break.
fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{AD}')
}

/// The two parts of a word that may be cut between two lines, in lower case; the first without its hyphen.
fn cut_word(a: &str, b: &str) -> Option<(String, String)> {
    let stem = a.strip_suffix(is_hyphen)?;
    // Only the last bytes are looked at: a line may be one endless word.
    let first: &str = {
        let part = |c: &char| c.is_alphanumeric() || is_hyphen(*c) || matches!(c, '\'' | '’');
        let length: usize = stem.chars().rev().take_while(part).take(LONGEST + 1).map(char::len_utf8).sum();
        &stem[stem.len() - length..]
    };
    let second = leading_word(b);
    let sound = |part: &str| !part.is_empty() && part.len() <= LONGEST;
    (sound(first) && sound(second) && first.ends_with(char::is_alphanumeric)).then(|| {
        let first = first.to_lowercase().replace(['\u{2010}', '\u{2011}'], "-");
        (first, second.to_lowercase())
    })
}

/// The letters and digits that a line begins with, no more than a word may have.
fn leading_word(text: &str) -> &str {
    let length: usize = text.chars().take_while(|c| c.is_alphanumeric()).take(LONGEST + 1).map(char::len_utf8).sum();
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines_of;
    use super::*;

    fn joined(text: &str) -> String {
        let lines = lines_of(text);
        let mender = Mender::of(&lines);
        let mut out = lines[0].text.to_owned();
        for pair in lines.windows(2) {
            match mender.joint(pair[0].text, pair[1].text) {
                Joint::Space => out.push(' '),
                Joint::Nothing => {}
                Joint::Mended => {
                    out.pop();
                }
            }
            out.push_str(pair[1].text);
        }
        out
    }

    #[test]
    fn printers_hyphens_go() {
        assert_eq!(joined("the inter-\nnational law"), "the international law");
        assert_eq!(joined("the govern-\nment"), "the government");
        assert_eq!(joined("INTER-\nNATIONAL"), "INTERNATIONAL");
        assert_eq!(joined("our counter-\nparts, high-\nlighted"), "our counterparts, highlighted");
        assert_eq!(joined("eine Bundes-\nregierung"), "eine Bundesregierung");
        assert_eq!(joined("coöp\u{AD}\neration"), "coöperation");
    }

    #[test]
    fn the_words_own_hyphens_stay() {
        for whole in [
            "non-proliferation",
            "long-term",
            "Secretary-General's",
            "air-to-air",
            "twenty-first",
            "2003-2005",
            "north-eastern",
            "gender-based",
            "vis-à-vis",
        ] {
            let at = whole.rfind('-').map_or(0, |i| i + 1);
            assert_eq!(joined(&format!("a {}\n{} b", &whole[..at], &whole[at..])), format!("a {whole} b"));
        }
        assert_eq!(joined("short-\nand long-term aims"), "short- and long-term aims");
        assert_eq!(joined("the goal -\nthe only one"), "the goal - the only one");
    }

    #[test]
    fn the_text_is_the_best_judge() {
        assert_eq!(joined("the multi-\nlateral way, multilateral"), "the multilateral way, multilateral");
        assert_eq!(joined("inter-\nethnic strife; the inter-ethnic"), "inter-ethnic strife; the inter-ethnic");
        assert_eq!(joined("a grant-\ngiving body. A grant, giving"), "a grant-giving body. A grant, giving");
    }

    #[test]
    fn chinese_lines_join_without_a_space() {
        assert_eq!(joined("安理会必须\n采取行动。"), "安理会必须采取行动。");
    }
}
