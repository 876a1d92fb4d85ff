//! Deciding for the metric: offsets that weigh a label by how rare it is.
//!
//! Flows in: out-of-fold scores. Flows out: an offset for each label, added to the scores when deciding and only then. Macro-F1 counts a rare label as much
//! as a common one, so its best decision is not the most probable label; it is nearer to the one that the paragraph makes more probable than it was
//! before. The offsets are therefore −t times the logarithm of the label's share, with one t for all labels (Menon et al. 2021, *Long-tail learning via
//! logit adjustment*): one number is found where offsets label by label (Lipton, Elkan and Naryanaswamy 2014) take as many as there are labels, and what it
//! gains on the rows it was found on it keeps on others.

use crate::linear::argmax;

/// Scores by which rows are decided, and what the rows are.
pub(super) struct Decisions<'a> {
    /// Row by row; minus infinity where a label cannot occur.
    pub scores: &'a [f64],
    pub targets: &'a [u32],
    pub classes: usize,
}

/// Values of t in steps, from most for the common labels to most for the rare ones.
const LEANS: std::ops::RangeInclusive<i32> = -3..=15;
const STEP: f64 = 0.1;
/// Weight of macro-F1 in the quality of decisions; the rest is accuracy's.
const ON_MACRO_F1: f64 = 0.75;
/// A lean is to gain so much at least, or there is none.
const LEAST_GAIN: f64 = 0.002;

impl Decisions<'_> {
    /// Macro-F1 over the labels in `targets`, tempered by accuracy: alone it gives up many rows of common labels for a few of rare ones.
    pub fn quality(&self, offsets: &[f64]) -> f64 {
        let mut tally = Tally::new(self.classes);
        for (decided, &target) in self.decided(offsets).zip(self.targets) {
            tally.add(target as usize, decided, 1.0);
        }
        tally.quality()
    }

    /// The label of each row, decided with these offsets.
    pub fn decided(&self, offsets: &[f64]) -> impl Iterator<Item = usize> {
        let mut z = vec![0.0; self.classes];
        self.scores.chunks_exact(self.classes).map(move |scores| {
            z.copy_from_slice(scores);
            z.iter_mut().zip(offsets).for_each(|(z, b)| *z += b);
            argmax(&z)
        })
    }

    /// The quality at each of [`LEANS`]. A label's score is a line in t, so a row's decision changes only where a steeper line overtakes: each row is looked at
    /// once for each of its few different decisions, not once for each t.
    fn sweep(&self, slopes: &[f64]) -> Vec<f64> {
        let steps: Vec<f64> = LEANS.map(f64::from).collect();
        let mut tallies: Vec<Tally> = steps.iter().map(|_| Tally::new(self.classes)).collect();
        let mut z = vec![0.0; self.classes];
        for (scores, &target) in self.scores.chunks_exact(self.classes).zip(self.targets) {
            let mut from = 0;
            while from < steps.len() {
                z.iter_mut().zip(scores).zip(slopes).for_each(|((z, score), slope)| *z = score + steps[from] * slope);
                let best = argmax(&z);
                let overtaken = scores
                    .iter()
                    .zip(slopes)
                    .filter(|&(_, slope)| *slope > slopes[best])
                    .map(|(score, slope)| (scores[best] - score) / (slope - slopes[best]))
                    .fold(f64::INFINITY, f64::min);
                let until = (from + 1..steps.len()).find(|&i| steps[i] >= overtaken).unwrap_or(steps.len());
                tallies[from..until].iter_mut().for_each(|tally| tally.add(target as usize, best, 1.0));
                from = until;
            }
        }
        tallies.iter().map(Tally::quality).collect()
    }

    /// The best offsets, and the quality of deciding by them. `unit` is by what the scores are to be divided to be logarithms of odds.
    pub fn lean(&self, unit: f64) -> (Vec<f64>, f64) {
        let mut counts = vec![1.0f64; self.classes];
        self.targets.iter().for_each(|&t| counts[t as usize] += 1.0);
        let logs: Vec<f64> = counts.iter().map(|&n| libm::log(n)).collect();
        let mean = logs.iter().sum::<f64>() / self.classes as f64;
        let slopes: Vec<f64> = logs.iter().map(|l| -STEP * unit * (l - mean)).collect();
        let at = |t: i32| -> Vec<f64> { slopes.iter().map(|s| f64::from(t) * s).collect() };
        let values = self.sweep(&slopes);
        // Neighbours tell of the same curve: their mean is steadier than its single points.
        let smooth = |i: usize| {
            let (low, high) = (values[i.saturating_sub(1)], values[(i + 1).min(values.len() - 1)]);
            0.25 * low + 0.5 * values[i] + 0.25 * high
        };
        let zero = -*LEANS.start() as usize;
        let best = (0..values.len()).fold(zero, |best, i| if smooth(i) > smooth(best) { i } else { best });
        if smooth(best) < smooth(zero) + LEAST_GAIN {
            return (Vec::new(), smooth(zero));
        }
        (at(best as i32 + LEANS.start()), smooth(best))
    }
}

