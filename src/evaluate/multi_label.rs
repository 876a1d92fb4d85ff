//! The evaluation of models that give a paragraph several topics.
//!
//! Flows in: for each row its gold topics and those that were written, each with its stance. Flows out: a [`MultiLabelEvaluation`], JSON by serde and text by [`MultiLabelEvaluation::write_text`].
//! Definitions are scikit-learn's for indicator matrices (`f1_score` with `average="macro"` and `"micro"` and `zero_division=0`, `accuracy_score` as subset accuracy,
//! `hamming_loss`); `tests/golden_multi_label.rs` holds the numbers to it.
//!
//! - `topic` counts the rows whose topics are known, those with none among them.
//! - `stance_given_true_topic` counts pairs of a row and a gold topic with its gold stance.
//! - `topic_and_stance` takes each pair of topic and stance for a label. A row counts if the stance of each of its gold topics is known, or the topic never has one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval, Units};
use super::head::{Judgement, head};
use super::joint::JointLabels;
use super::metrics::{HeadScores, LabelScores, share};
use super::resampled::{Resampled, few_groups};
use crate::error::{Error, Result};

/// The gold topics and the predictions of one row.
///
/// ```
/// use rapporteur::evaluate::{Bootstrap, MultiLabelEvaluation, MultiLabelRow};
/// let rows = [
///     MultiLabelRow { gold: Some(vec![("rail", Some("support")), ("water", None)]), written: vec![("rail", Some("support"))], stance_given_true_topic: vec![Some("support"), None] },
///     MultiLabelRow { gold: Some(vec![]), written: vec![], ..Default::default() },
/// ];
/// let evaluation = MultiLabelEvaluation::measure(&rows, None, &["rail", "water"], Bootstrap::default())?;
/// assert_eq!(evaluation.topic.subset_accuracy, 0.5);
/// assert_eq!(evaluation.topic.hamming_loss, 0.25);
/// assert_eq!(evaluation.topic.macro_f1, 0.5);
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MultiLabelRow<'a> {
    /// Topics given by a person, each with its stance where known; empty for none of the topics, `None` where nothing is known.
    pub gold: Option<Vec<(&'a str, Option<&'a str>)>>,
    /// Topics written, each with its stance.
    pub written: Vec<(&'a str, Option<&'a str>)>,
    /// The stance predicted for each gold topic, in their order.
    pub stance_given_true_topic: Vec<Option<&'a str>>,
}

/// Scores of decisions for each label by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultiLabelScores {
    /// Rows that count.
    pub rows: u64,
    /// Mean F1 over the labels that are gold or written anywhere, each counting the same.
    pub macro_f1: f64,
    /// F1 of all decisions together: a common label counts more.
    pub micro_f1: f64,
    /// Of all labels written, the share that is right.
    pub micro_precision: f64,
    /// Of all gold labels, the share that was written.
    pub micro_recall: f64,
    /// Mean F1 with each label counting by its rows.
    pub weighted_f1: f64,
    /// Share of the rows whose labels are right, all of them and no other.
    pub subset_accuracy: f64,
    /// Share of wrong decisions among those of all rows and all labels that are known, gold or written anywhere.
    pub hamming_loss: f64,
    /// Bootstrap intervals of the scores above, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<&'static str, Interval>,
    /// Scores of each label that is gold or written anywhere.
    pub labels: BTreeMap<String, LabelScores>,
}

/// Scores of a model of several topics a paragraph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MultiLabelEvaluation {
    /// Rows whose topics are known.
    pub rows: u64,
    /// Scores of the topics.
    pub topic: MultiLabelScores,
    /// Scores of the stances given the gold topic, a pair of row and topic at a time, if any has a gold stance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance_given_true_topic: Option<HeadScores>,
    /// Scores of topic and stance as one label, if any row counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_and_stance: Option<MultiLabelScores>,
    /// How the intervals were made.
    pub bootstrap: Resampled,
    /// Gold topics that the model does not know, and their rows.
    pub unknown_topics: BTreeMap<String, u64>,
    /// What makes the figures less sure than they look.
    pub warnings: Vec<String>,
    /// What a reader should know beside.
    pub notes: Vec<String>,
}

