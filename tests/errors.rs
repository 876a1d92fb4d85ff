//! Bad input, bad files, wrong usage: the code, a message that names the place, and nothing half written.

mod common;

use common::{TOPICS, Work, corpus, corpus_csv, csv, gzip, relabelled};
use predicates::prelude::*;
use predicates::str::{contains, ends_with, is_empty, starts_with};

/// Runs a command that must fail with nothing on standard output and no new file; its message.
fn refused(work: &Work, code: i32, arguments: &str) -> String {
    let before = work.files();
    let result = work.run(arguments).code(code).stdout(is_empty());
    assert_eq!(work.files(), before, "{arguments}");
    let said = String::from_utf8(result.get_output().stderr.clone()).unwrap();
    assert!(said.starts_with("error: ") && !said.contains("panicked"), "{arguments}: {said}");
    said
}

/// The commands that read labelled files.
const READERS: [&str; 3] = [
    "train F --output new.model",
    "evaluate F --model a.model --predictions new.csv --json new.json",
    "evaluate F --cv 3 --predictions new.csv --json new.json",
];

/// What all of them say of a file, which begins with this after `error: F`.
fn of_file(name: &str, content: impl AsRef<[u8]>, beginning: &str, parts: &[&str]) {
    let work = Work::with_model();
    work.write(name, content);
    for reader in READERS {
        let said = refused(&work, 1, &reader.replace('F', name));
        assert!(said.starts_with(&format!("error: {name}{beginning}")), "{reader}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{reader}: {said}");
    }
}

#[test]
fn a_missing_column_with_the_nearest_name() {
    let content = csv(&["id", "Text", "topics", "stance"], [["1", "a", "b", "c"]]);
    of_file(
        "f.csv",
        &content,
        ": there is no column \"text\"; the columns are \"id\", \"Text\", \"topics\", \"stance\"",
        &["did you mean --text-column \"Text\"?"],
    );
    let content = csv(&["id", "text", "topics", "stance"], [["1", "a", "b", "c"]]);
    of_file(
        "f.csv",
        content,
        ": there is no column \"topic\"",
        &["did you mean --topic-column \"topics\"?", "--topic-column none"],
    );
    of_file("f.csv", "id,text,topic\n1,a,b\n", ": there is no column \"stance\"", &["or say --stance-column none"]);
    let work = Work::with_model();
    for (option, near) in [("--group-column speakr", "speaker"), ("--weight-column idd", "id")] {
        let said = refused(&work, 1, &format!("train corpus.csv --output new.model {option}"));
        assert!(said.contains(&format!("did you mean {} {near:?}?", option.split(' ').next().unwrap())), "{said}");
    }
    let said = refused(&work, 1, "classify corpus.csv --model a.model --known-topic topik");
    assert!(
        said.contains("there is no column \"topik\"") && said.contains("did you mean --known-topic \"topic\"?"),
        "{said}"
    );
    let said = refused(&work, 1, "classify corpus.csv --model a.model --text-column body");
    assert!(said.starts_with("error: corpus.csv: there is no column \"body\"; the columns are \"id\", "), "{said}");
}

#[test]
fn a_ragged_row() {
    let ragged = corpus_csv() + "145,speaker,Yes, we do,rail,support\n";
    of_file("f.csv", ragged, ", line 146: found 6 fields, expected 5 as in the header", &["put quotes round cells"]);
    of_file("f.csv", corpus_csv() + "145\n", ", line 146: found 1 field, expected 5", &[]);
    of_file("f.csv", corpus_csv() + "145,\"x\n\n", ", line 146: a quote opened in this row is not closed", &[]);
}

#[test]
fn invalid_utf8() {
    let bytes =
        [corpus_csv().as_bytes(), "145,s,é,rail,support\n".as_bytes(), b"146,s,caf\xE9,rail,support\n"].concat();
    of_file("f.csv", &bytes, ", line 147, column \"text\": not UTF-8 at byte 4 of the cell", &["iconv"]);
    let work = Work::with_model();
    work.write("f.txt", b"\xC3\xA9ne\ntwo caf\xE9\n");
    let said = refused(&work, 1, "classify f.txt --model a.model");
    assert!(said.starts_with("error: f.txt, line 2: not UTF-8 at byte 8 of the line"), "{said}");
    work.write("f.jsonl", b"{\"text\": \"\xC3\xA9\"}\n{\"text\": \"caf\xE9\"}\n");
    work.run("classify f.jsonl --model a.model")
        .code(1)
        .stderr(starts_with("error: f.jsonl, line 2: not UTF-8 at byte 14"));
}

