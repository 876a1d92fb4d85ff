//! What is to be as high as possible.
//!
//! Flows in: out-of-fold decisions, and a weight for each row. Flows out: one number. Definitions are those of [`HeadScores`](crate::evaluate::HeadScores); weights are
//! there so that rows can be drawn anew (the bootstrap) without copying them.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::model::Rehearsal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Accuracy,
    MacroF1,
    MacroF1Gold,
    WeightedF1,
}

const MEASURES: [(&str, Measure); 4] = [
    ("accuracy", Measure::Accuracy),
    ("macro_f1", Measure::MacroF1),
    ("macro_f1_gold", Measure::MacroF1Gold),
    ("weighted_f1", Measure::WeightedF1),
];

/// A score of a model, by the names that the JSON of `evaluate` has: `macro_f1`, `accuracy`, `weighted_f1`, `macro_f1_gold`.
///
/// The topic and the stance given the true topic count the same; `topic_macro_f1` or `stance_given_true_topic_macro_f1` look at one of them alone.
///
/// ```
/// use rapporteur::tuning::Metric;
/// assert_eq!("accuracy".parse::<Metric>()?.to_string(), "accuracy");
/// assert!("topic_macro_f1".parse::<Metric>().is_ok() && "joint".parse::<Metric>().is_err());
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    measure: Measure,
    pub(super) topic: bool,
    pub(super) stance: bool,
}

impl Default for Metric {
    /// Macro-F1 of both heads.
    fn default() -> Self {
        Metric { measure: Measure::MacroF1, topic: true, stance: true }
    }
}

const TOPIC: &str = "topic_";
const STANCE: &str = "stance_given_true_topic_";

impl FromStr for Metric {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let (name, topic, stance) = match (s.strip_prefix(TOPIC), s.strip_prefix(STANCE)) {
            (Some(name), _) => (name, true, false),
            (_, Some(name)) => (name, false, true),
            _ => (s, true, true),
        };
        let measure = MEASURES.iter().find(|(known, _)| *known == name).map(|&(_, measure)| measure);
        let expected =
            "macro_f1, macro_f1_gold, weighted_f1 or accuracy, perhaps after topic_ or stance_given_true_topic_";
        measure
            .map(|measure| Metric { measure, topic, stance })
            .ok_or_else(|| Error::parameter("metric", format!("{s:?}"), expected))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MEASURES.iter().find(|(_, measure)| *measure == self.measure).map_or("", |(name, _)| name);
        let prefix = match (self.topic, self.stance) {
            (true, false) => TOPIC,
            (false, true) => STANCE,
            _ => "",
        };
        write!(f, "{prefix}{name}")
    }
}

impl Metric {
    /// The score of decisions whose rows count `weight(row)` each.
    pub(super) fn of(self, decisions: &Rehearsal, weight: impl Fn(u32) -> f64) -> f64 {
        let k = decisions.classes;
        let (mut gold, mut said, mut right) = (vec![0.0; k], vec![0.0; k], vec![0.0; k]);
        for ((&row, &target), &decided) in decisions.rows.iter().zip(&decisions.targets).zip(&decisions.decided) {
            let w = weight(row);
            gold[target as usize] += w;
            said[decided as usize] += w;
            if target == decided {
                right[target as usize] += w;
            }
        }
        let all: f64 = gold.iter().sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let f1 = |i: usize| share(2.0 * right[i], gold[i] + said[i]);
        let mean_over = |counts: &dyn Fn(usize) -> bool| {
            let labels: Vec<usize> = (0..k).filter(|&i| counts(i)).collect();
            share(labels.iter().map(|&i| f1(i)).sum(), labels.len() as f64)
        };
        match self.measure {
            Measure::Accuracy => share(right.iter().sum(), all),
            Measure::MacroF1 => mean_over(&|i| gold[i] + said[i] > 0.0),
            Measure::MacroF1Gold => mean_over(&|i| gold[i] > 0.0),
            Measure::WeightedF1 => share((0..k).map(|i| f1(i) * gold[i]).sum(), all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Confusion, HeadScores};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn scores_are_those_of_evaluate_and_a_weight_of_two_is_a_row_twice(
            rows in prop::collection::vec((0u32..4, 0u32..4, 1u8..3), 1..60),
        ) {
            let decisions = Rehearsal {
                rows: (0..rows.len() as u32).collect(),
                targets: rows.iter().map(|r| r.0).collect(),
                decided: rows.iter().map(|r| r.1).collect(),
                classes: 4,
            };
            let names = ["a", "b", "c", "d"];
            let pairs = rows.iter().flat_map(|&(g, p, n)| {
                std::iter::repeat_n((names[g as usize], Some(names[p as usize])), usize::from(n))
            });
            let scores = HeadScores::of(Confusion::of_pairs(pairs));
            let want = [scores.accuracy, scores.macro_f1, scores.macro_f1_gold, scores.weighted_f1];
            for ((name, _), want) in MEASURES.iter().zip(want) {
                let metric: Metric = name.parse().unwrap();
                let got = metric.of(&decisions, |row| f64::from(rows[row as usize].2));
                prop_assert!((got - want).abs() < 1e-12, "{} {} {}", name, got, want);
            }
        }
    }

    #[test]
    fn names_come_back() {
        for name in ["macro_f1", "topic_accuracy", "stance_given_true_topic_weighted_f1", "macro_f1_gold"] {
            assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
        }
        assert!("stance_macro_f1".parse::<Metric>().is_err());
    }
}
