//! What is tried: options, and the values of each.
//!
//! Flows in: the options to start from, and which of them are not to be touched. Flows out: [`Dimension`]s, whose first value is always the one to start from.
//! Values are kept as they would be typed, so that a result can be written where a user would write it. What is listed are changes that helped some
//! corpus (docs/accuracy.md), those of most promise first; the strength of the penalty is not among them, because every training chooses it.

use crate::features::Frequency;
use crate::linear::Loss;
use crate::model::{Choice, FeatureWeighting, TrainOptions, TrainingSet};
use crate::text::{NgramRange, Stemming, stop_words_of};

type Apply = Box<dyn Fn(&mut TrainOptions) + Send + Sync>;

/// An option and the values that are tried.
pub(super) struct Dimension {
    /// Its name, as a configuration file has it.
    pub name: &'static str,
    values: Vec<(String, Apply)>,
}

impl Dimension {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// A value as it would be typed.
    pub fn typed(&self, value: usize) -> &str {
        &self.values[value].0
    }
}

/// The dimensions. A candidate is a value for each.
pub(super) struct Space {
    pub dimensions: Vec<Dimension>,
    base: TrainOptions,
}

impl Space {
    /// Around `base`; options named in `fixed` stay as they are.
    pub fn new(set: &TrainingSet, base: &TrainOptions, fixed: &[String]) -> Space {
        let (topics, stances) = (set.topics.len() > 1, set.stances.len() > 1);
        let mut dimensions = Vec::new();
        let mut add = |name: &'static str, now: String, values: Vec<(&str, Apply)>| {
            if fixed.iter().any(|f| f == name) {
                return;
            }
            let others = values.into_iter().filter(|(typed, _)| *typed != now);
            let others: Vec<(String, Apply)> = others.map(|(typed, apply)| (typed.to_owned(), apply)).collect();
            let first: (String, Apply) = (now, Box::new(|_| {}));
            dimensions.push(Dimension { name, values: std::iter::once(first).chain(others).collect() });
        };
        let by_size = if set.len() <= TrainOptions::SMALL { "1" } else { "2" };
        let min_df = base.min_df.map_or_else(|| by_size.to_owned(), |bound| bound.to_string());
        add("min_df", min_df, ["2", "3", "1"].map(|n| (n, min_df_of(n))).into());
        add(
            "classifier",
            name_of(base.classifier),
            vec![
                ("logistic", Box::new(|o| o.classifier = Loss::Logistic)),
                ("svm", Box::new(|o| o.classifier = Loss::Svm)),
            ],
        );
        add(
            "char_weight",
            base.char_weight.to_string(),
            vec![
                ("1.4", Box::new(|o| o.char_weight = 1.4)),
                ("0.7", Box::new(|o| o.char_weight = 0.7)),
                ("2", Box::new(|o| o.char_weight = 2.0)),
            ],
        );
        let ranges = |typed: &[&'static str], slot: fn(&mut TrainOptions) -> &mut Option<NgramRange>| {
            let range = |s: &'static str| -> (&str, Apply) { (s, Box::new(move |o| *slot(o) = s.parse().ok())) };
            typed.iter().map(|&s| range(s)).collect::<Vec<_>>()
        };
        let now = |range: Option<NgramRange>| range.map_or("none".to_owned(), |r| r.to_string());
        add("char_ngrams", now(base.char_ngrams), ranges(&["3-5", "2-6", "2-4", "none"], |o| &mut o.char_ngrams));
        add("word_ngrams", now(base.word_ngrams), ranges(&["1-3", "1-1"], |o| &mut o.word_ngrams));
        if let Some(language) = set.language {
            let now = match base.stemmer {
                Stemming::None => "none".to_owned(),
                Stemming::Auto => "auto".to_owned(),
                Stemming::Of(language) => language.to_string(),
            };
            add("stemmer", now, vec![("none", Box::new(|o| o.stemmer = Stemming::None))]);
            if let Ok(words) = stop_words_of(language) {
                let now = if base.stop_words.is_empty() { "none" } else { "given" };
                add(
                    "stop_words",
                    now.to_owned(),
                    vec![(language.name(), Box::new(move |o| o.stop_words = words.iter().cloned().collect()))],
                );
            }
        }
        add("sublinear_tf", base.sublinear_tf.to_string(), vec![("false", Box::new(|o| o.sublinear_tf = false))]);
        add(
            "class_weight",
            if base.class_weight.balanced { "balanced" } else { "none" }.to_owned(),
            vec![("balanced", Box::new(|o| o.class_weight.balanced = true))],
        );
        add(
            "thresholds",
            if base.thresholds { "auto" } else { "none" }.to_owned(),
            vec![("none", Box::new(|o| o.thresholds = false)), ("auto", Box::new(|o| o.thresholds = true))],
        );
        if topics && stances {
            let now = base.stance_classifier.map_or("same".to_owned(), name_of);
            add(
                "stance_classifier",
                now,
                vec![
                    ("logistic", Box::new(|o| o.stance_classifier = Some(Loss::Logistic))),
                    ("svm", Box::new(|o| o.stance_classifier = Some(Loss::Svm))),
                ],
            );
            add(
                "topic_departure",
                base.topic_departure.to_string(),
                vec![
                    ("0", Box::new(|o| o.topic_departure = Choice::Value(0.0))),
                    ("1", Box::new(|o| o.topic_departure = Choice::Value(1.0))),
                ],
            );
        }
        let weighting = |w: FeatureWeighting| match w {
            FeatureWeighting::Auto => "auto",
            FeatureWeighting::None => "none",
            FeatureWeighting::Nb => "nb",
        };
        let by = |w: FeatureWeighting| -> (&str, Apply) { (weighting(w), Box::new(move |o| o.feature_weighting = w)) };
        add(
            "feature_weighting",
            weighting(base.feature_weighting).to_owned(),
            vec![by(FeatureWeighting::None), by(FeatureWeighting::Nb)],
        );
        if set.document.is_some() && set.context.is_none() {
            let around =
                |n: &'static str| -> (&str, Apply) { (n, Box::new(move |o| o.context = n.parse().unwrap_or(0))) };
            add("context", base.context.to_string(), ["1", "2", "0"].map(around).into());
        }
        add("max_df", base.max_df.to_string(), vec![("0.5", Box::new(|o| o.max_df = Frequency::Share(0.5)))]);
        add("mark_negation", base.mark_negation.to_string(), vec![("true", Box::new(|o| o.mark_negation = true))]);
        Space { dimensions, base: base.clone() }
    }

    /// The options of a candidate.
    pub fn options(&self, candidate: &[usize]) -> TrainOptions {
        let mut options = self.base.clone();
        self.dimensions.iter().zip(candidate).for_each(|(dimension, &value)| (dimension.values[value].1)(&mut options));
        options
    }

    /// The candidate that changes nothing.
    pub fn start(&self) -> Vec<usize> {
        vec![0; self.dimensions.len()]
    }

    /// The candidates that change one option: of each option its first other value, then of each its second, and so on.
    pub fn single_changes(&self) -> Vec<Vec<usize>> {
        let most = self.dimensions.iter().map(Dimension::len).max().unwrap_or(0);
        let mut out = Vec::new();
        for value in 1..most {
            for (at, _) in self.dimensions.iter().enumerate().filter(|(_, d)| value < d.len()) {
                let mut candidate = self.start();
                candidate[at] = value;
                out.push(candidate);
            }
        }
        out
    }
}

