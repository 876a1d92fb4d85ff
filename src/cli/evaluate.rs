//! `rapporteur evaluate`: how well a model agrees with labels given by people.

use rapporteur::corpus::{Batch, LabelledReader, Output};
use rapporteur::error::Place;
use rapporteur::evaluate::{Answer, Bootstrap, Evaluation, EvaluationOptions, Row, cross_validate, measure};
use rapporteur::labels::{LabelColumn, LabelSet, UNLABELLED};
use rapporteur::model::{Model, Predictor, default_model, read_training_set};
use rapporteur::pipeline::in_order;
use rapporteur::{Error, Result};

use super::answers::{AnswerOptions, AnswerWriter, Layout};
use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs, list};
use super::reading::{Reading, ReadingArgs};
use super::terminal::Terminal;
use super::train::{Report, check_labels, note_odd_cases, of_corpus};
use super::{Common, keep_input, same_file};

/// Measure how well a model, or a training recipe, agrees with labels given by people.
///
/// With --cv the labelled file is its own training corpus: each row is judged by a model that did not see it, trained with the learning options given. Without, a model judges all rows.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur evaluate held_out.csv --model my.model
  rapporteur evaluate coded.csv --cv 5 --group-column speech --json scores.json
  rapporteur evaluate coded.csv                          # the default model
  rapporteur evaluate tweets.csv --cv 5 --labels favor,against
  rapporteur evaluate held_out.csv --model my.model --predictions judged.csv")]
pub struct Args {
    /// Labelled file; `-` for standard input
    #[arg(value_name = "LABELLED")]
    labelled: String,
    /// The model [default: the one inside the program]
    #[arg(long, short, value_name = "MODEL", conflicts_with = "cv")]
    model: Option<String>,
    /// Train and judge by cross-validation in so many folds
    #[arg(long, value_name = "K")]
    cv: Option<usize>,
    /// Write the figures as JSON; `-` for standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Write the input with the predictions beside it
    #[arg(long, value_name = "OUT.csv")]
    predictions: Option<String>,
    /// Resamples of the 95 % intervals, by group where --group-column is given; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples, value_parser = resamples)]
    resamples: usize,
    /// Also give the mean F1 of these labels alone, such as favor,against for the figure of SemEval
    #[arg(long, value_name = "LABEL,...")]
    labels: Option<String>,
    /// Take learning options for --cv from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    learn: LearnArgs,
}

/// A number of resamples; beyond a hundred thousand they only cost time and memory.
fn resamples(typed: &str) -> std::result::Result<usize, String> {
    typed.parse().ok().filter(|n| *n <= 100_000).ok_or_else(|| "expected a number from 0 to 100000".to_owned())
}

/// Judges all rows, scores them, and reports.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let common = common.or(&config);
    let columns = args.columns.clone().or(config.columns);
    let inputs = [args.labelled.clone()];
    if let Some(path) = &args.predictions {
        let pipe = std::fs::metadata(&args.labelled).is_ok_and(|m| !m.is_file() && !m.is_dir());
        if args.labelled == "-" || pipe {
            return Err(Error::usage("--predictions reads the file twice, which a pipe does not allow; give a file"));
        }
        if args.json.as_deref().is_some_and(|json| json == path || same_file(json, path)) {
            return Err(Error::usage("--json and --predictions cannot go to the same place"));
        }
    }
    args.json.as_ref().map_or(Ok(()), |path| keep_input("--json", path, &inputs))?;
    // The targets are opened first: better to hear now than after an hour that they cannot be written.
    let predictions = args.predictions.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let measured = EvaluationOptions {
        bootstrap: Bootstrap { resamples: args.resamples, seed: common.seed.unwrap_or(Bootstrap::default().seed) },
        labels: args.labels.as_deref().map(list).unwrap_or_default(),
    };
    let reading = args.reading.clone().or(config.reading).open(&inputs, terminal)?;
    // A model that is named goes before folds that a configuration file names.
    let cv = args.cv.or(config.cv.filter(|_| args.model.is_none()));
    let (evaluation, answers) = match cv {
        Some(folds) => {
            let learn = args.learn.clone().or(config.learn);
            let options = learn.options(common.seed)?;
            let control = terminal.control();
            let codebook = learn.codebook()?;
            let (label_columns, read_options) = (columns.columns()?, reading.options(columns.read_options()?));
            let set = read_training_set(
                &inputs,
                &label_columns,
                &read_options,
                codebook.as_ref(),
                common.threads(),
                control,
            )?;
            reading.finish(terminal)?;
            check_labels(&set, &options, &inputs)?;
            note_odd_cases(&set.topics, &set.stances, terminal);
            let answers = cross_validate(&set, &options, folds, control).map_err(|e| of_corpus(e, &inputs))?;
            control.report("resampling", None);
            (measure(&set, &answers, &set.topics, &set.stances, &measured)?, answers)
        }
        None => {
            let model = args.model.as_deref().map_or_else(default_model, Model::read)?;
            judge(&args.labelled, &columns, &reading, &model, &measured, &common, terminal)?
        }
    };
    terminal.clear();
    if evaluation.rows == 0 {
        return Err(Error::input(
            Place::file(&args.labelled),
            "no row has a label that could be compared",
            "check the label columns (--topic-column, --stance-column), which cells count as missing (--missing), and what the model judges (`rapporteur inspect`)",
        ));
    }
    evaluation.warnings.iter().for_each(|warning| terminal.note(&format!("warning: {warning}")));
    if let (Some(path), Some(out)) = (&args.predictions, predictions) {
        write_predictions(path, out, &args.labelled, &columns, &reading, &answers)?;
    }
    if let Some(json) = json {
        json.write(&evaluation)?;
    }
    if args.json.as_deref() != Some("-") && args.predictions.as_deref() != Some("-") {
        let mut out = Output::create(None, false)?;
        evaluation.write_text(&mut out).map_err(|e| out.error(e))?;
        out.finish()?;
    }
    Ok(())
}

