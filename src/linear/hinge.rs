//! The one-vs-rest squared hinge loss, seen from the dual.
//!
//! Flows in: the scores z of a row and its dual variables α ≥ 0, one a class. Flows out: the α that maximise the dual with all other rows held
//! fixed, in closed form (Hsieh et al. 2008, *A dual coordinate descent method for large-scale linear SVM*). With W_k = Σ α_ik y_ik x_i the share of a row
//! and class in the duality gap is Cξ² + α²/4C − α(1 − yz), ξ = max(0, 1 − yz). All classes are stepped at once, because they read the same row.

use super::dual::RowLoss;

pub(super) struct SquaredHinge;

impl RowLoss for SquaredHinge {
    fn start(dual: &mut [f32], _target: usize) {
        dual.fill(0.0);
    }

    fn step(
        z: &[f32],
        dual: &mut [f32],
        delta: &mut [f32],
        target: usize,
        cost: f64,
        squared_norm: f64,
        _work: &mut Vec<f64>,
    ) -> f64 {
        let diagonal = 0.5 / cost;
        let mut gap = 0.0;
        for i in 0..dual.len() {
            let sign = if i == target { 1.0 } else { -1.0 };
            let old = f64::from(dual[i]);
            let short = 1.0 - sign * f64::from(z[i]);
            gap += row_gap(old, short, cost);
            dual[i] = (old + (short - old * diagonal) / (squared_norm + diagonal)).max(0.0) as f32;
            delta[i] = (sign * (f64::from(dual[i]) - old)) as f32;
        }
        gap
    }

    fn loss_and_gap(z: &[f32], dual: &[f32], target: usize, cost: f64) -> (f64, f64) {
        let (mut loss, mut gap) = (0.0, 0.0);
        for (i, &alpha) in dual.iter().enumerate() {
            let sign = if i == target { 1.0 } else { -1.0 };
            let short = 1.0 - sign * f64::from(z[i]);
            loss += cost * short.max(0.0) * short.max(0.0);
            gap += row_gap(f64::from(alpha), short, cost);
        }
        (loss, gap)
    }
}

fn row_gap(alpha: f64, short: f64, cost: f64) -> f64 {
    let slack = short.max(0.0);
    (cost * slack * slack + alpha * alpha / (4.0 * cost) - alpha * short).max(0.0)
}
