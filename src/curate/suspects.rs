//! Labels that are most likely wrong, by confident learning.
//!
//! Flows in: a labelled corpus. Flows out: for each head, rows whose label a model that never saw them contradicts. After Northcutt, Jiang and Chuang 2021, *Confident
//! learning: estimating uncertainty in dataset labels*: a row is suspect when another label is likelier than its own, and at least as likely as that label is, on average, in
//! rows that have it; so a label of which models are never sure needs less to be suspected for. Suspects are ranked by the margin between the two, the paper's normalised margin. Probabilities
//! are calibrated and out of fold, groups kept together. The stance is judged given the row's own topic.

use std::collections::BTreeMap;

use super::corpus::Corpus;
use super::finding::{Checked, Finding, Kind};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::evaluate::each_held_out;
use crate::labels::LabelSet;
use crate::linear::argmax;
use crate::model::{Evidence, Predictor, TrainOptions};

/// Folds: each model learns from four fifths.
const FOLDS: usize = 5;
/// Words shown.
const WORDS: usize = 5;
/// One label for so many rows is told at most: where labels are hard to tell, models contradict people too often for anybody to look at every case.
const SHARE: usize = 10;

/// What a model that never saw a row makes of its label.
struct Judged {
    row: usize,
    label: u32,
    /// P(label).
    own: f64,
    /// The likeliest other label, P(it), and what speaks for it; where it is likelier than the label.
    other: Option<(u32, f64, String)>,
}

pub(super) fn look(corpus: &Corpus, options: &TrainOptions, control: &Control, out: &mut Checked) -> Result<()> {
    let set = &corpus.set;
    if set.topics.len() < 2 && set.stances.len() < 2 {
        // That no row has a label is told where labels are checked.
        if !(set.topics.is_empty() && set.stances.is_empty()) {
            out.notes.push("all rows have the same label: no label is suspect".to_owned());
        }
        return Ok(());
    }
    let groups = set.groups.as_ref().map(|groups| {
        let mut distinct = groups.clone();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.len()
    });
    let folds = FOLDS.min(groups.unwrap_or(FOLDS));
    // Only probabilities are asked for, so decisions need no fitting.
    let options = TrainOptions { thresholds: false, ..options.clone() };
    let (mut topics, mut stances) = (Vec::new(), Vec::new());
    let judged = each_held_out(set, &options, folds, control, |row, predictor| {
        let text = corpus.text(row);
        topics.extend(judge_topic(corpus, row, text, predictor));
        stances.extend(judge_stance(corpus, row, text, predictor));
    });
    match judged {
        Err(Error::Corpus { problem, .. }) => {
            out.notes.push(format!("suspect labels are not looked for: {problem}"));
            return Ok(());
        }
        judged => judged?,
    }
    let mut found = suspects("topic", &set.topics, topics);
    found.extend(suspects("stance", &set.stances, stances));
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    let most = (corpus.len() / SHARE).max(SHARE);
    if found.len() > most {
        let rest = found.len() - most;
        out.notes.push(format!(
            "{rest} more labels are suspect, but less so; the strongest {most}, a tenth of the rows, are told"
        ));
        found.truncate(most);
    }
    out.findings.extend(found);
    Ok(())
}

fn judge_topic(corpus: &Corpus, row: usize, text: &str, predictor: &mut Predictor<'_>) -> Option<Judged> {
    let set = &corpus.set;
    let known = &predictor.model().topic.as_ref()?.labels;
    let label = known.find(corpus.topic(row)?)?;
    predictor.topic().topic?;
    let (own, other, p) = compare(predictor.topic_probabilities(), label);
    let likelier = (p > own).then(|| {
        let (theirs, mine) = (predictor.topic_evidence(text, other), predictor.topic_evidence(text, label));
        (number(&set.topics, known.name(other)), p, words(theirs, &mine))
    });
    Some(Judged { row, label: set.topic[row], own, other: likelier })
}

fn judge_stance(corpus: &Corpus, row: usize, text: &str, predictor: &mut Predictor<'_>) -> Option<Judged> {
    let set = &corpus.set;
    let known = &predictor.model().stance.as_ref()?.head.labels;
    let label = known.find(corpus.stance(row)?)?;
    let topic = corpus.topic(row);
    predictor.stance_given(topic).0?;
    let (own, other, p) = compare(predictor.stance_probabilities(), label);
    let likelier = (p > own).then(|| {
        let theirs = predictor.stance_evidence(text, topic, other);
        let mine = predictor.stance_evidence(text, topic, label);
        (number(&set.stances, known.name(other)), p, words(theirs, &mine))
    });
    Some(Judged { row, label: set.stance[row], own, other: likelier })
}

/// Labels of a fold are labels of the corpus.
fn number(labels: &LabelSet, name: &str) -> u32 {
    labels.find(name).unwrap_or_default() as u32
}

/// P(label), the likeliest other label and its probability.
fn compare(probabilities: &[f64], label: usize) -> (f64, usize, f64) {
    let mut others = probabilities.to_vec();
    others[label] = f64::NEG_INFINITY;
    let other = argmax(&others);
    (probabilities[label], other, probabilities[other])
}

/// The words that speak most for one label rather than the other.
fn words(theirs: Vec<Evidence>, mine: &[Evidence]) -> String {
    let mine: BTreeMap<&str, f64> = mine.iter().map(|e| (e.words.as_str(), e.weight)).collect();
    let mut out: Vec<(f64, String)> = theirs
        .into_iter()
        .map(|e| (e.weight - mine.get(e.words.as_str()).copied().unwrap_or_default(), e.words))
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    out.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    out.truncate(WORDS);
    out.iter().map(|(weight, words)| format!("{words} {weight:.2}")).collect::<Vec<_>>().join("; ")
}

fn suspects(what: &str, labels: &LabelSet, judged: Vec<Judged>) -> Vec<Finding> {
    // How sure the models are, on average, of a label in the rows that have it.
    let (mut sums, mut counts) = (vec![0.0; labels.len()], vec![0.0f64; labels.len()]);
    for row in &judged {
        sums[row.label as usize] += row.own;
        counts[row.label as usize] += 1.0;
    }
    let suspect = |row: Judged| {
        let (other, p, words) = row.other?;
        // A label that no judged row has (its rows were in one fold) has no average.
        if counts[other as usize] == 0.0 || p < sums[other as usize] / counts[other as usize] {
            return None;
        }
        let (label, other) = (labels.name(row.label as usize), labels.name(other as usize));
        Some(Finding {
            row: row.row,
            kind: Kind::SuspectLabel,
            label: label.to_owned(),
            suggestion: other.to_owned(),
            score: p - row.own,
            detail: format!("{what}: {other} {p:.2}, {label} {:.2}; words for {other}: {words}", row.own),
        })
    };
    judged.into_iter().filter_map(suspect).collect()
}
