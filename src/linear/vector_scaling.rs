//! A factor and an offset for each class: Platt's method for more classes than two.
//!
//! Flows in: scores of rows held out, and a calibration with one factor for all classes. Flows out: how much more, or less, each class's scores are to count than that, and a calibration
//! for the scores that count so. Guo et al. 2017 call it vector scaling. A classifier's scores of a rare class, or of one that is whatever the others are not, mean less than those of a class with words of its own;
//! one factor for all is then too sure of the one and too modest of the other, and its decisions lean the wrong way. A factor a class leaves a linear classifier linear, so that it can be worked into
//! its weights and costs nothing afterwards.

use super::calibration::{Calibration, HeldOut};
use super::newton::{Local, minimise};

/// How strongly a factor is pulled toward that of all classes: as relative differences, so that it means the same for scores of any size.
const PULL: f64 = 30.0;
/// How strongly an offset is pulled toward zero.
const PULL_OFFSETS: f64 = 4.0;
/// Factors at least, as shares of that of all classes.
const LEAST: f64 = 0.05;
/// A class whose probability is below this bends the loss of a row by nothing to speak of.
const SLIGHT: f64 = 1e-5;

/// What each class's scores are multiplied by, and the calibration of what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VectorScaling {
    /// A factor for each class.
    pub factors: Vec<f64>,
    /// Mends the scores once they are multiplied.
    pub calibration: Calibration,
}

impl VectorScaling {
    /// The best factors and offsets, looked for from `shared`, which knows the factor of all classes.
    pub fn fit(held_out: HeldOut<'_>, shared: &Calibration) -> VectorScaling {
        let start = VectorScaling { factors: vec![1.0; held_out.classes], calibration: shared.clone() };
        start.refit(held_out)
    }

    /// The same for other rows, looked for from these: those of rows much like them save most of the way.
    pub fn refit(&self, held_out: HeldOut<'_>) -> VectorScaling {
        let (k, of_all) = (held_out.classes, self.calibration.factor);
        let mut theta = self.factors.clone();
        theta.extend((0..k).map(|class| self.calibration.offsets.get(class).unwrap_or(&0.0)));
        let theta = minimise(
            theta,
            |theta| local(held_out, of_all, theta),
            |theta| theta[..k].iter().all(|&factor| factor > LEAST),
        );
        let offsets = theta[k..].to_vec();
        VectorScaling {
            factors: theta[..k].to_vec(),
            calibration: Calibration { factor: of_all, offsets, isotonic: Vec::new() },
        }
    }

    /// Mean log loss of rows.
    pub fn log_loss(&self, held_out: HeldOut<'_>) -> f64 {
        let mut scores = held_out.scores.to_vec();
        scale_classes(&mut scores, &self.factors);
        self.calibration.log_loss(HeldOut { scores: &scores, ..held_out })
    }
}

/// Multiplies the scores of each class by its factor, row by row.
pub(crate) fn scale_classes(scores: &mut [f64], factors: &[f64]) {
    let rows = scores.chunks_exact_mut(factors.len());
    rows.for_each(|row| row.iter_mut().zip(factors).for_each(|(z, factor)| *z *= factor));
}

