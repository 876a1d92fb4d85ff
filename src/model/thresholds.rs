//! Deciding for the metric: offsets that trade a little accuracy for macro-F1.
//!
//! Flows in: out-of-fold log-probabilities. Flows out: an offset for each label, added to the scores when deciding and only then. Macro-F1 counts a rare
//! label as much as a common one, so its best decision is not the most probable label; the offsets are found by coordinate ascent, label by label over all places where a
//! decision changes (Lipton, Elkan and Naryanaswamy 2014, *Optimal thresholding of classifiers to maximize F1 measure*), and kept only if they help on folds that they were not fitted on.

use crate::linear::argmax;

/// Scores by which rows are decided, and what the rows are.
pub(super) struct Decisions<'a> {
    /// Row by row; minus infinity where a label cannot occur.
    pub scores: &'a [f64],
    pub targets: &'a [u32],
    pub classes: usize,
}

impl Decisions<'_> {
    /// Macro-F1 over the labels in `targets` and accuracy, of the rows for which `of` holds.
    pub fn quality(&self, offsets: &[f64], of: impl Fn(usize) -> bool) -> (f64, f64) {
        let mut tally = Tally::new(self.classes);
        let mut z = vec![0.0; self.classes];
        for (i, scores) in self.scores.chunks_exact(self.classes).enumerate().filter(|(i, _)| of(*i)) {
            z.copy_from_slice(scores);
            z.iter_mut().zip(offsets).for_each(|(z, b)| *z += b);
            tally.add(self.targets[i] as usize, argmax(&z));
        }
        (tally.macro_f1(), tally.accuracy())
    }

    /// Offsets for the rows for which `of` holds.
    fn fit(&self, of: impl Fn(usize) -> bool) -> Vec<f64> {
        const ROUNDS: usize = 3;
        /// Offsets beyond this are chance: a factor of e² on the odds.
        const WIDEST: f64 = 2.0;
        let k = self.classes;
        let rows: Vec<usize> = (0..self.targets.len()).filter(|&i| of(i)).collect();
        let mut offsets = vec![0.0; k];
        for _ in 0..ROUNDS {
            let before = offsets.clone();
            for class in 0..k {
                // Where each row turns to this class, and what it is decided otherwise.
                let mut tally = Tally::new(k);
                let mut turns: Vec<(f64, usize, usize)> = Vec::with_capacity(rows.len());
                for &i in &rows {
                    let scores = &self.scores[i * k..(i + 1) * k];
                    let (mut other, mut best) = (usize::MAX, f64::NEG_INFINITY);
                    for (j, z) in scores.iter().enumerate().filter(|(j, _)| *j != class) {
                        if z + offsets[j] > best || other == usize::MAX {
                            (other, best) = (j, z + offsets[j]);
                        }
                    }
                    let target = self.targets[i] as usize;
                    let turn = best - scores[class];
                    if turn < -WIDEST {
                        tally.add(target, class);
                    } else {
                        tally.add(target, other);
                        if turn <= WIDEST {
                            turns.push((turn, target, other));
                        }
                    }
                }
                turns.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
                let (mut best, mut best_value) = (-WIDEST, tally.macro_f1());
                let mut value_here = f64::NEG_INFINITY;
                for (at, &(turn, target, other)) in turns.iter().enumerate() {
                    tally.remove(target, other);
                    tally.add(target, class);
                    let next = turns.get(at + 1).map_or(WIDEST, |t| t.0);
                    if next > turn {
                        let value = tally.macro_f1();
                        let place = 0.5 * (turn + next);
                        // Among equals the smallest change.
                        if value > best_value + 1e-12 || (value > best_value - 1e-12 && place.abs() < best.abs()) {
                            (best, best_value) = (place, value);
                        }
                        if turn <= offsets[class] && offsets[class] < next {
                            value_here = value;
                        }
                    }
                }
                if best_value > value_here + 1e-9 {
                    offsets[class] = best;
                }
            }
            if before.iter().zip(&offsets).all(|(a, b)| (a - b).abs() < 1e-9) {
                break;
            }
        }
        offsets
    }

    /// Offsets fitted on all rows, drawn half way back toward none, if such offsets help on rows of folds they were not fitted on; otherwise none.
    pub fn offsets(&self, folds: &[u32]) -> Vec<f64> {
        let k = self.classes;
        let shrink = |offsets: Vec<f64>| offsets.into_iter().map(|b| b * 0.5).collect::<Vec<f64>>();
        let count = folds.iter().max().map_or(0, |&f| f + 1);
        if count < 2 || k < 2 {
            return Vec::new();
        }
        let (mut with, mut without) = (Tally::new(k), Tally::new(k));
        let mut z = vec![0.0; k];
        for fold in 0..count {
            let offsets = shrink(self.fit(|i| folds[i] != fold));
            for i in (0..self.targets.len()).filter(|&i| folds[i] == fold) {
                z.copy_from_slice(&self.scores[i * k..(i + 1) * k]);
                without.add(self.targets[i] as usize, argmax(&z));
                z.iter_mut().zip(&offsets).for_each(|(z, b)| *z += b);
                with.add(self.targets[i] as usize, argmax(&z));
            }
        }
        if with.macro_f1() > without.macro_f1() + 0.002 { shrink(self.fit(|_| true)) } else { Vec::new() }
    }
}

