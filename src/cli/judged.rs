//! A labelled file beside what a model says of it, for `rapporteur evaluate`.
//!
//! Flows in: a labelled file and a model. Flows out: gold labels, groups and answers, row by row and in order, on any number of threads. Texts are let go as soon as they are judged.

use rapporteur::corpus::{
    ColumnNames, FramedBatch, LabelColumns, LabelledReader, LabelledRow, ReadOptions, SideColumns,
};
use rapporteur::evaluate::{Answer, Row};
use rapporteur::labels::{LabelColumn, LabelSet, UNLABELLED};
use rapporteur::model::{Model, Predictor};
use rapporteur::pipeline::in_order;
use rapporteur::{Error, Result};

use super::Common;
use super::columns::ColumnArgs;
use super::rows::{Rows, with_names};
use super::terminal::Terminal;
use super::train::note_odd_cases;

/// Gold labels, groups and answers, row by row.
pub struct Judged {
    topics: LabelSet,
    topic: Vec<u32>,
    stances: LabelSet,
    stance: Vec<u32>,
    /// Group of each row, where the file has groups.
    pub groups: Option<Vec<u32>>,
    /// What was said of each row.
    pub answers: Vec<Answer>,
}

impl Judged {
    /// From columns as they were read.
    pub fn new(topic: LabelColumn, stance: LabelColumn, group: LabelColumn, answers: Vec<Answer>) -> Judged {
        let ((topics, topic), (stances, stance)) = (topic.finish(), stance.finish());
        Judged { topics, topic, stances, stance, groups: group.finish_groups(), answers }
    }

    /// The rows, with the gold labels of what is judged at all.
    pub fn rows(&self, topics: bool, stances: bool) -> Vec<Row<'_>> {
        fn gold(labels: &LabelSet, number: u32, judged: bool) -> Option<&str> {
            (judged && number != UNLABELLED).then(|| labels.name(number as usize))
        }
        let labels = self.topic.iter().zip(&self.stance);
        self.answers
            .iter()
            .zip(labels)
            .map(|(answer, (&t, &s))| answer.beside(gold(&self.topics, t, topics), gold(&self.stances, s, stances)))
            .collect()
    }
}

/// Lets a model judge all rows of a labelled file: `ask` asks it about a row that it has read, on whatever thread, and `keep` is given what came of each, in order.
pub fn judge_rows<T: Send>(
    path: &str,
    (columns, read): (&ColumnArgs, &ReadOptions),
    model: &Model,
    common: &Common,
    terminal: &Terminal,
    ask: impl Fn(&mut Predictor<'_>, LabelledRow<'_>) -> T + Sync,
    mut keep: impl FnMut(T) + Send,
) -> Result<()> {
    let side = with_names(model, columns.document_column.as_deref(), columns.context_columns.as_deref());
    let label_columns = LabelColumns { side: SideColumns::default(), ..columns.columns()? };
    let mut reader = LabelledReader::open(&[path.to_owned()], &label_columns, read)?;
    let pace = reader.pace();
    let rows = Rows::resolve(&ColumnNames::new(path, reader.header()), &label_columns.text, &side, model)?;
    let mut window = rows.window();
    let labelled = reader.columns().clone();
    let mut count = 0u64;
    in_order(
        common.threads(),
        terminal.control(),
        |framed: &mut FramedBatch, most, bytes| {
            window.read(framed, most, bytes, |b, n, bytes| reader.read(b, n, bytes))
        },
        || Predictor::new(model),
        |predictor, framed| -> Result<Vec<T>> {
            let mut judged = Vec::with_capacity(framed.batch.len());
            rows.read(predictor, framed, |predictor, i, _| {
                judged.push(ask(predictor, labelled.row(&framed.batch, i)?));
                Ok::<(), Error>(())
            })?;
            Ok(judged)
        },
        |judged| {
            count += judged.len() as u64;
            judged.into_iter().for_each(&mut keep);
            pace.report(terminal.control(), "judged", count);
            Ok(())
        },
    )
}

/// Lets a model judge all rows of a labelled file, one topic a row.
pub fn judge(
    path: &str,
    source: (&ColumnArgs, &ReadOptions),
    model: &Model,
    common: &Common,
    terminal: &Terminal,
) -> Result<Judged> {
    let (mut topic, mut stance, mut group) = (LabelColumn::default(), LabelColumn::default(), LabelColumn::default());
    let mut answers = Vec::new();
    let ask = |predictor: &mut Predictor<'_>, row: LabelledRow<'_>| {
        let answer = Answer::ask(predictor, row.topic, row.stance);
        ([row.topic, row.stance, row.group].map(|label| label.map(str::to_owned)), answer)
    };
    judge_rows(path, source, model, common, terminal, ask, |([gold_topic, gold_stance, its_group], answer)| {
        topic.push(gold_topic.as_deref());
        stance.push(gold_stance.as_deref());
        group.push(its_group.as_deref());
        answers.push(answer);
    })?;
    let judged = Judged::new(topic, stance, group, answers);
    note_odd_cases(&judged.topics, &judged.stances, terminal);
    Ok(judged)
}