/// The penalised log loss at one place; `theta` is the factors of the classes, as shares of that of all, then the offsets.
fn local(held_out: HeldOut<'_>, of_all: f64, theta: &[f64]) -> Local {
    let k = held_out.classes;
    let (factors, offsets) = theta.split_at(k);
    let size = 2 * k;
    let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
    let mut value = 0.0;
    for class in 0..k {
        let (off, offset) = (factors[class] - 1.0, offsets[class]);
        value += 0.5 * (PULL * off * off + PULL_OFFSETS * offset * offset);
        (gradient[class], gradient[k + class]) = (PULL * off, PULL_OFFSETS * offset);
        hessian[class * size + class] = PULL;
        hessian[(k + class) * size + k + class] = PULL_OFFSETS;
    }
    let (mut p, mut matter) = (vec![0.0; k], Vec::with_capacity(k));
    for (row, scores) in held_out.scores.chunks_exact(k).enumerate() {
        for (class, p) in p.iter_mut().enumerate() {
            *p = match held_out.allows(row, class) {
                true => of_all * factors[class] * scores[class] + offsets[class],
                false => f64::NEG_INFINITY,
            };
        }
        super::softmax(&mut p);
        let (weight, target) = (held_out.weights[row], held_out.targets[row] as usize);
        value -= weight * libm::log(p[target].max(1e-300));
        matter.clear();
        for class in 0..k {
            let miss = weight * (p[class] - f64::from(class == target));
            gradient[class] += miss * of_all * scores[class];
            gradient[k + class] += miss;
            if p[class] > SLIGHT {
                matter.push(class);
            }
        }
        for &a in &matter {
            let za = of_all * scores[a];
            for &b in &matter {
                let zb = of_all * scores[b];
                let bend = weight * p[a] * (f64::from(a == b) - p[b]);
                hessian[(k + a) * size + b] += bend * zb;
                if b <= a {
                    hessian[a * size + b] += bend * za * zb;
                    hessian[(k + a) * size + k + b] += bend;
                }
            }
        }
    }
    Local { value, gradient, hessian }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of the third class are noise, those of the others are worth something.
    fn corpus() -> (Vec<f64>, Vec<u32>) {
        let mut state = 7u32;
        let mut uniform = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 24)
        };
        let (mut scores, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..3000 {
            let z: Vec<f64> = (0..3).map(|_| 4.0 * uniform() - 2.0).collect();
            let mut p = vec![2.0 * z[0], 2.0 * z[1], 0.5 * z[2] + 0.3];
            super::super::softmax(&mut p);
            let drawn = uniform();
            targets.push(if drawn < p[0] { 0 } else { 1 + u32::from(drawn >= p[0] + p[1]) });
            scores.extend(z);
        }
        (scores, targets)
    }

    #[test]
    fn a_class_whose_scores_say_less_has_a_smaller_factor() {
        let (scores, targets) = corpus();
        let weights = vec![1.0; targets.len()];
        let held_out = HeldOut { scores: &scores, targets: &targets, weights: &weights, classes: 3, allowed: &[] };
        let shared = Calibration::platt(held_out);
        let scaling = VectorScaling::fit(held_out, &shared);
        let found: Vec<f64> = scaling.factors.iter().map(|factor| factor * scaling.calibration.factor).collect();
        for (found, truth) in found.iter().zip([2.0, 2.0, 0.5]) {
            assert!((found - truth).abs() < 0.2, "{found:?}");
        }
        assert!(scaling.log_loss(held_out) < shared.log_loss(held_out) * 0.97);
        // A row more or less changes next to nothing, so that the best factors are found again from there.
        let again = scaling.refit(held_out);
        assert!(again.factors.iter().zip(&scaling.factors).all(|(a, b)| (a - b).abs() < 1e-3), "{again:?} {scaling:?}");
    }

    #[test]
    fn gradient_and_hessian_are_those_of_the_value() {
        let (scores, targets) = corpus();
        let (scores, targets) = (&scores[..60], &targets[..20]);
        let weights: Vec<f64> = (0..20).map(|i| 0.5 + f64::from(i % 3)).collect();
        let allowed: Vec<bool> = (0..60).map(|i| i % 9 != 8 || targets[i / 3] == 2).collect();
        let held_out = HeldOut { scores, targets, weights: &weights, classes: 3, allowed: &allowed };
        let theta = [0.9, 1.2, 0.7, 0.3, -0.2, 0.1];
        let here = local(held_out, 1.7, &theta);
        let step = 1e-5;
        for i in 0..6 {
            let beside = |by: f64| {
                let mut theta = theta;
                theta[i] += by;
                local(held_out, 1.7, &theta)
            };
            let (low, high) = (beside(-step), beside(step));
            let slope = (high.value - low.value) / (2.0 * step);
            assert!((slope - here.gradient[i]).abs() < 1e-5, "{i}: {slope} {}", here.gradient[i]);
            for j in 0..=i {
                let bend = (high.gradient[j] - low.gradient[j]) / (2.0 * step);
                // Classes of slight probability are left out of it.
                assert!((bend - here.hessian[i * 6 + j]).abs() < 1e-2, "{i} {j}: {bend} {}", here.hessian[i * 6 + j]);
            }
        }
    }
}
