//! `rapporteur tune`: the options that suit a corpus, and a model trained with them.

use std::time::{Duration, Instant};

use rapporteur::corpus::Output;
use rapporteur::evaluate::{cross_validate, score};
use rapporteur::memory::{self, Bytes};
use rapporteur::model::{read_training_set, train};
use rapporteur::tuning::{Budget, Ended, Metric, Trial, TuneOptions, Tuned, tune};
use rapporteur::{Error, Result};

use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs};
use super::reading::ReadingArgs;
use super::terminal::Terminal;
use super::train::{Report, check_labels, note_odd_cases, of_corpus, summary};
use super::{Common, keep_input, same_file};

/// Find the options that suit a labelled CSV, and train with them.
///
/// Candidates are judged by cross-validation beside the options given, and preferred only if they gain more than chance would. Options that are given here or in --config stay as they are; the others are searched.
/// Ctrl-C ends the search: the best options so far are trained on all rows and the model is written (exit code 0). A second Ctrl-C ends the program with nothing written (130).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur tune coded.csv --output my.model --time-budget 10m
  rapporteur tune coded.csv --output my.model --trials 40 --metric accuracy
  rapporteur tune coded.csv --output my.model --config-output best.toml
  rapporteur train coded.csv --output same.model --config best.toml")]
pub struct Args {
    /// Labelled files with the same header; `-` for standard input
    #[arg(required = true, value_name = "CORPUS")]
    corpus: Vec<String>,
    /// File for the model
    #[arg(long, short, value_name = "MODEL")]
    output: String,
    /// Be done, model and all, after about this long: 90, 120s, 10m or 1h
    #[arg(long, value_name = "TIME", conflicts_with = "trials")]
    time_budget: Option<String>,
    /// Try so many candidates; the same number and seed give the same model [default: 60]
    #[arg(long, value_name = "N")]
    trials: Option<usize>,
    /// What to raise: macro_f1, macro_f1_gold, weighted_f1 or accuracy, in the mean of topic and stance given the true topic, or of one of them with topic_ or stance_given_true_topic_ before it [default: macro_f1]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// File for a row about every trial [default: MODEL.trials.csv]
    #[arg(long, value_name = "FILE")]
    trials_csv: Option<String>,
    /// Write the options found as a TOML file, which `train --config` takes
    #[arg(long, value_name = "FILE")]
    config_output: Option<String>,
    /// Take options from a TOML file; those given here go first
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Also measure the options found by cross-validation in so many folds, and keep the scores in the model
    #[arg(long, value_name = "K")]
    cv: Option<usize>,
    /// End with a message rather than take more memory than this, such as 800M or 2G (without it: a warning when it takes more than is left)
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<Bytes>,
    /// Write the summary as JSON; `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    learn: LearnArgs,
}

