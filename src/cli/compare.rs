//! The part of `rapporteur evaluate` that compares: two models on one labelled file, or two files of predictions.

use std::hash::{DefaultHasher, Hash, Hasher};

use rapporteur::corpus::{Batch, LabelledReader, ReadOptions};
use rapporteur::error::Place;
use rapporteur::evaluate::{Answer, Bootstrap, Comparison, Evaluation, EvaluationOptions, Row};
use rapporteur::labels::LabelColumn;
use rapporteur::model::Model;
use rapporteur::{Error, Result};

use super::Common;
use super::answers::PREFIX;
use super::columns::ColumnArgs;
use super::judged::{Judged, judge};
use super::reading::Reading;
use super::terminal::Terminal;
use super::unsure::UNSURE;

/// Lets two models, each with its name, judge a labelled file.
pub fn models(
    path: &str,
    (columns, reading): (&ColumnArgs, &Reading),
    (a_name, a): (&str, &Model),
    (b_name, b): (&str, &Model),
    bootstrap: Bootstrap,
    common: &Common,
    terminal: &Terminal,
) -> Result<Comparison> {
    let topics = a.topic.is_some() && b.topic.is_some();
    let stances = a.stance.is_some() && b.stance.is_some();
    let read = columns.read_options()?;
    let a = judge(path, (columns, &reading.options(read.clone())), a, common, terminal)?;
    let b = judge(path, (columns, &reading.again(read)), b, common, terminal)?;
    if a.answers.len() != b.answers.len() {
        return Err(Error::corpus(
            format!("{path} has changed while it was read"),
            "run again when nobody writes to it",
        ));
    }
    let (a, b, groups) = (a.rows(topics, stances), b.rows(topics, stances), a.groups.as_deref());
    Comparison::new((a_name, &a), (b_name, &b), groups, bootstrap)
}

/// Compares two files as `classify` and `evaluate --predictions` write them: the same rows, with gold labels and predictions beside them.
pub fn files(a: &str, b: &str, columns: &ColumnArgs, reading: &Reading, bootstrap: Bootstrap) -> Result<Comparison> {
    let read = reading.options(columns.read_options()?);
    let (first, second) = (Predictions::read(a, columns, &read)?, Predictions::read(b, columns, &read)?);
    let same = "both files must hold the same labelled rows in the same order";
    if first.lines.len() != second.lines.len() {
        let (a_rows, b_rows) = (first.lines.len(), second.lines.len());
        return Err(Error::input(Place::file(b), format!("{b_rows} rows, where {a} has {a_rows}"), same));
    }
    let differs = |what: &str, row: usize| {
        let problem = format!("the {what} is not that of {a}, line {}", first.lines[row]);
        Error::input(Place::file(b).line(second.lines[row]), problem, same)
    };
    if let Some(row) = (0..first.texts.len()).find(|&i| first.texts[i] != second.texts[i]) {
        return Err(differs("text", row));
    }
    let topics = first.predicts_topic && second.predicts_topic;
    let stances = first.predicts_stance && second.predicts_stance;
    let (a_rows, b_rows) = (first.judged.rows(topics, stances), second.judged.rows(topics, stances));
    for (row, (x, y)) in a_rows.iter().zip(&b_rows).enumerate() {
        for (what, x, y) in [("topic", x.gold_topic, y.gold_topic), ("stance", x.gold_stance, y.gold_stance)] {
            if x != y {
                return Err(differs(&format!("gold {what} {:?}", y.unwrap_or_default()), row));
            }
        }
    }
    Comparison::new((a, &a_rows), (b, &b_rows), first.judged.groups.as_deref(), bootstrap)
}

