//! Cross-validation, and the scoring of a model: from a labelled corpus to [`Answer`]s and an [`Evaluation`].
//!
//! Flows in: a [`TrainingSet`]. Flows out: what a model that never saw the row says of each row. Everything is fitted anew in each fold, vocabulary and all,
//! and groups are kept together, so the scores are those of new documents.

use super::probability::Posterior;
use super::report::{Evaluation, EvaluationOptions, Row};
use crate::control::Control;
use crate::corpus::stratified_group_folds;
use crate::error::Result;
use crate::labels::{LabelSet, UNLABELLED};
use crate::model::{Model, Predictor, TrainOptions, TrainingSet, train_rows};

/// What a model said of a labelled row; labels by name, empty for no answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The topic.
    pub topic: Option<String>,
    /// P(topic).
    pub topic_probability: f64,
    /// The stance given the topic above.
    pub stance: Option<String>,
    /// P(stance | the topic above).
    pub stance_probability: f64,
    /// The stance given the true topic.
    pub stance_given_true_topic: Option<String>,
    /// What the probabilities of the topics come to beside the true topic, where there is one.
    pub topic_posterior: Option<Posterior>,
    /// The same for the stance given the topic above.
    pub stance_posterior: Option<Posterior>,
    /// The same for the stance given the true topic.
    pub stance_given_true_topic_posterior: Option<Posterior>,
}

impl Answer {
    /// Asks a predictor about the paragraph that it has read, whose true labels are known or not.
    pub fn ask(predictor: &mut Predictor<'_>, true_topic: Option<&str>, true_stance: Option<&str>) -> Answer {
        let model = predictor.model();
        let (topics, stances) =
            (model.topic.as_ref().map(|h| &h.labels), model.stance.as_ref().map(|s| &s.head.labels));
        let posterior =
            |probabilities: &[f64], labels: Option<&LabelSet>, written: Option<usize>, gold: Option<&str>| {
                Some(Posterior::new(probabilities, written?, labels?.find(gold?)))
            };
        // The stance given the true topic first: what the predictor holds afterwards is the prediction.
        let (given, _) = predictor.stance_given(true_topic);
        let given_posterior = posterior(predictor.stance_probabilities(), stances, given, true_stance);
        let prediction = predictor.judge();
        Answer {
            topic: predictor.topic_name(prediction).map(str::to_owned),
            topic_probability: prediction.topic_probability,
            stance: predictor.stance_name(prediction).map(str::to_owned),
            stance_probability: prediction.stance_probability,
            stance_given_true_topic: given.and_then(|k| Some(stances?.name(k).to_owned())),
            topic_posterior: posterior(predictor.topic_probabilities(), topics, prediction.topic, true_topic),
            stance_posterior: posterior(predictor.stance_probabilities(), stances, prediction.stance, true_stance),
            stance_given_true_topic_posterior: given_posterior,
        }
    }

    /// The answer beside its gold labels.
    pub fn beside<'a>(&'a self, gold_topic: Option<&'a str>, gold_stance: Option<&'a str>) -> Row<'a> {
        Row {
            gold_topic,
            gold_stance,
            topic: self.topic.as_deref(),
            stance: self.stance.as_deref(),
            stance_given_true_topic: self.stance_given_true_topic.as_deref(),
            topic_probability: self.topic.as_ref().map(|_| self.topic_probability),
            topic_posterior: self.topic_posterior,
            stance_posterior: self.stance_posterior,
            stance_given_true_topic_posterior: self.stance_given_true_topic_posterior,
        }
    }
}

/// Answers about every row of a set by models that were trained on the other folds.
///
/// # Errors
/// When the rows or groups do not allow `folds` folds, or training fails in one.
pub fn cross_validate(
    set: &TrainingSet,
    options: &TrainOptions,
    folds: usize,
    control: &Control,
) -> Result<Vec<Answer>> {
    set.check_single("cross_validate")?;
    let mut answers = vec![Answer::default(); set.len()];
    each_held_out(set, options, folds, control, |row, predictor| answers[row] = ask(set, row, predictor))?;
    Ok(answers)
}

