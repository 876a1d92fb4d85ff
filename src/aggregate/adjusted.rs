//! Adjusted count: what the counts would be if the classifier did not err.
//!
//! Flows in: how often each label was taken for which, and the shares of the labels given. Flows out: shares of the true labels. If a row of label `g` is given label `p` with probability
//! `A[p][g]`, true shares `x` make the shares `A x` of given labels; `x` is sought the other way (Forman 2008, *Quantifying counts and costs via classification*; for many labels Hopkins &
//! King 2010, *A method of automated nonparametric content analysis for social science*). The inverse of `A` may give shares below zero or above one, so the `x` taken is the one among the shares
//! for which `A x` is nearest to what was counted, by squared distance.

/// Steps at most, and the change of a share below which no more are made.
const MOST_STEPS: usize = 2_000;
const SETTLED: f64 = 1e-9;

/// A head's errors, ready to be undone.
///
/// ```
/// use rapporteur::aggregate::AdjustedCount;
/// // Of ten rows of the first label one is taken for the second; of ten of the second, two for the first.
/// let adjusted = AdjustedCount::new(2, &[9, 1, 2, 8]);
/// // Half of the rows are of either label: 0.9 x 0.5 + 0.2 x 0.5 are given the first.
/// let shares = adjusted.shares(&[0.55, 0.45], &[true, true]);
/// assert!((shares[0] - 0.5).abs() < 1e-6);
/// ```
pub struct AdjustedCount {
    labels: usize,
    /// Share of the rows of a label (outer) that are given each (inner).
    rates: Vec<f64>,
    /// Products of the rates of two labels.
    gram: Vec<f64>,
    /// One over a bound on the curvature.
    step: f64,
}

impl AdjustedCount {
    /// From counts, true labels outside and given ones inside; a label without rows is taken to be always told right.
    pub fn new(labels: usize, confusion: &[u32]) -> AdjustedCount {
        let mut rates = vec![0.0; labels * labels];
        for (g, (row, counts)) in rates.chunks_exact_mut(labels).zip(confusion.chunks_exact(labels)).enumerate() {
            let rows: u64 = counts.iter().map(|&n| u64::from(n)).sum();
            match rows {
                0 => row[g] = 1.0,
                _ => row.iter_mut().zip(counts).for_each(|(rate, &n)| *rate = f64::from(n) / rows as f64),
            }
        }
        let mut gram = vec![0.0; labels * labels];
        for (g, a) in rates.chunks_exact(labels).enumerate() {
            for (h, b) in rates.chunks_exact(labels).enumerate() {
                gram[g * labels + h] = a.iter().zip(b).map(|(a, b)| a * b).sum();
            }
        }
        // No eigenvalue is above the largest sum of a row: all entries are positive.
        let bound = gram.chunks_exact(labels.max(1)).map(|row| row.iter().sum::<f64>()).fold(1e-12, f64::max);
        AdjustedCount { labels, rates, gram, step: 1.0 / bound }
    }

    /// The true shares, from the shares of the labels given; only `allowed` labels get any.
    pub fn shares(&self, given: &[f64], allowed: &[bool]) -> Vec<f64> {
        let k = self.labels;
        let pull: Vec<f64> =
            self.rates.chunks_exact(k).map(|row| row.iter().zip(given).map(|(a, c)| a * c).sum()).collect();
        let mut x = given.to_vec();
        project(&mut x, allowed);
        // Projected gradient with Nesterov's momentum, which is dropped where it leads uphill (O'Donoghue & Candès 2015).
        let (mut ahead, mut pace) = (x.clone(), 1.0f64);
        for _ in 0..MOST_STEPS {
            let gradient = |g: usize| {
                let row = &self.gram[g * k..(g + 1) * k];
                row.iter().zip(&ahead).map(|(a, x)| a * x).sum::<f64>() - pull[g]
            };
            let slopes: Vec<f64> = (0..k).map(gradient).collect();
            let mut next: Vec<f64> = ahead.iter().zip(&slopes).map(|(x, g)| x - self.step * g).collect();
            project(&mut next, allowed);
            let uphill: f64 =
                ahead.iter().zip(&next).zip(&x).map(|((ahead, next), x)| (ahead - next) * (next - x)).sum();
            let change = next.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let faster = if uphill > 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * pace * pace).sqrt()) };
            let momentum = if uphill > 0.0 { 0.0 } else { (pace - 1.0) / faster };
            ahead = next.iter().zip(&x).map(|(a, b)| a + momentum * (a - b)).collect();
            (x, pace) = (next, faster);
            if change < SETTLED {
                break;
            }
        }
        x
    }
}

/// The nearest shares: allowed ones not below zero, the others zero, all together one (Duchi et al. 2008, *Efficient projections onto the l1-ball*).
fn project(x: &mut [f64], allowed: &[bool]) {
    let mut sorted: Vec<f64> = x.iter().zip(allowed).filter(|(_, a)| **a).map(|(x, _)| *x).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut level) = (0.0, 0.0);
    for (i, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (i + 1) as f64;
        if *value <= candidate {
            break;
        }
        level = candidate;
    }
    for (x, allowed) in x.iter_mut().zip(allowed) {
        *x = if *allowed { (*x - level).max(0.0) } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_inverse_would_make_negative_is_zero() {
        // Told right in 9 of 10 each way, but 5 % were given the first label: fewer than its errors alone.
        let shares = AdjustedCount::new(2, &[9, 1, 1, 9]).shares(&[0.05, 0.95], &[true, true]);
        assert_eq!(shares, [0.0, 1.0]);
    }

    #[test]
    fn labels_that_cannot_occur_get_nothing() {
        let shares = AdjustedCount::new(3, &[8, 1, 1, 1, 8, 1, 1, 1, 8]).shares(&[0.4, 0.2, 0.4], &[true, false, true]);
        assert_eq!(shares[1], 0.0);
        assert!((shares[0] - 0.5).abs() < 1e-6 && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
    }

    proptest! {
        #[test]
        fn expected_counts_give_the_true_shares_back(
            errors in prop::collection::vec(0u32..8, 16),
            weights in prop::collection::vec(0.0f64..1.0, 4),
        ) {
            // Mostly right, so that the matrix has an inverse.
            let confusion: Vec<u32> =
                errors.iter().enumerate().map(|(i, &n)| if i % 5 == 0 { 40 + n } else { n }).collect();
            let total: f64 = weights.iter().sum::<f64>() + 1e-9;
            let truth: Vec<f64> = weights.iter().map(|w| (w + 0.25e-9) / total).collect();
            let mut given = vec![0.0; 4];
            for (g, row) in confusion.chunks_exact(4).enumerate() {
                let rows: u32 = row.iter().sum();
                for (p, n) in row.iter().enumerate() {
                    given[p] += truth[g] * f64::from(*n) / f64::from(rows);
                }
            }
            let found = AdjustedCount::new(4, &confusion).shares(&given, &[true; 4]);
            for (a, b) in found.iter().zip(&truth) {
                prop_assert!((a - b).abs() < 1e-5, "{found:?} {truth:?}");
            }
        }

        #[test]
        fn whatever_was_counted_gives_shares(
            confusion in prop::collection::vec(0u32..50, 25),
            given in prop::collection::vec(0.0f64..1.0, 5),
        ) {
            let found = AdjustedCount::new(5, &confusion).shares(&given, &[true; 5]);
            prop_assert!(found.iter().all(|x| (0.0..=1.0 + 1e-12).contains(x)));
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
