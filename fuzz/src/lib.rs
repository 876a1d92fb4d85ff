//! What is fuzzed: for any bytes, each function returns or panics, and a panic is a bug.
//!
//! `cargo fuzz run csv` and so on call these through `fuzz_targets/`; `tests/fuzz_replay.rs` calls them on the inputs kept in `fuzz/corpus`, so that
//! what was found once stays mended without a fuzzer at hand.

#![allow(dead_code)]

use std::io::Cursor;
use std::sync::OnceLock;

use rapporteur::control::Control;
use rapporteur::corpus::{
    Batch, Encoding, Format, OnError, ReadLog, ReadOptions, RecordReader, read_records, split_paragraphs,
};
use rapporteur::features::{Frequency, Strings};
use rapporteur::linear::Loss;
use rapporteur::model::{
    CalibrationMethod, Choice, LabelledText, Model, Precision, Predictor, TrainOptions, TrainingSetBuilder, train,
};
use rapporteur::text::{
    Analyser, AnalyserSettings, Language, NgramRange, char_ngrams, ends_clause, is_negation, normalise, tokenise,
    tokenise_by_the_standard,
};

// The configuration belongs to the program and not to the library; its files are taken from there.
#[path = "../../src/cli/columns.rs"]
mod columns;
#[path = "../../src/cli/config.rs"]
mod config;
#[path = "../../src/cli/reading.rs"]
mod reading;
#[path = "../../src/cli/small_file.rs"]
mod small_file;
#[path = "../../src/cli/terminal.rs"]
mod terminal;
#[path = "../../src/cli/typed.rs"]
mod typed;

/// Never called: no file is opened here.
fn keep_input(_: &str, _: &str, _: &[String]) -> rapporteur::Result<()> {
    Ok(())
}

/// A function that any bytes may be given to.
pub type Target = fn(&[u8]);

/// The names that targets go by.
pub const TARGETS: [(&str, Target); 7] = [
    ("csv", csv),
    ("jsonl", jsonl),
    ("text", text),
    ("analyser", analyser),
    ("model", model),
    ("config", config),
    ("round_trip", round_trip),
];

type Rows = Vec<(u64, Vec<String>)>;

fn rows_of(mut reader: Box<dyn RecordReader>, most: usize) -> rapporteur::Result<(Vec<String>, Rows)> {
    let (mut batch, mut rows) = (Batch::new(), Vec::new());
    while reader.read(&mut batch, most, 1 << 16)? {
        assert!(!batch.is_empty() && batch.len() <= most);
        for i in 0..batch.len() {
            assert_eq!(batch.record(i).len(), reader.header().len());
            assert_eq!(batch.first_row() + i as u64, rows.len() as u64 + 1);
            if let Some(raw) = batch.raw(i) {
                // Values that no column has are kept as they are, escapes that are no character among them.
                type Fields = std::collections::BTreeMap<String, serde::de::IgnoredAny>;
                serde_json::from_str::<Fields>(raw).expect("the line of a row is an object");
            }
            rows.push((batch.line(i), batch.record(i).iter().map(str::to_owned).collect()));
        }
    }
    Ok((reader.header().to_vec(), rows))
}

/// Reads a file in large batches and in small ones, failing at bad rows and passing over them; what is read must be the same.
fn read(format: Format, data: &[u8], encoding: Encoding) -> Option<(Vec<String>, Rows)> {
    let run = |most: usize, on_error: OnError| {
        let log = ReadLog::default();
        let options =
            ReadOptions { format: Some(format), encoding, on_error, log: log.clone(), ..ReadOptions::default() };
        let read =
            read_records("fuzzed", Cursor::new(data.to_vec()), &options).and_then(|reader| rows_of(reader, most));
        (read.map_err(|e| e.to_string()), log.skipped(), log.notes())
    };
    let forgiving = run(1000, OnError::Skip);
    assert_eq!(forgiving, run(1, OnError::Skip));
    let strict = run(1000, OnError::Fail);
    assert_eq!(strict, run(1, OnError::Fail));
    if let Ok((header, rows)) = &strict.0 {
        assert_eq!((Ok((header.clone(), rows.clone())), 0), (forgiving.0.clone(), forgiving.1));
    }
    let (header, rows) = forgiving.0.ok()?;
    if format != Format::Text {
        assert!(rows.windows(2).all(|w| w[0].0 <= w[1].0) && rows.iter().all(|row| row.0 > 0), "{rows:?}");
    }
    Some((header, rows))
}

