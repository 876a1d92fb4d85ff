//! A labelled corpus in the form that training wants.
//!
//! Flows in: labelled rows, one by one or batch by batch. Flows out: token streams, label numbers, groups and weights, row by row; and a digest
//! of all that was read, by which a model can name what it was trained on. The text itself is not kept.

use crate::features::Documents;
use crate::labels::{LabelColumn, LabelSet, UNLABELLED};
use crate::text::{Language, LanguageDetector};

/// Rows as they are gathered; [`TrainingSetBuilder::finish`] makes a [`TrainingSet`].
#[derive(Default)]
pub struct TrainingSetBuilder {
    documents: Documents,
    topic: LabelColumn,
    stance: LabelColumn,
    group: LabelColumn,
    weights: Vec<f32>,
    digest: blake3::Hasher,
    detector: LanguageDetector,
}

/// One labelled row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LabelledText<'a> {
    /// The paragraph.
    pub text: &'a str,
    /// Its topic, where known.
    pub topic: Option<&'a str>,
    /// Its stance, where known.
    pub stance: Option<&'a str>,
    /// What it belongs to (a speech, a speaker): rows of a group never stand on both sides of a fold.
    pub group: Option<&'a str>,
    /// How much it counts; `None` is 1.
    pub weight: Option<f32>,
}

impl TrainingSetBuilder {
    /// Adds a row.
    pub fn push(&mut self, row: LabelledText<'_>) {
        self.documents.push(row.text);
        self.push_labels(row);
    }

    /// Adds rows whose texts were analysed elsewhere, on another thread perhaps.
    pub fn append<'a>(&mut self, documents: &Documents, rows: impl IntoIterator<Item = LabelledText<'a>>) {
        self.documents.append(documents);
        rows.into_iter().for_each(|row| self.push_labels(row));
    }

    fn push_labels(&mut self, row: LabelledText<'_>) {
        for part in [row.text, row.topic.unwrap_or_default(), row.stance.unwrap_or_default()] {
            self.digest.update(&(part.len() as u64).to_le_bytes());
            self.digest.update(part.as_bytes());
        }
        self.detector.see(row.text);
        self.topic.push(row.topic);
        self.stance.push(row.stance);
        self.group.push(row.group);
        self.weights.push(row.weight.unwrap_or(1.0));
    }

    /// The set.
    pub fn finish(self) -> TrainingSet {
        let (topics, topic) = self.topic.finish();
        let (stances, stance) = self.stance.finish();
        let weights = self.weights.iter().any(|&w| w != 1.0).then_some(self.weights);
        TrainingSet {
            documents: self.documents,
            topics,
            topic,
            stances,
            stance,
            groups: self.group.finish_groups(),
            weights,
            language: self.detector.verdict(),
            digest: self.digest.finalize().to_hex().to_string(),
        }
    }
}

/// A labelled corpus, analysed.
///
/// ```
/// use rapporteur::model::{LabelledText, TrainingSetBuilder};
/// let mut rows = TrainingSetBuilder::default();
/// rows.push(LabelledText { text: "Lift the embargo.", topic: Some("sanctions"), stance: Some("oppose"), ..Default::default() });
/// let set = rows.finish();
/// assert_eq!((set.len(), set.topics.name(0)), (1, "sanctions"));
/// ```
pub struct TrainingSet {
    /// Token streams.
    pub documents: Documents,
    /// Topics that occur.
    pub topics: LabelSet,
    /// Topic of each row, or [`UNLABELLED`].
    pub topic: Vec<u32>,
    /// Stances that occur.
    pub stances: LabelSet,
    /// Stance of each row, or [`UNLABELLED`].
    pub stance: Vec<u32>,
    /// Group of each row, where the corpus has groups.
    pub groups: Option<Vec<u32>>,
    /// Weight of each row, where they differ.
    pub weights: Option<Vec<f32>>,
    /// The language of the texts; `None` where they are mixed, or it is none that can be stemmed.
    pub language: Option<Language>,
    /// BLAKE3 of all texts and labels in order, in hexadecimal.
    pub digest: String,
}

impl TrainingSet {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.topic.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.topic.is_empty()
    }

    /// A number for each pair of topic and stance that occurs, by which folds are stratified.
    pub fn strata(&self, rows: &[u32]) -> Vec<u32> {
        let wide = self.stances.len() as u64 + 1;
        let pair = |&row: &u32| {
            let part = |n: u32| if n == UNLABELLED { 0 } else { u64::from(n) + 1 };
            part(self.topic[row as usize]) * wide + part(self.stance[row as usize])
        };
        let mut seen: Vec<u64> = rows.iter().map(pair).collect();
        seen.sort_unstable();
        seen.dedup();
        rows.iter().map(|row| seen.binary_search(&pair(row)).unwrap_or_default() as u32).collect()
    }
}
