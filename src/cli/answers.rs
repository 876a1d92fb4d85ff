//! Rows of output: what came in, unchanged and in order, and the answers beside it.
//!
//! Flows in: the header and rows of the input, and an answer for each. Flows out: bytes of CSV, TSV or JSON Lines.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use rapporteur::corpus::{Batch, Format};
use rapporteur::error::Place;
use rapporteur::evaluate::Answer;
use rapporteur::labels::LabelSet;
use rapporteur::model::Model;
use rapporteur::{Error, Result};
use serde::de::IgnoredAny;

/// The columns that are always written.
const COLUMNS: [&str; 4] = ["topic", "topic_probability", "stance", "stance_probability"];
/// Put before them where the input has columns of these names.
pub const PREFIX: &str = "predicted_";

/// What else to write beside the labels.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswerOptions {
    /// A column a label.
    pub scores: bool,
    /// So many of the likeliest topics.
    pub top: usize,
    /// The guesses beside labels that may be `unsure`.
    pub guesses: bool,
    /// So many of the weightiest terms.
    pub evidence: usize,
    /// Whether cells that a spreadsheet would run are neutralised.
    pub safe_cells: bool,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Cells separated by this byte.
    Table(u8),
    /// An object a line.
    Jsonl,
}

/// The columns of the output.
pub struct Layout {
    shape: Shape,
    safe_cells: bool,
    input: Vec<String>,
    answers: Vec<String>,
    /// Put before the names of the answers because the input has columns of their names; mostly empty.
    pub prefix: String,
}

impl Layout {
    /// The columns for an input with this header; `model` is needed where the options ask for columns of its labels.
    pub fn new(header: &[String], model: Option<&Model>, options: &AnswerOptions, shape: Shape) -> Layout {
        let mut answers: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
        if options.guesses {
            answers.extend(["topic_guess", "stance_guess"].map(str::to_owned));
        }
        for place in 2..=options.top {
            answers.push(format!("topic_{place}"));
            answers.push(format!("topic_{place}_probability"));
        }
        if options.evidence > 0 {
            answers.extend(["topic_evidence", "stance_evidence"].map(str::to_owned));
        }
        if let Some(model) = model.filter(|_| options.scores) {
            let mut list = |kind: &str, labels: Option<&LabelSet>| {
                answers.extend(labels.iter().flat_map(|l| l.names()).map(|label| format!("{kind}:{label}")));
            };
            list("topic", model.topic.as_ref().map(|h| &h.labels));
            list("stance", model.stance.as_ref().map(|s| &s.head.labels));
        }
        let taken: HashSet<&str> = header.iter().map(String::as_str).collect();
        let prefix = free_prefix(&answers, |name| taken.contains(name));
        answers.iter_mut().for_each(|name| name.insert_str(0, &prefix));
        Layout { shape, safe_cells: options.safe_cells, input: header.to_vec(), answers, prefix }
    }

    /// Refuses a header that cannot be written in a shape: two fields of one name are one field to most readers of JSON.
    pub fn check(file: &str, header: &[String], shape: Shape) -> Result<()> {
        let mut seen = HashSet::new();
        match header.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            Some(name) if shape == Shape::Jsonl => Err(Error::input(
                Place::file(file).field(name),
                "two columns have this name, and JSON Lines could keep one only",
                "rename one of them in the header, or write CSV",
            )),
            _ => Ok(()),
        }
    }

    /// A cell as it is written. Spreadsheets run what begins with these signs, the full-width ones too, as a formula (OWASP, "CSV Injection").
    fn cell<'c>(&self, cell: &'c str) -> Cow<'c, str> {
        let runs = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];
        if self.safe_cells && cell.starts_with(runs) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
    }

    /// The shape for an output of this name.
    pub fn of_output(path: Option<&str>, delimiter: Option<u8>) -> Shape {
        match path.and_then(Format::of_name) {
            Some(Format::Jsonl) => Shape::Jsonl,
            Some(Format::Tsv) => Shape::Table(b'\t'),
            _ => Shape::Table(delimiter.unwrap_or(b',')),
        }
    }
}

