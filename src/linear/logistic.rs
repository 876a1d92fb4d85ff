//! The multinomial logistic loss, seen from the dual.
//!
//! Flows in: the scores z of a row and its dual variable, a probability p over the classes. Flows out: the p that maximises the dual with all
//! other rows held fixed. With W = Σ C_i x_i (e_y − p_i)ᵀ the dual is −½‖W‖² + Σ C_i H(p_i) (Yu, Huang and Lin 2011, *Dual coordinate descent methods for
//! logistic regression and maximum entropy models*), and by Fenchel and Young the share of row i in the duality gap is C_i KL(p_i ‖ softmax(z_i)): a
//! certificate that costs one look at each row.

use super::dual::RowLoss;
use super::exp::exp;

pub(super) struct Logistic;

/// Dual variables smaller than this are lifted to it, where logarithms are needed.
const TINY: f64 = 1e-30;

impl RowLoss for Logistic {
    fn start(dual: &mut [f32], target: usize) {
        // p = e_y makes W zero, the solution for C = 0.
        dual.fill(0.0);
        dual[target] = 1.0;
    }

    /// With s = C‖x‖² and a = z + s p_old, the new p solves ln p + s p = a − λ with λ such that Σ p = 1. Newton's method on v = ln p,
    /// in which λ enters linearly, from v = ln softmax(z): exact at the optimum, two or three rounds elsewhere.
    fn step(
        z: &[f32],
        dual: &mut [f32],
        delta: &mut [f32],
        target: usize,
        cost: f64,
        squared_norm: f64,
        work: &mut Vec<f64>,
    ) -> f64 {
        let k = dual.len();
        let _ = target;
        let s = cost * squared_norm;
        work.clear();
        work.resize(2 * k, 0.0);
        let (v, p) = work.split_at_mut(k);
        let most = z[..k].iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let mut sum = 0.0;
        for (p, &z) in p.iter_mut().zip(z) {
            *p = exp(f64::from(z - most));
            sum += *p;
        }
        let log_sum = libm::log(sum);
        let mut far = 0.0;
        for i in 0..k {
            v[i] = f64::from(z[i] - most) - log_sum;
            p[i] /= sum;
            let old = f64::from(dual[i]);
            let off = old - p[i];
            // Near the optimum KL is half of chi squared; far from it this only says "far".
            far += off * off / (old + p[i] + TINY);
        }
        for _ in 0..12 {
            let (mut weight, mut weighted, mut total) = (0.0, 0.0, 0.0);
            for i in 0..k {
                let share = p[i] / (1.0 + s * p[i]);
                let rest = f64::from(z[i] - most) + s * (f64::from(dual[i]) - p[i]) - v[i];
                weight += share;
                weighted += share * rest;
                total += p[i];
            }
            let lambda = (weighted - (1.0 - total)) / weight;
            let mut moved = 0.0;
            for i in 0..k {
                let rest = f64::from(z[i] - most) + s * (f64::from(dual[i]) - p[i]) - v[i];
                let step = (rest - lambda) / (1.0 + s * p[i]);
                v[i] = (v[i] + step).min(0.0);
                let next = exp(v[i]);
                moved += (next - p[i]).abs();
                p[i] = next;
            }
            // The error is squared in each round: one that moved so little is the last that 32 bits can tell.
            if moved < 1e-5 {
                break;
            }
        }
        let total: f64 = p.iter().sum();
        for i in 0..k {
            let old = dual[i];
            dual[i] = (p[i] / total) as f32;
            delta[i] = (cost * (f64::from(old) - f64::from(dual[i]))) as f32;
        }
        cost * far
    }

    fn loss_and_gap(z: &[f32], dual: &[f32], target: usize, cost: f64) -> (f64, f64) {
        let k = dual.len();
        let most = z[..k].iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let log_sum = libm::log(z[..k].iter().map(|&z| exp(f64::from(z - most))).sum::<f64>());
        let log_p = |i: usize| f64::from(z[i] - most) - log_sum;
        let divergence: f64 = (0..k)
            .map(|i| {
                let p = f64::from(dual[i]);
                if p <= TINY { 0.0 } else { p * (libm::log(p) - log_p(i)) }
            })
            .sum();
        (-cost * log_p(target), cost * divergence.max(0.0))
    }
}