/// Shows every labelled row to a model that was trained on the other folds: `each` is given the row's number and a predictor that has read it.
///
/// # Errors
/// As [`cross_validate`].
pub fn each_held_out(
    set: &TrainingSet,
    options: &TrainOptions,
    folds: usize,
    control: &Control,
    mut each: impl FnMut(usize, &mut Predictor<'_>),
) -> Result<()> {
    for fold in Fold::all(set, &set.labelled_rows(), folds, options.seed)? {
        let share = fold.number as f64 / folds as f64;
        control.report(&format!("cross-validating: fold {} of {folds}", fold.number + 1), Some(share));
        show(set, options, &fold.train, &fold.held, control, &mut each)?;
    }
    Ok(())
}

/// A fold: the rows to train on, and those to judge.
pub(super) struct Fold {
    pub number: usize,
    pub train: Vec<u32>,
    pub held: Vec<u32>,
}

impl Fold {
    /// All folds of some rows.
    pub fn all(set: &TrainingSet, rows: &[u32], folds: usize, seed: u64) -> Result<Vec<Fold>> {
        let groups: Option<Vec<u32>> = set.groups.as_ref().map(|g| rows.iter().map(|&r| g[r as usize]).collect());
        let fold_of = stratified_group_folds(&set.strata(rows), groups.as_deref(), folds, seed)?;
        let part = |number: usize, held: bool| {
            rows.iter().zip(&fold_of).filter(|(_, f)| (**f as usize == number) == held).map(|(&r, _)| r).collect()
        };
        Ok((0..folds).map(|number| Fold { number, train: part(number, false), held: part(number, true) }).collect())
    }
}

/// Trains on some rows and lets the model judge others; returns the model.
pub(super) fn judge_fold(
    set: &TrainingSet,
    options: &TrainOptions,
    train: &[u32],
    held: &[u32],
    answers: &mut [Answer],
    control: &Control,
) -> Result<Model> {
    show(set, options, train, held, control, |row, predictor| answers[row] = ask(set, row, predictor))
}

/// Trains on some rows and shows the model others, one by one.
fn show(
    set: &TrainingSet,
    options: &TrainOptions,
    train: &[u32],
    held: &[u32],
    control: &Control,
    mut each: impl FnMut(usize, &mut Predictor<'_>),
) -> Result<Model> {
    let model = train_rows(set, train, options, &control.quiet())?;
    let x = model.vectors(set, held);
    let mut predictor = Predictor::new(&model);
    for (i, &row) in held.iter().enumerate() {
        predictor.read_vector(x.row(i));
        each(row as usize, &mut predictor);
    }
    drop(predictor);
    Ok(model)
}

fn ask(set: &TrainingSet, row: usize, predictor: &mut Predictor<'_>) -> Answer {
    Answer::ask(predictor, name(&set.topics, set.topic[row]), name(&set.stances, set.stance[row]))
}

/// Scores answers against a set, without intervals; `topics` and `stances` are the labels that the model (or any fold's) knows.
pub fn score(set: &TrainingSet, answers: &[Answer], topics: &LabelSet, stances: &LabelSet) -> Evaluation {
    Evaluation::from_rows(&rows_of(set, answers), topics.names(), stances.names())
}

/// Scores answers against a set, with intervals by the groups of the set, if it has any, and by its rows otherwise.
///
/// # Errors
/// As [`Evaluation::measure`].
pub fn measure(
    set: &TrainingSet,
    answers: &[Answer],
    topics: &LabelSet,
    stances: &LabelSet,
    options: &EvaluationOptions,
) -> Result<Evaluation> {
    Evaluation::measure(&rows_of(set, answers), set.groups.as_deref(), topics.names(), stances.names(), options)
}

/// The answers beside the labels of the set.
pub(super) fn rows_of<'a>(set: &'a TrainingSet, answers: &'a [Answer]) -> Vec<Row<'a>> {
    let gold = |i: usize| (name(&set.topics, set.topic[i]), name(&set.stances, set.stance[i]));
    answers.iter().enumerate().map(|(i, answer)| answer.beside(gold(i).0, gold(i).1)).collect()
}

fn name(labels: &LabelSet, number: u32) -> Option<&str> {
    (number != UNLABELLED).then(|| labels.name(number as usize))
}
