//! Several topics a row, each with its stance.
//!
//! Flows in: the topics of rows, one row after the other. Flows out: [`TopicSets`], numbers side by side. A row of which nothing is known is told from one that has none
//! of the topics: the second teaches.

use crate::labels::{LabelColumn, LabelSet, UNLABELLED};

/// Rows as they are gathered.
#[derive(Default)]
pub(super) struct TopicSetsBuilder {
    topics: LabelColumn,
    stances: LabelColumn,
    starts: Vec<usize>,
    labelled: Vec<bool>,
}

impl TopicSetsBuilder {
    /// Adds a row; of a topic named twice, the first stands.
    pub fn push(&mut self, topics: Option<&[(&str, Option<&str>)]>) {
        self.starts.push(self.topics.len());
        self.labelled.push(topics.is_some());
        let topics = topics.unwrap_or_default();
        for (at, &(topic, stance)) in topics.iter().enumerate() {
            if topics[..at].iter().all(|(other, _)| *other != topic) {
                self.topics.push(Some(topic));
                self.stances.push(stance);
            }
        }
    }

    /// The topics and stances that occur, and the rows; `None` where no row had topics.
    pub fn finish(mut self) -> Option<(LabelSet, LabelSet, TopicSets)> {
        if !self.labelled.contains(&true) {
            return None;
        }
        self.starts.push(self.topics.len());
        let ((topics, topic), (stances, stance)) = (self.topics.finish(), self.stances.finish());
        let mut pairs: Vec<(u32, u32)> = topic.into_iter().zip(stance).collect();
        self.starts.windows(2).for_each(|w| pairs[w[0]..w[1]].sort_unstable());
        Some((topics, stances, TopicSets { starts: self.starts, pairs, labelled: self.labelled }))
    }
}

/// The topics of each row of a corpus, with their stances.
///
/// ```
/// use rapporteur::labels::UNLABELLED;
/// use rapporteur::model::{LabelledText, TrainingSetBuilder};
/// let mut rows = TrainingSetBuilder::default();
/// let topics = [("trade", Some("support")), ("sanctions", None)];
/// rows.push(LabelledText { text: "Lift it, and trade.", topics: Some(&topics), ..Default::default() });
/// rows.push(LabelledText { text: "The meeting rose.", topics: Some(&[]), ..Default::default() });
/// let set = rows.finish();
/// let several = set.several.as_ref().unwrap();
/// assert_eq!(several.of(0), [(0, UNLABELLED), (1, 0)]);
/// assert!(several.of(1).is_empty() && several.is_labelled(1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSets {
    starts: Vec<usize>,
    pairs: Vec<(u32, u32)>,
    labelled: Vec<bool>,
}

impl TopicSets {
    /// Topic and stance (or [`UNLABELLED`]) of all topics of a row, topics ascending.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn of(&self, row: usize) -> &[(u32, u32)] {
        &self.pairs[self.starts[row]..self.starts[row + 1]]
    }

    /// Whether anything is known of a row; to have none of the topics is known too.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn is_labelled(&self, row: usize) -> bool {
        self.labelled[row]
    }

    /// How many topics all rows have together.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// True when no row has a topic.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// A number for each row by which folds are stratified: its rarest topic among these rows, so that rare topics are in all folds.
    pub(super) fn strata(&self, rows: &[u32]) -> Vec<u32> {
        let most = self.pairs.iter().map(|&(topic, _)| topic as usize + 1).max().unwrap_or(0);
        let mut counts = vec![0u32; most];
        rows.iter().flat_map(|&row| self.of(row as usize)).for_each(|&(topic, _)| counts[topic as usize] += 1);
        let rarest = |&row: &u32| self.of(row as usize).iter().map(|&(t, _)| (counts[t as usize], t)).min();
        rows.iter().map(|row| rarest(row).map_or(UNLABELLED, |(_, topic)| topic)).collect()
    }
}