/// The shortest repetition of [`PREFIX`], mostly none, under which no name is taken.
pub fn free_prefix(names: &[String], is_taken: impl Fn(&str) -> bool) -> String {
    let mut prefix = String::new();
    while names.iter().any(|name| is_taken(&format!("{prefix}{name}"))) {
        prefix.push_str(PREFIX);
    }
    prefix
}

/// What stands in a column beside the labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Extra {
    /// No answer.
    Nothing,
    /// A label, or words.
    Text(String),
    /// A probability.
    Share(f64),
}

impl Extra {
    /// As a cell of a table.
    fn cell(&self) -> Cow<'_, str> {
        match self {
            Extra::Nothing => Cow::Borrowed(""),
            Extra::Text(text) => Cow::Borrowed(text),
            Extra::Share(p) => Cow::Owned(format!("{p:.4}")),
        }
    }

    /// As JSON.
    fn json(&self) -> String {
        match self {
            Extra::Nothing => "null".to_owned(),
            Extra::Text(text) => json_text(text),
            Extra::Share(p) => format!("{p:.4}"),
        }
    }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes a probability with four decimals, as `{p:.4}` does and many times as fast: that expands a number to all of its digits before it rounds.
fn write_share(p: f64, out: &mut Vec<u8>) {
    let scaled = p * 10_000.0;
    let below = scaled.floor();
    // The product is rounded itself; where that could tip the balance, and outside 0 to 1, the exact way decides.
    if !(0.0..=1.0).contains(&p) || (scaled - below - 0.5).abs() < 1e-6 {
        let _ = write!(out, "{p:.4}");
        return;
    }
    let digits = below as u32 + u32::from(scaled - below > 0.5);
    let digit = |unit: u32| b'0' + (digits / unit % 10) as u8;
    out.extend([digit(10_000), b'.', digit(1_000), digit(100), digit(10), digit(1)]);
}

/// The labels of a row and how sure they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Labels<'a> {
    /// The topic; empty for none.
    pub topic: &'a str,
    /// P(topic).
    pub topic_probability: f64,
    /// The stance; empty for none.
    pub stance: &'a str,
    /// P(stance | topic).
    pub stance_probability: f64,
}

/// Writes rows into memory.
pub struct AnswerWriter<'a> {
    layout: &'a Layout,
    table: csv::Writer<Vec<u8>>,
    json: Vec<u8>,
    number: Vec<u8>,
}

impl<'a> AnswerWriter<'a> {
    /// For one thread.
    pub fn new(layout: &'a Layout) -> Self {
        let delimiter = if let Shape::Table(delimiter) = layout.shape { delimiter } else { b',' };
        AnswerWriter { layout, table: fresh(delimiter), json: Vec::new(), number: Vec::new() }
    }

    /// The header line; nothing for JSON Lines.
    pub fn header(&mut self) -> Vec<u8> {
        if self.layout.shape != Shape::Jsonl {
            // Writing to memory cannot fail.
            let columns = self.layout.input.iter().chain(&self.layout.answers);
            for name in columns {
                let _ = self.table.write_field(&*self.layout.cell(name));
            }
            let _ = self.table.write_record(None::<&[u8]>);
        }
        self.take()
    }

    /// Writes a row of the input and an answer.
    pub fn row(&mut self, batch: &Batch, i: usize, answer: &Answer) {
        let labels = Labels {
            topic: answer.topic.as_deref().unwrap_or_default(),
            topic_probability: answer.topic_probability,
            stance: answer.stance.as_deref().unwrap_or_default(),
            stance_probability: answer.stance_probability,
        };
        self.row_with(batch, i, labels, &[]);
    }

