//! `rapporteur agree`: figures, matching of rows, disagreements.

mod common;

use common::{ROWS, Table, Work, corpus_csv, relabelled};
use predicates::str::{contains, starts_with};
use serde_json::{Value, json};

fn figures(work: &Work, arguments: &str) -> Value {
    serde_json::from_str(&work.stdout(&format!("agree {arguments} --json - --quiet"))).unwrap()
}

/// Krippendorff's example of four observers and missing data, as files of coders.
fn krippendorff(work: &Work) -> &'static str {
    let coders = ["123321412***", "1233224125*3", "*3332342251*", "12332441251*"];
    for (name, labels) in ["a", "b", "c", "d"].iter().zip(coders) {
        let rows = labels.chars().enumerate().filter(|(_, l)| *l != '*').map(|(i, l)| format!("u{i},text {i},{l}\n"));
        work.write(&format!("{name}.csv"), format!("id,text,topic\n{}", rows.collect::<String>()));
    }
    "a.csv b.csv c.csv d.csv --id-column id --stance-column none"
}

#[test]
fn the_published_example_with_missing_rows() {
    let work = Work::new();
    let arguments = krippendorff(&work);
    let all = figures(&work, arguments);
    let topic = &all["topic"];
    assert!((topic["alpha"].as_f64().unwrap() - 0.743421052631579).abs() < 1e-12);
    assert_eq!(
        (&topic["units"], &topic["complete_units"], &topic["disagreements"]),
        (&json!(11), &json!(8), &json!(3))
    );
    assert!(all["stance"].is_null() && all["joint"].is_null());
    let page = work.stdout(&format!("agree {arguments}"));
    assert!(page.contains("topic                                   11  0.743 ["), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    let table = work.table(&format!("agree {arguments} --output -"));
    assert_eq!(table.header[..4], ["id", "differs", "text", "topic:a.csv"]);
    assert_eq!(table.column("id"), ["u1", "u5", "u7"]);
    assert_eq!(work.stdout(&format!("agree {arguments} --threads 1")), page);
}

#[test]
fn rows_match_by_their_place_and_both_labels_count() {
    let work = Work::new();
    work.write(
        "b.csv",
        relabelled(|row| {
            if row.id % 4 == 0 {
                row.stance = "neutral".to_owned()
            }
        }),
    );
    work.run("agree corpus.csv b.csv --output out.csv --json out.json")
        .success()
        .stdout(contains("topic and stance together"));
    let (all, table) = (work.json("out.json"), Table::of(&work.read("out.csv")));
    assert_eq!(
        (&all["units"], &all["topic"]["alpha"], &all["topic"]["disagreements"]),
        (&json!(ROWS), &json!(1.0), &json!(0))
    );
    let differ = all["stance"]["disagreements"].as_u64().unwrap() as usize;
    assert!(differ > 10 && all["joint"]["disagreements"] == differ && table.rows.len() == differ);
    assert!(table.column("differs").iter().all(|what| *what == "stance"));
    assert!(table.column("stance:b.csv").iter().all(|stance| *stance == "neutral"));
    let label = &all["stance"]["labels"]["support"];
    assert!(label["alpha"].as_f64().unwrap() < 1.0 && label["alpha_interval"]["low"].is_number());
    assert_eq!(all["joint"]["labels"]["rail / support"]["percent_agreement"].as_f64().map(|p| p < 1.0), Some(true));
    let grouped = figures(&work, "corpus.csv b.csv --group-column speaker");
    assert_eq!(grouped["bootstrap"]["units"], 6);
    assert!(grouped["warnings"][0].as_str().unwrap().contains("6 groups"));
}

#[test]
fn rows_that_do_not_match_are_refused_with_their_place() {
    let work = Work::new();
    let all = corpus_csv();
    work.write("short.csv", all.lines().take(9).map(|l| format!("{l}\n")).collect::<String>());
    work.write("other.csv", all.replacen("a report on the ban", "a word on the ban", 1));
    work.write("twice.csv", format!("{all}{}\n", all.lines().nth(3).unwrap()));
    work.write("bare.csv", "id,text,topic,stance\n");
    work.write("empty.csv", "");
    for (arguments, said) in [
        ("corpus.csv short.csv", "short.csv: it has 8 rows, and the first coder 144"),
        ("short.csv corpus.csv", "corpus.csv: it has more rows than the 8 of the first coder"),
        ("corpus.csv other.csv", "other.csv, line 2: the text of row 1 is not that of another coder"),
        ("corpus.csv other.csv --id-column id", "other.csv, line 2: the text of id \"1\" is not that of"),
        ("corpus.csv twice.csv --id-column id", "twice.csv, line 146: the id \"3\" stands on line 4 too"),
        ("bare.csv bare.csv", "no text has labels of two coders"),
        ("corpus.csv empty.csv", "empty.csv"),
        ("corpus.csv short.csv --id-column nr", "there is no column \"nr\""),
    ] {
        work.run(&format!("agree {arguments}")).code(1).stderr(starts_with("error: ")).stderr(contains(said));
    }
    for arguments in
        ["corpus.csv", "- -", "corpus.csv short.csv --json corpus.csv", "corpus.csv short.csv --json x --output x"]
    {
        work.run(&format!("agree {arguments}")).code(2);
    }
    // A coder who lacks rows is well where rows have names.
    let found = figures(&work, "corpus.csv short.csv --id-column id");
    assert_eq!((&found["units"], &found["topic"]["units"]), (&json!(ROWS), &json!(8)));
    // One label alone: agreement is full, and nothing beyond chance can be said.
    assert!(found["topic"]["alpha"].is_null() && found["topic"]["percent_agreement"] == 1.0);
    assert_eq!(work.read("corpus.csv"), all);
}
