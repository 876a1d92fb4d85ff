//! From scores to probabilities that mean what they say.
//!
//! Flows in: scores of rows that the classifier did not see in training, and their classes. Flows out: a factor and offsets by which scores
//! are mended before the softmax: temperature scaling (Guo et al. 2017, *On calibration of modern neural networks*), or Platt's method in its
//! multinomial form, a factor and an offset for each class, which also undoes class weights. Both minimise the log loss,
//! which is convex in them; a weak pull toward "leave as it is" keeps few rows from deciding much.

use serde::{Deserialize, Serialize};

use super::classifier::softmax;

/// Scores are multiplied by `factor`, then `offsets` are added.
///
/// ```
/// use rapporteur::linear::Calibration;
/// let calibration = Calibration { factor: 2.0, offsets: vec![0.0, 1.0] };
/// let mut p = vec![0.5, 0.0];
/// calibration.probabilities(&mut p);
/// assert_eq!(p, [0.5, 0.5]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The factor: one over the temperature.
    pub factor: f64,
    /// An offset for each class; empty for none.
    pub offsets: Vec<f64>,
}

impl Default for Calibration {
    fn default() -> Self {
        Calibration { factor: 1.0, offsets: Vec::new() }
    }
}

/// Scores of rows held out, `classes` a row, and what the rows are.
#[derive(Debug, Clone, Copy)]
pub struct HeldOut<'a> {
    /// Scores, row by row.
    pub scores: &'a [f64],
    /// Class of each row.
    pub targets: &'a [u32],
    /// Weight of each row.
    pub weights: &'a [f64],
    /// Number of classes.
    pub classes: usize,
    /// For each row the classes that can occur at all, one `bool` a class; empty: all can.
    pub allowed: &'a [bool],
}

impl HeldOut<'_> {
    fn allows(&self, row: usize, class: usize) -> bool {
        self.allowed.get(row * self.classes + class).copied().unwrap_or(true)
    }
}

impl Calibration {
    /// Turns scores into probabilities, in place.
    pub fn probabilities(&self, scores: &mut [f64]) {
        self.mend(scores);
        softmax(scores);
    }

    /// Mends scores, in place; their softmax are probabilities.
    pub fn mend(&self, scores: &mut [f64]) {
        scores.iter_mut().for_each(|z| *z *= self.factor);
        scores.iter_mut().zip(&self.offsets).for_each(|(z, b)| *z += b);
    }

    /// The best factor alone.
    pub fn temperature(held_out: HeldOut<'_>) -> Self {
        Self::fit(held_out, false)
    }

    /// The best factor and offsets.
    pub fn platt(held_out: HeldOut<'_>) -> Self {
        Self::fit(held_out, true)
    }

    /// Mean log loss of rows under this calibration.
    pub fn log_loss(&self, held_out: HeldOut<'_>) -> f64 {
        let k = held_out.classes;
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut z = vec![0.0; k];
        for (i, scores) in held_out.scores.chunks_exact(k).enumerate() {
            z.copy_from_slice(scores);
            self.masked_probabilities(held_out, i, &mut z);
            sum -= held_out.weights[i] * libm::log(z[held_out.targets[i] as usize].max(1e-300));
            weight += held_out.weights[i];
        }
        if weight > 0.0 { sum / weight } else { 0.0 }
    }

    fn masked_probabilities(&self, held_out: HeldOut<'_>, row: usize, z: &mut [f64]) {
        self.mend(z);
        for (class, z) in z.iter_mut().enumerate() {
            if !held_out.allows(row, class) {
                *z = f64::NEG_INFINITY;
            }
        }
        softmax(z);
    }

