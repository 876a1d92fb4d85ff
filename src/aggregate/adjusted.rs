//! Adjusted count: what the counts would be if the classifier did not err.
//!
//! Flows in: how often each label was taken for which, and the shares of the labels given. Flows out: shares of the true labels. If a row of label `g` is given label `p` with probability
//! `A[p][g]`, true shares `x` make the shares `A x` of given labels; `x` is sought the other way (Forman 2008, *Quantifying counts and costs via classification*; for many labels Hopkins &
//! King 2010, *A method of automated nonparametric content analysis for social science*). The inverse of `A` may give shares below zero or above one, so the `x` taken is the one among the shares
//! under which what was counted is the likeliest. It is climbed to by EM: each count is shared out over the true labels by how probably it came from each, and these make the next shares (D'Agostini 1995,
//! *A multidimensional unfolding method based on Bayes' theorem*). The `x` whose `A x` is nearest by squared distance would weigh a count of ten as one of a thousand.

/// Steps at most, and the change of a share below which no more are made.
const MOST_STEPS: usize = 2_000;
const SETTLED: f64 = 1e-8;

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
        AdjustedCount { labels, rates }
    }

    /// The true shares, from the shares of the labels given; only `allowed` labels get any.
    pub fn shares(&self, given: &[f64], allowed: &[bool]) -> Vec<f64> {
        let k = self.labels;
        let even = 1.0 / allowed.iter().filter(|a| **a).count().max(1) as f64;
        let mut x: Vec<f64> = allowed.iter().map(|&a| if a { even } else { 0.0 }).collect();
        let mut ratios = vec![0.0; k];
        for _ in 0..MOST_STEPS {
            ratios.fill(0.0);
            for (row, share) in self.rates.chunks_exact(k).zip(&x) {
                ratios.iter_mut().zip(row).for_each(|(expected, rate)| *expected += rate * share);
            }
            // A label that no row of these would be given says nothing of them.
            ratios.iter_mut().zip(given).for_each(|(r, c)| *r = if *r > 0.0 { c / *r } else { 0.0 });
            let grown = self.rates.chunks_exact(k).map(|row| row.iter().zip(&ratios).map(|(a, r)| a * r).sum::<f64>());
            let mut next: Vec<f64> = x.iter().zip(grown).map(|(x, grown)| x * grown).collect();
            let sum: f64 = next.iter().sum();
            if sum <= 0.0 {
                break;
            }
            next.iter_mut().for_each(|x| *x /= sum);
            let change = next.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            x = next;
            if change < SETTLED {
                break;
            }
        }
        x
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
        assert!(shares[0] < 1e-6 && shares[1] > 1.0 - 1e-6, "{shares:?}");
    }

    #[test]
    fn counts_are_likeliest_under_the_shares_found() {
        let (confusion, given) = ([7, 2, 1, 3, 6, 1, 0, 2, 8], [0.5, 0.2, 0.3]);
        let adjusted = AdjustedCount::new(3, &confusion);
        let likelihood = |x: &[f64]| -> f64 {
            let expected = |p: usize| (0..3).map(|g| x[g] * f64::from(confusion[g * 3 + p]) / 10.0).sum::<f64>();
            (0..3).map(|p| given[p] * expected(p).ln()).sum()
        };
        let found = adjusted.shares(&given, &[true; 3]);
        let best = likelihood(&found);
        for (a, b) in (0..=100).flat_map(|a| (0..=100 - a).map(move |b| (f64::from(a) / 100.0, f64::from(b) / 100.0))) {
            assert!(likelihood(&[a, b, 1.0 - a - b]) <= best + 1e-9, "{found:?} {a} {b}");
        }
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
                // Shares next to zero are reached slowly.
                prop_assert!((a - b).abs() < 1e-3, "{found:?} {truth:?}");
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
