//! What stands beside a text: neighbouring paragraphs, columns of context, columns of features. By its effect on labels, at any number of threads and wherever
//! a stream is cut.

mod common;

use common::{Table, Work, csv};
use predicates::prelude::*;
use predicates::str::contains;

const ECHOES: [&str; 4] = ["We regret it.", "Nothing was done.", "Others knew of it.", "It will cost us dear."];

/// Speeches of items of three paragraphs each, whose middle one says nothing of its topic: `speech,text,topic`.
fn speeches(first: usize, count: usize) -> Vec<[String; 3]> {
    let items =
        [("The forest burns.", "Trees were lost.", "forests"), ("The train is late.", "The rails are old.", "rail")];
    let mut rows = Vec::new();
    for speech in first..first + count {
        for at in 0..4 {
            let (opening, closing, topic) = items[(speech + at + speech / 3) % 2];
            for text in [opening, ECHOES[(speech * 3 + at) % ECHOES.len()], closing] {
                rows.push([format!("speech {speech}"), text.to_owned(), topic.to_owned()]);
            }
        }
    }
    rows
}

const CONTEXT: &str = "--stance-column none --context 1 --document-column speech";

fn work() -> Work {
    let work = Work::new();
    work.write("speeches.csv", csv(&["speech", "text", "topic"], speeches(0, 24)));
    work.write("new.csv", csv(&["speech", "text", "wanted"], speeches(100, 10)));
    work.run(&format!("train speeches.csv {CONTEXT} --output context.model")).success();
    work
}

/// The share of rows whose topic is right.
fn right(table: &Table) -> f64 {
    let (got, wanted) = (table.column("topic"), table.column("wanted"));
    got.iter().zip(&wanted).filter(|(a, b)| a == b).count() as f64 / got.len() as f64
}

#[test]
fn neighbours_tell_what_a_paragraph_does_not_say() {
    let work = work();
    assert!(right(&work.table("classify new.csv --model context.model")) == 1.0);
    work.run("train speeches.csv --stance-column none --group-column speech --output blind.model").success();
    assert!(right(&work.table("classify new.csv --model blind.model")) < 0.9);
    let accuracy = |arguments: &str| -> f64 {
        let report = work.stdout(arguments);
        let line = report.lines().find(|line| line.starts_with("topic ")).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().unwrap()
    };
    assert!(accuracy(&format!("evaluate speeches.csv --cv 3 {CONTEXT}")) > 0.98);
    assert!(accuracy("evaluate speeches.csv --cv 3 --stance-column none --group-column speech") < 0.9);
    // A model, judged on a file whose column has another name.
    work.write("coded.csv", csv(&["talk", "text", "topic"], speeches(50, 5)));
    let other = "evaluate coded.csv --model context.model --stance-column none";
    work.run(other).failure().stderr(contains("there is no column \"speech\"").and(contains("--document-column")));
    assert!(accuracy(&format!("{other} --document-column talk")) > 0.98);
}

#[test]
fn labels_do_not_depend_on_threads_or_on_where_the_stream_is_cut() {
    let work = work();
    // More rows than a first batch holds; the second file goes on with the last speech of the first.
    let rows = speeches(0, 400);
    work.write("all.csv", csv(&["speech", "text", "wanted"], rows.clone()));
    work.write("a.csv", csv(&["speech", "text", "wanted"], rows[..301].to_vec()));
    work.write("b.csv", csv(&["speech", "text", "wanted"], rows[301..].to_vec()));
    let whole = work.stdout("classify all.csv --model context.model --threads 1");
    assert_eq!(whole.lines().count(), rows.len() + 1);
    assert_eq!(work.stdout("classify all.csv --model context.model --threads 3"), whole);
    assert_eq!(work.stdout("classify a.csv b.csv --model context.model"), whole);
    // A speech alone, in a file of its own, is labelled as among the others.
    let own: Vec<_> = rows.iter().filter(|row| row[0] == "speech 203").cloned().collect();
    work.write("one.csv", csv(&["speech", "text", "wanted"], own));
    let (one, all) = (work.table("classify one.csv --model context.model"), Table::of(&whole));
    let among: Vec<_> = all.rows.into_iter().filter(|row| row[0] == "speech 203").collect();
    assert_eq!(one.rows, among);
}

#[test]
fn a_run_that_goes_on_sees_the_rows_before() {
    let work = work();
    let rows = speeches(0, 400);
    work.write("all.csv", csv(&["speech", "text", "wanted"], rows));
    let whole = work.stdout("classify all.csv --model context.model");
    // An input that breaks off: what comes before is kept, and the run goes on when it is mended.
    let good = work.read("all.csv");
    let broken: String = good.lines().take(3000).map(|line| format!("{line}\n")).collect();
    let run = "classify all.csv --model context.model --resume --output out.csv";
    work.write("all.csv", broken + "one,two,three,four\n");
    work.run(run).failure();
    work.write("all.csv", &good);
    work.run(run).success().stderr(contains("going on after"));
    assert_eq!(work.read("out.csv"), whole);
}

#[test]
fn a_window_ends_where_the_document_does() {
    let work = work();
    // The same paragraph under two openings, then one whose document begins with it.
    let rows = [
        ["1", "The forest burns.", ""],
        ["1", "Nothing was done.", ""],
        ["2", "Nothing was done.", ""],
        ["3", "The train is late.", ""],
        ["3", "Nothing was done.", ""],
        ["", "Nothing was done.", ""],
        ["", "The train is late.", ""],
    ];
    work.write("few.csv", csv(&["speech", "text", "wanted"], rows));
    let table = work.table("classify few.csv --model context.model");
    let (topics, sure) = (table.column("topic"), table.column("topic_probability"));
    assert_eq!((topics[1], topics[4]), ("forests", "rail"));
    // Without a neighbour, and without a document, the text alone speaks.
    assert_eq!((topics[2], sure[2]), (topics[5], sure[5]));
    assert_ne!(sure[1], sure[2]);
}

