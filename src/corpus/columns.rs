//! Columns by name, and cells that say nothing.
//!
//! Flows in: a header, and the names that options give. Flows out: indices, or an error that shows the columns there
//! are and the one that was likely meant. Names are resolved once for a file; rows are then read by index.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;

use csv::StringRecord;

use crate::error::{Error, Place, Result};

/// Columns shown in an error at most.
const SHOWN: usize = 20;
/// Characters of a column's name shown in an error at most: a file without a header has its first row for names.
const SHOWN_CHARS: usize = 40;
/// What [`join_text`] puts between the cells of a row.
///
/// A space, as nearly every recipe has it: nothing is put into the text that its writer did not write, and no line end
/// into the output.
pub const JOIN: &str = " ";

/// The header of a file, to be searched.
///
/// ```
/// use rapporteur::corpus::ColumnNames;
/// let columns = ColumnNames::new("a.csv", &["id".to_owned(), "Text".to_owned()]);
/// assert_eq!(columns.find("id", "--group-column")?, 0);
/// let error = columns.find("text", "--text-column").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a.csv: there is no column \"text\"; the columns are \"id\", \"Text\"\n  did you mean --text-column \"Text\"?"
/// );
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ColumnNames {
    file: String,
    names: Vec<String>,
}

impl ColumnNames {
    /// The header of a file.
    pub fn new(file: impl Into<String>, header: &[String]) -> Self {
        ColumnNames { file: file.into(), names: header.to_vec() }
    }

    /// The index of a column, by its exact name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The index of a column, by its exact name; `option` is what the user sets it with.
    ///
    /// # Errors
    /// When there is none, with the columns there are and the nearest name, or when there are two.
    pub fn find(&self, name: &str, option: &str) -> Result<usize> {
        self.find_or(name, |near| match near {
            Some(near) => format!("did you mean {option} {near:?}?"),
            None => format!("name one of them with {option}"),
        })
    }

    /// As [`ColumnNames::find`], with a mend made from the nearest name, if there is one.
    pub(super) fn find_or(&self, name: &str, mend: impl FnOnce(Option<&str>) -> String) -> Result<usize> {
        let mut found = self.names.iter().enumerate().filter(|(_, n)| *n == name).map(|(at, _)| at);
        if let (Some(first), Some(second)) = (found.next(), found.next()) {
            return Err(Error::input(
                Place::file(&self.file).field(name),
                format!("two columns have this name, number {} and number {}", first + 1, second + 1),
                "rename one of them in the header",
            ));
        }
        self.position(name).ok_or_else(|| {
            let problem = format!("there is no column {name:?}; the columns are {}", listed(&self.names));
            let near = nearest(name, self.names.iter().map(String::as_str));
            Error::input(Place::file(&self.file), problem, mend(near))
        })
    }

    /// The indices of several columns, in the order asked for.
    ///
    /// # Errors
    /// As [`ColumnNames::find`], for the first that is missing.
    pub fn find_all(&self, names: &[String], option: &str) -> Result<Vec<usize>> {
        names.iter().map(|name| self.find(name, option)).collect()
    }
}

/// Names as an error shows them: quoted, the long ones and the many cut short.
pub(super) fn listed(names: &[String]) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| match name.char_indices().nth(SHOWN_CHARS) {
            Some((cut, _)) => format!("{:?}", format!("{}…", &name[..cut])),
            None => format!("{name:?}"),
        })
        .collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// The candidate most like `wanted`, case aside; `None` when none is near enough to be what was meant.
///
/// ```
/// use rapporteur::corpus::nearest;
/// assert_eq!(nearest("stance", ["id", "Stances", "state"]), Some("Stances"));
/// assert_eq!(nearest("stance", ["id", "text"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        // Long names are cells of a missing header; comparing them would cost without helping.
        if candidate.is_empty() || candidate.len() > 4 * SHOWN_CHARS {
            continue;
        }
        let likeness = strsim::jaro_winkler(&wanted, &candidate.trim().to_lowercase());
        if likeness > 0.75 && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The text of a row: its cell, or its cells joined by [`JOIN`] where several columns make the text. Empty cells are
/// passed over.
pub fn join_text<'a>(record: &'a StringRecord, columns: &[usize]) -> Cow<'a, str> {
    let mut filled = columns.iter().map(|&c| record.get(c).unwrap_or_default()).filter(|cell| !cell.trim().is_empty());
    let first = filled.next().unwrap_or_default();
    let mut text = Cow::Borrowed(first);
    for cell in filled {
        let text = text.to_mut();
        text.push_str(JOIN);
        text.push_str(cell);
    }
    text
}

/// Cells that stand for "no label". An empty cell always does.
///
/// ```
/// use rapporteur::corpus::Missing;
/// let missing: Missing = ",NA,n/a".parse()?;
/// assert!(missing.contains(" n/a ") && missing.contains("") && !missing.contains("none"));
/// assert!(Missing::default().contains("NA"));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(BTreeSet<String>);

impl Missing {
    /// True when the cell, trimmed, is one of them.
    pub fn contains(&self, cell: &str) -> bool {
        let cell = cell.trim();
        cell.is_empty() || self.0.contains(cell)
    }

    /// The cell trimmed, or `None` where it stands for nothing.
    pub fn label<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let cell = cell.trim();
        (!self.contains(cell)).then_some(cell)
    }
}

impl Default for Missing {
    /// Empty cells and `NA`.
    fn default() -> Self {
        Missing(BTreeSet::from(["NA".to_owned()]))
    }
}

impl FromStr for Missing {
    type Err = Error;

    /// Reads a list with commas, as `,NA`. Never fails; the type is that of the other options.
    fn from_str(list: &str) -> Result<Self> {
        Ok(Missing(list.split(',').map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_column_shows_those_there_are() {
        let header: Vec<String> = (0..30).map(|i| format!("{}{i}", "é".repeat(50))).collect();
        let error = ColumnNames::new("a.csv", &header).find("text", "--text-column").unwrap_err().to_string();
        assert!(
            error.contains("ééé…\"") && error.contains("and 10 more\n  name one of them with --text-column"),
            "{error}"
        );
        let columns = ColumnNames::new("a.csv", &["id".into(), "body".into(), "topics".into()]);
        assert!(
            columns.find("topic", "--topic-column").unwrap_err().to_string().ends_with("--topic-column \"topics\"?")
        );
        assert_eq!(columns.find_all(&["body".into(), "id".into()], "--text-column").unwrap(), [1, 0]);
    }

    #[test]
    fn text_is_joined_and_gaps_passed_over() {
        let record = StringRecord::from(vec!["Title", " ", "Body\ntext"]);
        assert!(matches!(join_text(&record, &[0]), Cow::Borrowed("Title")));
        assert!(matches!(join_text(&record, &[1, 2]), Cow::Borrowed("Body\ntext")));
        assert_eq!(join_text(&record, &[2, 1, 0]), "Body\ntext Title");
        assert_eq!(join_text(&record, &[1, 9]), "");
    }

    #[test]
    fn labels_are_trimmed() {
        let missing = Missing::default();
        assert_eq!(missing.label(" trade & aid\u{A0}"), Some("trade & aid"));
        assert_eq!((missing.label(" NA "), missing.label(" "), missing.label("na")), (None, None, Some("na")));
        let none: Missing = "".parse().unwrap();
        assert_eq!((none.label("NA"), none.label("")), (Some("NA"), None));
    }
}
