//! Fitting one head: its `C`, its weights, its calibration, its decision offsets.
//!
//! Flows in: a [`Task`]. Flows out: a [`Fitted`] head. Whatever is chosen by data is chosen on out-of-fold scores, and those of the choice tell how often the head errs, in folds that are stratified and keep groups
//! together. The fits that choose are cheap: on a sample of a large corpus, and only as exact as a choice needs.

use rayon::prelude::*;

use super::decoding::{TopicsHeldOut, log_probabilities};
use super::error_curve::ErrorCurve;
use super::options::{CalibrationMethod, Choice, FeatureWeighting, TrainOptions};
use super::out_of_fold::{Task, held_out_scores};
use super::stretch::Stretch;
use super::thresholds::Decisions;
use crate::control::Control;
use crate::corpus::stratified_group_folds;
use crate::error::Result;
use crate::linear::{Calibration, LinearClassifier, Loss, argmax, scale_classes};

/// Values of `C` that are tried, ascending; wide enough for a hundred rows and a million.
const PATH_LOGISTIC: &[f64] = &[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
const PATH_SVM: &[f64] = &[0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];
/// Where nothing can be chosen by folds: too few rows or groups.
pub(super) const FALLBACK_LOGISTIC: f64 = 10.0;
pub(super) const FALLBACK_SVM: f64 = 0.3;
/// Rows on which choices are made; more change them little.
pub(super) const SAMPLE: usize = 20_000;
/// Relative gap of the fits that choose.
pub(super) const ROUGH: f64 = 1e-2;
/// Folds, and how many where the task is large: more folds steady the choice and the calibration of a small corpus.
pub(super) const FOLDS: usize = 5;
pub(super) const FEW_FOLDS: usize = 3;

/// What a head learnt.
pub(super) struct Fitted {
    pub classifier: LinearClassifier,
    pub c: f64,
    pub weighted: bool,
    /// What the scores of each class were multiplied by, in the weights of the classifier; empty where they were not.
    pub factors: Vec<f64>,
    pub calibration: Calibration,
    pub offsets: Vec<f64>,
    pub error_curve: Option<ErrorCurve>,
}

/// What the folds said: `C`, the out-of-fold scores there, and how good they are: a choice between problems goes by log loss, which is steadier than counts of errors.
pub(super) struct Chosen {
    pub c: f64,
    /// Rows of the task on which it was chosen, their folds and scores; empty where nothing was to be chosen.
    pub sample: Vec<usize>,
    folds: Vec<u32>,
    pub scores: Vec<f64>,
    /// Log loss of the scores, mended by their best factor.
    pub log_loss: f64,
}

impl Chosen {
    /// What a fitted head would have said of the rows it was chosen on, had it not seen them.
    pub fn topics_held_out(&self, task: &Task<'_>, fitted: &Fitted) -> TopicsHeldOut {
        let part = task.subset(&self.sample);
        let mut logs = part.masked(&self.scores, &fitted.calibration);
        let decisions = Decisions { scores: &logs, targets: &part.targets, classes: part.classes };
        let decided = decisions.decided(&fitted.offsets).map(|topic| topic as u32).collect();
        let by_fold = part.curves_by_fold(&self.folds, &self.scores, &fitted.calibration);
        for (z, &fold) in logs.chunks_exact_mut(part.classes).zip(&self.folds) {
            log_probabilities(by_fold.get(fold as usize).unwrap_or(&fitted.calibration), z);
        }
        TopicsHeldOut { rows: part.rows, logs, decided }
    }

    /// The task learnt roughly without each fold; and for each of `rows` rows of the matrix its fold, 0 where it is of none.
    pub fn without_folds(
        &self,
        task: &Task<'_>,
        fitted: &Fitted,
        rows: usize,
        control: &Control,
    ) -> Result<(Vec<WithoutFold>, Vec<u32>)> {
        let part = task.subset(&self.sample);
        let by_fold = part.curves_by_fold(&self.folds, &self.scores, &fitted.calibration);
        let count = self.folds.iter().max().map_or(0, |&f| f + 1);
        let trained = (0..count).into_par_iter().map(|fold| {
            control.check()?;
            let places: Vec<usize> = (0..self.folds.len()).filter(|&i| self.folds[i] != fold).collect();
            let learn = part.subset(&places);
            let mut solver = learn.solver();
            solver.solve(self.c, ROUGH, 60);
            let stretch = Stretch::new(part.x.matrix(), learn.rows.iter().copied(), &task.ends);
            let calibration = by_fold.get(fold as usize).unwrap_or(&fitted.calibration).clone();
            Ok(WithoutFold { classifier: fitted.scale(solver.into_classifier()), calibration, stretch })
        });
        let mut fold_of = vec![0; rows];
        part.rows.iter().zip(&self.folds).for_each(|(&row, &fold)| fold_of[row as usize] = fold);
        Ok((trained.collect::<Result<_>>()?, fold_of))
    }
}

/// What was learnt without a fold.
pub(super) struct WithoutFold {
    pub classifier: LinearClassifier,
    /// Fitted without it too.
    pub calibration: Calibration,
    /// Makes its rows as they would be had they come later.
    pub stretch: Stretch,
}

/// By what the rows of a task are dealt to folds.
#[derive(Clone, Copy)]
pub(super) struct Dealing<'a> {
    pub strata: &'a [u32],
    pub groups: Option<&'a [u32]>,
}