/// Counts from which F1 is computed.
pub(super) struct Tally {
    right: Vec<f64>,
    gold: Vec<f64>,
    predicted: Vec<f64>,
}

impl Tally {
    pub fn new(classes: usize) -> Self {
        Tally { right: vec![0.0; classes], gold: vec![0.0; classes], predicted: vec![0.0; classes] }
    }

    /// Counts a row of some weight.
    pub fn add(&mut self, target: usize, decided: usize, weight: f64) {
        self.gold[target] += weight;
        self.predicted[decided] += weight;
        if target == decided {
            self.right[target] += weight;
        }
    }

    pub fn quality(&self) -> f64 {
        ON_MACRO_F1 * self.macro_f1() + (1.0 - ON_MACRO_F1) * self.accuracy()
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
    fn a_rare_label_that_is_never_the_most_probable_is_found() {
        // A rare class whose rows score just below the common one's; common rows score far below.
        let (mut scores, mut targets) = (Vec::new(), Vec::new());
        for i in 0..200 {
            let rare = i % 10 == 0;
            scores.extend(if rare { [0.0, -0.5] } else { [0.0, -3.0] });
            targets.push(u32::from(rare));
        }
        let decisions = Decisions { scores: &scores, targets: &targets, classes: 2 };
        let (offsets, quality) = decisions.lean(1.0);
        assert!(decisions.quality(&offsets) > 0.99 && quality > 0.99, "{offsets:?}");
        assert!(decisions.quality(&[]) < 0.7);
    }

    #[test]
    fn one_sweep_decides_as_each_lean_does() {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        let scores: Vec<f64> = (0..500).map(|i| if i % 11 == 3 { f64::NEG_INFINITY } else { 4.0 * next() }).collect();
        let targets: Vec<u32> = (0..100).map(|i| i % 5).collect();
        let slopes: Vec<f64> = (0..5).map(|_| next() - 0.5).collect();
        let decisions = Decisions { scores: &scores, targets: &targets, classes: 5 };
        let one_by_one: Vec<f64> =
            LEANS.map(|t| decisions.quality(&slopes.iter().map(|s| f64::from(t) * s).collect::<Vec<_>>())).collect();
        assert_eq!(decisions.sweep(&slopes), one_by_one);
    }

    #[test]
    fn no_offsets_where_none_help() {
        let scores: Vec<f64> = (0..100).flat_map(|i| if i % 2 == 0 { [2.0, -2.0] } else { [-2.0, 2.0] }).collect();
        let targets: Vec<u32> = (0..100).map(|i| i % 2).collect();
        assert!(Decisions { scores: &scores, targets: &targets, classes: 2 }.lean(1.0).0.is_empty());
    }
}