/// Reads, searches, trains, writes, and says what came of it.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let started = Instant::now();
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let (common, cv) = (common.or(&config), args.cv.or(config.cv));
    let columns = args.columns.clone().or(config.columns);
    columns
        .check_single("tune", "`rapporteur train --multi-label` chooses C, feature weights and thresholds by itself")?;
    let learn = args.learn.clone().or(config.learn);
    let options = learn.options(common.seed)?;
    let budget = match (&args.time_budget, args.trials) {
        (Some(typed), _) => Budget::Until(started + duration(typed)?),
        (None, Some(0)) => return Err(Error::usage("--trials needs at least 1")),
        (None, Some(n)) => Budget::Trials(n),
        (None, None) => TuneOptions::default().budget,
    };
    let metric = args.metric.as_deref().map_or_else(|| Ok(Metric::default()), str::parse)?;
    if cv.is_some_and(|k| k < 2) {
        return Err(Error::usage("--cv needs at least 2 folds"));
    }
    if [".gz", ".zst"].iter().any(|ending| args.output.to_ascii_lowercase().ends_with(ending)) {
        return Err(Error::usage(format!("--output {}: models are not compressed; give another name", args.output)));
    }
    // Beside a pipe or a device no file can lie.
    let has_neighbours =
        args.output != "-" && std::fs::metadata(&args.output).map_or(true, |m| m.is_file() || m.is_dir());
    let trials_csv = args.trials_csv.clone().or_else(|| has_neighbours.then(|| format!("{}.trials.csv", args.output)));
    let made_from = [args.corpus.as_slice(), learn.codebook.as_slice(), args.config.as_slice()].concat();
    let targets = [
        ("--output", Some(&args.output)),
        ("--trials-csv", trials_csv.as_ref()),
        ("--config-output", args.config_output.as_ref()),
        ("--json", args.json.as_ref()),
    ];
    let targets: Vec<(&str, &String)> = targets.into_iter().filter_map(|(name, path)| Some((name, path?))).collect();
    for (i, (name, path)) in targets.iter().enumerate() {
        keep_input(name, path, &made_from)?;
        if let Some((other, _)) = targets[..i].iter().find(|(_, p)| p == path || same_file(p, path)) {
            return Err(Error::usage(format!("{other} and {name} cannot go to the same place")));
        }
    }
    let codebook = learn.codebook()?;
    // The targets are opened first: better to hear now than after an hour that they cannot be written.
    let mut output = Output::create(Some(&args.output), false)?;
    let trials = trials_csv.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let found = args.config_output.as_deref().map(|path| Output::create(Some(path), false)).transpose()?;
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let reading_args = args.reading.clone().or(config.reading);
    let reading = reading_args.open(&made_from, terminal)?;
    let control = &terminal.control_within(args.max_memory.or(config.max_memory));
    let (label_columns, read_options) = (columns.columns()?, reading.options(columns.read_options()?));
    let set =
        read_training_set(&args.corpus, &label_columns, &read_options, codebook.as_ref(), common.threads(), control)?;
    reading.finish(terminal)?;
    check_labels(&set, &options, &args.corpus)?;
    note_odd_cases(&set.topics, &set.stances, terminal);
    let in_corpus = |error| of_corpus(error, &args.corpus);

    terminal.be_patient();
    let until = args.time_budget.as_deref().map_or(String::new(), |typed| format!(" for {}", typed.trim()));
    terminal.note(&format!("searching by {metric}{until}; Ctrl-C ends the search with the best model so far"));
    let fixed: Vec<String> = learn.given()?.into_iter().map(|(name, _)| name).collect();
    let tuned = tune(&set, &options, &TuneOptions { metric, budget, fixed }, control).map_err(in_corpus)?;
    terminal.note(&findings(&tuned, metric));
    // Whatever ended the search, the model is trained to the end.
    let control = control.to_the_end();
    let mut model = train(&set, &tuned.options, &control).map_err(in_corpus)?;
    model.codebook = codebook;
    if let Some(folds) = cv {
        let answers = cross_validate(&set, &tuned.options, folds, &control).map_err(in_corpus)?;
        model.scores = score(&set, &answers, &set.topics, &set.stances).headline();
        model.scores.insert("folds".into(), folds as f64);
    }
    let bytes = model.to_bytes()?;
    output.write_block(&bytes)?;
    output.finish()?;
    trials.map_or(Ok(()), |file| write_trials(&tuned, file))?;
    if let Some(mut file) = found {
        // The file of bad rows is for this reading alone, but bad rows are to be passed over again.
        let on_error = reading_args.on_error.clone().or(reading_args.errors.as_ref().map(|_| "skip".to_owned()));
        let reading = ReadingArgs { on_error, errors: None, ..reading_args };
        let best = Config::to_toml(&columns, &reading, &learn.with(&tuned.changes)?, tuned.options.seed)?;
        file.write_block(best.as_bytes())?;
        file.finish()?;
    }
    terminal.clear();
    let seconds = started.elapsed().as_secs_f64();
    terminal.note(&summary(&model, &args.output, bytes.len(), seconds));
    if let Some(path) = &trials_csv {
        terminal.note(&format!("trials:   {path}"));
    }
    if let Some(json) = json {
        let (gain, error) = tuned.best.gain_over(&tuned.start);
        let changes: std::collections::BTreeMap<&str, &String> = tuned.changes.iter().map(|(n, v)| (*n, v)).collect();
        let report = serde_json::json!({
            "model": args.output,
            "bytes": bytes.len(),
            "trials_csv": trials_csv,
            "metric": metric.to_string(),
            "candidates": tuned.candidates,
            "ended": ended(tuned.ended),
            "changes": changes,
            "start": tuned.start.value,
            "best": tuned.best.value,
            "gain": gain,
            "gain_se": error,
            "options": tuned.options,
            "scores": model.scores,
            "seconds": seconds,
            "peak_memory_bytes": memory::peak().map(|bytes| bytes.0),
            "memory_forecast_bytes": control.memory_forecast().0,
        });
        json.write(&report)?;
    }
    Ok(())
}

