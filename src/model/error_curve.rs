//! How often a head errs where it is at least so sure: what lets it say "unsure" in place of too many wrong labels.
//!
//! Flows in: out-of-fold decisions, each with the probability of its label and whether it was right. Flows out: an [`ErrorCurve`] of at most 200 points, kept
//! in the model file, and from it the probability below which labels are to be withheld.
//!
//! A threshold is taken only where the one-sided 95 % upper bound of Clopper and Pearson (1934) on the error is within what is asked for, as Geifman and
//! El-Yaniv (2017, *Selective classification for deep neural networks*) do with the same bound. The plain share of errors would be exceeded on new rows about
//! every other time, and far exceeded where few rows are accepted.

use serde::{Deserialize, Serialize};

use crate::linear::{Calibration, argmax};

/// Points of a curve at most.
const POINTS: usize = 200;
/// Thresholds are multiples of one over this.
const GRID: f64 = 1e4;
/// How seldom the error of the accepted rows may be above the bound by chance.
const RISK: f64 = 0.05;

/// Errors of a head on rows that it did not learn from, by the probability of the label written.
///
/// The curve of a stance is that of the stance given the true topic: given a predicted one, stances err more often.
///
/// The rows count alike, whatever their weights. Rows of one group are counted as if they were independent.
///
/// ```
/// use rapporteur::model::ErrorCurve;
/// // 300 rows at 0.9 without an error, 300 at 0.6 of which every third is wrong.
/// let rows = (0..600).map(|i| if i < 300 { (0.9, true) } else { (0.6, i % 3 > 0) });
/// let curve = ErrorCurve::new(rows.collect());
/// assert_eq!(curve.threshold(0.05), Some(0.9));
/// assert_eq!(curve.threshold(0.25), Some(0.6));
/// assert_eq!(curve.threshold(0.001), None);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorCurve {
    /// Probabilities, descending.
    thresholds: Vec<f64>,
    /// Rows whose label is at least so probable.
    accepted: Vec<u32>,
    /// How many of these are wrong.
    wrong: Vec<u32>,
}

impl ErrorCurve {
    /// From decisions: the probability of the label, and whether it is right.
    pub fn new(mut decisions: Vec<(f64, bool)>) -> Self {
        decisions.sort_by(|a, b| b.0.total_cmp(&a.0));
        let n = decisions.len();
        let mut out = ErrorCurve::default();
        let (mut accepted, mut wrong) = (0, 0);
        for point in 1..=POINTS.min(n) {
            // The grid is below the probability, so that equal rows are accepted together.
            let threshold = (decisions[point * n / POINTS.min(n) - 1].0 * GRID).floor() / GRID;
            if out.thresholds.last().is_some_and(|&last| last <= threshold) {
                continue;
            }
            while let Some(&(_, right)) = decisions.get(accepted).filter(|d| d.0 >= threshold) {
                accepted += 1;
                wrong += u32::from(!right);
            }
            out.thresholds.push(threshold);
            out.accepted.push(accepted as u32);
            out.wrong.push(wrong);
        }
        out
    }

    /// From out-of-fold scores, `classes` a row, that are mended and minus infinity where a class cannot occur; decided with `offsets`. `calibration_of` a row makes its probabilities.
    pub(super) fn of_scores<'a>(
        scores: &[f64],
        offsets: &[f64],
        targets: &[u32],
        classes: usize,
        calibration_of: impl Fn(usize) -> &'a Calibration,
    ) -> Self {
        let decide = |(row, (scores, &target)): (usize, (&[f64], &u32))| {
            let mut z = scores.to_vec();
            z.iter_mut().zip(offsets).for_each(|(z, b)| *z += b);
            let decided = argmax(&z);
            z.copy_from_slice(scores);
            calibration_of(row).mended_probabilities(&mut z);
            (z[decided], decided == target as usize)
        };
        ErrorCurve::new(scores.chunks_exact(classes).zip(targets).enumerate().map(decide).collect())
    }

    /// The lowest probability from which on labels err at most `max_error`, with a confidence of 95 %; `None` if there is none.
    pub fn threshold(&self, max_error: f64) -> Option<f64> {
        (0..self.thresholds.len())
            .rev()
            .find(|&i| at_most(self.wrong[i], self.accepted[i], max_error) <= RISK)
            .map(|i| self.thresholds[i])
    }

    /// The least error, to three decimals, for which there is a threshold.
    pub fn least_error(&self) -> f64 {
        // Whether there is a threshold is monotone in the error asked for.
        let (mut low, mut high) = (0, 1000);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if self.threshold(f64::from(middle) / 1e3).is_some() { high = middle } else { low = middle }
        }
        f64::from(high) / 1e3
    }

    /// Whether it is a curve: as a file of unknown origin may not have it.
    pub(super) fn is_sound(&self) -> bool {
        let n = self.thresholds.len();
        self.accepted.len() == n
            && self.wrong.len() == n
            && n <= POINTS
            && self.thresholds.iter().all(|t| (0.0..=1.0).contains(t))
            && self.thresholds.windows(2).all(|t| t[0] > t[1])
            && self.accepted.windows(2).all(|a| a[0] <= a[1])
            && self.wrong.iter().zip(&self.accepted).all(|(w, a)| w <= a)
    }
}