#[test]
fn an_empty_file() {
    for content in ["", "\n\n", "\u{FEFF}"] {
        of_file("f.csv", content, ": the file is empty", &["header line"]);
    }
    of_file("f.jsonl", "", ": the file is empty", &["{\"text\": "]);
    of_file("f.csv", gzip(""), ": the file is empty", &[]);
    let work = Work::with_model();
    for name in ["f.csv", "f.txt", "f.jsonl"] {
        work.write(name, " \n");
        assert!(
            refused(&work, 1, &format!("classify {name} --model a.model --output new.csv"))
                .starts_with(&format!("error: {name}: the file is empty"))
        );
    }
}

#[test]
fn nothing_to_read() {
    let work = Work::with_model();
    let said = refused(&work, 1, "classify --model a.model");
    assert!(said.starts_with("error: standard input: the file is empty"), "{said}");
    for name in ["absent.csv", "absent.txt"] {
        for command in ["classify F --model a.model", "train F --output new.model", "evaluate F --model a.model"] {
            let said = refused(&work, 1, &command.replace('F', name));
            assert!(said.starts_with(&format!("error: cannot open {name}: ")), "{said}");
        }
    }
    assert!(refused(&work, 1, "classify . --model a.model").contains("this is a directory, expected a file"));
}

/// On a terminal there is no use in waiting for a corpus to be typed.
#[cfg(target_os = "linux")]
#[test]
fn nothing_to_read_on_a_terminal_is_wrong_usage() {
    // `script` gives its command a terminal; not every system has it.
    let program = env!("CARGO_BIN_EXE_rapporteur");
    let command = format!("{program} classify");
    let run = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = run else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("nothing to read: name a file"), "{said}");
}

#[test]
fn a_header_without_rows() {
    let work = Work::with_model();
    work.write("f.csv", "text,topic,stance\n");
    let said = refused(&work, 1, "train f.csv --output new.model");
    assert!(said.starts_with("error: f.csv: there are no rows below the header"), "{said}");
}

#[test]
fn no_labelled_rows() {
    let rows = corpus().into_iter().map(|r| [r.text, " ".to_owned(), "NA".to_owned()]);
    let work = Work::with_model();
    work.write("f.csv", csv(&["text", "topic", "stance"], rows));
    let said = refused(&work, 1, "train f.csv --output new.model");
    assert!(said.starts_with("error: f.csv: none of 144 rows has a label") && said.contains("--missing"), "{said}");
    let said = refused(&work, 1, "train corpus.csv --output new.model --topic-column none --stance-column none");
    assert!(said.starts_with("error: corpus.csv: none of 144 rows has a label"), "{said}");
}

#[test]
fn a_single_class() {
    let work = Work::with_model();
    work.write("f.csv", relabelled(|row| (row.topic, row.stance) = ("all".to_owned(), "for".to_owned())));
    for command in ["train f.csv --output new.model", "train f.csv --output new.model --cv 3", "evaluate f.csv --cv 3"]
    {
        let said = refused(&work, 1, command);
        assert!(
            said.starts_with(
                "error: f.csv: nothing to learn: the only topic is \"all\", and the only stance is \"for\""
            ),
            "{said}"
        );
    }
}

#[test]
fn no_terms() {
    let work = Work::with_model();
    work.write("f.csv", "text,topic,stance\n,a,b\n ,c,d\n");
    let said = refused(&work, 1, "train f.csv --output new.model");
    assert!(said.starts_with("error: f.csv: no term is left of 2 paragraphs"), "{said}");
}

#[test]
fn a_topic_that_the_codebook_does_not_know() {
    let work = Work::with_model();
    let targets = TOPICS.map(|topic| [topic.to_owned(), format!("More of {topic}")]);
    work.write("codebook.csv", csv(&["topic", "target"], targets));
    work.write(
        "f.csv",
        relabelled(|row| {
            if row.id == 100 {
                row.topic = "shools".to_owned()
            }
        }),
    );
    for command in ["train f.csv --output new.model", "evaluate f.csv --cv 3"] {
        let said = refused(&work, 1, &format!("{command} --codebook codebook.csv"));
        assert!(said.starts_with("error: f.csv, line 101: the topic \"shools\" is not in the codebook"), "{said}");
        assert!(said.contains("did you mean \"schools\"?") && said.contains("forests, rail, schools, water"), "{said}");
    }
    work.write("codebook.csv", "topic,aim\nrail,more\n");
    let said = refused(&work, 1, "train f.csv --output new.model --codebook codebook.csv");
    assert!(said.starts_with("error: codebook.csv: there is no column \"target\""), "{said}");
}

