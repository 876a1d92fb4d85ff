//! What heads learn of the rows at hand: labels as classes, rows as costs; and the topic head, which is the plain case.
//!
//! Flows in: rows of a [`TrainingSet`], their vectors, and [`TrainOptions`]. Flows out: [`Task`]s, and the topic head that folds and fit make of one. A label that does not occur in the rows at hand is no class: those of a fold
//! may have fewer than the corpus.

use std::collections::BTreeMap;

use super::cascade::{Counts, Head, StanceHead};
use super::decoding::{Gold, PairChoice, StancesHeldOut, TopicsHeldOut, choose_pairs};
use super::heads::{Chosen, Dealing, Fitted, choose, choose_weighting, fit};
use super::known_errors::KnownErrors;
use super::options::{FeatureWeighting, TrainOptions};
use super::out_of_fold::Task;
use super::topic_sets::TopicSets;
use super::training_set::TrainingSet;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::labels::{LabelSet, UNLABELLED};
use crate::linear::{ClassWeight, Design};
use crate::sparse::SparseMatrix;

/// What is to be learnt of the rows at hand, one topic and one stance each.
pub(super) struct Labels {
    /// Rows of the training set.
    pub rows: Vec<u32>,
    pub topic: Vec<u32>,
    pub stance: Vec<u32>,
}

impl Labels {
    /// Of some rows, in a corpus of one topic a row.
    pub fn of(set: &TrainingSet, rows: &[u32]) -> Labels {
        let part = |numbers: &[u32]| rows.iter().map(|&r| numbers[r as usize]).collect();
        Labels { rows: rows.to_vec(), topic: part(&set.topic), stance: part(&set.stance) }
    }

    /// Of some rows, each as often as it has topics; and the place of each among the rows given.
    pub fn of_pairs(several: &TopicSets, rows: &[u32]) -> (Labels, Vec<usize>) {
        let (mut out, mut of) = (Labels { rows: Vec::new(), topic: Vec::new(), stance: Vec::new() }, Vec::new());
        for (place, &row) in rows.iter().enumerate() {
            for &(topic, stance) in several.of(row as usize) {
                of.push(place);
                out.rows.push(row);
                out.topic.push(topic);
                out.stance.push(stance);
            }
        }
        (out, of)
    }
}

/// Rows at hand and their vectors.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub set: &'a TrainingSet,
    pub labels: &'a Labels,
    pub x: &'a SparseMatrix,
    /// Where the blocks of columns end that have a length of their own.
    pub ends: &'a [usize],
    pub options: &'a TrainOptions,
}

/// The topics as a task, and what the folds said of it.
pub(super) struct TopicChoice<'a> {
    labels: LabelSet,
    pub task: Task<'a>,
    pub chosen: Chosen,
}

