//! How good the probabilities are: log loss, Brier score, expected calibration error.
//!
//! Flows in: for each judged row a [`Posterior`], the little that these scores need of its probabilities. Flows out:
//! [`ProbabilityScores`] and the bins of a reliability diagram. Rows without an answer have no probabilities and are not
//! counted; a gold label that the model does not know has the probability 0.

use serde::Serialize;

/// Bins of the calibration error.
pub const BINS: usize = 10;

/// What the probabilities of one row come to beside its gold label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// Probability of the label that was written.
    pub written: f64,
    /// Probability of the gold label.
    pub gold: f64,
    /// Sum of the squares of the probabilities of all labels.
    pub squares: f64,
    /// How many labels there are.
    pub labels: usize,
}

impl Posterior {
    /// From the probabilities of all labels and the places of the label written and of the gold one, `None` if it has
    /// no place.
    ///
    /// ```
    /// use rapporteur::evaluate::Posterior;
    /// let posterior = Posterior::new(&[0.25, 0.75], 1, Some(0));
    /// assert_eq!((posterior.written, posterior.gold), (0.75, 0.25));
    /// assert_eq!(posterior.brier_score(), 0.5625);
    /// ```
    pub fn new(probabilities: &[f64], written: usize, gold: Option<usize>) -> Posterior {
        Posterior {
            written: probabilities.get(written).copied().unwrap_or(0.0),
            gold: gold.and_then(|g| probabilities.get(g)).copied().unwrap_or(0.0),
            squares: probabilities.iter().map(|p| p * p).sum(),
            labels: probabilities.len(),
        }
    }

    /// -ln P(gold), the probability kept from 0 and 1 by the precision of the number as in scikit-learn's `log_loss`.
    pub fn log_loss(&self) -> f64 {
        -libm::log(self.gold.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
    }

    /// The squared distance of the probabilities from the truth, halved where there are two labels, as scikit-learn's
    /// `brier_score_loss` does.
    pub fn brier_score(&self) -> f64 {
        let distance = self.squares - 2.0 * self.gold + 1.0;
        if self.labels == 2 { distance / 2.0 } else { distance }
    }
}

/// A bin of a reliability diagram: rows whose label was written with about the same probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Rows.
    pub rows: u64,
    /// Mean probability of the label written.
    pub confidence: f64,
    /// Share that is right.
    pub accuracy: f64,
}

/// Scores of the probabilities of one head; all are better the smaller they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbabilityScores {
    /// Rows with a gold label and an answer.
    pub probability_rows: u64,
    /// Mean of -ln P(gold label), in nats: scikit-learn's `log_loss`. A gold label of probability 0 costs 36.
    pub log_loss: f64,
    /// Mean squared distance of the probabilities from the truth, from 0 to 2, or to 1 where there are two labels:
    /// scikit-learn's `brier_score_loss` (Brier 1950).
    pub brier_score: f64,
    /// Mean distance between the probability of the label written and the share that is right, over ten bins of
    /// equally many rows (Nguyen & O'Connor 2015, *Posterior calibration and exploratory analysis for natural language
    /// processing models*).
    pub expected_calibration_error: f64,
    /// Area under the risk-coverage curve, [`aurc`](super::aurc): how well the probabilities tell right answers from wrong ones, and how few are wrong.
    pub aurc: f64,
    /// The ten bins, from the least sure rows to the surest; fewer where there are fewer rows.
    pub reliability: Vec<Bin>,
}

/// Sums from which the scores are made: of all rows, or of a resample.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ProbabilitySums {
    pub rows: u64,
    pub log_loss: f64,
    pub brier_score: f64,
    /// Of each bin: rows, summed probabilities of the labels written, rows that are right.
    pub bins: [(u64, f64, u64); BINS],
}

impl ProbabilitySums {
    /// Adds a row of a bin.
    pub fn add(&mut self, posterior: &Posterior, bin: u8, right: bool) {
        self.rows += 1;
        self.log_loss += posterior.log_loss();
        self.brier_score += posterior.brier_score();
        let (rows, written, rights) = &mut self.bins[usize::from(bin)];
        *rows += 1;
        *written += posterior.written;
        *rights += u64::from(right);
    }

    /// Log loss, Brier score and calibration error; NaN without rows.
    pub fn means(&self) -> [f64; 3] {
        let rows = self.rows as f64;
        let gap = |&(_, written, right): &(u64, f64, u64)| (written - right as f64).abs();
        [self.log_loss / rows, self.brier_score / rows, self.bins.iter().map(gap).sum::<f64>() / rows]
    }

    /// The scores, with what only single rows tell, if there is a row.
    pub fn scores(&self, aurc: f64) -> Option<ProbabilityScores> {
        if self.rows == 0 {
            return None;
        }
        let [log_loss, brier_score, expected_calibration_error] = self.means();
        let bin = |&(rows, written, right): &(u64, f64, u64)| Bin {
            rows,
            confidence: written / rows as f64,
            accuracy: right as f64 / rows as f64,
        };
        Some(ProbabilityScores {
            probability_rows: self.rows,
            log_loss,
            brier_score,
            expected_calibration_error,
            aurc,
            reliability: self.bins.iter().filter(|b| b.0 > 0).map(bin).collect(),
        })
    }
}

/// The bin of each row: equally many rows a bin, by the probability of the label written, which `rows` has with whether
/// it is right. Of equal probabilities the wrong come first, so that the order of the rows does not matter.
pub(super) fn bins_of(rows: &[(f64, bool)]) -> Vec<u8> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| rows[a].0.total_cmp(&rows[b].0).then(rows[a].1.cmp(&rows[b].1)));
    let mut bins = vec![0; rows.len()];
    for bin in 0..BINS {
        for &row in &order[bin * rows.len() / BINS..(bin + 1) * rows.len() / BINS] {
            bins[row] = bin as u8;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_of_equal_size_and_do_not_follow_the_order_of_rows() {
        let rows: Vec<(f64, bool)> = (0..25).map(|i| (f64::from(i % 5) / 5.0, i % 2 == 0)).collect();
        let mut sizes = [0; BINS];
        bins_of(&rows).iter().for_each(|&b| sizes[usize::from(b)] += 1);
        assert!(sizes.iter().all(|&s| s == 2 || s == 3), "{sizes:?}");
        let error = |rows: &[(f64, bool)]| {
            let mut sums = ProbabilitySums::default();
            for (&(p, right), bin) in rows.iter().zip(bins_of(rows)) {
                sums.add(&Posterior::new(&[p, 1.0 - p], 0, Some(0)), bin, right);
            }
            sums.means()[2]
        };
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        assert!((error(&rows) - error(&reversed)).abs() < 1e-12);
    }

    #[test]
    fn few_rows_and_none() {
        assert_eq!(ProbabilitySums::default().scores(0.0), None);
        let mut sums = ProbabilitySums::default();
        sums.add(&Posterior::new(&[0.5, 0.5, 0.0], 0, None), bins_of(&[(0.5, false)])[0], false);
        let scores = sums.scores(1.0).expect("a row");
        assert_eq!((scores.probability_rows, scores.reliability.len()), (1, 1));
        assert_eq!((scores.brier_score, scores.expected_calibration_error), (1.5, 0.5));
        assert!((scores.log_loss - 36.04).abs() < 0.01);
    }
}
