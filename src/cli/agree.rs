//! `rapporteur agree`: how well people who labelled the same texts agree, and where they do not.

use std::collections::HashMap;

use rapporteur::corpus::{Batch, ColumnNames, LabelledReader, Output};
use rapporteur::error::Place;
use rapporteur::evaluate::{AgreementReport, Bootstrap, Coding};
use rapporteur::labels::LabelColumn;
use rapporteur::{Error, Result};

use super::columns::ColumnArgs;
use super::evaluate::resamples;
use super::terminal::{Terminal, counted};
use super::train::Report;
use super::{Common, keep_input, same_file};

/// Measure how well coders agree on the same texts, and list where they do not.
///
/// Each coder has a file of the same texts. Rows are matched by --id-column, and a coder may lack some; without it by their place, and then the texts must be the same. An empty label is one that the coder did not give.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur agree anna.csv bela.csv
  rapporteur agree anna.csv bela.csv carl.csv --id-column id --group-column speech --output disagreements.csv
  rapporteur agree anna.csv bela.csv --stance-column none --json -")]
pub struct Args {
    /// Labelled files, one a coder
    #[arg(value_name = "CODER.csv", required = true, num_args = 2..)]
    coders: Vec<String>,
    /// Column that names each text, by which rows are matched
    #[arg(long, value_name = "COLUMN")]
    id_column: Option<String>,
    /// Write the rows on which coders disagree as CSV; `-` for standard output, in place of the table
    #[arg(long, short, value_name = "OUT.csv")]
    output: Option<String>,
    /// Write the figures as JSON; `-` for standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Resamples of alpha's 95 % intervals, by group where --group-column is given; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples, value_parser = resamples)]
    resamples: usize,
    #[command(flatten)]
    columns: ColumnArgs,
}

/// Reads the coders, measures, and reports.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    args.columns.check_single("agree", "leave it away: cells are then compared as they stand")?;
    if args.coders.iter().filter(|path| *path == "-").count() > 1 {
        return Err(Error::usage("standard input can be one coder only"));
    }
    if let (Some(json), Some(output)) = (&args.json, &args.output)
        && (json == output || same_file(json, output))
    {
        return Err(Error::usage("--json and --output cannot go to the same place"));
    }
    for (option, path) in [("--json", &args.json), ("--output", &args.output)] {
        path.as_ref().map_or(Ok(()), |path| keep_input(option, path, &args.coders))?;
    }
    let output = args.output.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let mut units = Matched::default();
    for (coder, path) in args.coders.iter().enumerate() {
        terminal.control().report(&format!("reading {path}"), None);
        units.read(coder, path, &args.columns, args.id_column.as_deref())?;
    }
    let mut codings = units.codings;
    for coding in &mut codings {
        coding.topic.resize(units.texts.len(), None);
        coding.stance.resize(units.texts.len(), None);
    }
    let bootstrap = Bootstrap { resamples: args.resamples, seed: common.seed.unwrap_or(Bootstrap::default().seed) };
    let mut groups = LabelColumn::default();
    units.groups.iter().for_each(|group| groups.push(group.as_deref()));
    let report = AgreementReport::new(&codings, groups.finish_groups().as_deref(), bootstrap);
    terminal.clear();
    if report.topic.is_none() && report.stance.is_none() {
        return Err(Error::input(
            Place::file(args.coders.join(", ")),
            "no text has labels of two coders",
            "check the label columns (--topic-column, --stance-column), which cells count as missing (--missing), and --id-column",
        ));
    }
    report.warnings.iter().for_each(|warning| terminal.note(&format!("warning: {warning}")));
    if let Some(mut output) = output {
        output.write_block(&disagreements(&codings, &units.ids, &units.texts))?;
        output.finish()?;
    }
    if let Some(json) = json {
        json.write(&report)?;
    }
    if args.json.as_deref() != Some("-") && args.output.as_deref() != Some("-") {
        let mut out = Output::create(None, false)?;
        report.write_text(&mut out).map_err(|e| out.error(e))?;
        out.finish()?;
    }
    Ok(())
}

/// The texts of all coders, in the order of their first appearance.
#[derive(Default)]
struct Matched {
    /// Place of each id; of rows without ids, of their number.
    places: HashMap<String, usize>,
    ids: Vec<String>,
    texts: Vec<String>,
    groups: Vec<Option<String>>,
    codings: Vec<Coding>,
}

