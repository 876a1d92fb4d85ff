//! Weights of a fitted classifier, as they lie in memory.
//!
//! Flows in: weights of each feature, the classes side by side. Flows out: sums over the features of a row. What bounds classifying is fetching weights, so those of a finished model are
//! kept narrow: whole numbers of sixteen bits, in a unit that is a power of two. A model in memory is the model in its file.

use crate::sparse::SparseRow;

/// A weight as it lies in memory.
pub(crate) trait Cell: Copy {
    /// The weight, in the unit of all.
    fn weight(self) -> f32;
    /// One more than the greatest number that a cell can hold in place of a weight.
    const NUMBERS: usize;
    /// A cell that holds a number in place of a weight.
    fn of_number(number: u32) -> Self;
    /// That number.
    fn number(self) -> u32;
}

impl Cell for f32 {
    #[inline]
    fn weight(self) -> f32 {
        self
    }

    const NUMBERS: usize = 1 << 24;

    fn of_number(number: u32) -> Self {
        number as f32
    }

    #[inline]
    fn number(self) -> u32 {
        self as u32
    }
}

impl Cell for i16 {
    #[inline]
    fn weight(self) -> f32 {
        f32::from(self)
    }

    const NUMBERS: usize = 1 << 16;

    fn of_number(number: u32) -> Self {
        number as u16 as i16
    }

    #[inline]
    fn number(self) -> u32 {
        u32::from(self as u16)
    }
}

/// Weights, wide or narrow.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Weights {
    /// As the solver finds them.
    Wide(Vec<f32>),
    /// As a model keeps them.
    Narrow {
        /// Multiples of the unit.
        cells: Vec<i16>,
        /// The unit.
        unit: f32,
    },
}

impl Weights {
    pub fn len(&self) -> usize {
        match self {
            Weights::Wide(cells) => cells.len(),
            Weights::Narrow { cells, .. } => cells.len(),
        }
    }

    pub fn get(&self, i: usize) -> f32 {
        match self {
            Weights::Wide(cells) => cells[i],
            Weights::Narrow { cells, unit } => cells[i].weight() * unit,
        }
    }

    /// All of them, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = f32> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The same with those of each class multiplied; as wide as they are found.
    pub fn scaled(self, factors: &[f64]) -> Weights {
        let mut cells = match self {
            Weights::Wide(cells) => cells,
            Weights::Narrow { .. } => self.iter().collect(),
        };
        let features = cells.chunks_exact_mut(factors.len());
        features.for_each(|feature| feature.iter_mut().zip(factors).for_each(|(w, &factor)| *w *= factor as f32));
        Weights::Wide(cells)
    }

    /// Adds to each class the weights of a row's features times their values.
    pub fn add_scores(&self, row: SparseRow<'_>, scores: &mut [f64]) {
        match self {
            Weights::Wide(cells) => add_scores(cells, 1.0, row, scores),
            Weights::Narrow { cells, unit } => add_scores(cells, *unit, row, scores),
        }
    }
}

/// Most classes whose sums are held in registers at once.
pub(crate) const MOST_LANES: usize = 16;

fn add_scores<C: Cell>(cells: &[C], unit: f32, row: SparseRow<'_>, scores: &mut [f64]) {
    let classes = scores.len();
    for (block, scores) in scores.chunks_mut(MOST_LANES).enumerate() {
        let places =
            row.indices.iter().map(|&j| j as usize * classes + block * MOST_LANES).zip(row.values.iter().copied());
        add_products(cells, unit, places, scores);
    }
}

/// Adds to each score the cells at some places times a factor each: the cells of a place are as many as there are scores.
///
/// Sums are `f32`, in two lanes that are added at the end: always the same, however often it is called.
#[inline]
pub(crate) fn add_products<C: Cell>(
    cells: &[C],
    unit: f32,
    places: impl Iterator<Item = (usize, f32)>,
    scores: &mut [f64],
) {
    match scores.len().div_ceil(4) {
        0 => {}
        1 => add_lanes::<C, 4>(cells, unit, places, scores),
        2 => add_lanes::<C, 8>(cells, unit, places, scores),
        3 => add_lanes::<C, 12>(cells, unit, places, scores),
        _ => add_lanes::<C, MOST_LANES>(cells, unit, places, scores),
    }
}

/// `N` cells are read at a time. Those that belong to the next place are summed with the rest and then forgotten: whole registers cost less than a loop of three.
#[inline]
fn add_lanes<C: Cell, const N: usize>(
    cells: &[C],
    unit: f32,
    places: impl Iterator<Item = (usize, f32)>,
    scores: &mut [f64],
) {
    let mut sums = [[0.0f32; N]; 2];
    for (i, (at, x)) in places.enumerate() {
        let sums = &mut sums[i & 1];
        let rest = &cells[at..];
        match rest.first_chunk::<N>() {
            Some(cells) => sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += x * cell.weight()),
            None => sums.iter_mut().zip(rest).for_each(|(sum, cell)| *sum += x * cell.weight()),
        }
    }
    for (k, score) in scores.iter_mut().enumerate() {
        *score += f64::from((sums[0][k] + sums[1][k]) * unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_hold_numbers() {
        assert_eq!(<i16 as Cell>::of_number(65_535).number(), 65_535);
        assert_eq!(<f32 as Cell>::of_number(513).number(), 513);
    }

    proptest! {
        /// Whatever the number of classes, and at the end of the weights too.
        #[test]
        fn scores_are_products(classes in 1usize..40, values in prop::collection::vec((0u32..7, -2.0f32..2.0), 0..12)) {
            let cells: Vec<i16> = (0..7 * classes).map(|i| (i * 37 % 101) as i16 - 50).collect();
            let weights: Vec<f32> = cells.iter().map(|&n| f32::from(n) / 128.0).collect();
            let narrow = Weights::Narrow { cells, unit: 1.0 / 128.0 };
            let wide = Weights::Wide(weights.clone());
            let (indices, values): (Vec<u32>, Vec<f32>) = values.into_iter().unzip();
            let row = SparseRow { indices: &indices, values: &values };
            let wanted: Vec<f64> = (0..classes)
                .map(|k| row.iter().map(|(j, x)| f64::from(x) * f64::from(weights[j * classes + k])).sum())
                .collect();
            for weights in [&wide, &narrow] {
                let mut scores = vec![0.0; classes];
                weights.add_scores(row, &mut scores);
                prop_assert!(scores.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{scores:?} {wanted:?}");
            }
        }
    }
}
