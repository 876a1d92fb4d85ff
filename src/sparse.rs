//! The sparse matrix of the whole program, in compressed sparse row (CSR) form.
//!
//! Flows in: rows of `(column, value)` pairs, columns ascending. Flows out: slices of a row, and linfa's [`Records`]. The type is
//! named here once and stands on the ground, because [`crate::features`] makes it and [`crate::linear`] eats it and neither may know the other.
//! It is our own rather than `sprs::CsMat` because linfa's `Records` cannot be implemented for a foreign type, and because
//! half-width indices and values (`u32`, `f32`) halve the memory traffic that bounds training.

use linfa::dataset::Records;

/// `rows x cols` values, of which only the non-zero ones are kept.
///
/// ```
/// use rapporteur::sparse::SparseMatrix;
/// let mut x = SparseMatrix::with_cols(5);
/// x.push_row([(0, 0.5), (3, 0.25)]);
/// x.push_row([]);
/// assert_eq!((x.rows(), x.cols(), x.nnz()), (2, 5, 2));
/// assert_eq!(x.row(0).indices, &[0, 3]);
/// assert!(x.row(1).is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseMatrix {
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    cols: usize,
}

/// One row of a [`SparseMatrix`]: columns ascending, and the value at each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseRow<'a> {
    /// Column numbers, ascending and distinct.
    pub indices: &'a [u32],
    /// Values, as many as indices.
    pub values: &'a [f32],
}

impl<'a> SparseRow<'a> {
    /// True when the row has no non-zero value: a text without one known term.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The pairs of column and value.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.indices.iter().map(|&j| j as usize).zip(self.values.iter().copied())
    }

    /// Squared Euclidean norm, summed in `f64`.
    pub fn squared_norm(&self) -> f64 {
        self.values.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
    }
}

impl SparseMatrix {
    /// A matrix without rows.
    pub fn with_cols(cols: usize) -> Self {
        SparseMatrix { starts: vec![0], indices: Vec::new(), values: Vec::new(), cols }
    }

    /// A matrix without rows, with room for `rows` rows and `nnz` values.
    pub fn with_capacity(cols: usize, rows: usize, nnz: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        SparseMatrix { starts, indices: Vec::with_capacity(nnz), values: Vec::with_capacity(nnz), cols }
    }

    /// Appends a row of pairs whose columns ascend.
    pub fn push_row(&mut self, pairs: impl IntoIterator<Item = (u32, f32)>) {
        for (column, value) in pairs {
            self.indices.push(column);
            self.values.push(value);
        }
        self.starts.push(self.indices.len());
    }

    /// Appends all rows of another matrix of the same width.
    pub fn append(&mut self, other: &SparseMatrix) {
        debug_assert_eq!(self.cols, other.cols);
        let base = self.indices.len();
        self.indices.extend_from_slice(&other.indices);
        self.values.extend_from_slice(&other.values);
        self.starts.extend(other.starts[1..].iter().map(|s| base + s));
    }

    /// Gives back the memory that no row uses.
    pub fn shrink_to_fit(&mut self) {
        self.indices.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.starts.truncate(1);
        self.indices.clear();
        self.values.clear();
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of values kept.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is not a row.
    pub fn row(&self, i: usize) -> SparseRow<'_> {
        let range = self.range(i);
        SparseRow { indices: &self.indices[range.clone()], values: &self.values[range] }
    }

    /// Where row `i`'s values stand among all values.
    pub fn range(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// A copy of the rows named, in the order given.
    pub fn select(&self, rows: &[usize]) -> SparseMatrix {
        let nnz = rows.iter().map(|&i| self.starts[i + 1] - self.starts[i]).sum();
        let mut out = SparseMatrix::with_capacity(self.cols, rows.len(), nnz);
        for &i in rows {
            let range = self.starts[i]..self.starts[i + 1];
            out.indices.extend_from_slice(&self.indices[range.clone()]);
            out.values.extend_from_slice(&self.values[range]);
            out.starts.push(out.indices.len());
        }
        out
    }

    /// Multiplies every value by the factor of its column.
    pub fn scale_columns(&mut self, factors: &[f32]) {
        for (j, v) in self.indices.iter().zip(&mut self.values) {
            *v *= factors[*j as usize];
        }
    }

    /// All values of all rows, in row order.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// All column numbers of all rows, in row order.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }
}

impl Records for SparseMatrix {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.rows()
    }

    fn nfeatures(&self) -> usize {
        self.cols
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_and_select_keep_rows_whole() {
        let mut a = SparseMatrix::with_cols(4);
        a.push_row([(1, 1.0)]);
        let mut b = SparseMatrix::with_cols(4);
        b.push_row([(0, 2.0), (3, 3.0)]);
        b.push_row([]);
        a.append(&b);
        assert_eq!(a.rows(), 3);
        let picked = a.select(&[2, 1]);
        assert!(picked.row(0).is_empty());
        assert_eq!(picked.row(1).values, &[2.0, 3.0]);
        assert_eq!(picked.row(1).squared_norm(), 13.0);
    }
}
