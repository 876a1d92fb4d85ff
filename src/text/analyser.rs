//! The analyser: everything that is done to text before numbers.
//!
//! Flows in: forms (see [`super::normalise`]). Flows out: for each, the [`Term`] the word block knows it by, and whether it negates or ends a
//! clause. Each is a property of the *form*, so the rooms above ask once per distinct form and not once per token: that is what makes stemming free.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::language::Language;
use super::negation::{ends_clause, is_negation};
use super::stem::Stemmer;

/// What the word block makes of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term<'a> {
    /// A word: its stem.
    Word(Cow<'a, str>),
    /// A stop word: passed over, its neighbours become adjacent.
    Stop,
    /// Punctuation: passed over.
    Mark,
}

/// Settings of an [`Analyser`], as the model file keeps them: what was asked for is already resolved (`auto` has become a language or none).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyserSettings {
    /// Language of the stemmer; `None` for no stemming.
    pub stemmer: Option<Language>,
    /// Language whose negations count; `None` means English ones.
    pub language: Option<Language>,
    /// Forms left out of the word block.
    pub stop_words: BTreeSet<String>,
    /// Whether words in a negation's scope are terms of their own (`¬stem`).
    pub mark_negation: bool,
}

/// Applies [`AnalyserSettings`] to forms.
///
/// ```
/// use rapporteur::text::{Analyser, AnalyserSettings, Language, Term};
/// let settings = AnalyserSettings { stemmer: Some(Language::English), ..Default::default() };
/// let analyser = Analyser::new(settings);
/// assert_eq!(analyser.term("resolutions"), Term::Word("resolut".into()));
/// assert_eq!(analyser.term("!"), Term::Mark);
/// ```
pub struct Analyser {
    settings: AnalyserSettings,
    stemmer: Stemmer,
}

impl Analyser {
    /// An analyser with these settings.
    pub fn new(settings: AnalyserSettings) -> Self {
        let stemmer = Stemmer::new(settings.stemmer);
        Analyser { settings, stemmer }
    }

    /// Its settings.
    pub fn settings(&self) -> &AnalyserSettings {
        &self.settings
    }

    /// What the word block makes of a form.
    pub fn term<'a>(&self, form: &'a str) -> Term<'a> {
        if !form.chars().any(char::is_alphanumeric) {
            Term::Mark
        } else if self.settings.stop_words.contains(form) {
            Term::Stop
        } else {
            Term::Word(self.stemmer.stem(form))
        }
    }

    /// True when the form opens a negation's scope, and scopes are marked.
    pub fn opens_negation(&self, form: &str) -> bool {
        self.settings.mark_negation && is_negation(form, self.settings.language)
    }

    /// True when the form ends a negation's scope, and scopes are marked.
    pub fn ends_negation(&self, form: &str) -> bool {
        self.settings.mark_negation && !form.chars().any(char::is_alphanumeric) && ends_clause(form)
    }
}

/// The term of a word in a negation's scope. The sign keeps it apart from every word: no token begins with one.
pub fn negated(term: &str) -> String {
    format!("\u{AC}{term}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::stop_words_of;

    #[test]
    fn stop_words_are_passed_over_and_negations_kept() {
        let analyser = Analyser::new(AnalyserSettings {
            stop_words: stop_words_of(Language::English).unwrap(),
            mark_negation: true,
            ..Default::default()
        });
        assert_eq!(analyser.term("the"), Term::Stop);
        assert_eq!(analyser.term("not"), Term::Word("not".into()));
        assert!(analyser.opens_negation("not") && analyser.ends_negation("?!") && !analyser.ends_negation("\""));
    }
}