impl Data<'_> {
    /// The labels of the rows at hand: those that occur in them, in order, and each row's number among these.
    pub fn labels(&self, all: &LabelSet, mine: &[u32]) -> (LabelSet, Vec<u32>) {
        let mut renumber = vec![UNLABELLED; all.len()];
        mine.iter().filter(|&&n| n != UNLABELLED).for_each(|&n| renumber[n as usize] = 0);
        let present: Vec<usize> = (0..all.len()).filter(|&n| renumber[n] == 0).collect();
        present.iter().enumerate().for_each(|(i, &n)| renumber[n] = i as u32);
        let set = LabelSet::new(present.iter().map(|&n| all.name(n).to_owned()));
        (set, mine.iter().map(|&n| renumber.get(n as usize).copied().unwrap_or(UNLABELLED)).collect())
    }

    /// The rows that have one of these labels, as a task.
    pub fn task<'b>(
        &self,
        x: Design<'b>,
        labels: &LabelSet,
        numbers: &[u32],
        factors: &BTreeMap<String, f64>,
        seed: u64,
    ) -> Result<Task<'b>> {
        let rows: Vec<u32> = (0..numbers.len() as u32).filter(|&i| numbers[i as usize] != UNLABELLED).collect();
        let targets: Vec<u32> = rows.iter().map(|&i| numbers[i as usize]).collect();
        let row_weights: Option<Vec<f32>> =
            self.set.weights.as_ref().map(|w| rows.iter().map(|&i| w[self.labels.rows[i as usize] as usize]).collect());
        let mut linear = self.options.linear()?;
        linear.class_weight =
            if self.options.class_weight.balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let mut costs = linear.costs(&targets, labels.len(), row_weights.as_deref());
        if let Some(unknown) = factors.keys().find(|name| labels.find(name).is_none() && !self.known(name)) {
            return Err(Error::corpus(
                format!("--class-weight names {unknown:?}, which is no label of the corpus"),
                format!("its labels are: {}", labels.names().join(", ")),
            ));
        }
        for (cost, &target) in costs.iter_mut().zip(&targets) {
            *cost *= factors.get(labels.name(target as usize)).copied().unwrap_or(1.0);
        }
        let weights = match row_weights {
            Some(weights) => weights.iter().map(|&w| f64::from(w)).collect(),
            None => vec![1.0; rows.len()],
        };
        Ok(Task {
            x,
            ends: self.ends.to_vec(),
            rows,
            targets,
            costs,
            weights,
            classes: labels.len(),
            allowed: Vec::new(),
            loss: self.options.classifier,
            seed,
            weighted: self.options.feature_weighting != FeatureWeighting::None,
        })
    }

    /// Whether a label occurs anywhere in the corpus, if not in the rows at hand.
    fn known(&self, name: &str) -> bool {
        self.set.topics.find(name).is_some() || self.set.stances.find(name).is_some()
    }

    /// What keeps rows of the task together in folds, row by row.
    pub fn groups(&self, task: &Task<'_>) -> Option<Vec<u32>> {
        let row = |&i: &u32| self.labels.rows[i as usize];
        match (&self.set.groups, &self.set.several) {
            (Some(groups), _) => Some(task.rows.iter().map(|i| groups[row(i) as usize]).collect()),
            // A row that is there once for each of its topics is to be in one fold.
            (None, Some(_)) => Some(task.rows.iter().map(row).collect()),
            (None, None) => None,
        }
    }

    /// The topic head, and what it would have said of rows it had not seen; `None` where there are no two topics.
    pub fn topic_head(&self, control: &Control) -> Result<Option<(Head, TopicsHeldOut)>> {
        let Some(TopicChoice { labels, task, mut chosen }) = self.choose_topic(control)? else { return Ok(None) };
        let fitted = fit(&task, &mut chosen, self.options, control)?;
        let known = KnownErrors::of(&task, &chosen, &fitted, None);
        let held_out = chosen.topics_held_out(&task, &fitted);
        Ok(Some((head(labels, fitted, known), held_out)))
    }

    /// Whether, and how, topic and stance are decided together.
    pub fn pairs(
        &self,
        (topic, topics): &(Head, TopicsHeldOut),
        (stance, stances): &(StanceHead, StancesHeldOut),
    ) -> Option<PairChoice> {
        if !self.options.decides_pairs() {
            return None;
        }
        let group =
            |row: u32| self.set.groups.as_ref().map_or(row, |groups| groups[self.labels.rows[row as usize] as usize]);
        let gold = Gold {
            x: self.x,
            topic: &self.labels(&self.set.topics, &self.labels.topic).1,
            stance: &self.labels(&self.set.stances, &self.labels.stance).1,
            group: &group,
        };
        choose_pairs((topic, topics), (stance, stances), &gold, self.options)
    }

    /// What the folds say of the topics; `None` where there are no two.
    pub fn choose_topic(&self, control: &Control) -> Result<Option<TopicChoice<'_>>> {
        let (labels, numbers) = self.labels(&self.set.topics, &self.labels.topic);
        if labels.len() < 2 {
            return Ok(None);
        }
        let mut task =
            self.task(Design::Plain(self.x), &labels, &numbers, &self.options.class_weight.topic, self.options.seed)?;
        let (strata, groups) = (task.targets.clone(), self.groups(&task));
        let dealing = Dealing { strata: &strata, groups: groups.as_deref() };
        let chosen = choose(&task, dealing, self.options, None, control)?;
        let chosen = choose_weighting(&mut task, chosen, dealing, self.options, control)?;
        Ok(Some(TopicChoice { labels, task, chosen }))
    }

    /// What the rows at hand are.
    pub fn counts(&self) -> Counts {
        let (topics, topic_of) = self.labels(&self.set.topics, &self.labels.topic);
        let (stances, stance_of) = self.labels(&self.set.stances, &self.labels.stance);
        let tally = |labels: &LabelSet, numbers: &[u32]| {
            let mut counts = vec![0; labels.len()];
            numbers.iter().filter(|&&n| n != UNLABELLED).for_each(|&n| counts[n as usize] += 1);
            labels.names().iter().cloned().zip(counts).collect()
        };
        let without = |numbers: &[u32]| numbers.iter().filter(|&&n| n == UNLABELLED).count();
        Counts {
            rows: self.labels.rows.len(),
            groups: self.set.groups_among(&self.labels.rows),
            topics: tally(&topics, &topic_of),
            stances: tally(&stances, &stance_of),
            without_topic: without(&topic_of),
            without_stance: without(&stance_of),
        }
    }
}

/// A fitted head under the names of its labels.
pub(super) fn head(labels: LabelSet, fitted: Fitted, known_errors: Option<KnownErrors>) -> Head {
    Head {
        labels,
        classifier: fitted.classifier,
        calibration: fitted.calibration,
        offsets: fitted.offsets,
        c: fitted.c,
        weighted: fitted.weighted,
        error_curve: fitted.error_curve,
        known_errors,
    }
}
