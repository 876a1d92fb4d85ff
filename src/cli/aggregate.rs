//! `rapporteur aggregate`: shares of topics and stances by group.

use std::borrow::Cow;

use rapporteur::aggregate::{Aggregation, JudgedRow, ShareCounter, UNSURE};
use rapporteur::corpus::{Batch, ColumnNames, Output, ReadOptions, RecordReader, join_text, open_records};
use rapporteur::error::Place;
use rapporteur::evaluate::FEW_GROUPS;
use rapporteur::labels::LabelSet;
use rapporteur::model::{Model, Predictor, default_model};
use rapporteur::pipeline::in_order;
use rapporteur::report::aggregation_page;
use rapporteur::{Error, Result};

use super::answers::PREFIX;
use super::columns::read_options;
use super::period::Period;
use super::reading::ReadingArgs;
use super::terminal::Terminal;
use super::train::Report;
use super::typed::list;
use super::{Common, keep_input};

/// Resamples behind the intervals of corrected shares.
const RESAMPLES: usize = 200;
/// Rows on which file and model are compared, and the share that has to agree.
const LEAST_AGREEMENT: f64 = 0.98;

/// Estimate the share of each topic, and of each stance within it, by group.
///
/// Reads what `classify` wrote. Shares are counted, and with --model corrected for the errors that the model is known to make: by adjusted count and by EM. EM needs the columns of `classify --scores`; where
/// the file has none, its text is classified again.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur classify speeches.csv --model my.model --scores --output labelled.csv
  rapporteur aggregate labelled.csv --by speaker,year --model my.model --output shares.csv --report shares.html
  rapporteur aggregate labelled.csv --by country --date-column date --period month --model default")]
pub struct Args {
    /// Output of `classify`; `-` for standard input
    #[arg(value_name = "PREDICTIONS")]
    predictions: String,
    /// Columns whose values make the groups
    #[arg(long, value_name = "COLUMN,...", default_value = "", hide_default_value = true)]
    by: String,
    /// Column of dates, YYYY or YYYY-MM or YYYY-MM-DD: rows are grouped by --period, too
    #[arg(long, value_name = "COLUMN")]
    date_column: Option<String>,
    /// Length of a period of --date-column: year, month or day
    #[arg(long, value_name = "PERIOD", default_value = "year", requires = "date_column")]
    period: Period,
    /// The model that made the predictions, whose known errors are corrected; `default` is the one inside the program [default: none, no correction]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// File for the table [default: standard output]
    #[arg(long, short, value_name = "SHARES.csv")]
    output: Option<String>,
    /// Write the estimates as JSON; `-` for standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Write a page to look at: heat maps, curves over time, the table
    #[arg(long, value_name = "SHARES.html")]
    report: Option<String>,
    /// Column that says which rows belong together (document, speech): paragraphs of one are not independent, so intervals are made of whole ones
    #[arg(long, value_name = "COLUMN")]
    group_column: Option<String>,
    /// Resamples behind the intervals of corrected shares, and of all with --group-column
    #[arg(long, value_name = "N", default_value_t = RESAMPLES, value_parser = resamples)]
    resamples: usize,
    /// Column of the text, to classify it again; several, separated by commas, are joined
    #[arg(long, value_name = "COLUMN,...", default_value = "text")]
    text_column: String,
    /// What separates the cells of CSV: auto, a character, or tab
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<String>,
    /// Format of the input: csv, tsv or jsonl [default: by extension]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
}

fn resamples(typed: &str) -> std::result::Result<usize, String> {
    match typed.parse() {
        Ok(n) if (20..=10_000).contains(&n) => Ok(n),
        _ => Err("expected a whole number from 20 to 10000".into()),
    }
}

