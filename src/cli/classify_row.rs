//! What `rapporteur classify` writes of a row.
//!
//! Flows in: a row that a predictor has read, and what is asked about it. Flows out: its labels and what else is wanted beside them, once, or once for each of its topics. No file, count or
//! order is known here, so any thread can judge any row.

use rapporteur::corpus::{Batch, Missing, TopicStance, parse_topics};
use rapporteur::model::{Evidence, Model, Prediction, Predictor};
use rapporteur::{Error, Result};

use super::answers::{AnswerOptions, Extra, Labels};
use super::unsure::Bar;

/// What is asked about each row.
pub struct Judge<'a> {
    pub model: &'a Model,
    pub options: AnswerOptions,
    /// The column of topics that are given.
    pub known: Option<usize>,
    /// What labels have to reach, or are withheld.
    pub bar: Option<Bar>,
}

/// What is written of a row, or of one of its topics.
pub struct Judged<'a> {
    pub labels: Labels<'a>,
    pub others: Vec<Extra>,
    /// Whether the model knows no term of the text.
    pub without_terms: bool,
    /// Whether the topic was given and the model does not know it.
    pub strange_topic: bool,
    /// Whether topic and stance are written as unsure.
    pub withheld: [bool; 2],
}

impl<'a> Judge<'a> {
    /// Judges a row that the predictor has read; `each` is given its answer, or one for each of several topics.
    pub fn row(
        &self,
        predictor: &mut Predictor<'a>,
        batch: &Batch,
        i: usize,
        text: &str,
        mut each: impl FnMut(Judged<'_>),
    ) -> Result<()> {
        let known = self.known.and_then(|c| batch.record(i).get(c)).map(str::trim).filter(|t| !t.is_empty());
        if self.model.multi_label.is_none() {
            let prediction = match known {
                None => predictor.judge(),
                Some(topic) => self.given(predictor, topic),
            };
            each(self.answer(predictor, known, prediction, text));
            return Ok(());
        }
        let given = match known {
            None => None,
            Some(cell) => parse_topics(cell, &Missing::default())
                .map_err(|bad| Error::input(batch.place(i), format!("--known-topic: {}", bad.problem), bad.mend))?,
        };
        let mut any = false;
        match given {
            Some(topics) => {
                for TopicStance { topic, .. } in topics {
                    let prediction = self.given(predictor, &topic);
                    each(self.answer(predictor, Some(&topic), prediction, text));
                    any = true;
                }
            }
            None => {
                for topic in predictor.topics() {
                    let prediction = predictor.with_stance(topic);
                    each(self.answer(predictor, None, prediction, text));
                    any = true;
                }
            }
        }
        // A paragraph without a topic keeps its place.
        if !any {
            let topic = predictor.topic();
            let prediction = Prediction { topic: None, topic_probability: 0.0, ..topic };
            each(self.answer(predictor, None, prediction, text));
        }
        Ok(())
    }

    /// The stance where the topic is given.
    fn given(&self, predictor: &mut Predictor<'a>, topic: &str) -> Prediction {
        let predicted =
            if self.options.scores || self.options.top > 1 { predictor.topic() } else { Prediction::default() };
        let (stance, stance_probability) = predictor.stance_given(Some(topic));
        Prediction { stance, stance_probability, ..predicted }
    }

    /// What is written of a prediction, with the topic that was given if one was.
    fn answer<'r>(
        &self,
        predictor: &mut Predictor<'a>,
        known: Option<&'r str>,
        prediction: Prediction,
        text: &str,
    ) -> Judged<'r>
    where
        'a: 'r,
    {
        let without_terms = predictor.is_blank();
        let mut labels = Labels {
            topic: predictor.topic_name(prediction).unwrap_or_default(),
            topic_probability: prediction.topic_probability,
            stance: predictor.stance_name(prediction).unwrap_or_default(),
            stance_probability: prediction.stance_probability,
        };
        if let Some(topic) = known {
            (labels.topic, labels.topic_probability) = (topic, 1.0);
        }
        let strange_topic =
            known.is_some_and(|t| self.model.stance.as_ref().is_some_and(|s| s.topics.find(t).is_none()));
        let others = self.others(predictor, prediction, labels, text, without_terms);
        let withheld = self.bar.map_or([false; 2], |bar| bar.withhold(&mut labels, known.is_some()));
        Judged { labels, others, without_terms, strange_topic, withheld }
    }

    fn others(
        &self,
        predictor: &mut Predictor<'a>,
        prediction: Prediction,
        labels: Labels<'_>,
        text: &str,
        empty: bool,
    ) -> Vec<Extra> {
        let mut out = Vec::new();
        if self.options.guesses {
            out.extend([labels.topic, labels.stance].map(|guess| match guess {
                "" => Extra::Nothing,
                guess => Extra::Text(guess.to_owned()),
            }));
        }
        if self.options.top > 1 {
            let names = self.model.topic.as_ref().map(|h| &h.labels);
            let decisions = predictor.topic_decisions();
            // The topic written may not be the likeliest: it may be given.
            let written = names.and_then(|names| names.find(labels.topic));
            let mut order: Vec<usize> = (0..decisions.len()).filter(|&t| Some(t) != written).collect();
            order.sort_by(|&a, &b| decisions[b].total_cmp(&decisions[a]).then(a.cmp(&b)));
            for place in 0..self.options.top - 1 {
                match (order.get(place), names) {
                    (Some(&t), Some(names)) if !empty => {
                        out.push(Extra::Text(names.name(t).to_owned()));
                        out.push(Extra::Share(predictor.topic_probabilities()[t]));
                    }
                    _ => out.extend([Extra::Nothing, Extra::Nothing]),
                }
            }
        }
        let mut scores = Vec::new();
        if self.options.scores {
            let mut list = |shares: &[f64], known: bool| {
                scores.extend(shares.iter().map(|&p| if known { Extra::Share(p) } else { Extra::Nothing }));
            };
            list(predictor.topic_probabilities(), !empty);
            list(predictor.stance_probabilities(), prediction.stance.is_some());
        }
        if self.options.evidence > 0 {
            let given = (!labels.topic.is_empty()).then_some(labels.topic);
            let topic = self.model.topic.as_ref().and_then(|h| h.labels.find(labels.topic));
            let for_topic = topic.map_or(Vec::new(), |t| predictor.topic_evidence(text, t));
            let for_stance = prediction.stance.map_or(Vec::new(), |s| predictor.stance_evidence(text, given, s));
            out.extend([for_topic, for_stance].map(|e| match self.spell(&e) {
                words if words.is_empty() => Extra::Nothing,
                words => Extra::Text(words),
            }));
        }
        out.extend(scores);
        out
    }

    /// `embargo 1.20; lift 0.53`
    fn spell(&self, evidence: &[Evidence]) -> String {
        let strongest = evidence.iter().filter(|e| e.weight > 0.0).take(self.options.evidence);
        strongest.map(|e| format!("{} {:.2}", e.words, e.weight)).collect::<Vec<_>>().join("; ")
    }
}