/// Probability of at most `wrong` errors in `rows` rows, if each is wrong with probability `error`: where it is small, the error is hardly so large.
fn at_most(wrong: u32, rows: u32, error: f64) -> f64 {
    if error <= 0.0 || wrong >= rows {
        return 1.0;
    }
    if error >= 1.0 {
        return 0.0;
    }
    let (n, odds) = (f64::from(rows), libm::log(error) - libm::log1p(-error));
    // The logarithm of each term from that of the term before: no term underflows before it is summed.
    let mut term = n * libm::log1p(-error);
    let mut sum = libm::exp(term);
    for i in 1..=wrong {
        let i = f64::from(i);
        term += libm::log((n - i + 1.0) / i) + odds;
        sum += libm::exp(term);
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_tails_are_those_of_scipy() {
        // scipy.stats.binom.cdf(k, n, p)
        for (k, n, p, expected) in [(0, 58, 0.05, 0.05105), (3, 100, 0.05, 0.25784), (900, 10_000, 0.1, 0.000385)] {
            assert!((at_most(k, n, p) - expected).abs() < 2e-5, "{k} {n} {p}: {}", at_most(k, n, p));
        }
        assert_eq!((at_most(0, 10, 0.0), at_most(10, 10, 0.5), at_most(3, 10, 1.0)), (1.0, 1.0, 0.0));
    }

    #[test]
    fn a_curve_covers_all_rows_in_few_points_whatever_their_order() {
        let rows: Vec<(f64, bool)> = (0..5000u32).map(|i| (f64::from(i * 37 % 5000) / 5000.0, i % 7 > 0)).collect();
        let curve = ErrorCurve::new(rows.clone());
        assert!(curve.is_sound() && curve.thresholds.len() > 150);
        assert_eq!(curve.accepted.last(), Some(&5000));
        assert_eq!(curve.wrong.last(), Some(&(5000u32.div_ceil(7))));
        assert_eq!(curve, ErrorCurve::new(rows.into_iter().rev().collect()));
        assert_eq!(ErrorCurve::new(Vec::new()).threshold(0.5), None);
    }

    #[test]
    fn few_rows_promise_little() {
        // Without one error in 20 rows, the error may still be 14 %: 0.86^20 = 0.05.
        let curve = ErrorCurve::new(vec![(0.99, true); 20]);
        assert_eq!((curve.threshold(0.1), curve.threshold(0.14)), (None, Some(0.99)));
        assert!((curve.least_error() - 0.14).abs() < 1e-9, "{}", curve.least_error());
    }

    #[test]
    fn the_error_of_new_rows_is_within_what_was_asked_for() {
        // Rows that are right with just their probability; 200 small corpora, thresholds for 10 %, judged by the expected error.
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let (mut kept, mut asked) = (0, 0);
        for _ in 0..200 {
            let mut row = || {
                let p = 0.5 + 0.5 * next();
                (p, next() < p)
            };
            let curve = ErrorCurve::new((0..400).map(|_| row()).collect());
            let Some(threshold) = curve.threshold(0.1) else { continue };
            asked += 1;
            // The mean of 1 - p over [threshold, 1].
            kept += i32::from((1.0 - threshold) / 2.0 <= 0.1);
        }
        assert!(asked > 150 && f64::from(kept) >= 0.85 * f64::from(asked), "{kept} of {asked}");
    }
}
