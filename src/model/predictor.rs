//! Applying a model to text.
//!
//! Flows in: a paragraph, perhaps with its topic. Flows out: a [`Prediction`], and the probabilities of all labels. One a thread; the model is shared.

use super::cascade::{Model, StanceHead};
use crate::features::TextVectoriser;
use crate::linear::argmax;
use crate::sparse::{SparseMatrix, SparseRow};

/// What a model says of a paragraph. Numbers are places in the label sets of the heads.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prediction {
    /// The topic; `None` without a topic head or without one known term.
    pub topic: Option<usize>,
    /// P(topic).
    pub topic_probability: f64,
    /// The stance; `None` without a stance head, without one known term, or where the topic never has one.
    pub stance: Option<usize>,
    /// P(stance | the topic written).
    pub stance_probability: f64,
}

/// A model at work on one thread.
///
/// ```
/// use rapporteur::control::Control;
/// use rapporteur::model::{LabelledText, Predictor, TrainOptions, TrainingSetBuilder, train};
/// let mut rows = TrainingSetBuilder::default();
/// for _ in 0..10 {
///     for (text, topic, stance) in [
///         ("Lift the embargo now.", "sanctions", "oppose"),
///         ("The embargo must stay.", "sanctions", "support"),
///         ("The mission needs more troops.", "peacekeeping", "support"),
///         ("Recall the troops, end the mission.", "peacekeeping", "oppose"),
///     ] {
///         rows.push(LabelledText { text, topic: Some(topic), stance: Some(stance), ..Default::default() });
///     }
/// }
/// let model = train(&rows.finish(), &TrainOptions::default(), &Control::default())?;
/// let mut predictor = Predictor::new(&model);
/// let prediction = predictor.predict("We ask you to lift this embargo.");
/// assert_eq!(predictor.topic_name(prediction), Some("sanctions"));
/// assert_eq!(predictor.stance_name(prediction), Some("oppose"));
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct Predictor<'a> {
    model: &'a Model,
    texts: TextVectoriser<'a>,
    /// The terms of the text read last, and of texts around it.
    terms: SparseMatrix,
    row: SparseMatrix,
    /// Place of each topic of the topic head among those of the stance head.
    stance_topic: Vec<Option<usize>>,
    topic_probabilities: Vec<f64>,
    topic_decisions: Vec<f64>,
    stance_probabilities: Vec<f64>,
    stance_decisions: Vec<f64>,
}

impl<'a> Predictor<'a> {
    /// For one thread.
    pub fn new(model: &'a Model) -> Self {
        let classes = |head: Option<&super::Head>| vec![0.0; head.map_or(0, |h| h.labels.len())];
        let stance_topic = match (&model.topic, &model.stance) {
            (Some(topic), Some(stance)) => topic.labels.names().iter().map(|t| stance.topics.find(t)).collect(),
            _ => Vec::new(),
        };
        // Before a paragraph is read, it is as if an empty one had been.
        let mut row = SparseMatrix::with_cols(model.width());
        row.push_row([]);
        Predictor {
            model,
            texts: TextVectoriser::new(&model.vectoriser),
            terms: SparseMatrix::with_cols(model.vectoriser.width()),
            row,
            stance_topic,
            topic_probabilities: classes(model.topic.as_ref()),
            topic_decisions: classes(model.topic.as_ref()),
            stance_probabilities: classes(model.stance.as_ref().map(|s| &s.head)),
            stance_decisions: classes(model.stance.as_ref().map(|s| &s.head)),
        }
    }

    /// The model.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// Judges a paragraph: topic, then stance given the topic.
    pub fn predict(&mut self, text: &str) -> Prediction {
        self.read(text);
        self.judge()
    }

    /// Reads a paragraph, for [`Predictor::topic`], [`Predictor::stance_given`] and [`Predictor::vector`] to work on.
    pub fn read(&mut self, text: &str) {
        self.row.clear();
        self.texts.transform(text, &mut self.row);
    }

    /// Reads a paragraph with what is around it, as a model trained with context or feature columns wants it: the paragraphs before and after it (at most
    /// [`Model::neighbours`] each) or the text of its context columns, and the values of its feature columns. What the model does not use is passed over.
    ///
    /// ```
    /// use rapporteur::corpus::SideColumns;
    /// use rapporteur::{Control, LabelledText, Predictor, TrainOptions, TrainingSetBuilder, train};
    /// let side = SideColumns { document: Some("speech".to_owned()), ..Default::default() };
    /// let mut rows = TrainingSetBuilder::with_side(side);
    /// for speech in 0..20 {
    ///     let topic = ["trade", "war"][speech % 2];
    ///     for text in [format!("On {topic}:"), "We agree.".to_owned()] {
    ///         let document = speech.to_string();
    ///         rows.push(LabelledText { text: &text, topic: Some(topic), document: Some(&document), ..Default::default() });
    ///     }
    /// }
    /// let options = TrainOptions { context: 1, ..Default::default() };
    /// let model = train(&rows.finish(), &options, &Control::default())?;
    /// let mut predictor = Predictor::new(&model);
    /// for before in ["On trade:", "On war:"] {
    ///     predictor.read_with("We agree.", &[before], &[]);
    ///     let topic = predictor.judge();
    ///     assert!(before.contains(predictor.topic_name(topic).unwrap()));
    /// }
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    pub fn read_with(&mut self, text: &str, context: &[&str], features: &[&str]) {
        if self.model.blocks.is_empty() {
            return self.read(text);
        }
        let mut terms = std::mem::take(&mut self.terms);
        terms.clear();
        for text in [text].iter().chain(context) {
            self.texts.transform(text, &mut terms);
        }
        let around: Vec<SparseRow<'_>> = (1..terms.rows()).map(|i| terms.row(i)).collect();
        self.read_vectors(terms.row(0), &around, features);
        self.terms = terms;
    }