/// The commands that read a model.
const MODEL_READERS: [&str; 4] = [
    "classify corpus.csv --model b.model --output new.csv",
    "evaluate corpus.csv --model b.model",
    "inspect b.model",
    "explain text --model b.model",
];

fn of_model(work: &Work, bytes: &[u8], problem: &str) {
    work.write("b.model", bytes);
    for reader in MODEL_READERS {
        let said = refused(work, 1, reader);
        assert!(said.starts_with("error: b.model: ") && said.contains(problem), "{reader}: {said}");
    }
}

#[test]
fn a_file_that_is_no_model() {
    let work = Work::with_model();
    for bytes in [&b""[..], b"{}", corpus_csv().as_bytes(), &gzip(work.bytes("a.model")), &[0; 100]] {
        of_model(&work, bytes, "this is no Rapporteur model\n  give a file that `rapporteur train` has written");
    }
    for reader in ["classify corpus.csv --model absent", "inspect absent"] {
        assert!(refused(&work, 1, reader).starts_with("error: cannot read absent: "));
    }
}

#[test]
fn a_damaged_model() {
    let work = Work::with_model();
    let bytes = work.bytes("a.model");
    of_model(&work, &bytes[..bytes.len() - 1], "damaged");
    of_model(&work, &bytes[..bytes.len() / 2], "damaged");
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    of_model(&work, &changed, "the file is damaged: its checksum does not match\n  copy it again");
}

#[test]
fn a_model_of_another_version() {
    let work = Work::with_model();
    let mut bytes = work.bytes("a.model");
    let own: &[u8] = br#"\"format\":3,"#;
    let at = bytes.windows(own.len()).position(|part| part == own).unwrap();
    bytes[at + own.len() - 2] = b'9';
    // The checksum is of everything before it, at the end.
    let body = bytes.len() - 32;
    let checksum = *blake3::hash(&bytes[..body]).as_bytes();
    bytes[body..].copy_from_slice(&checksum);
    of_model(&work, &bytes, "it is a model of format 9, written by rapporteur ");
    of_model(&work, &bytes, "this program reads formats 1 to 4\n  train the model again with this version");
}

#[test]
fn wrong_usage() {
    let work = Work::with_model();
    for arguments in [
        "nonsense",
        "classify --nonsense",
        "classify corpus.csv --format xlsx",
        "classify corpus.csv --delimiter ::",
        "classify corpus.csv --top 0",
        // A column for each of four billion topics would be more than any memory.
        "classify corpus.csv --top 4000000000",
        "classify corpus.csv --max-words 0",
        "classify corpus.csv --threads 0",
        "classify corpus.csv --seed x",
        "classify corpus.csv --text-column ,",
        "train corpus.csv",
        "train --output new.model",
        "train corpus.csv --output new.model --cv 1",
        "train corpus.csv --output new.model --min-df many",
        "train corpus.csv --output new.model --max-df 1.5",
        "train corpus.csv --output new.model --max-features 0",
        "train corpus.csv --output new.model --word-ngrams 3-1",
        "train corpus.csv --output new.model --word-ngrams none --char-ngrams none",
        "train corpus.csv --output new.model --stemmer klingon",
        "train corpus.csv --output new.model --classifier forest",
        "train corpus.csv --output new.model --c 0",
        "train corpus.csv --output new.model --c -1",
        "train corpus.csv --output new.model --calibration x",
        "train corpus.csv --output new.model --thresholds x",
        "train corpus.csv --output new.model --precision f8",
        "train corpus.csv --output new.model --mark-negation perhaps",
        "train corpus.csv --output new.model --topic-departure x",
        "train corpus.csv --output new.model --topic-column text",
        "train corpus.csv --output new.model --stance-column text",
        "explain",
        "completions tcsh",
    ] {
        refused(&work, 2, arguments);
    }
    work.run("").code(2).stderr(contains("Usage: rapporteur"));
}

