//! `rapporteur evaluate`: figures, and every option by its effect on them.

mod common;

use common::{HEADER, ROWS, STANCES, TOPICS, Table, Work, cells, corpus, corpus_csv, csv, relabelled, separated};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::{Value, json};

/// The JSON of an evaluation.
fn figures(work: &Work, arguments: &str) -> Value {
    serde_json::from_str(&work.stdout(&format!("evaluate {arguments} --json - --quiet"))).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A corpus with every fourth topic wrong, so that there is something to count.
fn mistaken(row: &mut common::Row) {
    if row.id.is_multiple_of(4) {
        row.topic = TOPICS[(TOPICS.iter().position(|t| *t == row.topic).unwrap() + 1) % 4].to_owned();
    }
}

const FIGURES: [&str; 10] = [
    "accuracy",
    "macro_f1",
    "macro_f1_gold",
    "weighted_f1",
    "balanced_accuracy",
    "cohen_kappa",
    "matthews_corrcoef",
    "log_loss",
    "brier_score",
    "expected_calibration_error",
];

#[test]
fn json_has_the_promised_shape() {
    let work = Work::with_model();
    work.write("gold.csv", relabelled(mistaken));
    let all = figures(&work, "gold.csv --model a.model");
    assert_eq!(all["rows"], ROWS);
    for head in ["topic", "stance", "stance_given_true_topic"] {
        let scores = &all[head];
        for name in FIGURES {
            let figure = scores[name].as_f64().unwrap();
            let [low, high] = ["low", "high"].map(|end| scores["intervals"][name][end].as_f64().unwrap());
            assert!(
                low <= high && (0.0..=1.0).contains(&figure) || name == "log_loss",
                "{head}.{name}: {figure} [{low}, {high}]"
            );
            // The bootstrap distribution of a calibration error lies above it: noise looks like error.
            assert!(name == "expected_calibration_error" || (low <= figure && figure <= high), "{head}.{name}");
        }
        assert_eq!(scores["probability_rows"], ROWS);
        assert_eq!(scores["reliability"].as_array().unwrap().len(), 10);
        let labels = if head == "topic" { &TOPICS[..] } else { &STANCES[..] };
        assert_eq!(keys(&scores["labels"]), labels);
        for label in labels {
            let names =
                ["f1", "f1_interval", "precision", "precision_interval", "recall", "recall_interval", "support"];
            assert_eq!(keys(&scores["labels"][label]), names);
        }
    }
    assert_eq!(all["topic"]["accuracy"], 0.75);
    let rail = &figures(&work, "gold.csv --model a.model --resamples 0")["topic"]["labels"]["rail"];
    assert_eq!(*rail, json!({"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 36}));
    assert_eq!(all["topic"]["macro_f1"], 0.75);
    assert_eq!(all["stance"]["accuracy"], 1.0);
    assert_eq!(keys(&all["joint"]), ["accuracy", "intervals", "macro_f1", "rows"]);
    assert_eq!(keys(&all["joint"]["intervals"]), ["accuracy", "macro_f1"]);
    let bootstrap = json!({"resamples": 1000, "seed": 42, "level": 0.95, "unit": "row", "units": ROWS});
    assert_eq!(all["bootstrap"], bootstrap);
    assert_eq!(all["joint"]["accuracy"], 0.75);
}

#[test]
fn the_table_shows_all_of_it() {
    let work = Work::with_model();
    work.write("gold.csv", relabelled(mistaken));
    let text = work.stdout("evaluate gold.csv --model a.model");
    for part in [
        "accuracy              macro-F1",
        "macro-F1 (gold)       0.750 [0.",
        "In brackets: 95 % bootstrap intervals, 1000 resamples of 144 rows (seed 42).",
        "stance, given the predicted topic",
        "stance, given the true topic",
        "topic and stance together",
        "support  precision             recall                F1",
        "Topic: gold labels on rows, predicted labels on columns",
        "Stance, given the predicted topic: gold labels on rows",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let row = text.lines().find(|line| line.starts_with("topic  ")).unwrap();
    let intervals = row.matches("0.750 [0.").count();
    assert_eq!(intervals, 2, "{row}");
    let bare = work.stdout("evaluate gold.csv --model a.model --resamples 0");
    let row = bare.lines().find(|line| line.starts_with("topic  ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["topic", "144", "0.750", "0.750"]);
    assert!(!bare.contains("In brackets"), "{bare}");
    for line in text.lines().chain(bare.lines()).filter(|line| !line.starts_with("Note")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

/// Rows of a speaker are alike: what 144 rows seem to say, six speakers do not.
#[test]
fn intervals_by_group_are_wider_and_few_groups_warned_of() {
    let work = Work::with_model();
    let wrong_of_two = |row: &mut common::Row| {
        if row.speaker.as_str() < "speaker 2" {
            row.topic = TOPICS[(TOPICS.iter().position(|t| *t == row.topic).unwrap() + 1) % 4].to_owned();
        }
    };
    work.write("gold.csv", relabelled(wrong_of_two));
    let width = |all: &Value| {
        let interval = &all["topic"]["intervals"]["accuracy"];
        interval["high"].as_f64().unwrap() - interval["low"].as_f64().unwrap()
    };
    let (rows, groups) = ("gold.csv --model a.model", "gold.csv --model a.model --group-column speaker");
    let (by_row, by_group) = (figures(&work, rows), figures(&work, groups));
    assert_eq!(by_row["topic"]["accuracy"], by_group["topic"]["accuracy"]);
    assert!(width(&by_group) > 3.0 * width(&by_row), "{} {}", width(&by_group), width(&by_row));
    assert_eq!((&by_group["bootstrap"]["unit"], &by_group["bootstrap"]["units"]), (&json!("group"), &json!(6)));
    assert!(by_group["warnings"][0].as_str().unwrap().contains("make 6 groups"));
    assert_eq!(by_row["warnings"], json!([]));
    let said = work.stderr(&format!("evaluate {groups}"));
    assert!(said.contains("warning: the labelled rows make 6 groups; with fewer than 20"), "{said}");
    assert!(!work.stderr(&format!("evaluate {groups} --resamples 0")).contains("warning"));
    // By cross-validation the groups are the same.
    assert_eq!(figures(&work, "gold.csv --cv 3 --group-column speaker")["bootstrap"], by_group["bootstrap"]);
}

#[test]
fn the_mean_f1_of_named_labels() {
    let work = Work::with_model();
    work.write("gold.csv", relabelled(mistaken));
    let all = figures(&work, "gold.csv --model a.model --labels support,oppose");
    assert_eq!((&all["f1_labels"], &all["stance"]["macro_f1_labels"]), (&json!(["support", "oppose"]), &json!(1.0)));
    assert_eq!(all["stance_given_true_topic"]["intervals"]["macro_f1_labels"]["low"], 1.0);
    assert!(all["topic"]["macro_f1_labels"].is_null());
    work.run("evaluate gold.csv --model a.model --labels rail").success().stdout(contains("mean F1 of rail"));
    let refused = work.run("evaluate gold.csv --model a.model --labels support,opose").code(2);
    refused.stderr(contains("--labels support,opose").and(contains("the stances are: neutral, oppose, support")));
    work.run("evaluate gold.csv --model a.model --resamples -1").code(2);
    work.run("evaluate gold.csv --model a.model --resamples many").code(2).stderr(contains("from 0 to 100000"));
}

#[test]
fn json_to_a_file_leaves_the_table_and_to_standard_output_replaces_it() {
    let work = Work::with_model();
    work.run("evaluate corpus.csv --model a.model --json out.json")
        .success()
        .stdout(contains("accuracy              macro-F1"));
    let text = work.stdout("evaluate corpus.csv --model a.model --json -");
    assert_eq!(work.read("out.json"), text);
    assert!(text.starts_with("{\n  \"rows\": 144,"), "{text}");
}

#[test]
fn folds_train_and_judge_anew() {
    let work = Work::new();
    let all = figures(&work, "corpus.csv --cv 3");
    assert_eq!((&all["rows"], &all["topic"]["rows"]), (&json!(ROWS), &json!(ROWS)));
    assert!(all["topic"]["macro_f1"].as_f64().unwrap() > 0.9);
    // The learning options are train's.
    let poor = figures(&work, "corpus.csv --cv 3 --min-df 30 --char-ngrams none");
    assert!(poor["topic"]["macro_f1"].as_f64().unwrap() < 0.9);
    work.write("a.toml", "min_df = 30\nchar_ngrams = \"none\"\ncv = 3\n");
    assert_eq!(figures(&work, "corpus.csv --config a.toml"), poor);
}

#[test]
fn folds_keep_groups_together() {
    let work = Work::new();
    assert_eq!(figures(&work, "corpus.csv --cv 2 --group-column topic")["topic"]["accuracy"], 0.0);
    let refused = work.run("evaluate corpus.csv --cv 7 --group-column speaker").code(1);
    refused.stderr(contains("corpus.csv: 7 folds cannot be made of 6 groups"));
}

#[test]
fn threads_do_not_change_the_figures_and_the_seed_decides_the_folds() {
    let work = Work::new();
    work.write("gold.csv", relabelled(mistaken));
    let run = |arguments: &str| {
        work.run(&format!("evaluate gold.csv --cv 3 --predictions out.csv --json out.json --quiet {arguments}"))
            .success();
        (work.read("out.csv"), work.read("out.json"))
    };
    let one = run("--threads 1");
    assert_eq!(one, run("--threads 3"));
    assert_ne!(one.0, run("--seed 3").0);
}

#[test]
fn the_embedded_model_is_the_default() {
    let work = Work::new();
    work.write("gold.csv", "text,topic,stance\nWe call for the sanctions to be lifted at once.,sanctions,oppose\n");
    let all = figures(&work, "gold.csv");
    assert_eq!((&all["rows"], &all["topic"]["accuracy"]), (&json!(1), &json!(1.0)));
}

#[test]
fn predictions_stand_beside_the_input() {
    let work = Work::with_model();
    work.run("evaluate corpus.csv --model a.model --predictions out.csv").success();
    let out = Table::of(&work.read("out.csv"));
    assert_eq!(out, work.table("classify corpus.csv --model a.model --quiet"));
    assert_eq!(out.header[..5], HEADER);
    work.run("evaluate corpus.csv --cv 3 --predictions cv.csv").success();
    let out = Table::of(&work.read("cv.csv"));
    assert_eq!(
        out.rows.iter().map(|r| r[..5].to_vec()).collect::<Vec<_>>(),
        corpus().iter().map(|r| cells(r).to_vec()).collect::<Vec<_>>()
    );
    assert!(out.column("predicted_topic").iter().all(|topic| TOPICS.contains(topic)));
    // To standard output they come alone.
    let text = work.stdout("evaluate corpus.csv --model a.model --predictions -");
    assert_eq!(Table::of(&text).rows.len(), ROWS);
}

#[test]
fn one_column_may_be_none() {
    let work = Work::with_model();
    for arguments in ["--model a.model", "--cv 3"] {
        let all = figures(&work, &format!("corpus.csv --stance-column none {arguments}"));
        assert!(all["topic"].is_object() && all["stance"].is_null() && all["joint"].is_null());
        let all = figures(&work, &format!("corpus.csv --topic-column none {arguments}"));
        assert!(all["topic"].is_null() && all["stance"].is_object() && all["stance_given_true_topic"].is_null());
    }
}

#[test]
fn rows_without_a_label_count_for_the_other_head() {
    let work = Work::with_model();
    let gaps = |row: &mut common::Row| match row.id % 6 {
        0 => row.topic = "NA".to_owned(),
        1 => row.stance = String::new(),
        2 => (row.topic, row.stance) = ("?".to_owned(), "?".to_owned()),
        _ => {}
    };
    work.write("gaps.csv", relabelled(gaps));
    let all = figures(&work, "gaps.csv --model a.model --missing NA,?");
    assert_eq!((&all["rows"], &all["topic"]["rows"], &all["stance"]["rows"]), (&json!(120), &json!(96), &json!(96)));
    assert_eq!(all["stance_given_true_topic"]["rows"], 72);
    assert_eq!(all["notes"], json!(["24 rows without a gold label left out."]));
}

#[test]
fn unknown_gold_labels_are_listed_as_errors() {
    let work = Work::with_model();
    work.write(
        "new.csv",
        relabelled(|row| {
            if row.topic == "rail" && row.id % 2 == 0 {
                row.topic = "harbours".to_owned()
            }
        }),
    );
    let all = figures(&work, "new.csv --model a.model --resamples 0");
    assert_eq!(all["unknown_labels"]["topic"], json!({"harbours": 18}));
    // A gold label that the model does not know has the probability 0.
    assert!(all["topic"]["log_loss"].as_f64().unwrap() > 36.0 * 18.0 / 144.0);
    assert_eq!(all["topic"]["accuracy"], 126.0 / 144.0);
    let label = json!({"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 18});
    assert_eq!(all["topic"]["labels"]["harbours"], label);
    work.run("evaluate new.csv --model a.model")
        .success()
        .stdout(contains("does not know the gold topic harbours (18 rows)"));
}

#[test]
fn a_stance_is_missed_where_the_topic_never_has_one() {
    let work = Work::new();
    work.write(
        "gap.csv",
        relabelled(|row| {
            if row.topic == "rail" {
                row.stance.clear()
            }
        }),
    );
    work.run("train gap.csv --output gap.model --quiet").success();
    let all = figures(&work, "corpus.csv --model gap.model");
    assert_eq!(all["stance"]["accuracy"], 0.75);
    assert_eq!(all["stance_given_true_topic"]["accuracy"], 0.75);
    assert_eq!(all["topic"]["accuracy"], 1.0);
}

#[test]
fn other_columns_and_delimiters() {
    let work = Work::with_model();
    let rows = corpus();
    let halves = rows.iter().map(|r| {
        let (title, body) = r.text.split_once(' ').unwrap();
        [title.to_owned(), r.stance.clone(), body.to_owned(), r.topic.clone()]
    });
    work.write("other.txt", separated(b';', &["title", "position", "body", "target"], halves));
    let columns = "--text-column title,body --topic-column target --stance-column position --format csv --delimiter ;";
    let expected = figures(&work, "corpus.csv --model a.model");
    assert_eq!(figures(&work, &format!("other.txt {columns} --model a.model")), expected);
    work.write(
        "columns.toml",
        "text-column = \"title,body\"\ntopic_column = \"target\"\nstance_column = \"position\"\nformat = \"csv\"\n",
    );
    assert_eq!(figures(&work, "other.txt --config columns.toml --model a.model"), expected);
    let mut command = work.command("evaluate - --model a.model --json -");
    let result = command.write_stdin(corpus_csv()).assert().success();
    assert_eq!(serde_json::from_slice::<Value>(&result.get_output().stdout).unwrap(), expected);
}

#[test]
fn labels_are_trimmed_and_odd_case_is_reported() {
    let work = Work::with_model();
    work.write(
        "case.csv",
        relabelled(|row| row.topic = if row.id == 1 { " FORESTS ".to_owned() } else { format!(" {} ", row.topic) }),
    );
    for arguments in ["--model a.model", "--cv 3"] {
        let said = work.stderr(&format!("evaluate case.csv {arguments}"));
        assert!(said.contains("note: the labels \"FORESTS\" and \"forests\" differ in case only"), "{said}");
    }
    assert_eq!(figures(&work, "case.csv --model a.model")["topic"]["accuracy"], 143.0 / 144.0);
    work.run("evaluate case.csv --model a.model --quiet").success().stderr(is_empty());
}

/// An empty table of figures came out, and code 0.
#[test]
fn a_file_without_labels_is_refused() {
    let work = Work::with_model();
    work.write("header.csv", "text,topic,stance\n");
    work.write("bare.csv", csv(&["text", "topic", "stance"], corpus().iter().map(|r| [r.text.as_str(), "", "NA"])));
    for (name, arguments) in [
        ("header.csv", "--model a.model"),
        ("bare.csv", "--model a.model"),
        ("header.csv", "--cv 3"),
        ("bare.csv", "--cv 3"),
    ] {
        let refused = work.run(&format!("evaluate {name} {arguments} --json out.json --predictions out.csv")).code(1);
        refused.stdout(is_empty()).stderr(starts_with(format!("error: {name}: ")));
    }
    assert_eq!(work.files(), ["a.model", "bare.csv", "corpus.csv", "header.csv"]);
}

/// Standard input was found empty the second time; a named pipe hung.
#[test]
fn predictions_of_a_pipe_are_refused() {
    let work = Work::with_model();
    for arguments in ["--model a.model", "--cv 3"] {
        let mut command = work.command(&format!("evaluate - {arguments} --predictions out.csv"));
        let refused = command.write_stdin(corpus_csv()).assert().code(2);
        refused.stderr(contains("--predictions reads the file twice, which a pipe does not allow"));
    }
    assert_eq!(work.files(), ["a.model", "corpus.csv"]);
}

#[test]
fn contradicting_options_are_wrong_usage() {
    let work = Work::with_model();
    for arguments in ["--model a.model --cv 3", "--cv 1", "--cv 0", "--json out --predictions out", "--json corpus.csv"]
    {
        work.run(&format!("evaluate corpus.csv {arguments}")).code(2).stderr(starts_with("error: "));
    }
    work.run("evaluate").code(2).stderr(contains("<LABELLED>").and(contains("Usage:")));
    assert_eq!(work.read("corpus.csv"), corpus_csv());
}

#[test]
fn predictions_in_a_file_are_scored_without_a_model() {
    let work = Work::with_model();
    work.write(
        "odd.csv",
        common::relabelled(|row| {
            if row.id % 5 == 0 {
                row.topic = "rail".into()
            }
        }),
    );
    work.run("evaluate odd.csv --model a.model --predictions judged.csv --json by-model.json").success();
    work.run("evaluate judged.csv --predicted --json by-file.json").success();
    let (a, b) = (work.json("by-model.json"), work.json("by-file.json"));
    for (head, score) in [("topic", "macro_f1"), ("stance", "accuracy"), ("joint", "macro_f1")] {
        assert_eq!(a[head][score], b[head][score], "{head}");
        assert_eq!(a[head]["intervals"][score], b[head]["intervals"][score], "{head}");
    }
    assert!(b["topic"]["accuracy"].as_f64().unwrap() < 0.95 && b["stance_given_true_topic"].is_null());
    // A label that was withheld is no answer.
    work.run("classify odd.csv --model a.model --min-probability 0.9999 --output unsure.csv").success();
    let said = work.stdout("evaluate unsure.csv --predicted");
    assert!(said.contains("got no topic; each counts as an error"), "{said}");
    work.run("evaluate odd.csv --predicted").code(1).stderr(contains("no predictions beside the gold labels"));
    work.run("evaluate judged.csv --predicted --model a.model").code(2);
}

#[test]
fn resamples_and_labels_stand_in_a_configuration_file_too() {
    let work = Work::with_model();
    let typed = "evaluate corpus.csv --model a.model --resamples 50 --labels support,oppose --json a.json";
    work.run(typed).success();
    work.write("a.toml", "resamples = 50\nlabels = [\"support\", \"oppose\"]\n");
    work.run("evaluate corpus.csv --model a.model --config a.toml --json b.json").success();
    assert_eq!(work.read("a.json"), work.read("b.json"));
    assert!(work.json("a.json")["topic"]["intervals"]["aurc"]["high"].is_f64());
    work.write("a.toml", "resamples = \"many\"\n");
    work.run("evaluate corpus.csv --config a.toml")
        .code(1)
        .stderr(contains("expected a whole number from 0 to 100000"));
}
