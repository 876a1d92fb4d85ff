//! Stochastic dual coordinate ascent on sparse rows.
//!
//! Flows in: rows, classes, costs. Flows out: weights, and a [`Certificate`]: the duality gap, which bounds how far the objective is from its optimum, whatever
//! happened on the way. Each step solves one row exactly (Shalev-Shwartz and Zhang 2013), in an order shuffled anew each pass, so there is no step
//! size to tune. Weights lie feature by feature with the classes side by side: a row touches one stretch of memory a term.
//! The intercept is kept in `f64` (in `f32` it drifts: every row of a pass adds to it), weights and dual variables in `f32`, which halves the memory traffic that bounds the speed.
//!
//! The solver keeps its state, so that a path of growing `C` starts each problem from the last one's solution: dual variables stay feasible, weights scale with `C`.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::classifier::LinearClassifier;
use super::design::Design;
use super::hinge::SquaredHinge;
use super::logistic::Logistic;
use super::params::Loss;
use crate::sparse::SparseMatrix;

/// What a loss has to offer: the exact step of one row, and its share in objective and gap.
pub(super) trait RowLoss {
    /// The dual variables of a row at which all weights are zero.
    fn start(dual: &mut [f32], target: usize);
    /// Moves the dual variables to their best place, writes the change of the weights per unit of x, and returns about how far from it they were.
    fn step(
        z: &[f32],
        dual: &mut [f32],
        delta: &mut [f32],
        target: usize,
        cost: f64,
        squared_norm: f64,
        work: &mut Vec<f64>,
    ) -> f64;
    /// Cost-weighted loss of a row and its share in the duality gap.
    fn loss_and_gap(z: &[f32], dual: &[f32], target: usize, cost: f64) -> (f64, f64);
}

/// How good a solution is.
///
/// Weights and scores are `f32`, so both numbers are as good as seven digits allow: a gap below about 1e-7 of the objective cannot be told from rounding,
/// and where `C` is so large (a million) that it multiplies the seventh digit of a score, neither can one of 1e-3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// Penalty plus losses.
    pub objective: f64,
    /// Upper bound on how far the objective is above its optimum.
    pub gap: f64,
    /// Passes over the rows.
    pub epochs: usize,
}

impl Certificate {
    /// The gap as a share of the objective.
    pub fn relative_gap(&self) -> f64 {
        if self.objective > 0.0 { self.gap / self.objective } else { 0.0 }
    }
}

/// A row is settled when it adds less than this share of what the tolerance allows a row on average.
const SETTLED: f64 = 0.02;

/// A training problem and the state of its solution.
pub struct DualSolver<'a> {
    x: Design<'a>,
    rows: &'a [u32],
    targets: &'a [u32],
    loss: Loss,
    classes: usize,
    intercept_scaling: f64,
    /// Cost of each row at C = 1.
    costs: Vec<f64>,
    squared_norms: Vec<f64>,
    /// Squared factor of each column, where columns are weighted.
    factors: Option<Vec<f32>>,
    c: f64,
    /// Classes, rounded up to a width the compiler can unroll.
    stride: usize,
    weights: Vec<f32>,
    intercept: Vec<f64>,
    dual: Vec<f32>,
    order: Vec<u32>,
    rng: Xoshiro256PlusPlus,
}

impl<'a> DualSolver<'a> {
    /// A problem over the rows named: `targets[i]` is the class of row `rows[i]`, `costs[i]` its weight (1 where nothing else is wanted). Weights start at zero.
    ///
    /// # Panics
    /// If the three differ in length, or a target is no class.
    pub fn new(
        x: &'a SparseMatrix,
        rows: &'a [u32],
        targets: &'a [u32],
        costs: Vec<f64>,
        classes: usize,
        settings: (Loss, f64, u64),
    ) -> Self {
        Self::of_design(Design::Plain(x), rows, targets, costs, classes, settings)
    }