/// Scores the predictions that stand in a labelled file. What the stance would be given the true topic, and probabilities, are not in it.
pub fn file(path: &str, columns: &ColumnArgs, reading: &Reading, options: &EvaluationOptions) -> Result<Evaluation> {
    let mut file = Predictions::read(path, columns, &reading.options(columns.read_options()?))?;
    // A label that was withheld is no label.
    for answer in &mut file.judged.answers {
        for label in [&mut answer.topic, &mut answer.stance] {
            *label = label.take().filter(|label| label != UNSURE);
        }
    }
    let rows = file.judged.rows(file.predicts_topic, file.predicts_stance);
    let labels =
        |of: fn(&Row<'_>) -> [Option<String>; 2]| -> Vec<String> { rows.iter().flat_map(of).flatten().collect() };
    let topics = labels(|row| [row.gold_topic, row.topic].map(|label| label.map(str::to_owned)));
    let stances = labels(|row| [row.gold_stance, row.stance].map(|label| label.map(str::to_owned)));
    let mut evaluation = Evaluation::measure(&rows, file.judged.groups.as_deref(), &topics, &stances, options)?;
    evaluation.stance_given_true_topic = None;
    Ok(evaluation)
}

/// A file of predictions.
struct Predictions {
    judged: Judged,
    predicts_topic: bool,
    predicts_stance: bool,
    /// A hash of each text.
    texts: Vec<u64>,
    lines: Vec<u64>,
}

impl Predictions {
    fn read(path: &str, columns: &ColumnArgs, read: &ReadOptions) -> Result<Predictions> {
        let label_columns = columns.columns()?;
        let mut reader = LabelledReader::open(&[path.to_owned()], &label_columns, read)?;
        let labelled = reader.columns().clone();
        let topic_at = predicted_column(reader.header(), "topic", label_columns.topic.as_deref());
        let stance_at = predicted_column(reader.header(), "stance", label_columns.stance.as_deref());
        if topic_at.is_none() && stance_at.is_none() {
            return Err(Error::input(
                Place::file(path),
                format!("there are no predictions beside the gold labels: no column {PREFIX}topic or {PREFIX}stance"),
                "give a file that `rapporteur classify` or `rapporteur evaluate --predictions` made from labelled rows",
            ));
        }
        let (mut topic, mut stance, mut group) =
            (LabelColumn::default(), LabelColumn::default(), LabelColumn::default());
        let (mut answers, mut texts, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let mut batch = Batch::new();
        while reader.read(&mut batch, 2_048, 1 << 20)? {
            for i in 0..batch.len() {
                let row = labelled.row(&batch, i)?;
                topic.push(row.topic);
                stance.push(row.stance);
                group.push(row.group);
                let cell = |at: Option<usize>| {
                    batch.record(i).get(at?).map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned)
                };
                answers.push(Answer { topic: cell(topic_at), stance: cell(stance_at), ..Answer::default() });
                let mut hasher = DefaultHasher::new();
                row.text.hash(&mut hasher);
                texts.push(hasher.finish());
                lines.push(row.line);
            }
        }
        let (predicts_topic, predicts_stance) = (topic_at.is_some(), stance_at.is_some());
        let judged = Judged::new(topic, stance, group, answers);
        Ok(Predictions { judged, predicts_topic, predicts_stance, texts, lines })
    }
}

/// The column of the predictions of a kind: the one that was written last, so with the most prefixes, and never the gold one.
fn predicted_column(header: &[String], kind: &str, gold: Option<&str>) -> Option<usize> {
    let is_predicted = |name: &&String| name.trim_start_matches(PREFIX) == kind && Some(name.as_str()) != gold;
    let longest = header.iter().filter(is_predicted).max_by_key(|name| name.len())?;
    header.iter().position(|name| name == longest)
}

#[cfg(test)]
mod tests {
    use super::predicted_column;

    #[test]
    fn the_predictions_written_last_are_read_and_never_the_gold_labels() {
        let header = ["text", "topic", "predicted_topic", "predicted_predicted_topic", "stance", "my_topic"];
        let header = header.map(str::to_owned);
        assert_eq!(predicted_column(&header, "topic", Some("topic")), Some(3));
        assert_eq!(predicted_column(&header[..2], "topic", Some("topic")), None);
        assert_eq!(predicted_column(&header, "stance", Some("stance")), None);
        assert_eq!(predicted_column(&header, "stance", Some("my_topic")), Some(4));
    }
}
