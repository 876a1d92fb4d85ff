//! Scores of one head: accuracy, precision, recall, F1 and their means, and what goes beyond chance.
//!
//! Flows in: a [`Confusion`]. Flows out: [`HeadScores`]. Definitions are scikit-learn's
//! (`precision_recall_fscore_support` with `zero_division=0`, `balanced_accuracy_score`, `cohen_kappa_score`,
//! `matthews_corrcoef`), so that numbers can be set beside published ones; `tests/golden_metrics.rs` holds them to it.
//! All of them need of a confusion only its margins and its diagonal, a [`Tally`], which is what the bootstrap adds up.
//! Everything is computed in f64 from whole counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bootstrap::Interval;
use super::confusion::Confusion;
use super::probability::ProbabilityScores;
use super::selective::{AcceptedScores, RiskPoint};

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
    /// Bootstrap interval of the precision, where intervals were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_interval: Option<Interval>,
    /// Bootstrap interval of the recall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_interval: Option<Interval>,
    /// Bootstrap interval of the F1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1_interval: Option<Interval>,
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
    /// Mean F1 over labels that were named, such as the mean of favour and against by which SemEval-2016 task 6 ranks
    /// (Mohammad et al. 2016); `None` if none were, or they are of the other head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1_labels: Option<f64>,
    /// Mean F1 with each label counting by its rows.
    pub weighted_f1: f64,
    /// Mean recall over the gold labels.
    pub balanced_accuracy: f64,
    /// Agreement beyond what the margins would give by chance (Cohen 1960); 0 where there is but one label, gold and
    /// predicted, and chance gives everything (scikit-learn has NaN there).
    pub cohen_kappa: f64,
    /// Correlation of gold and predicted labels, from -1 to 1 (Matthews 1975; for many labels Gorodkin 2004); 0 where
    /// either is constant.
    pub matthews_corrcoef: f64,
    /// Scores of the probabilities, where they are known.
    #[serde(flatten)]
    pub probabilities: Option<ProbabilityScores>,
    /// Scores of the labels that are sure enough, where thresholds were given; of the stance, those given the predicted topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedScores>,
    /// The risk-coverage curve of the rows with an answer, at most 400 points of it; empty where probabilities are not known.
    #[serde(skip)]
    pub risk_coverage: Vec<RiskPoint>,
    /// Bootstrap intervals of the scores above, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<&'static str, Interval>,
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
        let mut tally = Tally::new(confusion.labels().len());
        for (gold, predicted, n) in confusion.cells() {
            tally.add(gold, predicted, n);
        }
        let means = tally.means();
        let defined = |value: f64| if value.is_nan() { 0.0 } else { value };
        let used = confusion.labels().iter().enumerate().filter(|(i, _)| tally.occurs(*i));
        HeadScores {
            rows: tally.rows(),
            accuracy: defined(means.accuracy),
            macro_f1: defined(means.macro_f1),
            macro_f1_gold: defined(means.macro_f1_gold),
            macro_f1_labels: None,
            weighted_f1: defined(means.weighted_f1),
            balanced_accuracy: defined(means.balanced_accuracy),
            cohen_kappa: defined(means.cohen_kappa),
            matthews_corrcoef: defined(means.matthews_corrcoef),
            probabilities: None,
            accepted: None,
            risk_coverage: Vec::new(),
            intervals: BTreeMap::new(),
            labels: used.map(|(i, label)| (label.clone(), tally.label(i))).collect(),
            confusion,
        }
    }

    /// Takes the mean F1 over some labels, those that occur nowhere with an F1 of 0.
    pub(super) fn name_labels(&mut self, labels: &[String]) {
        let f1 = |label: &String| self.labels.get(label).map_or(0.0, |scores| scores.f1);
        self.macro_f1_labels = Some(mean(labels.iter().map(f1).sum(), labels.len() as u64));
    }
}

/// The margins and the diagonal of a confusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    gold: Vec<u64>,
    predicted: Vec<u64>,
    right: Vec<u64>,
    unanswered: u64,
}

/// Scores of all labels together; NaN where undefined.
pub(super) struct Means {
    pub accuracy: f64,
    pub macro_f1: f64,
    pub macro_f1_gold: f64,
    pub weighted_f1: f64,
    pub balanced_accuracy: f64,
    pub cohen_kappa: f64,
    pub matthews_corrcoef: f64,
}

