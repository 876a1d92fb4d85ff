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

use super::bootstrap::{Bootstrap, Interval, Units};
use super::head::{Judgement, head};
use super::joint::JointLabels;
use super::metrics::HeadScores;
use super::probability::Posterior;
use super::resampled::{Resampled, few_groups};
use super::selective::Thresholds;
use crate::error::{Error, Result};

/// The gold labels and the predictions of one row. `None` is "no label" among the gold ones and "no answer" among the
/// predictions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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
    /// P(topic predicted), if it is known, with a gold topic or without.
    pub topic_probability: Option<f64>,
    /// What the probabilities of the topics come to, if there was an answer and they are known.
    pub topic_posterior: Option<Posterior>,
    /// The same for the stance given the predicted topic.
    pub stance_posterior: Option<Posterior>,
    /// The same for the stance given the gold topic.
    pub stance_given_true_topic_posterior: Option<Posterior>,
}

/// How often topic and stance are right together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JointScores {
    /// Rows whose topic and stance are known, as the module says.
    pub rows: u64,
    /// Share of them predicted right in both.
    pub accuracy: f64,
    /// Mean F1 over the pairs of topic and stance that are gold or predicted anywhere.
    pub macro_f1: f64,
    /// Bootstrap intervals of the two, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<&'static str, Interval>,
}