#[test]
fn bad_class_weights() {
    let work = Work::with_model();
    for weight in ["heavy", "topic:rail", "topic:rail=x", "topic:rail=-1", "topic:rail=inf", "speaker:a=1"] {
        let said = refused(&work, 2, &format!("train corpus.csv --output new.model --class-weight {weight}"));
        assert!(
            said.contains(&format!("{weight:?}, expected none, balanced, topic:LABEL=X or stance:LABEL=X")),
            "{said}"
        );
    }
    let said = refused(&work, 1, "train corpus.csv --output new.model --class-weight topic:rails=2");
    assert!(said.starts_with("error: corpus.csv: --class-weight topic:rails names no topic of the corpus"), "{said}");
    assert!(said.contains("its topics are: forests, rail, schools, water"), "{said}");
}

/// It was taken, and had no effect.
#[test]
fn a_class_weight_of_the_other_head_is_refused() {
    let work = Work::with_model();
    let said = refused(&work, 1, "train corpus.csv --output new.model --class-weight topic:support=2");
    assert!(said.contains("--class-weight topic:support names no topic of the corpus"), "{said}");
    let said = refused(&work, 1, "evaluate corpus.csv --cv 3 --class-weight stance:rail=2");
    assert!(said.contains("its stances are: neutral, oppose, support"), "{said}");
}

#[test]
fn bad_configuration_files() {
    let work = Work::with_model();
    for (content, part) in [
        ("classifier = \"forest\"", "--classifier is \"forest\", expected logistic or svm"),
        ("min_df = \"many\"", "\"many\""),
        ("min_df = [2]", "expected a text, a number, or true or false"),
        ("stemmer = \"klingon\"", "unknown stemmer \"klingon\""),
        ("class_weight = [\"heavy\"]", "\"heavy\""),
        ("delimiter = \"::\"", "\"::\""),
        ("clasifier = \"svm\"", "there is no option \"clasifier\"\n  did you mean classifier?"),
        ("texts-column = \"a\"", "did you mean text_column?"),
        ("zzz = 1", "there is no option \"zzz\"\n  names are those of the options"),
        ("seed = -1", "seed is -1, expected a whole number"),
        ("threads = \"all\"", "threads is \"all\", expected a whole number"),
        ("min_df = 1\nmin-df = 2", "is given twice, with - and with _"),
        ("min_df = = 2", "line 1, column"),
        ("topic_column = \"text\"", "both name \"text\""),
    ] {
        work.write("a.toml", content);
        for command in ["train corpus.csv --output new.model", "evaluate corpus.csv --cv 3"] {
            let said = refused(&work, 1, &format!("{command} --config a.toml"));
            assert!(said.starts_with("error: a.toml: ") && said.contains(part), "{content}: {said}");
        }
    }
    assert!(
        refused(&work, 1, "train corpus.csv --output new.model --config absent.toml")
            .starts_with("error: cannot read absent.toml: ")
    );
}

/// A configuration without an end filled the memory.
#[test]
#[cfg(target_os = "linux")]
fn a_configuration_without_end() {
    let work = Work::new();
    for option in ["--config /dev/zero", "--stop-words /dev/zero"] {
        let said = refused(&work, 1, &format!("train corpus.csv --output new.model {option}"));
        assert!(said.starts_with("error: /dev/zero: found more than 16 MiB"), "{said}");
    }
}

#[test]
fn bad_weights_of_rows() {
    let work = Work::with_model();
    for weight in ["-1", "x", "", "inf", "1e300"] {
        work.write("f.csv", format!("text,topic,stance,n\na,b,c,1\nd,e,f,{weight}\n"));
        let said = refused(&work, 1, "train f.csv --output new.model --weight-column n");
        assert!(
            said.starts_with(&format!("error: f.csv, line 3, column \"n\": the weight is {weight:?}, expected")),
            "{said}"
        );
    }
    work.write("f.csv", "text,topic,stance,n\na,b,c,0\nd,e,f,0\n");
    let said = refused(&work, 1, "train f.csv --output new.model --weight-column n");
    assert!(said.starts_with("error: f.csv: the weight of every row is 0"), "{said}");
}

