//! Which rows to label next: uncertain, and unlike each other.
//!
//! Flows in: for each row its vector and what a model makes of it. Flows out: rows in the order in which to label them. After Ash et al. 2020, *Deep batch active learning by
//! diverse, uncertain gradient lower bounds* (BADGE): a row stands for the gradient that its likeliest label would give the weights, `(p - onehot(argmax p)) x`. It is long
//! where the model is unsure and points where the row's words are; rows are drawn as the starts of k-means++ are (Arthur and Vassilvitskii 2007), each by its squared distance from
//! those drawn before. So doubt and unlikeness are weighed against each other without a factor to be set. In a linear model the gradient need not be written down: an inner
//! product of two is the product of those of their halves. Topic and stance are one long gradient.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::control::Control;
use crate::error::Result;
use crate::linear::argmax;
use crate::sparse::SparseMatrix;

/// Rows to choose from: vectors, and the doubt about each.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Vectors, one a row.
    pub x: SparseMatrix,
    doubts: Vec<f32>,
    width: usize,
}

impl Candidates {
    /// No rows yet, with so many columns.
    pub fn with_cols(cols: usize) -> Candidates {
        Candidates { x: SparseMatrix::with_cols(cols), ..Default::default() }
    }

    /// Adds a row: its vector, and the probabilities of the labels of each head, of the same heads every time.
    pub fn push(&mut self, vector: impl IntoIterator<Item = (u32, f32)>, heads: &[&[f64]]) {
        self.x.push_row(vector);
        self.width = heads.iter().map(|head| head.len()).sum();
        for probabilities in heads {
            // A head without an answer (a topic that never has a stance) has no doubt either.
            let best = if probabilities.iter().any(|&p| p > 0.0) { argmax(probabilities) } else { usize::MAX };
            let certain = |k: usize| if k == best { 1.0 } else { 0.0 };
            self.doubts.extend(probabilities.iter().enumerate().map(|(k, &p)| (p - certain(k)) as f32));
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.x.rows()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn doubt(&self, row: usize) -> &[f32] {
        &self.doubts[row * self.width..(row + 1) * self.width]
    }

    /// The squared length of a row's gradient: how much its label would move the weights at least.
    pub fn weight(&self, row: usize) -> f64 {
        let doubt = self.doubt(row);
        dot(doubt, doubt) * self.x.row(row).squared_norm()
    }

    /// Adds all rows of others, of the same columns and heads.
    pub fn append(&mut self, others: &Candidates) {
        self.x.append(&others.x);
        self.doubts.extend_from_slice(&others.doubts);
        self.width = self.width.max(others.width);
    }

    /// The same rows, those named only, in the order given.
    pub fn select(&self, rows: &[usize]) -> Candidates {
        let doubts = rows.iter().flat_map(|&row| self.doubt(row)).copied().collect();
        Candidates { x: self.x.select(rows), doubts, width: self.width }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Chooses up to `count` rows, the first to be labelled first. The same candidates and seed give the same rows.
///
/// ```
/// use rapporteur::Control;
/// use rapporteur::curate::{Candidates, choose_diverse};
/// let mut candidates = Candidates::with_cols(2);
/// for (column, p) in [(0, 0.5), (0, 0.51), (1, 0.7), (1, 1.0)] {
///     candidates.push([(column, 1.0)], &[&[p, 1.0 - p]]);
/// }
/// // The most doubtful row comes first; then one of other words, though its twin is more doubtful.
/// assert_eq!(choose_diverse(&candidates, 2, 42, &Control::default())?, [0, 2]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// When the user asked to stop.
pub fn choose_diverse(candidates: &Candidates, count: usize, seed: u64, control: &Control) -> Result<Vec<usize>> {
    let weights: Vec<f64> = (0..candidates.len()).map(|row| candidates.weight(row)).collect();
    // Squared distances from the nearest chosen row; from nothing at first.
    let mut distances = weights.clone();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut chosen: Vec<usize> = Vec::new();
    let mut dense = vec![0.0f32; candidates.x.cols()];
    while chosen.len() < count.min(candidates.len()) {
        control.check()?;
        let next = match chosen.is_empty() {
            true => argmax(&weights),
            false => match draw(&distances, &mut rng) {
                Some(row) => row,
                None => break,
            },
        };
        chosen.push(next);
        let centre = candidates.x.row(next);
        centre.iter().for_each(|(j, x)| dense[j] = x);
        let doubt = candidates.doubt(next);
        distances.par_iter_mut().enumerate().for_each(|(row, distance)| {
            let alike: f64 = candidates.x.row(row).iter().map(|(j, x)| f64::from(x) * f64::from(dense[j])).sum();
            let apart = weights[row] + weights[next] - 2.0 * dot(candidates.doubt(row), doubt) * alike;
            // Rounding leaves a crumb between twins, by which they could be drawn.
            let apart = if apart < 1e-6 * weights[next] { 0.0 } else { apart };
            *distance = distance.min(apart);
        });
        distances[next] = 0.0;
        centre.iter().for_each(|(j, _)| dense[j] = 0.0);
    }
    // Where all that is left says the same as what was chosen, the most doubtful go first.
    if chosen.len() < count.min(candidates.len()) {
        let mut rest: Vec<usize> = (0..candidates.len()).filter(|row| !chosen.contains(row)).collect();
        rest.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
        chosen.extend(rest.into_iter().take(count - chosen.len()));
    }
    Ok(chosen)
}

/// A place, each as likely as its share of the sum; `None` if all are zero.
fn draw(shares: &[f64], rng: &mut Xoshiro256PlusPlus) -> Option<usize> {
    let total: f64 = shares.iter().sum();
    let at = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * total;
    let mut sum = 0.0;
    let mut last = None;
    for (place, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        sum += share;
        last = Some(place);
        if at < sum {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_come_last_and_everything_comes_once() {
        let mut candidates = Candidates::with_cols(3);
        for column in [0, 0, 0, 1, 2] {
            candidates.push([(column, 1.0)], &[&[0.4, 0.6], &[0.5, 0.3, 0.2]]);
        }
        let mut all = choose_diverse(&candidates, 9, 1, &Control::default()).unwrap();
        let mut first: Vec<usize> = all[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, [0, 3, 4]);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        assert!(choose_diverse(&Candidates::with_cols(1), 5, 1, &Control::default()).unwrap().is_empty());
    }

    #[test]
    fn the_weight_is_the_squared_length_of_the_gradient() {
        let mut candidates = Candidates::with_cols(2);
        candidates.push([(0, 2.0), (1, 1.0)], &[&[0.25, 0.75]]);
        // (0.25, -0.25) by (2, 1): squares 0.125 and 5.
        assert!((candidates.weight(0) - 0.625).abs() < 1e-12);
    }
}