/// The figures of a resample before those of the labels, by their names in the JSON.
const FIGURES: [&str; 7] =
    ["macro_f1", "micro_f1", "micro_precision", "micro_recall", "weighted_f1", "subset_accuracy", "hamming_loss"];

impl MultiLabelEvaluation {
    /// Scores predictions against gold topics. `groups`, if given, has the group of each row: the resamples of the intervals draw groups whole. `topics` are those that the model knows.
    ///
    /// # Errors
    /// When `groups` has another length than `rows`, or a row has not one stance given the true topic for each gold topic.
    pub fn measure<T: AsRef<str>>(
        rows: &[MultiLabelRow<'_>],
        groups: Option<&[u32]>,
        topics: &[T],
        bootstrap: Bootstrap,
    ) -> Result<MultiLabelEvaluation> {
        if let Some(groups) = groups.filter(|g| g.len() != rows.len()) {
            return Err(Error::parameter("groups", groups.len(), "as many groups as rows"));
        }
        let known: BTreeSet<&str> = topics.iter().map(AsRef::as_ref).collect();
        let mut labelled = Vec::new();
        for (row, r) in rows.iter().enumerate() {
            let Some(gold) = &r.gold else { continue };
            if gold.len() != r.stance_given_true_topic.len() {
                let found = r.stance_given_true_topic.len();
                return Err(Error::parameter("stance_given_true_topic", found, "one for each gold topic"));
            }
            labelled.push((row, gold, r));
        }
        let bare = |topics: &[(&str, Option<&str>)]| topics.iter().map(|(topic, _)| (*topic).to_owned()).collect();
        let sets =
            labelled.iter().map(|(row, gold, r)| Sets { row: *row, gold: bare(gold), written: bare(&r.written) });
        let topic = scored(&sets.collect::<Vec<_>>(), known.iter().copied(), groups, bootstrap);
        let judgements: Vec<Judgement<'_>> = labelled
            .iter()
            .flat_map(|(row, gold, r)| {
                gold.iter().zip(&r.stance_given_true_topic).filter_map(|((_, stance), predicted)| {
                    Some(Judgement { gold: (*stance)?, predicted: *predicted, posterior: None, row: *row })
                })
            })
            .collect();
        let numbers: Vec<usize> = labelled.iter().map(|(row, ..)| *row).collect();
        let units = Units::new(&numbers, groups);
        let of_stance = units_of_rows(&judgements, groups);
        let mut unknown_topics = BTreeMap::new();
        for (topic, _) in labelled.iter().flat_map(|(_, gold, _)| gold.iter()).filter(|(t, _)| !known.contains(t)) {
            *unknown_topics.entry((*topic).to_owned()).or_default() += 1;
        }
        let mut out = MultiLabelEvaluation {
            rows: labelled.len() as u64,
            topic,
            stance_given_true_topic: head(&judgements, Some(&of_stance), None, bootstrap),
            topic_and_stance: pairs(&labelled, groups, bootstrap),
            bootstrap: Resampled::new(bootstrap, &units),
            unknown_topics,
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        if bootstrap.resamples > 0 {
            out.warnings.extend(few_groups(&units));
        }
        out.take_notes(rows.len() - labelled.len());
        Ok(out)
    }

    fn take_notes(&mut self, unlabelled: usize) {
        let s = |n: u64| if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
        if unlabelled > 0 {
            self.notes.push(format!("{} without gold topics left out.", s(unlabelled as u64)));
        }
        if !self.unknown_topics.is_empty() {
            let list: Vec<String> = self.unknown_topics.iter().map(|(t, &n)| format!("{t} ({})", s(n))).collect();
            self.notes
                .push(format!("The model does not know the gold topic {}; each counts as missed.", list.join(", ")));
        }
    }

    /// The figures by which a model is known, by name, such as `topic_micro_f1`.
    pub fn headline(&self) -> BTreeMap<String, f64> {
        let mut out = BTreeMap::new();
        for (name, scores) in [("topic", Some(&self.topic)), ("topic_and_stance", self.topic_and_stance.as_ref())] {
            let Some(scores) = scores else { continue };
            out.insert(format!("{name}_macro_f1"), scores.macro_f1);
            out.insert(format!("{name}_micro_f1"), scores.micro_f1);
            out.insert(format!("{name}_subset_accuracy"), scores.subset_accuracy);
        }
        if let Some(stance) = &self.stance_given_true_topic {
            out.insert("stance_given_true_topic_accuracy".into(), stance.accuracy);
            out.insert("stance_given_true_topic_macro_f1".into(), stance.macro_f1);
        }
        out
    }
}

/// The units of pairs: their groups, or without groups their rows, for the pairs of one row are not independent.
fn units_of_rows(judgements: &[Judgement<'_>], groups: Option<&[u32]>) -> Vec<u32> {
    match groups {
        Some(groups) => groups.to_vec(),
        None => (0..judgements.iter().map(|j| j.row + 1).max().unwrap_or(0) as u32).collect(),
    }
}

/// Labels of a row, gold and written.
struct Sets {
    row: usize,
    gold: BTreeSet<String>,
    written: BTreeSet<String>,
}

/// What a row that is labelled is made of.
type Labelled<'r, 'a> = (usize, &'r Vec<(&'a str, Option<&'a str>)>, &'r MultiLabelRow<'a>);

fn pairs(labelled: &[Labelled<'_, '_>], groups: Option<&[u32]>, bootstrap: Bootstrap) -> Option<MultiLabelScores> {
    let gold = labelled.iter().flat_map(|(_, gold, _)| gold.iter());
    let joint = JointLabels::new(gold.map(|&(topic, stance)| (Some(topic), stance)))?;
    let spelt = |&(topic, stance): &(&str, Option<&str>)| crate::corpus::write_topics([(topic, stance)]);
    let sets: Vec<Sets> = labelled
        .iter()
        .filter(|(_, gold, _)| gold.iter().all(|&(topic, stance)| joint.label(Some(topic), stance).is_some()))
        .map(|(row, gold, r)| Sets {
            row: *row,
            gold: gold.iter().map(spelt).collect(),
            written: r.written.iter().map(spelt).collect(),
        })
        .collect();
    (!sets.is_empty()).then(|| scored(&sets, std::iter::empty(), groups, bootstrap))
}

/// Counts of decisions, label by label, and of rows.
#[derive(Clone, Default)]
struct Counts {
    right: Vec<u64>,
    written: Vec<u64>,
    gold: Vec<u64>,
    rows: u64,
    whole: u64,
    wrong: u64,
}

impl Counts {
    fn new(labels: usize) -> Counts {
        Counts { right: vec![0; labels], written: vec![0; labels], gold: vec![0; labels], ..Counts::default() }
    }

    fn clear(&mut self) {
        self.right.fill(0);
        self.written.fill(0);
        self.gold.fill(0);
        (self.rows, self.whole, self.wrong) = (0, 0, 0);
    }

    /// Adds a row: each of its labels with whether it is gold, and whether it was written.
    fn add(&mut self, row: &[(u32, bool, bool)]) {
        let mut wrong = 0;
        for &(label, gold, written) in row {
            let label = label as usize;
            self.gold[label] += u64::from(gold);
            self.written[label] += u64::from(written);
            self.right[label] += u64::from(gold && written);
            wrong += u64::from(gold != written);
        }
        self.rows += 1;
        self.whole += u64::from(wrong == 0);
        self.wrong += wrong;
    }

    fn occurs(&self, label: usize) -> bool {
        self.gold[label] + self.written[label] > 0
    }

    fn f1(&self, label: usize) -> f64 {
        share(2 * self.right[label], self.gold[label] + self.written[label])
    }

    fn label(&self, label: usize) -> LabelScores {
        LabelScores {
            precision: share(self.right[label], self.written[label]),
            recall: share(self.right[label], self.gold[label]),
            f1: self.f1(label),
            support: self.gold[label],
            precision_interval: None,
            recall_interval: None,
            f1_interval: None,
        }
    }

    /// In the order of [`FIGURES`].
    fn figures(&self) -> [f64; FIGURES.len()] {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        let (right, written, gold) = (sum(&self.right), sum(&self.written), sum(&self.gold));
        let (mut macro_f1, mut used, mut weighted) = (0.0, 0.0, 0.0);
        for label in (0..self.gold.len()).filter(|&label| self.occurs(label)) {
            macro_f1 += self.f1(label);
            used += 1.0;
            weighted += self.f1(label) * self.gold[label] as f64;
        }
        let mean = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
        [
            mean(macro_f1, used),
            share(2 * right, gold + written),
            share(right, written),
            share(right, gold),
            mean(weighted, gold as f64),
            share(self.whole, self.rows),
            share(self.wrong, self.rows * self.gold.len() as u64),
        ]
    }
}

fn scored<'a>(
    sets: &[Sets],
    known: impl Iterator<Item = &'a str>,
    groups: Option<&[u32]>,
    bootstrap: Bootstrap,
) -> MultiLabelScores {
    let mut names: BTreeSet<&str> = known.collect();
    sets.iter().for_each(|set| names.extend(set.gold.iter().chain(&set.written).map(String::as_str)));
    let number: BTreeMap<&str, u32> = names.iter().copied().zip(0u32..).collect();
    // The labels of each row that are gold or written; about all others the decision is right.
    let rows: Vec<Vec<(u32, bool, bool)>> = sets
        .iter()
        .map(|set| {
            let labels = set.gold.union(&set.written);
            labels.map(|l| (number[l.as_str()], set.gold.contains(l), set.written.contains(l))).collect()
        })
        .collect();
    let mut counts = Counts::new(names.len());
    rows.iter().for_each(|row| counts.add(row));
    let [macro_f1, micro_f1, micro_precision, micro_recall, weighted_f1, subset_accuracy, hamming_loss] =
        counts.figures();
    let used = names.iter().enumerate().filter(|(label, _)| counts.occurs(*label));
    let mut out = MultiLabelScores {
        rows: counts.rows,
        macro_f1,
        micro_f1,
        micro_precision,
        micro_recall,
        weighted_f1,
        subset_accuracy,
        hamming_loss,
        intervals: BTreeMap::new(),
        labels: used.map(|(label, name)| ((*name).to_owned(), counts.label(label))).collect(),
    };
    if bootstrap.resamples > 0 {
        let numbers: Vec<usize> = sets.iter().map(|set| set.row).collect();
        let units = Units::new(&numbers, groups);
        let intervals = bootstrap.intervals(
            units.len(),
            FIGURES.len() + 3 * names.len(),
            || Counts::new(names.len()),
            |counts, draws, figures| {
                counts.clear();
                draws.for_each(|unit| units.rows(unit).iter().for_each(|&row| counts.add(&rows[row])));
                let (means, of_labels) = figures.split_at_mut(FIGURES.len());
                means.copy_from_slice(&counts.figures());
                for (label, out) in of_labels.chunks_exact_mut(3).enumerate() {
                    // A label that this resample lacks has no scores in it.
                    let label = counts.occurs(label).then(|| counts.label(label));
                    out.copy_from_slice(&label.map_or([f64::NAN; 3], |l| [l.precision, l.recall, l.f1]));
                }
            },
        );
        let (means, of_labels) = intervals.split_at(FIGURES.len());
        out.intervals = FIGURES.iter().zip(means).filter_map(|(name, interval)| Some((*name, (*interval)?))).collect();
        for (name, intervals) in names.iter().zip(of_labels.chunks_exact(3)) {
            if let Some(scores) = out.labels.get_mut(*name) {
                (scores.precision_interval, scores.recall_interval, scores.f1_interval) =
                    (intervals[0], intervals[1], intervals[2]);
            }
        }
    }
    out
}