/// Counts from which F1 is computed, and its running sum.
struct Tally {
    right: Vec<f64>,
    gold: Vec<f64>,
    predicted: Vec<f64>,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Tally { right: vec![0.0; classes], gold: vec![0.0; classes], predicted: vec![0.0; classes] }
    }

    fn change(&mut self, target: usize, decided: usize, by: f64) {
        self.gold[target] += by;
        self.predicted[decided] += by;
        if target == decided {
            self.right[target] += by;
        }
    }

    fn add(&mut self, target: usize, decided: usize) {
        self.change(target, decided, 1.0);
    }

    fn remove(&mut self, target: usize, decided: usize) {
        self.change(target, decided, -1.0);
    }

    fn macro_f1(&self) -> f64 {
        let (mut sum, mut labels) = (0.0, 0.0);
        for k in 0..self.gold.len() {
            if self.gold[k] > 0.0 {
                sum += 2.0 * self.right[k] / (self.gold[k] + self.predicted[k]);
                labels += 1.0;
            }
        }
        if labels > 0.0 { sum / labels } else { 0.0 }
    }

    fn accuracy(&self) -> f64 {
        let all: f64 = self.gold.iter().sum();
        if all > 0.0 { self.right.iter().sum::<f64>() / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lift_a_rare_label_that_is_never_the_most_probable() {
        // A rare class whose rows score just below the common one's; common rows score far below.
        let (mut scores, mut targets) = (Vec::new(), Vec::new());
        for i in 0..200 {
            let rare = i % 10 == 0;
            scores.extend(if rare { [0.0, -0.5] } else { [0.0, -3.0] });
            targets.push(u32::from(rare));
        }
        let folds: Vec<u32> = (0..200).map(|i| (i / 10) % 5).collect();
        let decisions = Decisions { scores: &scores, targets: &targets, classes: 2 };
        let offsets = decisions.offsets(&folds);
        assert!(decisions.quality(&offsets, |_| true).0 > 0.99, "{offsets:?}");
        assert!(decisions.quality(&[], |_| true).0 < 0.5);
    }

    #[test]
    fn no_offsets_where_none_help() {
        let scores: Vec<f64> = (0..100).flat_map(|i| if i % 2 == 0 { [2.0, -2.0] } else { [-2.0, 2.0] }).collect();
        let targets: Vec<u32> = (0..100).map(|i| i % 2).collect();
        let folds: Vec<u32> = (0..100).map(|i| (i / 2) % 5).collect();
        assert!(Decisions { scores: &scores, targets: &targets, classes: 2 }.offsets(&folds).is_empty());
    }
}