/// Reads the predictions once, estimates, writes.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let mut by = list(&args.by);
    if let Some(date) = args.date_column.as_ref().filter(|date| !by.contains(date)) {
        by.push(date.clone());
    }
    if by.is_empty() {
        return Err(Error::usage("no groups: name columns with --by, for instance --by speaker, or --date-column"));
    }
    let inputs = [args.predictions.clone()];
    for (option, path) in [("--output", &args.output), ("--json", &args.json), ("--report", &args.report)] {
        path.as_ref().map_or(Ok(()), |path| keep_input(option, path, &inputs))?;
    }
    let model = match args.model.as_deref() {
        Some("default") => Some(default_model()?),
        Some(path) => Some(Model::read(path)?),
        None => None,
    };
    if model.as_ref().is_some_and(|model| model.multi_label.is_some()) {
        return Err(Error::usage(
            "--model gives paragraphs several topics, and the correction of shares is for one topic a paragraph; leave it away: the topics in the file are then counted as they stand",
        ));
    }
    let reading = args.reading.open(&inputs, terminal)?;
    let read = reading.options(ReadOptions {
        columns: by.clone(),
        ..read_options(args.format.as_deref(), args.delimiter.as_deref(), None)?
    });
    let mut reader = open_records(&args.predictions, &read)?;
    let names = ColumnNames::new(reader.name(), reader.header());
    let columns = Columns::find(&names, &by, &args, model.as_ref())?;
    let output = match args.json.as_deref() {
        Some("-") if args.output.is_none() => None,
        _ => Some(Output::create(args.output.as_deref(), false)?),
    };
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let report = args.report.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;

    let mut counter = ShareCounter::new(by, model.as_ref());
    let agreement = count(&mut *reader, &columns, &mut counter, model.as_ref(), common, terminal)?;
    terminal.control().report("estimating", None);
    let aggregation = counter.finish(args.resamples, common.seed.unwrap_or(42));
    terminal.clear();
    if aggregation.groups.is_empty() {
        return Err(Error::input(
            Place::file(reader.name()),
            "there are no rows below the header",
            "give a file that `rapporteur classify` has written",
        ));
    }
    let notes = notes(&args, &columns, &counter, &aggregation, agreement);
    for note in &notes {
        terminal.note(&format!("note: {note}"));
    }
    reading.finish(terminal)?;
    if let Some(mut output) = output {
        aggregation.write_csv(&mut output).map_err(|e| output.error(e))?;
        output.finish()?;
    }
    if let Some(json) = json {
        json.write(&aggregation)?;
    }
    if let Some(mut report) = report {
        let time = columns.date.map(|(place, _)| place).or_else(|| time_column(&aggregation.by));
        report.write_block(aggregation_page(&aggregation, reader.name(), time, &notes).as_bytes())?;
        report.finish()?;
    }
    Ok(())
}

/// The column that is time by its name.
fn time_column(by: &[String]) -> Option<usize> {
    by.iter().position(|column| ["year", "date"].iter().any(|time| column.eq_ignore_ascii_case(time)))
}

/// Where in a row everything stands.
struct Columns {
    by: Vec<usize>,
    /// Place among `by` of the column of dates.
    date: Option<(usize, Period)>,
    /// Column that says what a row belongs to.
    unit: Option<usize>,
    topic: Option<usize>,
    stance: Option<usize>,
    /// Columns of the probabilities of all labels; empty where the file lacks one.
    topic_scores: Vec<usize>,
    stance_scores: Vec<usize>,
    /// Columns of the text, where it is to be classified again.
    text: Option<Vec<usize>>,
}

