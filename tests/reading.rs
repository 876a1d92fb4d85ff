//! Input as the world makes it: every oddity has one defined result, the same for all commands that read tables.

mod common;

use common::{Table, Work, corpus_csv, csv};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};

/// A table of two texts whose topics the model knows, with a character outside ASCII.
const TEXT: &str = "id,text\n1,\"the dam upstream, café\"\n2,free school meals\n";

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// What classify says of a file: its table and its standard error.
fn classified(work: &Work, arguments: &str) -> (Table, String) {
    let result = work.run(&format!("classify {arguments} --model a.model")).success();
    let output = result.get_output();
    (Table::of(std::str::from_utf8(&output.stdout).unwrap()), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn encodings_come_to_the_same_table() {
    let work = Work::with_model();
    let with_mark = format!("\u{FEFF}{TEXT}");
    for (name, bytes, options, note) in [
        ("utf8.csv", TEXT.as_bytes().to_vec(), "", ""),
        ("mark.csv", with_mark.as_bytes().to_vec(), "", ""),
        ("little.csv", utf16(&with_mark, u16::to_le_bytes), "", ""),
        ("big.csv", utf16(&with_mark, u16::to_be_bytes), "", ""),
        ("bare.csv", utf16(TEXT, u16::to_le_bytes), "", "note: bare.csv is read as UTF-16LE, by its first bytes\n"),
        ("bare.csv", utf16(TEXT, u16::to_le_bytes), "--encoding utf-16", ""),
        (
            "1252.csv",
            latin1(TEXT),
            "",
            "note: 1252.csv, line 2: the first character outside ASCII is not UTF-8, so the file is read as Windows-1252",
        ),
        ("1252.csv", latin1(TEXT), "--encoding windows-1252", ""),
        ("1252.csv", latin1(TEXT), "--encoding latin1", ""),
    ] {
        work.write(name, bytes);
        let (table, said) = classified(&work, &format!("{name} {options}"));
        assert_eq!(table.column("text"), ["the dam upstream, café", "free school meals"], "{name} {options}");
        assert_eq!(table.column("topic"), ["water", "schools"], "{name} {options}");
        assert!(if note.is_empty() { said.is_empty() } else { said.starts_with(note) }, "{name} {options}: {said}");
    }
    // Prose and JSON too.
    work.write("a.txt", latin1("The dam upstream, café."));
    assert_eq!(classified(&work, "a.txt").0.column("text"), ["The dam upstream, café."]);
    work.write("a.jsonl", latin1("{\"text\": \"the dam upstream, café\"}\n"));
    assert_eq!(classified(&work, "a.jsonl").0.column("text"), ["the dam upstream, café"]);
}

#[test]
fn training_and_evaluating_read_as_classifying_does() {
    let work = Work::with_model();
    work.write("1252.csv", latin1(&corpus_csv().replacen("ban", "bán", 1)));
    let note = "note: 1252.csv, line 2: the first character outside ASCII is not UTF-8";
    work.run("train 1252.csv --output b.model").success().stderr(contains(note));
    work.run("evaluate 1252.csv --model a.model").success().stderr(starts_with(note));
    work.write("a.toml", "encoding = \"latin1\"\n");
    work.run("train 1252.csv --output c.model --config a.toml").success().stderr(contains("note").not());
    assert_eq!(work.bytes("b.model"), work.bytes("c.model"));
}

#[test]
fn what_an_encoding_does_not_have_is_refused() {
    let work = Work::with_model();
    work.write("late.csv", [TEXT.as_bytes(), b"3,caf\xE9\n"].concat());
    let refused = |arguments: &str, part: &str| {
        work.run(&format!("classify {arguments} --model a.model")).code(1).stderr(contains(part));
    };
    refused("late.csv", "late.csv, line 4, column \"text\": not UTF-8 at byte 4 of the cell\n  save the file as UTF-8");
    refused("late.csv", "--encoding");
    work.write("half.csv", &utf16(TEXT, u16::to_le_bytes)[..31]);
    refused(
        "half.csv --encoding utf-16",
        "half.csv: byte 31 is not UTF-16LE; save the file as UTF-8, or name its encoding",
    );
    work.write("lone.csv", [&utf16("id,text\n1,", u16::to_le_bytes)[..], b"\x00\xD8a\0"].concat());
    refused("lone.csv --encoding utf-16le", "byte 21 is not UTF-16LE");
    work.write("first.csv", latin1(TEXT));
    refused("first.csv --encoding utf-8", "first.csv, line 2, column \"text\": not UTF-8 at byte 22");
    work.write("book.csv", b"PK\x03\x04\x14\0\x06\0\x08\0\0\0\x21\0\xE9");
    refused("book.csv", "ZIP archive, or a document such as .xlsx");
    work.write("binary.csv", b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\xE9\xFF");
    refused("binary.csv", "not UTF-8");
    work.run("classify late.csv --encoding klingon")
        .code(2)
        .stderr(contains("encoding is \"klingon\", expected auto, utf-8"));
}

#[test]
fn bad_rows_are_skipped_counted_and_kept() {
    let work = Work::with_model();
    let rows = b"id,text\n1,\"the dam upstream, caf\xC3\xA9\"\n2,too,many\n3,free school meals\n4,caf\xE9\n5\n6,\"the night\ntrain\"\n7,\"open\n8,x\n";
    work.write("bad.csv", rows);
    let note =
        "note: 4 rows were passed over; the first: bad.csv, line 3: found 3 fields, expected 2 as in the header\n";
    for threads in [1, 3] {
        let (table, said) = classified(&work, &format!("bad.csv --on-error skip --threads {threads}"));
        assert_eq!((table.column("id"), said.as_str()), (vec!["1", "3", "6"], note));
    }
    let (_, said) = classified(&work, "bad.csv --on-error report");
    assert!(
        said.starts_with("skipped: bad.csv, line 3: found 3 fields, expected 2 as in the header\nskipped: "),
        "{said}"
    );
    assert_eq!(
        (said.lines().count(), said.contains("bad.csv, line 9: a quote opened in this row")),
        (5, true),
        "{said}"
    );
    let (_, said) = classified(&work, "bad.csv --errors bad-rows.csv");
    assert!(said.contains("4 rows were passed over; they are in bad-rows.csv; the first: "), "{said}");
    let kept = Table::of(&work.read("bad-rows.csv"));
    assert_eq!(kept.header, ["file", "line", "problem", "row"]);
    assert_eq!(kept.column("file"), ["bad.csv"; 4]);
    assert_eq!(kept.column("line"), ["3", "5", "6", "9"]);
    assert_eq!(kept.column("row")[..3], ["2,too,many", "4,caf\\xE9", "5"]);
    assert!(kept.column("row")[3].contains("7,\"open\n8,x\n"), "{:?}", kept.column("row"));
    assert!(
        kept.column("problem")[1].starts_with("column \"text\": not UTF-8 at byte 4"),
        "{:?}",
        kept.column("problem")
    );
    // Without the option the first one ends it, and the file of bad rows is not begun.
    work.run("classify bad.csv --model a.model").code(1).stderr(starts_with("error: bad.csv, line 3: found 3 fields"));
    for wrong in ["--on-error perhaps", "--on-error fail --errors x.csv", "--errors bad.csv"] {
        work.run(&format!("classify bad.csv {wrong}")).code(2).stdout(is_empty());
    }
}

#[test]
fn bad_rows_of_json_and_of_labelled_files() {
    let work = Work::with_model();
    work.write(
        "bad.jsonl",
        "{\"text\": \"the dam upstream\"}\n{\"text\": \"\\ud800\"}\n{\"text\": }\n{\"text\": \"free school meals\"}\n",
    );
    work.run("classify bad.jsonl --model a.model")
        .code(1)
        .stderr(starts_with("error: bad.jsonl, line 2: not a JSON object"));
    let (table, said) = classified(&work, "bad.jsonl --on-error skip");
    assert_eq!(table.column("topic"), ["water", "schools"]);
    assert!(
        said.starts_with("note: 2 rows were passed over; the first: bad.jsonl, line 2: not a JSON object"),
        "{said}"
    );
    // A corpus with a bad row trains the model of the corpus without.
    work.write("bad.csv", corpus_csv() + "145,only\n");
    work.run("train corpus.csv --output good.model").success();
    work.run("train bad.csv --output bad.model --on-error skip")
        .success()
        .stderr(contains("note: 1 row was passed over"));
    assert_eq!(work.bytes("good.model"), work.bytes("bad.model"));
    let expected = work.stdout("evaluate corpus.csv --model a.model");
    let result = work.run("evaluate bad.csv --model a.model --errors kept.csv --predictions p.csv").success();
    result.stdout(expected).stderr(contains("1 row was passed over; they are in kept.csv").count(1));
    assert_eq!(Table::of(&work.read("kept.csv")).column("row"), ["145,only"]);
    assert_eq!(work.read("p.csv").lines().count(), 145);
}

#[test]
fn line_ends_blank_lines_and_white_space() {
    let work = Work::with_model();
    for end in ["\n", "\r\n", "\r"] {
        work.write(
            "a.csv",
            format!("{end}id,text{end}1,the dam upstream{end}{end}   {end}2,\"free{end}school meals\"{end}"),
        );
        let (table, said) = classified(&work, "a.csv");
        assert_eq!((table.column("topic"), said.as_str()), (vec!["water", "schools"], ""), "{end:?}");
        assert_eq!(table.column("text")[1], format!("free{end}school meals"));
    }
    // A row of empty cells is a row, and a cell of white space stays what it was.
    work.write("a.csv", "id,text\n,\n1, \t \n2,\u{a0}\n");
    let (table, said) = classified(&work, "a.csv");
    assert_eq!((table.column("text"), table.column("topic")), (vec!["", " \t ", "\u{a0}"], vec![""; 3]));
    assert!(said.starts_with("note: 3 of 3 rows have no text"), "{said}");
}

#[test]
fn every_script_passes_unchanged() {
    let work = Work::with_model();
    let texts = [
        "‏يجب رفع العقوبات‏ the dam upstream",
        "שלום the dam upstream\u{202e}",
        "t\u{301}\u{302}\u{303}he dam upstream e\u{301}",
        "👩‍👩‍👧 the dam upstream 🇺🇳",
        "the dam upstream \u{0} \u{7f} \u{85} \u{2028}",
        "\u{feff}the dam upstream",
    ];
    work.write("a.csv", csv(&["text"], texts.map(|t| [t])));
    assert_eq!(classified(&work, "a.csv").0.column("text"), texts);
    let zalgo: String =
        "the dam upstream".chars().flat_map(|c| [c].into_iter().chain(std::iter::repeat_n('\u{336}', 300))).collect();
    work.write("a.csv", csv(&["text"], [[&zalgo]]));
    assert_eq!(classified(&work, "a.csv").0.column("text"), [zalgo]);
}

#[test]
fn columns_of_one_name_are_refused_where_they_are_used() {
    let work = Work::with_model();
    work.write("a.csv", "note,text,note\na,the dam upstream,b\n");
    let (table, _) = classified(&work, "a.csv");
    assert_eq!(
        (&table.header[..3], &table.rows[0][..3]),
        (&["note", "text", "note"].map(String::from)[..], &["a", "the dam upstream", "b"].map(String::from)[..])
    );
    work.write("b.csv", "text,id,text\na,1,b\n");
    let said = "error: b.csv, column \"text\": two columns have this name, number 1 and number 3\n  rename one of them";
    work.run("classify b.csv --model a.model").code(1).stderr(starts_with(said));
    work.run("classify b.csv --model a.model --text-column id").success();
    work.run("classify a.csv --model a.model --output out.jsonl").code(1).stderr(starts_with(
        "error: a.csv, column \"note\": two columns have this name, and JSON Lines could keep one only",
    ));
    work.write("c.csv", "text,topic,stance,topic\na,b,c,d\n");
    work.run("train c.csv --output new.model")
        .code(1)
        .stderr(contains("two columns have this name, number 2 and number 4"));
}

#[test]
fn columns_that_clash_get_another_prefix() {
    let work = Work::with_model();
    work.write("a.csv", "text,topic,predicted_topic,predicted_stance\nthe dam upstream,x,y,z\n");
    let (table, said) = classified(&work, "a.csv");
    assert_eq!((table.column("topic"), table.column("predicted_topic")), (vec!["x"], vec!["y"]));
    assert_eq!(table.column("predicted_predicted_topic"), ["water"]);
    assert!(said.contains("the labels are written as predicted_predicted_topic"), "{said}");
}

#[test]
fn cells_that_a_spreadsheet_would_run() {
    let work = Work::with_model();
    let cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "a=1", "", "'=1", "1-1"];
    work.write("a.csv", csv(&["=id", "text"], cells.map(|cell| [cell, "the dam upstream"])));
    assert_eq!(classified(&work, "a.csv").0.column("=id"), cells);
    let (table, _) = classified(&work, "a.csv --safe-cells");
    let safe = ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "'\nx", "'＝1", "a=1", "", "'=1", "1-1"];
    assert_eq!((table.column("'=id"), table.column("topic")[0]), (safe.to_vec(), "water"));
    work.run("classify a.csv --model a.model --safe-cells --output out.jsonl")
        .code(2)
        .stderr(contains("--safe-cells is for tables"));
}

/// A thousand rows of a hundred thousand empty cells were one batch of gigabytes.
#[test]
fn wide_tables_of_empty_cells_are_read_in_small_batches() {
    use rapporteur::corpus::{Batch, ReadOptions, open_records};
    let work = Work::new();
    let commas = ",".repeat(99_999);
    work.write("wide.csv", format!("text{commas}\n{}", format!("{commas}\n").repeat(20)));
    let path = work.path("wide.csv").display().to_string();
    let mut reader = open_records(&path, &ReadOptions::default()).unwrap();
    let (mut batch, mut rows) = (Batch::new(), 0);
    while reader.read(&mut batch, 2_048, 1 << 20).unwrap() {
        assert!(batch.len() <= 2, "{}", batch.len());
        rows += batch.len();
    }
    assert_eq!(rows, 20);
}

/// Names are found and written without the white space around them; in JSON it belongs to the name.
#[test]
fn names_of_columns_are_trimmed_in_tables() {
    let work = Work::with_model();
    work.write("a.csv", " id ,\ttext , note \n 1 , the dam upstream , a \n");
    let (table, _) = classified(&work, "a.csv");
    assert_eq!(table.header[..3], ["id", "text", "note"]);
    assert_eq!(table.rows[0][..3], [" 1 ", " the dam upstream ", " a "]);
    work.write("a.jsonl", "{\" text\": \"the dam upstream\"}\n");
    work.run("classify a.jsonl --model a.model").code(1).stderr(contains("no column \"text\"").or(contains("text")));
}

/// The last row has a quote without end, and whatever follows belongs to it.
#[test]
fn a_quote_without_end_is_one_bad_row() {
    let work = Work::with_model();
    for end in ["\n", "\r\n", "\r"] {
        work.write(
            "a.csv",
            format!("id,text{end}1,the dam upstream{end}2,\"free school{end}meals{end}3,the night train{end}"),
        );
        work.run("classify a.csv --model a.model")
            .code(1)
            .stderr(contains("a.csv, line 3: a quote opened in this row is not closed before the end of the file"));
        let (table, said) = classified(&work, "a.csv --errors bad.csv");
        assert_eq!(table.column("id"), ["1"]);
        assert!(said.contains("note: 1 row was passed over; they are in bad.csv"), "{said}");
        // The csv crate makes one line end of every kind within the row that it could not end.
        let kept = Table::of(&work.read("bad.csv"));
        assert!(
            kept.column("row")[0].contains("meals") && kept.column("row")[0].contains("the night train"),
            "{kept:?}"
        );
    }
}

/// Half of a pair stands for nothing: in a column it is an error of its row, elsewhere it passes as it was written.
#[test]
fn lone_surrogates() {
    let work = Work::with_model();
    let good = "{\"text\": \"the dam upstream\", \"x\": \"\\ud83d\\ude00\"}\n";
    let bad = "{\"text\": \"the dam \\ud800 upstream\", \"x\": \"\"}\n";
    let late = "{\"text\": \"the dam upstream\", \"x\": \"\", \"new\": \"\\udc00\"}\n";
    work.write("a.jsonl", format!("{good}{bad}{late}"));
    work.run("classify a.jsonl --model a.model").code(1).stderr(contains("a.jsonl, line 2: not a JSON object"));
    let said = work.stderr("classify a.jsonl --model a.model --on-error skip --output out.jsonl");
    assert!(said.contains("note: 1 row was passed over"), "{said}");
    let out = work.read("out.jsonl");
    assert!(out.lines().count() == 2 && out.contains("\\ud83d\\ude00") && out.contains("\\udc00"), "{out}");
}
