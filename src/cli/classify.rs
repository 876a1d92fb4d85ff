//! `rapporteur classify`: labels for new statements.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use rapporteur::corpus::{
    Batch, ColumnNames, Delimiter, FramedBatch, Mark, Output, Pace, ReadOptions, RecordReader, Resumable, open_records,
    same_header,
};
use rapporteur::model::{Model, Predictor, default_model};
use rapporteur::pipeline::in_order;
use rapporteur::{Error, Result};

use super::Common;
use super::answers::{AnswerOptions, AnswerWriter, Layout, Shape};
use super::classify_row::Judge;
use super::columns::read_options;
use super::pretty::Pretty;
use super::reading::ReadingArgs;
use super::resume::{Follower, Target, run_of};
use super::rows::{Rows, SideArgs};
use super::terminal::{Terminal, counted, one_or};
use super::typed::list;
use super::unsure::UnsureArgs;

/// Label the paragraphs of CSV, JSON Lines or plain text.
///
/// Tables keep their columns; plain text becomes one row a paragraph. Rows keep their order, and memory does not grow with the input.
/// A model trained with --multi-label writes a row for each topic of a paragraph, the surest first, and one without a topic where it has none.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  rapporteur classify report.txt > labelled.csv
  rapporteur classify speeches.csv --model my.model --output labelled.csv
  rapporteur classify dump.jsonl.zst --text-column body --output labelled.jsonl.zst
  rapporteur classify coded.csv --known-topic target --scores --output stances.csv
  rapporteur classify speeches.csv --max-error 0.1 --output sure.csv
  cat speech.txt | rapporteur classify - --format text --pretty")]
