//! `rapporteur evaluate --compare`, `--predictions-a`/`-b` and `--learning-curve`.

mod common;

use common::{ROWS, TOPICS, Work, corpus, csv, relabelled};
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::{Value, json};

fn figures(work: &Work, arguments: &str) -> Value {
    serde_json::from_str(&work.stdout(&format!("evaluate {arguments} --json - --quiet"))).unwrap()
}

/// Predictions beside gold labels: every `wrong`th row has the next topic.
fn predictions(wrong: usize) -> String {
    let header = ["id", "speaker", "text", "topic", "stance", "predicted_topic", "predicted_stance"];
    let rows = corpus().into_iter().map(|row| {
        let place = TOPICS.iter().position(|t| *t == row.topic).unwrap();
        let said = TOPICS[(place + usize::from(row.id % wrong == 0)) % 4].to_owned();
        [row.id.to_string(), row.speaker, row.text, row.topic, row.stance.clone(), said, row.stance]
    });
    csv(&header, rows)
}

#[test]
fn files_of_predictions_are_compared() {
    let work = Work::new();
    work.write("a.csv", predictions(1000));
    work.write("b.csv", predictions(6));
    let all = figures(&work, "--predictions-a a.csv --predictions-b b.csv");
    assert_eq!((&all["a"], &all["b"], &all["rows"]), (&json!("a.csv"), &json!("b.csv"), &json!(ROWS)));
    let topic = &all["topic"];
    assert_eq!((&topic["only_a_right"], &topic["only_b_right"]), (&json!(24), &json!(0)));
    let accuracy = &topic["accuracy"];
    assert_eq!(
        (&accuracy["a"], &accuracy["b"], &accuracy["test"]),
        (&json!(1.0), &json!(120.0 / 144.0), &json!("mcnemar_exact"))
    );
    assert!((accuracy["p_value"].as_f64().unwrap() / 2.0f64.powi(-23) - 1.0).abs() < 1e-9);
    let [low, high] = ["low", "high"].map(|end| accuracy["interval"][end].as_f64().unwrap());
    assert!(0.08 < low && low < 24.0 / 144.0 && 24.0 / 144.0 < high && high < 0.25, "{low} {high}");
    assert_eq!(
        (&topic["macro_f1"]["test"], &topic["macro_f1"]["p_value"]),
        (&json!("approximate_randomisation"), &json!(1.0 / 1001.0))
    );
    assert_eq!(
        (&all["stance"]["accuracy"]["difference"], &all["stance"]["accuracy"]["p_value"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(all["joint"]["accuracy"], *accuracy);
    assert!(all["stance_given_true_topic"].is_null());
    let page = work.stdout("evaluate --predictions-a a.csv --predictions-b b.csv");
    for part in ["A: a.csv", "topic and stance together", "+0.167 [+0.", "< 0.0001", "McNemar's exact test"] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

/// Whole groups are swapped: with six, a p-value below 1/32 is not to be had, and that is said.
#[test]
fn groups_are_swapped_whole() {
    let work = Work::new();
    work.write("a.csv", predictions(1000));
    work.write("b.csv", predictions(5));
    let arguments = "--predictions-a a.csv --predictions-b b.csv --group-column speaker";
    let all = figures(&work, arguments);
    for figure in ["accuracy", "macro_f1"] {
        assert_eq!(all["topic"][figure]["test"], "approximate_randomisation_by_group");
        let p = all["topic"][figure]["p_value"].as_f64().unwrap();
        assert!((0.015..0.06).contains(&p), "{figure}: {p}");
    }
    assert!(all["warnings"][0].as_str().unwrap().contains("6 groups"));
    assert!(work.stderr(&format!("evaluate {arguments}")).contains("warning: the labelled rows make 6 groups"));
    let threads = |n| work.stdout(&format!("evaluate {arguments} --json - --threads {n}"));
    assert_eq!(threads(1), threads(3));
    assert_ne!(threads(1), work.stdout(&format!("evaluate {arguments} --json - --seed 7")));
}

#[test]
fn models_are_compared_on_a_labelled_file() {
    let work = Work::with_model();
    work.write(
        "wrong.csv",
        relabelled(|row| {
            if row.id % 3 == 0 {
                row.topic = TOPICS[row.id / 3 % 4].to_owned()
            }
        }),
    );
    work.run("train wrong.csv --output b.model --min-df 20 --quiet").success();
    let all = figures(&work, "corpus.csv --model a.model --compare b.model");
    let alone = figures(&work, "corpus.csv --model b.model");
    for head in ["topic", "stance", "stance_given_true_topic", "joint"] {
        for figure in ["accuracy", "macro_f1"] {
            assert_eq!(all[head][figure]["b"], alone[head][figure], "{head} {figure}");
        }
    }
    assert!(all["topic"]["accuracy"]["difference"].as_f64().unwrap() > 0.0);
    // A file that evaluate wrote for either gives the same.
    for name in ["a", "b"] {
        work.run(&format!("evaluate corpus.csv --model {name}.model --predictions {name}.csv --quiet")).success();
    }
    let files = figures(&work, "--predictions-a a.csv --predictions-b b.csv");
    assert_eq!((&files["topic"], &files["stance"], &files["joint"]), (&all["topic"], &all["stance"], &all["joint"]));
    work.run("train corpus.csv --stance-column none --output topics.model --quiet").success();
    let topics = figures(&work, "corpus.csv --model topics.model --compare b.model");
    assert!(topics["topic"].is_object() && topics["stance"].is_null() && topics["joint"].is_null());
}

#[test]
fn files_that_do_not_match_are_refused_with_the_place() {
    let work = Work::new();
    let all = predictions(5);
    work.write("a.csv", &all);
    work.write("short.csv", all.lines().take(20).map(|l| format!("{l}\n")).collect::<String>());
    work.write("text.csv", all.replacen("a report on the ban", "a report on the bans", 1));
    work.write("gold.csv", all.replacen(",neutral,forests", ",support,forests", 1));
    work.write("plain.csv", common::corpus_csv());
    work.write("empty.csv", "");
    work.write("header.csv", all.lines().next().unwrap());
    for (name, said) in [
        ("short.csv", "short.csv: 19 rows, where a.csv has 144"),
        ("text.csv", "text.csv, line 2: the text is not that of a.csv, line 2"),
        ("gold.csv", "gold.csv, line 2: the gold stance \"support\" is not that of a.csv"),
        ("plain.csv", "plain.csv: there are no predictions beside the gold labels"),
        ("empty.csv", "empty.csv"),
        ("header.csv", "header.csv: 0 rows"),
    ] {
        let refused = work.run(&format!("evaluate --predictions-a a.csv --predictions-b {name}")).code(1);
        refused.stderr(starts_with("error: ").and(contains(said)));
    }
    work.run("evaluate --predictions-a header.csv --predictions-b header.csv")
        .code(1)
        .stderr(contains("no row has a label"));
    for arguments in [
        "--predictions-a a.csv",
        "--predictions-b a.csv",
        "a.csv --predictions-a a.csv --predictions-b a.csv",
        "a.csv --cv 3 --compare b.model",
        "a.csv --learning-curve --model a.model",
        "- --compare b.model",
        "--predictions-a a.csv --predictions-b a.csv --json a.csv",
    ] {
        work.run(&format!("evaluate {arguments}")).code(2);
    }
    assert_eq!(work.read("a.csv"), all);
}

#[test]
fn predictions_of_labels_that_are_never_gold_count_as_errors() {
    let work = Work::new();
    work.write("one.csv", "text,topic,stance,predicted_topic,predicted_stance\na,t,s,t,s\nb,t,s,t,s\n");
    let one = figures(&work, "--predictions-a one.csv --predictions-b one.csv");
    assert_eq!(one["topic"]["macro_f1"]["p_value"], 1.0);
    work.write("strange.csv", "text,topic,stance,predicted_topic,predicted_stance\na,t,s,,\nb,t,s,new,odd\n");
    let strange = figures(&work, "--predictions-a one.csv --predictions-b strange.csv");
    assert_eq!(strange["topic"]["accuracy"]["difference"], 1.0);
    assert_eq!(strange["topic"]["macro_f1"]["b"], 0.0);
}

#[test]
fn the_learning_curve_rises_with_the_rows() {
    let work = Work::new();
    let all = figures(&work, "corpus.csv --learning-curve --cv 3 --min-df 2");
    let points = all["points"].as_array().unwrap();
    assert!((4..=6).contains(&points.len()), "{all}");
    assert_eq!((&all["method"], &all["folds"], &all["rows"]), (&json!("cross-validation"), &json!(3), &json!(ROWS)));
    let rows: Vec<f64> = points.iter().map(|p| p["training_rows"].as_f64().unwrap()).collect();
    assert!(rows.windows(2).all(|w| w[0] < w[1]) && rows.last() == Some(&96.0), "{rows:?}");
    // The last size is plain cross-validation.
    let plain = figures(&work, "corpus.csv --cv 3 --min-df 2");
    let last = points.last().unwrap();
    for head in ["topic", "stance", "joint"] {
        assert_eq!(last[head]["macro_f1"], plain[head]["macro_f1"], "{head}");
        assert_eq!(last[head]["macro_f1_interval"], plain[head]["intervals"]["macro_f1"], "{head}");
    }
    let f1 = |p: &Value| p["topic"]["macro_f1"].as_f64().unwrap();
    assert!(f1(&points[0]) + 0.05 < f1(last), "{points:?}");
    let doubling = &all["last_doubling"][0];
    assert_eq!((&doubling["head"], &doubling["to_rows"]), (&json!("topic"), &json!(96.0)));
    assert!(doubling["reading"].as_str().unwrap().contains("training rows the macro-F1 of topic went"));
    let page = work.stdout("evaluate corpus.csv --learning-curve --cv 3 --min-df 2");
    for part in
        ["training rows  accuracy", "From 48 to 96 training rows the macro-F1 of topic", "cross-validation in 3 folds"]
    {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

/// Six speakers are five or six sizes, and never a part of one.
#[test]
fn the_learning_curve_keeps_groups_whole() {
    let work = Work::new();
    let all = figures(&work, "corpus.csv --learning-curve --cv 2 --group-column speaker --resamples 50 --min-df 2");
    for point in all["points"].as_array().unwrap() {
        let rows = point["training_rows"].as_f64().unwrap();
        assert_eq!(rows % 12.0, 0.0, "{all}");
    }
    assert!(all["warnings"][0].as_str().unwrap().contains("6 groups"));
    work.write("few.csv", "text,topic,stance\na b,x,p\nc d,y,q\n");
    work.run("evaluate few.csv --learning-curve").code(1).stderr(contains("few.csv: 5 folds cannot be made of 2"));
    work.run("evaluate few.csv --learning-curve --cv 2").code(1).stderr(contains("few.csv: "));
}
