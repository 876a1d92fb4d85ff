//! Columns beside text and labels: the document of a row, text around it, what is known of its speaker.
//!
//! Flows in: a header and the names that options give, or a model remembers. Flows out: [`Side`]s of rows, which become features of their own
//! (see [`crate::features::Blocks`]).

use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::columns::{ColumnNames, join_text};
use crate::error::Result;

/// Names of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SideColumns {
    /// Column that names the document of a row; rows of a document stand together, in the document's order.
    pub document: Option<String>,
    /// Columns whose text is the context of a row, joined in this order.
    pub context: Vec<String>,
    /// Columns whose values are features, such as the speaker or the party.
    pub features: Vec<String>,
}

impl SideColumns {
    /// True when no column is named.
    pub fn is_empty(&self) -> bool {
        *self == SideColumns::default()
    }

    /// Finds the columns in the header of a file. Paragraphs of plain text, which have no such column, belong to their `source`.
    ///
    /// # Errors
    /// When one is missing, with the columns found and the nearest name.
    pub fn resolve(&self, names: &ColumnNames) -> Result<SideIndices> {
        let prose = || names.position("source").filter(|_| names.position("paragraph").is_some());
        let document = |name: &str| match names.position(name).or_else(prose) {
            Some(column) => Ok(column),
            None => names.find(name, "--document-column"),
        };
        Ok(SideIndices {
            document: self.document.as_deref().map(document).transpose()?,
            context: names.find_all(&self.context, "--context-columns")?,
            features: names.find_all(&self.features, "--feature-columns")?,
        })
    }
}

/// Where in a record these columns are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SideIndices {
    document: Option<usize>,
    context: Vec<usize>,
    features: Vec<usize>,
}

/// What stands beside a row's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side<'a> {
    /// Its document, trimmed; `None` where the cell is empty or there is no such column.
    pub document: Option<&'a str>,
    /// The text of its context columns, joined.
    pub context: Cow<'a, str>,
    /// The cells of its feature columns, trimmed.
    pub features: Vec<&'a str>,
}

impl SideIndices {
    /// What a record says.
    pub fn of<'a>(&self, record: &'a StringRecord) -> Side<'a> {
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        Side {
            document: self.document.map(cell).filter(|cell| !cell.is_empty()),
            context: join_text(record, &self.context),
            features: self.features.iter().map(|&c| cell(c)).collect(),
        }
    }
}
