//! The topic head where a row may have several topics: one problem for each, that topic against the rest.
//!
//! Flows in: rows, and the topics of each. Flows out: a [`Head`] whose score of a topic is the logarithm of its odds, and how it decides. Each problem is calibrated by itself (Platt 2000) on
//! out-of-fold scores, and factor and offset are worked into its weights, so that one sigmoid makes the probabilities of all. One `C` is chosen for all problems, by those of a few topics from
//! the commonest to the rarest: a rare topic has too few rows to choose one of its own.
//!
//! A topic is written from a probability on that makes its expected F1 greatest, given the calibrated out-of-fold probabilities (Lipton, Elkan and Naryanaswamy 2014, *Optimal thresholding of classifiers to maximize
//! F1 measure*). The F1 counted on the rows of a rare topic would follow the luck of a few; the expected one is a sum over all rows.

use rayon::prelude::*;

use super::cascade::{Counts, Head, MultiLabel};
use super::error_curve::ErrorCurve;
use super::heads::{Dealing, FALLBACK_LOGISTIC, FALLBACK_SVM, FEW_FOLDS, FOLDS, ROUGH, SAMPLE, deal, path_of, spread};
use super::options::{CalibrationMethod, Choice, Decoding, FeatureWeighting, StanceScope, TrainOptions};
use super::out_of_fold::Task;
use super::topic_sets::TopicSets;
use super::training_set::TrainingSet;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::labels::LabelSet;
use crate::linear::{Calibration, ClassWeight, Design, HeldOut, LinearClassifier, Loss};
use crate::sparse::SparseMatrix;

/// Topics by which `C` and the weighting of features are chosen.
const PROBES: usize = 8;
/// Relative gap of their fits: what is summed over topics needs less than what each is calibrated on.
const PROBE_GAP: f64 = 3e-2;
/// Rows times topics from which on folds are few.
const LARGE: usize = 20_000;
/// To weight no features is to lower the log loss by this share at least.
const LEAST_GAIN: f64 = 0.003;

/// Rows at hand and their vectors.
pub(super) struct OneVsRest<'a> {
    pub set: &'a TrainingSet,
    pub several: &'a TopicSets,
    pub rows: &'a [u32],
    pub x: &'a SparseMatrix,
    /// Where the blocks of columns end that have a length of their own.
    pub ends: &'a [usize],
    pub options: &'a TrainOptions,
}

/// The rows on which choices are made, and their folds.
struct Sample {
    places: Vec<usize>,
    folds: Vec<u32>,
}

/// One topic, fitted: the weights of its log-odds, and out-of-fold log-odds of the sample.
struct Fitted {
    weights: Vec<f32>,
    intercept: f64,
    held_out: Vec<f64>,
    offset: f64,
}

