//! Sequences of words and of characters.
//!
//! Flows in: a form, or a range of lengths. Flows out: the character n-grams within its bounds, as scikit-learn's `char_wb` analyser makes them: the
//! form is padded with a space at each end and every window of n characters is a gram; a padded form shorter than n gives itself once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A range of n-gram lengths, both ends included: scikit-learn's `ngram_range`.
///
/// ```
/// use rapporteur::text::NgramRange;
/// let range: NgramRange = "1-2".parse()?;
/// assert_eq!((range.min(), range.max()), (1, 2));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NgramRange {
    min: usize,
    max: usize,
}

impl NgramRange {
    /// The longest n-gram allowed.
    pub const LONGEST: usize = 8;

    /// From `min` to `max`, both included.
    ///
    /// # Errors
    /// If `min` is 0, above `max`, or `max` above [`NgramRange::LONGEST`].
    pub fn new(min: usize, max: usize) -> Result<Self, Error> {
        if min == 0 || min > max || max > Self::LONGEST {
            return Err(Error::parameter(
                "ngram_range",
                format!("{min}-{max}"),
                "MIN-MAX with 1 <= MIN <= MAX <= 8, such as 1-2",
            ));
        }
        Ok(NgramRange { min, max })
    }

    /// The shortest length.
    pub fn min(self) -> usize {
        self.min
    }

    /// The longest length.
    pub fn max(self) -> usize {
        self.max
    }
}

impl FromStr for NgramRange {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let wrong = || Error::parameter("ngram_range", format!("{s:?}"), "MIN-MAX, such as 1-2, or one number");
        let (min, max) = s.split_once('-').unwrap_or((s, s));
        let parse = |part: &str| part.trim().parse::<usize>().map_err(|_| wrong());
        NgramRange::new(parse(min)?, parse(max)?)
    }
}

impl fmt::Display for NgramRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

impl TryFrom<String> for NgramRange {
    type Error = Error;

    fn try_from(s: String) -> Result<Self, Error> {
        s.parse()
    }
}

impl From<NgramRange> for String {
    fn from(r: NgramRange) -> String {
        r.to_string()
    }
}

/// Calls `each` with every character n-gram of a form, within its bounds, in order of length and then of place.
///
/// ```
/// use rapporteur::text::{char_ngrams, NgramRange};
/// let mut grams = Vec::new();
/// char_ngrams("no", NgramRange::new(2, 5)?, |gram| grams.push(gram.to_owned()));
/// assert_eq!(grams, [" n", "no", "o ", " no", "no ", " no "]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub fn char_ngrams(form: &str, range: NgramRange, mut each: impl FnMut(&str)) {
    let padded = format!(" {form} ");
    let bounds: Vec<usize> = padded.char_indices().map(|(i, _)| i).chain([padded.len()]).collect();
    let chars = bounds.len() - 1;
    for n in range.min..=range.max {
        if n >= chars {
            each(&padded);
            break;
        }
        for window in bounds.windows(n + 1) {
            each(&padded[window[0]..window[n]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked() {
        assert!("2-1".parse::<NgramRange>().is_err());
        assert!("0-1".parse::<NgramRange>().is_err());
        assert!("1-9".parse::<NgramRange>().is_err());
        assert!("a-b".parse::<NgramRange>().is_err());
        assert_eq!("3".parse::<NgramRange>().map(|r| (r.min(), r.max())).ok(), Some((3, 3)));
    }

    #[test]
    fn grams_count_characters_and_not_bytes() {
        let mut grams = Vec::new();
        char_ngrams("né", NgramRange { min: 3, max: 3 }, |g| grams.push(g.to_owned()));
        assert_eq!(grams, [" né", "né "]);
    }
}
