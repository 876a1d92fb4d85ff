//! The evaluation of a model on labelled rows: both heads, jointly, and what the reader must know beside.
//!
//! Flows in: [`Row`]s, the gold labels and the predictions of each. Flows out: an [`Evaluation`], written as JSON by
//! serde and as text by [`Evaluation::write_text`].
//!
//! Which rows count where:
//! - A head counts the rows that have its gold label. An empty prediction for one is an error.
//! - Stance is scored twice, as `stance` given the topic that was predicted and as `stance_given_true_topic`; the
//!   second, and the joint accuracy, need rows with a gold topic too.
//! - `joint` counts rows whose whole truth is known: rows with both gold labels, right if both are, and rows of a topic
//!   that *never* has a gold stance in these rows (`irrelevant`, say, where the other topics are either for or
//!   against), right if the topic is right and no stance was written. There an empty stance is the truth and not a gap
//!   in the coding, and a scheme of *k* classes that is coded as topic and stance keeps its *k*-way accuracy. A row
//!   without gold stance whose topic has one elsewhere was not coded, and does not count.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::confusion::Confusion;
use super::metrics::{HeadScores, share};

/// The gold labels and the predictions of one row. `None` is "no label" among the gold ones and "no answer" among the
/// predictions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// Topic given by a person.
    pub gold_topic: Option<&'a str>,
    /// Stance given by a person.
    pub gold_stance: Option<&'a str>,
    /// Topic predicted.
    pub topic: Option<&'a str>,
    /// Stance predicted given the predicted topic.
    pub stance: Option<&'a str>,
    /// Stance predicted given the gold topic.
    pub stance_given_true_topic: Option<&'a str>,
}

/// How often topic and stance are right together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JointScores {
    /// Rows whose topic and stance are known, as the module says.
    pub rows: u64,
    /// Share of them predicted right in both.
    pub accuracy: f64,
}

/// Gold labels that the model has never seen, with their rows: errors of the model by necessity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnknownLabels {
    /// Topics and their rows.
    pub topic: BTreeMap<String, u64>,
    /// Stances and their rows.
    pub stance: BTreeMap<String, u64>,
}

/// Scores of a model on labelled rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows with at least one gold label.
    pub rows: u64,
    /// Scores of the topics, if any row has a gold topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<HeadScores>,
    /// Scores of the stances given the predicted topic, if any row has a gold stance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance: Option<HeadScores>,
    /// Scores of the stances given the gold topic, if any row has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance_given_true_topic: Option<HeadScores>,
    /// Topic and stance right together, if any row has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint: Option<JointScores>,
    /// Gold labels that the model does not know.
    pub unknown_labels: UnknownLabels,
    /// What a reader should know beside: rows without labels or answers, labels unknown.
    pub notes: Vec<String>,
}

impl Evaluation {
    /// The figures by which a model is known, by name, such as `topic_macro_f1`.
    pub fn headline(&self) -> BTreeMap<String, f64> {
        let mut out = BTreeMap::new();
        let heads = [
            ("topic", &self.topic),
            ("stance", &self.stance),
            ("stance_given_true_topic", &self.stance_given_true_topic),
        ];
        for (name, head) in heads {
            if let Some(head) = head {
                out.insert(format!("{name}_accuracy"), head.accuracy);
                out.insert(format!("{name}_macro_f1"), head.macro_f1);
            }
        }
        if let Some(joint) = &self.joint {
            out.insert("joint_accuracy".into(), joint.accuracy);
        }
        out
    }

    /// Scores predictions against gold labels. `topics` and `stances` are the labels the model knows.
    ///
    /// ```
    /// use rapporteur::evaluate::{Evaluation, Row};
    /// let rows = [
    ///     Row { gold_topic: Some("peace"), gold_stance: Some("support"), topic: Some("peace"), stance: Some("support"),
    ///           stance_given_true_topic: Some("support") },
    ///     Row { gold_topic: Some("trade"), gold_stance: None, topic: Some("peace"), ..Row::default() },
    /// ];
    /// let evaluation = Evaluation::from_rows(&rows, &["peace"], &["support", "oppose"]);
    /// assert_eq!(evaluation.topic.map(|t| t.accuracy), Some(0.5));
    /// assert_eq!(evaluation.joint.map(|j| j.rows), Some(2));
    /// assert_eq!(evaluation.unknown_labels.topic["trade"], 1);
    /// ```
    pub fn from_rows<T: AsRef<str>, S: AsRef<str>>(rows: &[Row<'_>], topics: &[T], stances: &[S]) -> Evaluation {
        let is_labelled = |r: &&Row<'_>| r.gold_topic.is_some() || r.gold_stance.is_some();
        let labelled: Vec<Row<'_>> = rows.iter().filter(is_labelled).copied().collect();
        let topic = head(labelled.iter().filter_map(|r| Some((r.gold_topic?, r.topic))));
        let stance = head(labelled.iter().filter_map(|r| Some((r.gold_stance?, r.stance))));
        let with_both = labelled.iter().filter(|r| r.gold_topic.is_some());
        let stance_given_true_topic = head(with_both.filter_map(|r| Some((r.gold_stance?, r.stance_given_true_topic))));
        let unknown_labels = UnknownLabels {
            topic: unknown(labelled.iter().filter_map(|r| r.gold_topic), topics),
            stance: unknown(labelled.iter().filter_map(|r| r.gold_stance), stances),
        };
        let mut evaluation = Evaluation {
            rows: labelled.len() as u64,
            topic,
            stance,
            stance_given_true_topic,
            joint: joint(&labelled),
            unknown_labels,
            notes: Vec::new(),
        };
        evaluation.notes = evaluation.take_notes(rows.len() - labelled.len());
        evaluation
    }

    fn take_notes(&self, unlabelled: usize) -> Vec<String> {
        let mut notes = Vec::new();
        if unlabelled > 0 {
            notes.push(format!("{} without a gold label left out.", rows(unlabelled as u64)));
        }
        for (name, scores) in [("topic", &self.topic), ("stance", &self.stance)] {
            let empty = scores.as_ref().map_or(0, |s| s.confusion.predicted_count(None));
            if empty > 0 {
                notes.push(format!("{} with a gold {name} got no {name}; each counts as an error.", rows(empty)));
            }
        }
        for (name, labels) in [("topic", &self.unknown_labels.topic), ("stance", &self.unknown_labels.stance)] {
            if !labels.is_empty() {
                let list: Vec<String> = labels.iter().map(|(label, n)| format!("{label} ({})", rows(*n))).collect();
                notes.push(format!(
                    "The model does not know the gold {name} {}; each row counts as an error.",
                    list.join(", ")
                ));
            }
        }
        notes
    }
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn head<'a>(pairs: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Option<HeadScores> {
    let confusion = Confusion::of_pairs(pairs);
    (confusion.rows() > 0).then(|| HeadScores::of(confusion))
}

fn unknown<'a>(gold: impl Iterator<Item = &'a str>, known: &[impl AsRef<str>]) -> BTreeMap<String, u64> {
    let known: BTreeSet<&str> = known.iter().map(AsRef::as_ref).collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for label in gold.filter(|g| !known.contains(g)) {
        *counts.entry(label).or_default() += 1;
    }
    counts.into_iter().map(|(label, n)| (label.to_owned(), n)).collect()
}

