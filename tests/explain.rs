//! `rapporteur explain`: the words in place.

mod common;

use common::Work;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};

#[test]
fn words_are_marked_where_they_stand() {
    let work = Work::with_model();
    let shown = work.stdout("explain We~reject~the~dam~upstream. --model a.model");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("paragraph 1: topic water (") && lines[0].contains("stance oppose (0."), "{shown}");
    assert!(lines[1].contains("upstream]") && lines[1].contains("[+"), "{shown}");
    // Taken out, the marks leave the text.
    let bare = lines[1].trim().replace("[+", "").replace("[-", "").replace(']', "");
    assert_eq!(bare, "We reject the dam upstream.");
    let starts = ["  for water: ", "  against water: ", "  for oppose: ", "  against oppose: "];
    assert!(lines[2..6].iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{shown}");
    assert!(lines[2].contains("upstream +") && lines[4].contains("reject +"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn the_number_of_words_is_an_option() {
    let work = Work::with_model();
    let shown = work.stdout("explain We~reject~the~dam~upstream. --model a.model --words 1");
    assert!(shown.lines().skip(2).all(|line| !line.contains(',')), "{shown}");
    assert_eq!(shown.lines().nth(1).unwrap().matches("[+").count(), 1);
}

#[test]
fn every_paragraph_of_a_file_is_explained() {
    let work = Work::with_model();
    work.write("speech.txt", "We reject the dam upstream.\n\nMy group gladly supports free school meals.\n");
    let shown = work.stdout("explain speech.txt --model a.model");
    assert!(shown.contains("paragraph 1: topic water") && shown.contains("paragraph 2: topic schools"), "{shown}");
    let mut command = work.command("explain - --model a.model");
    command.write_stdin(work.read("speech.txt")).assert().success().stdout(shown);
    work.write("table.csv", "id,title,body\n1,We reject,the dam upstream.\n");
    let shown = work.stdout("explain table.csv --text-column title,body --model a.model");
    assert!(shown.starts_with("paragraph 1: topic water") && shown.contains("stance oppose"), "{shown}");
}

#[test]
fn the_embedded_model_is_the_default() {
    let work = Work::new();
    work.run("explain We~call~for~the~sanctions~to~be~lifted.")
        .success()
        .stdout(starts_with("paragraph 1: topic sanctions ("));
}

#[test]
fn text_without_known_terms_is_said_to_be_so() {
    let work = Work::with_model();
    let shown = work.run("explain Ωχ --model a.model").success();
    shown.stdout(contains("topic none, stance none").and(contains("no term of it is known to the model")));
}

/// It was explained as if its name were a text.
#[test]
fn a_file_that_is_not_there_is_no_text() {
    let work = Work::new();
    work.run("explain absent.txt").code(1).stderr(starts_with("error: cannot open absent.txt: "));
}

/// Nothing at all was written.
#[test]
fn nothing_to_explain_is_wrong_usage() {
    let work = Work::new();
    work.run("explain ~").code(2).stderr(contains("nothing to explain"));
    work.run("explain").code(2).stderr(contains("<TEXT|FILE>"));
}

/// A text could clear the screen of who asked about it.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let work = Work::with_model();
    work.write("a.csv", "text\n\"We reject \u{1b}[2J the\u{7} dam upstream.\"\n");
    let shown = work.stdout("explain a.csv --model a.model");
    assert!(!shown.contains(['\u{1b}', '\u{7}']) && shown.contains("upstream"), "{shown:?}");
}
