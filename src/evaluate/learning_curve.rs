//! The learning curve: how scores grow with the labelled rows, and what that says about labelling more.
//!
//! Flows in: a [`TrainingSet`] and a recipe. Flows out: a [`LearningCurve`]: scores with intervals at up to six sizes.
//! Every size is cross-validated on the same folds: the rows judged are always all rows, each by a model that trained on a part of the other folds. The parts of a fold
//! are nested (a larger one holds the smaller), stratified by label, and made of whole groups, so that sizes differ in their rows and in nothing else, and the same resamples
//! can tell whether the last doubling raised the score.

use std::io::{self, Write};

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval};
use super::comparison::Comparison;
use super::cross_validation::{Fold, judge_fold, rows_of};
use super::head::with_interval;
use super::report::{Evaluation, EvaluationOptions};
use super::resampled::Resampled;
use crate::control::Control;
use crate::corpus::stratified_group_folds;
use crate::error::{Error, Result};
use crate::labels::{LabelSet, UNLABELLED};
use crate::model::{TrainOptions, TrainingSet};

/// Pieces into which the training rows of a fold are cut.
const PIECES: usize = 16;
/// The sizes, in pieces: doublings, and three quarters.
const SIZES: [usize; 6] = [1, 2, 4, 8, 12, 16];

/// Scores of one kind at one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveScores {
    /// Share of rows right.
    pub accuracy: f64,
    /// Its interval; `None` without resamples.
    pub accuracy_interval: Option<Interval>,
    /// Mean F1 over labels, or over pairs of topic and stance.
    pub macro_f1: f64,
    /// Its interval.
    pub macro_f1_interval: Option<Interval>,
}

/// Scores of models trained on so many rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Rows trained on, in the mean of the folds.
    pub training_rows: f64,
    /// Of the rows of a training fold, the share used.
    pub share: f64,
    /// Scores of the topics, if there are topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<CurveScores>,
    /// Scores of the stances given the predicted topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance: Option<CurveScores>,
    /// Topic and stance together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint: Option<CurveScores>,
}

/// What the last doubling of the training rows did to one macro-F1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastDoubling {
    /// Whose macro-F1: `topic`, `stance` or `joint`.
    pub head: &'static str,
    /// Rows trained on before.
    pub from_rows: f64,
    /// Rows trained on after.
    pub to_rows: f64,
    /// How much it rose.
    pub gain: f64,
    /// Its interval, over the same rows judged twice; `None` without resamples.
    pub interval: Option<Interval>,
    /// What follows for labelling more, in a sentence.
    pub reading: String,
}

/// Scores by the number of training rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningCurve {
    /// How it was measured: `cross-validation` in so many folds.
    pub method: &'static str,
    /// The folds.
    pub folds: usize,
    /// Labelled rows, each judged once at every size.
    pub rows: u64,
    /// From few rows to many.
    pub points: Vec<CurvePoint>,
    /// What the last doubling did, head by head.
    pub last_doubling: Vec<LastDoubling>,
    /// How intervals were made.
    pub bootstrap: Resampled,
    /// What makes the figures less sure than they look.
    pub warnings: Vec<String>,
    /// What a reader should know beside, such as sizes left out.
    pub notes: Vec<String>,
}

/// Measures the curve by cross-validation.
///
/// A size at which some fold lacks a label that it would have to learn (just one topic is left, say) is left out with a note.
///
/// # Errors
/// When the rows or groups do not allow `folds` folds, or not even all training rows of a fold are enough.
pub fn learning_curve(
    set: &TrainingSet,
    options: &TrainOptions,
    folds: usize,
    bootstrap: Bootstrap,
    control: &Control,
) -> Result<LearningCurve> {
    set.check_single("a learning curve")?;
    let rows = set.labelled_rows();
    let cut = Fold::all(set, &rows, folds, options.seed)?;
    let pieces: Vec<Pieces> = cut.iter().map(|fold| Pieces::of(set, fold, options.seed)).collect::<Result<_>>()?;
    let count = pieces.iter().map(|p| p.count).min().unwrap_or(1);
    // Of few groups there are fewer sizes.
    let mut sizes: Vec<usize> = SIZES.iter().map(|s| (s * count).div_ceil(PIECES)).collect();
    sizes.dedup();
    let measured = EvaluationOptions { bootstrap, ..EvaluationOptions::default() };
    let (mut points, mut judged, mut notes, mut last) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (number, &size) in sizes.iter().enumerate() {
        let mut answers = vec![Default::default(); set.len()];
        let mut trained = 0;
        let mut failure = None;
        for (fold, pieces) in cut.iter().zip(&pieces) {
            let share = (number as f64 + fold.number as f64 / folds as f64) / sizes.len() as f64;
            control.report(&format!("learning curve: size {} of {}", number + 1, sizes.len()), Some(share));
            let part = pieces.first(fold, size * pieces.count / count);
            trained += part.len();
            match judge_fold(set, options, &part, &fold.held, &mut answers, control) {
                Ok(model) if lacks_a_head(set, &model) => failure = Some(one_label(part.len())),
                Ok(_) => {}
                Err(error @ Error::Corpus { .. }) => failure = Some(error),
                Err(error) => return Err(error),
            }
            if failure.is_some() {
                break;
            }
        }
        let training_rows = trained as f64 / folds as f64;
        if let Some(error) = failure {
            if size == count {
                return Err(error);
            }
            notes.push(format!(
                "{:.1} % of the rows were too few to learn from in some fold, and are left out.",
                100.0 * size as f64 / count as f64
            ));
            continue;
        }
        let evaluation = {
            let rows = rows_of(set, &answers);
            Evaluation::measure(&rows, set.groups.as_deref(), set.topics.names(), set.stances.names(), &measured)?
        };
        points.push(point(training_rows, size as f64 / count as f64, &evaluation));
        judged.push(answers);
        last = Some(evaluation);
    }
    let Some(evaluation) = last else {
        return Err(Error::corpus("there is no size to train on", "label more rows"));
    };
    let last_doubling = last_doubling(set, &points, &judged, bootstrap)?;
    Ok(LearningCurve {
        method: "cross-validation",
        folds,
        rows: evaluation.rows,
        points,
        last_doubling,
        bootstrap: evaluation.bootstrap,
        warnings: evaluation.warnings,
        notes,
    })
}