    /// The same over rows that may stand twice.
    pub(crate) fn of_design(
        x: Design<'a>,
        rows: &'a [u32],
        targets: &'a [u32],
        costs: Vec<f64>,
        classes: usize,
        (loss, intercept_scaling, seed): (Loss, f64, u64),
    ) -> Self {
        assert!(rows.len() == targets.len() && rows.len() == costs.len());
        let constant = intercept_scaling * intercept_scaling;
        let squared_norms = rows.iter().map(|&i| squared_norm(x, i, |_| 1.0) + constant).collect();
        let stride = stride_of(classes);
        let mut dual = vec![0.0; rows.len() * classes];
        for (dual, &target) in dual.chunks_exact_mut(classes).zip(targets) {
            match loss {
                Loss::Logistic => Logistic::start(dual, target as usize),
                Loss::Svm => SquaredHinge::start(dual, target as usize),
            }
        }
        DualSolver {
            x,
            rows,
            targets,
            loss,
            classes,
            intercept_scaling,
            costs,
            squared_norms,
            factors: None,
            c: 0.0,
            stride,
            weights: vec![0.0; x.cols() * stride],
            intercept: vec![0.0; classes],
            dual,
            order: (0..rows.len() as u32).collect(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// The same problem with every column multiplied by its factor (above 0): columns of larger factors are penalised less. The weights, and the scores of rows, stay
    /// those of the columns as they are.
    pub fn with_factors(mut self, factors: &[f32]) -> Self {
        let squares: Vec<f32> = factors.iter().map(|f| f * f).collect();
        let constant = self.intercept_scaling * self.intercept_scaling;
        let norm = |&row: &u32| squared_norm(self.x, row, |j| squares[j]) + constant;
        self.squared_norms = self.rows.iter().map(norm).collect();
        self.factors = Some(squares);
        self
    }

    /// Solves the problem for this `c`, from where the last one ended, to a relative gap of `tolerance` or for `max_epochs` passes.
    pub fn solve(&mut self, c: f64, tolerance: f64, max_epochs: usize) -> Certificate {
        self.rescale(c);
        self.solve_with_limit(tolerance, max_epochs, true)
    }

    fn solve_with_limit(&mut self, tolerance: f64, max_epochs: usize, certify: bool) -> Certificate {
        match self.loss {
            Loss::Logistic => self.solve_with::<Logistic>(tolerance, max_epochs, certify),
            Loss::Svm => self.solve_with::<SquaredHinge>(tolerance, max_epochs, certify),
        }
    }

    /// Makes so many passes for this `c`, from where the last one ended, and does not look how near the optimum they lead. Rows that the first finds
    /// nearly at their best place, as `tolerance` sees it, are left out of the others.
    pub fn pass(&mut self, c: f64, tolerance: f64, passes: usize) {
        self.rescale(c);
        self.solve_with_limit(tolerance, passes, false);
    }

    fn rescale(&mut self, c: f64) {
        if self.c > 0.0 && c != self.c {
            let ratio = c / self.c;
            self.weights.iter_mut().for_each(|w| *w = (f64::from(*w) * ratio) as f32);
            self.intercept.iter_mut().for_each(|b| *b *= ratio);
            if self.loss == Loss::Svm {
                self.dual.iter_mut().for_each(|a| *a = (f64::from(*a) * ratio) as f32);
            }
        }
        self.c = c;
    }

    fn solve_with<L: RowLoss>(&mut self, tolerance: f64, max_epochs: usize, certify: bool) -> Certificate {
        match self.stride {
            2 => self.run::<L, 2>(tolerance, max_epochs, certify),
            4 => self.run::<L, 4>(tolerance, max_epochs, certify),
            8 => self.run::<L, 8>(tolerance, max_epochs, certify),
            16 => self.run::<L, 16>(tolerance, max_epochs, certify),
            24 => self.run::<L, 24>(tolerance, max_epochs, certify),
            _ => self.run::<L, 32>(tolerance, max_epochs, certify),
        }
    }

    /// `LANES` divides the stride; the inner loops run over that many classes at a time.
    fn run<L: RowLoss, const LANES: usize>(&mut self, tolerance: f64, max_epochs: usize, certify: bool) -> Certificate {
        let classes = self.classes;
        let (mut z, mut delta, mut work) = (vec![0.0f32; self.stride], vec![0.0f32; self.stride], Vec::new());
        // Rows that were nearly at their best place when last looked at; they are passed over until the exact gap says otherwise.
        let mut settled = vec![false; self.order.len()];
        let mut epochs = 0;
        let scale = self.costs.iter().sum::<f64>() * self.c;
        loop {
            epochs += 1;
            shuffle(&mut self.order, &mut self.rng);
            let (mut far, mut passed_over) = (0.0, false);
            for at in 0..self.order.len() {
                let i = self.order[at] as usize;
                let cost = self.c * self.costs[i];
                if cost == 0.0 || settled[i] {
                    passed_over |= settled[i];
                    continue;
                }
                let row = self.rows[i] as usize;
                self.scores::<LANES>(row, &mut z);
                let dual = &mut self.dual[i * classes..(i + 1) * classes];
                let off = L::step(
                    &z,
                    dual,
                    &mut delta[..classes],
                    self.targets[i] as usize,
                    cost,
                    self.squared_norms[i],
                    &mut work,
                );
                far += off;
                settled[i] = off <= SETTLED * tolerance * cost;
                if delta[..classes].iter().any(|d| *d != 0.0) {
                    match &self.factors {
                        None => add::<LANES>(&mut self.weights, self.stride, self.x, row, |_| 1.0, &delta),
                        Some(factors) => {
                            add::<LANES>(&mut self.weights, self.stride, self.x, row, |j| factors[j], &delta);
                        }
                    }
                    for (b, &d) in self.intercept.iter_mut().zip(&delta) {
                        *b += f64::from(d) * self.intercept_scaling;
                    }
                }
            }
            if !certify {
                if epochs < max_epochs {
                    continue;
                }
                return Certificate { objective: f64::INFINITY, gap: f64::INFINITY, epochs };
            }
            // `far` was summed on the way, before the steps that followed. Only when it is small, and of all rows, is the exact gap worth a pass; when rows were passed over, a pass that
            // moves them is worth more.
            let looks = epochs >= max_epochs || epochs % 16 == 0;
            if far > tolerance * scale && !looks {
                continue;
            }
            if !passed_over || looks {
                let certificate = self.certificate::<L, LANES>(epochs);
                if certificate.gap <= tolerance * certificate.objective || epochs >= max_epochs {
                    return certificate;
                }
            }
            settled.fill(false);
        }
    }

    fn certificate<L: RowLoss, const LANES: usize>(&self, epochs: usize) -> Certificate {
        /// Rows a task looks at; cut by the data, so that no sum depends on the number of threads.
        const CHUNK: usize = 4_096;
        let square = |&w: &f32| f64::from(w) * f64::from(w);
        let norm: f64 = match &self.factors {
            None => self.weights.iter().map(square).sum(),
            Some(factors) => {
                let of_column = |(w, &f): (&[f32], &f32)| w.iter().map(square).sum::<f64>() / f64::from(f);
                self.weights.chunks_exact(self.stride).zip(factors).map(of_column).sum()
            }
        };
        let (mut objective, mut gap) = (0.5 * (norm + self.intercept.iter().map(|b| b * b).sum::<f64>()), 0.0);
        let parts: Vec<(f64, f64)> = self
            .rows
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, rows)| {
                let mut z = vec![0.0f32; self.stride];
                (chunk * CHUNK..).zip(rows).fold((0.0, 0.0), |(losses, shares), (i, &row)| {
                    let cost = self.c * self.costs[i];
                    if cost == 0.0 {
                        return (losses, shares);
                    }
                    self.scores::<LANES>(row as usize, &mut z);
                    let dual = &self.dual[i * self.classes..(i + 1) * self.classes];
                    let (loss, share) = L::loss_and_gap(&z, dual, self.targets[i] as usize, cost);
                    (losses + loss, shares + share)
                })
            })
            .collect();
        for (losses, shares) in parts {
            objective += losses;
            gap += shares;
        }
        Certificate { objective, gap, epochs }
    }

    #[inline]
    fn scores<const LANES: usize>(&self, row: usize, z: &mut [f32]) {
        if self.stride == LANES {
            z.copy_from_slice(&self.x.dot::<LANES>(row, &self.weights));
        } else {
            z.fill(0.0);
            self.x.visit(row, |j, x| {
                let at = j * self.stride;
                for (sums, weights) in
                    z.chunks_exact_mut(LANES).zip(self.weights[at..at + self.stride].chunks_exact(LANES))
                {
                    for (sum, &w) in sums.iter_mut().zip(weights) {
                        *sum += x * w;
                    }
                }
            });
        }
        for (z, &b) in z.iter_mut().zip(&self.intercept) {
            *z = (f64::from(*z) + b * self.intercept_scaling) as f32;
        }
    }

    /// Scores of any row of the matrix under the present weights, `classes` of them.
    pub fn decision(&self, row: usize) -> Vec<f64> {
        self.decision_as(row, self.x.matrix().row(row).values)
    }

    /// Scores of a row, were these its values in the matrix.
    pub(crate) fn decision_as(&self, row: usize, values: &[f32]) -> Vec<f64> {
        let mut z: Vec<f64> = self.intercept.iter().map(|b| b * self.intercept_scaling).collect();
        self.x.visit_as(row, values, |j, x| {
            let weights = &self.weights[j * self.stride..j * self.stride + self.classes];
            z.iter_mut().zip(weights).for_each(|(z, &w)| *z += f64::from(x) * f64::from(w));
        });
        z
    }

    /// The classifier of the present weights.
    pub fn into_classifier(self) -> LinearClassifier {
        let (mut weights, stride, classes) = (self.weights, self.stride, self.classes);
        if stride != classes {
            // In place: a copy would be the largest of all that is in memory then.
            let columns = weights.len() / stride;
            for j in 0..columns {
                weights.copy_within(j * stride..j * stride + classes, j * classes);
            }
            weights.truncate(columns * classes);
            weights.shrink_to_fit();
        }
        let intercept = self.intercept.iter().map(|b| b * self.intercept_scaling).collect();
        LinearClassifier::from_parts(self.loss, weights, intercept)
    }
}

fn squared_norm(x: Design<'_>, row: u32, factor: impl Fn(usize) -> f32) -> f64 {
    let mut sum = 0.0;
    x.visit(row as usize, |j, x| sum += f64::from(factor(j)) * f64::from(x * x));
    sum
}

#[inline]
fn add<const LANES: usize>(
    weights: &mut [f32],
    stride: usize,
    x: Design<'_>,
    row: usize,
    factor: impl Fn(usize) -> f32,
    delta: &[f32],
) {
    if stride == LANES {
        x.visit(row, |j, x| {
            let (at, x) = (j * stride, x * factor(j));
            for (w, &d) in weights[at..at + LANES].iter_mut().zip(&delta[..LANES]) {
                *w += x * d;
            }
        });
        return;
    }
    // Of many classes a row moves few: only the lines of memory that change are touched.
    for (block, delta) in delta.chunks_exact(LINE).enumerate().filter(|(_, d)| d.iter().any(|d| *d != 0.0)) {
        x.visit(row, |j, x| {
            let (at, x) = (j * stride + block * LINE, x * factor(j));
            for (w, &d) in weights[at..at + LINE].iter_mut().zip(delta) {
                *w += x * d;
            }
        });
    }
}

/// Weights in a line of memory.
const LINE: usize = 16;

/// A width that [`DualSolver::solve_with`] has code for, or a multiple of its widest.
pub(crate) fn stride_of(classes: usize) -> usize {
    [2, 4, 8, 16, 24].into_iter().find(|&s| classes <= s).unwrap_or(classes.next_multiple_of(32))
}

/// Fisher and Yates.
fn shuffle(order: &mut [u32], rng: &mut Xoshiro256PlusPlus) {
    for i in (1..order.len()).rev() {
        let j = (u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_columns_multiplied() {
        let mut x = SparseMatrix::with_cols(3);
        for i in 0..30u32 {
            x.push_row([(i % 2, 0.5 + (i % 5) as f32 / 10.0), (2, (i % 7) as f32 / 7.0)]);
        }
        let (rows, factors) = ((0..30).collect::<Vec<u32>>(), [0.5f32, 1.5, 2.0]);
        let targets: Vec<u32> = rows.iter().map(|i| u32::from(i % 2 == 0 || i % 7 > 3)).collect();
        let mut multiplied = x.clone();
        multiplied.scale_columns(&factors);
        for loss in [Loss::Logistic, Loss::Svm] {
            let solver = |x| DualSolver::new(x, &rows, &targets, vec![1.0; 30], 2, (loss, 1.0, 7));
            let (mut ours, mut theirs) = (solver(&x).with_factors(&factors), solver(&multiplied));
            let (a, b) = (ours.solve(2.0, 1e-6, 500), theirs.solve(2.0, 1e-6, 500));
            assert!(a.relative_gap() < 1e-5 && (a.objective - b.objective).abs() < 1e-4 * b.objective, "{a:?} {b:?}");
            for row in 0..30 {
                let (z, wanted) = (ours.decision(row), theirs.decision(row));
                assert!(z.iter().zip(&wanted).all(|(z, w)| (z - w).abs() < 1e-2), "{z:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn widths_cover_all_class_counts() {
        for classes in 1..100 {
            let stride = stride_of(classes);
            assert!(stride >= classes && (stride <= 24 || stride.is_multiple_of(32)));
        }
    }
}
