//! From a piece of raw text to the form by which it is known.
//!
//! Flows in: the characters of one token as they stand in the text. Flows out: its form: NFKC, lower case, one apostrophe and one hyphen. Normalising token by
//! token, after cutting, is what lets every token keep its byte offsets in the *original* text.

use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// Writes the form of `raw` into `form`, replacing what was there.
///
/// The result is NFKC(lower(NFKC(raw))), with typographic apostrophes as `'` and non-breaking and typographic hyphens as `-`.
///
/// ```
/// let mut form = String::new();
/// rapporteur::text::normalise("Don’t", &mut form);
/// assert_eq!(form, "don't");
/// rapporteur::text::normalise("ﬁrst\u{2011}Use", &mut form);
/// assert_eq!(form, "first-use");
/// ```
pub fn normalise(raw: &str, form: &mut String) {
    form.clear();
    if raw.is_ascii() {
        form.push_str(raw);
        form.make_ascii_lowercase();
        return;
    }
    form.extend(raw.nfkc().flat_map(char::to_lowercase).map(plain_punctuation));
    // Lower-casing can take a string out of NFKC (`İ` becomes `i` and a combining dot).
    if !is_nfkc(form) {
        let again: String = form.nfkc().collect();
        *form = again;
    }
}

fn plain_punctuation(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{02BC}' | '\u{FF07}' => '\'',
        '\u{2010}' | '\u{2011}' => '-',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_idempotent(raw in "\\PC{0,12}") {
            let (mut once, mut twice) = (String::new(), String::new());
            normalise(&raw, &mut once);
            normalise(&once, &mut twice);
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn folds_width_case_and_ligatures() {
        let mut form = String::new();
        for (raw, want) in [("ＮＡＴＯ", "nato"), ("Straße", "straße"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ"), ("É", "é")]
        {
            normalise(raw, &mut form);
            assert_eq!(form, want);
        }
    }
}