/// CSV in any encoding; what is read is written and read again.
pub fn csv(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let names = ["auto", "utf-8", "utf-16", "windows-1252", "shift_jis", "gb18030"];
    let encoding: Encoding = names[usize::from(choice) % names.len()].parse().expect("a name");
    let Some((header, rows)) = read(Format::Csv, data, encoding) else { return };
    let mut writer = ::csv::WriterBuilder::new().quote_style(::csv::QuoteStyle::Always).from_writer(Vec::new());
    writer.write_record(&header).expect("memory");
    rows.iter().for_each(|(_, row)| writer.write_record(row).expect("memory"));
    let written = writer.into_inner().expect("memory");
    let options = ReadOptions {
        format: Some(Format::Csv),
        delimiter: rapporteur::corpus::Delimiter::Byte(b','),
        encoding: "utf-8".parse().expect("a name"),
        ..ReadOptions::default()
    };
    let again = read_records("again", Cursor::new(written), &options).and_then(|reader| rows_of(reader, 7));
    let (header_again, rows_again) = again.expect("what was written is read");
    assert_eq!(header, header_again);
    assert!(rows.iter().map(|r| &r.1).eq(rows_again.iter().map(|r| &r.1)));
}

/// JSON Lines.
pub fn jsonl(data: &[u8]) {
    read(Format::Jsonl, data, Encoding::default());
}

/// Plain text: no letter is lost, but for those of page numbers on lines of their own, and none comes from nowhere.
pub fn text(data: &[u8]) {
    let Some((&most, data)) = data.split_first() else { return };
    read(Format::Text, data, Encoding::default());
    let text = String::from_utf8_lossy(data);
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let pieces = split_paragraphs(&text, usize::from(most));
    let (before, after) = (letters(&text), letters(&pieces.concat()));
    let page = ["pag", "pág", "seite", "p.", "of", "de", "von", "sur", "di"];
    let lower = text.to_lowercase();
    if lower.chars().any(char::is_numeric) && page.iter().any(|word| lower.contains(word)) {
        let mut from = before.chars();
        assert!(after.chars().all(|c| from.any(|b| b == c)), "{before:?} {after:?}");
    } else {
        assert_eq!(before, after);
    }
}

/// Tokens, forms, stems, n-grams.
pub fn analyser(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    let (mut tokens, mut slow) = (Vec::new(), Vec::new());
    tokenise(&text, &mut tokens);
    tokenise_by_the_standard(&text, &mut slow);
    assert_eq!(tokens, slow);
    let language = Language::ALL[usize::from(choice) % Language::ALL.len()];
    let settings = AnalyserSettings {
        stemmer: Some(language),
        language: Some(language),
        mark_negation: choice & 0x80 != 0,
        ..AnalyserSettings::default()
    };
    let analyser = Analyser::new(settings);
    let (mut form, mut again, mut last) = (String::new(), String::new(), 0);
    for token in &tokens {
        assert!(token.start >= last && token.end > token.start);
        last = token.end;
        normalise(text.get(token.start..token.end).expect("character bounds"), &mut form);
        normalise(&form, &mut again);
        assert_eq!(form, again);
        analyser.term(&form);
        assert!(!(analyser.opens_negation(&form) && analyser.ends_negation(&form)));
        is_negation(&form, None);
        ends_clause(&form);
        let mut grams = Strings::default();
        char_ngrams(&form, NgramRange::new(1, 1 + usize::from(choice % 8)).expect("a range"), |gram| {
            assert!(!gram.is_empty());
            grams.intern(gram);
        });
    }
}

/// A model to be altered, the same every time.
fn base() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut rows = TrainingSetBuilder::default();
        for (text, topic, stance) in [
            ("Lift the embargo.", "sanctions", "oppose"),
            ("Keep the embargo.", "sanctions", "support"),
            ("Send more troops.", "peacekeeping", "support"),
            ("Troops go home.", "peacekeeping", "oppose"),
        ] {
            rows.push(LabelledText { text, topic: Some(topic), stance: Some(stance), ..Default::default() });
        }
        let options = TrainOptions { char_ngrams: NgramRange::new(3, 3).ok(), c: Choice::Value(1.0), ..quick() };
        let model = train(&rows.finish(), &options, &Control::default()).expect("a model");
        model.to_bytes().expect("bytes")
    })
}

fn quick() -> TrainOptions {
    TrainOptions {
        c: Choice::Value(1.0),
        topic_departure: Choice::Value(1.0),
        calibration: CalibrationMethod::None,
        thresholds: false,
        ..TrainOptions::default()
    }
}

fn seal(bytes: &mut [u8]) {
    if let Some(body) = bytes.len().checked_sub(32) {
        let checksum = blake3::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(checksum.as_bytes());
    }
}

