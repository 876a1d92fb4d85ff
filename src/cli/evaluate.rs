//! `rapporteur evaluate`: how well a model agrees with labels given by people.

use std::io::Write;

use rapporteur::corpus::Output;
use rapporteur::error::Place;
use rapporteur::evaluate::{
    Bootstrap, Evaluation, EvaluationOptions, Thresholds, cross_validate, cross_validate_topics, learning_curve,
    measure, measure_topics,
};
use rapporteur::model::{DEFAULT_MODEL, Head, Model, TrainOptions, TrainingSet, default_model, read_training_set};
use rapporteur::{Error, Result};

use super::answers::{Layout, Shape};
use super::beside::write_predictions;
use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs, MOST_RESAMPLES};
use super::evaluation_report::{self, Judge};
use super::judged::judge;
use super::reading::{Reading, ReadingArgs};
use super::terminal::Terminal;
use super::train::{Report, check_labels, note_features, note_odd_cases, of_corpus};
use super::typed::list;
use super::unsure::{UnsureArgs, share};
use super::{Common, compare, evaluate_topics as topics, keep_input, same_file};

/// Folds of a learning curve, unless --cv says otherwise.
const CURVE_FOLDS: usize = 5;

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
  rapporteur evaluate held_out.csv --model new.model --compare old.model --group-column speech
  rapporteur evaluate coded.csv --learning-curve --group-column speech
  rapporteur evaluate held_out.csv --model my.model --max-error 0.05 --risk-coverage curve.csv
  rapporteur evaluate held_out.csv --model my.model --predictions judged.csv
  rapporteur evaluate judged.csv --predicted --group-column speech")]
pub struct Args {
    /// Labelled file; `-` for standard input
    #[arg(value_name = "LABELLED", required_unless_present = "predictions_a")]
    labelled: Option<String>,
    /// The model [default: the one inside the program]
    #[arg(long, short, value_name = "MODEL", conflicts_with = "cv")]
    model: Option<String>,
    /// Train and judge by cross-validation in so many folds
    #[arg(long, value_name = "K")]
    cv: Option<usize>,
    /// Compare with another model: differences with intervals and p-values
    #[arg(long, value_name = "MODEL",
          conflicts_with_all = ["cv", "predictions", "labels", "min_probability", "max_error", "risk_coverage"])]
    compare: Option<String>,
    /// Compare two files as `classify` and --predictions write them, gold labels beside predictions: the first
    #[arg(long, value_name = "A.csv", requires = "predictions_b",
          conflicts_with_all = ["labelled", "model", "cv", "compare", "predictions", "labels", "learning_curve",
                               "min_probability", "max_error", "risk_coverage"])]
    predictions_a: Option<String>,
    /// The second
    #[arg(long, value_name = "B.csv", requires = "predictions_a")]
    predictions_b: Option<String>,
    /// Score the predictions that stand in LABELLED beside the gold labels, in predicted_topic and predicted_stance as `classify` writes them; no model is asked
    #[arg(long,
          conflicts_with_all = ["model", "cv", "compare", "predictions_a", "predictions", "report", "learning_curve", "min_probability", "max_error", "risk_coverage"])]
    predicted: bool,
    /// Show how scores grow with the rows trained on, cross-validated [default: --cv 5], and what that says about labelling more
    #[arg(long,
          conflicts_with_all = ["model", "compare", "predictions", "labels", "min_probability", "max_error", "risk_coverage"])]
    learning_curve: bool,
    /// Write the figures as JSON; `-` for standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Write a page to look at: figures, confusions, reliability, the worst mistakes
    #[arg(long, value_name = "REPORT.html", conflicts_with_all = ["compare", "predictions_a", "learning_curve"])]
    report: Option<String>,
    /// Also score the labels of at least this probability alone, and tell how many they are
    #[arg(long, value_name = "P", conflicts_with = "max_error", value_parser = share)]
    min_probability: Option<f64>,
    /// Also score alone the labels that `classify --max-error` would write with this model, and tell how many they are
    #[arg(long, value_name = "E", value_parser = share)]
    max_error: Option<f64>,
    /// Write how errors fall as unsure rows are left out: head, coverage, threshold, risk, rows
    #[arg(long, value_name = "CURVE.csv")]
    risk_coverage: Option<String>,
    /// Write the input with the predictions beside it
    #[arg(long, value_name = "OUT.csv")]
    predictions: Option<String>,
    /// Resamples of the 95 % intervals, by group where --group-column is given; 0 for no intervals [default: 1000]
    #[arg(long, value_name = "N", value_parser = resamples)]
    resamples: Option<usize>,
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