impl Matched {
    /// Reads a coder's file.
    fn read(&mut self, coder: usize, path: &str, columns: &ColumnArgs, id_column: Option<&str>) -> Result<()> {
        let mut reader = LabelledReader::open(&[path.to_owned()], &columns.columns()?, &columns.read_options()?)?;
        let labelled = reader.columns().clone();
        let id_at =
            id_column.map(|name| ColumnNames::new(path, reader.header()).find(name, "--id-column")).transpose()?;
        let mut seen: HashMap<usize, u64> = HashMap::new();
        self.codings.push(Coding { coder: path.to_owned(), ..Coding::default() });
        let (mut batch, mut rows) = (Batch::new(), 0usize);
        while reader.read(&mut batch, 2_048, 1 << 20)? {
            for i in 0..batch.len() {
                let row = labelled.row(&batch, i)?;
                rows += 1;
                let id = match id_at {
                    Some(at) => batch.record(i).get(at).unwrap_or_default().trim().to_owned(),
                    None => rows.to_string(),
                };
                if id.is_empty() {
                    return Err(Error::input(
                        row.place(),
                        "the id is empty",
                        "give every row an id, or leave --id-column away",
                    ));
                }
                let place = match self.places.get(&id) {
                    Some(&place) => place,
                    None if coder > 0 && id_at.is_none() => {
                        let problem = format!("it has more rows than the {} of the first coder", self.ids.len());
                        return Err(Error::input(
                            Place::file(path),
                            problem,
                            "name a column by which rows match: --id-column",
                        ));
                    }
                    None => {
                        self.places.insert(id.clone(), self.ids.len());
                        self.ids.push(id.clone());
                        self.texts.push(row.text.to_string());
                        self.groups.push(row.group.map(str::to_owned));
                        self.ids.len() - 1
                    }
                };
                if let Some(line) = seen.insert(place, row.line) {
                    return Err(Error::input(
                        row.place(),
                        format!("the id {id:?} stands on line {line} too"),
                        "a coder labels each text once; remove one of the rows",
                    ));
                }
                if self.texts[place] != row.text {
                    let (what, mend) = match id_at {
                        Some(_) => (format!("id {id:?}"), "the same id must name the same text in every file"),
                        None => (format!("row {id}"), "rows must be in the same order, or match by --id-column"),
                    };
                    return Err(Error::input(
                        row.place(),
                        format!("the text of {what} is not that of another coder"),
                        mend,
                    ));
                }
                let coding = &mut self.codings[coder];
                coding.topic.resize(self.ids.len(), None);
                coding.stance.resize(self.ids.len(), None);
                coding.topic[place] = row.topic.map(str::to_owned);
                coding.stance[place] = row.stance.map(str::to_owned);
            }
        }
        if id_at.is_none() && rows < self.ids.len() {
            let problem = format!("it has {}, and the first coder {}", counted(rows as u64, "row"), self.ids.len());
            return Err(Error::input(Place::file(path), problem, "name a column by which rows match: --id-column"));
        }
        Ok(())
    }
}

/// A CSV of the units on which labels differ: what differs, and what each coder wrote.
fn disagreements(codings: &[Coding], ids: &[String], texts: &[String]) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let columns = codings.iter().flat_map(|c| [format!("topic:{}", c.coder), format!("stance:{}", c.coder)]);
    let _ = table.write_record(["id", "differs", "text"].map(str::to_owned).into_iter().chain(columns));
    let differs = |unit: usize, of: fn(&Coding) -> &[Option<String>]| {
        let mut given = codings.iter().filter_map(|c| of(c)[unit].as_deref());
        given.next().is_some_and(|first| given.any(|label| label != first))
    };
    for unit in 0..texts.len() {
        let what = match (differs(unit, |c| &c.topic), differs(unit, |c| &c.stance)) {
            (true, true) => "topic and stance",
            (true, false) => "topic",
            (false, true) => "stance",
            (false, false) => continue,
        };
        let labels = codings.iter().flat_map(|c| [&c.topic[unit], &c.stance[unit]]);
        let labels = labels.map(|label| label.as_deref().unwrap_or_default());
        let _ = table.write_record([ids[unit].as_str(), what, texts[unit].as_str()].into_iter().chain(labels));
    }
    table.into_inner().unwrap_or_default()
}
