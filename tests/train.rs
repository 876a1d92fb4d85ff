//! `rapporteur train`: every option by its effect on the model.

mod common;

use common::{ROWS, STANCES, TOPICS, Table, Work, cells, corpus, corpus_csv, csv, gzip, relabelled, separated, zstd};
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::json;

/// The bytes of the model that these arguments make.
fn trained(work: &Work, arguments: &str) -> Vec<u8> {
    work.run(&format!("train {arguments} --output made.model --quiet")).success().stdout(is_empty()).stderr(is_empty());
    work.bytes("made.model")
}

/// The bytes of the model of `corpus.csv` with no option given.
fn plain(work: &Work) -> Vec<u8> {
    trained(work, "corpus.csv")
}

#[test]
fn a_summary_ends_it_and_only_the_model_is_left() {
    let work = Work::new();
    work.write("a.model", "an older file");
    let summary = work.stderr("train corpus.csv --output a.model");
    assert!(summary.starts_with("trained on 144 rows in "), "{summary}");
    for part in [
        "MB of memory at most",
        "4: forests 36, rail 36, schools 36, water 36",
        "3: neutral 48, oppose 48, support 48",
        "of words,",
        "english stems",
        "written:  a.model (",
    ] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
    assert_eq!(work.files(), ["a.model", "corpus.csv"]);
    work.run("inspect a.model").success().stdout(contains("corpus:   144 rows"));
}

#[test]
fn json_is_the_summary() {
    let work = Work::new();
    let report: serde_json::Value =
        serde_json::from_str(&work.stdout("train corpus.csv --output a.model --cv 3 --json -")).unwrap();
    assert_eq!(report["model"], "a.model");
    assert_eq!(report["bytes"], work.bytes("a.model").len());
    assert_eq!(report["counts"]["rows"], ROWS);
    assert_eq!(report["counts"]["topics"], json!({"forests": 36, "rail": 36, "schools": 36, "water": 36}));
    assert_eq!(report["counts"]["stances"], json!({"neutral": 48, "oppose": 48, "support": 48}));
    assert_eq!(report["digest"].as_str().unwrap().len(), 64);
    assert!(report["features"].as_u64().unwrap() > 1000);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(report["scores"]["folds"], 3.0);
    assert!(report["scores"]["joint_accuracy"].as_f64().unwrap() > 0.9);
}

#[test]
fn cross_validated_scores_are_printed_and_kept() {
    let work = Work::new();
    let summary = work.stderr("train corpus.csv --output a.model --cv 4 --group-column speaker");
    assert!(summary.contains("topic_macro_f1: ") && summary.contains("folds: 4"), "{summary}");
    let card = work.card("a.model");
    assert_eq!(card["scores"]["folds"], 4.0);
    assert_eq!(card["counts"]["groups"], 6);
    work.run("inspect a.model").success().stdout(contains("in 6 groups").and(contains("score:    topic_macro_f1 ")));
}

#[test]
fn groups_are_never_split() {
    // Each topic is one group, so that no fold can know the topic that it is asked for.
    let work = Work::new();
    let scores = |arguments: &str| {
        work.run(&format!("train corpus.csv --output a.model --cv 2 --quiet {arguments}")).success();
        work.card("a.model")["scores"].clone()
    };
    assert_eq!(scores("--group-column topic")["topic_accuracy"], 0.0);
    assert!(scores("")["topic_accuracy"].as_f64().unwrap() > 0.9);
}

#[test]
fn threads_do_not_change_a_byte_and_the_seed_decides() {
    let work = Work::new();
    let one = trained(&work, "corpus.csv --cv 3 --threads 1");
    assert_eq!(one, trained(&work, "corpus.csv --cv 3 --threads 3"));
    assert_eq!(one, trained(&work, "corpus.csv --cv 3"));
    let seven = trained(&work, "corpus.csv --cv 3 --seed 7");
    assert_ne!(one, seven);
    assert_eq!(seven, trained(&work, "corpus.csv --cv 3 --seed 7 --threads 2"));
    assert_eq!(work.card("made.model")["options"]["seed"], 7);
}

