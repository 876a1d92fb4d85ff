//! Several topics a paragraph, from the corpus to the evaluation.

mod common;

use std::collections::BTreeMap;

use common::{STANCES, TOPICS, Table, Work, corpus, csv};

/// Every third row speaks of one matter, the others of two; every twelfth of none. `speaker,text,topic`, cells of topics with stances.
fn cells() -> Vec<[String; 3]> {
    let rows = corpus();
    let half = rows.len() / 2;
    let mut out = Vec::new();
    for i in 0..rows.len() {
        let (a, b) = (&rows[i], &rows[(i * 5 + half) % rows.len()]);
        let speaker = format!("speaker {}", i % 8);
        let item = |topic: &str, stance: &str| format!("{topic}:{stance}");
        out.push(match i % 12 {
            0 => [speaker, "The meeting rose at noon, and the minutes were read.".to_owned(), "-".to_owned()],
            1 | 4 | 7 | 10 => [speaker, a.text.clone(), item(&a.topic, &a.stance)],
            _ if a.topic == b.topic => [speaker, a.text.clone(), item(&a.topic, &a.stance)],
            _ => [
                speaker,
                format!("{} {}", a.text, b.text),
                format!("{}|{}", item(&a.topic, &a.stance), item(&b.topic, &b.stance)),
            ],
        });
    }
    out
}

const HEADER: [&str; 3] = ["speaker", "text", "topic"];

/// A directory with `several.csv`, and `several.model` trained on it.
fn work() -> Work {
    let work = Work::new();
    work.write("several.csv", csv(&HEADER, cells()));
    work.run("train several.csv --multi-label --output several.model").success();
    work
}

/// Topics and stances of a cell, or of the rows that were written for a text.
fn topics(cell: &str) -> Vec<(String, String)> {
    let pair = |item: &str| item.split_once(':').map(|(t, s)| (t.to_owned(), s.to_owned())).unwrap();
    let mut out: Vec<_> = if cell == "-" { Vec::new() } else { cell.split('|').map(pair).collect() };
    out.sort();
    out
}

#[test]
fn every_topic_of_a_paragraph_gets_a_row_with_its_stance() {
    let work = work();
    let table = work.table("classify several.csv --model several.model --scores");
    let said = [table.column("predicted_topic"), table.column("predicted_stance"), table.column("topic")];
    let texts = table.column("text");
    type Written<'a> = (Vec<(String, String)>, &'a str);
    let mut written: BTreeMap<&str, Written<'_>> = BTreeMap::new();
    for i in 0..texts.len() {
        let of_text = written.entry(texts[i]).or_insert((Vec::new(), said[2][i]));
        if !said[0][i].is_empty() {
            of_text.0.push((said[0][i].to_owned(), said[1][i].to_owned()));
        }
    }
    let (mut right, mut stances, mut alone, all) = (0, 0, 0, written.len());
    for (found, cell) in written.values_mut() {
        found.sort();
        let gold = topics(cell);
        right += usize::from(found.iter().map(|(t, _)| t).eq(gold.iter().map(|(t, _)| t)));
        if let ([(_, found)], [(_, gold)]) = (&found[..], &gold[..]) {
            stances += usize::from(found == gold);
            alone += 1;
        }
    }
    assert!(right * 10 > all * 9, "{right} of {all}");
    assert!(stances * 10 > alone * 9, "{stances} of {alone}");
    // Probabilities are of each topic by itself.
    let decided = table.numbers_or_zero("predicted_topic_probability");
    let scores: Vec<Vec<f64>> =
        TOPICS.iter().map(|topic| table.numbers_or_zero(&format!("predicted_topic:{topic}"))).collect();
    for i in 0..texts.len() {
        if let Some(k) = TOPICS.iter().position(|topic| *topic == said[0][i]) {
            assert_eq!(scores[k][i], decided[i]);
        }
    }
    assert!((0..texts.len()).any(|i| scores.iter().map(|s| s[i]).sum::<f64>() > 1.5));
    for stance in STANCES {
        assert!(table.header.contains(&format!("predicted_stance:{stance}")));
    }
}

