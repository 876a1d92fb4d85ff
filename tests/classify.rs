//! `rapporteur classify`: every option by its effect on the output.

mod common;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use common::{
    HEADER, ROWS, STANCES, TOPICS, Table, Work, cells, corpus, corpus_csv, csv, gunzip, gzip, relabelled, separated,
    unzstd, zstd,
};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::{Value, json};

const ANSWERS: [&str; 4] = ["topic", "topic_probability", "stance", "stance_probability"];

/// Statements without labels, among them one that says nothing.
const STATEMENTS: &str = "\
id,text,note\n\
7,We reject the dam upstream.,\" a \"\"quoted\"\" cell \"\n\
7,\"My group gladly supports, in all its parts,\nthe night train.\",\n\
,,empty\n\
x,Ωχ!,unknown word\n";

fn work() -> Work {
    let work = Work::with_model();
    work.write("in.csv", STATEMENTS);
    work
}

/// The lines of JSON in a text.
fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The first rows of a corpus as JSON Lines, with fields that a table would not keep as they are.
fn jsonl() -> String {
    corpus()[..20]
        .iter()
        .map(|r| {
            format!("{{\"n\": 1.50, \"text\": {}, \"deep\": {{\"a\": [1, 2]}}, \"id\":{}}}\n", json!(r.text), r.id)
        })
        .collect()
}

#[test]
fn columns_stay_as_they_are_and_four_are_added() {
    let work = work();
    let out = work.table("classify in.csv --model a.model");
    assert_eq!(out.header, [&["id", "text", "note"][..], &ANSWERS].concat());
    let input = Table::of(STATEMENTS);
    assert_eq!(out.rows.iter().map(|row| row[..3].to_vec()).collect::<Vec<_>>(), input.rows);
    assert_eq!(out.column("topic"), ["water", "rail", "", ""]);
    assert_eq!(out.column("stance"), ["oppose", "support", "", ""]);
    for name in ["topic_probability", "stance_probability"] {
        let cells = out.column(name);
        assert!(cells[..2].iter().all(|p| (0.4..=1.0).contains(&p.parse::<f64>().unwrap())), "{cells:?}");
        assert_eq!(cells[2..], ["", ""]);
    }
}

#[test]
fn rows_without_text_or_known_terms_are_counted() {
    let work = work();
    let said = work.stderr("classify in.csv --model a.model");
    assert_eq!(said, "note: 2 of 4 rows have no text, or no term that the model knows; their labels are empty\n");
    work.run("classify in.csv --model a.model --quiet").success().stderr(is_empty());
}

#[test]
fn names_that_clash_get_a_prefix() {
    let work = work();
    let said = work.stderr("classify corpus.csv --model a.model --output out.csv");
    assert!(said.contains("written as predicted_topic, predicted_topic_probability, ..."), "{said}");
    let out = Table::of(&work.read("out.csv"));
    assert_eq!(out.header[..5], HEADER);
    assert_eq!(out.header[5..], ANSWERS.map(|name| format!("predicted_{name}")));
    // All four, even if one clashes; and once more where those are taken.
    work.write("one.csv", "text,stance_probability\nWe reject the dam.,high\n");
    assert!(work.table("classify one.csv --model a.model").header.contains(&"predicted_topic".to_owned()));
    let said = work.stderr("classify out.csv --model a.model --output twice.csv");
    assert!(said.contains("written as predicted_predicted_topic,"), "{said}");
    assert!(Table::of(&work.read("twice.csv")).header.contains(&"predicted_predicted_stance".to_owned()));
}

/// Only the four names were looked at.
#[test]
fn names_of_scores_and_next_topics_do_not_clash_either() {
    let work = work();
    work.write("a.csv", "text,topic_2,stance:oppose\nWe reject the dam.,x,y\n");
    for arguments in ["--top 2", "--scores"] {
        let out = work.table(&format!("classify a.csv --model a.model {arguments}"));
        assert!(out.header.contains(&"predicted_topic".to_owned()), "{:?}", out.header);
        let mut names = out.header.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), out.header.len());
    }
}

