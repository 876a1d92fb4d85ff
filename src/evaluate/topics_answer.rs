//! What a model of several topics a paragraph says of labelled rows, by itself or in cross-validation.
//!
//! Flows in: a predictor that has read a row, and the gold topics. Flows out: [`TopicsAnswer`]s, which beside their gold topics are rows of a [`super::MultiLabelEvaluation`].

use super::bootstrap::Bootstrap;
use super::cross_validation::each_held_out;
use super::multi_label::{MultiLabelEvaluation, MultiLabelRow};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::labels::UNLABELLED;
use crate::model::{Prediction, Predictor, TrainOptions, TrainingSet};

/// A topic written, with the stance on it; labels by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WrittenTopic {
    /// The topic.
    pub topic: String,
    /// P(topic).
    pub topic_probability: f64,
    /// The stance on it, if the model gives one.
    pub stance: Option<String>,
    /// P(stance | topic).
    pub stance_probability: f64,
}

/// What was said of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicsAnswer {
    /// The topics written, surest first.
    pub written: Vec<WrittenTopic>,
    /// The stance on each gold topic, in their order.
    pub stance_given_true_topic: Vec<Option<String>>,
}

impl TopicsAnswer {
    /// Asks a predictor about the paragraph that it has read.
    pub fn ask<'t>(predictor: &mut Predictor<'_>, gold: impl IntoIterator<Item = &'t str>) -> TopicsAnswer {
        let spell = |predictor: &Predictor<'_>, stance, stance_probability| {
            let name = predictor.stance_name(Prediction { stance, ..Prediction::default() }).map(str::to_owned);
            (name, stance_probability)
        };
        let stance_given_true_topic = gold
            .into_iter()
            .map(|topic| {
                let (stance, p) = predictor.stance_given(Some(topic));
                spell(predictor, stance, p).0
            })
            .collect();
        let mut written = Vec::new();
        for prediction in predictor.judge_all() {
            let (stance, stance_probability) = spell(predictor, prediction.stance, prediction.stance_probability);
            let topic = predictor.topic_name(prediction).unwrap_or_default().to_owned();
            written.push(WrittenTopic {
                topic,
                topic_probability: prediction.topic_probability,
                stance,
                stance_probability,
            });
        }
        TopicsAnswer { written, stance_given_true_topic }
    }

    /// The answer beside the gold topics that it was asked about; `None` where they are not known.
    pub fn beside<'a>(&'a self, gold: Option<Vec<(&'a str, Option<&'a str>)>>) -> MultiLabelRow<'a> {
        MultiLabelRow {
            gold,
            written: self.written.iter().map(|w| (w.topic.as_str(), w.stance.as_deref())).collect(),
            stance_given_true_topic: self.stance_given_true_topic.iter().map(Option::as_deref).collect(),
        }
    }
}

/// Answers about every row of a corpus of several topics a row, by models that were trained on the other folds.
///
/// # Errors
/// When the corpus has one topic a row, the rows or groups do not allow `folds` folds, or training fails in one.
pub fn cross_validate_topics(
    set: &TrainingSet,
    options: &TrainOptions,
    folds: usize,
    control: &Control,
) -> Result<Vec<TopicsAnswer>> {
    let mut answers = vec![TopicsAnswer::default(); set.len()];
    if set.several.is_none() {
        return Err(Error::usage("the corpus has one topic a row: cross_validate is for it"));
    }
    each_held_out(set, options, folds, control, |row, predictor| {
        answers[row] = TopicsAnswer::ask(predictor, gold(set, row).into_iter().flatten().map(|(topic, _)| topic));
    })?;
    Ok(answers)
}

/// Scores answers against a corpus of several topics a row, with intervals by its groups if it has any.
///
/// # Errors
/// As [`MultiLabelEvaluation::measure`].
pub fn measure_topics(
    set: &TrainingSet,
    answers: &[TopicsAnswer],
    bootstrap: Bootstrap,
) -> Result<MultiLabelEvaluation> {
    let rows: Vec<MultiLabelRow<'_>> =
        answers.iter().enumerate().map(|(row, answer)| answer.beside(gold(set, row))).collect();
    MultiLabelEvaluation::measure(&rows, set.groups.as_deref(), set.topics.names(), bootstrap)
}

fn gold(set: &TrainingSet, row: usize) -> Option<Vec<(&str, Option<&str>)>> {
    let several = set.several.as_ref().filter(|several| several.is_labelled(row))?;
    let name = |&(topic, stance): &(u32, u32)| {
        let stance = (stance != UNLABELLED).then(|| set.stances.name(stance as usize));
        (set.topics.name(topic as usize), stance)
    };
    Some(several.of(row).iter().map(name).collect())
}
