//! What can be chosen about vectors, and its checking.
//!
//! Flows in: numbers from a user. Flows out: [`VectoriserValidParams`], which [`super::Vectoriser::fit`] accepts. Names and meanings are scikit-learn's.

use std::fmt;
use std::str::FromStr;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::text::{AnalyserSettings, NgramRange};

/// A document frequency bound: a number of paragraphs, or a share of them.
///
/// As in scikit-learn, a whole number is a count and a number with a decimal point a share: `2` is two paragraphs, `0.5` half of them, `1.0` all.
///
/// ```
/// use rapporteur::features::Frequency;
/// let half: Frequency = "0.5".parse()?;
/// assert_eq!((half.of(9), "3".parse::<Frequency>()?.of(9)), (4.5, 3.0));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Frequency {
    /// So many paragraphs.
    Count(u64),
    /// Such a share of the paragraphs, 0 to 1.
    Share(f64),
}

impl Frequency {
    /// The bound as a number of paragraphs among `documents`.
    pub fn of(self, documents: usize) -> f64 {
        match self {
            Frequency::Count(n) => n as f64,
            Frequency::Share(share) => share * documents as f64,
        }
    }

    fn check(self, name: &'static str) -> Result<(), Error> {
        match self {
            Frequency::Share(share) if !(0.0..=1.0).contains(&share) => {
                Err(Error::parameter(name, share, "a whole number of paragraphs, or a share from 0.0 to 1.0"))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Frequency {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::parameter(
                "min_df or max_df",
                format!("{s:?}"),
                "a whole number of paragraphs, or a share from 0.0 to 1.0",
            )
        };
        let parsed = match s.parse::<u64>() {
            Ok(n) => Frequency::Count(n),
            Err(_) => Frequency::Share(s.parse().map_err(|_| wrong())?),
        };
        parsed.check("min_df or max_df").map_err(|_| wrong())?;
        Ok(parsed)
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frequency::Count(n) => write!(f, "{n}"),
            Frequency::Share(share) => write!(f, "{share:?}"),
        }
    }
}

/// Checked parameters of a vectoriser; made by [`VectoriserParams`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VectoriserValidParams {
    /// What is done to the text.
    pub analyser: AnalyserSettings,
    /// Lengths of word n-grams, or no word block.
    pub word_ngrams: Option<NgramRange>,
    /// Lengths of character n-grams within word bounds, or no character block.
    pub char_ngrams: Option<NgramRange>,
    /// Terms of fewer paragraphs are left out.
    pub min_df: Frequency,
    /// Terms of more paragraphs are left out.
    pub max_df: Frequency,
    /// At most so many terms in each block: those of most paragraphs, ties by term.
    pub max_features: Option<usize>,
    /// Count terms as 1 + ln(count).
    pub sublinear_tf: bool,
    /// Length of the character block of a row; that of the word block is 1.
    pub char_weight: f64,
}

impl Default for VectoriserValidParams {
    fn default() -> Self {
        VectoriserValidParams {
            analyser: AnalyserSettings::default(),
            word_ngrams: NgramRange::new(1, 2).ok(),
            char_ngrams: None,
            min_df: Frequency::Count(2),
            max_df: Frequency::Share(1.0),
            max_features: None,
            sublinear_tf: true,
            char_weight: 1.0,
        }
    }
}

/// Parameters of a vectoriser: builder style, unchecked until [`ParamGuard::check`].
///
/// ```
/// use linfa::ParamGuard;
/// use rapporteur::features::{Frequency, VectoriserParams};
/// let params = VectoriserParams::default().min_df(Frequency::Count(1)).sublinear_tf(false);
/// assert!(params.check().is_ok());
/// assert!(VectoriserParams::default().max_df(Frequency::Share(1.5)).check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectoriserParams(VectoriserValidParams);

impl VectoriserParams {
    /// What is done to the text before it is counted; default: no stemming, no stop words.
    pub fn analyser(mut self, settings: AnalyserSettings) -> Self {
        self.0.analyser = settings;
        self
    }

    /// Lengths of word n-grams; default 1-2; `None` for no word block.
    pub fn word_ngrams(mut self, range: Option<NgramRange>) -> Self {
        self.0.word_ngrams = range;
        self
    }

    /// Lengths of character n-grams within word bounds; default `None`.
    pub fn char_ngrams(mut self, range: Option<NgramRange>) -> Self {
        self.0.char_ngrams = range;
        self
    }

    /// Least number (or share) of paragraphs a term must occur in; default 2.
    pub fn min_df(mut self, bound: Frequency) -> Self {
        self.0.min_df = bound;
        self
    }

    /// Greatest number (or share) of paragraphs a term may occur in; default 1.0, that is all.
    pub fn max_df(mut self, bound: Frequency) -> Self {
        self.0.max_df = bound;
        self
    }

    /// Greatest number of terms a block; default `None`, that is all.
    pub fn max_features(mut self, most: Option<usize>) -> Self {
        self.0.max_features = most;
        self
    }

    /// Whether counts enter as 1 + ln(count); default true.
    pub fn sublinear_tf(mut self, on: bool) -> Self {
        self.0.sublinear_tf = on;
        self
    }

    /// How long the character block of a row is beside the word block, whose length is 1; default 1.
    pub fn char_weight(mut self, length: f64) -> Self {
        self.0.char_weight = length;
        self
    }
}

impl From<VectoriserValidParams> for VectoriserParams {
    fn from(params: VectoriserValidParams) -> Self {
        VectoriserParams(params)
    }
}

impl ParamGuard for VectoriserParams {
    type Checked = VectoriserValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked, Error> {
        let p = &self.0;
        if p.word_ngrams.is_none() && p.char_ngrams.is_none() {
            return Err(Error::parameter("word_ngrams and char_ngrams", "none", "at least one of the two blocks"));
        }
        p.min_df.check("min_df")?;
        p.max_df.check("max_df")?;
        // Beyond this range one block is too faint to be told from none.
        if !(0.01..=100.0).contains(&p.char_weight) {
            return Err(Error::parameter("char_weight", p.char_weight, "a number from 0.01 to 100"));
        }
        if p.max_features == Some(0) {
            return Err(Error::parameter("max_features", 0, "at least 1"));
        }
        Ok(p)
    }

    fn check(self) -> Result<Self::Checked, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}