#[test]
fn the_embedded_model_is_the_default() {
    let work = work();
    work.write("speech.txt", "My delegation calls for the sanctions to be lifted without delay.\n");
    let out = work.table("classify speech.txt");
    assert_eq!(out.header, [&["source", "paragraph", "text"][..], &ANSWERS].concat());
    assert_eq!((out.column("source")[0], out.column("paragraph")[0]), ("speech.txt", "1"));
    assert_eq!(out.column("topic"), ["sanctions"]);
}

#[test]
fn scores_sum_to_one() {
    let work = work();
    let out = work.table("classify corpus.csv --model a.model --scores --quiet");
    let names = |kind: &str, labels: &[&str]| -> Vec<String> {
        labels.iter().map(|label| format!("predicted_{kind}:{label}")).collect()
    };
    let (topics, stances) = (names("topic", &TOPICS), names("stance", &STANCES));
    assert_eq!(out.header[9..], [topics.clone(), stances.clone()].concat());
    for (group, label, share) in [
        (topics, "predicted_topic", "predicted_topic_probability"),
        (stances, "predicted_stance", "predicted_stance_probability"),
    ] {
        let columns: Vec<Vec<f64>> = group.iter().map(|name| out.numbers(name)).collect();
        for row in 0..ROWS {
            let sum: f64 = columns.iter().map(|column| column[row]).sum();
            assert!((sum - 1.0).abs() < 1e-3, "{sum}");
            let own = group.iter().position(|name| name.ends_with(&format!(":{}", out.column(label)[row]))).unwrap();
            assert_eq!(columns[own][row], out.numbers(share)[row]);
        }
    }
    assert!(work.table("classify in.csv --model a.model --scores").rows[2][7..].iter().all(String::is_empty));
}

#[test]
fn top_lists_the_next_best_topics() {
    let work = work();
    let out = work.table("classify in.csv --model a.model --top 3 --scores");
    assert_eq!(out.header[7..11], ["topic_2", "topic_2_probability", "topic_3", "topic_3_probability"]);
    for row in 0..2 {
        let mut shares: Vec<(f64, &str)> =
            TOPICS.iter().map(|topic| (out.numbers_of(&format!("topic:{topic}"), row), *topic)).collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        let listed = ["topic", "topic_2", "topic_3"].map(|name| out.column(name)[row]);
        // Two topics may be as probable to four digits.
        let of = |topic: &str| shares.iter().find(|share| share.1 == topic).unwrap().0;
        assert_eq!(listed.map(of).to_vec(), shares[..3].iter().map(|s| s.0).collect::<Vec<_>>());
        assert!(listed[0] != listed[1] && listed[1] != listed[2]);
        assert_eq!(out.numbers_of("topic_2_probability", row), shares[1].0);
    }
    assert!(out.rows[2][3..].iter().all(String::is_empty));
    // More than there are topics: the rest is empty.
    let out = work.table("classify in.csv --model a.model --top 6");
    assert_eq!((out.column("topic_5")[0], out.column("topic_6_probability")[0]), ("", ""));
}

impl Table {
    fn numbers_of(&self, name: &str, row: usize) -> f64 {
        self.column(name)[row].parse().unwrap()
    }
}

#[test]
fn evidence_names_the_words() {
    let work = work();
    let out = work.table("classify in.csv --model a.model --evidence 2");
    assert_eq!(out.header[7..], ["topic_evidence", "stance_evidence"]);
    assert!(out.column("topic_evidence")[0].contains("upstream "), "{out:?}");
    assert!(out.column("stance_evidence")[0].contains("reject "), "{out:?}");
    assert!(out.column("topic_evidence").iter().all(|cell| cell.split("; ").count() <= 2));
    assert_eq!(out.column("stance_evidence")[2..], ["", ""]);
}

#[test]
fn a_known_topic_is_taken_as_given() {
    let work = work();
    work.write(
        "known.csv",
        "text,target\nWe reject the dam upstream.,rail\nWe reject the dam upstream., \nWe reject it.,harbours\n",
    );
    let result = work.run("classify known.csv --model a.model --known-topic target").success();
    let result = result.stderr(contains("note: 1 row names a topic that the model does not know; its stance comes"));
    let out = Table::of(std::str::from_utf8(&result.get_output().stdout).unwrap());
    assert_eq!(out.column("topic"), ["rail", "water", "harbours"]);
    assert_eq!(out.column("stance"), ["oppose", "oppose", "oppose"]);
    let shares = out.column("topic_probability");
    assert!(shares[0] == "1.0000" && shares[1] < "1" && shares[2] == "1.0000", "{shares:?}");
}