#[test]
fn a_paragraph_without_a_topic_keeps_its_place() {
    let work = work();
    work.write(
        "a.txt",
        "The meeting rose at noon, and the minutes were read.\n\nqqq zzz\n\nWe reject the night train.\n",
    );
    let table = work.table("classify a.txt --model several.model");
    assert_eq!(table.column("topic"), ["", "", "rail"]);
    assert_eq!(table.column("topic_probability")[..2], ["", ""]);
    assert_eq!(table.column("stance"), ["", "", "oppose"]);
    let said = work.stdout("classify a.txt --model several.model --output b.jsonl") + &work.read("b.jsonl");
    assert_eq!(said.lines().count(), 3);
    assert!(said.contains("\"topic\":null") && said.contains("\"topic\":\"rail\""), "{said}");
}

#[test]
fn topics_that_are_given_get_a_stance_each() {
    let work = work();
    let rows = [["We reject the night train and welcome clean wells for the villages.", "rail|water"], ["A.", "-"]];
    work.write("given.csv", csv(&["text", "given"], rows));
    let table = work.table("classify given.csv --model several.model --known-topic given");
    assert_eq!(table.column("topic"), ["rail", "water", ""]);
    assert_eq!(table.column("topic_probability"), ["1.0000", "1.0000", ""]);
    assert!(table.column("stance")[..2].iter().all(|stance| STANCES.contains(stance)));
    work.write("given.csv", csv(&["text", "given"], [["We reject it.", "rail:oppose|rail:support"]]));
    let run = work.run("classify given.csv --model several.model --known-topic given").code(1);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("given.csv, line 2: --known-topic: the topic \"rail\" has two stances"), "{said}");
}

#[test]
fn labels_that_are_not_sure_are_withheld_one_by_one() {
    let work = work();
    let table = work.table("classify several.csv --model several.model --min-probability 0.999");
    let (topics, guesses) = (table.column("predicted_topic"), table.column("predicted_topic_guess"));
    assert!(topics.contains(&"unsure") && topics.iter().zip(&guesses).all(|(t, g)| t == g || *t == "unsure"));
    work.run("classify several.csv --model several.model --max-error 0.2").success();
}

#[test]
fn a_run_that_failed_is_gone_on_with_at_the_row_of_the_input_where_it_was() {
    let work = work();
    let rows: Vec<[String; 3]> = cells().into_iter().cycle().take(600).collect();
    let whole = csv(&HEADER, rows);
    work.write("in.csv", whole.clone() + "too,many,cells,here\n");
    let resume = "classify in.csv --model several.model --output out.csv --resume";
    work.run(resume).code(1);
    work.write("in.csv", whole);
    // It is rows of the input that are counted; of answers there are more.
    let said = work.stderr(resume);
    assert!(said.contains("note: going on after 600 rows that are done"), "{said}");
    assert_eq!(work.read("out.csv"), work.stdout("classify in.csv --model several.model"));
}

