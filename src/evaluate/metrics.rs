//! Scores of one head: accuracy, precision, recall, F1 and their means.
//!
//! Flows in: a [`Confusion`]. Flows out: [`HeadScores`], shares from 0 to 1. Definitions are scikit-learn's
//! (`precision_recall_fscore_support` with `zero_division=0`), so that numbers can be set beside published ones;
//! `tests/golden_metrics.rs` holds them to it. Everything is computed in f64 from whole counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::confusion::Confusion;

/// Scores of one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelScores {
    /// Of the rows predicted to have the label, the share that has it; 0 if none was.
    pub precision: f64,
    /// Of the rows that have the label, the share predicted to; 0 if none has.
    pub recall: f64,
    /// Harmonic mean of precision and recall, `2 tp / (2 tp + fp + fn)`.
    pub f1: f64,
    /// Rows that have the label.
    pub support: u64,
}

/// Scores of one head: of all topics, or of all stances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadScores {
    /// Rows with a gold label of this head.
    pub rows: u64,
    /// Share of rows predicted right.
    pub accuracy: f64,
    /// Mean F1 over the labels that are gold or predicted anywhere, each counting the same: scikit-learn's
    /// `average="macro"`.
    pub macro_f1: f64,
    /// Mean F1 over the labels that are gold anywhere.
    pub macro_f1_gold: f64,
    /// Mean F1 with each label counting by its rows.
    pub weighted_f1: f64,
    /// Scores of each label that is gold or predicted anywhere.
    pub labels: BTreeMap<String, LabelScores>,
    /// What they were computed from.
    #[serde(skip)]
    pub confusion: Confusion,
}

impl HeadScores {
    /// Computes the scores. Labels that are neither gold nor predicted are left out; an empty prediction is an error of
    /// its row and no label. Without rows every score is 0.
    ///
    /// ```
    /// use rapporteur::evaluate::{Confusion, HeadScores};
    /// let scores = HeadScores::of(Confusion::of_pairs([("a", Some("a")), ("a", Some("b")), ("b", Some("b")), ("b", None)]));
    /// assert_eq!(scores.accuracy, 0.5);
    /// assert_eq!(scores.labels["b"].precision, 0.5);
    /// assert_eq!(scores.labels["b"].recall, 0.5);
    /// ```
    pub fn of(confusion: Confusion) -> HeadScores {
        let count = confusion.labels().len();
        let (mut gold, mut predicted, mut right) = (vec![0u64; count], vec![0u64; count], vec![0u64; count]);
        for (g, p, n) in confusion.cells() {
            gold[g] += n;
            if let Some(p) = p {
                predicted[p] += n;
                right[p] += if p == g { n } else { 0 };
            }
        }
        let mut labels = BTreeMap::new();
        let (mut sum, mut sum_gold, mut sum_weighted, mut gold_labels) = (0.0, 0.0, 0.0, 0u64);
        for (i, label) in confusion.labels().iter().enumerate().filter(|(i, _)| gold[*i] + predicted[*i] > 0) {
            let f1 = share(2 * right[i], gold[i] + predicted[i]);
            let (precision, recall) = (share(right[i], predicted[i]), share(right[i], gold[i]));
            sum += f1;
            sum_weighted += f1 * gold[i] as f64;
            if gold[i] > 0 {
                sum_gold += f1;
                gold_labels += 1;
            }
            labels.insert(label.clone(), LabelScores { precision, recall, f1, support: gold[i] });
        }
        let rows = gold.iter().sum();
        HeadScores {
            rows,
            accuracy: share(right.iter().sum(), rows),
            macro_f1: mean(sum, labels.len() as u64),
            macro_f1_gold: mean(sum_gold, gold_labels),
            weighted_f1: mean(sum_weighted, rows),
            labels,
            confusion,
        }
    }
}

pub(super) fn share(part: u64, whole: u64) -> f64 {
    mean(part as f64, whole)
}

fn mean(sum: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_only_predicted_lower_the_macro_mean_but_not_that_of_gold_labels() {
        let scores = HeadScores::of(Confusion::of_pairs([("a", Some("a")), ("a", Some("b"))]));
        assert_eq!(scores.macro_f1, (2.0 / 3.0) / 2.0);
        assert_eq!(scores.macro_f1_gold, 2.0 / 3.0);
        assert_eq!(scores.labels["b"], LabelScores { precision: 0.0, recall: 0.0, f1: 0.0, support: 0 });
    }

    #[test]
    fn empty_predictions_are_errors_but_no_label() {
        let scores = HeadScores::of(Confusion::of_pairs([("a", Some("a")), ("a", None)]));
        assert_eq!((scores.accuracy, scores.labels.len()), (0.5, 1));
        assert_eq!(scores.labels["a"].precision, 1.0);
    }

    #[test]
    fn nothing_gives_zeros_and_not_nan() {
        let scores = HeadScores::of(Confusion::default());
        assert_eq!((scores.accuracy, scores.macro_f1, scores.macro_f1_gold, scores.weighted_f1), (0.0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn json_has_the_promised_fields() {
        let scores = HeadScores::of(Confusion::of_pairs([("a", Some("a"))]));
        let json = serde_json::to_string(&scores).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"rows":1,"accuracy":1.0,"macro_f1":1.0,"macro_f1_gold":1.0,"weighted_f1":1.0,"labels":{"a":{"precision":1.0,"recall":1.0,"f1":1.0,"support":1}}}"#
        );
    }

    proptest! {
        #[test]
        fn scores_are_shares(pairs in prop::collection::vec((0usize..5, prop::option::of(0usize..5)), 0..60)) {
            let (gold, predicted): (Vec<usize>, Vec<Option<usize>>) = pairs.into_iter().unzip();
            let labels = (0..5).map(|i| i.to_string()).collect();
            let scores = HeadScores::of(Confusion::new(labels, &gold, &predicted).unwrap_or_default());
            let all = [scores.accuracy, scores.macro_f1, scores.macro_f1_gold, scores.weighted_f1];
            prop_assert!(all.iter().all(|s| (0.0..=1.0).contains(s)));
            prop_assert!(scores.macro_f1 <= scores.macro_f1_gold);
            // The weighted mean of recalls is the accuracy.
            let recalled: f64 = scores.labels.values().map(|l| l.recall * l.support as f64).sum();
            prop_assert!((recalled - scores.accuracy * scores.rows as f64).abs() < 1e-9);
        }
    }
}