    /// As [`Predictor::read_with`], of vectors that [`Predictor::texts`] has made: who reads row after row makes each of them once.
    pub fn read_vectors(&mut self, own: SparseRow<'_>, context: &[SparseRow<'_>], features: &[&str]) {
        self.row.clear();
        self.model.blocks.push_row(self.model.vectoriser.width(), own, context, features, &mut self.row);
    }

    /// True when the paragraph read last has not one term that the model knows: whatever is around it, it gets no label.
    pub fn is_blank(&self) -> bool {
        self.row.row(0).indices.first().is_none_or(|&j| j as usize >= self.model.vectoriser.width())
    }

    /// Takes a row made by [`Model::vectors`] in place of a text.
    pub fn read_vector(&mut self, row: SparseRow<'_>) {
        self.row.clear();
        self.row.push_row(row.indices.iter().copied().zip(row.values.iter().copied()));
    }

    /// Judges the paragraph read last.
    pub fn judge(&mut self) -> Prediction {
        let mut out = self.topic();
        let known = out.topic.and_then(|t| self.stance_topic.get(t).copied().flatten());
        if self.model.topic.is_none() || out.topic.is_some() {
            (out.stance, out.stance_probability) = self.stance(known);
        }
        out
    }

    /// The vector of the paragraph read last.
    pub fn vector(&self) -> SparseRow<'_> {
        self.row.row(0)
    }

    /// The part of that vector that is terms of its own text.
    pub(super) fn vector_of_terms(&self) -> SparseRow<'_> {
        let row = self.row.row(0);
        let width = self.model.vectoriser.width();
        let end = row.indices.partition_point(|&j| (j as usize) < width);
        SparseRow { indices: &row.indices[..end], values: &row.values[..end] }
    }

    /// The text side of the model, for finding where terms stand.
    pub fn texts(&mut self) -> &mut TextVectoriser<'a> {
        &mut self.texts
    }

    /// The topic of the paragraph read last; no stance.
    pub fn topic(&mut self) -> Prediction {
        let none = Prediction::default();
        let Some(head) = &self.model.topic else { return none };
        if self.is_blank() {
            self.topic_probabilities.fill(0.0);
            return none;
        }
        head.classifier.decision_into(self.row.row(0), &mut self.topic_probabilities);
        head.calibration.mend(&mut self.topic_probabilities);
        self.topic_decisions.copy_from_slice(&self.topic_probabilities);
        self.topic_decisions.iter_mut().zip(&head.offsets).for_each(|(z, b)| *z += b);
        head.calibration.mended_probabilities(&mut self.topic_probabilities);
        let topic = argmax(&self.topic_decisions);
        Prediction { topic: Some(topic), topic_probability: self.topic_probabilities[topic], ..none }
    }

    /// The stance of the paragraph read last given a topic by name, which the model may not know: then the weights shared by all topics decide.
    pub fn stance_given(&mut self, topic: Option<&str>) -> (Option<usize>, f64) {
        let known = self.model.stance.as_ref().and_then(|s| topic.and_then(|t| s.topics.find(t)));
        self.stance(known)
    }

    fn stance(&mut self, topic: Option<usize>) -> (Option<usize>, f64) {
        let Some(stance) = &self.model.stance else { return (None, 0.0) };
        let blank = self.is_blank();
        let row = self.row.row(0);
        let blocked = |k: usize| topic.is_some_and(|t| !stance.seen_with(t)[k]);
        let classes = self.stance_probabilities.len();
        if blank || (0..classes).all(blocked) {
            self.stance_probabilities.fill(0.0);
            return (None, 0.0);
        }
        stance_scores(stance, row, topic, &mut self.stance_probabilities);
        stance.head.calibration.mend(&mut self.stance_probabilities);
        for (k, z) in self.stance_probabilities.iter_mut().enumerate() {
            if blocked(k) {
                *z = f64::NEG_INFINITY;
            }
        }
        self.stance_decisions.copy_from_slice(&self.stance_probabilities);
        self.stance_decisions.iter_mut().zip(&stance.head.offsets).for_each(|(z, b)| *z += b);
        stance.head.calibration.mended_probabilities(&mut self.stance_probabilities);
        let best = argmax(&self.stance_decisions);
        (Some(best), self.stance_probabilities[best])
    }

    /// P(topic) of every topic, of the paragraph judged last.
    pub fn topic_probabilities(&self) -> &[f64] {
        &self.topic_probabilities
    }

    /// The scores by which topics were decided, of the paragraph judged last.
    pub fn topic_decisions(&self) -> &[f64] {
        &self.topic_decisions
    }

    /// P(stance | the topic written) of every stance, of the paragraph judged last.
    pub fn stance_probabilities(&self) -> &[f64] {
        &self.stance_probabilities
    }

    /// The name of a prediction's topic.
    pub fn topic_name(&self, prediction: Prediction) -> Option<&'a str> {
        self.model.topic.as_ref().and_then(|h| prediction.topic.map(|t| h.labels.name(t)))
    }

    /// The name of a prediction's stance.
    pub fn stance_name(&self, prediction: Prediction) -> Option<&'a str> {
        self.model.stance.as_ref().and_then(|s| prediction.stance.map(|k| s.head.labels.name(k)))
    }
}

/// Scores of the stances given a topic the stance head knows, or by the shared weights alone.
pub(super) fn stance_scores(stance: &StanceHead, row: SparseRow<'_>, topic: Option<usize>, scores: &mut [f64]) {
    stance.head.classifier.decision_into(row, scores);
    if let Some(topic) = topic {
        stance.departures.add_scores(row, topic, scores);
    }
}