#[test]
fn evaluation_is_of_sets_of_topics() {
    let work = work();
    work.run("evaluate several.csv --model several.model --json a.json --predictions p.csv").success();
    let scores = work.json("a.json");
    assert_eq!(scores["rows"], 144);
    for (part, score) in [("topic", "micro_f1"), ("topic", "subset_accuracy"), ("topic_and_stance", "macro_f1")] {
        assert!(scores[part][score].as_f64().unwrap() > 0.7, "{part} {score}: {scores}");
        assert!(scores[part]["intervals"][score]["low"].is_f64());
    }
    assert!(scores["stance_given_true_topic"]["accuracy"].as_f64().unwrap() > 0.7);
    // Its predictions are those of classify.
    let (a, b) = (Table::of(&work.read("p.csv")), work.table("classify several.csv --model several.model"));
    assert_eq!(a, b);
    let page = work.stdout("evaluate several.csv --multi-label --cv 3 --group-column speaker --json b.json");
    for part in ["micro-F1", "subset accuracy", "Hamming loss", "topic and stance", "8 groups"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(work.json("b.json")["topic"]["micro_f1"].as_f64().unwrap() > 0.7);
}

#[test]
fn the_model_says_that_it_gives_several_topics() {
    let work = work();
    let card = work.card("several.model");
    assert_eq!((&card["format"], &card["multi_label"]["at_least_one"]), (&4.into(), &false.into()));
    assert_eq!(card["counts"]["without_topic"], 12);
    assert!(work.stdout("inspect several.model").contains("several a paragraph, perhaps none"));
    work.write("always.csv", csv(&HEADER, cells().into_iter().filter(|row| row[2] != "-")));
    work.run("train always.csv --multi-label true --output always.model --cv 3").success();
    let card = work.card("always.model");
    assert_eq!(card["multi_label"]["at_least_one"], true);
    assert!(card["scores"]["topic_micro_f1"].as_f64().unwrap() > 0.7);
    work.write("a.csv", csv(&["text"], [["The meeting rose at noon."]]));
    assert_ne!(work.table("classify a.csv --model always.model").column("topic"), [""]);
    // The same by a configuration file, on one thread.
    work.write("a.toml", "multi_label = true\nthreads = 1\n");
    work.run("train several.csv --config a.toml --output again.model").success();
    assert_eq!(work.bytes("again.model"), work.bytes("several.model"));
}

#[test]
fn a_topic_is_explained_by_its_own_words() {
    let work = work();
    let mut command = work.command("explain --model several.model");
    let said = command.arg("We reject the night train and welcome clean wells.").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("topic rail (") && said.contains("topic water (") && said.contains("for rail: "), "{said}");
    let said = work.stdout("explain We~reject~the~night~train. --model several.model --topic schools");
    assert!(said.contains("paragraph 1: topic schools (0.") && said.contains("against schools: "), "{said}");
    let run = work.run("explain We~reject~it. --model several.model --topic raill").code(2);
    assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("did you mean \"rail\"?"));
}

#[test]
fn what_knows_one_topic_only_refuses_with_what_to_do() {
    let work = work();
    for (command, said) in [
        ("classify several.csv --model several.model --top 3", "--scores gives the probabilities of all"),
        ("tune several.csv --multi-label --output t.model", "chooses C, feature weights and thresholds by itself"),
        ("check several.csv --multi-label", "leave it away"),
        ("agree several.csv several.csv --multi-label", "leave it away"),
        ("suggest several.csv --model several.model --topic-column none", "without --multi-label"),
        ("aggregate several.csv --by speaker --model several.model", "leave it away"),
        ("evaluate several.csv --model several.model --compare several.model", "evaluate each by itself"),
        ("evaluate several.csv --model several.model --report r.html", "--report is for one topic a paragraph"),
        ("evaluate several.csv --multi-label --learning-curve", "--learning-curve is for one topic a paragraph"),
        ("evaluate several.csv --multi-label", "this one gives a paragraph one topic"),
        ("train several.csv --multi-label --stance-column stance --output t.model", "stances stand in the topic cells"),
        ("train several.csv --multi-label --decoding joint --output t.model", "of several, each is decided by itself"),
        ("train several.csv --multi-label --calibration isotonic --output t.model", "give auto, temperature"),
        ("train several.csv --multi-label maybe --output t.model", "expected true or false"),
    ] {
        let run = work.run(command).code(2);
        let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(stderr.contains(said), "{command}: {stderr}");
    }
    let rows = [["We reject it.", "rail:oppose|rail:support"]];
    work.write("bad.csv", csv(&["text", "topic"], rows));
    let run = work.run("train bad.csv --multi-label --output t.model").code(1);
    let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(stderr.contains("bad.csv, line 2, column \"topic\": the topic \"rail\" has two stances"), "{stderr}");
    assert!(!work.path("t.model").exists());
    assert!(
        work.stderr("train several.csv --stance-column none --output t.model").contains("train with --multi-label")
    );
}