    /// Writes a row of the input, labels, and what else the layout has. Returns true when the answers had to be renamed in this row alone: a JSON
    /// record may have a field that the first record, which named the columns, had not.
    pub fn row_with(&mut self, batch: &Batch, i: usize, labels: Labels<'_>, others: &[Extra]) -> bool {
        match self.layout.shape {
            Shape::Table(_) => {
                for field in batch.record(i).iter() {
                    let _ = self.table.write_field(&*self.layout.cell(field));
                }
                for (label, p) in [(labels.topic, labels.topic_probability), (labels.stance, labels.stance_probability)]
                {
                    let _ = self.table.write_field(&*self.layout.cell(label));
                    self.number.clear();
                    if !label.is_empty() {
                        write_share(p, &mut self.number);
                    }
                    let _ = self.table.write_field(&self.number);
                }
                for other in others {
                    let _ = self.table.write_field(&*self.layout.cell(&other.cell()));
                }
                let _ = self.table.write_record(None::<&[u8]>);
                false
            }
            Shape::Jsonl => self.json_row(batch, i, labels, others),
        }
    }

    /// All fields of the record as it came, or the cells of a table under their names; then the answers.
    fn json_row(&mut self, batch: &Batch, i: usize, labels: Labels<'_>, others: &[Extra]) -> bool {
        let mut pairs: Vec<(Cow<'_, str>, String)> = Vec::new();
        let mut prefix = String::new();
        match batch.raw(i).map(str::trim_end).and_then(|raw| raw.strip_suffix('}')) {
            Some(open) => {
                self.json.extend_from_slice(open.trim_end().as_bytes());
                if open.trim() != "{" {
                    self.json.push(b',');
                }
                let fields: BTreeMap<Cow<'_, str>, IgnoredAny> =
                    batch.raw(i).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
                prefix = free_prefix(&self.layout.answers, |name| fields.contains_key(name));
            }
            None => {
                self.json.push(b'{');
                pairs.extend(
                    self.layout
                        .input
                        .iter()
                        .zip(batch.record(i))
                        .map(|(name, cell)| (Cow::Borrowed(name.as_str()), json_text(cell))),
                );
            }
        }
        let number = |label: &str, p: f64| if label.is_empty() { "null".into() } else { format!("{p:.4}") };
        let label = |label: &str| if label.is_empty() { "null".into() } else { json_text(label) };
        let fixed = [
            label(labels.topic),
            number(labels.topic, labels.topic_probability),
            label(labels.stance),
            number(labels.stance, labels.stance_probability),
        ];
        let names = self.layout.answers.iter().map(|name| match prefix.as_str() {
            "" => Cow::Borrowed(name.as_str()),
            prefix => Cow::Owned(format!("{prefix}{name}")),
        });
        pairs.extend(names.zip(fixed.into_iter().chain(others.iter().map(Extra::json))));
        for (at, (name, value)) in pairs.iter().enumerate() {
            if at > 0 {
                self.json.push(b',');
            }
            self.json.extend_from_slice(json_text(name).as_bytes());
            self.json.push(b':');
            self.json.extend_from_slice(value.as_bytes());
        }
        self.json.extend_from_slice(b"}\n");
        !prefix.is_empty()
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        match self.layout.shape {
            Shape::Jsonl => std::mem::take(&mut self.json),
            Shape::Table(delimiter) => {
                std::mem::replace(&mut self.table, fresh(delimiter)).into_inner().unwrap_or_default()
            }
        }
    }
}

fn fresh(delimiter: u8) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::with_capacity(1 << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_as_the_standard_library_does() {
        let halves = (0..=20_000).map(|i| f64::from(i) / 20_000.0);
        let others = (0..=99_999).map(|i| f64::from(i) / 99_999.0);
        for p in halves.flat_map(|p| [p, p.next_up(), p.next_down()]).chain(others).chain([f64::NAN, 1e-300]) {
            let mut out = Vec::new();
            write_share(p, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{p:.4}"));
        }
    }
}
