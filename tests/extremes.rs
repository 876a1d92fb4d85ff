//! Numbers at their extremes: whatever the corpus and the options, what is learnt is finite and what is judged is a probability, or there is an error that says why not.

use rapporteur::control::Control;
use rapporteur::linear::Loss;
use rapporteur::model::{
    CalibrationMethod, Choice, FeatureWeighting, LabelledText, Model, Predictor, TrainOptions, TrainingSet,
    TrainingSetBuilder, train,
};

/// Text, topic, stance, weight.
type Row = (String, String, String, f32);

fn row(text: impl Into<String>, topic: &str, stance: &str) -> Row {
    (text.into(), topic.to_owned(), stance.to_owned(), 1.0)
}

fn set(rows: &[Row]) -> TrainingSet {
    let mut builder = TrainingSetBuilder::default();
    for (text, topic, stance, weight) in rows {
        builder.push(LabelledText {
            text,
            topic: Some(topic.as_str()).filter(|t| !t.is_empty()),
            stance: Some(stance.as_str()).filter(|s| !s.is_empty()),
            weight: Some(*weight),
            ..Default::default()
        });
    }
    builder.finish()
}

/// Topics and stances that their words tell apart without an error.
fn separable() -> Vec<Row> {
    let mut rows = Vec::new();
    for i in 0..8 {
        for (topic, thing) in [("rail", "train"), ("water", "dam"), ("schools", "pupils")] {
            for (stance, verb) in [("support", "welcome"), ("oppose", "reject")] {
                rows.push(row(format!("We {verb} the {thing} of {i}."), topic, stance));
            }
        }
    }
    rows
}

