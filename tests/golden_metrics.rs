//! The metrics agree with scikit-learn's. `tests/golden/metrics.py` says how the numbers were made.

use rapporteur::evaluate::{Confusion, HeadScores};
use serde_json::Value;

#[test]
fn metrics_agree_with_scikit_learn() {
    let golden: Value = serde_json::from_str(include_str!("golden/metrics.json")).expect("valid JSON");
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let gold = strings(&case["gold"]);
        let predicted = strings(&case["predicted"]).into_iter().map(|p| (!p.is_empty()).then_some(p));
        let scores = HeadScores::of(Confusion::of_pairs(gold.into_iter().zip(predicted)));
        let ours = serde_json::to_value(&scores).expect("scores are JSON");
        let theirs = &case["scores"];
        for mean in ["accuracy", "macro_f1", "macro_f1_gold", "weighted_f1"] {
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

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|s| s.as_str().expect("a string")).collect()
}

fn close(ours: &Value, theirs: &Value, what: &str) {
    let (ours, theirs) = (ours.as_f64().expect(what), theirs.as_f64().expect(what));
    assert!((ours - theirs).abs() < 1e-9, "{what}: {ours} here, {theirs} by scikit-learn");
}
