//! `rapporteur tune`: what it writes, that it finds what is there to be found, and how it ends.

mod common;

use std::io::{BufRead, BufReader, Read, Write};

use common::{Table, Work, csv};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

/// A rare topic that one word makes likelier, but never likely: macro-F1 is best served by giving the topic wherever the word stands, accuracy by never giving it.
fn skewed() -> String {
    let rows = (0..400).map(|i| {
        let hint = i % 4 == 0;
        let rare = if hint { i % 12 == 0 } else { i % 25 == 1 };
        let filler = ["house", "member", "session", "minister", "question", "motion", "budget"];
        let words = format!("{} {} {}", filler[i * 5 % 7], filler[i * 3 % 7], filler[i / 7 % 7]);
        let text = if hint { format!("{words} perhaps") } else { words };
        [text, if rare { "rare" } else { "common" }.to_owned()]
    });
    csv(&["said", "about"], rows)
}

const COLUMNS: &str = "--text-column said --topic-column about --stance-column none";

#[test]
fn the_model_is_the_same_at_any_thread_count_and_every_trial_is_told() {
    let work = Work::new();
    work.run("tune corpus.csv -o one.model --trials 5 --threads 1").success();
    let summary = work.stdout("tune corpus.csv -o three.model --trials 5 --threads 3 --trials-csv t.csv --json -");
    assert_eq!(work.bytes("one.model"), work.bytes("three.model"));
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["ended"], &summary["candidates"]), (&"trials".into(), &5.into()));
    let table = Table::of(&work.read("t.csv"));
    assert_eq!(table.column("candidate")[..5], ["0", "1", "2", "3", "4"]);
    assert!(table.numbers("gain")[0] == 0.0 && table.numbers("rows").iter().all(|&n| n == common::ROWS as f64));
    // Each of the first candidates changes one option.
    let start = &table.rows[0][2..10];
    for row in &table.rows[1..5] {
        assert_eq!(row[2..10].iter().zip(start).filter(|(a, b)| a != b).count(), 1, "{row:?}");
    }
    // All but the seconds are the same in the other file.
    let without_seconds = |name: &str| -> Vec<Vec<String>> {
        let table = Table::of(&work.read(name));
        table
            .rows
            .into_iter()
            .map(|mut row| {
                row.pop();
                row
            })
            .collect()
    };
    assert_eq!(without_seconds("one.model.trials.csv"), without_seconds("t.csv"));
}

#[test]
fn what_helps_is_found_kept_in_the_model_and_written_as_a_configuration() {
    let work = Work::new();
    work.write("skewed.csv", skewed());
    work.run(&format!(
        "tune skewed.csv -o tuned.model --metric topic_accuracy --trials 22 --config-output best.toml --json s.json {COLUMNS} --seed 7"
    ))
    .success()
    .stderr(contains("thresholds = none"));
    let summary = work.json("s.json");
    assert_eq!(summary["changes"]["thresholds"], "none");
    assert!(summary["gain"].as_f64() > Some(0.02) && summary["best"].as_f64() > summary["start"].as_f64());
    assert_eq!(work.card("tuned.model")["options"]["thresholds"], false);
    work.run("train skewed.csv -o trained.model --config best.toml").success();
    assert_eq!(work.bytes("tuned.model"), work.bytes("trained.model"));
}

#[test]
fn options_that_are_given_stay() {
    let work = Work::new();
    work.write("given.toml", "char_ngrams = \"none\"\n");
    work.run("tune corpus.csv -o a.model --trials 4 --classifier logistic --config given.toml").success();
    let table = Table::of(&work.read("a.model.trials.csv"));
    assert!(!table.header.iter().any(|name| name == "classifier" || name == "char_ngrams"), "{:?}", table.header);
    let options = &work.card("a.model")["options"];
    assert!(options["classifier"] == "logistic" && options["char_ngrams"].is_null());
}

#[test]
fn a_time_budget_ends_the_search_and_the_model_is_written() {
    let work = Work::new();
    work.run("tune corpus.csv -o a.model --time-budget 0.5s --json s.json").success();
    assert!(work.json("s.json")["ended"] == "time" && !work.bytes("a.model").is_empty());
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_search_and_the_model_is_written() {
    let work = Work::new();
    work.write("skewed.csv", skewed());
    let arguments = format!("tune skewed.csv -o a.model --time-budget 1h --json s.json {COLUMNS}");
    let mut child = work.process(&arguments).spawn().unwrap();
    drop(child.stdin.take());
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("searching by macro_f1 for 1h"), "{line}");
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("interrupted") && rest.contains("written:"), "{rest}");
    assert_eq!(work.json("s.json")["ended"], "interrupted");
    assert!(Table::of(&work.read("a.model.trials.csv")).column("candidate").contains(&"0"));
    work.run("inspect a.model").success();
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let work = Work::new();
    for (arguments, told) in [
        ("--trials 0", "--trials needs at least 1"),
        ("--trials 3 --time-budget 3", "cannot be used with"),
        ("--time-budget soon", "expected a time such as 90, 120s, 10m or 1h"),
        ("--metric joint", "expected macro_f1"),
        ("--trials-csv corpus.csv", "would write over"),
        ("--trials-csv a.model", "cannot go to the same place"),
        ("--config-output corpus.csv", "would write over"),
        ("--char-weight 0", "a number from 0.01 to 100"),
    ] {
        work.run(&format!("tune corpus.csv -o a.model {arguments}")).code(2).stderr(contains(told));
    }
    work.write("few.csv", "text,topic,stance\na b,x,pro\nc d,y,con\n");
    work.run("tune few.csv -o a.model").code(1).stderr(contains("few.csv").and(contains("use `train`")));
    assert_eq!(work.files(), ["corpus.csv", "few.csv"]);
}

#[test]
fn rows_from_standard_input() {
    let work = Work::new();
    let mut child = work.process("tune - -o a.model --trials 2 --quiet").spawn().unwrap();
    child.stdin.take().unwrap().write_all(common::corpus_csv().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(work.files(), ["a.model", "a.model.trials.csv", "corpus.csv"]);
}
