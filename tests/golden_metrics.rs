//! The metrics agree with scikit-learn's. `tests/golden/metrics.py` says how the numbers were made.

use rapporteur::evaluate::{Bootstrap, Confusion, Evaluation, EvaluationOptions, HeadScores, Posterior, Row};
use serde_json::Value;
use std::sync::OnceLock;

#[test]
fn metrics_agree_with_scikit_learn() {
    let cases = golden()["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let gold = strings(&case["gold"]);
        let predicted = strings(&case["predicted"]).into_iter().map(|p| (!p.is_empty()).then_some(p));
        let scores = HeadScores::of(Confusion::of_pairs(gold.into_iter().zip(predicted)));
        let ours = serde_json::to_value(&scores).expect("scores are JSON");
        let theirs = &case["scores"];
        let means = ["accuracy", "macro_f1", "macro_f1_gold", "weighted_f1", "balanced_accuracy", "cohen_kappa"];
        for mean in means.into_iter().chain(["matthews_corrcoef"]) {
            close(&ours[mean], &theirs[mean], &format!("{} {mean}", case["name"]));
        }
        let labels = theirs["labels"].as_object().expect("labels");
        assert_eq!(scores.labels.len(), labels.len(), "{}", case["name"]);
        for (label, theirs) in labels {
            for score in ["precision", "recall", "f1", "support"] {
                close(&ours["labels"][label][score], &theirs[score], &format!("{} {label} {score}", case["name"]));
            }
        }
    }
}

fn points(labels: Vec<String>) -> EvaluationOptions {
    EvaluationOptions { bootstrap: Bootstrap { resamples: 0, seed: 0 }, labels, ..EvaluationOptions::default() }
}

#[test]
fn the_mean_f1_of_named_labels_agrees_with_scikit_learn() {
    for case in golden()["cases"].as_array().expect("cases") {
        let (gold, predicted) = (strings(&case["gold"]), strings(&case["predicted"]));
        let mut labels: Vec<String> = gold.iter().map(|g| (*g).to_owned()).collect();
        labels.sort();
        labels.dedup();
        labels.truncate(2);
        let row = |(gold, predicted): (&&'static str, &&'static str)| Row {
            gold_stance: Some(*gold),
            stance: (!predicted.is_empty()).then_some(*predicted),
            ..Row::default()
        };
        let rows: Vec<Row<'_>> = gold.iter().zip(&predicted).map(row).collect();
        let scores = Evaluation::measure(&rows, None, &[] as &[&str], &[] as &[&str], &points(labels)).expect("labels");
        let ours = serde_json::to_value(scores).expect("JSON");
        close(&ours["stance"]["macro_f1_labels"], &case["scores"]["macro_f1_labels"], &case["name"].to_string());
    }
}

#[test]
fn scores_of_probabilities_agree_with_scikit_learn() {
    let cases = golden()["probabilities"].as_array().expect("cases");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let labels = strings(&case["labels"]);
        let place = |list: &str, i: usize| case[list][i].as_u64().expect("a place") as usize;
        let row = |(i, p): (usize, &Value)| {
            let p: Vec<f64> = p.as_array().expect("numbers").iter().map(|p| p.as_f64().expect("a number")).collect();
            let (gold, written) = (place("gold", i), place("written", i));
            Row {
                gold_topic: Some(labels[gold]),
                topic: Some(labels[written]),
                topic_posterior: Some(Posterior::new(&p, written, Some(gold))),
                ..Row::default()
            }
        };
        let rows: Vec<Row<'_>> = case["probabilities"].as_array().expect("rows").iter().enumerate().map(row).collect();
        let scores = Evaluation::measure(&rows, None, &labels, &[] as &[&str], &points(Vec::new())).expect("rows");
        let ours = serde_json::to_value(scores).expect("JSON");
        assert_eq!(ours["topic"]["probability_rows"], rows.len());
        for score in ["log_loss", "brier_score", "expected_calibration_error"] {
            close(&ours["topic"][score], &case["scores"][score], &format!("{} {score}", case["name"]));
        }
    }
}

/// The numbers, read once.
fn golden() -> &'static Value {
    static GOLDEN: OnceLock<Value> = OnceLock::new();
    GOLDEN.get_or_init(|| serde_json::from_str(include_str!("golden/metrics.json")).expect("valid JSON"))
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|s| s.as_str().expect("a string")).collect()
}

fn close(ours: &Value, theirs: &Value, what: &str) {
    let (ours, theirs) = (ours.as_f64().expect(what), theirs.as_f64().expect(what));
    assert!((ours - theirs).abs() < 1e-9, "{what}: {ours} here, {theirs} by scikit-learn");
}