/// A training fold in nested pieces of whole groups.
struct Pieces {
    count: usize,
    piece_of: Vec<u32>,
}

impl Pieces {
    fn of(set: &TrainingSet, fold: &Fold, seed: u64) -> Result<Pieces> {
        let groups: Option<Vec<u32>> =
            set.groups.as_ref().map(|g| fold.train.iter().map(|&row| g[row as usize]).collect());
        let mut distinct = groups.clone().unwrap_or_else(|| fold.train.clone());
        distinct.sort_unstable();
        distinct.dedup();
        let count = distinct.len().min(PIECES);
        if count < 2 {
            return Ok(Pieces { count: 1, piece_of: vec![0; fold.train.len()] });
        }
        // Another seed than the folds': pieces and folds are dealt independently.
        let piece_of =
            stratified_group_folds(&set.strata(&fold.train), groups.as_deref(), count, seed ^ 0x63_75_72_76)?;
        Ok(Pieces { count, piece_of })
    }

    /// The rows of the first pieces.
    fn first(&self, fold: &Fold, pieces: usize) -> Vec<u32> {
        fold.train.iter().zip(&self.piece_of).filter(|(_, p)| (**p as usize) < pieces).map(|(&row, _)| row).collect()
    }
}

fn one_label(rows: usize) -> Error {
    Error::corpus(
        format!("the {rows} rows to train on have a single label where the corpus has more"),
        "label more rows, or take fewer folds",
    )
}

/// Whether a model cannot judge what the corpus has labels for.
fn lacks_a_head(set: &TrainingSet, model: &crate::model::Model) -> bool {
    let lacks = |labels: &LabelSet, numbers: &[u32], learnt: bool| {
        labels.len() > 1 && !learnt && numbers.iter().any(|&n| n != UNLABELLED)
    };
    lacks(&set.topics, &set.topic, model.topic.is_some()) || lacks(&set.stances, &set.stance, model.stance.is_some())
}

fn point(training_rows: f64, share: f64, evaluation: &Evaluation) -> CurvePoint {
    let scores = |accuracy, macro_f1, intervals: &std::collections::BTreeMap<&str, Interval>| CurveScores {
        accuracy,
        accuracy_interval: intervals.get("accuracy").copied(),
        macro_f1,
        macro_f1_interval: intervals.get("macro_f1").copied(),
    };
    CurvePoint {
        training_rows,
        share,
        topic: evaluation.topic.as_ref().map(|h| scores(h.accuracy, h.macro_f1, &h.intervals)),
        stance: evaluation.stance.as_ref().map(|h| scores(h.accuracy, h.macro_f1, &h.intervals)),
        joint: evaluation.joint.as_ref().map(|j| scores(j.accuracy, j.macro_f1, &j.intervals)),
    }
}

type Answers = Vec<super::Answer>;

