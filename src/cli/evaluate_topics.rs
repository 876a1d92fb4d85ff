//! `rapporteur evaluate` of models that give a paragraph several topics.
//!
//! Flows in: a labelled file whose topic cells hold several topics, and a model. Flows out: an evaluation, and rows of predictions, one for each topic written.

use std::borrow::Cow;

use rapporteur::corpus::{Batch, LabelledRow};
use rapporteur::evaluate::{Bootstrap, MultiLabelEvaluation, MultiLabelRow, TopicsAnswer};
use rapporteur::labels::LabelColumn;
use rapporteur::model::{Model, Predictor};
use rapporteur::{Error, Result};

use super::Common;
use super::answers::{AnswerWriter, Labels};
use super::columns::ColumnArgs;
use super::judged::judge_rows;
use super::reading::Reading;
use super::terminal::Terminal;

/// Topics of a row with their stances, kept.
type Topics = Vec<(String, Option<String>)>;
/// A row as it was judged: its gold topics, its group, what was said.
type Judged = (Option<Topics>, Option<String>, TopicsAnswer);

/// Lets a model judge all rows of a labelled file, and scores what it says.
pub fn judge(
    path: &str,
    (columns, reading): (&ColumnArgs, &Reading),
    model: &Model,
    bootstrap: Bootstrap,
    common: &Common,
    terminal: &Terminal,
) -> Result<(MultiLabelEvaluation, Vec<TopicsAnswer>)> {
    let (Some(head), Some(_)) = (&model.topic, model.multi_label) else {
        return Err(Error::usage(
            "--multi-label is for models that were trained with it, and this one gives a paragraph one topic",
        ));
    };
    let (mut gold, mut group, mut answers) = (Vec::new(), LabelColumn::default(), Vec::new());
    let read = reading.options(columns.read_options()?);
    let ask = |predictor: &mut Predictor<'_>, row: LabelledRow<'_>| -> Judged {
        let answer = TopicsAnswer::ask(predictor, row.topics.iter().flatten().map(|t| &*t.topic));
        let topics = row
            .topics
            .map(|topics| topics.into_iter().map(|t| (t.topic.into_owned(), t.stance.map(Cow::into_owned))).collect());
        (topics, row.group.map(str::to_owned), answer)
    };
    judge_rows(path, (columns, &read), model, common, terminal, ask, |(its_gold, its_group, answer)| {
        gold.push(its_gold);
        group.push(its_group.as_deref());
        answers.push(answer);
    })?;
    reading.finish(terminal)?;
    terminal.control().report("resampling", None);
    let rows: Vec<MultiLabelRow<'_>> =
        answers.iter().zip(&gold).map(|(answer, gold)| answer.beside(gold.as_ref().map(|g| lent(g)))).collect();
    let groups = group.finish_groups();
    let evaluation = MultiLabelEvaluation::measure(&rows, groups.as_deref(), head.labels.names(), bootstrap)?;
    Ok((evaluation, answers))
}

fn lent(topics: &Topics) -> Vec<(&str, Option<&str>)> {
    topics.iter().map(|(topic, stance)| (topic.as_str(), stance.as_deref())).collect()
}

/// Writes a row of the input for each topic that was written, one without where there was none.
pub fn write_row(writer: &mut AnswerWriter<'_>, batch: &Batch, i: usize, answer: &TopicsAnswer) {
    for written in &answer.written {
        let labels = Labels {
            topic: &written.topic,
            topic_probability: written.topic_probability,
            stance: written.stance.as_deref().unwrap_or_default(),
            stance_probability: written.stance_probability,
        };
        writer.row_with(batch, i, labels, &[]);
    }
    if answer.written.is_empty() {
        writer.row_with(batch, i, Labels::default(), &[]);
    }
}
