//! `rapporteur inspect`: the model card.

mod common;

use common::{ROWS, STANCES, TOPICS, Work, csv};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

#[test]
fn the_card_tells_what_the_model_is() {
    let work = Work::with_model();
    let card = work.stdout("inspect a.model");
    assert!(card.starts_with("a.model (format 3, "), "{card}");
    for part in [
        "corpus:   144 rows, digest ",
        "of words (1-2)",
        "of characters (2-5)",
        "stemmer english",
        "options:  {",
        "topic:    svm, C ",
    ] {
        assert!(card.contains(part), "{part} in\n{card}");
    }
    for label in TOPICS {
        assert!(
            card.lines().any(|line| line.split_whitespace().take(3).eq([label, "36", "rows"])),
            "{label} in\n{card}"
        );
    }
    for label in STANCES {
        assert!(
            card.lines().any(|line| line.split_whitespace().take(3).eq([label, "48", "rows"])),
            "{label} in\n{card}"
        );
    }
}

#[test]
fn without_a_name_it_is_the_embedded_model() {
    let work = Work::new();
    work.run("inspect").success().stdout(contains("the default model (format 3, ").and(contains("  peacekeeping ")));
    let card: serde_json::Value = serde_json::from_str(&work.stdout("inspect --json -")).unwrap();
    assert_eq!(card["stance"]["labels"], json!(["neutral", "oppose", "support"]));
    assert_eq!(card["codebook"].as_array().unwrap().len(), card["topic"]["labels"].as_array().unwrap().len());
}

#[test]
fn terms_are_the_weightiest_of_each_label() {
    let work = Work::with_model();
    work.run("inspect a.model").success().stdout(contains("topic: water").not());
    let card = work.stdout("inspect a.model --terms 12");
    let terms = |label: &str| -> Vec<String> {
        let mut lines = card.lines().skip_while(|line| *line != label);
        lines.nth(1).unwrap_or_else(|| panic!("{label} in\n{card}")).split(", ").map(|t| t.trim().to_owned()).collect()
    };
    assert!(terms("stance: oppose").iter().any(|term| term.starts_with("reject +")), "{card}");
    for label in TOPICS {
        let list = terms(&format!("topic: {label}"));
        assert_eq!(list.len(), 12);
        let weights: Vec<f64> = list.iter().map(|term| term.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
        assert!(weights.windows(2).all(|w| w[0] >= w[1]) && weights[11] > 0.0, "{list:?}");
    }
}

#[test]
fn json_has_all_of_it() {
    let work = Work::with_model();
    let card: serde_json::Value = serde_json::from_str(&work.stdout("inspect a.model --json - --terms 3")).unwrap();
    assert_eq!(card["format"], 3);
    assert_eq!(card["bytes"], work.bytes("a.model").len());
    assert_eq!(card["topic"]["labels"], json!(TOPICS));
    assert_eq!(card["stance"]["labels"], json!(STANCES));
    assert_eq!(card["counts"]["rows"], ROWS);
    assert_eq!(card["counts"]["topics"]["rail"], 36);
    assert_eq!(card["digest"].as_str().unwrap().len(), 64);
    assert_eq!(card["options"]["seed"], 42);
    assert_eq!(card["vectoriser"]["word_ngrams"], "1-2");
    assert!(card["features"].as_u64().unwrap() > 1000);
    assert_eq!(card["terms"].as_object().unwrap().len(), TOPICS.len() + STANCES.len());
    assert_eq!(card["terms"]["topic: rail"].as_array().unwrap().len(), 3);
    // To a file, the text goes to standard output all the same.
    work.run("inspect a.model --json card.json --terms 3").success().stdout(contains("corpus:   144 rows"));
    assert_eq!(work.json("card.json"), card);
}

#[test]
fn isotonic_curves_are_shown_and_change_no_label() {
    let work = Work::with_model();
    let judged = ["temperature", "isotonic"].map(|method| {
        work.run(&format!("train corpus.csv --output {method}.model --calibration {method}")).success();
        work.table(&format!("classify corpus.csv --model {method}.model"))
    });
    for head in ["predicted_topic", "predicted_stance"] {
        let [temperature, isotonic] = judged.each_ref();
        assert_eq!(temperature.column(head), isotonic.column(head));
        let probabilities = isotonic.numbers(&format!("{head}_probability"));
        assert_ne!(temperature.numbers(&format!("{head}_probability")), probabilities);
        assert!(probabilities.iter().all(|p| 0.0 < *p && *p < 1.0), "{probabilities:?}");
    }
    assert!(!work.stdout("inspect temperature.model").contains("isotonic curves"));
    let card = work.stdout("inspect isotonic.model");
    assert_eq!(card.matches(" and isotonic curves of ").count(), 2, "{card}");
    let curves = &work.card("isotonic.model")["topic"]["calibration"]["isotonic"];
    assert_eq!(curves.as_array().map(Vec::len), Some(TOPICS.len()));
}

#[test]
fn codebook_and_scores_are_shown() {
    let work = Work::new();
    let targets = TOPICS.map(|topic| [topic.to_owned(), format!("More of {topic}")]);
    work.write("codebook.csv", csv(&["topic", "target"], targets));
    work.run("train corpus.csv --output a.model --codebook codebook.csv --cv 3 --quiet").success();
    let card = work.stdout("inspect a.model");
    assert!(card.contains("More of schools") && card.contains("score:    joint_accuracy "), "{card}");
}

#[test]
fn a_model_is_not_written_over_by_its_card() {
    let work = Work::with_model();
    let before = work.bytes("a.model");
    work.run("inspect a.model --json a.model").code(2).stderr(contains("would write over a.model"));
    assert!(work.bytes("a.model") == before);
}
