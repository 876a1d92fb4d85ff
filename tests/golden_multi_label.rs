//! The metrics of several labels a row agree with scikit-learn's. `tests/golden/multi_label.py` says how the numbers were made.

use rapporteur::evaluate::{Bootstrap, MultiLabelEvaluation, MultiLabelRow};
use serde_json::Value;

#[test]
fn metrics_of_several_labels_agree_with_scikit_learn() {
    let golden: Value = serde_json::from_str(include_str!("golden/multi_label.json")).expect("valid JSON");
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let labels: Vec<&str> = list(&case["labels"]).iter().map(|l| l.as_str().expect("a label")).collect();
        let set = |row: &Value| -> Vec<(&str, Option<&str>)> {
            list(row).iter().map(|k| (labels[k.as_u64().expect("a place") as usize], None)).collect()
        };
        let row = |(gold, written): (&Value, &Value)| MultiLabelRow {
            stance_given_true_topic: vec![None; list(gold).len()],
            gold: Some(set(gold)),
            written: set(written),
        };
        let rows: Vec<MultiLabelRow<'_>> = list(&case["gold"]).iter().zip(list(&case["written"])).map(row).collect();
        let bootstrap = Bootstrap { resamples: 0, ..Bootstrap::default() };
        let ours = MultiLabelEvaluation::measure(&rows, None, &labels, bootstrap).expect("scores");
        let ours = serde_json::to_value(&ours.topic).expect("scores are JSON");
        let theirs = &case["scores"];
        for score in [
            "macro_f1",
            "micro_f1",
            "micro_precision",
            "micro_recall",
            "weighted_f1",
            "subset_accuracy",
            "hamming_loss",
        ] {
            close(&ours[score], &theirs[score], &format!("{} {score}", case["name"]));
        }
        let labels = theirs["labels"].as_object().expect("labels");
        assert_eq!(ours["labels"].as_object().map(|l| l.len()), Some(labels.len()), "{}", case["name"]);
        for (label, theirs) in labels {
            for score in ["precision", "recall", "f1", "support"] {
                close(&ours["labels"][label][score], &theirs[score], &format!("{} {label} {score}", case["name"]));
            }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn close(ours: &Value, theirs: &Value, what: &str) {
    let (ours, theirs) = (ours.as_f64().expect(what), theirs.as_f64().expect(what));
    assert!((ours - theirs).abs() < 1e-9, "{what}: {ours} here, {theirs} by scikit-learn");
}
