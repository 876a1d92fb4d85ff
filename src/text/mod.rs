//! From text to forms: cutting, normalising, stemming, n-grams.
//!
//! Flows in: paragraphs. Flows out: [`Token`]s with their byte offsets, the *forms* they are known by, and what the analyser makes of
//! each distinct form. This room knows no numbers: ids, counts and weights begin in [`crate::features`].

mod analyser;
mod ascii_segments;
mod language;
mod negation;
mod ngrams;
mod normalise;
mod stem;
mod stop_words;
mod tokenise;

pub use analyser::{Analyser, AnalyserSettings, Term, negated};
pub use language::{Language, LanguageDetector, Written, written_in};
pub use negation::{ends_clause, is_negation};
pub use ngrams::{NgramRange, char_ngrams};
pub use normalise::normalise;
pub use stem::Stemming;
pub use stop_words::{stop_words_from, stop_words_of};
pub(crate) use tokenise::tokenise_runs;
pub use tokenise::{LONGEST, Token, TokenKind, tokenise, tokenise_by_the_standard};