impl Columns {
    /// The labels are the last that `classify` wrote: of a file that was classified with labels in it already, the ones with the longest prefix.
    fn find(names: &ColumnNames, by: &[String], args: &Args, model: Option<&Model>) -> Result<Columns> {
        let has = |name: &str| names.position(name).is_some();
        let mut prefix = None;
        let mut candidate = String::new();
        // A column of labels without their probabilities was not written by this program.
        while has(&format!("{candidate}topic")) || has(&format!("{candidate}stance")) {
            if has(&format!("{candidate}topic_probability")) || has(&format!("{candidate}stance_probability")) {
                prefix = Some(candidate.clone());
            }
            candidate.push_str(PREFIX);
        }
        let Some(prefix) = prefix else {
            let gold = has("topic") || has("stance");
            let problem = match gold {
                true => {
                    "the labels here are not predictions: there is no column predicted_topic, and topic has no topic_probability beside it"
                }
                false => "there are no predictions: no column topic or predicted_topic with its topic_probability",
            };
            return Err(Error::input(
                Place::file(&args.predictions),
                problem,
                format!(
                    "classify the file first: rapporteur classify {} --scores --output labelled.csv",
                    args.predictions
                ),
            ));
        };
        let at = |name: &str| names.position(&format!("{prefix}{name}"));
        let scores = |kind: &str, labels: Option<&LabelSet>| -> Vec<usize> {
            let places: Option<Vec<usize>> =
                labels.iter().flat_map(|l| l.names()).map(|label| at(&format!("{kind}:{label}"))).collect();
            places.unwrap_or_default()
        };
        let topic_scores = scores("topic", model.and_then(|m| m.topic.as_ref()).map(|h| &h.labels));
        let stance_scores = scores("stance", model.and_then(|m| m.stance.as_ref()).map(|s| &s.head.labels));
        let lacking = |head: bool, scores: &[usize]| head && scores.is_empty();
        let again = model
            .is_some_and(|m| lacking(m.topic.is_some(), &topic_scores) || lacking(m.stance.is_some(), &stance_scores));
        let text: Vec<Option<usize>> = list(&args.text_column).iter().map(|name| names.position(name)).collect();
        let date = args.date_column.as_ref().and_then(|date| by.iter().position(|column| column == date));
        Ok(Columns {
            by: names.find_all(by, "--by")?,
            date: date.map(|place| (place, args.period)),
            unit: args.group_column.as_deref().map(|name| names.find(name, "--group-column")).transpose()?,
            topic: at("topic"),
            stance: at("stance"),
            topic_scores,
            stance_scores,
            text: text.into_iter().collect::<Option<Vec<usize>>>().filter(|text| again && !text.is_empty()),
        })
    }
}

/// A row, taken out of its batch.
#[derive(Default)]
struct Taken {
    key: Vec<String>,
    /// What it belongs to.
    unit: Option<String>,
    topic: Option<String>,
    stance: Option<String>,
    topic_probabilities: Vec<f64>,
    stance_probabilities: Vec<f64>,
    /// Whether the model, asked again, gave the topic (or without topics the stance) that stands in the file.
    agrees: Option<bool>,
}

/// Rows that were classified again, and how many of them got the label of the file.
#[derive(Default, Clone, Copy)]
struct Agreement {
    rows: u64,
    same: u64,
}

fn count(
    reader: &mut dyn RecordReader,
    columns: &Columns,
    counter: &mut ShareCounter<'_>,
    model: Option<&Model>,
    common: &Common,
    terminal: &Terminal,
) -> Result<Agreement> {
    let mut agreement = Agreement::default();
    let mut rows = 0u64;
    in_order(
        common.threads(),
        terminal.control(),
        |batch: &mut Batch, rows, bytes| reader.read(batch, rows, bytes),
        || model.filter(|_| columns.text.is_some()).map(Predictor::new),
        |predictor, batch| {
            (0..batch.len()).map(|i| columns.take(batch, i, predictor.as_mut())).collect::<Result<Vec<_>>>()
        },
        |taken| {
            rows += taken.len() as u64;
            for row in taken {
                let judged = JudgedRow {
                    unit: row.unit.as_deref(),
                    topic: row.topic.as_deref(),
                    stance: row.stance.as_deref(),
                    topic_probabilities: &row.topic_probabilities,
                    stance_probabilities: &row.stance_probabilities,
                };
                counter.push(&row.key, &judged);
                agreement.rows += u64::from(row.agrees.is_some());
                agreement.same += u64::from(row.agrees == Some(true));
            }
            terminal.control().report(&format!("read {rows} rows"), None);
            Ok(())
        },
    )?;
    Ok(agreement)
}