/// A number of resamples.
pub fn resamples(typed: &str) -> std::result::Result<usize, String> {
    let number = typed.parse().ok().filter(|n| *n <= MOST_RESAMPLES);
    number.ok_or_else(|| format!("expected a number from 0 to {MOST_RESAMPLES}"))
}

/// Judges all rows, scores them, and reports.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let common = common.or(&config);
    let columns = args.columns.clone().or(config.columns);
    let usual = Bootstrap::default();
    let bootstrap = Bootstrap {
        resamples: args.resamples.or(config.resamples).unwrap_or(usual.resamples),
        seed: common.seed.unwrap_or(usual.seed),
    };
    let inputs: Vec<String> =
        [&args.labelled, &args.predictions_a, &args.predictions_b].into_iter().flatten().cloned().collect();
    let pipe = |path: &str| path == "-" || std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
    let twice = [
        ("--predictions", args.predictions.is_some()),
        ("--compare", args.compare.is_some()),
        ("--report", args.report.is_some()),
    ];
    if let Some((option, _)) = twice.into_iter().find(|(_, given)| *given && inputs.iter().any(|path| pipe(path))) {
        return Err(Error::usage(format!("{option} reads the file twice, which a pipe does not allow; give a file")));
    }
    let outputs: Vec<(&str, &String)> = [
        ("--json", &args.json),
        ("--predictions", &args.predictions),
        ("--report", &args.report),
        ("--risk-coverage", &args.risk_coverage),
    ]
    .into_iter()
    .filter_map(|(option, path)| Some((option, path.as_ref()?)))
    .collect();
    for (at, (option, path)) in outputs.iter().enumerate() {
        if let Some((other, _)) = outputs[..at].iter().find(|(_, p)| p == path || same_file(p, path)) {
            return Err(Error::usage(format!("{other} and {option} cannot go to the same place")));
        }
        if *option != "--predictions" {
            keep_input(option, path, &inputs)?;
        }
    }
    // The targets are opened first: better to hear now than after an hour that they cannot be written.
    let predictions = args.predictions.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let report = args.report.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let risk_coverage = args.risk_coverage.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    if args.compare.is_some() || args.predictions_a.is_some() {
        columns.check_single("a comparison", "evaluate each model by itself")?;
    }
    if args.predicted {
        columns.check_single("--predicted", "name the model with --model")?;
    }
    let reading = args.reading.clone().or(config.reading).open(&inputs, terminal)?;
    let text_too = [&args.json, &args.predictions, &args.risk_coverage].iter().all(|path| path.as_deref() != Some("-"));
    if let (Some(a), Some(b)) = (&args.predictions_a, &args.predictions_b) {
        let comparison = compare::files(a, b, &columns, &reading, bootstrap)?;
        reading.finish(terminal)?;
        return finish(a, comparison.rows, &comparison.warnings, terminal)
            .and_then(|()| publish(&comparison, json, text_too, |page| comparison.write_text(page)));
    }
    let [path] = &inputs[..] else {
        return Err(Error::usage("name a labelled file, or give --predictions-a and --predictions-b"));
    };
    let model = || args.model.as_deref().map_or_else(default_model, Model::read);
    if let Some(other) = &args.compare {
        let (first, second) = (model()?, Model::read(other)?);
        if first.multi_label.is_some() || second.multi_label.is_some() {
            return Err(Error::usage("--compare knows models of one topic a paragraph; evaluate each by itself"));
        }
        let name = args.model.as_deref().unwrap_or("the model inside the program");
        let (a, b) = ((name, &first), (other.as_str(), &second));
        let comparison = compare::models(path, (&columns, &reading), a, b, bootstrap, &common, terminal)?;
        reading.finish(terminal)?;
        finish(path, comparison.rows, &comparison.warnings, terminal)?;
        return publish(&comparison, json, text_too, |page| comparison.write_text(page));
    }
    // A model that is named goes before folds that a configuration file names.
    let folds = args.cv.or(config.cv.filter(|_| args.model.is_none()));
    let labels = args.labels.as_deref().or(config.labels.as_deref()).map(list).unwrap_or_default();
    let measured = |accept| EvaluationOptions { bootstrap, labels, accept };
    if args.predicted {
        let evaluation = compare::file(path, &columns, &reading, &measured(None))?;
        reading.finish(terminal)?;
        finish(path, evaluation.rows, &evaluation.warnings, terminal)?;
        return publish(&evaluation, json, text_too, |page| evaluation.write_text(page));
    }
    let learn = args.learn.clone().or(config.learn);
    let model = if folds.is_none() && !args.learning_curve { Some(model()?) } else { None };
    if columns.multi_label()? || model.as_ref().is_some_and(|model| model.multi_label.is_some()) {
        let refused = [
            ("--learning-curve", args.learning_curve),
            ("--report", args.report.is_some()),
            ("--risk-coverage", args.risk_coverage.is_some()),
            ("--labels", args.labels.is_some()),
            ("--min-probability", args.min_probability.is_some()),
            ("--max-error", args.max_error.is_some()),
        ];
        if let Some((option, _)) = refused.into_iter().find(|(_, given)| *given) {
            return Err(Error::usage(format!(
                "{option} is for one topic a paragraph, and this evaluates several; leave it away"
            )));
        }
        let columns = ColumnArgs { multi_label: Some("true".to_owned()), ..columns };
        let (evaluation, answers) = match (&model, folds) {
            (None, folds) => {
                let (set, options) = training_set(&inputs, (&columns, &reading), &learn, &common, terminal)?;
                let folds = folds.unwrap_or(CURVE_FOLDS);
                let answers = cross_validate_topics(&set, &options, folds, terminal.control())
                    .map_err(|e| of_corpus(e, &inputs))?;
                terminal.control().report("resampling", None);
                (measure_topics(&set, &answers, bootstrap)?, answers)
            }
            (Some(model), _) => topics::judge(path, (&columns, &reading), model, bootstrap, &common, terminal)?,
        };
        finish(path, evaluation.rows, &evaluation.warnings, terminal)?;
        if let (Some(to), Some(out)) = (&args.predictions, predictions) {
            write_predictions(to, out, path, (&columns, &reading), &answers, topics::write_row)?;
        }
        return publish(&evaluation, json, text_too, |page| evaluation.write_text(page));
    }
    if args.learning_curve {
        let (set, options) = training_set(&inputs, (&columns, &reading), &learn, &common, terminal)?;
        let folds = folds.unwrap_or(CURVE_FOLDS);
        let curve =
            learning_curve(&set, &options, folds, bootstrap, terminal.control()).map_err(|e| of_corpus(e, &inputs))?;
        finish(path, curve.rows, &curve.warnings, terminal)?;
        return publish(&curve, json, text_too, |page| curve.write_text(page));
    }
    let (evaluation, answers, judge_of) = match (model, folds) {
        (None, folds) => {
            let folds = folds.unwrap_or(CURVE_FOLDS);
            if args.max_error.is_some() {
                return Err(Error::usage(
                    "--max-error is a promise of one model, and the folds train another each; give a --model, or --min-probability in its place",
                ));
            }
            let (set, options) = training_set(&inputs, (&columns, &reading), &learn, &common, terminal)?;
            let answers =
                cross_validate(&set, &options, folds, terminal.control()).map_err(|e| of_corpus(e, &inputs))?;
            terminal.control().report("resampling", None);
            let accept = args.min_probability.map(|p| Thresholds { topic: p, stance: p });
            let evaluation = measure(&set, &answers, &set.topics, &set.stances, &measured(accept))?;
            (evaluation, answers, Judge::folds(folds, &set, &options))
        }
        (Some(model), _) => {
            let name = args.model.as_deref().unwrap_or(DEFAULT_MODEL);
            let unsure = UnsureArgs { min_probability: args.min_probability, max_error: args.max_error };
            let (bar, notes) = unsure.bar(&model, name)?.unzip();
            let read = reading.options(columns.read_options()?);
            let judged = judge(path, (&columns, &read), &model, &common, terminal)?;
            reading.finish(terminal)?;
            let (topic, stance) = (model.topic.as_ref(), model.stance.as_ref().map(|s| &s.head));
            let rows = judged.rows(topic.is_some(), stance.is_some());
            let names = |head: Option<&Head>| head.map_or(Vec::new(), |h| h.labels.names().to_vec());
            let (topics, stances) = (names(topic), names(stance));
            terminal.control().report("resampling", None);
            let options = measured(bar.map(Thresholds::from));
            let evaluation = Evaluation::measure(&rows, judged.groups.as_deref(), &topics, &stances, &options)?;
            notes.iter().flatten().for_each(|note| terminal.note(note));
            let answers = judged.answers;
            (evaluation, answers, Judge::model(name, model))
        }
    };
    finish(path, evaluation.rows, &evaluation.warnings, terminal)?;
    if let (Some(to), Some(out)) = (&args.predictions, predictions) {
        if Layout::of_output(Some(to), None) != Shape::Jsonl {
            reading.note_unplaced(terminal);
        }
        write_predictions(to, out, path, (&columns, &reading), &answers, |writer, batch, i, answer| {
            writer.row(batch, i, answer);
        })?;
    }
    if let Some(report) = report {
        evaluation_report::write(report, path, (&columns, &reading), &evaluation, &answers, &judge_of)?;
    }
    if let Some(mut out) = risk_coverage {
        evaluation.write_risk_coverage(&mut out).map_err(|e| out.error(e))?;
        out.finish()?;
    }
    publish(&evaluation, json, text_too, |page| evaluation.write_text(page))
}