/// A time as typed: seconds, or a number and `s`, `m` or `h`.
fn duration(typed: &str) -> Result<Duration> {
    let wrong = || Error::usage(format!("--time-budget {typed}: expected a time such as 90, 120s, 10m or 1h"));
    let trimmed = typed.trim();
    let (number, unit) = match trimmed.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &trimmed[number.len()..]),
        None => (trimmed, "s"),
    };
    let unit = match unit {
        "m" => 60.0,
        "h" => 3_600.0,
        _ => 1.0,
    };
    let number = number.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0).ok_or_else(wrong)?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Trials => "trials",
        Ended::Time => "time",
        Ended::Exhausted => "exhausted",
        Ended::Interrupted => "interrupted",
    }
}

fn findings(tuned: &Tuned, metric: Metric) -> String {
    let why = match tuned.ended {
        Ended::Trials => "",
        Ended::Time => " (time is up)",
        Ended::Exhausted => " (nothing is left to try)",
        Ended::Interrupted => " (interrupted: the best so far is trained; Ctrl-C again to leave without a model)",
    };
    let tried = format!("tried {} candidates{why}", tuned.candidates);
    if tuned.changes.is_empty() {
        return format!("{tried}; none is surely better than the options given, {metric} {:.4}", tuned.start.value);
    }
    let (gain, error) = tuned.best.gain_over(&tuned.start);
    let changes: Vec<String> = tuned.changes.iter().map(|(name, typed)| format!("{name} = {typed}")).collect();
    format!(
        "{tried}; best: {}\n{metric} {:.4} against {:.4} with the options given ({gain:+.4}, standard error {error:.4}), in folds that also chose it",
        changes.join(", "),
        tuned.best.value,
        tuned.start.value
    )
}

/// A row for each trial, its settings as columns.
fn write_trials(tuned: &Tuned, mut out: Output) -> Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let figures = ["rows", "deals", "score", "score_se", "topic_score", "stance_score", "gain", "gain_se", "seconds"];
    let header = ["candidate", "rung"].iter().chain(&tuned.names).chain(&figures);
    let number = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.6}"));
    let row = |trial: &Trial| -> Vec<String> {
        let score = trial.score.as_ref();
        let mut cells = vec![trial.candidate.to_string(), (trial.rung + 1).to_string()];
        cells.extend(trial.values.iter().cloned());
        cells.extend([
            score.map_or(String::new(), |s| s.rows.to_string()),
            trial.deals.to_string(),
            number(score.map(|s| s.value)),
            number(score.map(|s| s.standard_error())),
            number(score.and_then(|s| s.topic)),
            number(score.and_then(|s| s.stance)),
            number(trial.gain.map(|g| g.0)),
            number(trial.gain.map(|g| g.1)),
            format!("{:.3}", trial.seconds),
        ]);
        cells
    };
    let mut written = table.write_record(header);
    for trial in &tuned.trials {
        written = written.and_then(|()| table.write_record(row(trial)));
    }
    let failed = |e: String| Error::usage(format!("the trials cannot be written: {e}"));
    written.map_err(|e| failed(e.to_string()))?;
    let bytes = table.into_inner().map_err(|e| failed(e.to_string()))?;
    out.write_block(&bytes)?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_they_are_typed() {
        for (typed, seconds) in [("90", 90.0), ("120s", 120.0), ("10m", 600.0), ("0.5h", 1_800.0), (" 2 m", 120.0)] {
            assert_eq!(duration(typed).unwrap(), Duration::from_secs_f64(seconds));
        }
        for typed in ["", "s", "ten", "0", "-5s", "1d", "1e300h", "nan"] {
            assert!(duration(typed).is_err(), "{typed}");
        }
    }
}
