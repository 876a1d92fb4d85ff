//! Why: the words of a text that pushed for a label and against it.
//!
//! Flows in: a text and a label. Flows out: [`Evidence`], words and phrases with their places and weights. The score of a label is a sum over terms, so
//! nothing is estimated here: a term gives its value times how far its weight for the label stands above the mean of all labels. What a term gives is shared
//! out over the places where it stands; a character n-gram gives to the word that it is part of, because no reader knows what ` sanc` means.

use std::collections::BTreeMap;
use std::ops::Range;

use super::predictor::Predictor;
use crate::sparse::SparseMatrix;

/// A word or phrase of a text, and what it gave to a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// As it stands in the text, in lower case, with single spaces; `(context)` and `(party: green)` for what is no word of the text.
    pub words: String,
    /// What it added to the label's score, compared with the mean of all labels where they exclude each other; negative: it spoke against.
    pub weight: f64,
    /// Where it stands, in bytes of the text; nowhere, if it is no word of it.
    pub places: Vec<Range<usize>>,
}

impl Predictor<'_> {
    /// What spoke for and against a topic, strongest for it first.
    ///
    /// ```
    /// use rapporteur::model::{Predictor, default_model};
    /// let model = default_model()?;
    /// let mut predictor = Predictor::new(&model);
    /// let text = "The embargo and every other sanction must be lifted.";
    /// let topic = predictor.predict(text).topic.unwrap();
    /// let evidence = predictor.topic_evidence(text, topic);
    /// assert!(evidence[0].weight > 0.0 && text.to_lowercase().contains(&evidence[0].words));
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    pub fn topic_evidence(&mut self, text: &str, topic: usize) -> Vec<Evidence> {
        let Some(head) = &self.model().topic else { return Vec::new() };
        // A topic that stands by itself is compared with no other.
        let several = self.model().multi_label.is_some();
        let factor = head.calibration.factor;
        self.evidence(text, |column| {
            let weights = head.classifier.feature_weights(column);
            if several {
                return factor * weights.map(f64::from).nth(topic).unwrap_or_default();
            }
            factor * above_mean(weights.map(f64::from), topic)
        })
    }

    /// What spoke for and against a stance given a topic by name, strongest for it first.
    pub fn stance_evidence(&mut self, text: &str, topic: Option<&str>, stance: usize) -> Vec<Evidence> {
        let Some(head) = &self.model().stance else { return Vec::new() };
        let topic = topic.and_then(|t| head.topics.find(t));
        let factor = head.head.calibration.factor;
        self.evidence(text, |column| {
            let shared = head.head.classifier.feature_weights(column);
            let mut own = topic.into_iter().flat_map(|t| head.departures.weights_of(column, t));
            let sum = shared.map(|w| f64::from(w) + own.next().map_or(0.0, f64::from));
            factor * above_mean(sum, stance)
        })
    }

    fn evidence(&mut self, text: &str, weight_of: impl Fn(usize) -> f64) -> Vec<Evidence> {
        // The text read last may have been read with what is around it.
        let width = self.model().vectoriser.width();
        let mut own = SparseMatrix::with_cols(width);
        self.texts().transform(text, &mut own);
        if self.vector_of_terms() != own.row(0) {
            self.read(text);
        }
        let values: BTreeMap<usize, f64> = self.vector().iter().map(|(j, x)| (j, f64::from(x))).collect();
        let occurrences = self.texts().occurrences(text);
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        for occurrence in &occurrences {
            *counts.entry(occurrence.column).or_default() += 1.0;
        }
        let mut found: BTreeMap<String, Evidence> = BTreeMap::new();
        for occurrence in &occurrences {
            let (Some(value), Some(count)) = (values.get(&occurrence.column), counts.get(&occurrence.column)) else {
                continue;
            };
            let surface = text[occurrence.place.clone()].to_lowercase();
            let words = surface.split_whitespace().collect::<Vec<_>>().join(" ");
            let entry = found.entry(words).or_insert_with_key(|words| Evidence {
                words: words.clone(),
                weight: 0.0,
                places: Vec::new(),
            });
            entry.weight += value * weight_of(occurrence.column) / count;
            if !entry.places.contains(&occurrence.place) {
                entry.places.push(occurrence.place.clone());
            }
        }
        for (words, columns) in self.model().blocks.columns(width) {
            let weight = values.range(columns).map(|(&j, x)| x * weight_of(j)).sum();
            found.insert(words.clone(), Evidence { words, weight, places: Vec::new() });
        }
        let mut out: Vec<Evidence> = found.into_values().filter(|e| e.weight != 0.0).collect();
        out.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.words.cmp(&b.words)));
        out
    }
}

/// How far the weight of a class stands above the mean of all.
pub(crate) fn above_mean(weights: impl Iterator<Item = f64>, class: usize) -> f64 {
    let (mut own, mut sum, mut count) = (0.0, 0.0, 0.0);
    for (k, w) in weights.enumerate() {
        if k == class {
            own = w;
        }
        sum += w;
        count += 1.0;
    }
    if count > 0.0 { own - sum / count } else { 0.0 }
}
