//! Letters broken by a wrong encoding.
//!
//! Flows in: a text. Flows out: the first broken place, if any. UTF-8 read as Windows-1252 leaves sequences that no language writes (`Ã©` for `é`, `â€™` for `’`): put back into
//! bytes they are UTF-8 again, which is the test here. What was lost for good shows as U+FFFD or as a control character.

/// A broken place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbled {
    /// The first one, as it stands.
    pub piece: String,
    /// What it was; `None` where that is lost.
    pub mended: Option<String>,
    /// How many there are.
    pub count: usize,
}

/// Finds broken letters.
///
/// ```
/// use rapporteur::curate::garbled;
/// let found = garbled("The cafÃ© isnâ€™t open.").unwrap();
/// assert_eq!((found.piece.as_str(), found.mended.as_deref(), found.count), ("Ã©", Some("é"), 2));
/// assert_eq!(garbled("NÃO! Â, Île-de-France: «CAFÉ»"), None);
/// ```
pub fn garbled(text: &str) -> Option<Garbled> {
    if text.is_ascii() {
        return None;
    }
    let mut found: Option<Garbled> = None;
    let mut note = |piece: &str, mended: Option<char>| match &mut found {
        Some(found) => found.count += 1,
        None => found = Some(Garbled { piece: piece.to_owned(), mended: mended.map(String::from), count: 1 }),
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (taken, mended) = match broken_letter(rest) {
            Some((taken, letter)) => (taken, Some(letter)),
            None => (c.len_utf8(), None),
        };
        let lost = c == '\u{FFFD}' || ('\u{80}'..='\u{9F}').contains(&c);
        if mended.is_some() || lost {
            note(&rest[..taken], mended);
        }
        rest = &rest[taken..];
    }
    found
}

/// A UTF-8 sequence that was read as Windows-1252: its length here, and the letter it was.
fn broken_letter(text: &str) -> Option<(usize, char)> {
    let mut chars = text.chars();
    // The lead bytes of Latin, Greek, Cyrillic, Hebrew, Arabic and of punctuation. Other first letters (É, Ü) may stand before a quotation mark.
    let lead = match chars.next()? {
        c @ ('Â' | 'Ã' | 'Ä' | 'Å' | 'Î' | 'Ï' | 'Ð' | 'Ñ' | 'Ø' | 'Ù' | 'â' | 'ð') => c as u32 as u8,
        _ => return None,
    };
    let more = match lead {
        0xF0 => 3,
        0xE2 => 2,
        _ => 1,
    };
    let mut bytes = vec![lead];
    let mut taken = text.len() - chars.as_str().len();
    for c in chars.take(more) {
        bytes.push(byte_of(c).filter(|byte| (0x80..=0xBF).contains(byte))?);
        taken += c.len_utf8();
    }
    let letter = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    // A capital before a mark of the second half (» º ª) is writing as often as not, unless the letter it was is likely: accents (Ã) and the marks that Â gives.
    let likely = more > 1 || matches!(lead, 0xC2 | 0xC3) || bytes[1] < 0xA0;
    likely.then_some((taken, letter))
}

/// The byte of a character in Windows-1252; where that has none, as Latin-1 has it.
fn byte_of(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match HIGH.iter().position(|&high| high == c) {
        Some(place) => Some(0x80 + place as u8),
        None => u8::try_from(c as u32).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a program does that takes UTF-8 for Windows-1252.
    fn break_letters(text: &str) -> String {
        let high = |byte: u8| (0u32..0x3000).filter_map(char::from_u32).find(|&c| byte_of(c) == Some(byte));
        text.bytes().filter_map(high).collect()
    }

    #[test]
    fn every_broken_text_is_seen_and_no_sound_one() {
        for text in ["Résumé", "Maßnahmen für", "señor Muñoz", "isn’t “so” – no", "Совет", "Łódź gęś", "اللجنة", "🙂"]
        {
            assert_eq!(garbled(text), None, "{text}");
            let broken = break_letters(text);
            assert!(garbled(&broken).is_some_and(|found| found.mended.is_some()), "{text}: {broken}");
        }
    }

    #[test]
    fn what_is_lost_is_told() {
        let found = garbled("caf\u{FFFD} and \u{85}").unwrap();
        assert_eq!((found.piece.as_str(), found.mended, found.count), ("\u{FFFD}", None, 2));
    }
}
