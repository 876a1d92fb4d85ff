//! Which labels were taken for which.
//!
//! Flows in: pairs of gold and predicted label. Flows out: counts, gold on rows and predicted on columns. Counts are
//! kept sparse: of 200 labels, few are ever taken for each other.
//!
//! A row without a prediction (a text without one known word, or a topic that never had a stance) is counted in a
//! column of its own. That column is not a label: it lowers the recall of the gold label and the accuracy, and has no
//! precision, recall or F1 that would enter a mean.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Counts of (gold, predicted) pairs over a list of labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confusion {
    labels: Vec<String>,
    cells: BTreeMap<(usize, Option<usize>), u64>,
}

impl Confusion {
    /// Counts the pairs of `gold[i]` and `predicted[i]`, indices into `labels`; `None` is an empty prediction.
    ///
    /// Fails if the slices differ in length or an index is out of range.
    ///
    /// ```
    /// use rapporteur::evaluate::Confusion;
    /// let labels = vec!["oppose".to_string(), "support".to_string()];
    /// let confusion = Confusion::new(labels, &[0, 0, 1], &[Some(0), Some(1), None])?;
    /// assert_eq!(confusion.count(0, Some(1)), 1);
    /// assert_eq!(confusion.gold_count(1), 1);
    /// assert_eq!(confusion.predicted_count(Some(1)), 1);
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    pub fn new(labels: Vec<String>, gold: &[usize], predicted: &[Option<usize>]) -> Result<Confusion> {
        if gold.len() != predicted.len() {
            return Err(Error::parameter("predicted", predicted.len(), "as many predictions as gold labels"));
        }
        if let Some(index) = gold.iter().chain(predicted.iter().flatten()).find(|&&i| i >= labels.len()) {
            return Err(Error::parameter("label", index, "an index into the list of labels"));
        }
        let mut cells = BTreeMap::new();
        for pair in gold.iter().copied().zip(predicted.iter().copied()) {
            *cells.entry(pair).or_default() += 1;
        }
        Ok(Confusion { labels, cells })
    }

    /// Counts pairs of labels given by name. The list of labels is those that occur, sorted.
    ///
    /// ```
    /// use rapporteur::evaluate::Confusion;
    /// let confusion = Confusion::of_pairs([("b", Some("a")), ("b", None)]);
    /// assert_eq!(confusion.labels(), ["a", "b"]);
    /// assert_eq!(confusion.rows(), 2);
    /// ```
    pub fn of_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Confusion {
        let mut counts: BTreeMap<(&str, Option<&str>), u64> = BTreeMap::new();
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        for (gold, predicted) in pairs {
            *counts.entry((gold, predicted)).or_default() += 1;
            index.insert(gold, 0);
            index.extend(predicted.map(|p| (p, 0)));
        }
        for (number, place) in index.values_mut().enumerate() {
            *place = number;
        }
        let cells = counts.into_iter().map(|((g, p), n)| ((index[g], p.map(|p| index[p])), n)).collect();
        Confusion { labels: index.into_keys().map(str::to_owned).collect(), cells }
    }

    /// The labels, in the order of their indices.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Rows counted.
    pub fn rows(&self) -> u64 {
        self.cells.values().sum()
    }

    /// Rows of gold label `gold` that were predicted `predicted`.
    pub fn count(&self, gold: usize, predicted: Option<usize>) -> u64 {
        self.cells.get(&(gold, predicted)).copied().unwrap_or(0)
    }

    /// Rows of a gold label.
    pub fn gold_count(&self, gold: usize) -> u64 {
        self.cells.range((gold, None)..(gold + 1, None)).map(|(_, n)| n).sum()
    }

    /// Rows predicted to have a label, or none.
    pub fn predicted_count(&self, predicted: Option<usize>) -> u64 {
        self.cells.iter().filter(|((_, p), _)| *p == predicted).map(|(_, n)| n).sum()
    }

    /// Every pair that occurs with its count, by gold and then by predicted label; the empty prediction first.
    pub fn cells(&self) -> impl Iterator<Item = (usize, Option<usize>, u64)> + '_ {
        self.cells.iter().map(|(&(gold, predicted), &n)| (gold, predicted, n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_indices_are_checked() {
        let labels = || vec!["a".to_string()];
        assert!(Confusion::new(labels(), &[0], &[]).is_err());
        assert!(Confusion::new(labels(), &[1], &[None]).is_err());
        assert!(Confusion::new(labels(), &[0], &[Some(1)]).is_err());
        assert_eq!(Confusion::new(labels(), &[0], &[None]).map(|c| c.rows()).ok(), Some(1));
    }

    #[test]
    fn names_and_indices_agree() {
        let by_name = Confusion::of_pairs([("x", Some("y")), ("y", Some("y")), ("x", None)]);
        let by_index = Confusion::new(vec!["x".into(), "y".into()], &[0, 1, 0], &[Some(1), Some(1), None]).ok();
        assert_eq!(Some(by_name), by_index);
    }
}
