//! What the folds of training knew of a head's errors, kept in the model for whoever counts its labels.
//!
//! Flows in: the out-of-fold scores on which a head was mended. Flows out: [`KnownErrors`]: how often each label was taken for which, and the mean probability of each. A count of
//! predicted labels is biased by the classifier's errors; with these it can be corrected ([`crate::aggregate`]). The rows are those of the training corpus, but none was judged by
//! a classifier that had seen it.

use serde::{Deserialize, Serialize};

use super::heads::{Chosen, Fitted};
use super::out_of_fold::Task;
use crate::linear::argmax;

/// How a head erred on rows that it had not seen, in cross-validation inside training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownErrors {
    /// Rows of each true label (outer) that were given each label (inner); `labels x labels`, side by side.
    pub confusion: Vec<u32>,
    /// Mean probability of each label over these rows: what the probabilities take to be usual. For stances, topic by topic: `topics x labels`, side by side.
    pub prior: Vec<f64>,
}

impl KnownErrors {
    /// From a head and the scores it was mended on; `topics`, for the stance head, is how many there are and, of each row of the matrix, which; without topics its rows are of one. `None` where training had too few rows for folds.
    pub(super) fn of(
        task: &Task<'_>,
        chosen: &Chosen,
        fitted: &Fitted,
        topics: Option<(usize, &[u32])>,
    ) -> Option<KnownErrors> {
        if chosen.sample.is_empty() {
            return None;
        }
        let k = task.classes;
        let topics = topics.filter(|&(count, _)| count > 0);
        let count = topics.map_or(1, |(count, _)| count);
        let (mut confusion, mut prior, mut rows) = (vec![0u32; k * k], vec![0.0; count * k], vec![0.0; count]);
        for (&i, scores) in chosen.sample.iter().zip(chosen.scores.chunks_exact(k)) {
            let mut z = scores.to_vec();
            fitted.calibration.mend(&mut z);
            for (stance, z) in z.iter_mut().enumerate() {
                if task.allowed.get(i * k + stance) == Some(&false) {
                    *z = f64::NEG_INFINITY;
                }
            }
            let mut decisions = z.clone();
            decisions.iter_mut().zip(&fitted.offsets).for_each(|(z, b)| *z += b);
            confusion[task.targets[i] as usize * k + argmax(&decisions)] += 1;
            let topic = topics.map_or(0, |(_, of)| of[task.rows[i] as usize] as usize);
            if topic < count {
                fitted.calibration.mended_probabilities(&mut z);
                prior[topic * k..(topic + 1) * k].iter_mut().zip(&z).for_each(|(sum, p)| *sum += p);
                rows[topic] += 1.0;
            }
        }
        for (prior, rows) in prior.chunks_exact_mut(k).zip(rows) {
            prior.iter_mut().filter(|_| rows > 0.0).for_each(|p| *p /= rows);
        }
        Some(KnownErrors { confusion, prior })
    }

    /// Takes over how labels were taken for others when they were decided in another way, for those true labels of which that is known.
    pub(super) fn decided(&mut self, confusion: &[u32]) {
        let labels = self.confusion.len().isqrt().max(1);
        for (mine, theirs) in self.confusion.chunks_exact_mut(labels).zip(confusion.chunks_exact(labels)) {
            if theirs.iter().any(|&rows| rows > 0) {
                mine.copy_from_slice(theirs);
            }
        }
    }

    /// Whether it is of this size, and every number is a share.
    pub(super) fn is_sound(&self, labels: usize, priors: usize) -> bool {
        self.confusion.len() == labels * labels
            && self.prior.len() == priors
            && self.prior.iter().all(|p| (0.0..=1.0).contains(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_label_that_was_not_decided_anew_the_errors_stay() {
        let mut known = KnownErrors { confusion: vec![8, 2, 3, 7], prior: vec![0.5, 0.5] };
        known.decided(&[]);
        assert_eq!(known.confusion, [8, 2, 3, 7]);
        known.decided(&[0, 0, 1, 4]);
        assert_eq!(known.confusion, [8, 2, 1, 4]);
    }
}
