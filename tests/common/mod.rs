//! What the tests of the commands share: a directory to work in, a small labelled corpus, and tables read back.

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use assert_cmd::assert::Assert;
use tempfile::TempDir;

pub const TOPICS: [&str; 4] = ["forests", "rail", "schools", "water"];
pub const STANCES: [&str; 3] = ["neutral", "oppose", "support"];
/// Rows of [`corpus`].
pub const ROWS: usize = 144;

/// What the paragraphs of each topic speak of, in the order of [`TOPICS`].
const MATTERS: [[&str; 4]; 4] = [
    ["the ban on logging", "the old oak woods", "replanting the bare hillsides", "the timber quota"],
    ["the night train", "the new railway line", "the works at the station", "the lower tram fares"],
    ["free school meals", "smaller classes for pupils", "the pay deal for teachers", "the reform of the exams"],
    ["the river treaty", "the dam upstream", "clean wells for the villages", "the plan for a reservoir"],
];

/// What is said of them, in the order of [`STANCES`].
const SAYINGS: [[&str; 3]; 3] = [
    ["The committee received a report on {}.", "On Tuesday the members discussed {}.", "A question was put about {}."],
    ["We reject {} and will vote against it.", "My group cannot accept {}.", "It would be a mistake to go on with {}."],
    ["We welcome {} and will vote for it.", "My group gladly supports {}.", "It is time, and it is right, for {}."],
];

/// A row of the corpus.
#[derive(Clone)]
pub struct Row {
    pub id: usize,
    /// Six speakers, each on every topic.
    pub speaker: String,
    pub text: String,
    pub topic: String,
    pub stance: String,
}

/// Paragraphs of four topics and three stances, each pair as often as any other.
pub fn corpus() -> Vec<Row> {
    let mut rows = Vec::new();
    for (topic, matters) in TOPICS.iter().zip(&MATTERS) {
        for (stance, sayings) in STANCES.iter().zip(&SAYINGS) {
            for saying in sayings {
                for matter in matters {
                    let id = rows.len() + 1;
                    rows.push(Row {
                        id,
                        speaker: format!("speaker {}", id * 7 % 6),
                        text: saying.replace("{}", matter),
                        topic: (*topic).to_owned(),
                        stance: (*stance).to_owned(),
                    });
                }
            }
        }
    }
    rows
}

/// A CSV file of these cells.
pub fn csv<R: AsRef<[S]>, S: AsRef<[u8]>>(header: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    separated(b',', header, rows)
}

pub fn separated<R: AsRef<[S]>, S: AsRef<[u8]>>(
    delimiter: u8,
    header: &[&str],
    rows: impl IntoIterator<Item = R>,
) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    writer.write_record(header).unwrap();
    for row in rows {
        writer.write_record(row.as_ref()).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

pub const HEADER: [&str; 5] = ["id", "speaker", "text", "topic", "stance"];

pub fn cells(row: &Row) -> [String; 5] {
    [row.id.to_string(), row.speaker.clone(), row.text.clone(), row.topic.clone(), row.stance.clone()]
}

/// [`corpus`] as a CSV file, `id,speaker,text,topic,stance`.
pub fn corpus_csv() -> String {
    csv(&HEADER, corpus().iter().map(cells))
}

/// The corpus with other labels, `id,speaker,text,topic,stance`.
pub fn relabelled(change: impl Fn(&mut Row)) -> String {
    let mut rows = corpus();
    rows.iter_mut().for_each(change);
    csv(&HEADER, rows.iter().map(cells))
}

/// The program, with nothing on standard input.
pub fn program() -> assert_cmd::Command {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_rapporteur"))
}

/// A directory with `corpus.csv` in it, where the program is run; names are short, and so are the messages.
pub struct Work(TempDir);

impl Work {
    pub fn new() -> Work {
        let work = Work(tempfile::tempdir().unwrap());
        work.write("corpus.csv", corpus_csv());
        work
    }

    /// One with a model trained on the corpus.
    pub fn with_model() -> Work {
        let work = Work::new();
        std::fs::copy(model(), work.path("a.model")).unwrap();
        work
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    /// Names of the files, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program in this directory, with arguments separated by spaces; `~` stands for a space within one.
    pub fn command(&self, arguments: &str) -> assert_cmd::Command {
        let mut command = program();
        command.current_dir(self.0.path()).args(arguments.split_whitespace().map(|a| a.replace('~', " ")));
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &str) -> Assert {
        self.command(arguments).assert()
    }

    /// Runs it, which succeeds; its standard output.
    pub fn stdout(&self, arguments: &str) -> String {
        String::from_utf8(self.run(arguments).success().get_output().stdout.clone()).unwrap()
    }

    /// Runs it, which succeeds; its standard error.
    pub fn stderr(&self, arguments: &str) -> String {
        String::from_utf8(self.run(arguments).success().get_output().stderr.clone()).unwrap()
    }

    /// Runs it, which succeeds; the table it writes to standard output.
    pub fn table(&self, arguments: &str) -> Table {
        Table::of(&self.stdout(arguments))
    }

    /// What `inspect --json` says of a model.
    pub fn card(&self, model: &str) -> serde_json::Value {
        serde_json::from_str(&self.stdout(&format!("inspect {model} --json -"))).unwrap()
    }

    /// The same as a process to be handled by the test, with all three streams as pipes.
    pub fn process(&self, arguments: &str) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rapporteur"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A model trained on the corpus, once a test program.
fn model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| {
        // Programs that run at the same time write the same bytes, and each replaces the file whole.
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (corpus, model) = (tempfile::NamedTempFile::with_suffix(".csv").unwrap(), directory.join("corpus.model"));
        std::fs::write(corpus.path(), corpus_csv()).unwrap();
        program().arg("train").arg(corpus.path()).arg("--output").arg(&model).assert().success();
        model
    })
}

/// A table, read back.
#[derive(Debug, PartialEq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn of(csv: &str) -> Table {
        Table::separated(b',', csv)
    }

    pub fn separated(delimiter: u8, text: &str) -> Table {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
        let mut rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect());
        Table { header: rows.next().unwrap(), rows: rows.collect() }
    }

    /// The cells of a column.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name} of {:?}", self.header));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }

    /// The cells of a column as numbers, empty ones as 0.
    pub fn numbers_or_zero(&self, name: &str) -> Vec<f64> {
        let number = |cell: &str| if cell.is_empty() { 0.0 } else { cell.parse().unwrap() };
        self.column(name).into_iter().map(number).collect()
    }

    /// The cells of a column as numbers.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name).iter().map(|cell| cell.parse().unwrap()).collect()
    }
}

/// As `gzip` would compress it.
pub fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn gunzip(bytes: &[u8]) -> String {
    use std::io::Read;
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

pub fn zstd(content: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(content.as_ref(), 3).unwrap()
}

pub fn unzstd(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap()
}