/// A model file: any bytes, or a good file with some bytes put in place of others; its checksum is right.
pub fn model(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let mut bytes = if choice & 1 == 0 {
        data.to_vec()
    } else {
        let mut bytes = base().to_vec();
        let mut edits = data;
        // Two bytes say where, one says how many, the rest is put there.
        while let [a, b, count, rest @ ..] = edits {
            let at = usize::from(u16::from_le_bytes([*a, *b])) % bytes.len();
            let many = usize::from(*count % 16).min(rest.len()).min(bytes.len() - at);
            bytes[at..at + many].copy_from_slice(&rest[..many]);
            edits = &rest[many..];
        }
        bytes
    };
    if choice & 2 == 0 {
        seal(&mut bytes);
    }
    if let Ok(model) = Model::from_bytes("fuzzed", &bytes) {
        judge(&model);
        let bytes = model.to_bytes().expect("bytes");
        let again = Model::from_bytes("again", &bytes).expect("a model that was read is written and read again");
        assert!(again.to_bytes().expect("bytes") == bytes);
    }
}

/// Lets a model judge; its probabilities.
fn judge(model: &Model) -> Vec<f64> {
    let mut predictor = Predictor::new(model);
    let mut shares = Vec::new();
    for text in ["Lift the embargo, keep the troops.", "", "zzz", "\u{301}!", "We support troops embargo"] {
        let prediction = predictor.predict(text);
        predictor.topic_name(prediction);
        predictor.stance_name(prediction);
        shares.extend([prediction.topic_probability, prediction.stance_probability]);
        shares.extend_from_slice(predictor.topic_probabilities());
        shares.extend_from_slice(predictor.stance_probabilities());
        if let Some(topic) = prediction.topic {
            predictor.topic_evidence(text, topic);
        }
        if let Some(stance) = prediction.stance {
            predictor.stance_evidence(text, predictor.topic_name(prediction), stance);
        }
    }
    assert!(shares.iter().all(|p| (0.0..=1.0).contains(p)), "{shares:?}");
    shares
}

/// A configuration in TOML.
pub fn config(data: &[u8]) {
    // Names of files are values like others, but they are not to be opened.
    if let Ok(raw) = std::str::from_utf8(data)
        && !raw.contains("stop_words")
        && !raw.contains("stop-words")
        && let Err(error) = self::config::Config::parse("fuzzed.toml", raw)
    {
        assert!(error.to_string().starts_with("fuzzed.toml: "), "{error}");
    }
}

/// A small corpus is trained on, and the model saved, loaded and used.
pub fn round_trip(data: &[u8]) {
    let [a, b, data @ ..] = data else { return };
    let ngrams = |n: u8| NgramRange::new(1 + usize::from(n & 1), 1 + usize::from(n & 1) + usize::from(n >> 1 & 1)).ok();
    let options = TrainOptions {
        word_ngrams: if a & 3 == 3 { None } else { ngrams(*a) },
        char_ngrams: if a & 4 == 0 { None } else { ngrams(a >> 3) },
        mark_negation: a & 32 != 0,
        sublinear_tf: a & 64 != 0,
        min_df: (a & 128 != 0).then_some(Frequency::Count(2)),
        classifier: if b & 1 == 0 { Loss::Logistic } else { Loss::Svm },
        c: Choice::Value([1e-6, 0.1, 1.0, 100.0, 1e6][usize::from(b >> 1) % 5]),
        precision: if b & 128 == 0 { Precision::F16 } else { Precision::F32 },
        ..quick()
    };
    let words = ["peace", "war", "not", "embargo", "the", "schools", "мир", "e\u{301}", "!", ""];
    let mut rows = TrainingSetBuilder::default();
    let mut texts = Vec::new();
    for row in data.chunks(6).take(24) {
        let label = |n: u8, names: [&'static str; 4]| (n % 5 < 4).then(|| names[usize::from(n % 5)]);
        let (first, rest) = row.split_first().unwrap_or((&0, &[]));
        let mut text: Vec<&str> = rest.iter().map(|&w| words[usize::from(w) % words.len()]).collect();
        let raw = String::from_utf8_lossy(rest);
        text.push(&raw);
        let text = text.join(" ");
        let labelled = LabelledText {
            text: &text,
            topic: label(first & 15, ["a", "b", "c", "d"]),
            stance: label(first >> 4, ["oppose", "support", "neutral", "none"]),
            weight: rest.first().filter(|&&w| w & 64 != 0).map(|&w| f32::from(w & 7)),
            ..Default::default()
        };
        rows.push(labelled);
        texts.push(text);
    }
    // Too little to learn from is an error like others.
    let Ok(model) = train(&rows.finish(), &options, &Control::default()) else { return };
    judge(&model);
    let bytes = model.to_bytes().expect("bytes");
    let read = Model::from_bytes("trained", &bytes).expect("a model that was trained is read");
    assert!(read.to_bytes().expect("bytes") == bytes, "saved and loaded, it is the same");
    let shares = judge(&read);
    assert_eq!(shares, judge(&read));
    let mut predictor = Predictor::new(&read);
    for text in &texts {
        let first = predictor.predict(text);
        assert_eq!(first, Predictor::new(&read).predict(text));
    }
}
