//! The corrected shares of one group, of all its rows or of a resample.
//!
//! Flows in: the rows of a group, how often each counts, and the errors to undo. Flows out: [`Corrected`] shares of the topics, and of the stances of each topic. A row counts for the topic written; where that
//! is none of the model's (`unsure`), for its likeliest one.

use super::adjusted::AdjustedCount;
use super::em::{Posteriors, expected_shares};
use super::rows::GroupRows;
use crate::labels::UNLABELLED;
use crate::model::Model;

/// When the EM of all rows is done.
const SETTLED: f64 = 1e-7;
const MOST: usize = 5_000;
/// When that of a resample is, which starts near its end: well below what an interval shows.
const NEARLY: f64 = 1e-4;
const FEW: usize = 200;
/// How much of an even spread a resample's start has: a share of exactly zero could not grow.
const SPREAD: f64 = 0.05;

/// What a model knows of its errors, as the estimates need it.
pub(super) struct Knowledge<'a> {
    pub topics: Option<HeadKnowledge<'a>>,
    pub stances: Option<HeadKnowledge<'a>>,
    /// Of each topic of the topic head, its place among the topics of the stance head; of the one nameless topic where there is no topic head.
    stance_topic: Vec<Option<usize>>,
    seen: Option<&'a [bool]>,
}

#[derive(Clone, Copy)]
pub(super) struct HeadKnowledge<'a> {
    pub labels: usize,
    pub confusion: &'a [u32],
    prior: &'a [f64],
}

impl<'a> Knowledge<'a> {
    pub fn of(model: &'a Model) -> Knowledge<'a> {
        let head = |head: Option<&'a crate::model::Head>| {
            let head = head?;
            let known = head.known_errors.as_ref()?;
            Some(HeadKnowledge { labels: head.labels.len(), confusion: &known.confusion, prior: &known.prior })
        };
        let stance_topic = match (&model.topic, &model.stance) {
            (Some(topic), Some(stance)) => topic.labels.names().iter().map(|t| stance.topics.find(t)).collect(),
            (None, Some(stance)) => vec![stance.topics.is_empty().then_some(0)],
            _ => Vec::new(),
        };
        Knowledge {
            topics: head(model.topic.as_ref()),
            stances: head(model.stance.as_ref().map(|s| &s.head)),
            stance_topic,
            seen: model.stance.as_ref().filter(|s| !s.topics.is_empty()).map(|s| s.seen.as_slice()),
        }
    }

    /// Of the stances given a topic: which can occur, and what is usual.
    fn stances_of(&self, topic: usize) -> Option<(Vec<bool>, Vec<f64>)> {
        let head = self.stances.as_ref()?;
        let place = self.stance_topic.get(topic).copied().flatten()?;
        let range = place * head.labels..(place + 1) * head.labels;
        let prior = head.prior.get(range.clone())?.to_vec();
        let allowed = self.seen.map_or_else(|| vec![true; head.labels], |seen| seen[range].to_vec());
        (allowed.contains(&true) && prior.iter().any(|&p| p > 0.0)).then_some((allowed, prior))
    }
}

/// Corrected shares of the labels of a head; `None` where they cannot be told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Corrected {
    pub adjusted: Option<Vec<f64>>,
    pub em: Option<Vec<f64>>,
}

/// Corrected shares of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    pub topics: Corrected,
    /// Of each topic.
    pub stances: Vec<Corrected>,
}

/// The errors of one resample, ready to be undone.
pub(super) struct Undo {
    pub topics: Option<AdjustedCount>,
    pub stances: Option<AdjustedCount>,
}

impl Figures {
    /// Estimates from rows, each with how often it counts. `near` are figures of nearly the same rows, from which to start.
    pub fn of(
        knowledge: &Knowledge<'_>,
        undo: &Undo,
        group: &GroupRows,
        rows: &[(usize, f64)],
        near: Option<&Figures>,
    ) -> Figures {
        let start = |near: Option<&Corrected>, prior: &[f64]| match near.and_then(|n| n.em.as_ref()) {
            Some(shares) => shares.iter().map(|s| (1.0 - SPREAD) * s + SPREAD / shares.len() as f64).collect(),
            None => prior.to_vec(),
        };
        let (settled, most) = if near.is_some() { (NEARLY, FEW) } else { (SETTLED, MOST) };
        let em = |posteriors: &Posteriors, rows: &[(usize, f64)], prior: &[f64], near: Option<&Corrected>| {
            expected_shares(posteriors, rows, prior, &start(near, prior), settled, most)
        };
        let count = knowledge.stance_topic.len().max(knowledge.topics.map_or(0, |t| t.labels));
        let guesses: Vec<u32> = rows.iter().map(|&(row, _)| guess(group, row, count)).collect();
        let mut out = Figures::default();
        if let (Some(head), Some(undo)) = (knowledge.topics, &undo.topics) {
            let given = shares(head.labels, rows.iter().zip(&guesses).map(|(&(_, n), &label)| (label, n)));
            out.topics.adjusted = given.map(|given| undo.shares(&given, &vec![true; head.labels]));
            out.topics.em = em(&group.topics, rows, head.prior, near.map(|n| &n.topics));
        }
        if let (Some(head), Some(undo)) = (knowledge.stances, &undo.stances) {
            let mut of_topic: Vec<Vec<(usize, f64)>> = vec![Vec::new(); knowledge.stance_topic.len()];
            let nameless = knowledge.topics.is_none() && of_topic.len() == 1;
            for (&row, &guess) in rows.iter().zip(&guesses) {
                if let Some(rows) = of_topic.get_mut(if nameless { 0 } else { guess as usize }) {
                    rows.push(row);
                }
            }
            for (topic, rows) in of_topic.iter().enumerate() {
                let mut corrected = Corrected::default();
                if let Some((allowed, prior)) = knowledge.stances_of(topic).filter(|_| !rows.is_empty()) {
                    let given = shares(head.labels, rows.iter().map(|&(row, n)| (group.stance[row], n)));
                    corrected.adjusted = given.map(|given| undo.shares(&given, &allowed));
                    corrected.em = em(&group.stances, rows, &prior, near.map(|n| &n.stances[topic]));
                }
                out.stances.push(corrected);
            }
        }
        out
    }
}

/// The topic that a row counts for.
fn guess(group: &GroupRows, row: usize, known: usize) -> u32 {
    let written = group.topic[row];
    if written == UNLABELLED || (written as usize) < known {
        return written;
    }
    group.topics.likeliest(row).map_or(UNLABELLED, |t| t as u32)
}

/// Shares of the labels below `count`; `None` without any.
fn shares(count: usize, labels: impl Iterator<Item = (u32, f64)>) -> Option<Vec<f64>> {
    let mut counts = vec![0.0; count];
    labels.for_each(|(label, n)| {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += n;
        }
    });
    let all: f64 = counts.iter().sum();
    (all > 0.0).then(|| counts.into_iter().map(|n| n / all).collect())
}