impl Columns {
    fn take(&self, batch: &Batch, i: usize, predictor: Option<&mut Predictor<'_>>) -> Result<Taken> {
        let record = batch.record(i);
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        let label = |column: Option<usize>| column.map(cell).filter(|l| !l.is_empty()).map(str::to_owned);
        let mut key: Vec<String> = self.by.iter().map(|&column| cell(column).to_owned()).collect();
        if let Some((place, period)) = self.date {
            let cut = period.of(&key[place]).map(Cow::into_owned);
            key[place] = cut.ok_or_else(|| {
                Error::input(
                    batch.place(i),
                    format!("{:?} in the date column is no date", key[place]),
                    format!(
                        "write dates as YYYY-MM-DD; the first {} characters are needed for --period {period}",
                        period.length()
                    ),
                )
            })?;
        }
        let scores = |columns: &[usize]| -> Result<Vec<f64>> {
            let shares: Vec<&str> = columns.iter().map(|&column| cell(column)).filter(|c| !c.is_empty()).collect();
            let of = |text: &&str| {
                text.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(|| {
                Error::input(batch.place(i), format!("{text:?} is no probability"), "the columns topic:... and stance:... hold numbers from 0 to 1, as `classify --scores` writes them")
            })
            };
            let shares: Vec<f64> = shares.iter().map(of).collect::<Result<_>>()?;
            Ok(if shares.len() == columns.len() { shares } else { Vec::new() })
        };
        let mut taken = Taken {
            key,
            unit: label(self.unit),
            topic: label(self.topic),
            stance: label(self.stance),
            topic_probabilities: scores(&self.topic_scores)?,
            stance_probabilities: scores(&self.stance_scores)?,
            agrees: None,
        };
        if let (Some(text), Some(predictor)) = (&self.text, predictor) {
            let prediction = predictor.predict(&join_text(record, text));
            let (said, written) = match predictor.model().topic {
                Some(_) => (predictor.topic_name(prediction), taken.topic.as_deref()),
                None => (predictor.stance_name(prediction), taken.stance.as_deref()),
            };
            taken.agrees = (written != Some(UNSURE)).then_some(said == written);
            if prediction.topic.is_some() {
                taken.topic_probabilities = predictor.topic_probabilities().to_vec();
            }
            if prediction.stance.is_some() {
                taken.stance_probabilities = predictor.stance_probabilities().to_vec();
            }
        }
        Ok(taken)
    }
}

/// What the reader of the table should know.
fn notes(
    args: &Args,
    columns: &Columns,
    counter: &ShareCounter<'_>,
    aggregation: &Aggregation,
    agreement: Agreement,
) -> Vec<String> {
    let mut notes = Vec::new();
    let few = aggregation.groups.iter().filter(|g| g.few_rows).count();
    if few > 0 {
        notes.push(format!(
            "{few} of {} groups have fewer than 100 rows and are flagged few_rows",
            aggregation.groups.len()
        ));
    }
    let scant = aggregation.groups.iter().filter(|g| g.units < FEW_GROUPS).count();
    if let (Some(column), 1..) = (&args.group_column, scant) {
        notes.push(format!(
            "{scant} of {} groups have fewer than {FEW_GROUPS} of {column}: their intervals are rough",
            aggregation.groups.len()
        ));
    }
    match (&args.model, aggregation.corrected()) {
        (None, _) => notes.push("without --model the shares are counted and not corrected; --model default is the model inside the program".into()),
        (Some(model), (false, false)) => notes.push(format!(
            "{model} does not know its own errors (it was trained by an earlier version, or on too few rows): the corrected columns are empty; train it again"
        )),
        (Some(_), (_, false)) => notes.push(format!(
            "the em columns are empty: they need the columns of `classify --scores`, or the text ({}) to classify it again",
            args.text_column
        )),
        _ => {}
    }
    let unknown = counter.unknown_labels();
    if let (Some(model), Some(first)) = (&args.model, unknown.first()) {
        notes.push(format!(
            "{} of the labels, for instance {first:?}, are unknown to {model}: corrected shares are of its own labels alone; name the model that made the predictions",
            unknown.len()
        ));
    }
    let Agreement { rows, same } = agreement;
    if columns.text.is_some() && (same as f64) < LEAST_AGREEMENT * rows as f64 {
        notes.push(format!(
            "classified again, {} of {rows} rows get another label than the file has: it seems that another model made the predictions",
            rows - same
        ));
    }
    notes
}
