//! From scores to probabilities that mean what they say.
//!
//! Flows in: scores of rows that the classifier did not see in training, and their classes. Flows out: a factor and offsets by which scores
//! are mended before the softmax: temperature scaling (Guo et al. 2017, *On calibration of modern neural networks*), or with an offset for each
//! class beside the factor, which also undoes class weights and of two classes is Platt's method; of more, see `vector_scaling.rs`. All minimise the log loss,
//! which is convex in them; a weak pull toward "leave as it is" keeps few rows from deciding much.
//!
//! After the softmax, curves can mend the probability of each class alone ([`IsotonicRegression`], one class against the rest, then brought to a sum of one, as Zadrozny & Elkan
//! 2002 do). They are level in places and know nothing of each other, so they could make a tie of what was none and turn the order of two classes round. Decisions therefore go by the
//! mended scores, whatever the curves say: they change the probability that is written, never the label.

use serde::{Deserialize, Serialize};

use super::classifier::softmax;
use super::isotonic::IsotonicRegression;
use super::newton::{Local, minimise};

/// Scores are multiplied by `factor`, then `offsets` are added; probabilities are the softmax of these, and then what the `isotonic` curves make of them.
///
/// ```
/// use rapporteur::linear::Calibration;
/// let calibration = Calibration { factor: 2.0, offsets: vec![0.0, 1.0], ..Default::default() };
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
    /// A curve for each class; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub isotonic: Vec<IsotonicRegression>,
}

impl Default for Calibration {
    fn default() -> Self {
        Calibration { factor: 1.0, offsets: Vec::new(), isotonic: Vec::new() }
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
    pub(super) fn allows(&self, row: usize, class: usize) -> bool {
        self.allowed.get(row * self.classes + class).copied().unwrap_or(true)
    }
}

impl Calibration {
    /// Turns scores into probabilities, in place.
    pub fn probabilities(&self, scores: &mut [f64]) {
        self.mend(scores);
        self.mended_probabilities(scores);
    }

    /// Turns mended scores into probabilities, in place. Those that are minus infinity, of classes that cannot occur, become zero; one at least is to be finite.
    pub fn mended_probabilities(&self, scores: &mut [f64]) {
        if self.isotonic.is_empty() {
            return softmax(scores);
        }
        // So far below the best a score no longer matters, but its probability is still above zero, and so told from that of a class that cannot occur.
        const FAR: f64 = 600.0;
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scores.iter_mut().filter(|z| **z > f64::NEG_INFINITY).for_each(|z| *z = z.max(best - FAR));
        softmax(scores);
        let mended = scores.iter_mut().zip(&self.isotonic).filter(|(p, _)| **p > 0.0);
        mended.for_each(|(p, curve)| *p = curve.predict(*p));
        let sum: f64 = scores.iter().sum();
        scores.iter_mut().for_each(|p| *p /= sum);
    }

    /// Mends scores, in place: decisions go by them, and [`Calibration::mended_probabilities`] makes probabilities of them.
    pub fn mend(&self, scores: &mut [f64]) {
        scores.iter_mut().for_each(|z| *z *= self.factor);
        scores.iter_mut().zip(&self.offsets).for_each(|(z, b)| *z += b);
    }

    /// The best factor alone.
    pub fn temperature(held_out: HeldOut<'_>) -> Self {
        Calibration::default().refit_temperature(held_out)
    }

    /// The best factor of all classes and offset of each: of two classes, Platt's method.
    pub fn platt(held_out: HeldOut<'_>) -> Self {
        Calibration::default().refit_platt(held_out)
    }

    /// The best factor, and curves for the probabilities that it gives.
    pub fn isotonic(held_out: HeldOut<'_>) -> Self {
        Calibration::default().refit_isotonic(held_out)
    }

    /// The best factor, looked for from this one, and curves for the probabilities that it gives.
    pub fn refit_isotonic(&self, held_out: HeldOut<'_>) -> Self {
        self.refit_temperature(held_out).with_curves(held_out)
    }

    /// The same factor and offsets, with curves for the probabilities that they give.
    pub fn with_curves(&self, held_out: HeldOut<'_>) -> Self {
        let k = held_out.classes;
        let mut out = Calibration { isotonic: Vec::new(), ..self.clone() };
        let mut probabilities = held_out.scores.to_vec();
        for (row, z) in probabilities.chunks_exact_mut(k).enumerate() {
            out.masked_probabilities(held_out, row, z);
        }
        let curve = |class: usize| {
            let rows = (0..held_out.targets.len()).filter(|&row| held_out.allows(row, class));
            IsotonicRegression::fit(rows.map(|row| {
                (probabilities[row * k + class], held_out.targets[row] as usize == class, held_out.weights[row])
            }))
        };
        out.isotonic = (0..k).map(curve).collect();
        out
    }

    /// The best factor alone, looked for from this one: that of rows much like these saves most of the way.
    pub fn refit_temperature(&self, held_out: HeldOut<'_>) -> Self {
        Self::fit(held_out, vec![self.factor])
    }