fn min_df_of(typed: &'static str) -> Apply {
    Box::new(move |o| o.min_df = typed.parse().ok())
}

fn name_of(loss: Loss) -> String {
    match loss {
        Loss::Logistic => "logistic".to_owned(),
        Loss::Svm => "svm".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LabelledText, TrainingSetBuilder};

    fn set() -> TrainingSet {
        let mut rows = TrainingSetBuilder::default();
        for (topic, stance) in [("a", "pro"), ("b", "con")] {
            let text =
                "We welcome the report of the committee, which tells us what the members of this house have to do.";
            rows.push(LabelledText { text, topic: Some(topic), stance: Some(stance), ..Default::default() });
        }
        rows.finish()
    }

    #[test]
    fn the_start_changes_nothing_and_every_single_change_one_option() {
        let (set, base) = (set(), TrainOptions::default());
        let space = Space::new(&set, &base, &[]);
        assert_eq!(space.options(&space.start()), base);
        let singles = space.single_changes();
        assert!(singles.len() > 15);
        let as_map = |options: &TrainOptions| serde_json::to_value(options).unwrap().as_object().unwrap().clone();
        let before = as_map(&base);
        for candidate in &singles {
            let after = as_map(&space.options(candidate));
            let at = candidate.iter().position(|&v| v > 0).unwrap();
            let changed: Vec<&String> = after.keys().filter(|&k| before[k] != after[k]).collect();
            assert_eq!(changed, [space.dimensions[at].name]);
        }
    }

    #[test]
    fn neighbours_are_tried_where_documents_are_named() {
        let side = crate::corpus::SideColumns { document: Some("speech".to_owned()), ..Default::default() };
        let mut rows = TrainingSetBuilder::with_side(side);
        rows.push(LabelledText { text: "We agree.", topic: Some("a"), document: Some("1"), ..Default::default() });
        for (set, expected) in [(rows.finish(), vec![0, 1, 2]), (set(), vec![0])] {
            let space = Space::new(&set, &TrainOptions::default(), &[]);
            let mut tried: Vec<usize> = space.single_changes().iter().map(|c| space.options(c).context).collect();
            tried.sort_unstable();
            tried.dedup();
            assert_eq!(tried, expected);
        }
    }

    #[test]
    fn what_was_given_is_kept() {
        let base = TrainOptions { classifier: Loss::Logistic, ..Default::default() };
        let fixed = ["classifier".to_owned(), "char_ngrams".to_owned()];
        let space = Space::new(&set(), &base, &fixed);
        assert!(space.dimensions.iter().all(|d| d.name != "classifier" && d.name != "char_ngrams"));
        assert!(space.single_changes().iter().all(|c| space.options(c).classifier == Loss::Logistic));
    }
}
