//! `rapporteur check`: every kind of finding on a corpus that has it, none on one that has not, and suspects among flipped labels.

mod common;

use common::{Table, Work, cells, corpus, csv};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::json;

const HEADER: [&str; 7] = ["row", "id", "kind", "label", "suggestion", "score", "detail"];

/// Findings of one kind, as `row|label|suggestion`.
fn of_kind(table: &Table, kind: &str) -> Vec<String> {
    let rows = table.rows.iter().filter(|row| row[2] == kind);
    rows.map(|row| [row[0].as_str(), &row[3], &row[4]].join("|")).collect()
}

fn details<'a>(table: &'a Table, kind: &str) -> Vec<&'a str> {
    table.rows.iter().filter(|row| row[2] == kind).map(|row| row[6].as_str()).collect()
}

/// Rows of plain sentences that have nothing in common.
fn sentences(n: usize) -> Vec<String> {
    let words = ["harbour", "bridge", "tariff", "clinic", "orchard", "ferry", "quarry", "school", "market", "canal"];
    let word = |i: usize| words[i % words.len()];
    (0..n)
        .map(|i| {
            let (a, b, c) = (word(i), word(i / 10 + 3), word(i * 7 + i / 10));
            format!(
                "The minister of the {a} told case {i} that the {b} needs money before the {c} of year {} opens.",
                i * 31
            )
        })
        .collect()
}

#[test]
fn every_kind_is_found_where_it_is() {
    let work = Work::new();
    let mut rows: Vec<[String; 5]> = sentences(60)
        .into_iter()
        .enumerate()
        .map(|(i, text)| {
            let topic = if i % 2 == 0 { "transport" } else { "health" };
            let fold = if i % 3 == 0 { "a" } else { "b" };
            [format!("r{}", i + 1), text, topic.to_owned(), format!("speech {}", i / 2), fold.to_owned()]
        })
        .collect();
    let long = format!("{} {}", rows[3][1], rows[4][1]);
    (rows[5][1], rows[6][1]) = (long.clone(), long.to_uppercase().replace('.', "!")); // another label
    rows[8][1] = rows[9][1].clone();
    rows[8][2] = rows[9][2].clone();
    rows[10][1] = long.replace("124", "1240");
    rows[12][2] = "Transport ".to_owned();
    rows[14][2] = "transprt".to_owned();
    rows[16][2] = String::new();
    rows[18][1] = "word ".repeat(900);
    rows[20][1] =
        "Popieramy przedłużenie mandatu misji na okres kolejnych dwunastu miesięcy i dziękujemy wszystkim.".to_owned();
    rows[22][1] = rows[22][1].replace("minister", "premiÃ¨re ministre");
    rows[24][1] = " ... ".to_owned();
    rows[26][0] = "r1".to_owned();
    rows[28][2] = "weather".to_owned();
    work.write("odd.csv", csv(&["id", "text", "topic", "speech", "fold"], rows.iter()));
    work.write("codebook.csv", "topic,target\ntransport,More of it\nhealth,More of it\n");
    let arguments =
        "check odd.csv --codebook codebook.csv --group-column speech --fold-column fold --skip suspect_label";
    let found = work.table(arguments);
    assert_eq!(found.header, HEADER);
    assert_eq!(of_kind(&found, "conflicting_label"), ["6|health|", "7|transport|"]);
    assert_eq!(details(&found, "conflicting_label")[0], "same text: row 7 has transport");
    assert_eq!(of_kind(&found, "exact_duplicate"), ["10|health|"]);
    assert_eq!(details(&found, "exact_duplicate"), ["same text as row 9, in fold b and not a"]);
    assert_eq!(of_kind(&found, "near_duplicate"), ["11|transport|"]);
    assert!(details(&found, "near_duplicate")[0].ends_with("% of its word triples with row 6, which has health"));
    assert_eq!(of_kind(&found, "unlabelled"), ["17||"]);
    assert_eq!(of_kind(&found, "label_variant"), ["13|Transport|transport", "15|transprt|transport"]);
    assert_eq!(of_kind(&found, "unknown_label"), ["13|Transport|transport", "15|transprt|transport", "29|weather|"]);
    assert_eq!(of_kind(&found, "tiny_class"), ["13|Transport|", "15|transprt|", "29|weather|"]);
    assert_eq!(of_kind(&found, "outlying_length"), ["19|transport|"]);
    assert_eq!(of_kind(&found, "other_language"), ["21|transport|"]);
    assert_eq!(details(&found, "other_language"), ["Polish, in a corpus of English"]);
    assert_eq!(of_kind(&found, "mojibake"), ["23|transport|"]);
    assert!(details(&found, "mojibake")[0].starts_with("\"Ã¨\" stands for \"è\""));
    assert_eq!(of_kind(&found, "empty_text"), ["25|transport|"]);
    assert_eq!(
        found.rows.iter().find(|row| row[2] == "duplicate_id").map(|row| row[..2].to_vec()),
        Some(vec!["27".into(), "r1".into()])
    );
    assert_eq!(of_kind(&found, "group_spread").len(), 20);
    assert_eq!(details(&found, "group_spread")[0], "group speech 0: its rows are in the folds a (1), b (1)");

    // The summary counts what the table has; --skip leaves kinds out; --strict tells by the exit code.
    let quiet = work.run(&format!("{arguments} --json out.json --quiet --strict --output out.csv")).code(1);
    quiet.stdout(is_empty()).stderr(is_empty());
    assert_eq!(Table::of(&work.read("out.csv")), found);
    let summary = work.json("out.json");
    assert_eq!((&summary["rows"], &summary["findings"]), (&json!(60), &json!(found.rows.len())));
    assert_eq!((&summary["kinds"]["group_spread"], &summary["kinds"]["mojibake"]), (&json!(20), &json!(1)));
    let fewer = work.table(&format!("{arguments},group_spread,tiny_class"));
    assert_eq!(fewer.rows.len(), found.rows.len() - 23);
    work.run(arguments)
        .success()
        .stderr(contains("checked 60 rows: ").and(contains("20  group_spread: groups on both")));
}

