//! `--min-probability` and `--max-error`: labels that are withheld because they are not sure enough.
//!
//! Flows in: the options, and a model with its error curves. Flows out: the [`Bar`] that each head's probability has to reach. A label below it is written as
//! `unsure`, and the guess in a column of its own; `evaluate` scores the labels that reach it.
//!
//! The error curve of a stance is that of the stance given the true topic, for training knows no other: where topics are predicted, stances err more often than `--max-error` says by what the errors of accepted topics cost.

use rapporteur::evaluate::Thresholds;
use rapporteur::model::{ErrorCurve, Head, Model};
use rapporteur::{Error, Result};

use super::answers::Labels;

/// What is written in place of a label.
pub const UNSURE: &str = "unsure";

/// When a label is withheld.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct UnsureArgs {
    /// Write `unsure` for labels less probable than P, and the guess in topic_guess and stance_guess
    #[arg(long, value_name = "P", conflicts_with = "max_error", value_parser = share)]
    pub min_probability: Option<f64>,
    /// Write `unsure` for the least probable labels, so that the rest err at most in this share of rows like those of training
    #[arg(long, value_name = "E", value_parser = share)]
    pub max_error: Option<f64>,
}

/// A number above 0 and below 1: the ends would withhold nothing, or everything.
pub fn share(typed: &str) -> std::result::Result<f64, String> {
    typed.parse().ok().filter(|x| *x > 0.0 && *x < 1.0).ok_or_else(|| "expected a number between 0 and 1".to_owned())
}

/// The least probabilities with which labels are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    topic: f64,
    stance: f64,
}

impl UnsureArgs {
    /// The bar of a model, if one is asked for, and what is to be said about it.
    pub fn bar(&self, model: &Model, name: &str) -> Result<Option<(Bar, Vec<String>)>> {
        if self.min_probability.is_none() && self.max_error.is_none() {
            return Ok(None);
        }
        let heads = [("topic", model.topic.as_ref()), ("stance", model.stance.as_ref().map(|s| &s.head))];
        let mut notes = Vec::new();
        let mut bars = [0.0; 2];
        for (bar, (kind, head)) in bars.iter_mut().zip(heads) {
            let Some(head) = head else { continue };
            if head.labels.find(UNSURE).is_some() {
                return Err(Error::usage(format!(
                    "{name} has a {kind} of its own that is called \"{UNSURE}\", which could not be told from labels that are withheld; leave out --min-probability and --max-error, or train it with another word for that label"
                )));
            }
            *bar = match (self.min_probability, self.max_error) {
                (Some(least), _) => least,
                (None, most) => reach(curve(head, name)?, most.unwrap_or(1.0), kind, &mut notes),
            };
        }
        Ok(Some((Bar { topic: bars[0], stance: bars[1] }, notes)))
    }
}

fn curve<'m>(head: &'m Head, name: &str) -> Result<&'m ErrorCurve> {
    head.error_curve.as_ref().ok_or_else(|| Error::ModelFile {
        path: name.to_owned(),
        problem: "this model keeps no error curve, from which --max-error takes its threshold".into(),
        mend: "train it again, on ten rows a label column or more and with --calibration or --c left to auto; or give --min-probability".into(),
    })
}

/// The probability to reach for an error of at most `most`; infinite if there is none.
fn reach(curve: &ErrorCurve, most: f64, kind: &str, notes: &mut Vec<String>) -> f64 {
    match curve.threshold(most) {
        Some(threshold) => {
            notes.push(format!("note: a {kind} is written from a probability of {threshold:.4} on"));
            threshold
        }
        None => {
            let least = curve.least_error();
            let room = if least < 1.0 {
                format!("the least that can be asked for is --max-error {least:.3}")
            } else {
                "nor for any other".to_owned()
            };
            notes.push(format!("note: no probability of a {kind} vouches for an error of at most {most}, so every {kind} is unsure; {room}"));
            f64::INFINITY
        }
    }
}

impl From<Bar> for Thresholds {
    fn from(bar: Bar) -> Thresholds {
        Thresholds { topic: bar.topic, stance: bar.stance }
    }
}

impl Bar {
    /// Withholds what is below the bar: topic and stance, each `true` if it was. A stance hangs on its topic and is withheld with it. No label is no label,
    /// not an unsure one; a topic that is given has the probability 1.
    pub fn withhold(&self, labels: &mut Labels<'_>, topic_is_given: bool) -> [bool; 2] {
        let topic = !topic_is_given && !labels.topic.is_empty() && labels.topic_probability < self.topic;
        let stance = !labels.stance.is_empty() && (topic || labels.stance_probability < self.stance);
        if topic {
            labels.topic = UNSURE;
        }
        if stance {
            labels.stance = UNSURE;
        }
        [topic, stance]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stance_is_withheld_with_its_topic() {
        let bar = Bar { topic: 0.5, stance: 0.6 };
        let labels = |t, s| Labels { topic: "water", topic_probability: t, stance: "support", stance_probability: s };
        let judged = |mut labels: Labels<'static>, given| {
            let withheld = bar.withhold(&mut labels, given);
            (labels.topic, labels.stance, withheld)
        };
        assert_eq!(judged(labels(0.5, 0.6), false), ("water", "support", [false, false]));
        assert_eq!(judged(labels(0.5, 0.59), false), ("water", UNSURE, [false, true]));
        assert_eq!(judged(labels(0.4, 0.9), false), (UNSURE, UNSURE, [true, true]));
        assert_eq!(judged(labels(0.4, 0.9), true), ("water", "support", [false, false]));
        assert_eq!(judged(Labels::default(), false), ("", "", [false, false]));
        assert_eq!(judged(Labels { stance: "", ..labels(0.4, 0.0) }, false), (UNSURE, "", [true, false]));
    }
}
