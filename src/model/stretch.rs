//! Rows held out as they would be, had they come later.
//!
//! Flows in: the rows of a fold's training part. Flows out: the values of any other row as a model of that part alone would have made them. Vocabulary and idf are shared by the folds inside
//! training, so a row held out also holds terms that only it has; they take up a part of its length and say nothing. A model meets no such terms: it does not know them, and a row of the others alone is as long
//! as any. Without this, scores out of fold would be smaller than those of new texts, and probabilities fitted on them too sure of themselves.

use crate::sparse::{SparseMatrix, SparseRow};

/// What the rows of a part know.
pub(super) struct Stretch {
    /// Whether a column stands in any of them.
    known: Vec<bool>,
    /// Where the blocks end that have a length of their own; what lies behind is as it is.
    ends: Vec<usize>,
}

impl Stretch {
    pub fn new(x: &SparseMatrix, rows: impl IntoIterator<Item = u32>, ends: &[usize]) -> Self {
        let mut known = vec![false; x.cols()];
        rows.into_iter().flat_map(|row| x.row(row as usize).indices).for_each(|&j| known[j as usize] = true);
        Stretch { known, ends: ends.to_vec() }
    }

    /// The values of a row: each block as long as before, were it made of the known columns alone. Those of unknown columns have no weight, whatever they are.
    pub fn values(&self, row: SparseRow<'_>, out: &mut Vec<f32>) {
        out.clear();
        let mut from = 0;
        for &end in &self.ends {
            let until = from + row.indices[from..].partition_point(|&j| (j as usize) < end);
            let (mut all, mut known) = (0.0f64, 0.0f64);
            for (&j, &x) in row.indices[from..until].iter().zip(&row.values[from..until]) {
                let square = f64::from(x) * f64::from(x);
                all += square;
                known += if self.known[j as usize] { square } else { 0.0 };
            }
            let factor = if known > 0.0 { (all / known).sqrt() as f32 } else { 1.0 };
            out.extend(row.values[from..until].iter().map(|x| x * factor));
            from = until;
        }
        out.extend_from_slice(&row.values[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_as_long_as_before_without_what_is_unknown() {
        let mut x = SparseMatrix::with_cols(5);
        x.push_row([(0, 0.6), (1, 0.8), (2, 1.0), (4, 0.5)]);
        x.push_row([(0, 1.0), (3, 1.0)]);
        let stretch = Stretch::new(&x, [1], &[2, 4]);
        let mut values = Vec::new();
        stretch.values(x.row(0), &mut values);
        // Of the first block 0.6 is known and becomes 1; of the second nothing is; the last column is no term.
        assert!((values[0] - 1.0).abs() < 1e-6, "{values:?}");
        assert_eq!((values[2], values[3]), (1.0, 0.5));
    }
}
