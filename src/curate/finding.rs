//! What can be wrong with a row, and the check that looks for all of it.
//!
//! Flows in: a [`Corpus`], perhaps another that should have nothing in common with it. Flows out: [`Finding`]s, kind by kind, within a kind the strongest first.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::corpus::Corpus;
use super::{duplicates, label_names, spread, suspects, texts};
use crate::control::Control;
use crate::corpus::{Codebook, nearest};
use crate::error::{Error, Result};
use crate::model::TrainOptions;

macro_rules! kinds {
    ($($name:ident $word:literal $plain:literal $doc:literal),+ $(,)?) => {
        /// What is the matter with a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $doc] $name),+
        }

        impl Kind {
            /// All kinds, in the order in which findings are listed.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),+];

            /// Its name in tables and options.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => $word),+ }
            }

            /// What to call so many of them.
            pub fn plain(self) -> &'static str {
                match self { $(Kind::$name => $plain),+ }
            }
        }
    };
}

kinds! {
    SuspectLabel "suspect_label" "labels that the other rows speak against" "A model that never saw the row is sure of another label.",
    ConflictingLabel "conflicting_label" "rows whose text has other labels elsewhere" "The same text has different labels.",
    ExactDuplicate "exact_duplicate" "rows with the words of an earlier row, or of the other corpus" "The same words, in the same order.",
    NearDuplicate "near_duplicate" "rows nearly the same as an earlier row, or as one of the other corpus" "Most of the same word triples.",
    Unlabelled "unlabelled" "rows without a label" "A label is missing.",
    LabelVariant "label_variant" "labels that differ from another in case or spelling only" "A label that is most likely another one, misspelt.",
    UnknownLabel "unknown_label" "topics that are not in the codebook" "A topic that is not in the codebook.",
    TinyClass "tiny_class" "labels with fewer rows than can be learnt from or tested on" "A label of very few rows.",
    OutlyingLength "outlying_length" "texts much longer or shorter than the others" "A text much longer or shorter than the others.",
    OtherLanguage "other_language" "texts in another language or script" "A text in another language or script than the rest.",
    Mojibake "mojibake" "texts with letters broken by a wrong encoding" "Letters broken by a wrong encoding.",
    EmptyText "empty_text" "rows without one word" "A text without one word.",
    DuplicateId "duplicate_id" "ids that an earlier row has" "An id that an earlier row has.",
    GroupSpread "group_spread" "groups on both sides of a split" "A group on both sides of a split.",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(typed: &str) -> Result<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == typed).ok_or_else(|| {
            let names = || Kind::ALL.iter().map(|kind| kind.name());
            let near = nearest(typed, names()).map_or(String::new(), |near| format!("; did you mean {near}?"));
            let names: Vec<&str> = names().collect();
            Error::usage(format!("there is no kind {typed:?}{near}\n  the kinds are: {}", names.join(", ")))
        })
    }
}

/// One thing that a person should look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The row, from 0.
    pub row: usize,
    /// What is the matter.
    pub kind: Kind,
    /// The label concerned; empty where none is.
    pub label: String,
    /// The label that should perhaps stand there; empty where there is no telling.
    pub suggestion: String,
    /// How strong the finding is; what it measures depends on the kind.
    pub score: f64,
    /// For a reader: what was found, and where else to look.
    pub detail: String,
}

/// What to look for and how.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Kinds not to look for.
    pub skip: BTreeSet<Kind>,
    /// The topics that may occur.
    pub codebook: Option<Codebook>,
    /// How the models that judge the labels are trained.
    pub train: TrainOptions,
}

impl CheckOptions {
    pub(super) fn wants(&self, kind: Kind) -> bool {
        !self.skip.contains(&kind)
    }
}

/// What was found, and what could not be looked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Checked {
    /// Findings, by kind, then the strongest first, then by row.
    pub findings: Vec<Finding>,
    /// What was not looked for, and why.
    pub notes: Vec<String>,
}

/// Checks a corpus, and with `other` (a test split, say) what the two have in common and should not.
///
/// ```
/// use rapporteur::curate::{CheckOptions, CorpusBuilder, CorpusRow, Kind, check};
/// use rapporteur::{Control, LabelledText};
/// let mut rows = CorpusBuilder::default();
/// for (text, topic) in [("Lift the embargo now.", "sanctions"), ("Lift the embargo, now!", "trade")] {
///     let labelled = LabelledText { text, topic: Some(topic), ..Default::default() };
///     rows.push(CorpusRow { labelled, ..Default::default() });
/// }
/// let options = CheckOptions { skip: [Kind::TinyClass].into(), ..Default::default() };
/// let checked = check(&rows.finish(), None, &options, &Control::default())?;
/// let kinds: Vec<Kind> = checked.findings.iter().map(|finding| finding.kind).collect();
/// assert_eq!(kinds, [Kind::ConflictingLabel, Kind::ConflictingLabel]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// When the user asked to stop. What cannot be looked for is told in [`Checked::notes`].
pub fn check(corpus: &Corpus, other: Option<&Corpus>, options: &CheckOptions, control: &Control) -> Result<Checked> {
    let mut out = Checked::default();
    control.report("looking for duplicates", None);
    duplicates::look(corpus, other, options, control, &mut out)?;
    label_names::look(corpus, options, &mut out);
    texts::look(corpus, options, &mut out);
    spread::look(corpus, other, &mut out);
    if options.wants(Kind::SuspectLabel) {
        suspects::look(corpus, &options.train, control, &mut out)?;
    }
    out.findings.retain(|finding| options.wants(finding.kind));
    out.findings.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.score.total_cmp(&a.score)).then(a.row.cmp(&b.row)));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_by_their_names() {
        for &kind in Kind::ALL {
            assert_eq!(kind.name().parse::<Kind>().ok(), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        let said = "suspect_labels".parse::<Kind>().unwrap_err().to_string();
        assert!(said.contains("did you mean suspect_label?"), "{said}");
    }
}