impl Tally {
    pub fn new(labels: usize) -> Tally {
        Tally { gold: vec![0; labels], predicted: vec![0; labels], right: vec![0; labels], unanswered: 0 }
    }

    pub fn clear(&mut self) {
        self.gold.fill(0);
        self.predicted.fill(0);
        self.right.fill(0);
        self.unanswered = 0;
    }

    /// Counts `n` rows of a gold and a predicted label.
    pub fn add(&mut self, gold: usize, predicted: Option<usize>, n: u64) {
        self.gold[gold] += n;
        match predicted {
            Some(predicted) => {
                self.predicted[predicted] += n;
                if predicted == gold {
                    self.right[gold] += n;
                }
            }
            None => self.unanswered += n,
        }
    }

    pub fn rows(&self) -> u64 {
        self.gold.iter().sum()
    }

    /// Whether a label is gold or predicted anywhere.
    pub fn occurs(&self, label: usize) -> bool {
        self.gold[label] + self.predicted[label] > 0
    }

    pub fn f1(&self, label: usize) -> f64 {
        share(2 * self.right[label], self.gold[label] + self.predicted[label])
    }

    pub fn label(&self, label: usize) -> LabelScores {
        LabelScores {
            precision: share(self.right[label], self.predicted[label]),
            recall: share(self.right[label], self.gold[label]),
            f1: self.f1(label),
            support: self.gold[label],
            precision_interval: None,
            recall_interval: None,
            f1_interval: None,
        }
    }

    pub fn accuracy(&self) -> f64 {
        self.right.iter().sum::<u64>() as f64 / self.rows() as f64
    }

    pub fn macro_f1(&self) -> f64 {
        let used = (0..self.gold.len()).filter(|&i| self.occurs(i));
        let (sum, count) = used.fold((0.0, 0u64), |(sum, count), i| (sum + self.f1(i), count + 1));
        sum / count as f64
    }

    pub fn means(&self) -> Means {
        let rows = self.rows() as f64;
        let (mut gold_labels, mut f1_gold, mut f1_weighted, mut recall) = (0.0, 0.0, 0.0, 0.0);
        for i in (0..self.gold.len()).filter(|&i| self.gold[i] > 0) {
            let (f1, support) = (self.f1(i), self.gold[i] as f64);
            gold_labels += 1.0;
            f1_gold += f1;
            f1_weighted += f1 * support;
            recall += self.right[i] as f64 / support;
        }
        // Whole numbers below 2^53 up to some ninety million rows, and hardly rounded beyond.
        let product = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
        let right = self.right.iter().sum::<u64>() as f64;
        let by_chance = product(&self.gold, &self.predicted);
        let beyond = right * rows - by_chance;
        let spread_gold = rows * rows - product(&self.gold, &self.gold);
        let unanswered = self.unanswered as f64;
        let spread_predicted = rows * rows - product(&self.predicted, &self.predicted) - unanswered * unanswered;
        let spread = spread_gold * spread_predicted;
        Means {
            accuracy: self.accuracy(),
            macro_f1: self.macro_f1(),
            macro_f1_gold: f1_gold / gold_labels,
            weighted_f1: f1_weighted / rows,
            balanced_accuracy: recall / gold_labels,
            cohen_kappa: beyond / (rows * rows - by_chance),
            matthews_corrcoef: if spread == 0.0 { 0.0 } else { beyond / spread.sqrt() },
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
        assert_eq!(scores.labels["b"], Tally::new(1).label(0));
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
        assert_eq!((scores.balanced_accuracy, scores.cohen_kappa, scores.matthews_corrcoef), (0.0, 0.0, 0.0));
    }

    #[test]
    fn json_has_the_promised_fields() {
        let scores = HeadScores::of(Confusion::of_pairs([("a", Some("a"))]));
        let json = serde_json::to_string(&scores).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"rows":1,"accuracy":1.0,"macro_f1":1.0,"macro_f1_gold":1.0,"weighted_f1":1.0,"balanced_accuracy":1.0,"cohen_kappa":0.0,"matthews_corrcoef":0.0,"labels":{"a":{"precision":1.0,"recall":1.0,"f1":1.0,"support":1}}}"#
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
