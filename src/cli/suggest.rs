//! `rapporteur suggest`: the rows that are worth labelling next.

use rapporteur::corpus::{Batch, Delimiter, Output};
use rapporteur::curate::{Candidates, choose_diverse};
use rapporteur::error::Place;
use rapporteur::model::{Model, Predictor, default_model};
use rapporteur::pipeline::in_order;
use rapporteur::{Error, Result};

use super::answers::{Layout, Shape, free_prefix};
use super::columns::ColumnArgs;
use super::reading::ReadingArgs;
use super::terminal::Terminal;
use super::train::Report;
use super::{Common, keep_input};

/// Of very large inputs only the most doubtful rows are kept to choose from: so many for each row wanted, and so many at least.
const KEPT_EACH: usize = 50;
const KEPT: usize = 20_000;
/// What the model says, in columns that `train` does not read.
const SAID: [&str; 5] = ["topic", "topic_probability", "stance", "stance_probability", "uncertainty"];

/// Choose the rows that are worth labelling next.
///
/// They are rows that the model is unsure of and that are unlike each other, the most useful first. The output has the columns of the input and empty label columns to fill in; `train` takes it back. Rows that have a label are left out.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur suggest speeches.csv -n 100 --model my.model --output to-code.csv
  rapporteur suggest speech1.txt speech2.txt --output to-code.csv --bom
  rapporteur train coded.csv to-code.csv --output better.model   # once it is filled in, if the columns are the same")]
pub struct Args {
    /// Files with the same header; `-` for standard input
    #[arg(required = true, value_name = "UNLABELLED")]
    input: Vec<String>,
    /// How many rows
    #[arg(short, long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
    /// The model [default: the one inside the program]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// File for the rows [default: standard output]
    #[arg(long, short, value_name = "OUT.csv")]
    output: Option<String>,
    /// Write a summary as JSON; `-` for standard output, in place of the rows
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Begin the output with a byte order mark, for Excel
    #[arg(long)]
    bom: bool,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// A row that may be chosen.
struct Row {
    cells: csv::StringRecord,
    said: [String; 5],
}

#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    candidates: Option<Candidates>,
    read: usize,
    labelled: usize,
    without_terms: usize,
}

/// Reads and judges all rows, chooses, writes.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    args.columns.check_single("suggest", "leave it away: every row with a cell that is not empty is passed over")?;
    let model = args.model.as_deref().map_or_else(default_model, Model::read)?;
    if model.multi_label.is_some() {
        return Err(Error::usage(
            "suggest knows models of one topic a paragraph, and this one gives several; train another without --multi-label, on the first topic of each row",
        ));
    }
    for (option, path) in [("--output", &args.output), ("--json", &args.json)] {
        path.as_ref().map_or(Ok(()), |path| keep_input(option, path, &args.input))?;
    }
    let delimiter = match args.columns.read_options()?.delimiter {
        Delimiter::Byte(byte) => Some(byte),
        Delimiter::Auto => None,
    };
    let Shape::Table(delimiter) = Layout::of_output(args.output.as_deref(), delimiter) else {
        return Err(Error::usage(
            "--output: suggestions are a table to be filled in; give a name that ends in .csv or .tsv",
        ));
    };
    let json_alone = args.json.as_deref() == Some("-") && args.output.is_none();
    let output = if json_alone { None } else { Some(Output::create(args.output.as_deref(), args.bom)?) };
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let reading = args.reading.open(&args.input, terminal)?;
    let mut reader = args.columns.open_leniently(&args.input, &reading)?;
    let (header, columns) = (reader.header().to_vec(), reader.columns().clone());
    let wanted = args.number as usize;
    let keep = KEPT.max(wanted.saturating_mul(KEPT_EACH));
    let mut pool = Pool { rows: Vec::new(), candidates: Candidates::with_cols(model.vectoriser.width()), keep };
    let mut total = Part::default();
    in_order(
        common.threads(),
        terminal.control(),
        |batch: &mut Batch, rows, bytes| reader.read(batch, rows, bytes),
        || Predictor::new(&model),
        |predictor, batch| {
            let mut candidates = Candidates::with_cols(model.vectoriser.width());
            let mut part = Part { read: batch.len(), ..Default::default() };
            for i in 0..batch.len() {
                let row = columns.row(batch, i)?;
                if row.topic.is_some() || row.stance.is_some() {
                    part.labelled += 1;
                    continue;
                }
                predictor.read(&row.text);
                if predictor.vector().is_empty() {
                    part.without_terms += 1;
                    continue;
                }
                part.rows.push(Row { cells: batch.record(i).clone(), said: say(predictor) });
                let vector = predictor.vector();
                let pairs = vector.indices.iter().copied().zip(vector.values.iter().copied());
                candidates.push(pairs, &[predictor.topic_probabilities(), predictor.stance_probabilities()]);
            }
            part.candidates = Some(candidates);
            Ok(part)
        },
        |part| {
            total.read += part.read;
            total.labelled += part.labelled;
            total.without_terms += part.without_terms;
            pool.take(part);
            terminal.control().report(&format!("judged {} rows", total.read), None);
            Ok(())
        },
    )?;
    reading.finish(terminal)?;
    reading.note_unplaced(terminal);
    pool.prune();
    if pool.rows.is_empty() {
        return Err(nothing(&args.input, &total));
    }
    let candidates = total.read - total.labelled - total.without_terms;
    terminal.control().report("choosing", None);
    let seed = common.seed.unwrap_or(model.options.seed);
    let chosen = choose_diverse(&pool.candidates, wanted, seed, terminal.control())?;
    if let Some(mut output) = output {
        let labels = args.columns.columns()?;
        let empty: Vec<String> =
            [labels.topic, labels.stance].into_iter().flatten().filter(|name| !header.contains(name)).collect();
        output.write_block(&table(&header, &empty, &pool.rows, &chosen, delimiter))?;
        output.finish()?;
    }
    terminal.clear();
    if let Some(json) = json {
        json.write(&serde_json::json!({
            "rows": total.read,
            "labelled": total.labelled,
            "without_terms": total.without_terms,
            "candidates": candidates,
            "suggested": chosen.len(),
        }))?;
    }
    terminal.note(&format!("suggested {} of {candidates} rows without a label", chosen.len()));
    for (count, what) in [
        (total.labelled, "rows have a label and are left out"),
        (total.without_terms, "rows have no text, or no term that the model knows, and are left out"),
    ] {
        if count > 0 {
            terminal.note(&format!("note: {count} {what}"));
        }
    }
    Ok(())
}