fn joint(rows: &[Row<'_>]) -> Option<JointScores> {
    let with_stance: BTreeSet<&str> =
        rows.iter().filter(|r| r.gold_stance.is_some()).filter_map(|r| r.gold_topic).collect();
    if with_stance.is_empty() {
        return None;
    }
    let (mut counted, mut right) = (0, 0);
    for row in rows {
        let Some(topic) = row.gold_topic else { continue };
        if row.gold_stance.is_some() || !with_stance.contains(topic) {
            counted += 1;
            right += u64::from(row.topic == Some(topic) && row.stance == row.gold_stance);
        }
    }
    Some(JointScores { rows: counted, accuracy: share(right, counted) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(gold: (&'a str, &'a str), said: (&'a str, &'a str), given: &'a str) -> Row<'a> {
        let some = |s: &'a str| (!s.is_empty()).then_some(s);
        Row {
            gold_topic: some(gold.0),
            gold_stance: some(gold.1),
            topic: some(said.0),
            stance: some(said.1),
            stance_given_true_topic: some(given),
        }
    }

    #[test]
    fn heads_count_their_own_rows() {
        let rows = [
            row(("a", "pro"), ("a", "pro"), "pro"),
            row(("a", ""), ("b", "con"), "con"),
            row(("", "con"), ("a", "con"), ""),
            row(("", ""), ("a", "con"), ""),
        ];
        let e = Evaluation::from_rows(&rows, &["a", "b"], &["pro", "con"]);
        assert_eq!(e.rows, 3);
        assert_eq!(e.topic.as_ref().map(|t| (t.rows, t.accuracy)), Some((2, 0.5)));
        assert_eq!(e.stance.as_ref().map(|t| (t.rows, t.accuracy)), Some((2, 1.0)));
        assert_eq!(e.stance_given_true_topic.as_ref().map(|t| t.rows), Some(1));
        assert_eq!(e.joint, Some(JointScores { rows: 1, accuracy: 1.0 }));
        assert_eq!(e.notes, ["1 row without a gold label left out."]);
    }

    #[test]
    fn a_topic_without_stances_counts_jointly_when_no_stance_is_written() {
        let rows = [
            row(("irrelevant", ""), ("irrelevant", ""), ""),
            row(("irrelevant", ""), ("irrelevant", "pro"), ""),
            row(("irrelevant", ""), ("verbal", "pro"), ""),
            row(("verbal", "pro"), ("verbal", "pro"), "pro"),
            row(("verbal", "pro"), ("verbal", ""), "pro"),
            row(("verbal", ""), ("verbal", "pro"), "pro"),
        ];
        let e = Evaluation::from_rows(&rows, &["irrelevant", "verbal"], &["pro"]);
        assert_eq!(e.joint, Some(JointScores { rows: 5, accuracy: 0.4 }));
        assert_eq!(e.stance.map(|s| (s.rows, s.accuracy)), Some((2, 0.5)));
    }

    #[test]
    fn one_head_alone() {
        let e = Evaluation::from_rows(&[row(("a", ""), ("a", ""), "")], &["a"], &[] as &[&str]);
        assert!(e.topic.is_some() && e.stance.is_none() && e.joint.is_none());
        let json = serde_json::to_value(&e).unwrap_or_default();
        assert!(json.get("stance").is_none() && json["topic"]["labels"]["a"]["support"] == 1);
        let e = Evaluation::from_rows(&[row(("", "pro"), ("", "pro"), "")], &[] as &[&str], &["pro"]);
        assert!(e.topic.is_none() && e.stance.is_some() && e.stance_given_true_topic.is_none() && e.joint.is_none());
    }

    #[test]
    fn unknown_labels_and_empty_answers_are_noted() {
        let rows = [row(("new", "pro"), ("", ""), ""), row(("new", "pro"), ("a", "con"), "con")];
        let e = Evaluation::from_rows(&rows, &["a"], &["pro", "con"]);
        assert_eq!(e.unknown_labels.topic["new"], 2);
        assert_eq!(e.notes.len(), 3);
        assert!(e.notes[2].contains("new (2 rows)"), "{:?}", e.notes);
    }
}
