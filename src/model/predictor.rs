//! Applying a model to text.
//!
//! Flows in: a paragraph, perhaps with its topic. Flows out: a [`Prediction`], and the probabilities of all labels. One a thread; the model is shared.

use super::cascade::{Model, StanceHead};
use super::decoding::{PairOffsets, StanceScorer, best_topic, log_probabilities, to_logs};
use super::options::StanceScope;
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
    /// P(stance | the topic written); with [`StanceScope::Global`], P(stance) of all topics together.
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
    /// The most that the offset of a pair of each topic adds, where pairs are decided.
    most_of_pairs: Vec<f64>,
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
            most_of_pairs: most_of_pairs(model),
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

    /// Judges a paragraph: topic, then stance given the topic; or both together, where the model does.
    pub fn predict(&mut self, text: &str) -> Prediction {
        self.read(text);
        self.judge()
    }

    /// Judges a paragraph that may have several topics: each of them, surest first, with the stance on it. Of a model of one topic a paragraph, that one.
    ///
    /// ```
    /// use rapporteur::{Control, LabelledText, Predictor, TrainOptions, TrainingSetBuilder, train};
    /// let mut rows = TrainingSetBuilder::default();
    /// for i in 0..60 {
    ///     let (verb, stance) = [("welcome", "support"), ("reject", "oppose")][i % 2];
    ///     let topics = [("rail", Some(stance)), ("water", Some(stance))];
    ///     let (part, text) = match i % 3 {
    ///         0 => (&topics[..1], format!("We {verb} the train of {i}.")),
    ///         1 => (&topics[1..], format!("We {verb} the dam of {i}.")),
    ///         _ => (&topics[..], format!("We {verb} the train and the dam of {i}.")),
    ///     };
    ///     rows.push(LabelledText { text: &text, topics: Some(part), ..Default::default() });
    /// }
    /// let model = train(&rows.finish(), &TrainOptions::default(), &Control::default())?;
    /// let mut predictor = Predictor::new(&model);
    /// let mut found: Vec<_> = predictor.predict_all("They reject the dam and the train.").into_iter()
    ///     .map(|p| (predictor.topic_name(p).unwrap(), predictor.stance_name(p).unwrap()))
    ///     .collect();
    /// found.sort();
    /// assert_eq!(found, [("rail", "oppose"), ("water", "oppose")]);
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    pub fn predict_all(&mut self, text: &str) -> Vec<Prediction> {
        self.read(text);
        self.judge_all()
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

    /// Judges the paragraph read last; if it may have several topics, the surest.
    pub fn judge(&mut self) -> Prediction {
        let topic = self.topic();
        let model = self.model;
        if let (Some(pairs), Some(_)) = (&model.pairs, topic.topic) {
            let topic = self.topic_of_best_pair(pairs);
            let (stance, stance_probability) = self.stance_of_pair(topic, pairs);
            let topic_probability = self.topic_probabilities[topic];
            return Prediction { topic: Some(topic), topic_probability, stance, stance_probability };
        }
        self.with_stance(topic)
    }

    /// Judges all topics of the paragraph read last, surest first, each with the stance on it. Of a model of one topic a paragraph, as [`Predictor::judge`]; nothing where that gives no label.
    pub fn judge_all(&mut self) -> Vec<Prediction> {
        if self.model.multi_label.is_none() {
            let prediction = self.judge();
            let any = prediction.topic.is_some() || prediction.stance.is_some();
            return if any { vec![prediction] } else { Vec::new() };
        }
        self.topics().into_iter().map(|topic| self.with_stance(topic)).collect()
    }

    /// A topic of the paragraph read last, with the stance on it. Without a topic it has a stance only where the model judges no topics.
    pub fn with_stance(&mut self, topic: Prediction) -> Prediction {
        let mut out = topic;
        let model = self.model;
        let known = out.topic.and_then(|t| self.stance_topic.get(t).copied().flatten());
        match (&model.stance, model.options.stance_scope, out.topic) {
            (Some(stance), StanceScope::Global, Some(_)) if self.can_have_stance(stance, known) => {
                (out.stance, out.stance_probability) = self.stance_of_all_topics(stance);
            }
            (Some(stance), _, _) if model.topic.is_none() || out.topic.is_some() => {
                (out.stance, out.stance_probability) = self.stance(known, &stance.head.offsets);
            }
            _ => {}
        }
        out
    }

    /// The topic of the best pair, of the paragraph whose topics were just judged.
    fn topic_of_best_pair(&mut self, pairs: &PairOffsets) -> usize {
        let Some(stance) = &self.model.stance else { return 0 };
        let (row, scorer, k) = (self.row.row(0), StanceScorer::of(stance), stance.head.labels.len());
        let mut logs = self.topic_probabilities.clone();
        to_logs(&mut logs);
        let (shared, given) = (&mut self.stance_probabilities, &mut self.stance_decisions);
        scorer.classifier.decision_into(row, shared);
        best_topic(&logs, &self.most_of_pairs, |topic| {
            let offsets = pairs.of_topic(topic, k);
            if !stance.seen_with(topic).contains(&true) {
                return offsets[k];
            }
            scorer.given(row, shared, topic, given);
            log_probabilities(scorer.calibration, given);
            let pairs = given.iter().zip(offsets).zip(stance.seen_with(topic)).filter(|(_, seen)| **seen);
            pairs.map(|((log, offset), _)| log + offset).fold(f64::NEG_INFINITY, f64::max)
        })
    }

    /// The stance of the best pair of a topic: as pairs are decided, by logarithms of probabilities.
    fn stance_of_pair(&mut self, topic: usize, pairs: &PairOffsets) -> (Option<usize>, f64) {
        let (Some(stance), (Some(_), _)) = (&self.model.stance, self.stance(Some(topic), &[])) else {
            return (None, 0.0);
        };
        self.stance_decisions.copy_from_slice(&self.stance_probabilities);
        to_logs(&mut self.stance_decisions);
        let offsets = pairs.of_topic(topic, self.stance_decisions.len());
        for ((z, offset), seen) in self.stance_decisions.iter_mut().zip(offsets).zip(stance.seen_with(topic)) {
            *z = if *seen { *z + offset } else { f64::NEG_INFINITY };
        }
        let best = argmax(&self.stance_decisions);
        (Some(best), self.stance_probabilities[best])
    }

    /// The stance that all topics together make most probable: the sum of P(topic) P(stance | topic), among rows that have a stance at all.
    fn stance_of_all_topics(&mut self, stance: &StanceHead) -> (Option<usize>, f64) {
        /// Topics less probable change nothing that is written.
        const LEAST: f64 = 1e-5;
        let (row, scorer) = (self.row.row(0), StanceScorer::of(stance));
        let k = self.stance_probabilities.len();
        let (mut shared, mut given) = (vec![0.0; k], vec![0.0; k]);
        scorer.classifier.decision_into(row, &mut shared);
        self.stance_probabilities.fill(0.0);
        for (&p, known) in self.topic_probabilities.iter().zip(&self.stance_topic).filter(|(p, _)| **p >= LEAST) {
            match *known {
                Some(topic) if !stance.seen_with(topic).contains(&true) => continue,
                Some(topic) => scorer.given(row, &shared, topic, &mut given),
                None => {
                    given.copy_from_slice(&shared);
                    stance.head.calibration.mend(&mut given);
                }
            }
            stance.head.calibration.mended_probabilities(&mut given);
            self.stance_probabilities.iter_mut().zip(&given).for_each(|(sum, q)| *sum += p * q);
        }
        let sum: f64 = self.stance_probabilities.iter().sum();
        self.stance_probabilities.iter_mut().for_each(|p| *p /= sum);
        for (k, (decision, p)) in self.stance_decisions.iter_mut().zip(&self.stance_probabilities).enumerate() {
            *decision = libm::log(*p) + stance.head.offsets.get(k).unwrap_or(&0.0);
        }
        let best = argmax(&self.stance_decisions);
        (Some(best), self.stance_probabilities[best])
    }

    /// Whether a paragraph of this topic gets a stance.
    fn can_have_stance(&self, stance: &StanceHead, topic: Option<usize>) -> bool {
        !self.is_blank() && topic.is_none_or(|t| stance.seen_with(t).contains(&true))
    }

    /// All topics of the paragraph read last, surest first, without their stances. Of a model of one topic a paragraph, what [`Predictor::topic`] says.
    pub fn topics(&mut self) -> Vec<Prediction> {
        let first = self.topic();
        if first.topic.is_none() {
            return Vec::new();
        }
        let Some(multi_label) = self.model.multi_label else { return vec![first] };
        let written = multi_label.decide(&self.topic_decisions);
        let prediction =
            |t: usize| Prediction { topic: Some(t), topic_probability: self.topic_probabilities[t], ..first };
        written.into_iter().map(prediction).collect()
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

    /// The topic of the paragraph read last, the surest if it may have several; no stance.
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
        if let Some(multi_label) = self.model.multi_label {
            // Topics do not exclude each other: each has a probability of its own.
            self.topic_probabilities.iter_mut().for_each(|z| *z = 1.0 / (1.0 + libm::exp(-*z)));
            let first = multi_label.decide(&self.topic_decisions).first().copied();
            return first.map_or(none, |t| Prediction {
                topic: Some(t),
                topic_probability: self.topic_probabilities[t],
                ..none
            });
        }
        head.calibration.mended_probabilities(&mut self.topic_probabilities);
        let topic = argmax(&self.topic_decisions);
        Prediction { topic: Some(topic), topic_probability: self.topic_probabilities[topic], ..none }
    }

    /// The stance of the paragraph read last given a topic by name, which the model may not know: then the weights shared by all topics decide.
    pub fn stance_given(&mut self, topic: Option<&str>) -> (Option<usize>, f64) {
        let known = self.model.stance.as_ref().and_then(|s| topic.and_then(|t| s.topics.find(t)));
        match &self.model.stance {
            Some(stance) => self.stance(known, &stance.head.offsets),
            None => (None, 0.0),
        }
    }

    /// The stance given a topic, decided with these offsets.
    fn stance(&mut self, topic: Option<usize>, offsets: &[f64]) -> (Option<usize>, f64) {
        let Some(stance) = &self.model.stance else { return (None, 0.0) };
        let row = self.row.row(0);
        let blocked = |k: usize| topic.is_some_and(|t| !stance.seen_with(t)[k]);
        if !self.can_have_stance(stance, topic) {
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
        self.stance_decisions.iter_mut().zip(offsets).for_each(|(z, b)| *z += b);
        stance.head.calibration.mended_probabilities(&mut self.stance_probabilities);
        let best = argmax(&self.stance_decisions);
        (Some(best), self.stance_probabilities[best])
    }

    /// P(topic) of every topic, of the paragraph judged last.
    pub fn topic_probabilities(&self) -> &[f64] {
        &self.topic_probabilities
    }

    /// The scores by which topics are decided without their stances, of the paragraph judged last: where pairs are decided, another topic may have been written.
    pub fn topic_decisions(&self) -> &[f64] {
        &self.topic_decisions
    }

    /// P(stance | the topic written) of every stance (with [`StanceScope::Global`], P(stance) of all topics together), of the paragraph judged last.
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

fn most_of_pairs(model: &Model) -> Vec<f64> {
    let (Some(pairs), Some(topic), Some(stance)) = (&model.pairs, &model.topic, &model.stance) else {
        return Vec::new();
    };
    let k = stance.head.labels.len();
    let most = |t: usize| {
        let (offsets, seen) = (pairs.of_topic(t, k), stance.seen_with(t));
        let of_seen = offsets.iter().zip(seen).filter(|(_, seen)| **seen).map(|(offset, _)| *offset);
        of_seen.reduce(f64::max).unwrap_or(offsets[k])
    };
    (0..topic.labels.len()).map(most).collect()
}

/// Scores of the stances given a topic the stance head knows, or by the shared weights alone.
pub(super) fn stance_scores(stance: &StanceHead, row: SparseRow<'_>, topic: Option<usize>, scores: &mut [f64]) {
    stance.head.classifier.decision_into(row, scores);
    if let Some(topic) = topic {
        stance.departures.add_scores(row, topic, scores);
    }
}
