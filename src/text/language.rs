//! The languages that can be stemmed, and finding out which one a corpus is in.
//!
//! Flows in: statements, as they are read. Flows out: one [`Language`], or none where the corpus mixes languages or is in one we cannot stem. Detection looks at single
//! statements, weighted by length, because a whole corpus of three languages looks like whichever is longest.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_stemmers::Algorithm;
use serde::{Deserialize, Serialize};

use crate::error::Error;

macro_rules! languages {
    ($($name:ident $word:literal $code:literal $lang:ident),+ $(,)?) => {
        /// A language with a Snowball stemmer: every one that `rust-stemmers` has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Language {
            $(#[doc = concat!("`", $word, "`")] $name),+
        }

        impl Language {
            /// Every language, in alphabetical order.
            pub const ALL: &'static [Language] = &[$(Language::$name),+];

            /// Its English name in lower case, as options and model files have it.
            pub fn name(self) -> &'static str {
                match self { $(Language::$name => $word),+ }
            }

            /// Its ISO 639-1 code.
            pub fn code(self) -> &'static str {
                match self { $(Language::$name => $code),+ }
            }

            pub(crate) fn algorithm(self) -> Algorithm {
                match self { $(Language::$name => Algorithm::$name),+ }
            }

            fn of_detected(lang: whatlang::Lang) -> Option<Language> {
                match lang { $(whatlang::Lang::$lang => Some(Language::$name),)+ _ => None }
            }
        }
    };
}

languages! {
    Arabic "arabic" "ar" Ara,
    Danish "danish" "da" Dan,
    Dutch "dutch" "nl" Nld,
    English "english" "en" Eng,
    Finnish "finnish" "fi" Fin,
    French "french" "fr" Fra,
    German "german" "de" Deu,
    Greek "greek" "el" Ell,
    Hungarian "hungarian" "hu" Hun,
    Italian "italian" "it" Ita,
    Norwegian "norwegian" "no" Nob,
    Portuguese "portuguese" "pt" Por,
    Romanian "romanian" "ro" Ron,
    Russian "russian" "ru" Rus,
    Spanish "spanish" "es" Spa,
    Swedish "swedish" "sv" Swe,
    Tamil "tamil" "ta" Tam,
    Turkish "turkish" "tr" Tur,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let wanted = s.to_lowercase();
        Language::ALL.iter().copied().find(|l| l.name() == wanted || l.code() == wanted).ok_or_else(|| {
            Error::parameter(
                "language",
                format!("{s:?}"),
                "one of arabic, danish, dutch, english, finnish, french, german, greek, hungarian, italian, norwegian, \
                 portuguese, romanian, russian, spanish, swedish, tamil, turkish",
            )
        })
    }
}

/// Bytes of a statement by which its language is told.
const PREFIX: usize = 400;

/// The first [`PREFIX`] bytes of a text, or one to three fewer.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(PREFIX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What one statement by itself is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// English name of the script.
    pub script: &'static str,
    /// English name of the language, which need not be one that we stem; `None` where the text is too short to be sure.
    pub language: Option<&'static str>,
}

/// The script of a text, and its language where that is beyond doubt; `None` for a text without letters.
///
/// ```
/// use rapporteur::text::written_in;
/// let written = written_in("Popieramy przedłużenie mandatu misji na okres kolejnych dwunastu miesięcy.").unwrap();
/// assert_eq!((written.script, written.language), ("Latin", Some("Polish")));
/// assert_eq!(written_in("Yes.").unwrap().language, None);
/// assert_eq!(written_in("1, 2, 3"), None);
/// ```
pub fn written_in(text: &str) -> Option<Written> {
    /// Shorter texts are not judged: a name, a heading or a list of countries looks like any language.
    const LONG_ENOUGH: usize = 60;
    let start = beginning(text);
    let script = whatlang::detect_script(start)?;
    let info = whatlang::detect(start).filter(|info| start.len() >= LONG_ENOUGH && info.is_reliable());
    let script = whatlang::Script::all().iter().find(|known| **known == script)?.name();
    Some(Written { script, language: info.map(|info| info.lang().eng_name()) })
}

/// Finds the language of a corpus from its statements.
///
/// ```
/// use rapporteur::text::{Language, LanguageDetector};
/// let mut detector = LanguageDetector::default();
/// detector.see("The Council must respond to this grave violation of the ceasefire without further delay.");
/// detector.see("My delegation supports the renewal of the mandate for another twelve months.");
/// assert_eq!(detector.verdict(), Some(Language::English));
/// ```
#[derive(Debug, Clone, Default)]
pub struct LanguageDetector {
    passed: u64,
    weight: BTreeMap<Option<Language>, u64>,
}

impl LanguageDetector {
    /// Of the first so many statements every one is looked at, of the next as many every second, then every fourth ...: detection is
    /// slower than everything else that is done to a text, and a corpus sorted by language must still show all of them.
    const DENSE: u64 = 256;
    /// Below this many bytes a verdict on one statement is a guess.
    const SHORTEST: usize = 20;

    /// Passes over one more statement, and looks at it if it is its turn.
    pub fn see(&mut self, text: &str) {
        let place = self.passed;
        self.passed += 1;
        let stride = (place / Self::DENSE + 1).next_power_of_two();
        if !place.is_multiple_of(stride) || text.trim().len() < Self::SHORTEST {
            return;
        }
        let start = beginning(text);
        if let Some(lang) = whatlang::detect_lang(start) {
            // It stands for those that were passed over as well.
            *self.weight.entry(Language::of_detected(lang)).or_default() += start.len() as u64 * stride;
        }
    }

    /// The corpus's language; `None` where languages are mixed, unknown or cannot be stemmed.
    ///
    /// One language must hold half of the text and five times as much as any other: a detector's errors on
    /// short statements spread over many languages, a real mixture gathers in few.
    pub fn verdict(&self) -> Option<Language> {
        let total: u64 = self.weight.values().sum();
        let (&language, &most) = self.weight.iter().max_by_key(|(_, w)| **w)?;
        let second = self.weight.iter().filter(|(l, _)| **l != language).map(|(_, w)| *w).max().unwrap_or(0);
        if most * 2 >= total && most >= second * 5 { language } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_and_unknown_languages_mean_none() {
        let mut mixed = LanguageDetector::default();
        for _ in 0..5 {
            mixed.see("Wir unterstützen die Verlängerung des Mandats um weitere zwölf Monate.");
            mixed.see("Nous soutenons la prorogation du mandat pour une période de douze mois.");
        }
        assert_eq!(mixed.verdict(), None);
        let mut polish = LanguageDetector::default();
        polish.see("Popieramy przedłużenie mandatu misji na okres kolejnych dwunastu miesięcy.");
        assert_eq!(polish.verdict(), None);
        assert_eq!(LanguageDetector::default().verdict(), None);
    }

    #[test]
    fn a_corpus_sorted_by_language_is_seen_to_be_mixed() {
        let mut sorted = LanguageDetector::default();
        for i in 0..20_000 {
            sorted.see(match i {
                0..10_000 => "Wir unterstützen die Verlängerung des Mandats um weitere zwölf Monate.",
                _ => "Nous soutenons la prorogation du mandat pour une période de douze mois.",
            });
        }
        assert_eq!(sorted.verdict(), None);
    }

    #[test]
    fn names_and_codes_parse() {
        for &l in Language::ALL {
            assert_eq!(l.name().parse::<Language>().ok(), Some(l));
            assert_eq!(l.code().parse::<Language>().ok(), Some(l));
        }
        assert!("klingon".parse::<Language>().is_err());
    }
}