    /// Newton's method with a line search on ln(factor) is not convex, on the factor itself it is; the factor is kept above zero.
    fn fit(held_out: HeldOut<'_>, with_offsets: bool) -> Self {
        const PULL: f64 = 1.0;
        const PULL_OFFSETS: f64 = 4.0;
        let k = held_out.classes;
        let size = 1 + if with_offsets { k } else { 0 };
        let mut theta = vec![0.0; size];
        theta[0] = 1.0;
        let as_calibration = |theta: &[f64]| Calibration { factor: theta[0], offsets: theta[1..].to_vec() };
        let total: f64 = held_out.weights.iter().sum();
        let penalty = |theta: &[f64]| {
            0.5 * PULL * (theta[0] - 1.0) * (theta[0] - 1.0)
                + 0.5 * PULL_OFFSETS * theta[1..].iter().map(|b| b * b).sum::<f64>()
        };
        let objective = |theta: &[f64]| as_calibration(theta).log_loss(held_out) * total + penalty(theta);
        let mut value = objective(&theta);
        for _ in 0..30 {
            let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
            gradient[0] = PULL * (theta[0] - 1.0);
            hessian[0] = PULL;
            for a in 1..size {
                gradient[a] = PULL_OFFSETS * theta[a];
                hessian[a * size + a] = PULL_OFFSETS;
            }
            let calibration = as_calibration(&theta);
            let mut p = vec![0.0; k];
            for (i, scores) in held_out.scores.chunks_exact(k).enumerate() {
                p.copy_from_slice(scores);
                calibration.masked_probabilities(held_out, i, &mut p);
                let (weight, target) = (held_out.weights[i], held_out.targets[i] as usize);
                let mean: f64 = p.iter().zip(scores).filter(|(p, _)| **p > 0.0).map(|(p, z)| p * z).sum();
                let square: f64 = p.iter().zip(scores).filter(|(p, _)| **p > 0.0).map(|(p, z)| p * z * z).sum();
                gradient[0] += weight * (mean - scores[target]);
                hessian[0] += weight * (square - mean * mean);
                for a in 1..size {
                    let (pa, za) = (p[a - 1], scores[a - 1]);
                    gradient[a] += weight * (pa - f64::from(a - 1 == target));
                    if pa > 0.0 {
                        let cross = weight * pa * (za - mean);
                        hessian[a] += cross;
                        hessian[a * size] += cross;
                        hessian[a * size + a] += weight * pa;
                        for b in 1..size {
                            hessian[a * size + b] -= weight * pa * p[b - 1];
                        }
                    }
                }
            }
            let Some(step) = solve(hessian, gradient) else { break };
            // Halve the step until it helps and the factor stays positive.
            let mut share = 1.0;
            let mut moved = false;
            for _ in 0..20 {
                let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - share * s).collect();
                if next[0] > 1e-3 {
                    let new = objective(&next);
                    if new < value {
                        moved = value - new > 1e-9 * value.abs();
                        (theta, value) = (next, new);
                        break;
                    }
                }
                share *= 0.5;
            }
            if !moved {
                break;
            }
        }
        as_calibration(&theta)
    }
}

/// Solves a small symmetric positive definite system by Cholesky's decomposition; `None` if it is not positive definite.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let value = a[i * n + j] - dot;
            if i == j {
                if value.is_nan() || value <= 0.0 {
                    return None;
                }
                a[j * n + j] = value.sqrt();
            } else {
                a[i * n + j] = value / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_scores_are_cooled() {
        // Scores say 0.98, three in four are right.
        let scores: Vec<f64> = (0..400).flat_map(|_| [4.0, 0.0]).collect();
        let targets: Vec<u32> = (0..400).map(|i| u32::from(i % 4 == 0)).collect();
        let weights = vec![1.0; 400];
        let held_out = HeldOut { scores: &scores, targets: &targets, weights: &weights, classes: 2, allowed: &[] };
        for calibration in [Calibration::temperature(held_out), Calibration::platt(held_out)] {
            let mut p = [4.0, 0.0];
            calibration.probabilities(&mut p);
            assert!((p[0] - 0.75).abs() < 0.02, "{p:?}");
            assert!(calibration.log_loss(held_out) < Calibration::default().log_loss(held_out));
        }
    }

    #[test]
    fn cholesky_solves_and_refuses() {
        let x = solve(vec![4.0, 2.0, 2.0, 3.0], vec![8.0, 7.0]).unwrap();
        assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
        assert!(solve(vec![0.0], vec![1.0]).is_none());
    }
}