impl OneVsRest<'_> {
    /// The head; `None` where there is no topic that some rows have and others have not.
    pub fn head(&self, control: &Control) -> Result<Option<(Head, MultiLabel)>> {
        let (labels, with) = self.topics();
        if with.iter().all(|rows| rows.len() == self.rows.len()) {
            return Ok(None);
        }
        let at_least_one = self.rows.iter().all(|&row| !self.several.of(row as usize).is_empty());
        let sample = self.sample()?;
        let (c, weighted) = self.choose(&labels, &with, sample.as_ref(), control)?;
        let topics: Vec<usize> = (0..labels.len()).collect();
        let fitted: Vec<Fitted> = topics
            .into_par_iter()
            .map(|k| self.fit(&self.task(&labels, k, &with[k], weighted)?, c, sample.as_ref(), control))
            .collect::<Result<_>>()?;
        let classes = labels.len();
        let mut weights = vec![0.0; self.x.cols() * classes];
        for (k, topic) in fitted.iter().enumerate() {
            weights.iter_mut().skip(k).step_by(classes).zip(&topic.weights).for_each(|(to, &w)| *to = w);
        }
        let intercept = fitted.iter().map(|topic| topic.intercept).collect();
        let mut offsets: Vec<f64> = fitted.iter().map(|topic| topic.offset).collect();
        let decision = MultiLabel { at_least_one };
        let error_curve = sample.map(|sample| error_curve(&fitted, &with, &sample, decision));
        if offsets.iter().all(|&offset| offset == 0.0) {
            offsets.clear();
        }
        let head = Head {
            labels,
            classifier: LinearClassifier::from_parts(self.options.classifier, weights, intercept),
            calibration: Calibration::default(),
            offsets,
            c,
            weighted,
            error_curve,
            known_errors: None,
        };
        Ok(Some((head, decision)))
    }

    /// What the rows are, from the same of their pairs of row and topic.
    pub fn counts(&self, of_pairs: Counts) -> Counts {
        let without_topic = self.rows.iter().filter(|&&row| self.several.of(row as usize).is_empty()).count();
        Counts { rows: self.rows.len(), groups: self.set.groups_among(self.rows), without_topic, ..of_pairs }
    }

    /// The topics that occur in the rows at hand, and the places of the rows that have each.
    fn topics(&self) -> (LabelSet, Vec<Vec<u32>>) {
        let mut with: Vec<Vec<u32>> = vec![Vec::new(); self.set.topics.len()];
        for (place, &row) in (0u32..).zip(self.rows) {
            self.several.of(row as usize).iter().for_each(|&(topic, _)| with[topic as usize].push(place));
        }
        let names = self.set.topics.names().iter().zip(&with).filter(|(_, rows)| !rows.is_empty());
        let labels = LabelSet::new(names.map(|(name, _)| name.clone()));
        with.retain(|rows| !rows.is_empty());
        (labels, with)
    }

    /// Topic `k` against the rest; class 1 is the topic.
    fn task(&self, labels: &LabelSet, k: usize, with: &[u32], weighted: bool) -> Result<Task<'_>> {
        let mut targets = vec![0u32; self.rows.len()];
        with.iter().for_each(|&place| targets[place as usize] = 1);
        let row_weights: Option<Vec<f32>> =
            self.set.weights.as_ref().map(|w| self.rows.iter().map(|&row| w[row as usize]).collect());
        let mut linear = self.options.linear()?;
        let balanced = self.options.class_weight.balanced && with.len() < self.rows.len();
        linear.class_weight = if balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let mut costs = linear.costs(&targets, 2, row_weights.as_deref());
        let factor = self.options.class_weight.topic.get(labels.name(k)).copied().unwrap_or(1.0);
        with.iter().for_each(|&place| costs[place as usize] *= factor);
        Ok(Task {
            x: Design::Plain(self.x),
            ends: self.ends.to_vec(),
            rows: (0..self.rows.len() as u32).collect(),
            targets,
            costs,
            weights: row_weights.map_or_else(|| vec![1.0; self.rows.len()], |w| w.into_iter().map(f64::from).collect()),
            classes: 2,
            allowed: Vec::new(),
            loss: self.options.classifier,
            seed: self.options.seed.wrapping_add(k as u64),
            weighted,
        })
    }

    /// Rows and folds for what is chosen by data; `None` where nothing is, or nothing can be.
    fn sample(&self) -> Result<Option<Sample>> {
        let options = self.options;
        if options.decoding == Decoding::Joint || options.stance_scope == StanceScope::Global {
            return Err(Error::usage(
                "--decoding joint and --stance-scope global are for one topic a row; of several, each is decided by itself and its stance given it",
            ));
        }
        if options.calibration == CalibrationMethod::Isotonic {
            return Err(Error::usage(
                "--calibration isotonic is for one topic a row; of several, give auto, temperature, platt or none",
            ));
        }
        if options.c != Choice::Auto && options.calibration == CalibrationMethod::None && !options.thresholds {
            return Ok(None);
        }
        let places = spread(self.rows.len(), SAMPLE);
        let groups: Option<Vec<u32>> =
            self.set.groups.as_ref().map(|groups| self.rows.iter().map(|&row| groups[row as usize]).collect());
        let strata = self.several.strata(self.rows);
        let most = if places.len() * self.set.topics.len() >= LARGE { FEW_FOLDS } else { FOLDS };
        let folds = deal(&places, Dealing { strata: &strata, groups: groups.as_deref() }, most, options.seed);
        Ok(folds.map(|folds| Sample { places, folds }))
    }

    /// `C`, and whether features are weighted.
    fn choose(
        &self,
        labels: &LabelSet,
        with: &[Vec<u32>],
        sample: Option<&Sample>,
        control: &Control,
    ) -> Result<(f64, bool)> {
        let fallback = if self.options.classifier == Loss::Logistic { FALLBACK_LOGISTIC } else { FALLBACK_SVM };
        let weighted = self.options.feature_weighting != FeatureWeighting::None;
        let (Some(sample), path) = (sample, path_of(self.options)) else {
            return Ok((if let Choice::Value(c) = self.options.c { c } else { fallback }, weighted));
        };
        let mut by_count: Vec<usize> = (0..with.len()).collect();
        by_count.sort_by_key(|&k| (std::cmp::Reverse(with[k].len()), k));
        let probes: Vec<usize> = spread(by_count.len(), PROBES).into_iter().map(|place| by_count[place]).collect();
        // F1 and log loss of each C, summed over the topics.
        let judge = |cs: &[f64], weighted: bool| -> Result<Vec<(f64, f64)>> {
            let each: Vec<Vec<(f64, f64)>> = probes
                .par_iter()
                .map(|&k| {
                    let part = self.task(labels, k, &with[k], weighted)?.subset(&sample.places);
                    let mut out = Vec::new();
                    part.walk(&sample.folds, cs, PROBE_GAP, control, |_, scores| {
                        let (odds, log_loss) = self.odds(&part, scores);
                        let offset = self.offset(&odds);
                        out.push((f1(&odds, &part.targets, offset), log_loss));
                        true
                    })?;
                    Ok(out)
                })
                .collect::<Result<_>>()?;
            let sum = |at: usize| each.iter().fold((0.0, 0.0), |(f, l), topic| (f + topic[at].0, l + topic[at].1));
            Ok((0..cs.len()).map(sum).collect())
        };
        let values = judge(&path, weighted)?;
        // Neighbours on the path tell of the same curve: their mean is steadier than its single points.
        let smooth = |i: usize| {
            0.25 * values[i.saturating_sub(1)].0 + 0.5 * values[i].0 + 0.25 * values[(i + 1).min(values.len() - 1)].0
        };
        let best = (1..values.len()).fold(0, |best, i| if smooth(i) > smooth(best) { i } else { best });
        let plain = self.options.feature_weighting == FeatureWeighting::Auto
            && judge(&path[best..=best], false)?[0].1 < values[best].1 * (1.0 - LEAST_GAIN);
        Ok((path[best], weighted && !plain))
    }

    /// How the scores of a problem of two classes become log-odds of the topic.
    fn calibration(&self, held_out: HeldOut<'_>) -> Calibration {
        match self.options.calibration {
            CalibrationMethod::None => Calibration::default(),
            CalibrationMethod::Temperature => Calibration::temperature(held_out),
            _ => Calibration::platt(held_out),
        }
    }

    /// Log-odds of out-of-fold scores, and their log loss.
    fn odds(&self, part: &Task<'_>, mut scores: Vec<f64>) -> (Vec<f64>, f64) {
        let held_out = part.held_out(&scores);
        let calibration = self.calibration(held_out);
        let log_loss = calibration.log_loss(held_out);
        scores.chunks_exact_mut(2).for_each(|z| calibration.mend(z));
        (scores.chunks_exact(2).map(|z| z[1] - z[0]).collect(), log_loss)
    }

    /// What is added to the log-odds of a topic when deciding.
    fn offset(&self, odds: &[f64]) -> f64 {
        if self.options.thresholds { -best_threshold(odds) } else { 0.0 }
    }

    fn fit(&self, task: &Task<'_>, c: f64, sample: Option<&Sample>, control: &Control) -> Result<Fitted> {
        control.check()?;
        let mut solver = task.solver();
        // A first, rough solution at a smaller C is cheap and halves the passes at a large one.
        if c > 3.0 {
            solver.solve(c / 8.0, ROUGH, 20);
        }
        solver.solve(c, self.options.tolerance, 300);
        let classifier = solver.into_classifier();
        let (mut calibration, mut held_out, mut offset) = (Calibration::default(), Vec::new(), 0.0);
        if let Some(sample) = sample {
            let part = task.subset(&sample.places);
            part.walk(&sample.folds, &[c], ROUGH, control, |_, scores| {
                calibration = self.calibration(part.held_out(&scores));
                held_out = self.odds(&part, scores).0;
                true
            })?;
            offset = self.offset(&held_out);
        }
        let difference = |pair: &[f64]| pair[1] - pair[0];
        let of_class = |j: usize| {
            let mut pair = [0.0; 2];
            pair.iter_mut().zip(classifier.feature_weights(j)).for_each(|(to, w)| *to = f64::from(w));
            (calibration.factor * difference(&pair)) as f32
        };
        let weights = (0..classifier.features()).map(of_class).collect();
        let shift = if calibration.offsets.is_empty() { 0.0 } else { difference(&calibration.offsets) };
        let intercept = calibration.factor * difference(classifier.intercept()) + shift;
        Ok(Fitted { weights, intercept, held_out, offset })
    }
}

