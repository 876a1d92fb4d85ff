//! Cross-validation, and the scoring of a model: from a labelled corpus to [`Answer`]s and an [`Evaluation`].
//!
//! Flows in: a [`TrainingSet`]. Flows out: what a model that never saw the row says of each row. Everything is fitted anew in each fold, vocabulary and all,
//! and groups are kept together, so the scores are those of new documents.

use super::report::{Evaluation, Row};
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
}

impl Answer {
    /// Asks a predictor about the paragraph that it has read.
    pub fn ask(predictor: &mut Predictor<'_>, true_topic: Option<&str>) -> Answer {
        // The stance given the true topic first: what the predictor holds afterwards is the prediction.
        let stance_name = |model: &Model, stance: Option<usize>| {
            model.stance.as_ref().and_then(|s| stance.map(|k| s.head.labels.name(k).to_owned()))
        };
        let (given, _) = predictor.stance_given(true_topic);
        let given = stance_name(predictor.model(), given);
        let prediction = predictor.judge();
        Answer {
            topic: predictor.topic_name(prediction).map(str::to_owned),
            topic_probability: prediction.topic_probability,
            stance: predictor.stance_name(prediction).map(str::to_owned),
            stance_probability: prediction.stance_probability,
            stance_given_true_topic: given,
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
    let rows: Vec<u32> = (0..set.len() as u32)
        .filter(|&r| set.topic[r as usize] != UNLABELLED || set.stance[r as usize] != UNLABELLED)
        .collect();
    let groups: Option<Vec<u32>> = set.groups.as_ref().map(|g| rows.iter().map(|&r| g[r as usize]).collect());
    let fold_of = stratified_group_folds(&set.strata(&rows), groups.as_deref(), folds, options.seed)?;
    let mut answers = vec![Answer::default(); set.len()];
    for fold in 0..folds as u32 {
        control
            .report(&format!("cross-validating: fold {} of {folds}", fold + 1), Some(f64::from(fold) / folds as f64));
        let part = |held: bool| -> Vec<u32> {
            rows.iter().zip(&fold_of).filter(|(_, f)| (**f == fold) == held).map(|(&r, _)| r).collect()
        };
        let model = train_rows(set, &part(false), options, &control.quiet())?;
        let held = part(true);
        let x = model.vectoriser.transform_rows(&set.documents, &held);
        let mut predictor = Predictor::new(&model);
        for (i, &row) in held.iter().enumerate() {
            predictor.read_vector(x.row(i));
            answers[row as usize] = Answer::ask(&mut predictor, name(&set.topics, set.topic[row as usize]));
        }
    }
    Ok(answers)
}

/// Scores answers against a set; `topics` and `stances` are the labels that the model (or any fold's) knows.
pub fn score(set: &TrainingSet, answers: &[Answer], topics: &LabelSet, stances: &LabelSet) -> Evaluation {
    let rows: Vec<Row<'_>> = answers
        .iter()
        .enumerate()
        .map(|(i, answer)| Row {
            gold_topic: name(&set.topics, set.topic[i]),
            gold_stance: name(&set.stances, set.stance[i]),
            topic: answer.topic.as_deref(),
            stance: answer.stance.as_deref(),
            stance_given_true_topic: answer.stance_given_true_topic.as_deref(),
        })
        .collect();
    Evaluation::from_rows(&rows, topics.names(), stances.names())
}

fn name(labels: &LabelSet, number: u32) -> Option<&str> {
    (number != UNLABELLED).then(|| labels.name(number as usize))
}
