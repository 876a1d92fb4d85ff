//! Limits: training tells what memory it will need before it takes it; classifying is bounded in memory and linear in time whatever the input.

mod common;

use common::Work;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};

#[test]
fn training_ends_with_a_message_before_it_takes_more_than_allowed() {
    let work = Work::new();
    work.write("old.model", "old");
    let refused = |command: &str, options: &str, doing: &str| {
        let output = work.run(&format!("{command} corpus.csv --output old.model {options}")).code(1);
        output.stderr(
            contains(format!("error: {doing} would take about ")).and(contains("are allowed (--max-memory)\n  ")),
        );
        assert_eq!(work.read("old.model"), "old");
        assert_eq!(work.files(), ["corpus.csv", "old.model"], "{options}");
    };
    refused("train", "--max-memory 20M", "reading the corpus");
    refused("train", "--max-memory 24.6MB", "training");
    refused("tune", "--trials 2 --max-memory 24.6MB", "training");
    let words: String = (0..100_000).map(|i| format!("word{i} ")).collect();
    work.write("long.csv", format!("text,topic\n{words},a\n{words},b\n"));
    work.run("train long.csv --stance-column none --output old.model --max-memory 45M")
        .code(1)
        .stderr(starts_with("error: counting the terms would take about "));
    std::fs::remove_file(work.path("long.csv")).unwrap();
    work.write("options.toml", "max_memory = '20M'\n");
    work.run("train corpus.csv --config options.toml --output old.model").code(1).stderr(contains("20 MB are allowed"));
    // The command line goes first, and a bound that is kept changes nothing.
    work.run("train corpus.csv --config options.toml --max-memory 4G --output bound.model").success();
    work.run("train corpus.csv --output free.model").success();
    assert!(work.bytes("bound.model") == work.bytes("free.model"));
    for wrong in ["--max-memory much", "--max-memory 0", "--max-memory 1X"] {
        work.run(&format!("train corpus.csv --output new.model {wrong}")).code(2).stderr(contains("800M"));
    }
    work.write("options.toml", "max_memory = 'much'\n");
    work.run("train corpus.csv --config options.toml --output new.model")
        .code(1)
        .stderr(contains("options.toml: max_memory: size is \"much\""));
}

/// With fewer terms the same corpus fits.
#[test]
fn what_the_message_advises_helps() {
    let work = Work::new();
    let bound = "train corpus.csv --output a.model --max-memory 25M";
    work.run(bound).code(1).stderr(contains("--min-df 2 or more").and(contains("--max-features")));
    work.run(&format!("{bound} --word-ngrams 1 --char-ngrams none")).success();
}

/// The forecast is above what was held, and not far above. On a corpus this small a good part of both is the program.
#[test]
#[cfg(target_os = "linux")]
fn the_forecast_covers_what_is_held() {
    let work = Work::new();
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/data/statements.csv");
    work.run(&format!("train {corpus} --output a.model --json a.json --threads 2")).success();
    let report = work.json("a.json");
    let (forecast, held) =
        (report["memory_forecast_bytes"].as_f64().unwrap(), report["peak_memory_bytes"].as_f64().unwrap());
    assert!(held < forecast && forecast < 2.0 * held, "{forecast} {held}");
}

/// Runs a command that the system ends if it takes more megabytes of address space, or more seconds of processor time, than this; what it says on standard error.
///
/// The seconds are no measurement: they are some fifty times what is needed where time is linear, and a thousandth of it where it is quadratic.
#[cfg(target_os = "linux")]
fn limited(work: &Work, arguments: &str, megabytes: usize, seconds: usize) -> String {
    let program = env!("CARGO_BIN_EXE_rapporteur");
    let script = format!("ulimit -v {megabytes}000; ulimit -t {seconds}; exec '{program}' {arguments} --threads 1");
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(work.path(""))
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {:?} {said}", output.status);
    said
}

/// A cell of 100 MB takes less than four and a half times as much; the same as rows takes what a small file does.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_that_of_the_largest_row() {
    let work = Work::with_model();
    let sentence = "The members discussed the dam upstream and the night train on Tuesday. ";
    let times = 100_000_000 / sentence.len();
    work.write("cell.csv", format!("id,text\n1,{}\n2,the dam upstream\n", sentence.repeat(times)));
    limited(&work, "classify cell.csv --model a.model --output out.csv", 450, 120);
    let out = work.bytes("out.csv");
    assert!(out.len() > 100_000_000 && out.ends_with(b"\n") && out.iter().filter(|&&b| b == b'\n').count() == 3);
    drop(out);
    std::fs::remove_file(work.path("cell.csv")).unwrap();
    work.write("rows.csv", format!("text\n{}", format!("{sentence}\n").repeat(times)));
    limited(&work, "classify rows.csv --model a.model --output out.csv", 110, 120);
    assert_eq!(work.bytes("out.csv").iter().filter(|&&b| b == b'\n').count(), times + 1);
}

/// Each text is of 8 MB or more; a step that looked at all of it again for each word or mark would take hours.
#[test]
#[cfg(target_os = "linux")]
fn pathological_texts_take_linear_time() {
    let work = Work::with_model();
    let texts: [(&str, String); 12] = [
        ("one word a million times", "embargoes ".repeat(1_000_000)),
        ("no space", "x".repeat(8_000_000)),
        ("no space, in Chinese", "水利工程建设".repeat(500_000)),
        ("Zalgo", "d\u{336}\u{301}\u{489}a\u{300}m\u{35f} ".repeat(700_000)),
        ("one letter under all marks", format!("d{}", "\u{301}".repeat(4_000_000))),
        ("marks alone", "\u{301}".repeat(4_000_000)),
        ("apostrophes", "l'".repeat(4_000_000)),
        ("hyphens", "a-".repeat(4_000_000)),
        ("dots", "a.b".repeat(3_000_000)),
        ("quotes to be doubled", "\"".repeat(4_000_000)),
        ("flags", "🇺".repeat(2_000_000)),
        ("joined faces", "👩\u{200d}".repeat(1_200_000)),
    ];
    for (what, text) in &texts {
        work.write("in.csv", common::csv(&["text"], [[text]]));
        limited(&work, "classify in.csv --model a.model --output out.csv --quiet", 400, 60);
        let table = common::Table::of(&work.read("out.csv"));
        assert!(table.rows.len() == 1 && table.rows[0][0] == *text, "{what}");
    }
    // As plain text, where sentences and paragraphs are looked for too, and as what is learnt from.
    for (what, text) in &texts {
        work.write("in.txt", text);
        limited(&work, "classify in.txt --model a.model --output out.csv --quiet", 700, 60);
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let table = common::Table::of(&work.read("out.csv"));
        assert_eq!(table.column("text").iter().map(|t| letters(t)).sum::<usize>(), letters(text), "{what}");
    }
    let rows = texts.iter().map(|(_, text)| [text.as_str(), "dam", "oppose"]);
    let others = (0..12).map(|_| ["the night train", "rail", "support"]);
    work.write("in.csv", common::csv(&["text", "topic", "stance"], rows.chain(others)));
    limited(&work, "train in.csv --output new.model --quiet", 4_000, 240);
}
