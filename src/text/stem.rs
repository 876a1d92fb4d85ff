//! From a form to its stem.
//!
//! Flows in: a form. Flows out: its Snowball stem, by `rust-stemmers`. Forms that are no plain words (hash tags, mentions, numbers) are left alone.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_stemmers::Stemmer as Snowball;
use serde::{Deserialize, Serialize};

use super::language::Language;
use crate::error::Error;

/// Which stemmer to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Stemming {
    /// That of the corpus's language; none where languages are mixed or unknown.
    #[default]
    Auto,
    /// No stemming.
    None,
    /// That of a language.
    Of(Language),
}

impl FromStr for Stemming {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        match s.to_lowercase().as_str() {
            "auto" => Ok(Stemming::Auto),
            "none" => Ok(Stemming::None),
            _ => s.parse().map(Stemming::Of).map_err(|_| {
                let names: Vec<&str> = Language::ALL.iter().map(|l| l.name()).collect();
                Error::corpus(
                    format!("unknown stemmer {s:?}"),
                    format!("give auto, none or a language: {}", names.join(", ")),
                )
            }),
        }
    }
}

impl fmt::Display for Stemming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stemming::Auto => f.write_str("auto"),
            Stemming::None => f.write_str("none"),
            Stemming::Of(language) => language.fmt(f),
        }
    }
}

impl TryFrom<String> for Stemming {
    type Error = Error;

    fn try_from(s: String) -> Result<Self, Error> {
        s.parse()
    }
}

impl From<Stemming> for String {
    fn from(s: Stemming) -> String {
        s.to_string()
    }
}

/// A stemmer ready for use.
pub(super) struct Stemmer(Option<Snowball>);

impl Stemmer {
    pub(super) fn new(language: Option<Language>) -> Self {
        Stemmer(language.map(|l| Snowball::create(l.algorithm())))
    }

    pub(super) fn stem<'a>(&self, form: &'a str) -> Cow<'a, str> {
        let Some(snowball) = &self.0 else { return Cow::Borrowed(form) };
        if form.starts_with(['#', '@']) || !form.chars().any(char::is_alphabetic) {
            return Cow::Borrowed(form);
        }
        let stem = snowball.stem(form);
        // Some stemmers reduce a word made of endings alone to nothing.
        if stem.is_empty() { Cow::Borrowed(form) } else { stem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stems_words_and_leaves_tags_alone() {
        let stemmer = Stemmer::new(Some(Language::English));
        assert_eq!(stemmer.stem("sanctions"), "sanction");
        assert_eq!(stemmer.stem("council's"), "council");
        assert_eq!(stemmer.stem("#sanctions"), "#sanctions");
        assert_eq!(stemmer.stem("1,540"), "1,540");
        assert_eq!(Stemmer::new(None).stem("sanctions"), "sanctions");
    }

    #[test]
    fn options_parse_and_print() {
        for s in ["auto", "none", "english", "tamil"] {
            assert_eq!(s.parse::<Stemming>().map(|s| s.to_string()).ok().as_deref(), Some(s));
        }
        assert!("klingon".parse::<Stemming>().is_err());
    }

    proptest! {
        #[test]
        fn no_stemmer_panics(form in "\\PC{0,16}") {
            for &language in Language::ALL {
                let _ = Stemmer::new(Some(language)).stem(&form);
            }
        }
    }
}