/// Reads the corpus of --cv and --learning-curve, with the recipe.
fn training_set(
    inputs: &[String],
    (columns, reading): (&ColumnArgs, &Reading),
    learn: &LearnArgs,
    common: &Common,
    terminal: &Terminal,
) -> Result<(TrainingSet, TrainOptions)> {
    let options = learn.options(common.seed)?;
    let codebook = learn.codebook()?;
    let (label_columns, read_options) = (columns.columns()?, reading.options(columns.read_options()?));
    let control = terminal.control();
    let set = read_training_set(inputs, &label_columns, &read_options, codebook.as_ref(), common.threads(), control)?;
    reading.finish(terminal)?;
    check_labels(&set, &options, inputs)?;
    note_odd_cases(&set.topics, &set.stances, terminal);
    note_features(&set, terminal);
    Ok((set, options))
}

/// Ends the progress line, refuses figures of nothing, and tells of what makes them unsure.
fn finish(path: &str, rows: u64, warnings: &[String], terminal: &Terminal) -> Result<()> {
    terminal.clear();
    if rows == 0 {
        return Err(Error::input(
            Place::file(path),
            "no row has a label that could be compared",
            "check the label columns (--topic-column, --stance-column), which cells count as missing (--missing), and what the model judges (`rapporteur inspect`)",
        ));
    }
    warnings.iter().for_each(|warning| terminal.note(&format!("warning: {warning}")));
    Ok(())
}

/// Writes figures as JSON, as text, or both.
fn publish(
    figures: &impl serde::Serialize,
    json: Option<Report>,
    text_too: bool,
    write_text: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    if let Some(json) = json {
        json.write(figures)?;
    }
    if text_too {
        let mut out = Output::create(None, false)?;
        write_text(&mut out).map_err(|e| out.error(e))?;
        out.finish()?;
    }
    Ok(())
}