/// Chooses `C` for a task, where it is to be chosen, and gathers the scores that calibration needs. `at` overrides the path: just this `C`.
pub(super) fn choose(
    task: &Task<'_>,
    dealing: Dealing<'_>,
    options: &TrainOptions,
    at: Option<f64>,
    control: &Control,
) -> Result<Chosen> {
    let logistic = options.classifier == Loss::Logistic;
    let path: Vec<f64> = match (options.c, at) {
        (Choice::Auto, Some(c)) => vec![c],
        _ => path_of(options),
    };
    let wanted = options.c == Choice::Auto || options.calibration != CalibrationMethod::None || options.thresholds;
    let sample = spread(task.rows.len(), SAMPLE);
    let part = task.subset(&sample);
    let most = if part.is_large() { FEW_FOLDS } else { FOLDS };
    let Some(folds) = deal(&sample, dealing, most, options.seed).filter(|_| wanted) else {
        let fallback = if logistic { FALLBACK_LOGISTIC } else { FALLBACK_SVM };
        let c = if path.len() == 1 { path[0] } else { fallback };
        return Ok(Chosen { c, sample: Vec::new(), folds: Vec::new(), scores: Vec::new(), log_loss: 0.0 });
    };
    let mut temperature = Calibration::default();
    let (mut values, mut by_c): (Vec<f64>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    part.walk(&folds, &path, ROUGH, control, |_, scores| {
        temperature = temperature.refit_temperature(part.held_out(&scores));
        values.push(part.quality(&scores, options.thresholds.then_some(&temperature)));
        by_c.push(scores);
        // The curve has one hill: two steps down from its top, and the rest of the path is only more work.
        let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        !matches!(values[..], [.., a, b] if a < top && b < top)
    })?;
    // Neighbours on the path tell of the same curve: their mean is steadier than its single points.
    let smooth = |i: usize| {
        let (low, high) = (values[i.saturating_sub(1)], values[(i + 1).min(values.len() - 1)]);
        0.25 * low + 0.5 * values[i] + 0.25 * high
    };
    let best = (1..values.len()).fold(0, |best, i| if smooth(i) > smooth(best) { i } else { best });
    let c = path[best];
    let scores = by_c.into_iter().nth(best).unwrap_or_default();
    let held_out = part.held_out(&scores);
    let log_loss = temperature.refit_temperature(held_out).log_loss(held_out);
    Ok(Chosen { c, sample, folds, scores, log_loss })
}

/// The values of `C` to try: a path, or the one that is given.
pub(super) fn path_of(options: &TrainOptions) -> Vec<f64> {
    match (options.c, options.classifier) {
        (Choice::Value(c), _) => vec![c],
        (Choice::Auto, Loss::Logistic) => PATH_LOGISTIC.to_vec(),
        (Choice::Auto, Loss::Svm) => PATH_SVM.to_vec(),
    }
}

/// Whether a problem much like the one `chosen` was found for, with other features, promises better: judged by one fold, where the choice is to be cheap.
/// Where it is not, it always does.
pub(super) fn promises(task: &Task<'_>, chosen: &Chosen, gain: f64, control: &Control) -> Result<bool> {
    let part = task.subset(&chosen.sample);
    if !part.is_large() {
        return Ok(true);
    }
    control.check()?;
    let places = |inside: bool| -> Vec<usize> {
        (0..chosen.folds.len()).filter(|&i| (chosen.folds[i] != 0) == inside).collect()
    };
    let (learn, test) = (part.subset(&places(true)), places(false));
    let held = part.subset(&test);
    let mut solver = learn.solver();
    solver.solve(chosen.c, ROUGH, 60);
    let stretch = Stretch::new(part.x.matrix(), learn.rows.iter().copied(), &part.ends);
    let theirs = held_out_scores(&solver, &stretch, part.x, held.rows.iter().copied());
    let k = part.classes;
    let ours: Vec<f64> = test.iter().flat_map(|&i| &chosen.scores[i * k..(i + 1) * k]).copied().collect();
    let loss = |scores: &[f64]| Calibration::temperature(held.held_out(scores)).log_loss(held.held_out(scores));
    Ok(loss(&theirs) < loss(&ours) * (1.0 - gain))
}

/// Whether features are better not weighted, where that is to be chosen: `chosen` was found with them weighted. Leaves the task as is better.
pub(super) fn choose_weighting(
    task: &mut Task<'_>,
    chosen: Chosen,
    dealing: Dealing<'_>,
    options: &TrainOptions,
    control: &Control,
) -> Result<Chosen> {
    /// Weighting nearly always helps; to go without is to lower the log loss by this share at least.
    const LEAST_GAIN: f64 = 0.003;
    if options.feature_weighting != FeatureWeighting::Auto || chosen.sample.is_empty() {
        return Ok(chosen);
    }
    task.weighted = false;
    if promises(task, &chosen, LEAST_GAIN, control)? {
        let plain = choose(task, dealing, options, Some(chosen.c), control)?;
        if plain.log_loss < chosen.log_loss * (1.0 - LEAST_GAIN) {
            return Ok(plain);
        }
    }
    task.weighted = true;
    Ok(chosen)
}

/// Fits a head to all rows of its task, with what was chosen.
/// Where the scores of each class get a factor of their own, those of `chosen` are multiplied too.
pub(super) fn fit(task: &Task<'_>, chosen: &mut Chosen, options: &TrainOptions, control: &Control) -> Result<Fitted> {
    control.check()?;
    let mut solver = task.solver();
    // A first, rough solution at a smaller C is cheap and halves the passes at a large one.
    if chosen.c > 3.0 {
        solver.solve(chosen.c / 8.0, ROUGH, 20);
    }
    solver.solve(chosen.c, options.tolerance, 300);
    let classifier = solver.into_classifier();
    let mut out = Fitted {
        classifier,
        c: chosen.c,
        weighted: task.weighted,
        factors: Vec::new(),
        calibration: Calibration::default(),
        offsets: Vec::new(),
        error_curve: None,
    };
    if chosen.sample.is_empty() {
        return Ok(out);
    }
    let part = task.subset(&chosen.sample);
    let mended = part.mend(options.calibration, &chosen.folds, &chosen.scores);
    (out.factors, out.calibration) = (mended.factors, mended.calibration);
    if !out.factors.is_empty() {
        out.classifier = out.classifier.scaled(&out.factors);
        scale_classes(&mut chosen.scores, &out.factors);
    }
    let held_out = part.held_out(&chosen.scores);
    let masked = part.masked(&chosen.scores, &out.calibration);
    if options.thresholds {
        let decisions = Decisions { scores: &masked, targets: &part.targets, classes: part.classes };
        let unit = match options.calibration {
            CalibrationMethod::None => 1.0 / Calibration::temperature(held_out).factor,
            _ => 1.0,
        };
        out.offsets = decisions.lean(unit).0;
    }
    let by_fold = part.curves_by_fold(&chosen.folds, &chosen.scores, &out.calibration);
    let calibration_of = |row: usize| by_fold.get(chosen.folds[row] as usize).unwrap_or(&out.calibration);
    out.error_curve = Some(ErrorCurve::of_scores(&masked, &out.offsets, &part.targets, part.classes, calibration_of));
    Ok(out)
}

/// What the scores that `choose` gathered decide: places among the task's rows, and the class of each. The lean is fitted on the same scores, as it is in training.
pub(super) fn decide(task: &Task<'_>, chosen: &Chosen, options: &TrainOptions) -> (Vec<usize>, Vec<u32>) {
    let part = task.subset(&chosen.sample);
    let scores = part.masked(&chosen.scores, &Calibration::temperature(part.held_out(&chosen.scores)));
    let decisions = Decisions { scores: &scores, targets: &part.targets, classes: part.classes };
    let offsets = if options.thresholds { decisions.lean(1.0).0 } else { Vec::new() };
    let decided = scores.chunks_exact(part.classes).map(|z| {
        let leaning: Vec<f64> = z.iter().enumerate().map(|(k, z)| z + offsets.get(k).unwrap_or(&0.0)).collect();
        argmax(&leaning) as u32
    });
    let decided = decided.collect();
    (chosen.sample.clone(), decided)
}

impl Fitted {
    /// A classifier of the same task, with the factors of this one's classes.
    fn scale(&self, classifier: LinearClassifier) -> LinearClassifier {
        if self.factors.is_empty() { classifier } else { classifier.scaled(&self.factors) }
    }
}

impl<'x> Task<'x> {
    /// The same task on some of its rows.
    pub fn subset(&self, places: &[usize]) -> Task<'x> {
        let k = self.classes;
        let allowed = match self.allowed.is_empty() {
            true => Vec::new(),
            false => places.iter().flat_map(|&i| &self.allowed[i * k..(i + 1) * k]).copied().collect(),
        };
        Task {
            x: self.x,
            ends: self.ends.clone(),
            rows: places.iter().map(|&i| self.rows[i]).collect(),
            targets: places.iter().map(|&i| self.targets[i]).collect(),
            costs: places.iter().map(|&i| self.costs[i]).collect(),
            weights: places.iter().map(|&i| self.weights[i]).collect(),
            classes: k,
            allowed,
            loss: self.loss,
            seed: self.seed,
            weighted: self.weighted,
        }
    }

    /// How good it is to decide by these scores, leaning toward rare labels (then mended first) or not.
    fn quality(&self, scores: &[f64], lean: Option<&Calibration>) -> f64 {
        let masked = self.masked(scores, lean.unwrap_or(&Calibration::default()));
        let decisions = Decisions { scores: &masked, targets: &self.targets, classes: self.classes };
        if lean.is_some() { decisions.lean(1.0).1 } else { decisions.quality(&[]) }
    }

    /// Mended scores, minus infinity where a class cannot occur.
    fn masked(&self, scores: &[f64], calibration: &Calibration) -> Vec<f64> {
        let mut out = scores.to_vec();
        out.chunks_exact_mut(self.classes).for_each(|z| calibration.mend(z));
        out.iter_mut().zip(&self.allowed).filter(|(_, allowed)| !**allowed).for_each(|(z, _)| *z = f64::NEG_INFINITY);
        out
    }
}

/// At most `most` of 0..n, evenly spread.
pub(super) fn spread(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        (0..n).collect()
    } else {
        (0..most).map(|i| (i as u128 * n as u128 / most as u128) as usize).collect()
    }
}

/// A fold for each sampled row; `None` where there are too few rows or groups for two folds.
pub(super) fn deal(sample: &[usize], dealing: Dealing<'_>, most: usize, seed: u64) -> Option<Vec<u32>> {
    let strata: Vec<u32> = sample.iter().map(|&i| dealing.strata[i]).collect();
    let groups: Option<Vec<u32>> = dealing.groups.map(|groups| sample.iter().map(|&i| groups[i]).collect());
    let units = match &groups {
        Some(groups) => {
            let mut distinct = groups.clone();
            distinct.sort_unstable();
            distinct.dedup();
            distinct.len()
        }
        None => sample.len(),
    };
    let k = most.min(units);
    if k < 2 || sample.len() < 10 {
        return None;
    }
    stratified_group_folds(&strata, groups.as_deref(), k, seed).ok()
}
