//! The rows of a training problem.
//!
//! Flows in: a sparse matrix, perhaps with what makes each of its rows stand twice: once in columns shared by all, once in columns of its own domain (Daumé 2007). Flows out: the
//! columns and values of a row. The doubled matrix is never made: of each value only the two columns are kept, and the value itself is read from the matrix.

use crate::sparse::SparseMatrix;

/// Rows to learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Design<'a> {
    /// As they are.
    Plain(&'a SparseMatrix),
    /// Each twice.
    Copied(&'a Copies<'a>),
}

/// Where the values of a matrix stand when each row stands twice.
#[derive(Debug, Clone)]
pub(crate) struct Copies<'a> {
    pub x: &'a SparseMatrix,
    /// The shared column of each value.
    pub shared: Vec<u32>,
    /// How far after it the column is that is the row's own.
    pub own: Vec<u8>,
    /// The column of each row's own constant; [`Copies::NONE`] for a row that stands only once.
    pub constants: Vec<u32>,
    /// What values are multiplied by in the columns of their own.
    pub factor: f32,
    /// Number of columns in all.
    pub cols: usize,
}

impl Copies<'_> {
    /// No column.
    pub const NONE: u32 = u32::MAX;
}

impl Design<'_> {
    /// Number of columns.
    pub fn cols(&self) -> usize {
        match self {
            Design::Plain(x) => x.cols(),
            Design::Copied(copies) => copies.cols,
        }
    }

    /// Calls `each` with every column and value of a row.
    #[inline]
    pub fn visit(&self, row: usize, each: impl FnMut(usize, f32)) {
        self.visit_as(row, self.matrix().row(row).values, each);
    }

    /// The matrix, in which each row stands once.
    pub fn matrix(&self) -> &SparseMatrix {
        match self {
            Design::Plain(x) => x,
            Design::Copied(copies) => copies.x,
        }
    }

    /// Calls `each` with every column of a row, and its value were these the values of the row in the matrix.
    #[inline]
    pub fn visit_as(&self, row: usize, values: &[f32], mut each: impl FnMut(usize, f32)) {
        match self {
            Design::Plain(x) => x.row(row).indices.iter().zip(values).for_each(|(&j, &x)| each(j as usize, x)),
            Design::Copied(copies) => {
                let (range, constant) = (copies.x.range(row), copies.constants[row]);
                let shared = &copies.shared[range.clone()];
                if constant == Copies::NONE {
                    shared.iter().zip(values).for_each(|(&j, &x)| each(j as usize, x));
                    return;
                }
                for ((&j, &step), &x) in shared.iter().zip(&copies.own[range]).zip(values) {
                    each(j as usize, x);
                    each(j as usize + usize::from(step), x * copies.factor);
                }
                each(constant as usize, 1.0);
            }
        }
    }

    /// Adds up the weights of a row's columns times their values, `N` weights a column.
    #[inline]
    pub fn dot<const N: usize>(&self, row: usize, weights: &[f32]) -> [f32; N] {
        // Four sums side by side: with one, each addition would wait for the one before.
        let mut sums = [[0.0f32; N]; 4];
        let take = |sums: &mut [f32; N], j: usize, x: f32| {
            for (sum, &w) in sums.iter_mut().zip(&weights[j * N..(j + 1) * N]) {
                *sum += x * w;
            }
        };
        match self {
            Design::Plain(x) => {
                let row = x.row(row);
                let ((columns, rest), (values, last)) = (row.indices.as_chunks::<4>(), row.values.as_chunks::<4>());
                for (columns, values) in columns.iter().zip(values) {
                    for lane in 0..4 {
                        take(&mut sums[lane], columns[lane] as usize, values[lane]);
                    }
                }
                for (&j, &x) in rest.iter().zip(last) {
                    take(&mut sums[0], j as usize, x);
                }
            }
            Design::Copied(copies) if copies.constants[row] != Copies::NONE => {
                let range = copies.x.range(row);
                let (shared, rest) = copies.shared[range.clone()].as_chunks::<2>();
                let (own, others) = copies.own[range].as_chunks::<2>();
                let (values, last) = copies.x.row(row).values.as_chunks::<2>();
                for ((shared, own), values) in shared.iter().zip(own).zip(values) {
                    for lane in 0..2 {
                        let (j, x) = (shared[lane] as usize, values[lane]);
                        take(&mut sums[2 * lane], j, x);
                        take(&mut sums[2 * lane + 1], j + usize::from(own[lane]), x * copies.factor);
                    }
                }
                for ((&j, &step), &x) in rest.iter().zip(others).zip(last) {
                    take(&mut sums[0], j as usize, x);
                    take(&mut sums[1], j as usize + usize::from(step), x * copies.factor);
                }
                take(&mut sums[2], copies.constants[row] as usize, 1.0);
            }
            Design::Copied(_) => self.visit(row, |j, x| take(&mut sums[0], j, x)),
        }
        std::array::from_fn(|k| (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]))
    }
}
