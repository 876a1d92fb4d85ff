//! Newton's method for the few numbers of a calibration.
//!
//! Flows in: a convex function that tells its value, gradient and Hessian, and where to begin. Flows out: where it is least. Of a few numbers Newton's steps are cheap, and near the end
//! each doubles the digits that are right; a line search keeps the first ones from going too far.

/// A function at one place: its value, its gradient and the lower half of its Hessian.
pub(super) struct Local {
    pub value: f64,
    pub gradient: Vec<f64>,
    pub hessian: Vec<f64>,
}

/// The place of the least value among those allowed, from `theta` on.
pub(super) fn minimise(
    mut theta: Vec<f64>,
    at: impl Fn(&[f64]) -> Local,
    allowed: impl Fn(&[f64]) -> bool,
) -> Vec<f64> {
    let mut here = at(&theta);
    for _ in 0..30 {
        let Some(step) = solve(here.hessian.clone(), here.gradient.clone()) else { break };
        // Halve the step until it helps and stays where it may go.
        let mut share = 1.0;
        let mut gained = 0.0;
        for _ in 0..20 {
            let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - share * s).collect();
            if allowed(&next) {
                let there = at(&next);
                if there.value < here.value {
                    gained = here.value - there.value;
                    (theta, here) = (next, there);
                    break;
                }
            }
            share *= 0.5;
        }
        // Steps converge quadratically: after one that gained so little, the next would gain the square of it.
        if gained <= 1e-6 * here.value.abs() {
            break;
        }
    }
    theta
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
    fn cholesky_solves_and_refuses() {
        let x = solve(vec![4.0, 2.0, 2.0, 3.0], vec![8.0, 7.0]).unwrap();
        assert!((x[0] - 1.25).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
        assert!(solve(vec![0.0], vec![1.0]).is_none());
    }
}