/// `topic_2` was the second of all topics, were it the one given or not.
#[test]
fn next_best_topics_are_others_than_the_one_given() {
    let work = work();
    work.write("known.csv", "text,target\nWe reject the dam upstream.,rail\nWe reject the dam upstream.,water\n");
    let out = work.table("classify known.csv --model a.model --known-topic target --top 4");
    assert_eq!(out.column("topic_2")[0], "water");
    for row in 0..2 {
        let mut listed = ["topic", "topic_2", "topic_3", "topic_4"].map(|name| out.column(name)[row]);
        listed.sort_unstable();
        assert_eq!(listed, TOPICS);
    }
}

#[test]
fn a_topic_never_seen_with_a_stance_gets_none() {
    let work = work();
    work.write(
        "gap.csv",
        relabelled(|row| {
            if row.topic == "rail" {
                row.stance = "NA".to_owned()
            }
        }),
    );
    work.run("train gap.csv --output gap.model --quiet").success();
    let out = work.table("classify corpus.csv --model gap.model --scores --quiet");
    for (row, topic) in out.column("predicted_topic").iter().enumerate() {
        let stance = [out.column("predicted_stance")[row], out.column("predicted_stance_probability")[row]];
        let scores = out.column("predicted_stance:support")[row];
        assert_eq!(stance == ["", ""], *topic == "rail");
        // They were 0.0000, which sums to no probability.
        assert_eq!(scores.is_empty(), *topic == "rail");
    }
}

#[test]
fn models_of_one_head_leave_the_other_empty() {
    let work = work();
    work.run("train corpus.csv --output t.model --stance-column none --quiet").success();
    let out = work.table("classify in.csv --model t.model");
    assert_eq!(
        (out.column("topic")[0], out.column("stance")[0], out.column("stance_probability")[0]),
        ("water", "", "")
    );
    work.run("train corpus.csv --output s.model --topic-column none --quiet").success();
    let out = work.table("classify in.csv --model s.model --scores --top 2 --evidence 1");
    assert_eq!((out.column("topic")[0], out.column("topic_2")[0], out.column("stance")[0]), ("", "", "oppose"));
    assert!(!out.header.iter().any(|name| name.starts_with("topic:")));
}

#[test]
fn json_lines_in_give_a_table_of_the_first_records_fields() {
    let work = work();
    work.write("in.jsonl", jsonl() + "{\"text\": \"We reject the dam.\", \"new\": 1}\n");
    let late = "note: 1 records have fields that the first record has not: \"new\". A table has no column for them";
    work.run("classify in.jsonl --model a.model").success().stderr(contains(late));
    work.run("classify in.jsonl --model a.model --output out.jsonl").success().stderr(contains("first record").not());
    let out = work.table("classify in.jsonl --model a.model");
    assert_eq!(out.header, [&["n", "text", "deep", "id"][..], &ANSWERS].concat());
    assert_eq!(out.rows[0][..4], ["1.50", &corpus()[0].text, "{\"a\":[1,2]}", "1"]);
    assert_eq!(out.rows[20][..5], ["", "We reject the dam.", "", "", "water"]);
}