#[test]
fn a_split_is_compared_with_the_other_side() {
    let work = Work::new();
    let rows = |texts: &[String], group: usize| -> String {
        csv(
            &["text", "speech"],
            texts.iter().enumerate().map(|(i, text)| [text.clone(), format!("s{}", i / 5 + group)]),
        )
    };
    let all = sentences(40);
    let mut test = all[20..].to_vec();
    test[3] = all[7].replace('.', " !");
    test[5] = format!("{} {} At last.", all[8], all[9]);
    let mut train = all[..20].to_vec();
    train[8] = format!("{} {}", all[8], all[9]);
    work.write("train.csv", rows(&train, 0));
    work.write("test.csv", rows(&test, 3));
    let found = work.table("check train.csv --against test.csv --group-column speech");
    let told: Vec<(&str, &str, &str)> =
        found.rows.iter().map(|row| (row[0].as_str(), row[2].as_str(), row[6].as_str())).collect();
    assert_eq!(
        told,
        [
            ("8", "exact_duplicate", "same text as row 4 of test.csv"),
            ("9", "near_duplicate", told[1].2),
            ("16", "group_spread", "group s3: 5 of its rows are here, and it is in row 1 of test.csv too"),
        ]
    );
    assert!(told[1].2.ends_with("of its word triples with row 6 of test.csv"), "{}", told[1].2);
    work.run("check train.csv --against test.csv --strict").code(1);
}

#[test]
fn a_clean_corpus_and_one_without_labels_give_nothing() {
    let work = Work::new();
    work.write(
        "plain.csv",
        csv(&["id", "text"], sentences(50).iter().enumerate().map(|(i, t)| [i.to_string(), t.clone()])),
    );
    let run = work.run("check plain.csv --strict").success();
    run.stdout("row,id,kind,label,suggestion,score,detail\n")
        .stderr("checked 50 rows: nothing found\nnote: no row has a label: labels are not checked\n");
    work.write("speech.txt", sentences(3).join("\n\n"));
    work.run("check speech.txt").success().stderr(starts_with("checked 3 rows: nothing found"));
    // A column that was named has to be there.
    work.run("check plain.csv --topic-column subject").code(1).stderr(contains("there is no column \"subject\""));
}

#[test]
fn rows_count_through_files_and_the_detail_names_the_file() {
    let work = Work::new();
    let all = sentences(6);
    work.write("a.csv", csv(&["text"], all[..4].iter().map(|t| [t])));
    work.write("b.csv", csv(&["text"], [&all[4], &all[1], &all[5]].map(|t| [t])));
    let found = work.table("check a.csv b.csv");
    assert_eq!(
        found.rows,
        [["6", "", "exact_duplicate", "", "", "1.0000", "b.csv, row 2: same text as row 2 (a.csv, row 2)"]]
    );
}

