//! `rapporteur check`: what is wrong with a corpus.

use std::collections::BTreeMap;

use rapporteur::Result;
use rapporteur::corpus::{ColumnNames, Output};
use rapporteur::curate::{CheckOptions, Checked, Corpus, Kind, check, read_corpus};

use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs};
use super::reading::ReadingArgs;
use super::terminal::{Terminal, counted};
use super::train::Report;
use super::typed::list;
use super::{Common, keep_input};

/// Find what is wrong with a corpus: suspect labels, duplicates, odd texts.
///
/// Writes one line a finding, `row,id,kind,label,suggestion,score,detail`, strongest first within each kind. Rows are counted from 1, through all files; with several files the detail names file and row. Nothing is changed: people decide.
#[derive(clap::Args)]
#[command(after_help = "\
Kinds:
  suspect_label      a model that never saw the row is sure of another label
  conflicting_label  the same text has another label elsewhere
  exact_duplicate    the same words as an earlier row, or as a row of --against
  near_duplicate     at least 80 % of the same word triples
  unlabelled         a label is missing
  label_variant      a label most likely another one, misspelt
  unknown_label      a topic that is not in the --codebook
  tiny_class         a label of fewer than 5 rows
  outlying_length    a text much longer or shorter than the others
  other_language     a text in another language or script
  mojibake           letters broken by a wrong encoding
  empty_text         a text without one word
  duplicate_id       an id that an earlier row has
  group_spread       a group in several folds, or in CORPUS and --against

Examples:
  rapporteur check coded.csv --output findings.csv
  rapporteur check train.csv --against test.csv --group-column speech --strict
  rapporteur check coded.csv --skip suspect_label,tiny_class --codebook codebook.csv
  rapporteur check speeches.csv                          # without labels: texts only")]
pub struct Args {
    /// Files with the same header, labelled or not; `-` for standard input
    #[arg(required = true, value_name = "CORPUS")]
    corpus: Vec<String>,
    /// A file that should have nothing in common with the corpus, such as a test split
    #[arg(long, value_name = "OTHER")]
    against: Option<String>,
    /// File for the findings [default: standard output]
    #[arg(long, short, value_name = "OUT.csv")]
    output: Option<String>,
    /// Write a summary as JSON; `-` for standard output, in place of the findings
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Exit with code 1 when anything was found
    #[arg(long)]
    strict: bool,
    /// Kinds not to look for, separated by commas; suspect_label is the one that takes time
    #[arg(long, value_name = "KIND,...")]
    skip: Option<String>,
    /// Column of the row's id [default: id, where there is one]
    #[arg(long, value_name = "COLUMN")]
    id_column: Option<String>,
    /// Column of the fold or split that a row is in: groups and duplicates are not to stand in several
    #[arg(long, value_name = "COLUMN")]
    fold_column: Option<String>,
    /// Take column and learning options from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    learn: LearnArgs,
}

/// Reads, looks, writes; says whether something was found that is to be told by the exit code.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<bool> {
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let common = common.or(&config);
    let columns = args.columns.or(config.columns);
    columns.check_single(
        "check",
        "leave it away: cells are then labels as they stand; add --skip suspect_label,tiny_class",
    )?;
    let learn = args.learn.or(config.learn);
    let skip = args.skip.as_deref().map_or_else(Vec::new, list);
    let options = CheckOptions {
        skip: skip.iter().map(|kind| kind.parse()).collect::<Result<_>>()?,
        codebook: learn.codebook()?,
        train: learn.options(common.seed)?,
    };
    let read_from = [args.corpus.as_slice(), args.against.as_slice(), learn.codebook.as_slice()].concat();
    for (option, path) in [("--output", &args.output), ("--json", &args.json)] {
        path.as_ref().map_or(Ok(()), |path| keep_input(option, path, &read_from))?;
    }
    let json_alone = args.json.as_deref() == Some("-") && args.output.is_none();
    // The targets are opened first: better to hear now than after an hour that they cannot be written.
    let output = if json_alone { None } else { Some(Output::create(args.output.as_deref(), false)?) };
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let reading = args.reading.or(config.reading).open(&read_from, terminal)?;
    let read = |paths: &[String], fold: Option<&str>| -> Result<Corpus> {
        let reader = columns.open_leniently(paths, &reading)?;
        let names = ColumnNames::new(paths.join(", "), reader.header());
        let id = match &args.id_column {
            Some(name) => Some(names.find(name, "--id-column")?),
            None => names.position("id"),
        };
        let fold = fold.map(|name| names.find(name, "--fold-column")).transpose()?;
        read_corpus(reader, (id, fold), common.threads(), terminal.control())
    };
    let corpus = read(&args.corpus, args.fold_column.as_deref())?;
    let other = args.against.as_ref().map(|path| read(std::slice::from_ref(path), None)).transpose()?;
    reading.finish(terminal)?;
    let checked = check(&corpus, other.as_ref(), &options, terminal.control())?;
    if let Some(mut output) = output {
        output.write_block(&table(&corpus, &checked))?;
        output.finish()?;
    }
    terminal.clear();
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    checked.findings.iter().for_each(|finding| *counts.entry(finding.kind).or_default() += 1);
    if let Some(json) = json {
        json.write(&serde_json::json!({
            "rows": corpus.len(),
            "against_rows": other.as_ref().map(Corpus::len),
            "findings": checked.findings.len(),
            "kinds": counts,
            "notes": checked.notes,
        }))?;
    }
    terminal.note(&summary(&corpus, other.as_ref(), &checked, &counts));
    Ok(args.strict && !checked.findings.is_empty())
}

fn table(corpus: &Corpus, checked: &Checked) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = table.write_record(["row", "id", "kind", "label", "suggestion", "score", "detail"]);
    for finding in &checked.findings {
        let detail = match corpus.place(finding.row) {
            (file, row) if corpus.file_count() > 1 => format!("{file}, row {row}: {}", finding.detail),
            _ => finding.detail.clone(),
        };
        let _ = table.write_record([
            &(finding.row + 1).to_string(),
            corpus.id(finding.row).unwrap_or_default(),
            finding.kind.name(),
            &finding.label,
            &finding.suggestion,
            &format!("{:.4}", finding.score),
            &detail,
        ]);
    }
    table.into_inner().unwrap_or_default()
}

fn summary(corpus: &Corpus, other: Option<&Corpus>, checked: &Checked, counts: &BTreeMap<Kind, usize>) -> String {
    let against = other.map_or(String::new(), |other| format!(" against {}", counted(other.len() as u64, "other")));
    let found = match checked.findings.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    };
    let mut lines = vec![format!("checked {}{against}: {found}", counted(corpus.len() as u64, "row"))];
    lines.extend(counts.iter().map(|(kind, count)| format!("{count:>7}  {kind}: {}", kind.plain())));
    lines.extend(checked.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}