    /// The best factor and offsets, looked for from these.
    pub fn refit_platt(&self, held_out: HeldOut<'_>) -> Self {
        let mut theta = vec![0.0; 1 + held_out.classes];
        theta[0] = self.factor;
        theta[1..].iter_mut().zip(&self.offsets).for_each(|(t, b)| *t = *b);
        Self::fit(held_out, theta)
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
        self.mended_probabilities(z);
    }

    /// On ln(factor) the loss is not convex, on the factor itself it is, and the factor is kept above zero.
    fn fit(held_out: HeldOut<'_>, start: Vec<f64>) -> Self {
        let theta = minimise(start, |theta| local(held_out, theta), |theta| theta[0] > 1e-3);
        Calibration { factor: theta[0], offsets: theta[1..].to_vec(), isotonic: Vec::new() }
    }
}

/// The penalised log loss at one place, from one look at each row; `theta` is the factor and, where they are fitted, the offsets.
fn local(held_out: HeldOut<'_>, theta: &[f64]) -> Local {
    const PULL: f64 = 1.0;
    const PULL_OFFSETS: f64 = 4.0;
    let (k, size) = (held_out.classes, theta.len());
    let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
    let mut value = 0.0;
    for (a, &t) in theta.iter().enumerate() {
        let (pull, rest) = if a == 0 { (PULL, 1.0) } else { (PULL_OFFSETS, 0.0) };
        value += 0.5 * pull * (t - rest) * (t - rest);
        gradient[a] = pull * (t - rest);
        hessian[a * size + a] = pull;
    }
    let calibration = Calibration { factor: theta[0], offsets: theta[1..].to_vec(), isotonic: Vec::new() };
    let mut p = vec![0.0; k];
    for (i, scores) in held_out.scores.chunks_exact(k).enumerate() {
        p.copy_from_slice(scores);
        calibration.masked_probabilities(held_out, i, &mut p);
        let (weight, target) = (held_out.weights[i], held_out.targets[i] as usize);
        value -= weight * libm::log(p[target].max(1e-300));
        let (mut mean, mut square) = (0.0, 0.0);
        for (p, z) in p.iter().zip(scores).filter(|(p, _)| **p > 0.0) {
            mean += p * z;
            square += p * z * z;
        }
        gradient[0] += weight * (mean - scores[target]);
        hessian[0] += weight * (square - mean * mean);
        for a in 1..size {
            let (pa, za) = (p[a - 1], scores[a - 1]);
            gradient[a] += weight * (pa - f64::from(a - 1 == target));
            if pa > 0.0 {
                let own = weight * pa;
                hessian[a * size] += own * (za - mean);
                hessian[a * size + a] += own;
                let row = &mut hessian[a * size + 1..=a * size + a];
                row.iter_mut().zip(&p).for_each(|(h, pb)| *h -= own * pb);
            }
        }
    }
    Local { value, gradient, hessian }
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
    fn curves_mend_what_a_factor_cannot_and_leave_decisions_alone() {
        // Wrong as often where the scores are sure as where they are not, and never at all in between.
        let scores: Vec<f64> = (0..600).flat_map(|i| [[0.5, 0.0], [2.0, 0.0], [4.0, 0.0]][i % 3]).collect();
        let targets: Vec<u32> = (0..600).map(|i| u32::from(i % 3 != 1 && i % 4 == 0)).collect();
        let weights = vec![1.0; 600];
        let held_out = HeldOut { scores: &scores, targets: &targets, weights: &weights, classes: 2, allowed: &[] };
        let (plain, mended) = (Calibration::temperature(held_out), Calibration::isotonic(held_out));
        assert!(mended.log_loss(held_out) < plain.log_loss(held_out) * 0.99);
        assert_eq!(mended.factor, plain.factor);
        let mut before = 0.0;
        for z in -10..=10 {
            let mut p = [f64::from(z), 0.0];
            mended.probabilities(&mut p);
            assert!((p[0] + p[1] - 1.0).abs() < 1e-12 && p[0] >= before && p[0] > 0.0 && p[1] > 0.0, "{z}: {p:?}");
            before = p[0];
        }
    }

    #[test]
    fn curves_know_which_classes_can_occur() {
        let scores: Vec<f64> = (0..300).flat_map(|i| [f64::from(i % 7), 3.0, 900.0]).collect();
        let targets: Vec<u32> = (0..300).map(|i| u32::from(i % 7 < 3)).collect();
        let (weights, allowed) = (vec![1.0; 300], [true, true, false].repeat(300));
        let held_out = HeldOut { scores: &scores, targets: &targets, weights: &weights, classes: 3, allowed: &allowed };
        let calibration = Calibration::isotonic(held_out);
        assert_eq!(calibration.isotonic[2].knots(), 0);
        // The second score is as good as zero, but can occur.
        let mut p = [1e5, 0.0, f64::NEG_INFINITY];
        calibration.mended_probabilities(&mut p);
        assert!(p[1] > 0.003 && p[2] == 0.0 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{p:?}");
    }
}
