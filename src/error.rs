//! The one error type of the library.
//!
//! Flows in: what went wrong, where. Flows out: a sentence for the person who reads it: the place (file, line, column
//! or field), what was found, what was expected, and how to mend it. One type rather than one per room, because a caller of
//! [`crate::model`] sees errors of every room below it and wants to match on *kinds*, not on rooms.

use std::fmt;
use std::path::Path;

use crate::memory::Bytes;

/// Shorthand for results of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// A place in an input: the file (or `standard input`), and where in it.
///
/// ```
/// use rapporteur::error::Place;
/// let place = Place::file("corpus.csv").line(12).field("topic");
/// assert_eq!(place.to_string(), "corpus.csv, line 12, column \"topic\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Name of the file as the user gave it.
    pub file: String,
    /// Line number from 1, where known.
    pub line: Option<u64>,
    /// Name of the column or field, where known.
    pub field: Option<String>,
}

impl Place {
    /// A place that names just the file.
    pub fn file(name: impl Into<String>) -> Self {
        Place { file: name.into(), line: None, field: None }
    }

    /// The same place, at a line (counted from 1).
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same place, in a named column or field.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", column {field:?}")?;
        }
        Ok(())
    }
}

/// Whatever can fail in this library.
///
/// `Display` gives one or two lines meant for a user of the command line; match on the variant in code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read, write, open or rename.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted: `read`, `write`, `open`, `replace`.
        action: &'static str,
        /// File as the user gave it.
        path: String,
        /// The system's own words.
        source: std::io::Error,
    },
    /// An input is not what it should be.
    #[error("{place}: {problem}\n  {mend}")]
    Input {
        /// Where.
        place: Place,
        /// What was found and what was expected.
        problem: String,
        /// How to mend it.
        mend: String,
    },
    /// The corpus is readable but nothing can be learnt from it, or it contradicts an option.
    #[error("{problem}\n  {mend}")]
    Corpus {
        /// What is the matter.
        problem: String,
        /// How to mend it.
        mend: String,
    },
    /// A parameter is outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Parameter {
        /// Name as in the options, e.g. `min_df`.
        name: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        expected: &'static str,
    },
    /// Options that make no sense, alone or together.
    #[error("{problem}")]
    Usage {
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A file is not a model of this program, or is damaged, or is of another version.
    #[error("{path}: {problem}\n  {mend}")]
    ModelFile {
        /// File as the user gave it.
        path: String,
        /// What was found and what was expected.
        problem: String,
        /// How to mend it.
        mend: String,
    },
    /// Work would take more memory than it may.
    #[error(
        "{what} would take about {needed} of memory, and {allowed} are allowed (--max-memory)\n  {mend} Or allow more"
    )]
    Memory {
        /// What work.
        what: &'static str,
        /// The memory that the process would hold at most.
        needed: Bytes,
        /// What was allowed.
        allowed: Bytes,
        /// How to need less.
        mend: &'static str,
    },
    /// An error of the linfa framework.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
    /// The user asked to stop (Ctrl-C); nothing was left half written.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An [`Error::Io`] for a path.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Error::Io { action, path: path.as_ref().display().to_string(), source }
    }

    /// An [`Error::Input`] at a place.
    pub fn input(place: Place, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Error::Input { place, problem: problem.into(), mend: mend.into() }
    }

    /// An [`Error::Corpus`].
    pub fn corpus(problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Error::Corpus { problem: problem.into(), mend: mend.into() }
    }

    /// An [`Error::Parameter`].
    pub fn parameter(name: &'static str, found: impl ToString, expected: &'static str) -> Self {
        Error::Parameter { name, found: found.to_string(), expected }
    }

    /// An [`Error::Usage`].
    pub fn usage(problem: impl Into<String>) -> Self {
        Error::Usage { problem: problem.into() }
    }

    /// True when a reader of our output went away (a closed pipe): not a failure of ours.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