pub struct Args {
    /// Files; `-` for standard input
    #[arg(value_name = "INPUT")]
    input: Vec<String>,
    /// The model [default: the one inside the program]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// File for the result [default: standard output]
    #[arg(long, short, value_name = "OUT.csv")]
    output: Option<String>,
    /// Format of the input: csv, tsv, jsonl or text [default: by extension]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// What separates the cells of CSV: auto, a character, or tab; given, it is used for the output too [default: auto]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<String>,
    /// Column of the text; several, separated by commas, are joined
    #[arg(long, value_name = "COLUMN,...", default_value = "text")]
    text_column: String,
    #[command(flatten)]
    side: SideArgs,
    /// Column whose topic is taken as given, several as topic|topic for a model of several; an empty cell is predicted
    #[arg(long, value_name = "COLUMN")]
    known_topic: Option<String>,
    /// Add a column a label with its probability
    #[arg(long)]
    scores: bool,
    /// Add the K likeliest topics: topic_2, topic_3 ...
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Add the N words that weighed most for the topic and for the stance
    #[arg(long, value_name = "N", default_value_t = 0)]
    evidence: usize,
    /// Split paragraphs of plain text at sentence ends, so that none is much longer than N words
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_words: Option<u32>,
    /// Begin the output with a byte order mark, for Excel
    #[arg(long)]
    bom: bool,
    /// Draw a readable table, if standard output is a terminal
    #[arg(long)]
    pretty: bool,
    /// Neutralise cells that a spreadsheet would run as formulas: those that begin with = + - @ get an apostrophe before
    #[arg(long)]
    safe_cells: bool,
    /// Keep what is done in OUT.csv.partial, and go on from there if an earlier run was killed
    #[arg(long, requires = "output")]
    resume: bool,
    #[command(flatten)]
    unsure: UnsureArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Reads, judges and writes, a few batches at a time.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let inputs = match (args.input.is_empty(), std::io::stdin().is_terminal()) {
        (false, _) => args.input.clone(),
        (true, false) => vec!["-".to_owned()],
        (true, true) => {
            return Err(Error::usage(
                "nothing to read: name a file, or pipe text in (see `rapporteur classify --help`)",
            ));
        }
    };
    let model = args.model.as_deref().map_or_else(default_model, Model::read)?;
    let (bar, notes) =
        args.unsure.bar(&model, args.model.as_deref().unwrap_or("the model inside the program"))?.unzip();
    let text_columns = list(&args.text_column);
    if text_columns.is_empty() {
        return Err(Error::usage("--text-column names no column"));
    }
    let max_words = args.max_words.map(|n| n as usize);
    let read = ReadOptions {
        columns: text_columns.clone(),
        ..read_options(args.format.as_deref(), args.delimiter.as_deref(), max_words)?
    };
    let reading = args.reading.open(&inputs, terminal)?;
    let read_options = reading.options(read.clone());
    let pace = Pace::new(&inputs, &read_options.log);
    let mut inputs = Inputs::open(inputs, read_options)?;
    let header = inputs.header.clone();
    let names = ColumnNames::new(inputs.first_name.clone(), &header);
    let columns = Rows::resolve(&names, &text_columns, &args.side.of_model(&model), &model)?;
    let mut window = columns.window();
    let known = args.known_topic.as_deref().map(|c| names.find(c, "--known-topic")).transpose()?;
    if model.multi_label.is_some() && args.top > 1 {
        return Err(Error::usage(
            "--top is for models of one topic a paragraph, and this one writes a row for each topic; --scores gives the probabilities of all",
        ));
    }
    let options = AnswerOptions {
        scores: args.scores,
        top: usize::from(args.top),
        guesses: bar.is_some(),
        evidence: args.evidence,
        safe_cells: args.safe_cells,
    };
    let delimiter = if let Delimiter::Byte(b) = read.delimiter { Some(b) } else { None };
    let shape = Layout::of_output(args.output.as_deref(), delimiter);
    if args.safe_cells && shape == Shape::Jsonl {
        return Err(Error::usage("--safe-cells is for tables; no spreadsheet runs JSON Lines"));
    }
    Layout::check(&inputs.first_name, &header, shape)?;
    let layout = Layout::new(&header, Some(&model), &options, shape);
    if !layout.prefix.is_empty() {
        let prefix = &layout.prefix;
        terminal.note(&format!(
            "note: the input has columns of these names already, so the labels are written as {prefix}topic, {prefix}topic_probability, ..."
        ));
    }
    let mut follower = Follower::new(args.resume);
    let (mut out, done) = open_output(&args, &model)?;
    let pretty = (args.pretty && args.output.is_none() && std::io::stdout().is_terminal()).then(Pretty::of_terminal);
    match &done {
        Some(done) => {
            terminal.control().report("passing over the rows that are done", None);
            follower.pass_over(done, |batch, rows| {
                let more = inputs.read(batch, rows, 1 << 20)?;
                window.pass(batch);
                Ok(more)
            })?;
            let rows = done.rows;
            terminal
                .note(&format!("note: going on after {rows} rows that are done; the counts below are without them"));
        }
        None => {
            let mark = if args.bom && args.resume { "\u{FEFF}" } else { "" };
            let header = match &pretty {
                Some(pretty) => pretty.header(),
                None => AnswerWriter::new(&layout).header(),
            };
            out.write_block(&[mark.as_bytes(), &header].concat(), &follower.mark())?;
        }
    }
    notes.iter().flatten().for_each(|note| terminal.note(note));
    let judge = Judge { model: &model, options, known, bar };
    let (unsure_topics, unsure_stances) = (AtomicU64::new(0), AtomicU64::new(0));
    let (without_terms, strange_topics, renamed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let answers = AtomicU64::new(0);
    let mut rows = 0u64;
    in_order(
        common.threads(),
        terminal.control(),
        |(framed, mark): &mut (FramedBatch, Mark), rows, bytes| {
            let more = window.read(framed, rows, bytes, |b, n, bytes| inputs.read(b, n, bytes))?;
            *mark = follower.follow(&framed.batch);
            Ok(more)
        },
        || (Predictor::new(&model), AnswerWriter::new(&layout)),
        |(predictor, writer), (framed, mark)| {
            let (batch, mut drawn) = (&framed.batch, Vec::new());
            columns.read(predictor, framed, |predictor, i, text| {
                judge.row(predictor, batch, i, text, |judged| {
                    answers.fetch_add(1, Ordering::Relaxed);
                    without_terms.fetch_add(u64::from(judged.without_terms), Ordering::Relaxed);
                    strange_topics.fetch_add(u64::from(judged.strange_topic), Ordering::Relaxed);
                    unsure_topics.fetch_add(u64::from(judged.withheld[0]), Ordering::Relaxed);
                    unsure_stances.fetch_add(u64::from(judged.withheld[1]), Ordering::Relaxed);
                    match &pretty {
                        Some(pretty) => pretty.row(batch.first_row() + i as u64, judged.labels, text, &mut drawn),
                        None => {
                            let late = writer.row_with(batch, i, judged.labels, &judged.others);
                            renamed.fetch_add(u64::from(late), Ordering::Relaxed);
                        }
                    }
                })
            })?;
            Ok((batch.len(), if pretty.is_some() { drawn } else { writer.take() }, mark.clone()))
        },
        |(read, bytes, mark)| {
            rows += read as u64;
            pace.report(terminal.control(), "classified", rows);
            out.write_block(&bytes, &mark)
        },
    )?;
    out.finish()?;
    terminal.clear();
    reading.finish(terminal)?;
    if pretty.is_none() && shape != Shape::Jsonl {
        reading.note_unplaced(terminal);
    }
    let count = without_terms.into_inner();
    if count > 0 {
        terminal.note(&format!(
            "note: {count} of {} {} no text, or no term that the model knows; {} labels are empty",
            counted(rows, "row"),
            one_or(count, "has", "have"),
            one_or(count, "its", "their")
        ));
    }
    if bar.is_some() {
        let (topics, stances) = (unsure_topics.into_inner(), unsure_stances.into_inner());
        let rows = answers.into_inner();
        terminal.note(&format!(
            "note: of {}, {topics} are of unsure topic and {stances} of unsure stance",
            counted(rows, "row")
        ));
    }
    let count = renamed.into_inner();
    if count > 0 {
        terminal.note(&format!(
            "note: {} {} fields of these names already, which the first record has not; there the labels are written as predicted_topic, ...",
            counted(count, "record"),
            one_or(count, "has", "have")
        ));
    }
    let count = strange_topics.into_inner();
    if count > 0 {
        terminal.note(&format!(
            "note: {} {} a topic that the model does not know; {} stance comes from the weights shared by all topics",
            counted(count, "row"),
            one_or(count, "names", "name"),
            one_or(count, "its", "their")
        ));
    }
    Ok(())
}

/// Opens the output; if it is one to go on with, how far it is done.
fn open_output(args: &Args, model: &Model) -> Result<(Target, Option<Mark>)> {
    let (Some(path), true) = (&args.output, args.resume) else {
        return Ok((Target::Plain(Output::create(args.output.as_deref(), args.bom)?), None));
    };
    // What has no part in the bytes that are written may differ; the model is told by what it is.
    let mut told = Args { model: None, pretty: false, ..args.clone() };
    told.reading.errors = None;
    let (output, done) = Resumable::open(path, &run_of(model, &format!("{told:?}"))?)?;
    Ok((Target::Resumable(output), done))
}

/// Several files, one after the other, with one header.
struct Inputs {
    waiting: std::vec::IntoIter<String>,
    options: ReadOptions,
    current: Box<dyn RecordReader>,
    header: Vec<String>,
    first_name: String,
}

impl Inputs {
    fn open(paths: Vec<String>, options: ReadOptions) -> Result<Inputs> {
        // Better to hear of a missing file now than when the others are done.
        for path in paths.iter().filter(|path| *path != "-") {
            std::fs::metadata(path).map_err(|e| Error::io("open", path, e))?;
        }
        let mut waiting = paths.into_iter();
        let first = waiting.next().unwrap_or_else(|| "-".to_owned());
        let current = open_records(&first, &options)?;
        let (header, first_name) = (current.header().to_vec(), current.name().to_owned());
        Ok(Inputs { waiting, options, current, header, first_name })
    }

    fn read(&mut self, batch: &mut Batch, rows: usize, bytes: usize) -> Result<bool> {
        while !self.current.read(batch, rows, bytes)? {
            let Some(next) = self.waiting.next() else { return Ok(false) };
            self.current = open_records(&next, &self.options)?;
            same_header(&self.first_name, &self.header, self.current.as_ref())?;
        }
        Ok(true)
    }
}
