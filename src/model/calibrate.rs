//! How the scores of a head become probabilities: the choice among ways to mend them.
//!
//! Flows in: out-of-fold scores, and their folds. Flows out: [`Mended`]: a factor for each class, to be worked into the weights, and a [`Calibration`] for the scores that come of it. `auto` takes the
//! way with the lowest log loss on folds that it was not fitted on, so that a way with many numbers has to earn them.

use super::options::CalibrationMethod;
use super::out_of_fold::Task;
use crate::linear::{Calibration, HeldOut, VectorScaling};

/// How scores become probabilities: a factor for each class, worked into the weights, and what mends the scores then.
pub(super) struct Mended {
    pub factors: Vec<f64>,
    pub calibration: Calibration,
}

impl From<Calibration> for Mended {
    fn from(calibration: Calibration) -> Mended {
        Mended { factors: Vec::new(), calibration }
    }
}

/// A way to mend scores, fitted on all rows, and how to fit it on fewer.
enum Candidate {
    Shared(Calibration, fn(&Calibration, HeldOut<'_>) -> Calibration),
    ByClass(VectorScaling),
}

impl Candidate {
    fn has_curves(&self) -> bool {
        matches!(self, Candidate::Shared(calibration, _) if !calibration.isotonic.is_empty())
    }
}

impl From<Candidate> for Mended {
    fn from(candidate: Candidate) -> Mended {
        match candidate {
            Candidate::Shared(calibration, _) => Mended { factors: Vec::new(), calibration },
            Candidate::ByClass(scaling) => Mended { factors: scaling.factors, calibration: scaling.calibration },
        }
    }
}

impl<'x> Task<'x> {
    /// What mends scores held out, by the method asked for.
    pub fn mend(&self, method: CalibrationMethod, folds: &[u32], scores: &[f64]) -> Mended {
        let held_out = self.held_out(scores);
        match method {
            CalibrationMethod::None => Calibration::default().into(),
            CalibrationMethod::Temperature => Calibration::temperature(held_out).into(),
            CalibrationMethod::Platt => self.by_class(held_out, &Calibration::temperature(held_out)).into(),
            CalibrationMethod::Isotonic => Calibration::isotonic(held_out).into(),
            CalibrationMethod::Auto => self.best_calibration(folds, scores),
        }
    }

    /// A factor and an offset for each class. Of two classes the one's score is the other's, with its sign turned: one factor says all.
    fn by_class(&self, held_out: HeldOut<'_>, temperature: &Calibration) -> Candidate {
        match self.classes {
            2 => Candidate::Shared(temperature.refit_platt(held_out), Calibration::refit_platt),
            _ => Candidate::ByClass(VectorScaling::fit(held_out, temperature)),
        }
    }

    /// Of no calibration, a factor, a factor and an offset for each class, and a factor with curves: the one with the lowest log loss on folds that it was not fitted on, fitted on all.
    fn best_calibration(&self, folds: &[u32], scores: &[f64]) -> Mended {
        /// Beyond this the offsets' Newton steps cost more than they can give.
        const MOST_OFFSETS: usize = 60;
        /// Curves of fewer rows are mostly noise.
        const LEAST_ROWS: usize = 2_000;
        /// What a candidate has to lower the log loss by, against the simpler ones.
        const LEAST_GAIN: f64 = 1e-3;
        /// What curves have to: they learn most, so their gain has to be plain.
        const LEAST_GAIN_OF_CURVES: f64 = 5e-3;
        let all = self.held_out(scores);
        // Fitted on all rows first: the fits without a fold start there and have little left to do.
        let temperature = Calibration::temperature(all);
        let mut candidates = vec![Candidate::Shared(Calibration::default(), |none, _| none.clone())];
        if self.classes <= MOST_OFFSETS {
            candidates.push(self.by_class(all, &temperature));
        }
        if self.classes <= MOST_OFFSETS && self.rows.len() >= LEAST_ROWS {
            candidates.push(Candidate::Shared(temperature.with_curves(all), Calibration::refit_isotonic));
        }
        candidates.insert(1, Candidate::Shared(temperature, Calibration::refit_temperature));
        let count = folds.iter().max().map_or(0, |&f| f + 1);
        let cross_fitted = |candidate: &Candidate| -> f64 {
            (0..count)
                .map(|fold| {
                    let (learn, learn_scores) = self.of_folds(folds, scores, |f| f != fold);
                    let (test, test_scores) = self.of_folds(folds, scores, |f| f == fold);
                    let (learn, test) = (learn.held_out(&learn_scores), test.held_out(&test_scores));
                    let loss = match candidate {
                        Candidate::Shared(start, refit) => refit(start, learn).log_loss(test),
                        Candidate::ByClass(start) => start.refit(learn).log_loss(test),
                    };
                    loss * test.targets.len() as f64
                })
                .sum()
        };
        let losses: Vec<f64> = candidates.iter().map(cross_fitted).collect();
        let better = |best: usize, i: usize| {
            let least = if candidates[i].has_curves() { LEAST_GAIN_OF_CURVES } else { LEAST_GAIN };
            if losses[i] < losses[best] * (1.0 - least) { i } else { best }
        };
        let best = (1..losses.len()).fold(0, better);
        candidates.swap_remove(best).into()
    }

    /// The same calibration with curves fitted without each fold, or nothing where it has none: how often labels err by their probability would look too good
    /// with curves that saw these very rows.
    pub fn curves_by_fold(&self, folds: &[u32], scores: &[f64], calibration: &Calibration) -> Vec<Calibration> {
        let count = if calibration.isotonic.is_empty() { 0 } else { folds.iter().max().map_or(0, |&f| f + 1) };
        (0..count)
            .map(|fold| {
                let (learn, learn_scores) = self.of_folds(folds, scores, |f| f != fold);
                calibration.with_curves(learn.held_out(&learn_scores))
            })
            .collect()
    }

    /// The rows of some folds, and their scores.
    fn of_folds(&self, folds: &[u32], scores: &[f64], wanted: impl Fn(u32) -> bool) -> (Task<'x>, Vec<f64>) {
        let k = self.classes;
        let places: Vec<usize> = (0..folds.len()).filter(|&i| wanted(folds[i])).collect();
        let scores = places.iter().flat_map(|&i| &scores[i * k..(i + 1) * k]).copied().collect();
        (self.subset(&places), scores)
    }
}