/// The probabilities that a model gives some texts, all of which are checked; the model's file is read back as well.
fn judged(model: &Model, what: &str) -> Vec<f64> {
    let bytes = model.to_bytes().unwrap_or_else(|e| panic!("{what}: {e}"));
    let read = Model::from_bytes("model", &bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut all = Vec::new();
    for model in [model, &read] {
        let mut predictor = Predictor::new(model);
        for text in ["We welcome the dam.", "reject reject train", "pupils", "", "unheard of"] {
            let prediction = predictor.predict(text);
            all.extend([prediction.topic_probability, prediction.stance_probability]);
            for shares in [predictor.topic_probabilities(), predictor.stance_probabilities()] {
                let sum: f64 = shares.iter().sum();
                assert!(shares.is_empty() || sum == 0.0 || (sum - 1.0).abs() < 1e-9, "{what}: {text:?} {shares:?}");
                all.extend(shares);
            }
        }
    }
    assert!(all.iter().all(|p| (0.0..=1.0).contains(p)), "{what}: {all:?}");
    let weights = model.topic.iter().map(|h| &h.classifier).chain(model.stance.iter().map(|s| &s.head.classifier));
    for classifier in weights {
        assert!(classifier.coefficients().iter().all(|w| w.is_finite()), "{what}: a weight is no number");
        assert!(classifier.intercept().iter().all(|w| w.is_finite()), "{what}: an intercept is no number");
    }
    all
}

fn learn(rows: &[Row], options: &TrainOptions) -> rapporteur::Result<Model> {
    train(&set(rows), options, &Control::default())
}

fn each_method(base: &TrainOptions, mut visit: impl FnMut(TrainOptions, &str)) {
    for classifier in [Loss::Logistic, Loss::Svm] {
        for calibration in [
            CalibrationMethod::Auto,
            CalibrationMethod::None,
            CalibrationMethod::Temperature,
            CalibrationMethod::Platt,
            CalibrationMethod::Isotonic,
        ] {
            for feature_weighting in [FeatureWeighting::None, FeatureWeighting::Nb] {
                let what = format!("{classifier:?} {calibration:?} {feature_weighting:?}");
                visit(TrainOptions { classifier, calibration, feature_weighting, ..base.clone() }, &what);
            }
        }
    }
}

/// As little penalty as is allowed separates the rows; as much as is allowed leaves hardly any weights, and probabilities that are the frequencies.
#[test]
fn separable_rows_and_both_ends_of_c() {
    let rows = separable();
    for c in [LOWEST_C, 1e-6, 1e6, HIGHEST_C] {
        let base = TrainOptions { c: Choice::Value(c), ..Default::default() };
        each_method(&base, |options, what| {
            let what = format!("C = {c} {what}");
            let model = learn(&rows, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
            judged(&model, &what);
            if c >= 1.0 {
                let mut predictor = Predictor::new(&model);
                for (text, topic, stance, _) in &rows {
                    let prediction = predictor.predict(text);
                    let (found, side) = (predictor.topic_name(prediction), predictor.stance_name(prediction));
                    assert_eq!((found, side), (Some(topic.as_str()), Some(stance.as_str())), "{what}: {text}");
                }
            }
        });
    }
    for c in [0.0, LOWEST_C / 2.0, HIGHEST_C * 2.0, f64::INFINITY, f64::NAN] {
        let error =
            learn(&rows, &TrainOptions { c: Choice::Value(c), ..Default::default() }).err().unwrap().to_string();
        assert!(error.starts_with("C is ") && error.ends_with("expected a number from 1e-9 to 1e9"), "{error}");
    }
}

const LOWEST_C: f64 = 1e-9;
const HIGHEST_C: f64 = 1e9;

/// All texts are the same: nothing tells the labels apart, and the probabilities are about the frequencies.
#[test]
fn features_that_never_change() {
    let rows: Vec<Row> = (0..60)
        .map(|i| row("the same words every time", ["a", "b"][usize::from(i % 3 == 0)], ["x", "y"][i % 2]))
        .collect();
    each_method(&TrainOptions::default(), |options, what| {
        let model = learn(&rows, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
        judged(&model, what);
        let mut predictor = Predictor::new(&model);
        predictor.predict("the same words every time");
        let shares = predictor.topic_probabilities();
        assert!((shares[0] - 2.0 / 3.0).abs() < 0.1, "{what}: {shares:?}");
    });
}

/// Every row held out is of a class that its fold has not seen. A calibration that is asked for by name is fitted all the same, and may then decide in its own way; `auto` may not.
#[test]
fn one_row_a_class() {
    for classes in [2, 3, 12, 40] {
        let rows: Vec<Row> = (0..classes)
            .map(|i| row(format!("only of number{i} and thing{i}"), &format!("t{i}"), &format!("s{i}")))
            .collect();
        each_method(&TrainOptions::default(), |options, what| {
            let what = format!("{classes} classes {what}");
            let model = learn(&rows, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
            judged(&model, &what);
            if matches!(options.calibration, CalibrationMethod::Platt | CalibrationMethod::Isotonic) {
                return;
            }
            let mut predictor = Predictor::new(&model);
            let prediction = predictor.predict("only of number1 and thing1");
            assert_eq!(predictor.topic_name(prediction), Some("t1"), "{what}");
        });
    }
}

/// Rows of no weight teach nothing, but their labels are known; rows of very different weights are all finite.
#[test]
fn weights_of_zero_and_others() {
    let mut rows = separable();
    for weights in [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1e-6, 1e6], [1e-30, 1.0], [f32::MIN_POSITIVE, 1e6]] {
        rows.iter_mut().enumerate().for_each(|(i, row)| row.3 = weights[i % 2]);
        each_method(&TrainOptions::default(), |options, what| {
            let what = format!("weights {weights:?} {what}");
            match learn(&rows, &options) {
                Ok(model) => drop(judged(&model, &what)),
                Err(error) => panic!("{what}: {error}"),
            }
        });
    }
    // A whole class without weight.
    rows.iter_mut().for_each(|row| row.3 = f32::from(u8::from(row.1 != "rail")));
    each_method(&TrainOptions::default(), |options, what| drop(judged(&learn(&rows, &options).unwrap(), what)));
    for weight in [-1.0, f32::NAN, f32::INFINITY, 2e6] {
        rows[5].3 = weight;
        let error = learn(&rows, &TrainOptions::default()).err().unwrap().to_string();
        assert!(error.contains("weight") && error.contains("from 0 to 1e6"), "{error}");
    }
}

#[test]
fn factors_of_labels_at_their_ends() {
    let rows = separable();
    for factor in [0.0, 1e-300, 1e6] {
        let mut base = TrainOptions::default();
        base.class_weight.topic.insert("rail".into(), factor);
        base.class_weight.stance.insert("oppose".into(), factor);
        each_method(&base, |options, what| {
            drop(judged(&learn(&rows, &options).unwrap(), &format!("factor {factor} {what}")));
        });
    }
    for typed in ["topic:rail=2e6", "topic:rail=inf", "topic:rail=-1", "topic:rail=nan"] {
        assert!(TrainOptions::default().class_weight.add(typed).is_err(), "{typed}");
    }
    for departure in [0.0, 1e-9, 1e3] {
        let base = TrainOptions { topic_departure: Choice::Value(departure), ..Default::default() };
        each_method(&base, |options, what| {
            drop(judged(&learn(&rows, &options).unwrap(), &format!("departure {departure} {what}")));
        });
    }
    for tolerance in [1e-12, 0.5] {
        let base = TrainOptions { tolerance, ..Default::default() };
        each_method(&base, |options, what| drop(judged(&learn(&rows, &options).unwrap(), what)));
    }
}

#[test]
fn rows_without_a_word() {
    let empty: Vec<Row> =
        (0..20).map(|i| row(["", " \t", "\u{301}"][i % 3], ["a", "b"][i % 2], ["x", "y"][i % 2])).collect();
    let error = learn(&empty, &TrainOptions::default()).err().map(|e| e.to_string());
    // The mark alone is a form of its own; without it there is no term at all.
    let none: Vec<Row> = (0..20).map(|i| row([" ", "\n"][i % 2], ["a", "b"][i % 2], "x")).collect();
    let without = learn(&none, &TrainOptions::default()).err().unwrap().to_string();
    assert!(without.starts_with("no term is left of 20 paragraphs") && without.contains("holds text"), "{without}");
    assert!(error.is_none_or(|e| e.starts_with("no term is left")));
    // Beside rows with words they teach the frequencies of their labels.
    let mut rows = separable();
    rows.extend((0..50).map(|_| row("", "rail", "oppose")));
    each_method(&TrainOptions::default(), |options, what| {
        let model = learn(&rows, &options).unwrap();
        judged(&model, what);
        let prediction = Predictor::new(&model).predict("");
        assert_eq!((prediction.topic, prediction.stance), (None, None), "{what}");
    });
}
