//! Rows gathered by group.
//!
//! Flows in: [`JudgedRow`]s in any order of groups. Flows out: for each group its label numbers and probabilities, in the order of the file; no text. Memory is four bytes a label and six a
//! probability that is not next to nothing.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::em::Posteriors;
use crate::evaluate::Units;
use crate::labels::UNLABELLED;
use crate::model::Model;

/// What a model said of a row. `None` is no answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct JudgedRow<'a> {
    /// The topic written.
    pub topic: Option<&'a str>,
    /// The stance written.
    pub stance: Option<&'a str>,
    /// Probability of each topic of the model, in its order; empty where not known.
    pub topic_probabilities: &'a [f64],
    /// Probability of each stance of the model given the likeliest topic, in its order; empty where not known.
    pub stance_probabilities: &'a [f64],
    /// What the row belongs to, a speech perhaps: rows of one are alike and are drawn together. If no row says so, rows are drawn one by one.
    pub unit: Option<&'a str>,
}

/// Labels and their numbers: those of the model first, in its order, others as they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub list: Vec<String>,
    numbers: HashMap<String, u32>,
    /// How many are the model's.
    pub known: usize,
}

impl Names {
    fn new(known: &[String]) -> Names {
        let numbers = known.iter().cloned().zip(0..).collect();
        Names { list: known.to_vec(), numbers, known: known.len() }
    }

    fn number(&mut self, label: Option<&str>) -> u32 {
        let Some(label) = label else { return UNLABELLED };
        if let Some(&number) = self.numbers.get(label) {
            return number;
        }
        let number = self.list.len() as u32;
        self.list.push(label.to_owned());
        self.numbers.insert(label.to_owned(), number);
        number
    }

    /// Numbers in the order of the names, [`super::UNSURE`] last.
    pub fn ordered(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        let key = |&i: &usize| (i >= self.known && self.list[i] == super::UNSURE, self.list[i].clone());
        order.sort_by_key(key);
        order
    }
}

/// The rows of a group.
#[derive(Debug, Default)]
pub(super) struct GroupRows {
    pub topic: Vec<u32>,
    pub stance: Vec<u32>,
    pub topics: Posteriors,
    pub stances: Posteriors,
    /// What each row belongs to, or [`UNLABELLED`] for nothing.
    unit: Vec<u32>,
}

impl GroupRows {
    /// What resamples draw: rows, or what they belong to.
    pub fn units(&self, together: bool) -> Units {
        let rows: Vec<usize> = (0..self.unit.len()).collect();
        Units::new(&rows, together.then_some(&self.unit))
    }
}

/// Gathers rows by group, and estimates the shares ([`ShareCounter::finish`]).
///
/// ```
/// use rapporteur::aggregate::{JudgedRow, ShareCounter};
/// let mut counter = ShareCounter::new(vec!["speaker".into()], None);
/// for (speaker, topic) in [("Ferrand", "sanctions"), ("Ferrand", "sanctions"), ("Ferrand", "none"), ("Tamsir", "none")] {
///     counter.push(&[speaker], &JudgedRow { topic: Some(topic), ..Default::default() });
/// }
/// let aggregation = counter.finish(200, 42);
/// let ferrand = &aggregation.groups[0];
/// assert_eq!((ferrand.key[0].as_str(), ferrand.rows), ("Ferrand", 3));
/// let sanctions = ferrand.shares.iter().find(|s| s.topic == "sanctions").unwrap();
/// assert!((sanctions.share.value - 2.0 / 3.0).abs() < 1e-12);
/// ```
pub struct ShareCounter<'a> {
    pub(super) model: Option<&'a Model>,
    pub(super) by: Vec<String>,
    pub(super) topics: Names,
    pub(super) stances: Names,
    units: Names,
    pub(super) groups: BTreeMap<Vec<String>, GroupRows>,
}

impl<'a> ShareCounter<'a> {
    /// For groups by these columns. The corrected shares need the `model` that made the labels.
    pub fn new(by: Vec<String>, model: Option<&'a Model>) -> Self {
        let names = |labels: Option<&crate::labels::LabelSet>| Names::new(labels.map_or(&[][..], |l| l.names()));
        ShareCounter {
            model,
            by,
            topics: names(model.and_then(|m| m.topic.as_ref()).map(|h| &h.labels)),
            stances: names(model.and_then(|m| m.stance.as_ref()).map(|s| &s.head.labels)),
            units: Names::default(),
            groups: BTreeMap::new(),
        }
    }

    /// Whether rows belong to something and are drawn together.
    pub(super) fn together(&self) -> bool {
        !self.units.list.is_empty()
    }

    /// Takes in a row of the group with this key, one value a column.
    pub fn push<S: AsRef<str>>(&mut self, key: &[S], row: &JudgedRow<'_>) {
        let key: Vec<String> = key.iter().map(|part| part.as_ref().to_owned()).collect();
        let group = self.groups.entry(key).or_default();
        group.topic.push(self.topics.number(row.topic));
        group.stance.push(self.stances.number(row.stance));
        group.topics.push(row.topic_probabilities);
        group.stances.push(row.stance_probabilities);
        group.unit.push(self.units.number(row.unit));
    }

    /// Labels of the rows, [`super::UNSURE`] aside, that the model does not know: topics, then stances.
    pub fn unknown_labels(&self) -> Vec<&str> {
        let of =
            |names: &'_ Names| (names.known..names.list.len()).filter(|&i| names.list[i] != super::UNSURE).collect();
        let (topics, stances): (Vec<usize>, Vec<usize>) = (of(&self.topics), of(&self.stances));
        let topics = topics.into_iter().map(|i| self.topics.list[i].as_str());
        let stances = stances.into_iter().map(|i| self.stances.list[i].as_str());
        topics.chain(stances).collect()
    }
}
