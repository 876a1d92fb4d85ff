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
    seen: usize,
    weight: BTreeMap<Option<Language>, usize>,
}

impl LanguageDetector {
    /// Statements looked at; later ones change little and detection is slower than tokenising.
    const ENOUGH: usize = 1_000;
    /// Bytes of a statement looked at.
    const PREFIX: usize = 400;
    /// Below this many characters a verdict on one statement is a guess.
    const SHORTEST: usize = 20;

    /// Looks at one more statement; cheap once enough have been seen.
    pub fn see(&mut self, text: &str) {
        if self.seen >= Self::ENOUGH || text.trim().len() < Self::SHORTEST {
            return;
        }
        let mut end = text.len().min(Self::PREFIX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Some(lang) = whatlang::detect_lang(&text[..end]) {
            self.seen += 1;
            *self.weight.entry(Language::of_detected(lang)).or_default() += end;
        }
    }

    /// Adds what another detector saw of later statements.
    pub fn merge(&mut self, later: &LanguageDetector) {
        self.seen += later.seen;
        for (language, weight) in &later.weight {
            *self.weight.entry(*language).or_default() += weight;
        }
    }

    /// The corpus's language; `None` where languages are mixed, unknown or cannot be stemmed.
    ///
    /// One language must hold half of the text and five times as much as any other: a detector's errors on
    /// short statements spread over many languages, a real mixture gathers in few.
    pub fn verdict(&self) -> Option<Language> {
        let total: usize = self.weight.values().sum();
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
    fn names_and_codes_parse() {
        for &l in Language::ALL {
            assert_eq!(l.name().parse::<Language>().ok(), Some(l));
            assert_eq!(l.code().parse::<Language>().ok(), Some(l));
        }
        assert!("klingon".parse::<Language>().is_err());
    }
}