/// Lets a model judge all rows of a labelled file.
fn judge(
    path: &str,
    columns: &ColumnArgs,
    reading: &Reading,
    model: &Model,
    measured: &EvaluationOptions,
    common: &Common,
    terminal: &Terminal,
) -> Result<(Evaluation, Vec<Answer>)> {
    let options = reading.options(columns.read_options()?);
    let mut reader = LabelledReader::open(&[path.to_owned()], &columns.columns()?, &options)?;
    let labelled = reader.columns().clone();
    let (mut topic, mut stance, mut answers) = (LabelColumn::default(), LabelColumn::default(), Vec::new());
    let mut group = LabelColumn::default();
    type Judged = ([Option<String>; 3], Answer);
    in_order(
        common.threads(),
        terminal.control(),
        |batch: &mut Batch, rows, bytes| reader.read(batch, rows, bytes),
        || Predictor::new(model),
        |predictor, batch| -> Result<Vec<Judged>> {
            (0..batch.len())
                .map(|i| {
                    let row = labelled.row(batch, i)?;
                    predictor.read(&row.text);
                    let answer = Answer::ask(predictor, row.topic, row.stance);
                    Ok(([row.topic, row.stance, row.group].map(|label| label.map(str::to_owned)), answer))
                })
                .collect()
        },
        |judged| {
            for ([gold_topic, gold_stance, its_group], answer) in judged {
                topic.push(gold_topic.as_deref());
                stance.push(gold_stance.as_deref());
                group.push(its_group.as_deref());
                answers.push(answer);
            }
            terminal.control().report(&format!("judging: {} rows", answers.len()), None);
            Ok(())
        },
    )?;
    reading.finish(terminal)?;
    let ((topics, topic), (stances, stance)) = (topic.finish(), stance.finish());
    note_odd_cases(&topics, &stances, terminal);
    fn gold(labels: &LabelSet, number: u32, judged: bool) -> Option<&str> {
        (judged && number != UNLABELLED).then(|| labels.name(number as usize))
    }
    let rows: Vec<Row<'_>> = answers
        .iter()
        .zip(topic.iter().zip(&stance))
        .map(|(answer, (&t, &s))| {
            answer.beside(gold(&topics, t, model.topic.is_some()), gold(&stances, s, model.stance.is_some()))
        })
        .collect();
    let known = |labels: Option<&LabelSet>| labels.map_or(Vec::new(), |l| l.names().to_vec());
    let (known_topics, known_stances) =
        (known(model.topic.as_ref().map(|h| &h.labels)), known(model.stance.as_ref().map(|s| &s.head.labels)));
    terminal.control().report("resampling", None);
    let groups = group.finish_groups();
    let evaluation = Evaluation::measure(&rows, groups.as_deref(), &known_topics, &known_stances, measured)?;
    Ok((evaluation, answers))
}

/// Reads the input once more and writes it with the answers beside.
fn write_predictions(
    path: &str,
    mut out: Output,
    input: &str,
    columns: &ColumnArgs,
    reading: &Reading,
    answers: &[Answer],
) -> Result<()> {
    let options = reading.again(columns.read_options()?);
    let mut reader = LabelledReader::open(&[input.to_owned()], &columns.columns()?, &options)?;
    let shape = Layout::of_output(Some(path), None);
    Layout::check(input, reader.header(), shape)?;
    let layout = Layout::new(reader.header(), None, &AnswerOptions::default(), shape);
    let mut writer = AnswerWriter::new(&layout);
    out.write_block(&writer.header())?;
    let (mut batch, mut at) = (Batch::new(), 0);
    while reader.read(&mut batch, 2_048, 1 << 20)? {
        for i in 0..batch.len() {
            let Some(answer) = answers.get(at) else {
                return Err(Error::corpus(
                    format!("{input} has grown while it was read"),
                    "run again when nobody writes to it",
                ));
            };
            writer.row(&batch, i, answer);
            at += 1;
        }
        out.write_block(&writer.take())?;
    }
    out.finish()
}