#[test]
fn every_way_in_makes_the_same_model() {
    let work = Work::new();
    let expected = plain(&work);
    let rows = corpus();
    let tabs = separated(b'\t', &common::HEADER, rows.iter().map(cells));
    let semicolons = separated(b';', &common::HEADER, rows.iter().map(cells));
    let bars = separated(b'|', &common::HEADER, rows.iter().map(cells));
    let lines: String = rows
        .iter()
        .map(|r| format!("{}\n", json!({"text": r.text, "topic": r.topic, "stance": r.stance, "id": r.id})))
        .collect();
    let utf16: Vec<u8> =
        "\u{FEFF}".encode_utf16().chain(corpus_csv().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    work.write("a.tsv", &tabs);
    work.write("a.dat", &tabs);
    work.write("semicolons.csv", &semicolons);
    work.write("bars.csv", &bars);
    work.write("a.jsonl", &lines);
    work.write("lines", &lines);
    work.write("a.csv.gz", gzip(corpus_csv()));
    work.write("a.csv.zst", zstd(corpus_csv()));
    work.write("utf16.csv", utf16);
    work.write("bom.csv", format!("\u{FEFF}{}", corpus_csv()));
    work.write("windows.csv", corpus_csv().replace('\n', "\r\n"));
    work.write("mac.csv", corpus_csv().replace('\n', "\r"));
    for arguments in [
        "a.tsv",
        "a.dat --format tsv",
        "a.dat --delimiter tab",
        "semicolons.csv",
        "semicolons.csv --delimiter ;",
        "bars.csv --delimiter |",
        "a.jsonl",
        "lines --format jsonl",
        "lines",
        "a.csv.gz",
        "a.csv.zst",
        "utf16.csv",
        "bom.csv",
        "windows.csv",
        "mac.csv",
    ] {
        assert!(trained(&work, arguments) == expected, "{arguments}");
    }
    work.command("train - --output made.model --quiet").write_stdin(corpus_csv()).assert().success();
    assert!(work.bytes("made.model") == expected, "standard input");
}

#[test]
fn several_corpora_are_one() {
    let work = Work::new();
    let rows = corpus();
    work.write("one.csv", csv(&common::HEADER, rows[..50].iter().map(cells)));
    work.write("two.csv", csv(&common::HEADER, rows[50..].iter().map(cells)));
    assert!(trained(&work, "one.csv two.csv") == plain(&work));
    work.write("other.csv", "text,topic,stance\na,b,c\n");
    let refused = work.run("train one.csv other.csv --output b.model").code(1);
    refused.stderr(contains("other.csv: the header differs from that of one.csv; it lacks \"id\", \"speaker\""));
}

#[test]
fn columns_are_named_by_options() {
    let work = Work::new();
    let rows = corpus();
    let halves = rows.iter().map(|r| {
        let (title, body) = r.text.split_once(' ').unwrap();
        [title.to_owned(), r.stance.clone(), body.to_owned(), r.topic.clone()]
    });
    work.write("other.csv", csv(&["title", "position", "body", "target"], halves));
    let columns = "--text-column title,body --topic-column target --stance-column position";
    assert!(trained(&work, &format!("other.csv {columns}")) == plain(&work));
}

#[test]
fn one_head_is_trained_where_the_other_column_is_none() {
    let work = Work::new();
    trained(&work, "corpus.csv --stance-column none");
    let card = work.card("made.model");
    assert_eq!((&card["topic"]["labels"], &card["stance"]), (&json!(TOPICS), &json!(null)));
    trained(&work, "corpus.csv --topic-column none");
    let card = work.card("made.model");
    assert_eq!((&card["topic"], &card["stance"]["labels"]), (&json!(null), &json!(STANCES)));
    // Columns that are said to be none need not be there.
    work.write("bare.csv", csv(&["text", "topic"], corpus().iter().map(|r| [r.text.clone(), r.topic.clone()])));
    trained(&work, "bare.csv --stance-column none");
}

#[test]
fn labels_are_whatever_the_corpus_holds() {
    let work = Work::new();
    let name = |topic: &str| match topic {
        "forests" => "woods, parks & gardens",
        "rail" => "rail \"and\" tram",
        "schools" => "Schulen für alle",
        _ => "topic:water=1",
    };
    work.write("odd.csv", relabelled(|row| row.topic = name(&row.topic).to_owned()));
    trained(&work, "odd.csv --class-weight topic:topic:water=1=2 --class-weight topic:woods,~parks~&~gardens=0.5");
    let card = work.card("made.model");
    let names = ["Schulen für alle", "rail \"and\" tram", "topic:water=1", "woods, parks & gardens"];
    assert_eq!(card["topic"]["labels"], json!(names));
    assert_eq!(card["options"]["class_weight"]["topic"], json!({names[2]: 2.0, names[3]: 0.5}));
    let answers = work.table("classify odd.csv --model made.model --quiet");
    assert_eq!(answers.column("topic"), answers.column("predicted_topic"));
}

#[test]
fn labels_are_trimmed_and_odd_case_is_reported() {
    let work = Work::new();
    work.write(
        "spaced.csv",
        relabelled(|row| (row.topic, row.stance) = (format!(" {}\u{A0}", row.topic), format!("{} ", row.stance))),
    );
    assert!(trained(&work, "spaced.csv") == plain(&work));
    work.write(
        "case.csv",
        relabelled(|row| {
            if row.id % 9 == 0 {
                row.topic = row.topic.to_uppercase()
            }
        }),
    );
    let said = work.stderr("train case.csv --output a.model");
    assert!(said.contains("note: the labels \"RAIL\" and \"rail\" differ in case only and are kept apart"), "{said}");
    assert_eq!(work.card("a.model")["topic"]["labels"].as_array().unwrap().len(), 8);
}

#[test]
fn missing_labels_are_counted_and_train_the_other_head() {
    let work = Work::new();
    let unlabel = |row: &mut common::Row| match row.id % 4 {
        0 => row.stance = "NA".to_owned(),
        1 => row.topic = " ".to_owned(),
        _ => {}
    };
    work.write("gaps.csv", relabelled(unlabel));
    let summary = work.stderr("train gaps.csv --output a.model");
    assert_eq!(summary.matches(" (36 rows without)").count(), 2, "{summary}");
    let counts = &work.card("a.model")["counts"];
    assert_eq!(
        (&counts["rows"], &counts["without_topic"], &counts["without_stance"]),
        (&json!(144), &json!(36), &json!(36))
    );
    // With other cells for missing, NA is a label like any.
    work.run("train gaps.csv --output a.model --missing ?,- --quiet").success();
    assert_eq!(work.card("a.model")["stance"]["labels"], json!(["NA", "neutral", "oppose", "support"]));
    work.write(
        "marks.csv",
        relabelled(|row| {
            if row.id % 4 == 0 {
                row.stance = "?".to_owned()
            }
        }),
    );
    work.run("train marks.csv --output a.model --missing ,NA,? --quiet").success();
    assert_eq!(work.card("a.model")["counts"]["without_stance"], 36);
}

#[test]
fn rows_without_a_stance_do_not_touch_the_stance_head() {
    // The stances of rail are nonsense; taken away, they cannot mislead.
    let work = Work::new();
    let turn = |stance: &str| if stance == "support" { "oppose" } else { "support" }.to_owned();
    work.write(
        "nonsense.csv",
        relabelled(|row| {
            if row.topic == "rail" {
                row.stance = turn(&row.stance)
            }
        }),
    );
    work.write(
        "without.csv",
        relabelled(|row| {
            if row.topic == "rail" {
                row.stance.clear()
            }
        }),
    );
    let right = |corpus: &str| {
        trained(&work, corpus);
        let answers = work.table("classify corpus.csv --model made.model --known-topic topic --quiet");
        let pairs = answers.column("stance").into_iter().zip(answers.column("predicted_stance"));
        pairs.filter(|(gold, said)| gold == said).count()
    };
    assert!(right("nonsense.csv") < ROWS - 30);
    assert_eq!(right("without.csv"), ROWS - 36);
}

#[test]
fn weights_of_rows_count() {
    let work = Work::new();
    let rows = corpus();
    let weighted = |weight: &dyn Fn(&common::Row) -> String| {
        let cells = rows.iter().map(|r| [r.text.clone(), r.topic.clone(), r.stance.clone(), weight(r)]);
        work.write("weights.csv", csv(&["text", "topic", "stance", "n"], cells));
        trained(&work, "weights.csv --weight-column n")
    };
    assert!(weighted(&|_| "1".to_owned()) == plain(&work));
    weighted(&|row| if row.topic == "rail" { "0" } else { "1.5" }.to_owned());
    let answers = work.table("classify weights.csv --model made.model --quiet");
    assert!(answers.column("predicted_topic").iter().all(|topic| *topic != "rail"));
}

#[test]
fn learning_options_are_kept_in_the_model() {
    let work = Work::new();
    work.write("stop.txt", "The\nand\n\nof\n");
    let cases = [
        ("--word-ngrams 1-3", "/vectoriser/word_ngrams", json!("1-3")),
        ("--word-ngrams none", "/vectoriser/word_ngrams", json!(null)),
        ("--char-ngrams 3-4", "/vectoriser/char_ngrams", json!("3-4")),
        ("--char-ngrams none", "/vectoriser/char_ngrams", json!(null)),
        ("--stemmer auto", "/vectoriser/analyser/stemmer", json!("english")),
        ("--stemmer none", "/vectoriser/analyser/stemmer", json!(null)),
        ("--stemmer french", "/vectoriser/analyser/stemmer", json!("french")),
        ("--stop-words stop.txt", "/options/stop_words", json!(["and", "of", "the"])),
        ("--stop-words none", "/options/stop_words", json!([])),
        ("--mark-negation", "/vectoriser/analyser/mark_negation", json!(true)),
        ("--min-df 2", "/vectoriser/min_df", json!(2)),
        ("--min-df auto", "/options/min_df", json!(null)),
        ("--max-df 0.5", "/vectoriser/max_df", json!(0.5)),
        ("--max-features 50", "/features", json!(100)),
        ("--max-features none", "/options/max_features", json!(null)),
        ("--sublinear-tf false", "/vectoriser/sublinear_tf", json!(false)),
        ("--char-weight 1.5", "/vectoriser/char_weight", json!(1.5)),
        ("--classifier logistic", "/options/classifier", json!("logistic")),
        ("--stance-classifier logistic", "/options/stance_classifier", json!("logistic")),
        ("--stance-classifier same", "/options/stance_classifier", json!(null)),
        ("--classifier svm", "/options/classifier", json!("svm")),
        ("--c 0.25", "/topic/c", json!(0.25)),
        ("--class-weight balanced", "/options/class_weight/balanced", json!(true)),
        ("--class-weight none", "/options/class_weight/balanced", json!(false)),
        ("--class-weight stance:oppose=2.5", "/options/class_weight/stance/oppose", json!(2.5)),
        ("--topic-departure 0.5", "/topic_departure", json!(0.5)),
        ("--calibration platt", "/options/calibration", json!("platt")),
        ("--calibration isotonic", "/options/calibration", json!("isotonic")),
        ("--thresholds none", "/options/thresholds", json!(false)),
        ("--tolerance 0.01", "/options/tolerance", json!(0.01)),
        ("--precision f32", "/options/precision", json!("f32")),
        ("--seed 5", "/options/seed", json!(5)),
    ];
    for (arguments, place, expected) in cases {
        trained(&work, &format!("corpus.csv {arguments}"));
        let card = work.card("made.model");
        let found = card.pointer(place);
        // Choices may be kept as the text that was typed.
        assert!(found == Some(&expected), "{arguments}: {place} is {found:?}");
    }
}

#[test]
fn options_change_what_is_learnt() {
    let work = Work::new();
    let features = |arguments: &str| {
        trained(&work, &format!("corpus.csv {arguments}"));
        work.card("made.model")["features"].as_u64().unwrap()
    };
    let all = features("");
    assert!(features("--char-ngrams none") + features("--word-ngrams none") == all);
    assert!(features("--min-df 3") < all && features("--max-df 0.05") < all && features("--max-df 10") < all);
    assert!(features("--word-ngrams 1-3") > all);
    let (words, fewer) = (features("--char-ngrams none"), features("--char-ngrams none --stop-words english"));
    assert!(fewer < words, "{fewer} of {words}");
    trained(&work, "corpus.csv --char-ngrams none --stop-words english --word-ngrams 1-1");
    work.run("inspect made.model --terms 100").success().stdout(contains("reject").and(contains(" the ").not()));
    let logistic = plain(&work).len();
    let [half, full] = ["f16", "f32"].map(|p| trained(&work, &format!("corpus.csv --precision {p}")).len());
    assert!(full > logistic && full > half + half / 4, "{logistic} {half} {full}");
    let support = |arguments: &str| {
        trained(&work, &format!("corpus.csv --c 0.01 --calibration none --thresholds none {arguments}"));
        let answers = work.table("classify corpus.csv --model made.model --scores --quiet");
        answers.numbers("predicted_stance:support").iter().sum::<f64>()
    };
    assert!(support("--class-weight stance:support=20") > support("") + 5.0);
}

#[test]
fn the_stance_may_have_a_classifier_of_its_own() {
    let work = Work::new();
    let heads = |arguments: &str| {
        trained(&work, &format!("corpus.csv {arguments}"));
        let card = work.stdout("inspect made.model");
        let of = |head: &str| {
            card.lines().find(|l| l.starts_with(head)).unwrap().split_whitespace().nth(1).unwrap().to_owned()
        };
        (of("topic:"), of("stance:"))
    };
    let pair = |topic: &str, stance: &str| (topic.to_owned(), stance.to_owned());
    assert_eq!(heads("--stance-classifier logistic"), pair("svm,", "logistic,"));
    assert_eq!(heads("--classifier logistic"), pair("logistic,", "logistic,"));
    assert_eq!(heads("--classifier logistic --stance-classifier svm"), pair("logistic,", "svm,"));
}

#[test]
fn a_configuration_file_says_what_flags_say() {
    let work = Work::new();
    let flags = "--word-ngrams 1-1 --char-ngrams none --stemmer none --stop-words english --min-df 2 --max-df 0.9 \
                 --max-features 90 --classifier svm --stance-classifier logistic --char-weight 1.5 --c 0.5 --class-weight balanced --class-weight topic:rail=2 \
                 --text-column text --topic-column topic --stance-column stance --group-column speaker \
                 --missing ,NA --delimiter , --format csv --mark-negation --sublinear-tf false --topic-departure 1 \
                 --calibration none --thresholds none --tolerance 0.002 --precision f32 --seed 9 --cv 3 --threads 2";
    work.write(
        "a.toml",
        r#"
word-ngrams = "1-1"
char_ngrams = "none"
stemmer = "none"
stop_words = "english"
min_df = 2
max_df = 0.9
max-features = 90
classifier = "svm"
stance_classifier = "logistic"
char_weight = 1.5
C = 0.5
class_weight = ["balanced", "topic:rail=2"]
text_column = "text"
topic_column = "topic"
stance-column = "stance"
group_column = "speaker"
missing = ",NA"
delimiter = ","
format = "csv"
mark_negation = true
sublinear_tf = false
topic_departure = 1
calibration = "none"
thresholds = "none"
tolerance = 0.002
precision = "f32"
seed = 9
cv = 3
threads = 2
"#,
    );
    let expected = trained(&work, &format!("corpus.csv {flags}"));
    assert!(trained(&work, "corpus.csv --config a.toml") == expected);
    // What is typed goes first.
    let card = |arguments: &str| {
        trained(&work, &format!("corpus.csv --config a.toml {arguments}"));
        work.card("made.model")
    };
    assert_eq!(card("--c 2 --seed 1")["topic"]["c"], 2.0);
    assert_eq!(card("--class-weight none")["options"]["class_weight"]["balanced"], false);
    assert_eq!(card("--cv 2")["scores"]["folds"], 2.0);
}

/// It was refused: a list was expected.
#[test]
fn a_single_class_weight_in_a_configuration_file_needs_no_list() {
    let work = Work::new();
    work.write("a.toml", "class_weight = \"balanced\"\n");
    trained(&work, "corpus.csv --config a.toml");
    assert_eq!(work.card("made.model")["options"]["class_weight"]["balanced"], true);
}

#[test]
fn the_codebook_is_checked_and_kept() {
    let work = Work::new();
    let targets = TOPICS.map(|topic| [topic.to_owned(), format!("More should be done about {topic}"), String::new()]);
    work.write("codebook.csv", csv(&["topic", "target", "description"], targets));
    trained(&work, "corpus.csv --codebook codebook.csv");
    assert_eq!(work.card("made.model")["codebook"][1]["target"], "More should be done about rail");
    work.run("inspect made.model").success().stdout(contains("More should be done about water"));
}

#[test]
fn a_head_of_one_label_is_not_learnt_and_said_so() {
    let work = Work::new();
    work.write("one.csv", relabelled(|row| row.topic = "all".to_owned()));
    let said = work.stderr("train one.csv --output a.model");
    assert!(said.contains("note: the only topic is \"all\", so the model does not judge the topic"), "{said}");
    assert_eq!(work.card("a.model")["topic"], json!(null));
}

#[test]
fn predictions_of_a_reloaded_model_are_right() {
    let work = Work::with_model();
    let answers: Table = work.table("classify corpus.csv --model a.model --quiet");
    assert_eq!(answers.column("topic"), answers.column("predicted_topic"));
    assert_eq!(answers.column("stance"), answers.column("predicted_stance"));
}

/// It was written over, and lost.
#[test]
fn a_corpus_is_not_written_over_by_its_model() {
    let work = Work::new();
    for arguments in ["--output corpus.csv", "--output a.model --json ./corpus.csv"] {
        let refused = work.run(&format!("train corpus.csv {arguments}")).code(2);
        refused.stderr(contains("would write over corpus.csv, which is read"));
    }
    assert_eq!(work.read("corpus.csv"), corpus_csv());
}

/// It was compressed, and could not be read again.
#[test]
fn a_model_is_not_named_as_compressed() {
    let work = Work::new();
    work.run("train corpus.csv --output a.model.gz").code(2).stderr(contains("models are not compressed"));
    assert_eq!(work.files(), ["corpus.csv"]);
}

#[test]
fn features_are_weighted_where_that_helps() {
    let work = Work::new();
    let weighted = |arguments: &str| {
        work.run(&format!("train corpus.csv --output a.model {arguments}")).success();
        let card = work.card("a.model");
        (
            card["options"]["feature_weighting"].clone(),
            card["topic"]["weighted"].clone(),
            card["stance"]["weighted"].clone(),
        )
    };
    assert_eq!(weighted("--feature-weighting none"), (json!("none"), json!(false), json!(false)));
    let none = work.bytes("a.model");
    assert_eq!(weighted("--feature-weighting nb"), (json!("nb"), json!(true), json!(true)));
    assert_ne!(work.bytes("a.model"), none);
    work.run("inspect a.model").success().stdout(contains("features weighted"));
    // Chosen, it is one of the two; and it is chosen unless something else is asked for.
    let (_, topic, stance) = weighted("--feature-weighting auto");
    assert!(topic.is_boolean() && stance.is_boolean());
    assert_eq!(work.bytes("a.model"), plain(&work));
    work.run("train corpus.csv --output b.model --feature-weighting idf").code(2).stderr(contains("auto, none or nb"));
}
