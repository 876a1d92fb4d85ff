//! Rows of a file as a model reads them: the text, and what is around it.
//!
//! Flows in: framed batches. Flows out: rows in a [`Predictor`], each with the context and the values that the model was trained with. Texts of a batch are
//! made into vectors once, though each is also the context of others.

use clap::Args;
use rapporteur::Result;
use rapporteur::corpus::{ColumnNames, FramedBatch, SideColumns, SideIndices, Window, join_text};
use rapporteur::model::{Model, Predictor};
use rapporteur::sparse::{SparseMatrix, SparseRow};

use super::typed::list;

/// Columns that a model may want, where they are called otherwise than in training.
#[derive(Args, Clone, Debug, Default)]
pub struct SideArgs {
    /// Column that names the document of a row, for a model trained with --context [default: as in training; of plain text each file is one]
    #[arg(long, value_name = "COLUMN")]
    document_column: Option<String>,
    /// Columns of context, for a model trained with them [default: as in training]
    #[arg(long, value_name = "COLUMN,...")]
    context_columns: Option<String>,
}

impl SideArgs {
    /// The columns that a model wants, by the names that they have here.
    pub fn of_model(&self, model: &Model) -> SideColumns {
        with_names(model, self.document_column.as_deref(), self.context_columns.as_deref())
    }
}

/// The columns that a model wants, some by other names than in training; names of what it does not want are passed over.
pub fn with_names(model: &Model, document: Option<&str>, context: Option<&str>) -> SideColumns {
    let mut side = model.side.clone();
    side.document = match model.neighbours() {
        0 => None,
        _ => document.map(str::to_owned).or(side.document),
    };
    if let Some(columns) = context.filter(|_| !side.context.is_empty()) {
        side.context = list(columns);
    }
    side
}

/// Where in a record the text is, and what is around it.
pub struct Rows {
    text: Vec<usize>,
    side: SideIndices,
    neighbours: usize,
}

impl Rows {
    /// Finds the columns in a header.
    pub fn resolve(names: &ColumnNames, text: &[String], side: &SideColumns, model: &Model) -> Result<Rows> {
        let text = names.find_all(text, "--text-column")?;
        Ok(Rows { text, side: side.resolve(names)?, neighbours: model.neighbours() })
    }

    /// What frames the batches of a stream, so that every row has its neighbours.
    pub fn window(&self) -> Window {
        Window::new(self.neighbours)
    }

    /// Calls `each` with every row of a batch (its number there and its text), read into the predictor.
    pub fn read<'a, E>(
        &self,
        predictor: &mut Predictor<'a>,
        framed: &FramedBatch,
        mut each: impl FnMut(&mut Predictor<'a>, usize, &str) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if self.neighbours == 0 {
            for (i, record) in framed.batch.records().iter().enumerate() {
                let (text, side) = (join_text(record, &self.text), self.side.of(record));
                predictor.read_with(&text, &[&side.context], &side.features);
                each(predictor, i, &text)?;
            }
            return Ok(());
        }
        let mut vectors = SparseMatrix::with_cols(predictor.model().vectoriser.width());
        let mut documents = Vec::new();
        for record in framed.all() {
            predictor.texts().transform(&join_text(record, &self.text), &mut vectors);
            documents.push(self.side.of(record).document);
        }
        for (i, record) in framed.batch.records().iter().enumerate() {
            let at = framed.before.len() + i;
            let around: Vec<SparseRow<'_>> = around(&documents, at, self.neighbours).map(|n| vectors.row(n)).collect();
            predictor.read_vectors(vectors.row(at), &around, &self.side.of(record).features);
            each(predictor, i, &join_text(record, &self.text))?;
        }
        Ok(())
    }
}

/// The places of the rows at most `most` before and after one that are of its document.
fn around(documents: &[Option<&str>], at: usize, most: usize) -> impl Iterator<Item = usize> {
    let same =
        |other: Option<usize>| other.and_then(|n| documents.get(n)).is_some_and(|d| d.is_some() && *d == documents[at]);
    let before = (1..=most).take_while(|&d| same(at.checked_sub(d))).count();
    let after = (1..=most).take_while(|&d| same(at.checked_add(d))).count();
    (at - before..at).chain(at + 1..at + 1 + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_end_where_the_document_does() {
        let documents = [Some("a"), Some("a"), Some("a"), Some("b"), None, None, Some("b")];
        let of = |at, most| around(&documents, at, most).collect::<Vec<_>>();
        assert_eq!(of(0, 1), [1]);
        assert_eq!(of(1, 5), [0, 2]);
        assert_eq!(of(2, 2), [0, 1]);
        assert!(of(3, 3).is_empty() && of(4, 1).is_empty() && of(6, 9).is_empty());
    }
}
