//! Features beside a row's own terms: its context, and values of columns.
//!
//! Flows in: the vector of a text, the vectors of the texts around it, and what columns say of it. Flows out: one wider row. Each block has columns of its own after
//! those of the terms: a context block over the same vocabulary, because a word nearby does not mean what it means inside; then a column for each value of each metadata column
//! (one-hot). What is missing is an empty block: no neighbour, an empty cell, a value that training never saw.

use serde::{Deserialize, Serialize};

use crate::sparse::{SparseMatrix, SparseRow};

/// The length of a context block, as a share of that of the texts it is made of.
pub const CONTEXT_SCALE: f64 = 1.0;

/// Which blocks there are beside the terms, and how wide they are.
///
/// ```
/// use rapporteur::features::{Blocks, MetadataColumn};
/// use rapporteur::sparse::SparseMatrix;
/// let party = MetadataColumn::new("party", ["green", "blue", "", "green"]);
/// let blocks = Blocks { context: true, metadata: vec![party] };
/// let mut terms = SparseMatrix::with_cols(3);
/// terms.push_row([(1, 1.0)]);
/// terms.push_row([(0, 0.6), (2, 0.8)]);
/// let mut rows = SparseMatrix::with_cols(blocks.width(3));
/// // The first text, with the second for context, by a green speaker; columns 3 to 5 are the context, 6 and 7 "blue" and "green".
/// blocks.push_row(3, terms.row(0), &[terms.row(1)], &["green"], &mut rows);
/// assert_eq!(rows.row(0).indices, [1, 3, 5, 7]);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blocks {
    /// Whether there is a block of context.
    pub context: bool,
    /// The columns whose values are features.
    pub metadata: Vec<MetadataColumn>,
}

/// A column whose values are features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataColumn {
    /// Its name.
    pub name: String,
    /// Values seen in training, sorted; each has a column.
    pub values: Vec<String>,
}

impl MetadataColumn {
    /// A column and the values that it had; empty ones are none.
    pub fn new<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values: Vec<String> = values.into_iter().filter(|v| !v.is_empty()).map(str::to_owned).collect();
        values.sort_unstable();
        values.dedup();
        MetadataColumn { name: name.to_owned(), values }
    }
}

impl Blocks {
    /// True when a row is its terms and nothing else.
    pub fn is_empty(&self) -> bool {
        !self.context && self.metadata.is_empty()
    }

    /// Width of the rows, of so many terms.
    pub fn width(&self, terms: usize) -> usize {
        let values = self.metadata.iter().map(|column| column.values.len()).sum::<usize>();
        terms * (1 + usize::from(self.context)) + values
    }

    /// True when the values of every column are sorted and distinct, as a file that came from elsewhere may not have them.
    pub fn is_sound(&self) -> bool {
        self.metadata.iter().all(|column| column.values.windows(2).all(|pair| pair[0] < pair[1]))
    }

    /// The columns that are no terms, by name: each with the first of its columns and how many there are.
    pub fn columns(&self, terms: usize) -> Vec<(String, std::ops::Range<usize>)> {
        let mut out = Vec::new();
        let mut next = terms;
        if self.context {
            out.push(("(context)".to_owned(), next..next + terms));
            next += terms;
        }
        for column in &self.metadata {
            for value in &column.values {
                out.push((format!("({}: {value})", column.name), next..next + 1));
                next += 1;
            }
        }
        out
    }

    /// Appends a row: the terms of a text, those of the texts around it, and the cells of its metadata columns (missing ones may be left away).
    pub fn push_row(
        &self,
        terms: usize,
        own: SparseRow<'_>,
        context: &[SparseRow<'_>],
        metadata: &[&str],
        out: &mut SparseMatrix,
    ) {
        let own = own.indices.iter().copied().zip(own.values.iter().copied());
        let context = if self.context { blend(context) } else { Vec::new() };
        let context = context.iter().map(|&(j, x)| (j + terms as u32, x));
        let mut next = terms * (1 + usize::from(self.context));
        let found = self.metadata.iter().zip(metadata.iter().copied().chain(std::iter::repeat(""))).filter_map(
            |(column, value)| {
                let first = next;
                next += column.values.len();
                let at = column.values.binary_search_by(|known| known.as_str().cmp(value)).ok()?;
                Some(((first + at) as u32, 1.0))
            },
        );
        out.push_row(own.chain(context).chain(found));
    }
}

/// The sum of rows, as long as they are on average, times [`CONTEXT_SCALE`].
fn blend(rows: &[SparseRow<'_>]) -> Vec<(u32, f32)> {
    let mut pairs: Vec<(u32, f32)> =
        rows.iter().flat_map(|row| row.indices.iter().copied().zip(row.values.iter().copied())).collect();
    // Stable, so that equal columns are added in the order of the rows.
    pairs.sort_by_key(|&(j, _)| j);
    let mut sums: Vec<(u32, f64)> = Vec::with_capacity(pairs.len());
    for (j, x) in pairs {
        match sums.last_mut() {
            Some((last, sum)) if *last == j => *sum += f64::from(x),
            _ => sums.push((j, f64::from(x))),
        }
    }
    let filled = rows.iter().filter(|row| !row.is_empty()).count().max(1) as f64;
    let wanted = rows.iter().map(SparseRow::squared_norm).sum::<f64>() / filled;
    let norm = sums.iter().map(|(_, x)| x * x).sum::<f64>();
    let scale = if norm > 0.0 { CONTEXT_SCALE * (wanted / norm).sqrt() } else { 0.0 };
    sums.into_iter().map(|(j, x)| (j, (x * scale) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> SparseMatrix {
        let mut terms = SparseMatrix::with_cols(2);
        terms.push_row([(0, 1.0)]);
        terms.push_row([(1, 1.0)]);
        terms.push_row([]);
        terms
    }

    #[test]
    fn context_is_as_long_as_a_text_whatever_is_missing() {
        let (terms, blocks) = (terms(), Blocks { context: true, ..Default::default() });
        let row_of = |context: &[SparseRow<'_>]| {
            let mut out = SparseMatrix::with_cols(blocks.width(2));
            blocks.push_row(2, terms.row(0), context, &[], &mut out);
            out
        };
        for context in [vec![terms.row(1)], vec![terms.row(0), terms.row(1)], vec![terms.row(2), terms.row(1)]] {
            let row = row_of(&context);
            assert!((row.row(0).squared_norm() - 2.0).abs() < 1e-6, "{row:?}");
        }
        assert_eq!(row_of(&[]), row_of(&[terms.row(2)]));
        assert_eq!(row_of(&[]).row(0).indices, [0]);
    }

    #[test]
    fn values_that_training_never_saw_are_none() {
        let column = |name: &str, values: [&str; 2]| MetadataColumn::new(name, values);
        let blocks =
            Blocks { context: false, metadata: vec![column("party", ["b", "a"]), column("house", ["lords", ""])] };
        let mut out = SparseMatrix::with_cols(blocks.width(2));
        for cells in [&["b", "lords"][..], &["c", "lords"], &["a"], &[]] {
            blocks.push_row(2, terms().row(0), &[], cells, &mut out);
        }
        let rows: Vec<&[u32]> = (0..4).map(|i| out.row(i).indices).collect();
        assert_eq!(rows, [&[0, 3, 4][..], &[0, 4], &[0, 2], &[0]]);
        assert_eq!(blocks.columns(2)[2], ("(house: lords)".to_owned(), 4..5));
    }
}