fn last_doubling(
    set: &TrainingSet,
    points: &[CurvePoint],
    judged: &[Answers],
    bootstrap: Bootstrap,
) -> Result<Vec<LastDoubling>> {
    let Some((full, before)) = points.split_last() else { return Ok(Vec::new()) };
    // Of the sizes before the last, the one nearest to its half.
    let off = |p: &CurvePoint| (p.training_rows / full.training_rows - 0.5).abs();
    let nearest = (0..before.len()).min_by(|&i, &j| off(&before[i]).total_cmp(&off(&before[j])));
    let Some(half) = nearest else { return Ok(Vec::new()) };
    let (a, b) = (rows_of(set, &judged[points.len() - 1]), rows_of(set, &judged[half]));
    let compared = Comparison::new(("all", &a), ("half", &b), set.groups.as_deref(), bootstrap)?;
    let heads = [("topic", compared.topic), ("stance", compared.stance), ("joint", compared.joint)];
    let of = |(head, comparison): (&'static str, Option<super::HeadComparison>)| {
        let f1 = comparison?.macro_f1;
        let (from_rows, to_rows) = (points[half].training_rows, full.training_rows);
        Some(LastDoubling {
            head,
            from_rows,
            to_rows,
            gain: f1.difference,
            interval: f1.interval,
            reading: reading(head, from_rows, to_rows, f1.difference, f1.interval),
        })
    };
    Ok(heads.into_iter().filter_map(of).collect())
}

/// What a gain says. Curves flatten, so the next gain of the same factor is likely no larger.
fn reading(head: &str, from: f64, to: f64, gain: f64, interval: Option<Interval>) -> String {
    let whose = if head == "joint" { "topic and stance together" } else { head };
    let grown = format!("from {from:.0} to {to:.0} training rows the macro-F1 of {whose} went");
    let points = 100.0 * gain;
    let sure = interval.map_or(String::new(), |i| format!(" [{:+.1}, {:+.1}]", 100.0 * i.low, 100.0 * i.high));
    let rose = interval.map_or(gain > 0.0, |i| i.low > 0.0);
    let fell = interval.is_some_and(|i| i.high < 0.0);
    let factor = to / from;
    match (rose, fell) {
        (true, _) => format!(
            "{grown} up by {points:.1} points{sure}: labelling more still pays. {factor:.1} times as many rows again \
             ({:.0}) will likely bring about as much or less.",
            to * factor
        ),
        (_, true) => format!(
            "{grown} down by {:.1} points{sure}: more rows did harm. Look at the labels of the rows added.",
            points.abs()
        ),
        _ => format!(
            "{grown} by {points:+.1} points{sure}, which may be chance: more rows like these would help little. Look \
             rather at labels that coders disagree on, and at rare labels."
        ),
    }
}

impl LearningCurve {
    /// Writes the curve as a table, and what it says.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        type Of = fn(&CurvePoint) -> Option<&CurveScores>;
        let heads: [(&str, Of); 3] = [
            ("topic", |p| p.topic.as_ref()),
            ("stance, given the predicted topic", |p| p.stance.as_ref()),
            ("topic and stance together", |p| p.joint.as_ref()),
        ];
        for (name, of) in heads {
            if self.points.iter().all(|p| of(p).is_none()) {
                continue;
            }
            writeln!(out, "{name:33}  training rows  {:<20}  macro-F1", "accuracy")?;
            for point in &self.points {
                let Some(s) = of(point) else { continue };
                let accuracy = with_interval(s.accuracy, s.accuracy_interval.as_ref());
                let f1 = with_interval(s.macro_f1, s.macro_f1_interval.as_ref());
                writeln!(out, "{:>48.0}  {accuracy:<20}  {f1}", point.training_rows)?;
            }
            writeln!(out)?;
        }
        for doubling in &self.last_doubling {
            let mut text = doubling.reading.clone();
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            writeln!(out, "{text}")?;
        }
        writeln!(out)?;
        self.warnings.iter().try_for_each(|warning| writeln!(out, "Warning: {warning}"))?;
        self.notes.iter().try_for_each(|note| writeln!(out, "Note: {note}"))?;
        writeln!(
            out,
            "Measured by cross-validation in {} folds: all {} labelled rows are judged at every size, by models\n\
             that trained on part of the other folds. Smaller parts lie within larger ones.",
            self.folds, self.rows
        )?;
        let made = &self.bootstrap;
        if made.resamples > 0 {
            writeln!(
                out,
                "In brackets: {:.0} % bootstrap intervals, {} resamples of {} {}s (seed {}).",
                made.level * 100.0,
                made.resamples,
                made.units,
                made.unit,
                made.seed
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_follows_the_interval() {
        let said = |gain, low, high| reading("topic", 100.0, 200.0, gain, Some(Interval { low, high }));
        assert!(said(0.03, 0.01, 0.05).contains("up by 3.0 points [+1.0, +5.0]: labelling more still pays. 2.0 times"));
        assert!(said(0.01, -0.01, 0.03).contains("by +1.0 points [-1.0, +3.0], which may be chance"));
        assert!(said(-0.03, -0.05, -0.01).contains("down by 3.0 points [-5.0, -1.0]: more rows did harm"));
        assert!(reading("joint", 10.0, 20.0, 0.1, None).contains("topic and stance together went up by 10.0 points:"));
    }
}
