//! The labels taken for each other most often, with the surest errors as examples.
//!
//! Flows in: the confusion of a head, then one by one the rows with their answers. Flows out: [`Mistakes`]. Only the texts that are shown are kept.

use std::collections::BTreeMap;

use super::confusion::Confusion;

/// A row that was mistaken.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// Number of the row, counted from 1 without the header.
    pub row: u64,
    /// Its text.
    pub text: String,
    /// Its topic as predicted, on which its stance was judged.
    pub topic: Option<String>,
    /// Probability of the wrong label.
    pub probability: f64,
    /// The words that spoke most for the wrong label against the right one, where they are known.
    pub words: Vec<String>,
}

/// Rows of one label that were given another.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistakes {
    /// The head: `Topic` or `Stance`.
    pub head: &'static str,
    /// The label they have.
    pub gold: String,
    /// The label they were given.
    pub predicted: String,
    /// How many they are.
    pub rows: u64,
    /// Some of them, those with the highest probability first.
    pub examples: Vec<Mistake>,
}

/// Gathers examples of the worst confusions.
///
/// ```
/// use rapporteur::evaluate::{Confusion, MistakeCollector};
/// let confusion = Confusion::of_pairs([("a", Some("b")), ("a", Some("b")), ("b", Some("a")), ("b", Some("b"))]);
/// let mut mistakes = MistakeCollector::new("Topic", &confusion, 1, 1);
/// mistakes.offer("a", "b", 0.6, || (1, "unsure".into(), None));
/// mistakes.offer("a", "b", 0.9, || (2, "sure".into(), None));
/// mistakes.offer("b", "a", 0.9, || (3, "rarer".into(), None));
/// let worst = mistakes.finish();
/// assert_eq!((worst.len(), worst[0].rows, worst[0].examples[0].text.as_str()), (1, 2, "sure"));
/// ```
pub struct MistakeCollector {
    worst: Vec<Mistakes>,
    places: BTreeMap<(String, String), usize>,
    examples: usize,
}

impl MistakeCollector {
    /// For the `most` worst confusions of a head, with so many examples each.
    pub fn new(head: &'static str, confusion: &Confusion, most: usize, examples: usize) -> Self {
        let name = |label: usize| confusion.labels()[label].clone();
        let mut pairs: Vec<(u64, String, String)> = confusion
            .cells()
            .filter_map(|(gold, predicted, n)| Some((n, name(gold), name(predicted.filter(|p| *p != gold)?))))
            .collect();
        pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2))));
        pairs.truncate(most);
        let places = pairs.iter().enumerate().map(|(i, (_, gold, p))| ((gold.clone(), p.clone()), i)).collect();
        let worst = pairs
            .into_iter()
            .map(|(rows, gold, predicted)| Mistakes { head, gold, predicted, rows, examples: Vec::new() })
            .collect();
        MistakeCollector { worst, places, examples }
    }

    /// Offers a row; `take` gives its number, text and predicted topic if it is wanted. Of equally sure rows the first is kept.
    pub fn offer(
        &mut self,
        gold: &str,
        predicted: &str,
        probability: f64,
        take: impl FnOnce() -> (u64, String, Option<String>),
    ) {
        if gold == predicted {
            return;
        }
        let Some(&place) = self.places.get(&(gold.to_owned(), predicted.to_owned())) else { return };
        let examples = &mut self.worst[place].examples;
        let at = examples.iter().position(|e| e.probability < probability).unwrap_or(examples.len());
        if at < self.examples {
            let (row, text, topic) = take();
            examples.insert(at, Mistake { row, text, topic, probability, words: Vec::new() });
            examples.truncate(self.examples);
        }
    }

    /// What was gathered, the most common confusion first.
    pub fn finish(self) -> Vec<Mistakes> {
        self.worst
    }
}