/// The measure of confident learning: of labels wrong at random, most stand at the top.
#[test]
fn flipped_labels_are_found_near_the_top() {
    let work = Work::new();
    let data = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/statements.csv")).unwrap();
    let mut table = Table::of(&data);
    table.rows.truncate(1500);
    let topic = table.header.iter().position(|name| name == "topic").unwrap();
    let mut names: Vec<String> = table.rows.iter().map(|row| row[topic].clone()).collect();
    names.sort();
    names.dedup();
    let mut flipped = Vec::new();
    for (i, row) in table.rows.iter_mut().enumerate().filter(|(i, _)| i % 20 == 7) {
        let own = names.iter().position(|name| *name == row[topic]).unwrap();
        row[topic] = names[(own + 1 + i % (names.len() - 1)) % names.len()].clone();
        flipped.push((i + 1).to_string());
    }
    let header: Vec<&str> = table.header.iter().map(String::as_str).collect();
    work.write("flipped.csv", csv(&header, table.rows.iter()));
    let found = work.table("check flipped.csv --stance-column none --c 0.2");
    let suspects: Vec<&str> =
        found.rows.iter().filter(|row| row[2] == "suspect_label").map(|row| row[0].as_str()).collect();
    let top = &suspects[..suspects.len().min(table.rows.len() / 10)];
    let caught = flipped.iter().filter(|row| top.contains(&row.as_str())).count();
    assert!(caught * 10 >= flipped.len() * 6, "{caught} of {} among {}", flipped.len(), top.len());
    let first = &found.rows[0];
    assert!(first[6].starts_with(&format!("topic: {} ", first[4])) && first[6].contains("; words for "), "{first:?}");
    // Strongest first, and the same at any number of threads.
    let scores: Vec<f64> =
        found.rows.iter().filter(|r| r[2] == "suspect_label").map(|r| r[5].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    assert_eq!(work.table("check flipped.csv --stance-column none --c 0.2 --threads 1"), found);
}

#[test]
fn stances_are_suspected_given_the_topic() {
    let work = Work::new();
    let mut rows = corpus();
    for i in [20, 77] {
        rows[i].stance = if rows[i].stance == "oppose" { "support".into() } else { "oppose".into() };
    }
    work.write("slips.csv", csv(&common::HEADER, rows.iter().map(cells)));
    let found = work.table("check slips.csv --skip near_duplicate");
    let suspects = of_kind(&found, "suspect_label");
    let wanted = |i: usize| format!("{}|{}|{}", i + 1, rows[i].stance, corpus()[i].stance);
    assert!(suspects.contains(&wanted(20)) && suspects.contains(&wanted(77)), "{suspects:?}");
    assert!(suspects.len() < 6, "{suspects:?}");
}

/// Nothing to learn from is a note and no failure; a file that cannot be read is one.
#[test]
fn odd_files_are_survived() {
    let work = Work::new();
    let huge = format!("text,topic,stance\n\"{}\",a,b\nshort,c,d\n", "many words ".repeat(200_000));
    for (name, content, said) in [
        ("header.csv", "text,topic,stance\n", "checked 0 rows: nothing found"),
        ("one.csv", "text,topic,stance\nWe agree.,a,b\n", "checked 1 row: 2 findings"),
        (
            "same.csv",
            "text,topic\nWe agree.,a\nWe do not.,a\nPerhaps.,a\nNever.,a\nAlways.,a\n",
            "note: all rows have the same label",
        ),
        ("few.csv", "text,topic\nWe agree.,a\nWe do not.,b\n", "note: suspect labels are not looked for"),
        ("huge.csv", huge.as_str(), "checked 2 rows"),
    ] {
        work.write(name, content);
        work.run(&format!("check {name}")).success().stdout(starts_with("row,id,kind")).stderr(contains(said));
    }
    work.write("empty.csv", "");
    for name in ["empty.csv", "absent.csv"] {
        work.run(&format!("check {name} --output out.csv")).code(1).stdout(is_empty()).stderr(contains(name));
    }
    for arguments in ["--skip suspects", "--output one.csv", "--json one.csv"] {
        work.run(&format!("check one.csv {arguments}")).code(2).stderr(starts_with("error: "));
    }
    assert!(!work.files().contains(&"out.csv".to_owned()));
}
