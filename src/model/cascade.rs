//! The model: a vectoriser, a topic head, a stance head.
//!
//! Flows in: what the trainer learnt, or a model file. Flows out: parts, read by the [`super::Predictor`], the explanation and the model card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decoding::PairOffsets;
use super::departures::Departures;
use super::error_curve::ErrorCurve;
use super::known_errors::KnownErrors;
use super::options::TrainOptions;
use super::training_set::TrainingSet;
use super::vectors::vectors;
use crate::corpus::{Codebook, SideColumns};
use crate::features::{Blocks, Vectoriser};
use crate::labels::LabelSet;
use crate::linear::{Calibration, LinearClassifier, argmax};
use crate::sparse::SparseMatrix;

/// A head of one decision: the topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Its labels, in the order of the classes.
    pub labels: LabelSet,
    /// Its weights.
    pub classifier: LinearClassifier,
    /// How its scores become probabilities.
    pub calibration: Calibration,
    /// Added to the mended scores when deciding, and only then; empty for none.
    pub offsets: Vec<f64>,
    /// The `C` it was fitted with.
    pub c: f64,
    /// Whether features were weighted by how far they tell the labels apart.
    pub weighted: bool,
    /// How often it errs where it is at least so sure: a stance, given the true topic. `None` where nothing was chosen by folds.
    pub error_curve: Option<ErrorCurve>,
    /// How it erred on rows it had not seen; `None` where training had too few rows to tell, and in models of version 0.1.0.
    pub known_errors: Option<KnownErrors>,
}

/// The head of the stance given a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct StanceHead {
    /// Labels, shared weights, calibration.
    pub head: Head,
    /// The topics it knows.
    pub topics: LabelSet,
    /// What each topic adds.
    pub departures: Departures,
    /// How far topics depart from the shared weights.
    pub departure: f64,
    /// Whether a stance was ever seen with a topic, topic by topic.
    pub seen: Vec<bool>,
}

impl StanceHead {
    /// The stances ever seen with a topic, one `bool` each.
    pub fn seen_with(&self, topic: usize) -> &[bool] {
        let k = self.head.labels.len();
        &self.seen[topic * k..(topic + 1) * k]
    }
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Rows read.
    pub rows: usize,
    /// Groups, where the corpus has them.
    pub groups: Option<usize>,
    /// Rows of each topic.
    pub topics: BTreeMap<String, usize>,
    /// Rows of each stance.
    pub stances: BTreeMap<String, usize>,
    /// Rows without a topic.
    pub without_topic: usize,
    /// Rows without a stance.
    pub without_stance: usize,
}

/// How a topic head of several topics a paragraph decides: each topic by itself, where its decision score is 0 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiLabel {
    /// Whether a paragraph that reaches no topic gets the nearest: so where every row of the corpus had one.
    pub at_least_one: bool,
}

impl MultiLabel {
    /// The topics that these decision scores give, surest first; of equal ones the first.
    ///
    /// ```
    /// use rapporteur::model::MultiLabel;
    /// assert_eq!(MultiLabel { at_least_one: false }.decide(&[0.5, -1.0, 2.0]), [2, 0]);
    /// assert!(MultiLabel { at_least_one: false }.decide(&[-0.5, -1.0]).is_empty());
    /// assert_eq!(MultiLabel { at_least_one: true }.decide(&[-0.5, -1.0]), [0]);
    /// ```
    pub fn decide(&self, decisions: &[f64]) -> Vec<usize> {
        let mut out: Vec<usize> = (0..decisions.len()).filter(|&k| decisions[k] >= 0.0).collect();
        if out.is_empty() && self.at_least_one && !decisions.is_empty() {
            out.push(argmax(decisions));
        }
        out.sort_by(|&a, &b| decisions[b].total_cmp(&decisions[a]).then(a.cmp(&b)));
        out
    }
}

/// A trained model.
pub struct Model {
    /// From text to vector.
    pub vectoriser: Vectoriser,
    /// What a row's vector holds beside the terms of its text.
    pub blocks: Blocks,
    /// The columns that these come from.
    pub side: SideColumns,
    /// The topic head, unless the model was trained without topics.
    pub topic: Option<Head>,
    /// How topics are decided where a paragraph may have several; `None`: it has one.
    pub multi_label: Option<MultiLabel>,
    /// The stance head, unless the model was trained without stances.
    pub stance: Option<StanceHead>,
    /// What is added to the scores of pairs of topic and stance, where both are decided together; `None`: the topic first.
    pub pairs: Option<PairOffsets>,
    /// What the topics mean, where the user said so.
    pub codebook: Option<Codebook>,
    /// What was asked for in training.
    pub options: TrainOptions,
    /// What it was trained on.
    pub counts: Counts,
    /// The program that trained it, with its version.
    pub program: String,
    /// BLAKE3 of the training corpus.
    pub digest: String,
    /// Scores by cross-validation, by name, where they were measured.
    pub scores: BTreeMap<String, f64>,
}

impl Model {
    /// Width of the rows that the heads see: the terms, and the blocks beside them.
    pub fn width(&self) -> usize {
        self.blocks.width(self.vectoriser.width())
    }

    /// How many paragraphs on each side of a row of its document are its context; 0 for none.
    pub fn neighbours(&self) -> usize {
        if self.side.document.is_some() { self.options.context } else { 0 }
    }

    /// How topic and stance are decided, as the options name it; `None` for a model of one of them.
    pub fn decoding(&self) -> Option<&'static str> {
        self.topic.as_ref().zip(self.stance.as_ref())?;
        Some(if self.pairs.is_some() { "joint" } else { "topic_first" })
    }

    /// The vectors of rows of a training set, with their context and metadata, as the heads see them.
    pub fn vectors(&self, set: &TrainingSet, rows: &[u32]) -> SparseMatrix {
        vectors(&self.vectoriser, &self.blocks, self.options.context, set, rows)
    }
}
