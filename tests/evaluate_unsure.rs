//! `rapporteur evaluate`: the labels that are sure enough, and how errors fall as unsure rows are left out.

mod common;

use common::{ROWS, TOPICS, Table, Work, relabelled};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};

const HEADS: [&str; 3] = ["topic", "stance", "stance_given_true_topic"];

/// Every fourth topic and every fifth stance is wrong.
fn mistaken() -> String {
    relabelled(|row| {
        if row.id.is_multiple_of(4) {
            row.topic = TOPICS[(TOPICS.iter().position(|t| *t == row.topic).unwrap() + 1) % 4].to_owned();
        }
        if row.id.is_multiple_of(5) {
            row.stance = if row.stance == "oppose" { "support" } else { "oppose" }.to_owned();
        }
    })
}

fn figures(work: &Work, arguments: &str) -> Value {
    serde_json::from_str(&work.stdout(&format!("evaluate {arguments} --resamples 0 --json - --quiet"))).unwrap()
}

/// Coverage, threshold, risk and rows of a head.
fn curve(table: &Table, head: &str) -> Vec<[f64; 4]> {
    assert_eq!(table.header, ["head", "coverage", "threshold", "risk", "rows"]);
    let of_head = table.rows.iter().filter(|row| row[0] == head);
    of_head.map(|row| [1, 2, 3, 4].map(|i| row[i].parse().unwrap())).collect()
}

#[test]
fn a_curve_begins_at_the_surest_row_and_ends_at_all() {
    let work = Work::with_model();
    work.write("gold.csv", mistaken());
    for judge in ["--model a.model", "--cv 3"] {
        let all = figures(&work, &format!("gold.csv {judge} --risk-coverage curve.csv"));
        let table = Table::of(&work.read("curve.csv"));
        for head in HEADS {
            let curve = curve(&table, head);
            assert!(curve.len() > 30, "{judge} {head}: {}", curve.len());
            for pair in curve.windows(2) {
                assert!(pair[0][0] < pair[1][0] && pair[0][1] > pair[1][1] && pair[0][3] < pair[1][3], "{pair:?}");
            }
            let [coverage, _, risk, rows] = *curve.last().unwrap();
            assert_eq!((coverage, rows), (1.0, ROWS as f64));
            assert!((risk - (1.0 - all[head]["accuracy"].as_f64().unwrap())).abs() < 1e-6, "{judge} {head}");
            // All points are written of so few rows, and the area is the sum of its steps.
            let mut area = 0.0;
            curve.iter().fold(0.0, |before, [_, _, risk, rows]| {
                area += risk * (rows - before) / ROWS as f64;
                *rows
            });
            assert!((area - all[head]["aurc"].as_f64().unwrap()).abs() < 1e-6, "{judge} {head}: {area}");
        }
    }
    let text = work.stdout("evaluate gold.csv --model a.model --risk-coverage -");
    assert!(text.starts_with("head,coverage,") && !text.contains("macro-F1"), "{text}");
}

/// What is scored is what `classify` writes.
#[test]
fn accepted_labels_are_those_that_classify_writes() {
    let work = Work::with_model();
    work.write("gold.csv", mistaken());
    work.run("evaluate gold.csv --model a.model --risk-coverage curve.csv").success();
    let table = Table::of(&work.read("curve.csv"));
    let half = curve(&table, "topic").into_iter().find(|point| point[0] >= 0.5).unwrap()[1];
    for bar in [format!("--min-probability {half}"), "--max-error 0.05".to_owned(), "--max-error 0.0001".to_owned()] {
        let all = figures(&work, &format!("gold.csv --model a.model {bar}"));
        let written = work.table(&format!("classify gold.csv --model a.model {bar} --quiet"));
        for head in ["topic", "stance"] {
            let (gold, said) = (written.column(head), written.column(&format!("predicted_{head}")));
            let kept: Vec<bool> =
                gold.iter().zip(&said).filter(|(_, s)| **s != "unsure").map(|(gold, said)| gold == said).collect();
            let right = kept.iter().filter(|right| **right).count();
            let accepted = &all[head]["accepted"];
            assert_eq!(accepted["rows"], kept.len(), "{bar} {head}");
            assert_eq!(accepted["coverage"], kept.len() as f64 / ROWS as f64);
            let accuracy = if kept.is_empty() { Value::Null } else { json!(right as f64 / kept.len() as f64) };
            assert_eq!(accepted["accuracy"], accuracy);
            assert_eq!(accepted["macro_f1"].is_null(), kept.is_empty());
        }
        assert!(all["stance_given_true_topic"].get("accepted").is_none());
    }
    let all = figures(&work, &format!("gold.csv --model a.model --min-probability {half}"));
    let rows = all["topic"]["accepted"]["rows"].as_u64().unwrap() as usize;
    assert!((ROWS / 2..ROWS).contains(&rows), "{rows}");
    // No probability vouches for one error in ten thousand.
    let none = figures(&work, "gold.csv --model a.model --max-error 0.0001");
    let nothing = json!({"threshold": null, "rows": 0, "coverage": 0.0, "accuracy": null, "macro_f1": null});
    assert_eq!(none["topic"]["accepted"], nothing);
    assert!(figures(&work, "gold.csv --model a.model")["topic"].get("accepted").is_none());
}

#[test]
fn the_table_tells_how_many_are_accepted() {
    let work = Work::with_model();
    work.write("gold.csv", mistaken());
    for (judge, from) in [
        ("--model a.model --min-probability 0.4", "0.4000"),
        ("--cv 3 --min-probability 0.4", "0.4000"),
        ("--model a.model --max-error 0.0001", "none"),
    ] {
        let text = work.stdout(&format!("evaluate gold.csv {judge} --quiet"));
        let (_, accepted) = text.split_once("Accepted labels").unwrap();
        for head in ["\ntopic ", "\nstance, of an accepted topic "] {
            let line = accepted.split_once(head).unwrap().1.lines().next().unwrap();
            assert_eq!(line.split_whitespace().next(), Some(from), "{judge}: {line}");
            assert_eq!(line.split_whitespace().count(), 5, "{line}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
    let said = work.stderr("evaluate gold.csv --model a.model --max-error 0.05");
    assert!(said.contains("note: a topic is written from a probability of 0."), "{said}");
    assert!(!work.stdout("evaluate gold.csv --model a.model").contains("Accepted labels"));
}

#[test]
fn an_error_is_promised_by_models_only_and_files_are_kept_apart() {
    let work = Work::with_model();
    work.write("cv.toml", "cv = 3\n");
    for folds in ["--cv 3", "--config cv.toml"] {
        let refused = work.run(&format!("evaluate corpus.csv {folds} --max-error 0.1 --json out.json")).code(2);
        refused.stderr(contains("--max-error is a promise of one model").and(contains("--min-probability")));
    }
    for arguments in [
        "--min-probability 0.5 --max-error 0.1",
        "--min-probability 1.5",
        "--risk-coverage corpus.csv",
        "--risk-coverage out --json out",
        "--risk-coverage - --json -",
        "--compare a.model --min-probability 0.5",
        "--learning-curve --risk-coverage out.csv",
    ] {
        work.run(&format!("evaluate corpus.csv {arguments}")).code(2);
    }
    assert_eq!(work.files(), ["a.model", "corpus.csv", "cv.toml"]);
}
