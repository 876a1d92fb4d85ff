//! Values as they are typed, on the command line or in a TOML file.
//!
//! Flows in: text, or a value of TOML. Flows out: a value of the option's type, or an error that names the option, what was found and what was expected. Every value of a file is first made what would
//! be typed for it, so that there is one grammar, whichever way it comes.

use rapporteur::text::{Language, NgramRange, stop_words_from, stop_words_of};
use rapporteur::{Error, Result};
use serde::{Deserialize, Deserializer};

use super::small_file;

/// The error of a value that the option does not know.
pub fn wrong(option: &'static str, found: &str, expected: &str) -> Error {
    Error::usage(format!("{option} is {found:?}, expected {expected}"))
}

/// What was typed for an option, by the rules of its type.
pub fn parse<T: std::str::FromStr>(option: &'static str, typed: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    typed.trim().parse().map_err(|e: T::Err| Error::usage(format!("{option} {typed}: {e}")))
}

/// Sets an option, if it was typed.
pub fn set<T: std::str::FromStr>(slot: &mut T, option: &'static str, typed: &Option<String>) -> Result<()>
where
    T::Err: std::fmt::Display,
{
    if let Some(typed) = typed {
        *slot = parse(option, typed)?;
    }
    Ok(())
}

/// Sets an option whose values have names, by the names that serde knows.
pub fn set_named<T: for<'de> Deserialize<'de>>(
    slot: &mut T,
    option: &'static str,
    typed: &Option<String>,
    names: &str,
) -> Result<()> {
    if let Some(typed) = typed {
        let name = serde_json::Value::String(typed.to_lowercase());
        *slot = serde_json::from_value(name).map_err(|_| wrong(option, typed, names))?;
    }
    Ok(())
}

/// Lengths of n-grams, if they were typed; `none` is none.
pub fn ngrams(option: &'static str, typed: &Option<String>) -> Result<Option<Option<NgramRange>>> {
    match typed.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(None)),
        Some(range) => parse(option, range).map(|r| Some(Some(r))),
    }
}

/// The stop words of a language, or of a file.
pub fn stop_words(list: &str) -> Result<Vec<String>> {
    let words = match list.parse::<Language>() {
        Ok(language) => stop_words_of(language)?,
        Err(_) => {
            let raw = small_file::read("read the stop words of", list)?;
            stop_words_from(raw.lines(), None)
        }
    };
    Ok(words.into_iter().collect())
}

/// Words separated by commas, trimmed, empty ones left out.
pub fn list(typed: &str) -> Vec<String> {
    typed.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

/// A whole number of a TOML file.
pub fn whole<N: TryFrom<i64>>(name: &str, value: &toml::Value) -> std::result::Result<N, String> {
    let number = value.as_integer().and_then(|n| N::try_from(n).ok());
    number.ok_or_else(|| format!("{name} is {value}, expected a whole number"))
}

/// Reads a TOML string, number or truth value as what would be typed on the command line.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    Typed::deserialize(deserializer).map(|typed| Some(typed.text()))
}

/// Reads one such value, or a list of them.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum Several {
        One(Typed),
        List(Vec<Typed>),
    }
    Ok(match Several::deserialize(deserializer)? {
        Several::One(typed) => vec![typed.text()],
        Several::List(list) => list.into_iter().map(Typed::text).collect(),
    })
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, or true or false")]
enum Typed {
    Text(String),
    Whole(i64),
    Number(f64),
    Truth(bool),
}

impl Typed {
    fn text(self) -> String {
        match self {
            Typed::Text(s) => s,
            Typed::Whole(n) => n.to_string(),
            Typed::Number(x) => format!("{x:?}"),
            Typed::Truth(b) => b.to_string(),
        }
    }
}
