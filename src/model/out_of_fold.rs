//! Scores of rows by classifiers that did not see them.
//!
//! Flows in: a [`Task`]: rows, targets, costs, folds. Flows out: for each `C` of a path the score of every row, from the classifier trained on the other
//! folds. Each fold walks the whole path upward, every problem starting from the last one's solution, so that a path costs little more than its last fit.

use rayon::prelude::*;

use super::stretch::Stretch;
use super::weighting::factors;
use crate::control::Control;
use crate::error::Result;
use crate::linear::{Design, DualSolver, HeldOut, Loss};

/// What one head has to learn.
pub(super) struct Task<'a> {
    pub x: Design<'a>,
    /// Where the blocks of columns end that have a length of their own.
    pub ends: Vec<usize>,
    /// Rows of `x` that have a target.
    pub rows: Vec<u32>,
    pub targets: Vec<u32>,
    /// Cost of each at C = 1.
    pub costs: Vec<f64>,
    /// Weight of each in scores.
    pub weights: Vec<f64>,
    pub classes: usize,
    /// Classes that can occur at all, a row's `classes` side by side; empty: all can.
    pub allowed: Vec<bool>,
    pub loss: Loss,
    pub seed: u64,
    /// Whether columns that tell the classes apart are penalised less, see [`factors`].
    pub weighted: bool,
}

/// Whether choices among so many rows and classes have to be cheap.
pub(super) fn is_large(rows: usize, classes: usize) -> bool {
    rows >= 3_000 || rows * classes > 100_000
}

impl Task<'_> {
    /// Whether choices have to be cheap: many rows, or many classes.
    pub fn is_large(&self) -> bool {
        is_large(self.rows.len(), self.classes)
    }

    pub fn solver(&self) -> DualSolver<'_> {
        self.solver_of(&self.rows, &self.targets, self.costs.clone(), self.seed)
    }

    /// A solver on some rows; the factors of columns see labels, and come from these rows alone.
    fn solver_of<'b>(&'b self, rows: &'b [u32], targets: &'b [u32], costs: Vec<f64>, seed: u64) -> DualSolver<'b> {
        let solver = DualSolver::of_design(self.x, rows, targets, costs, self.classes, (self.loss, 1.0, seed));
        if self.weighted { solver.with_factors(&factors(self.x, rows, targets, self.classes)) } else { solver }
    }

    /// Walks the path `cs` (ascending) in all folds at once; after each `C`, `each` is given its place on the path and the scores of all rows, side by side, and says whether to go on.
    pub fn walk(
        &self,
        folds: &[u32],
        cs: &[f64],
        tolerance: f64,
        control: &Control,
        mut each: impl FnMut(usize, Vec<f64>) -> bool,
    ) -> Result<()> {
        let k = self.classes;
        let count = folds.iter().max().map_or(0, |&f| f + 1);
        let inside: Vec<(Vec<u32>, Vec<u32>, Vec<f64>)> = (0..count)
            .map(|fold| {
                let places = || (0..self.rows.len()).filter(|&i| folds[i] != fold);
                (
                    places().map(|i| self.rows[i]).collect(),
                    places().map(|i| self.targets[i]).collect(),
                    places().map(|i| self.costs[i]).collect(),
                )
            })
            .collect();
        let mut solvers: Vec<DualSolver<'_>> = (0u64..)
            .zip(&inside)
            .map(|(fold, (rows, targets, costs))| {
                self.solver_of(rows, targets, costs.clone(), self.seed.wrapping_add(fold))
            })
            .collect();
        let stretch = |rows: &[u32]| Stretch::new(self.x.matrix(), rows.iter().copied(), &self.ends);
        let stretches: Vec<Stretch> = inside.iter().map(|(rows, ..)| stretch(rows)).collect();
        for (at, &c) in cs.iter().enumerate() {
            let parts: Vec<Vec<f64>> = solvers
                .par_iter_mut()
                .zip(0u32..count)
                .map(|(solver, fold)| {
                    control.check()?;
                    // A large SVM needs no more than two passes from the last C's solution to tell how good this C is.
                    if at > 0 && self.loss == Loss::Svm && self.is_large() {
                        solver.pass(c, tolerance, 2);
                    } else {
                        solver.solve(c, tolerance, 60);
                    }
                    let held = (0..self.rows.len()).filter(|&i| folds[i] == fold).map(|i| self.rows[i]);
                    Ok(held_out_scores(solver, &stretches[fold as usize], self.x, held))
                })
                .collect::<Result<_>>()?;
            let mut scores = vec![0.0; self.rows.len() * k];
            for (fold, part) in parts.iter().enumerate() {
                let places = (0..self.rows.len()).filter(|&i| folds[i] as usize == fold);
                for (i, z) in places.zip(part.chunks_exact(k)) {
                    scores[i * k..(i + 1) * k].copy_from_slice(z);
                }
            }
            if !each(at, scores) {
                break;
            }
        }
        Ok(())
    }

    /// The rows as calibration and thresholds see them.
    pub fn held_out<'b>(&'b self, scores: &'b [f64]) -> HeldOut<'b> {
        HeldOut {
            scores,
            targets: &self.targets,
            weights: &self.weights,
            classes: self.classes,
            allowed: &self.allowed,
        }
    }
}

/// Scores of rows that a solver did not see, side by side, as they would be had they come later.
pub(super) fn held_out_scores(
    solver: &DualSolver<'_>,
    stretch: &Stretch,
    x: Design<'_>,
    rows: impl Iterator<Item = u32>,
) -> Vec<f64> {
    let mut values = Vec::new();
    let mut scores = Vec::new();
    for row in rows {
        stretch.values(x.matrix().row(row as usize), &mut values);
        scores.extend(solver.decision_as(row as usize, &values));
    }
    scores
}