#[test]
fn json_lines_out_keep_all_fields() {
    let work = work();
    work.write("in.jsonl", jsonl() + "{\"text\": \"\", \"new\": 1}\n{}\n");
    work.run("classify in.jsonl --model a.model --output out.jsonl --scores --top 2 --evidence 1 --quiet").success();
    let text = work.read("out.jsonl");
    assert!(text.starts_with("{\"n\": 1.50, \"text\": "), "{text}");
    let records = json_lines(&text);
    assert_eq!((&records[0]["deep"], &records[0]["topic"]), (&json!({"a": [1, 2]}), &json!("forests")));
    assert!(records[0]["topic_probability"].as_f64().unwrap() > 0.4 && records[0]["topic_2"].is_string());
    assert!(records[0]["topic_evidence"].as_str().unwrap().contains(' ') && records[0]["stance:oppose"].is_number());
    for record in &records[20..] {
        let answers = record.as_object().unwrap().iter().filter(|(name, _)| !["text", "new"].contains(&name.as_str()));
        assert!(answers.clone().count() == 4 + 2 + 2 + 7 && answers.clone().all(|(_, v)| v.is_null()), "{record}");
    }
    // Tables become records too.
    work.run("classify in.csv --model a.model --output table.jsonl --quiet").success();
    let records = json_lines(&work.read("table.jsonl"));
    assert_eq!((&records[0]["note"], &records[0]["topic"]), (&json!(" a \"quoted\" cell "), &json!("water")));
    assert_eq!((&records[2]["id"], &records[2]["stance"]), (&json!(""), &json!(null)));
}

/// A topic named NaN, or 1e3, was written as a number.
#[test]
fn labels_like_numbers_are_texts_in_json() {
    let work = work();
    let name = |topic: &str| if topic == "rail" { "NaN" } else { "1e3" }.to_owned();
    work.write("odd.csv", relabelled(|row| row.topic = name(&row.topic)));
    work.run("train odd.csv --output odd.model --quiet").success();
    work.run("classify in.csv --model odd.model --output out.jsonl --top 2 --quiet").success();
    let records = json_lines(&work.read("out.jsonl"));
    assert_eq!((&records[0]["topic_2"], &records[1]["topic_2"]), (&json!("NaN"), &json!("1e3")));
}

/// The field was there twice, and its first value lost to most readers.
#[test]
fn a_late_json_field_with_the_name_of_an_answer_is_kept() {
    let work = work();
    work.write(
        "in.jsonl",
        "{\"text\": \"We reject the dam.\"}\n{\"text\": \"We reject the dam.\", \"topic\": \"mine\"}\n",
    );
    let said = work.stderr("classify in.jsonl --model a.model --output out.jsonl");
    assert!(said.contains("note: 1 record has fields of these names already"), "{said}");
    let records = json_lines(&work.read("out.jsonl"));
    assert_eq!((&records[0]["topic"], &records[1]["topic"]), (&json!("water"), &json!("mine")));
    assert_eq!(records[1]["predicted_topic"], "water");
}

#[test]
fn tables_of_other_delimiters() {
    let work = work();
    let rows = corpus();
    let expected = work.stdout("classify corpus.csv --model a.model --quiet");
    let (tabs, semicolons) = [b'\t', b';'].map(|d| separated(d, &HEADER, rows.iter().map(cells))).into();
    work.write("in.tsv", &tabs);
    work.write("tabs.dat", &tabs);
    work.write("in2.csv", &semicolons);
    for arguments in ["in.tsv", "tabs.dat --format tsv", "in2.csv", "in2.csv --delimiter auto"] {
        assert_eq!(work.stdout(&format!("classify {arguments} --model a.model --quiet")), expected, "{arguments}");
    }
    // A delimiter that is named is used on both sides, and so is the name of the output.
    let out = work.stdout("classify in2.csv --model a.model --quiet --delimiter ;");
    assert_eq!(Table::separated(b';', &out), Table::of(&expected));
    work.run("classify in2.csv --model a.model --quiet --output out.tsv").success();
    assert_eq!(Table::separated(b'\t', &work.read("out.tsv")), Table::of(&expected));
}

#[test]
fn several_inputs_are_one_stream() {
    let work = work();
    let rows = corpus();
    work.write("one.csv", csv(&HEADER, rows[..30].iter().map(cells)));
    work.write("two.csv.gz", gzip(csv(&HEADER, rows[30..].iter().map(cells))));
    let expected = work.stdout("classify corpus.csv --model a.model --quiet");
    assert_eq!(work.stdout("classify one.csv two.csv.gz --model a.model --quiet"), expected);
    work.write("a.txt", "We reject the dam.\n\nWe welcome the night train.\n");
    work.write("b.txt", "The timber quota.\n");
    let out = work.table("classify a.txt b.txt --model a.model");
    assert_eq!((out.column("source"), out.column("paragraph")), (vec!["a.txt", "a.txt", "b.txt"], vec!["1", "2", "1"]));
}

