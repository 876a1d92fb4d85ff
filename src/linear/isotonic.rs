//! A curve that never falls, through what was seen: isotonic regression.
//!
//! Flows in: probabilities of one class for rows that the classifier did not see in training, and whether each row is of it. Flows out: a curve from the
//! probability said to the share that was right (Zadrozny & Elkan 2002, *Transforming classifier scores into accurate multiclass probability estimates*). It
//! mends what a factor cannot, such as a class that is right half as often as said only where it is nearly sure, and needs far more rows for it.

use serde::{Deserialize, Serialize};

/// The least-squares fit that never falls, by pool-adjacent-violators (Ayer et al. 1955): a line between knots, and level beyond them.
///
/// No share is surer than `n` rows can tell: shares stay within 1/(n + 2) and 1 - 1/(n + 2), so a log loss is finite. Knots are kept in single precision.
///
/// ```
/// use rapporteur::linear::IsotonicRegression;
/// // Said 0.6 and 0.7: two of the three are right, but in the wrong order, and so they share their mean.
/// let curve = IsotonicRegression::fit([(0.1, false, 1.0), (0.6, true, 1.0), (0.7, false, 1.0), (0.7, true, 1.0)]);
/// assert!((curve.predict(0.65) - 2.0 / 3.0).abs() < 1e-6);
/// assert!((curve.predict(0.0) - 1.0 / 6.0).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IsotonicRegression {
    /// Probabilities, ascending, and the shares there; none: probabilities are left as they are.
    knots: Vec<(f32, f32)>,
}

/// Rows whose shares are the same: from and to which probability, how many are of the class, how many there are.
struct Pool {
    from: f32,
    to: f32,
    right: f64,
    weight: f64,
}

impl Pool {
    fn share(&self) -> f64 {
        self.right / self.weight
    }
}

impl IsotonicRegression {
    /// From rows: the probability said of the class, whether the row is of it, and the row's weight. Without rows that weigh anything, a curve that changes nothing.
    pub fn fit(rows: impl IntoIterator<Item = (f64, bool, f64)>) -> Self {
        let mut rows: Vec<(f32, bool, f64)> = rows
            .into_iter()
            .filter(|(_, _, weight)| *weight > 0.0)
            .map(|(p, is, weight)| (p as f32, is, weight))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let least = 1.0 / (rows.len() as f64 + 2.0);
        let mut pools: Vec<Pool> = Vec::new();
        for ties in rows.chunk_by(|a, b| a.0 == b.0) {
            let right = ties.iter().filter(|row| row.1).map(|row| row.2).sum();
            let mut pool = Pool { from: ties[0].0, to: ties[0].0, right, weight: ties.iter().map(|row| row.2).sum() };
            while let Some(before) = pools.pop_if(|before| before.share() >= pool.share()) {
                pool.from = before.from;
                pool.right += before.right;
                pool.weight += before.weight;
            }
            pools.push(pool);
        }
        let mut knots: Vec<(f32, f32)> = Vec::new();
        for pool in pools {
            let share = pool.share().clamp(least, 1.0 - least) as f32;
            for p in [pool.from, pool.to] {
                // Of knots as high as each other only the first and the last bend the line.
                if let [.., a, b] = &mut knots[..]
                    && a.1 == share
                    && b.1 == share
                {
                    b.0 = p;
                } else if knots.last() != Some(&(p, share)) {
                    knots.push((p, share));
                }
            }
        }
        IsotonicRegression { knots }
    }

    /// The share of the class among rows of which this probability of it was said.
    pub fn predict(&self, probability: f64) -> f64 {
        let wide = |(p, share): (f32, f32)| (f64::from(p), f64::from(share));
        let after = self.knots.partition_point(|knot| f64::from(knot.0) <= probability);
        match (after.checked_sub(1).map(|i| wide(self.knots[i])), self.knots.get(after).map(|&knot| wide(knot))) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * ((probability - x0) / (x1 - x0)),
            (Some((_, share)), None) | (None, Some((_, share))) => share,
            (None, None) => probability,
        }
    }

    /// How many knots it has.
    pub fn knots(&self) -> usize {
        self.knots.len()
    }

    /// Whether it is a curve that never falls, of shares above zero: as a file of unknown origin may not have it.
    pub(crate) fn is_sound(&self) -> bool {
        self.knots.iter().all(|(p, share)| (0.0..=1.0).contains(p) && (f32::MIN_POSITIVE..=1.0).contains(share))
            && self.knots.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_as_by_hand() {
        let rows = [
            (0.1, false, 1.0),
            (0.2, false, 1.0),
            // 1, 0 and 1/2 of weight two: pooled to 2/4.
            (0.3, true, 1.0),
            (0.4, false, 1.0),
            (0.5, true, 1.0),
            (0.5, false, 1.0),
            (0.8, true, 1.0),
            (0.9, true, 1.0),
        ];
        let curve = IsotonicRegression::fit(rows);
        assert_eq!(curve.knots, [(0.1, 0.1), (0.2, 0.1), (0.3, 0.5), (0.5, 0.5), (0.8, 0.9), (0.9, 0.9)]);
        assert!(curve.is_sound());
        for (p, share) in [(0.0, 0.1), (0.15, 0.1), (0.25, 0.3), (0.4, 0.5), (0.65, 0.7), (1.0, 0.9)] {
            assert!((curve.predict(p) - share).abs() < 1e-6, "{p}: {}", curve.predict(p));
        }
    }

    #[test]
    fn weights_count_and_nothing_changes_nothing() {
        let curve = IsotonicRegression::fit([(0.4, true, 3.0), (0.6, false, 1.0)]);
        assert_eq!(curve.knots, [(0.4, 0.75), (0.6, 0.75)]);
        assert_eq!(IsotonicRegression::fit([]).predict(0.3), 0.3);
    }

    #[test]
    fn curves_that_are_none_are_told() {
        let sound = |knots: &[(f32, f32)]| IsotonicRegression { knots: knots.to_vec() }.is_sound();
        assert!(sound(&[]) && sound(&[(0.0, 0.5), (1.0, 0.5)]));
        assert!(!sound(&[(0.5, 0.2), (0.5, 0.3)]), "no probability twice");
        assert!(!sound(&[(0.1, 0.3), (0.5, 0.2)]), "it falls");
        assert!(!sound(&[(0.1, 0.0)]) && !sound(&[(0.1, 1.5)]) && !sound(&[(-0.1, 0.5)]) && !sound(&[(0.1, f32::NAN)]));
    }
}
