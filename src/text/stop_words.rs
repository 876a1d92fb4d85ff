//! Stop words: very common words left out of the word block on request.
//!
//! Flows in: a language's list, or a file of the user's. Flows out: a set of *forms* as the analyser makes them, so that list and text agree
//! (scikit-learn's advice on stop words: the list must pass through the same analysis). Negations are never stop words here: "not" is often
//! the one word that tells a stance.

use std::collections::BTreeSet;

use super::language::Language;
use super::negation::is_negation;
use super::normalise::normalise;
use super::tokenise::{TokenKind, tokenise};
use crate::error::Error;

/// The stop words of a language, from the `stop-words` crate's ISO collection, less its negations, as forms.
///
/// ```
/// use rapporteur::text::{stop_words_of, Language};
/// let stop = stop_words_of(Language::English)?;
/// assert!(stop.contains("the") && !stop.contains("not") && !stop.contains("don't"));
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// For Tamil, of which the collection has no list.
pub fn stop_words_of(language: Language) -> Result<BTreeSet<String>, Error> {
    if language == Language::Tamil {
        return Err(Error::corpus("there is no list of tamil stop words", "give a file with one word a line instead"));
    }
    Ok(stop_words_from(stop_words::get(language.code()).iter().copied(), Some(language)))
}

/// Stop words from any list, each passed through the same tokeniser and normaliser as the text.
pub fn stop_words_from<'a>(list: impl IntoIterator<Item = &'a str>, language: Option<Language>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let (mut tokens, mut form) = (Vec::new(), String::new());
    for entry in list {
        tokens.clear();
        tokenise(entry, &mut tokens);
        for token in tokens.iter().filter(|t| t.kind == TokenKind::Word) {
            normalise(&entry[token.start..token.end], &mut form);
            if !is_negation(&form, language) {
                out.insert(form.clone());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_but_tamil_has_a_list() {
        for &language in Language::ALL {
            match stop_words_of(language) {
                Ok(list) => assert!(list.len() > 20, "{language}"),
                Err(_) => assert_eq!(language, Language::Tamil),
            }
        }
    }

    #[test]
    fn lists_pass_through_the_analysis() {
        let stop = stop_words_from(["THE", "We’ll", "  of  ", "no"], Some(Language::English));
        assert_eq!(stop.into_iter().collect::<Vec<_>>(), ["of", "the", "we'll"]);
    }
}