/// It was found out when the files before it were done.
#[test]
fn a_missing_input_is_told_before_the_work() {
    let work = work();
    let refused = work.run("classify in.csv absent.csv --model a.model").code(1);
    refused.stdout(is_empty()).stderr(starts_with("error: cannot open absent.csv: "));
    let refused = work.run("classify in.csv corpus.csv --model a.model --output out.csv --quiet").code(1);
    refused.stderr(contains("corpus.csv: the header differs from that of in.csv; it lacks \"note\""));
    assert_eq!(work.files(), ["a.model", "corpus.csv", "in.csv"]);
}

#[test]
fn standard_input_is_read_and_its_format_told() {
    let work = work();
    let expected = work.stdout("classify corpus.csv --model a.model --quiet");
    for arguments in ["-", "", "--format csv", "- --text-column text"] {
        let mut command = work.command(&format!("classify {arguments} --model a.model --quiet"));
        command.write_stdin(corpus_csv()).assert().success().stdout(expected.clone());
        command.write_stdin(zstd(corpus_csv())).assert().success().stdout(expected.clone());
    }
    let mut command = work.command("classify - --model a.model");
    let result = command.write_stdin("We reject the dam.\n\nWe welcome it.\n").assert().success();
    let out = Table::of(std::str::from_utf8(&result.get_output().stdout).unwrap());
    assert_eq!((out.column("source"), out.rows.len()), (vec!["-", "-"], 2));
    command.write_stdin(jsonl()).assert().success().stdout(starts_with("n,text,deep,id,topic,"));
    // A word for text wins over what it looks like.
    let mut command = work.command("classify - --format text --model a.model");
    command.write_stdin(STATEMENTS).assert().success().stdout(starts_with("source,paragraph,text,"));
}

#[test]
fn compressed_in_and_out() {
    let work = work();
    let expected = work.stdout("classify corpus.csv --model a.model --quiet");
    work.write("in.csv.gz", gzip(corpus_csv()));
    work.write("in.csv.zst", zstd(corpus_csv()));
    for input in ["in.csv.gz", "in.csv.zst"] {
        work.run(&format!("classify {input} --model a.model --quiet --output out.csv.gz")).success();
        work.run(&format!("classify {input} --model a.model --quiet --output out.csv.zst")).success();
        assert_eq!(gunzip(&work.bytes("out.csv.gz")), expected);
        assert_eq!(unzstd(&work.bytes("out.csv.zst")), expected);
    }
    work.run("classify in.csv.gz --model a.model --quiet --output out.jsonl.zst").success();
    assert_eq!(json_lines(&unzstd(&work.bytes("out.jsonl.zst"))).len(), ROWS);
}

#[test]
fn a_byte_order_mark_on_demand() {
    let work = work();
    let plain = work.stdout("classify in.csv --model a.model");
    assert_eq!(work.stdout("classify in.csv --model a.model --bom"), format!("\u{FEFF}{plain}"));
    work.run("classify in.csv --model a.model --bom --output out.csv").success();
    assert_eq!(work.read("out.csv"), format!("\u{FEFF}{plain}"));
    // What is written so is read again.
    assert_eq!(work.table("classify out.csv --model a.model --quiet").header[0], "id");
}

#[test]
fn columns_of_text_are_joined() {
    let work = work();
    let halves =
        corpus().into_iter().map(|r| r.text.split_once(' ').map(|(a, b)| [b.to_owned(), a.to_owned()]).unwrap());
    work.write("halves.csv", csv(&["body", "title"], halves));
    let whole = work.table("classify corpus.csv --model a.model --quiet");
    let joined = work.table("classify halves.csv --model a.model --text-column title,body");
    assert_eq!(joined.header[..2], ["body", "title"]);
    for name in ANSWERS {
        assert_eq!(joined.column(name), whole.column(&format!("predicted_{name}")));
    }
}

#[test]
fn output_may_be_the_input() {
    let work = work();
    let expected = work.stdout("classify in.csv --model a.model");
    work.run("classify in.csv --model a.model --output in.csv").success().stdout(is_empty());
    assert_eq!(work.read("in.csv"), expected);
}

