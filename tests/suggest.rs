//! `rapporteur suggest`: what is chosen, and that `train` takes it back.

mod common;

use common::{Table, Work, corpus, csv, relabelled};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::json;

/// The corpus without its labels.
fn unlabelled() -> String {
    csv(&["id", "speaker", "text"], corpus().iter().map(|r| [r.id.to_string(), r.speaker.clone(), r.text.clone()]))
}

#[test]
fn rows_come_ready_for_a_spreadsheet() {
    let work = Work::with_model();
    work.write("new.csv", unlabelled());
    let out = work.table("suggest new.csv -n 12 --model a.model");
    let said = ["predicted_topic", "predicted_topic_probability", "predicted_stance", "predicted_stance_probability"];
    assert_eq!(out.header, [&["id", "speaker", "text", "topic", "stance"][..], &said, &["uncertainty"]].concat());
    assert_eq!(out.rows.len(), 12);
    assert!(out.column("topic").iter().chain(&out.column("stance")).all(|cell| cell.is_empty()));
    let all = corpus();
    for row in &out.rows {
        let whole = &all[row[0].parse::<usize>().unwrap() - 1];
        assert_eq!((&row[1], &row[2]), (&whole.speaker, &whole.text));
        assert_eq!(row[5], whole.topic);
        let (topic, stance, doubt): (f64, f64, f64) =
            (row[6].parse().unwrap(), row[8].parse().unwrap(), row[9].parse().unwrap());
        assert!((1.0 - topic * stance - doubt).abs() < 2e-4);
    }
    // No row twice, and the same at any number of threads.
    let mut ids = out.column("id");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12);
    assert_eq!(work.table("suggest new.csv -n 12 --model a.model --threads 1"), out);
    assert_eq!(work.table("suggest new.csv -n 12 --model a.model --threads 3"), out);
    assert_ne!(work.table("suggest new.csv -n 12 --model a.model --seed 1"), out);
}

/// What a coder fills in can be trained on as it stands.
#[test]
fn train_takes_it_back_filled_in() {
    let work = Work::with_model();
    work.write("new.csv", unlabelled());
    work.run("suggest new.csv -n 90 --model a.model --output to-code.csv --bom").success();
    assert!(work.read("to-code.csv").starts_with('\u{FEFF}'));
    let mut table = Table::of(work.read("to-code.csv").trim_start_matches('\u{FEFF}'));
    for row in &mut table.rows {
        let whole = &corpus()[row[0].parse::<usize>().unwrap() - 1];
        (row[3], row[4]) = (whole.topic.clone(), whole.stance.clone());
    }
    let header: Vec<&str> = table.header.iter().map(String::as_str).collect();
    work.write("coded.csv", csv(&header, table.rows.iter()));
    work.run("train coded.csv --output b.model --quiet").success();
    let card = work.card("b.model");
    assert_eq!(card["counts"]["rows"], 90);
    // And once more: what is coded is left out, and the columns of the first time do not stand in the way.
    table.rows[0][3].clear();
    table.rows[0][4].clear();
    work.write("half.csv", csv(&header, table.rows.iter()));
    let out = work.table("suggest half.csv --model b.model --json half.json");
    assert_eq!(
        out.header[10..],
        [
            "predicted_predicted_topic",
            "predicted_predicted_topic_probability",
            "predicted_predicted_stance",
            "predicted_predicted_stance_probability",
            "predicted_uncertainty"
        ]
    );
    assert_eq!(out.rows.iter().map(|row| row[..5].to_vec()).collect::<Vec<_>>(), [table.rows[0][..5].to_vec()]);
    let expected = json!({"rows": 90, "labelled": 89, "without_terms": 0, "candidates": 1, "suggested": 1});
    assert_eq!(work.json("half.json"), expected);
}

#[test]
fn doubt_goes_first_and_twins_last() {
    let work = Work::with_model();
    let sure = "We welcome the night train and will vote for it.";
    let unsure = "My group discussed the river treaty and the pay deal.";
    work.write("new.csv", csv(&["text"], [sure, unsure, unsure, sure, "字字 字字", " "].map(|t| [t])));
    let out = work.table("suggest new.csv -n 3 --model a.model");
    assert_eq!(out.column("text")[..2], [unsure, sure]);
    let said = work.stderr("suggest new.csv -n 9 --model a.model");
    assert!(said.starts_with("suggested 4 of 4 rows without a label\nnote: 2 rows have no text"), "{said}");
}

#[test]
fn several_files_other_columns_and_the_default_model() {
    let work = Work::with_model();
    work.write("a.csv", "body;target\nSanctions must be lifted at once.;\nWe support the sanctions.;sanctions\n");
    work.write("b.csv", "body;target\nThe peacekeepers should stay.;NA\n");
    let text = work.stdout("suggest a.csv b.csv --text-column body --topic-column target --delimiter ; --quiet");
    let out = Table::separated(b';', &text);
    assert_eq!(out.header[..3], ["body", "target", "stance"]);
    let mut texts = out.column("body");
    texts.sort_unstable();
    assert_eq!(texts, ["Sanctions must be lifted at once.", "The peacekeepers should stay."]);
    assert_eq!(out.column("target").iter().filter(|cell| cell.is_empty()).count(), 1);
    work.write("speech.txt", "We want peace.\n\nWe want sanctions.\n");
    let out = work.table("suggest speech.txt --quiet");
    assert_eq!(out.header[..5], ["source", "paragraph", "text", "topic", "stance"]);
}

#[test]
fn nothing_to_suggest_is_told() {
    let work = Work::with_model();
    work.write("labelled.csv", relabelled(|_| {}));
    work.write("header.csv", "text\n");
    work.write("blank.csv", "text,id\n ,1\n字字,2\n");
    work.write("empty.csv", "");
    work.write("latin.csv", b"text\ncaf\xE9\n");
    for (name, said) in [
        ("labelled.csv", "labelled.csv: all 144 rows have a label already"),
        ("header.csv", "header.csv: there are no rows below the header"),
        ("blank.csv", "blank.csv: of the rows without a label, all 2 have no text"),
        ("empty.csv", "empty.csv"),
        ("latin.csv --encoding utf-8", "not UTF-8"),
    ] {
        let refused = work.run(&format!("suggest {name} --model a.model --output out.csv")).code(1);
        refused.stdout(is_empty()).stderr(contains(said));
    }
    for arguments in ["-n 0", "--output labelled.csv", "--output out.jsonl"] {
        work.run(&format!("suggest labelled.csv {arguments}"))
            .code(2)
            .stderr(starts_with("error: ").and(contains("Usage").not().or(contains("0"))));
    }
    assert!(!work.files().contains(&"out.csv".to_owned()));
}