/// Log-odds from which on a topic is written, so that F1 is the greatest that these odds let expect.
fn best_threshold(odds: &[f64]) -> f64 {
    let mut sorted = odds.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let probability = |z: f64| 1.0 / (1.0 + libm::exp(-z));
    let all: f64 = sorted.iter().map(|&z| probability(z)).sum();
    let (mut right, mut best, mut threshold) = (0.0, 0.0, 0.0);
    for (i, &z) in sorted.iter().enumerate() {
        right += probability(z);
        let f1 = 2.0 * right / (all + (i + 1) as f64);
        if f1 > best {
            let next = sorted.get(i + 1).copied().unwrap_or(z);
            (best, threshold) = (f1, 0.5 * (z + next));
        }
    }
    threshold
}

/// F1 of the class 1, decided by log-odds and offset.
fn f1(odds: &[f64], targets: &[u32], offset: f64) -> f64 {
    let (mut right, mut sum) = (0.0, 0.0);
    for (&z, &target) in odds.iter().zip(targets) {
        let decided = z + offset >= 0.0;
        sum += f64::from(target) + f64::from(u8::from(decided));
        right += f64::from(u8::from(decided && target == 1));
    }
    if sum > 0.0 { 2.0 * right / sum } else { 0.0 }
}

/// How often topics that are written so surely are wrong, row by row of the sample.
fn error_curve(fitted: &[Fitted], with: &[Vec<u32>], sample: &Sample, decision: MultiLabel) -> ErrorCurve {
    let mut written = Vec::new();
    let mut odds = vec![0.0; fitted.len()];
    for (i, &place) in sample.places.iter().enumerate() {
        odds.iter_mut().zip(fitted).for_each(|(z, topic)| *z = topic.held_out[i] + topic.offset);
        for k in decision.decide(&odds) {
            let probability = 1.0 / (1.0 + libm::exp(-fitted[k].held_out[i]));
            written.push((probability, with[k].binary_search(&(place as u32)).is_ok()));
        }
    }
    ErrorCurve::new(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_half_of_the_best_expected_f1() {
        // Lipton et al.: at the optimum, topics are written from the probability F1 / 2 on.
        let odds: Vec<f64> = (0..4000).map(|i| -4.0 + 6.0 * f64::from(i) / 4000.0).collect();
        let threshold = best_threshold(&odds);
        let p = |z: f64| 1.0 / (1.0 + (-z).exp());
        let written = || odds.iter().filter(|&&z| z >= threshold);
        let all: f64 = odds.iter().map(|&z| p(z)).sum();
        let f1 = 2.0 * written().map(|&z| p(z)).sum::<f64>() / (all + written().count() as f64);
        assert!((p(threshold) - f1 / 2.0).abs() < 1e-3, "{} {f1}", p(threshold));
    }

    #[test]
    fn f1_is_that_of_the_topic() {
        assert_eq!(f1(&[1.0, -1.0, 0.2, -3.0], &[1, 1, 0, 0], 0.0), 0.5);
        assert_eq!(f1(&[1.0, -1.0, 0.2, -3.0], &[1, 1, 0, 0], 1.0), 0.8);
        assert_eq!(f1(&[-1.0], &[0], 0.0), 0.0);
    }
}