/// What to measure beside the plain scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluationOptions {
    /// Resamples of the intervals, and their seed. The default is 1000 from seed 42.
    pub bootstrap: Bootstrap,
    /// Labels whose mean F1 is wanted, all of one head: `favor` and `against` for SemEval's figure.
    pub labels: Vec<String>,
    /// From which probabilities on labels are accepted, if the accepted ones are to be scored apart.
    pub accept: Option<Thresholds>,
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
    /// The labels of `macro_f1_labels`, if any were named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub f1_labels: Vec<String>,
    /// How the intervals were made.
    pub bootstrap: Resampled,
    /// Gold labels that the model does not know.
    pub unknown_labels: UnknownLabels,
    /// What makes the figures less sure than they look, such as few groups.
    pub warnings: Vec<String>,
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

    /// Scores predictions against gold labels, without intervals. `topics` and `stances` are the labels the model knows.
    ///
    /// ```
    /// use rapporteur::evaluate::{Evaluation, Row};
    /// let rows = [
    ///     Row { gold_topic: Some("peace"), gold_stance: Some("support"), topic: Some("peace"), stance: Some("support"),
    ///           stance_given_true_topic: Some("support"), ..Row::default() },
    ///     Row { gold_topic: Some("trade"), gold_stance: None, topic: Some("peace"), ..Row::default() },
    /// ];
    /// let evaluation = Evaluation::from_rows(&rows, &["peace"], &["support", "oppose"]);
    /// assert_eq!(evaluation.topic.map(|t| t.accuracy), Some(0.5));
    /// assert_eq!(evaluation.joint.map(|j| j.rows), Some(2));
    /// assert_eq!(evaluation.unknown_labels.topic["trade"], 1);
    /// ```
    pub fn from_rows<T: AsRef<str>, S: AsRef<str>>(rows: &[Row<'_>], topics: &[T], stances: &[S]) -> Evaluation {
        let options = EvaluationOptions {
            bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
            ..EvaluationOptions::default()
        };
        Evaluation::of(rows, None, &names(topics), &names(stances), &options)
    }

    /// Scores predictions against gold labels, with intervals. `groups`, if given, has the group of each row: groups are
    /// drawn whole.
    ///
    /// ```
    /// use rapporteur::evaluate::{Evaluation, EvaluationOptions, Row};
    /// let row = |right: bool| Row { gold_topic: Some("peace"), topic: Some(if right { "peace" } else { "trade" }), ..Row::default() };
    /// let rows: Vec<Row<'_>> = (0..100).map(|i| row(i % 4 != 0)).collect();
    /// let speeches: Vec<u32> = (0..100).map(|i| i / 2).collect();
    /// let options = EvaluationOptions::default();
    /// let evaluation = Evaluation::measure(&rows, Some(&speeches), &["peace", "trade"], &[] as &[&str], &options)?;
    /// let topic = evaluation.topic.expect("topics");
    /// let interval = topic.intervals["accuracy"];
    /// assert!(interval.low < topic.accuracy && topic.accuracy < interval.high);
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `groups` has another length than `rows`, or the labels named in the options are not all of one head.
    pub fn measure<T: AsRef<str>, S: AsRef<str>>(
        rows: &[Row<'_>],
        groups: Option<&[u32]>,
        topics: &[T],
        stances: &[S],
        options: &EvaluationOptions,
    ) -> Result<Evaluation> {
        if let Some(groups) = groups.filter(|g| g.len() != rows.len()) {
            return Err(Error::parameter("groups", groups.len(), "as many groups as rows"));
        }
        let (mut topics, mut stances) = (names(topics), names(stances));
        let evaluation = Evaluation::of(rows, groups, &topics, &stances, options);
        let all_named = |head: &Option<HeadScores>| head.as_ref().is_some_and(|h| h.macro_f1_labels.is_some());
        let any_head = evaluation.topic.is_some() || evaluation.stance.is_some();
        if !options.labels.is_empty() && any_head && !all_named(&evaluation.topic) && !all_named(&evaluation.stance) {
            topics.extend(rows.iter().filter_map(|r| r.gold_topic));
            stances.extend(rows.iter().filter_map(|r| r.gold_stance));
            let listed = |labels: BTreeSet<&str>| labels.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Error::usage(format!(
                "--labels {}: these are neither all topics nor all stances; the topics are: {}; the stances are: {}",
                options.labels.join(","),
                listed(topics),
                listed(stances)
            )));
        }
        Ok(evaluation)
    }

    fn of(
        rows: &[Row<'_>],
        groups: Option<&[u32]>,
        topics: &BTreeSet<&str>,
        stances: &BTreeSet<&str>,
        options: &EvaluationOptions,
    ) -> Evaluation {
        let is_labelled = |r: &Row<'_>| r.gold_topic.is_some() || r.gold_stance.is_some();
        let labelled: Vec<(usize, Row<'_>)> =
            rows.iter().copied().enumerate().filter(|(_, r)| is_labelled(r)).collect();
        let scored = |known: &BTreeSet<&str>, judgements: Vec<Judgement<'_>>| {
            let gold: BTreeSet<&str> = judgements.iter().map(|j| j.gold).collect();
            let belongs = |label: &String| known.contains(label.as_str()) || gold.contains(label.as_str());
            let named = (!options.labels.is_empty() && options.labels.iter().all(belongs)).then_some(&*options.labels);
            head(&judgements, groups, named, options.bootstrap)
        };
        let topic = labelled.iter().filter_map(|&(row, r)| {
            Some(Judgement { gold: r.gold_topic?, predicted: r.topic, posterior: r.topic_posterior, row })
        });
        let stance = labelled.iter().filter_map(|&(row, r)| {
            Some(Judgement { gold: r.gold_stance?, predicted: r.stance, posterior: r.stance_posterior, row })
        });
        let given = labelled.iter().filter(|(_, r)| r.gold_topic.is_some()).filter_map(|&(row, r)| {
            let (predicted, posterior) = (r.stance_given_true_topic, r.stance_given_true_topic_posterior);
            Some(Judgement { gold: r.gold_stance?, predicted, posterior, row })
        });
        let (of_topic, of_stance): (Vec<_>, Vec<_>) = (topic.collect(), stance.collect());
        let accepted_topics = options.accept.map(|accept| accept.topics(&of_topic));
        let accepted_stances = options.accept.map(|accept| accept.stances(&of_stance, rows));
        let (mut topic, mut stance, stance_given_true_topic) =
            (scored(topics, of_topic), scored(stances, of_stance), scored(stances, given.collect()));
        for (head, accepted) in [(&mut topic, accepted_topics), (&mut stance, accepted_stances)] {
            head.iter_mut().for_each(|scores| scores.accepted = accepted);
        }
        let numbers: Vec<usize> = labelled.iter().map(|(row, _)| *row).collect();
        let units = Units::new(&numbers, groups);
        let unknown_labels = UnknownLabels {
            topic: unknown(labelled.iter().filter_map(|(_, r)| r.gold_topic), topics),
            stance: unknown(labelled.iter().filter_map(|(_, r)| r.gold_stance), stances),
        };
        let mut evaluation = Evaluation {
            rows: labelled.len() as u64,
            topic,
            stance,
            stance_given_true_topic,
            joint: joint(&labelled, groups, options.bootstrap),
            f1_labels: options.labels.clone(),
            bootstrap: Resampled::new(options.bootstrap, &units),
            unknown_labels,
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        if options.bootstrap.resamples > 0 {
            evaluation.warnings.extend(few_groups(&units));
        }
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

fn names<T: AsRef<str>>(labels: &[T]) -> BTreeSet<&str> {
    labels.iter().map(AsRef::as_ref).collect()
}

fn unknown<'a>(gold: impl Iterator<Item = &'a str>, known: &BTreeSet<&str>) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for label in gold.filter(|g| !known.contains(g)) {
        *counts.entry(label).or_default() += 1;
    }
    counts.into_iter().map(|(label, n)| (label.to_owned(), n)).collect()
}

fn joint(rows: &[(usize, Row<'_>)], groups: Option<&[u32]>, bootstrap: Bootstrap) -> Option<JointScores> {
    let labels = JointLabels::new(rows.iter().map(|(_, r)| (r.gold_topic, r.gold_stance)))?;
    let pairs: Vec<(usize, String, Option<String>)> = rows
        .iter()
        .filter_map(|(row, r)| {
            Some((*row, labels.label(r.gold_topic, r.gold_stance)?, labels.label(r.topic, r.stance)))
        })
        .collect();
    let judgements: Vec<Judgement<'_>> = pairs
        .iter()
        .map(|(row, gold, predicted)| Judgement { gold, predicted: predicted.as_deref(), posterior: None, row: *row })
        .collect();
    let mut scores = head(&judgements, groups, None, bootstrap)?;
    scores.intervals.retain(|name, _| ["accuracy", "macro_f1"].contains(name));
    Some(JointScores {
        rows: scores.rows,
        accuracy: scores.accuracy,
        macro_f1: scores.macro_f1,
        intervals: scores.intervals,
    })
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
            ..Row::default()
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
        assert_eq!(e.joint.as_ref().map(|j| (j.rows, j.accuracy)), Some((1, 1.0)));
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
        assert_eq!(e.joint.as_ref().map(|j| (j.rows, j.accuracy)), Some((5, 0.4)));
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