#[test]
fn plain_text_is_a_document_in_order() {
    let work = work();
    work.write("a.txt", "The train is late.\n\nNothing was done.\n\nThe rails are old.\n");
    work.write("b.txt", "The forest burns.\n\nNothing was done.\n\nTrees were lost.\n");
    let table = work.table("classify a.txt b.txt --model context.model");
    assert_eq!(table.column("topic"), ["rail", "rail", "rail", "forests", "forests", "forests"]);
    let shown = work.stdout("explain a.txt --model context.model");
    assert!(shown.contains("paragraph 2: topic rail") && shown.contains("for rail: (context) +"), "{shown}");
    let mut typed = work.command("explain --model context.model");
    typed.arg("The forest burns.\n\nNothing was done.\n\nTrees were lost.");
    typed.assert().success().stdout(contains("paragraph 2: topic forests").and(contains("for forests: (context) +")));
}

#[test]
fn a_corpus_for_context_has_documents_in_one_piece() {
    let work = work();
    work.run("train speeches.csv --stance-column none --context 1 --output x.model")
        .code(2)
        .stderr(contains("--document-column"));
    let mut rows = speeches(0, 4);
    rows.push(rows[0].clone());
    work.write("torn.csv", csv(&["speech", "text", "topic"], rows));
    work.run(&format!("train torn.csv {CONTEXT} --output x.model")).code(1).stderr(
        contains("row 49 is of document \"speech 0\", whose rows ended earlier").and(contains("sort the corpus")),
    );
    work.run(&format!("train speeches.csv {CONTEXT} --context-columns text --output x.model"))
        .code(2)
        .stderr(contains("give one of them"));
    for few in ["-1", "101", "x"] {
        work.run(&format!("train speeches.csv --context={few} --output x.model"))
            .code(2)
            .stderr(contains("expected a number from 0 to 100"));
    }
}

#[test]
fn columns_of_context_are_a_block_of_their_own() {
    let work = Work::new();
    let rows: Vec<[String; 3]> = speeches(0, 24)
        .chunks(3)
        .map(|item| [item[0][1].clone() + " " + &item[2][1], item[1][1].clone(), item[0][2].clone()])
        .collect();
    work.write("asked.csv", csv(&["question", "text", "topic"], rows.clone()));
    work.run("train asked.csv --stance-column none --context-columns question --output asked.model").success();
    work.write("new.csv", csv(&["question", "text", "wanted"], rows.clone()));
    // The words of questions are known, if they stand in no text of the corpus or not.
    let table = work.table("classify new.csv --model asked.model");
    assert_eq!(right(&table), 1.0);
    work.write("renamed.csv", csv(&["asked", "text", "wanted"], rows));
    work.run("classify renamed.csv --model asked.model")
        .failure()
        .stderr(contains("there is no column \"question\"").and(contains("--context-columns")));
    assert_eq!(work.table("classify renamed.csv --model asked.model --context-columns asked").rows, table.rows);
    work.run("inspect asked.model").success().stdout(contains("context from question"));
}

#[test]
fn values_of_columns_are_features() {
    let work = Work::new();
    let parties = ["green", "blue"];
    let rows: Vec<[String; 3]> = (0..60)
        .map(|i| [parties[i % 2].to_owned(), ECHOES[i / 2 % 4].to_owned(), ["support", "oppose"][i % 2].to_owned()])
        .collect();
    work.write("votes.csv", csv(&["party", "text", "stance"], rows));
    let train = "train votes.csv --topic-column none --output votes.model";
    work.run(&format!("{train} --feature-columns party"))
        .success()
        .stderr(contains("note: values of party are features").and(contains("leak")).and(contains("2 of party")));
    work.write(
        "new.csv",
        csv(
            &["party", "text"],
            [["green", "We regret it."], ["blue", "We regret it."], ["red", "We regret it."], ["", "We regret it."]],
        ),
    );
    let table = work.table("classify new.csv --model votes.model");
    let (stances, sure) = (table.column("stance"), table.column("stance_probability"));
    assert_eq!(stances[..2], ["support", "oppose"]);
    // A value that training never saw says as little as none.
    assert_eq!((stances[2], sure[2]), (stances[3], sure[3]));
    work.write("lacking.csv", csv(&["text"], [["We regret it."]]));
    work.run("classify lacking.csv --model votes.model")
        .failure()
        .stderr(contains("there is no column \"party\"").and(contains("--feature-columns")));
    work.run("inspect votes.model").success().stdout(contains("2 of party"));
    work.run("explain new.csv --model votes.model").success().stdout(contains("for support: (party: green) +"));
    work.run(&format!("{train} --feature-columns stance")).code(2).stderr(contains("what is to be learnt"));
}

#[test]
fn a_configuration_file_asks_for_the_same() {
    let work = work();
    work.write(
        "recipe.toml",
        "context = 1\ndocument-column = \"speech\"\nfeature-columns = \"speech\"\nstance-column = \"none\"\n",
    );
    work.run("train speeches.csv --config recipe.toml --output a.model").success();
    work.run(&format!("train speeches.csv {CONTEXT} --feature-columns speech --output b.model")).success();
    assert_eq!(work.bytes("a.model"), work.bytes("b.model"));
    assert_ne!(work.bytes("a.model"), work.bytes("context.model"));
    let card = work.card("a.model");
    assert_eq!((&card["options"]["context"], &card["side"]["document"]), (&1.into(), &"speech".into()));
}
