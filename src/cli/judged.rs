//! A labelled file beside what a model says of it, for `rapporteur evaluate`.

use rapporteur::corpus::{ColumnNames, FramedBatch, LabelColumns, LabelledReader, ReadOptions, SideColumns};
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

/// Lets a model judge all rows of a labelled file.
pub fn judge(
    path: &str,
    (columns, read): (&ColumnArgs, &ReadOptions),
    model: &Model,
    common: &Common,
    terminal: &Terminal,
) -> Result<Judged> {
    let side = with_names(model, columns.document_column.as_deref(), columns.context_columns.as_deref());
    let label_columns = LabelColumns { side: SideColumns::default(), ..columns.columns()? };
    let mut reader = LabelledReader::open(&[path.to_owned()], &label_columns, read)?;
    let rows = Rows::resolve(&ColumnNames::new(path, reader.header()), &label_columns.text, &side, model)?;
    let mut window = rows.window();
    let labelled = reader.columns().clone();
    let (mut topic, mut stance, mut group) = (LabelColumn::default(), LabelColumn::default(), LabelColumn::default());
    let mut answers = Vec::new();
    type Labelled = ([Option<String>; 3], Answer);
    in_order(
        common.threads(),
        terminal.control(),
        |framed: &mut FramedBatch, most, bytes| {
            window.read(framed, most, bytes, |b, n, bytes| reader.read(b, n, bytes))
        },
        || Predictor::new(model),
        |predictor, framed| -> Result<Vec<Labelled>> {
            let mut judged = Vec::with_capacity(framed.batch.len());
            rows.read(predictor, framed, |predictor, i, _| {
                let row = labelled.row(&framed.batch, i)?;
                let answer = Answer::ask(predictor, row.topic, row.stance);
                judged.push(([row.topic, row.stance, row.group].map(|label| label.map(str::to_owned)), answer));
                Ok::<(), Error>(())
            })?;
            Ok(judged)
        },
        |judged| {
            for ([gold_topic, gold_stance, its_group], answer) in judged {
                topic.push(gold_topic.as_deref());
                stance.push(gold_stance.as_deref());
                group.push(its_group.as_deref());
                answers.push(answer);
            }
            terminal.control().report(&format!("judging: {} rows", answers.len()), None);
            Ok(())
        },
    )?;
    let judged = Judged::new(topic, stance, group, answers);
    note_odd_cases(&judged.topics, &judged.stances, terminal);
    Ok(judged)
}
