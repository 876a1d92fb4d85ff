//! How files are read where they are not as they should be: the options that all readers of tables share.
//!
//! Flows in: an encoding, what to do about bad rows, and a file for them. Flows out: what the library's readers need,
//! and at the end what they have to tell: no row disappears in silence.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use rapporteur::corpus::{BadRow, Encoding, OnError, Output, ReadLog, ReadOptions};
use rapporteur::{Error, Result};
use serde::{Deserialize, Serialize};

use super::keep_input;
use super::terminal::Terminal;
use super::typed::text;

/// Options about input that is not as it should be.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Encoding of the input: auto (UTF-8, or told by the first bytes that are not), utf-8, utf-16, windows-1252, latin1, ... [default: auto]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    pub encoding: Option<String>,
    /// What to do about rows that cannot be read: fail, skip (and count them), or report (and name each) [default: fail]
    #[arg(long, value_name = "WHAT")]
    #[serde(deserialize_with = "text")]
    pub on_error: Option<String>,
    /// Write the rows that are passed over to a CSV file: file, line, problem, row; implies --on-error skip
    #[arg(long, value_name = "FILE")]
    #[serde(deserialize_with = "text")]
    pub errors: Option<String>,
}

/// What to do about a row that cannot be read.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Fail,
    Skip,
    Report,
}

impl ReadingArgs {
    /// These, and for what they leave open, `others`.
    pub fn or(self, others: ReadingArgs) -> ReadingArgs {
        ReadingArgs {
            encoding: self.encoding.or(others.encoding),
            on_error: self.on_error.or(others.on_error),
            errors: self.errors.or(others.errors),
        }
    }

    /// Refuses what makes no sense, before any file is touched.
    pub fn check(&self) -> Result<()> {
        self.parse().map(drop)
    }

    fn parse(&self) -> Result<(Encoding, Choice)> {
        let encoding = self.encoding.as_deref().map_or(Ok(Encoding::default()), str::parse)?;
        let choice = match (self.on_error.as_deref(), &self.errors) {
            (Some("fail"), Some(_)) => {
                return Err(Error::usage("--errors is for rows that are passed over; say --on-error skip or report"));
            }
            (Some("fail") | None, None) => Choice::Fail,
            (Some("skip") | None, _) => Choice::Skip,
            (Some("report"), _) => Choice::Report,
            (Some(other), _) => {
                return Err(Error::usage(format!("--on-error is {other:?}, expected fail, skip or report")));
            }
        };
        Ok((encoding, choice))
    }

    /// Opens the file for bad rows, if there is to be one.
    pub fn open(&self, inputs: &[String], terminal: &Terminal) -> Result<Reading> {
        let (encoding, choice) = self.parse()?;
        let file = match &self.errors {
            None => None,
            Some(path) => {
                keep_input("--errors", path, inputs)?;
                let mut output = Output::create(Some(path), false)?;
                output.write_block(b"file,line,problem,row\n")?;
                Some(output)
            }
        };
        let file = Arc::new(Mutex::new(file));
        let (sink, teller) = (file.clone(), terminal.teller());
        let log = ReadLog::handing_on(move |row| {
            if choice == Choice::Report {
                teller(&format!("skipped: {}: {}", row.place, row.problem));
            }
            match &mut *sink.lock().unwrap_or_else(PoisonError::into_inner) {
                None => Ok(()),
                Some(output) => output.write_block(&as_csv(row)),
            }
        });
        let on_error = if choice == Choice::Fail { OnError::Fail } else { OnError::Skip };
        Ok(Reading { encoding, on_error, log, file })
    }
}

fn as_csv(row: &BadRow) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let line = row.place.line.map_or(String::new(), |line| line.to_string());
    let problem = match &row.place.field {
        None => row.problem.clone(),
        Some(field) => format!("column {field:?}: {}", row.problem),
    };
    // Writing to memory cannot fail.
    let _ = writer.write_record([&row.place.file, &line, &problem, &row.raw]);
    writer.into_inner().unwrap_or_default()
}

/// The options, understood and at work.
pub struct Reading {
    encoding: Encoding,
    on_error: OnError,
    log: ReadLog,
    file: Arc<Mutex<Option<Output>>>,
}

impl Reading {
    /// Reads as these say, and otherwise as `options` does.
    pub fn options(&self, options: ReadOptions) -> ReadOptions {
        ReadOptions { encoding: self.encoding, on_error: self.on_error, log: self.log.clone(), ..options }
    }

    /// The same, telling nobody: for a second reading of the same files.
    pub fn again(&self, options: ReadOptions) -> ReadOptions {
        ReadOptions { log: ReadLog::default(), ..self.options(options) }
    }

    /// Says what a table of the rows read has no column for.
    pub fn note_unplaced(&self, terminal: &Terminal) {
        const MOST: usize = 8;
        let unplaced = self.log.unplaced();
        if unplaced.records == 0 {
            return;
        }
        let names: Vec<String> = unplaced.fields.iter().take(MOST).map(|name| format!("{name:?}")).collect();
        let more = if unplaced.fields.len() > MOST { " and others" } else { "" };
        terminal.note(&format!(
            "note: {} records have fields that the first record has not: {}{more}. A table has no column for them; JSON Lines output (--output FILE.jsonl) keeps them",
            unplaced.records,
            names.join(", ")
        ));
    }

    /// Finishes the file of bad rows and says what there is to say.
    pub fn finish(&self, terminal: &Terminal) -> Result<()> {
        for note in self.log.notes() {
            terminal.note(&format!("note: {note}"));
        }
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        let name = file.as_ref().map(|file| format!("; they are in {}", file.name())).unwrap_or_default();
        file.map_or(Ok(()), Output::finish)?;
        if let (n @ 1.., Some(first)) = (self.log.skipped(), self.log.first_skipped()) {
            let rows = if n == 1 { "1 row was" } else { &format!("{n} rows were") };
            terminal.note(&format!("note: {rows} passed over{name}; the first: {first}"));
        }
        Ok(())
    }
}
