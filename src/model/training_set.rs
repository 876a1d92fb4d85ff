//! A labelled corpus in the form that training wants.
//!
//! Flows in: labelled rows, one by one or batch by batch. Flows out: token streams, label numbers, groups and weights, row by row; and a digest
//! of all that was read, by which a model can name what it was trained on. The text itself is not kept.

use super::memory::expect_reading;
use crate::control::Control;
use crate::corpus::SideColumns;
use crate::error::{Error, Result};
use crate::features::{DocumentBatch, Documents};
use crate::labels::{LabelColumn, LabelSet, UNLABELLED};
use crate::text::{Language, LanguageDetector};

use super::topic_sets::{TopicSets, TopicSetsBuilder};

/// Rows as they are gathered; [`TrainingSetBuilder::finish`] makes a [`TrainingSet`].
#[derive(Default)]
pub struct TrainingSetBuilder {
    documents: Documents,
    topic: LabelColumn,
    stance: LabelColumn,
    sets: TopicSetsBuilder,
    group: LabelColumn,
    weights: Vec<f32>,
    side: SideColumns,
    document: LabelColumn,
    context: Documents,
    features: Vec<LabelColumn>,
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
    /// In place of the two, in a corpus of several topics a row: all its topics, each with its stance where known; empty for none of the topics, `None` where nothing is known.
    /// One row that has them makes the corpus one of several topics.
    pub topics: Option<&'a [(&'a str, Option<&'a str>)]>,
    /// What it belongs to (a speech, a speaker): rows of a group never stand on both sides of a fold.
    pub group: Option<&'a str>,
    /// How much it counts; `None` is 1.
    pub weight: Option<f32>,
    /// The document it is a paragraph of; rows of a document stand together, in its order.
    pub document: Option<&'a str>,
    /// Text around it, where the corpus has columns of context.
    pub context: &'a str,
    /// Values of the feature columns, in their order; empty for none.
    pub features: &'a [&'a str],
}

impl TrainingSetBuilder {
    /// A builder of rows that have more than a text and labels: what is beside them, by the names of its columns. The model asks for the same when it classifies.
    ///
    /// ```
    /// use rapporteur::corpus::SideColumns;
    /// use rapporteur::model::{LabelledText, TrainingSetBuilder};
    /// let side = SideColumns { features: vec!["party".to_owned()], ..Default::default() };
    /// let mut rows = TrainingSetBuilder::with_side(side);
    /// rows.push(LabelledText { text: "Lift it.", topic: Some("sanctions"), features: &["green"], ..Default::default() });
    /// assert_eq!(rows.finish().features[0].0.names(), ["green"]);
    /// ```
    pub fn with_side(side: SideColumns) -> Self {
        let features = side.features.iter().map(|_| LabelColumn::default()).collect();
        TrainingSetBuilder { side, features, ..Default::default() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: LabelledText<'_>) {
        self.documents.push(row.text);
        if !self.side.context.is_empty() {
            self.context.push(row.context);
        }
        self.push_labels(row);
    }

    /// Adds rows whose texts, and context where there are columns of it, were analysed elsewhere, on another thread perhaps.
    pub fn append<'a>(
        &mut self,
        documents: &Documents,
        context: &Documents,
        rows: impl IntoIterator<Item = LabelledText<'a>>,
    ) {
        self.documents.append(documents);
        if !self.side.context.is_empty() {
            self.context.append(context);
        }
        rows.into_iter().for_each(|row| self.push_labels(row));
    }