#[test]
fn bad_json() {
    let work = Work::with_model();
    for (content, part) in
        [("[{\"text\": \"a\"}]\n", "jq -c '.[]'"), ("{\"text\": \"a\"\n", ", line 1: not a JSON object")]
    {
        work.write("f.jsonl", content);
        let said = refused(&work, 1, "classify f.jsonl --model a.model --output new.csv");
        assert!(said.starts_with("error: f.jsonl, line 1") && said.contains(part), "{said}");
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let work = Work::with_model();
    std::fs::create_dir(work.path("folder")).unwrap();
    for (command, option) in [
        ("train corpus.csv", "--output"),
        ("train corpus.csv --output new.model", "--json"),
        ("classify corpus.csv --model a.model --quiet", "--output"),
        ("evaluate corpus.csv --model a.model", "--json"),
        ("evaluate corpus.csv --model a.model", "--predictions"),
        ("evaluate corpus.csv --cv 3", "--predictions"),
        ("inspect a.model", "--json"),
    ] {
        let said = refused(&work, 1, &format!("{command} {option} absent/new"));
        assert!(said.starts_with("error: cannot open absent: "), "{said}");
        let said = refused(&work, 1, &format!("{command} {option} folder"));
        assert!(said.starts_with("error: folder: this is a directory, expected a file to write"), "{said}");
    }
}

/// A file that cannot be finished leaves the one that was there.
#[test]
fn a_failure_leaves_the_old_file() {
    let work = Work::with_model();
    work.write("old", "as it was");
    work.write("f.csv", corpus_csv() + "145\n");
    for command in [
        "train f.csv --output old",
        "classify f.csv --model a.model --output old",
        "evaluate f.csv --cv 3 --predictions old",
    ] {
        work.run(command).code(1);
        assert_eq!(work.read("old"), "as it was");
    }
    assert_eq!(work.files(), ["a.model", "corpus.csv", "f.csv", "old"]);
}

#[cfg(target_os = "linux")]
mod full {
    use super::*;
    use std::fs::OpenOptions;

    fn full() -> std::fs::File {
        OpenOptions::new().write(true).open("/dev/full").unwrap()
    }

    #[test]
    fn a_full_disk_is_a_failure() {
        let work = Work::with_model();
        for arguments in [
            "classify corpus.csv --model a.model --quiet",
            "evaluate corpus.csv --model a.model",
            "inspect a.model",
            "explain text --model a.model",
            "completions bash",
        ] {
            let output = work.process(arguments).stdout(full()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
            assert!(said.starts_with("error: cannot write standard output: "), "{arguments}: {said}");
        }
        for arguments in [
            "classify corpus.csv --model a.model --quiet --output /dev/full",
            "train corpus.csv --quiet --output /dev/full",
            "evaluate corpus.csv --model a.model --predictions /dev/full --json -",
        ] {
            work.run(arguments).code(1).stderr(starts_with("error: cannot write /dev/full: "));
        }
        assert_eq!(work.process("--help").stdout(full()).output().unwrap().status.code(), Some(1));
    }

    /// It ended in a panic, after the model was written.
    #[test]
    fn a_full_standard_error_does_not_matter() {
        let work = Work::with_model();
        let status = work.process("train corpus.csv --output new.model").stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(work.path("new.model").exists());
        assert_eq!(work.process("inspect absent").stderr(full()).status().unwrap().code(), Some(1));
    }
}

/// Completions ended in a panic.
#[test]
fn readers_that_go_away_are_no_failure() {
    let work = Work::with_model();
    for arguments in [
        "completions bash",
        "--help",
        "inspect a.model",
        "evaluate corpus.csv --model a.model",
        "explain corpus.csv --model a.model",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = work.process(arguments).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn help_version_and_completions() {
    let work = Work::new();
    for command in ["train", "classify", "evaluate", "inspect", "explain"] {
        let help = work.stdout(&format!("{command} --help"));
        assert!(
            help.contains("Examples:\n  rapporteur ") && help.contains("--threads <N>") && help.contains("--quiet"),
            "{help}"
        );
    }
    work.run("--version").success().stdout(starts_with("rapporteur ").and(ends_with("\n")));
    for (shell, part) in
        [("bash", "complete -F _rapporteur"), ("zsh", "#compdef rapporteur"), ("fish", "complete -c rapporteur")]
    {
        work.run(&format!("completions {shell}"))
            .success()
            .stdout(contains(part).and(contains("classify")))
            .stderr(is_empty());
    }
}