#[test]
fn pretty_is_for_terminals_and_a_pipe_gets_csv() {
    let work = work();
    let plain = work.stdout("classify in.csv --model a.model");
    assert_eq!(work.stdout("classify in.csv --model a.model --pretty"), plain);
}

#[test]
fn threads_do_not_change_a_byte() {
    let work = work();
    let mut rows = Vec::new();
    for _ in 0..40 {
        rows.extend(corpus());
    }
    work.write("big.csv", csv(&HEADER, rows.iter().map(cells)));
    let options = "--model a.model --scores --top 2 --evidence 2 --quiet";
    let one = work.stdout(&format!("classify big.csv {options} --threads 1"));
    assert!(one == work.stdout(&format!("classify big.csv {options} --threads 3")));
    assert!(one == work.stdout(&format!("classify big.csv {options}")));
    assert_eq!(Table::of(&one).column("id"), rows.iter().map(|r| r.id.to_string()).collect::<Vec<_>>());
}

/// The paragraphs of a text.
fn paragraphs(text: &str, options: &str) -> Vec<String> {
    let work = work();
    work.write("speech.txt", text);
    let out = work.table(&format!("classify speech.txt --model a.model --quiet {options}"));
    let numbers: Vec<String> = (1..=out.rows.len()).map(|n| n.to_string()).collect();
    assert_eq!(out.column("paragraph"), numbers);
    out.column("text").into_iter().map(str::to_owned).collect()
}

#[test]
fn text_with_blank_lines_between_paragraphs() {
    let found =
        paragraphs("\n\nWe thank the mayor for the report.\n\n\n  The dam is a mistake.  \n \t\nThank you.\n", "");
    assert_eq!(found, ["We thank the mayor for the report.", "The dam is a mistake.", "Thank you."]);
}

#[test]
fn text_with_a_paragraph_a_line() {
    let lines = [
        "Madam Chair,",
        "The night train has brought guests to our valley for forty years, and it has never once been late by more than an hour.",
        "We were told in March that it would end in May. Nobody asked the villages, nobody asked the hotels, and nobody asked those who drive it.",
        "It should stay.",
        "There is money for a third lane of the motorway, for a new hall at the airport and for the lights of the stadium; there must be some for a train.",
    ];
    assert_eq!(paragraphs(&format!("\n\n{}\n\n\n", lines.join("\n")), ""), lines);
}

#[test]
fn text_with_hard_wrapped_lines() {
    let text = "\
The oak woods above the town were planted by
people who knew that they would never sit in
their shade. We owe it to them to think as far
ahead, and the administra-
tion of the woods has done so until now.
The new quota breaks with this. It would take
more timber in ten years than has been taken in
12

a hundred, and it would leave the hillsides bare.
My group asks the minister to withdraw it before
the summer.
";
    let found = paragraphs(text, "");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].ends_with("and the administration of the woods has done so until now."), "{found:#?}");
    assert!(found[1].contains("than has been taken in a hundred, and it would leave"), "{found:#?}");
}

#[test]
fn text_in_one_endless_line_is_split_at_sentences() {
    let sentence = "The teachers have waited for this deal since the spring of last year. ";
    let found = paragraphs(&sentence.repeat(100), "");
    assert!(found.len() > 3 && found.iter().all(|p| p.ends_with("last year.") && p.split(' ').count() <= 260));
    let short = paragraphs(&sentence.repeat(100), "--max-words 30");
    assert!(short.len() >= 40 && short.iter().all(|p| p.ends_with("last year.") && p.split(' ').count() <= 39));
    assert_eq!(found.join(" "), short.join(" "));
}