    /// Adds rows whose texts a thread of its own analyses batch by batch; `numbers` are of that thread, see [`Documents::append_batch`].
    pub(super) fn append_batch<'a>(
        &mut self,
        (documents, context): (&DocumentBatch, &DocumentBatch),
        numbers: &mut [Vec<u32>; 2],
        rows: impl IntoIterator<Item = LabelledText<'a>>,
    ) {
        self.documents.append_batch(documents, &mut numbers[0]);
        if !self.side.context.is_empty() {
            self.context.append_batch(context, &mut numbers[1]);
        }
        rows.into_iter().for_each(|row| self.push_labels(row));
    }

    /// Tells how much memory the rows take.
    ///
    /// # Errors
    /// When it is more than the control allows.
    pub(super) fn expect_memory(&self, control: &Control) -> Result<()> {
        expect_reading(&self.documents, &self.context, control)
    }

    fn push_labels(&mut self, row: LabelledText<'_>) {
        for part in [row.text, row.topic.unwrap_or_default(), row.stance.unwrap_or_default()] {
            self.digest.update(&(part.len() as u64).to_le_bytes());
            self.digest.update(part.as_bytes());
        }
        if !self.side.is_empty() {
            for part in [row.document.unwrap_or_default(), row.context].into_iter().chain(row.features.iter().copied())
            {
                self.digest.update(&(part.len() as u64).to_le_bytes());
                self.digest.update(part.as_bytes());
            }
        }
        self.document.push(row.document);
        for (i, column) in self.features.iter_mut().enumerate() {
            column.push(row.features.get(i).copied().filter(|value| !value.is_empty()));
        }
        if let Some(topics) = row.topics {
            for part in topics.iter().flat_map(|&(topic, stance)| [topic, stance.unwrap_or_default()]) {
                self.digest.update(&(part.len() as u64).to_le_bytes());
                self.digest.update(part.as_bytes());
            }
            // No text is so long: a row of no topics is told from one of which nothing is known.
            self.digest.update(&u64::MAX.to_le_bytes());
        }
        self.sets.push(row.topics);
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
        let (topics, stances, several) = match self.sets.finish() {
            None => (topics, stances, None),
            Some((topics, stances, several)) => (topics, stances, Some(several)),
        };
        let weights = self.weights.iter().any(|&w| w != 1.0).then_some(self.weights);
        TrainingSet {
            documents: self.documents,
            topics,
            topic,
            stances,
            stance,
            several,
            groups: self.group.finish_groups(),
            weights,
            document: self.side.document.as_ref().map(|_| self.document.finish()),
            context: (!self.side.context.is_empty()).then_some(self.context),
            features: self.features.into_iter().map(LabelColumn::finish).collect(),
            side: self.side,
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
    /// The topics of each row with their stances, in a corpus of several topics a row; `topic` and `stance` are then [`UNLABELLED`] throughout.
    pub several: Option<TopicSets>,
    /// Group of each row, where the corpus has groups.
    pub groups: Option<Vec<u32>>,
    /// Weight of each row, where they differ.
    pub weights: Option<Vec<f32>>,
    /// The columns beside text and labels that were read.
    pub side: SideColumns,
    /// Documents, and that of each row or [`UNLABELLED`], where the corpus names them.
    pub document: Option<(LabelSet, Vec<u32>)>,
    /// Text around each row, where the corpus brings it.
    pub context: Option<Documents>,
    /// Values of each feature column, and that of each row or [`UNLABELLED`].
    pub features: Vec<(LabelSet, Vec<u32>)>,
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

    /// Whether anything is known of a row's labels; to have none of the topics is known too.
    pub fn is_labelled(&self, row: usize) -> bool {
        match &self.several {
            None => self.topic[row] != UNLABELLED || self.stance[row] != UNLABELLED,
            Some(several) => several.is_labelled(row),
        }
    }

    /// The rows that [`TrainingSet::is_labelled`].
    pub fn labelled_rows(&self) -> Vec<u32> {
        (0..self.len() as u32).filter(|&row| self.is_labelled(row as usize)).collect()
    }

    /// Number of different groups among some rows, where there are groups.
    pub(super) fn groups_among(&self, rows: &[u32]) -> Option<usize> {
        let groups = self.groups.as_ref()?;
        let mut mine: Vec<u32> = rows.iter().map(|&row| groups[row as usize]).collect();
        mine.sort_unstable();
        mine.dedup();
        Some(mine.len())
    }

    /// Refuses a corpus of several topics a row, for what knows but one.
    pub(crate) fn check_single(&self, what: &str) -> Result<()> {
        match self.several {
            None => Ok(()),
            Some(_) => Err(Error::usage(format!("{what} knows corpora of one topic a row only, and no --multi-label"))),
        }
    }

    /// The rows at most `most` before and after one that are of its document, in order; without the row itself.
    pub fn neighbours(&self, row: usize, most: usize) -> impl Iterator<Item = usize> + '_ {
        let of: &[u32] = self.document.as_ref().map_or(&[], |(_, of)| of);
        let own = of.get(row).copied().filter(|&document| document != UNLABELLED);
        let same = move |other: usize| own.is_some() && of.get(other).copied() == own;
        let before = (1..=most.min(row)).take_while(|&d| same(row - d)).count();
        let after = (1..=most).take_while(|&d| same(row + d)).count();
        (row - before..row).chain(row + 1..row + 1 + after)
    }

    /// Checks that the rows of each document stand together: where they do not, the rows before and after one are not its neighbours.
    ///
    /// # Errors
    /// When there is no column of documents, or the rows of one are scattered.
    pub fn check_documents(&self) -> Result<()> {
        let Some((names, of)) = &self.document else {
            return Err(Error::usage(
                "--context needs to know which rows are paragraphs of one document: name their column with --document-column",
            ));
        };
        let mut ended = vec![false; names.len()];
        for (row, pair) in of.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]) {
            if let Some(ended) = ended.get_mut(pair[0] as usize) {
                *ended = true;
            }
            if ended.get(pair[1] as usize) == Some(&true) {
                return Err(Error::corpus(
                    format!(
                        "row {} is of document {:?}, whose rows ended earlier: with --context the rows of a document stand together",
                        row + 2,
                        names.name(pair[1] as usize)
                    ),
                    "sort the corpus by document, and within each by place",
                ));
            }
        }
        Ok(())
    }

    /// A number for each pair of topic and stance that occurs, by which folds are stratified; of several topics, the rarest of a row.
    pub fn strata(&self, rows: &[u32]) -> Vec<u32> {
        if let Some(several) = &self.several {
            return several.strata(rows);
        }
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