/// What the model says of the row that the predictor has read, and how probable it is that topic or stance is wrong.
fn say(predictor: &mut Predictor<'_>) -> [String; 5] {
    let prediction = predictor.judge();
    let (topic, stance) = (predictor.topic_name(prediction), predictor.stance_name(prediction));
    let share = |label: Option<&str>, p: f64| label.map_or(String::new(), |_| format!("{p:.4}"));
    let sure = |label: Option<&str>, p: f64| label.map_or(1.0, |_| p);
    let both = sure(topic, prediction.topic_probability) * sure(stance, prediction.stance_probability);
    [
        topic.unwrap_or_default().to_owned(),
        share(topic, prediction.topic_probability),
        stance.unwrap_or_default().to_owned(),
        share(stance, prediction.stance_probability),
        format!("{:.4}", 1.0 - both),
    ]
}

/// The rows to choose from, so far.
struct Pool {
    rows: Vec<Row>,
    candidates: Candidates,
    keep: usize,
}

impl Pool {
    fn take(&mut self, part: Part) {
        self.rows.extend(part.rows);
        if let Some(candidates) = &part.candidates {
            self.candidates.append(candidates);
        }
        if self.rows.len() > 2 * self.keep {
            self.prune();
        }
    }

    /// Lets go of all but the most doubtful; which these are does not depend on when it is done.
    fn prune(&mut self) {
        if self.rows.len() <= self.keep {
            return;
        }
        let weights: Vec<f64> = (0..self.rows.len()).map(|row| self.candidates.weight(row)).collect();
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
        order.truncate(self.keep);
        order.sort_unstable();
        self.candidates = self.candidates.select(&order);
        let mut rows: Vec<Option<Row>> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        self.rows = order.iter().filter_map(|&row| rows[row].take()).collect();
    }
}

fn nothing(inputs: &[String], total: &Part) -> Error {
    let names: Vec<&str> = inputs.iter().map(|path| if path == "-" { "standard input" } else { path }).collect();
    let (problem, mend) = match total {
        Part { read: 0, .. } => ("there are no rows below the header".to_owned(), "give a file with rows"),
        Part { labelled, read, .. } if labelled == read => (
            format!("all {read} rows have a label already"),
            "give rows without; if the labels are a program's, name other label columns with --topic-column and --stance-column",
        ),
        Part { without_terms, .. } => (
            format!("of the rows without a label, all {without_terms} have no text, or no term that the model knows"),
            "check the text column (--text-column) and the model's language",
        ),
    };
    Error::input(Place::file(names.join(", ")), problem, mend)
}

fn table(header: &[String], empty: &[String], rows: &[Row], chosen: &[usize], delimiter: u8) -> Vec<u8> {
    let said = SAID.map(|name| match name {
        "uncertainty" => name.to_owned(),
        name => format!("predicted_{name}"),
    });
    let prefix = free_prefix(&said, |name| header.iter().chain(empty).any(|column| column == name));
    let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = table
        .write_record(header.iter().chain(empty).cloned().chain(said.iter().map(|name| format!("{prefix}{name}"))));
    for &row in chosen {
        let cells = rows[row].cells.iter().chain(empty.iter().map(|_| ""));
        let _ = table.write_record(cells.chain(rows[row].said.iter().map(String::as_str)));
    }
    table.into_inner().unwrap_or_default()
}