/// They were lost when they stood in one batch with it.
#[test]
fn rows_before_a_bad_one_are_written() {
    let work = work();
    let good: String = (0..100).map(|i| format!("{i},We reject the dam.\n")).collect();
    work.write("bad.csv", format!("id,text\n{good}100,too,many\n101,We reject it.\n"));
    let records: String = (0..100).map(|i| format!("{{\"id\": {i}, \"text\": \"We reject the dam.\"}}\n")).collect();
    work.write("bad.jsonl", format!("{records}{{\"id\": }}\n"));
    for (name, place) in [("bad.csv", "bad.csv, line 102: found 3 fields"), ("bad.jsonl", "bad.jsonl, line 101: ")] {
        for threads in [1, 3] {
            let result = work.run(&format!("classify {name} --model a.model --threads {threads}")).code(1);
            let result = result.stderr(starts_with(format!("error: {place}")));
            let out = Table::of(std::str::from_utf8(&result.get_output().stdout).unwrap());
            assert_eq!(out.column("id"), (0..100).map(|i| i.to_string()).collect::<Vec<_>>());
        }
        // A file is whole or not at all.
        work.run(&format!("classify {name} --model a.model --output out.csv")).code(1);
        assert!(!work.path("out.csv").exists());
    }
    assert_eq!(work.files(), ["a.model", "bad.csv", "bad.jsonl", "corpus.csv", "in.csv"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let work = work();
    work.write("big.csv", csv(&["text"], (0..30_000).map(|i| [format!("We reject the dam for the {i}th time.")])));
    let mut child = work.process("classify big.csv --model a.model").spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"text,topic");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

/// Waits for something to come true.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The temporary file stayed behind.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let work = work();
    let before = work.files();
    for times in [1, 2] {
        let mut child = work.process("classify - --format csv --model a.model --output out.csv").spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"id,text\n1,We reject the dam.\n").unwrap();
        input.flush().unwrap();
        until("the output was not begun", || work.files().len() > before.len());
        let interrupt = || {
            let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(kill.unwrap().success());
        };
        (0..times).for_each(|_| interrupt());
        until("it did not end", || child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(work.files(), before);
        drop(input);
    }
}

#[test]
fn odd_bytes_and_line_ends_pass() {
    let work = work();
    work.write("nul.csv", "id,text\n1,\"the \0 dam \0 upstream\"\n\0,\0\n");
    let out = work.table("classify nul.csv --model a.model --quiet");
    assert_eq!((out.column("id"), out.column("topic")), (vec!["1", "\0"], vec!["water", ""]));
    assert_eq!(out.column("text")[0], "the \0 dam \0 upstream");
    for end in ["\r", "\r\n"] {
        work.write("ends.csv", format!("id,text{end}1,\"the dam{end}upstream\"{end}2,free school meals{end}"));
        let out = work.table("classify ends.csv --model a.model");
        assert_eq!(out.column("topic"), ["water", "schools"]);
        assert_eq!(out.column("text")[0], format!("the dam{end}upstream"));
    }
}

#[test]
fn cells_and_headers_of_any_size_pass() {
    let work = work();
    work.write("long.csv", format!("id,text\n1,{}\n2,the dam upstream\n", "x".repeat(3_000_000)));
    let out = work.table("classify long.csv --model a.model --quiet");
    assert_eq!((out.column("text")[0].len(), out.column("topic")[1]), (3_000_000, "water"));
    let names: Vec<String> = (0..50_000).map(|i| format!("c{i}")).collect();
    work.write("wide.csv", format!("text,{}\nthe dam upstream,{}\n", names.join(","), ["1"; 50_000].join(",")));
    let out = work.table("classify wide.csv --model a.model");
    assert_eq!((out.header.len(), out.column("topic")), (50_005, vec!["water"]));
    work.write("empty.csv", format!("id,text\n{}", ",\n".repeat(100_000)));
    let result = work.run("classify empty.csv --model a.model --output out.csv").success();
    result.stderr(contains("100000 of 100000 rows have no text").and(contains("error").not()));
    assert_eq!(work.read("out.csv").lines().count(), 100_001);
}

#[test]
fn a_header_without_rows_gives_a_header() {
    let work = work();
    work.write("none.csv", "id,text\n");
    assert_eq!(work.stdout("classify none.csv --model a.model"), format!("id,text,{}\n", ANSWERS.join(",")));
}

#[test]
fn labels_that_are_not_sure_enough_are_withheld_and_guessed() {
    let work = work();
    let plain = work.table("classify corpus.csv --model a.model");
    // A bar that some labels of either head reach, and some do not.
    let median = |column: &str| {
        let mut values = plain.numbers(column);
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let bar = median("predicted_topic_probability").min(median("predicted_stance_probability"));
    let out = work.table(&format!("classify corpus.csv --model a.model --min-probability {bar}"));
    let answers = ["topic", "topic_probability", "stance", "stance_probability", "topic_guess", "stance_guess"];
    assert_eq!(out.header[5..], answers.map(|name| format!("predicted_{name}")));
    for (guess, label) in [("topic_guess", "topic"), ("stance_guess", "stance")] {
        let (guess, label) = (format!("predicted_{guess}"), format!("predicted_{label}"));
        assert_eq!(out.column(&guess), plain.column(&label));
        let probability = format!("{label}_probability");
        assert_eq!(out.column(&probability), plain.column(&probability));
        let written = out.column(&label);
        assert!(written.contains(&"unsure") && written.iter().any(|label| *label != "unsure"), "{written:?}");
    }
    let topics = out.column("predicted_topic").into_iter().zip(out.numbers("predicted_topic_probability"));
    // Probabilities are written rounded.
    assert!(topics.filter(|(_, p)| (p - bar).abs() > 1e-4).all(|(topic, p)| (topic == "unsure") == (p < bar)));
    let stances = out.column("predicted_stance").into_iter().zip(out.column("predicted_topic"));
    assert!(stances.filter(|(_, topic)| *topic == "unsure").all(|(stance, _)| stance == "unsure"));
    work.run("classify corpus.csv --model a.model --min-probability 0.9 --output o.csv")
        .success()
        .stderr(contains("of unsure topic and "));
}

#[test]
fn rows_without_an_answer_are_not_unsure_and_a_known_topic_is_sure() {
    let work = work();
    let out = work.table("classify in.csv --model a.model --min-probability 0.999999");
    assert_eq!(out.column("topic"), ["unsure", "unsure", "", ""]);
    assert_eq!(out.column("topic_guess"), ["water", "rail", "", ""]);
    assert_eq!(out.column("stance_guess"), ["oppose", "support", "", ""]);
    let out = work.table("classify corpus.csv --model a.model --known-topic topic --min-probability 0.999999");
    assert!(out.column("predicted_topic").iter().all(|topic| *topic != "unsure"));
    let out = work.stdout("classify in.csv --model a.model --min-probability 0.999999 --output o.jsonl");
    assert_eq!(out, "");
    let line = &json_lines(&work.read("o.jsonl"))[0];
    assert_eq!((&line["topic"], &line["topic_guess"]), (&json!("unsure"), &json!("water")));
}

#[test]
fn the_error_asked_for_sets_the_threshold() {
    let work = work();
    let unsure = |most: &str| {
        let out = work.table(&format!("classify corpus.csv --model a.model --max-error {most}"));
        out.column("predicted_topic").iter().filter(|topic| **topic == "unsure").count()
    };
    // 144 rows cannot vouch for one error in a thousand.
    assert_eq!((unsure("0.001"), unsure("0.9")), (ROWS, 0));
    work.run("classify in.csv --model a.model --max-error 0.001 --output o.csv")
        .success()
        .stderr(contains("every topic is unsure; the least that can be asked for is --max-error 0."));
    work.run("classify in.csv --model a.model --max-error 0.9 --output o.csv")
        .success()
        .stderr(contains("note: a topic is written from a probability of 0."));
    work.run("train corpus.csv --output b.model --c 1 --calibration none --thresholds none").success();
    work.run("classify in.csv --model b.model --max-error 0.1")
        .code(1)
        .stderr(contains("this model keeps no error curve").and(contains("train it again")));
}

#[test]
fn a_label_called_unsure_is_not_mixed_up() {
    let work = work();
    work.write("in2.csv", relabelled(|row| row.stance = row.stance.replace("neutral", "unsure")));
    work.run("train in2.csv --output c.model").success();
    work.run("classify in.csv --model c.model --min-probability 0.5")
        .code(2)
        .stderr(contains("has a stance of its own that is called \"unsure\""));
    work.run("classify in.csv --model a.model --min-probability 1.5").code(2).stderr(contains("between 0 and 1"));
    work.run("classify in.csv --model a.model --min-probability 0.5 --max-error 0.1").code(2);
}
