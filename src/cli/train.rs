//! `rapporteur train`: a model from a labelled CSV.

use std::time::Instant;

use rapporteur::corpus::Output;
use rapporteur::error::Place;
use rapporteur::evaluate::{Bootstrap, cross_validate, cross_validate_topics, measure_topics, score};
use rapporteur::labels::LabelSet;
use rapporteur::memory::{self, Bytes};
use rapporteur::model::{Model, TrainOptions, TrainingSet, odd_cases, read_training_set, train, train_once};
use rapporteur::{Error, Result};

use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs};
use super::reading::ReadingArgs;
use super::terminal::{Terminal, counted};
use super::{Common, keep_input};

/// Train a model on a labelled CSV.
///
/// The corpus is a table with a text, a topic and a stance in each row. Rows without a stance train the topic only, and the other way round.
/// With --multi-label the topic column holds several topics with their stances, topic:stance|topic:stance.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur train coded.csv --output my.model
  rapporteur train part1.csv part2.csv --output my.model --group-column speech --cv 5
  rapporteur train tweets.csv --text-column tweet --topic-column target --output tweets.model
  rapporteur train debates.csv --multi-label --output debates.model   # topic cells as trade:support|aid
  rapporteur train bills.csv --stance-column none --output bills.model --config rapporteur.toml")]
pub struct Args {
    /// Labelled files with the same header; `-` for standard input
    #[arg(required = true, value_name = "CORPUS")]
    corpus: Vec<String>,
    /// File for the model
    #[arg(long, short, value_name = "MODEL")]
    output: String,
    /// Take options from a TOML file; those given here go first
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Also measure the recipe by cross-validation in so many folds, and keep the scores in the model
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

/// Reads, trains, writes, and says what came of it.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let started = Instant::now();
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let (common, cv) = (common.or(&config), args.cv.or(config.cv));
    let columns = args.columns.or(config.columns);
    let learn = args.learn.or(config.learn);
    let options = learn.options(common.seed)?;
    if cv.is_some_and(|k| k < 2) {
        return Err(Error::usage("--cv needs at least 2 folds"));
    }
    if [".gz", ".zst"].iter().any(|ending| args.output.to_ascii_lowercase().ends_with(ending)) {
        return Err(Error::usage(format!("--output {}: models are not compressed; give another name", args.output)));
    }
    let made_from = [args.corpus.as_slice(), learn.codebook.as_slice(), args.config.as_slice()].concat();
    keep_input("--output", &args.output, &made_from)?;
    args.json.as_ref().map_or(Ok(()), |path| keep_input("--json", path, &made_from))?;
    let codebook = learn.codebook()?;
    // The targets are opened first: better to hear now than after an hour that they cannot be written.
    let mut output = Output::create(Some(&args.output), false)?;
    let json = args.json.as_deref().map(Report::create).transpose()?;
    let reading = args.reading.or(config.reading).open(&made_from, terminal)?;
    let control = &terminal.control_within(args.max_memory.or(config.max_memory));
    let read_options = reading.options(columns.read_options()?);
    let set = read_training_set(
        &args.corpus,
        &columns.columns()?,
        &read_options,
        codebook.as_ref(),
        common.threads(),
        control,
    )?;
    reading.finish(terminal)?;
    check_labels(&set, &options, &args.corpus)?;
    note_odd_cases(&set.topics, &set.stances, terminal);
    note_features(&set, terminal);
    note_bars(&set, terminal);
    let in_corpus = |error| of_corpus(error, &args.corpus);
    let (topics, stances) = (set.topics.clone(), set.stances.clone());
    let (mut model, to_judge) = match cv {
        None => (train_once(set, &options, control).map_err(in_corpus)?, None),
        Some(folds) => (train(&set, &options, control).map_err(in_corpus)?, Some((folds, set))),
    };
    model.codebook = codebook;
    for (name, labels, learnt) in
        [("topic", &topics, model.topic.is_some()), ("stance", &stances, model.stance.is_some())]
    {
        if let ([only], false) = (labels.names(), learnt) {
            terminal.note(&format!("note: the only {name} is {only:?}, so the model does not judge the {name}"));
        }
    }
    if let Some((folds, set)) = to_judge {
        model.scores = if set.several.is_some() {
            let answers = cross_validate_topics(&set, &options, folds, control).map_err(in_corpus)?;
            measure_topics(&set, &answers, Bootstrap { resamples: 0, seed: options.seed })?.headline()
        } else {
            let answers = cross_validate(&set, &options, folds, control).map_err(in_corpus)?;
            score(&set, &answers, &set.topics, &set.stances).headline()
        };
        model.scores.insert("folds".into(), folds as f64);
    }
    let bytes = model.to_bytes()?;
    output.write_block(&bytes)?;
    output.finish()?;
    terminal.clear();
    let seconds = started.elapsed().as_secs_f64();
    terminal.note(&summary(&model, &args.output, bytes.len(), seconds));
    if let Some(json) = json {
        let report = serde_json::json!({
            "model": args.output,
            "bytes": bytes.len(),
            "features": model.vectoriser.width(),
            "counts": model.counts,
            "digest": model.digest,
            "scores": model.scores,
            "seconds": seconds,
            "peak_memory_bytes": memory::peak().map(|bytes| bytes.0),
            "memory_forecast_bytes": control.memory_forecast().0,
        });
        json.write(&report)?;
    }
    Ok(())
}

/// A report to be written as JSON.
pub struct Report(Output);

impl Report {
    /// Opens its file, or standard output for `-`.
    pub fn create(path: &str) -> Result<Report> {
        Output::create(Some(path), false).map(Report)
    }

    /// Writes it, with a line feed at its end.
    pub fn write(mut self, report: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(report).map_err(|e| self.0.error(e.into()))?;
        self.0.write_block(text.as_bytes())?;
        self.0.write_block(b"\n")?;
        self.0.finish()
    }
}

/// Refuses a corpus that teaches nothing, and class weights of labels that it does not have.
pub fn check_labels(set: &TrainingSet, options: &TrainOptions, corpus: &[String]) -> Result<()> {
    let refuse = |problem: String, mend: &str| Err(Error::input(place(corpus), problem, mend));
    if set.is_empty() {
        return refuse("there are no rows below the header".into(), "give a corpus with labelled rows");
    }
    if set.topics.is_empty() && set.stances.is_empty() {
        let columns =
            "check the label columns (--topic-column, --stance-column) and which cells count as missing (--missing)";
        return refuse(format!("none of {} rows has a label", set.len()), columns);
    }
    if set.weights.as_ref().is_some_and(|weights| weights.iter().all(|&w| w == 0.0)) {
        return refuse("the weight of every row is 0".into(), "check the column that --weight-column names");
    }
    let weights = &options.class_weight;
    for (kind, factors, labels) in [("topic", &weights.topic, &set.topics), ("stance", &weights.stance, &set.stances)] {
        if let Some(unknown) = factors.keys().find(|label| labels.find(label).is_none()) {
            let problem = format!("--class-weight {kind}:{unknown} names no {kind} of the corpus");
            return refuse(problem, &format!("its {kind}s are: {}", labels.names().join(", ")));
        }
    }
    Ok(())
}

/// Tells of labels that differ in case alone.
pub fn note_odd_cases(topics: &LabelSet, stances: &LabelSet, terminal: &Terminal) {
    for (a, b) in odd_cases(topics).into_iter().chain(odd_cases(stances)) {
        terminal.note(&format!("note: the labels {a:?} and {b:?} differ in case only and are kept apart"));
    }
}

/// Tells of topics that look as if they were several.
fn note_bars(set: &TrainingSet, terminal: &Terminal) {
    if set.several.is_none()
        && let Some(name) = set.topics.names().iter().find(|name| name.contains('|'))
    {
        terminal
            .note(&format!("note: {name:?} is taken for one topic; if | separates several, train with --multi-label"));
    }
}

/// Warns of what feature columns may do to scores.
pub fn note_features(set: &TrainingSet, terminal: &Terminal) {
    if let [columns @ .., last] = set.side.features.as_slice() {
        let names = columns.iter().map(|c| format!("{c}, ")).collect::<String>() + last;
        terminal.note(&format!(
            "note: values of {names} are features. Where they go with a label by the way the corpus was made, they leak it: scores are better here than on new texts, \
             and the model judges who speaks rather than what is said. Compare with a model without them, in folds by --group-column"
        ));
    }
}

/// An error of learning, with the corpus it was to be learnt from.
pub fn of_corpus(error: Error, corpus: &[String]) -> Error {
    match error {
        Error::Corpus { problem, mend } => Error::input(place(corpus), problem, mend),
        other => other,
    }
}

fn place(corpus: &[String]) -> Place {
    let names: Vec<&str> = corpus.iter().map(|path| if path == "-" { "standard input" } else { path }).collect();
    Place::file(names.join(", "))
}

/// What was trained, and on what.
pub fn summary(model: &Model, path: &str, bytes: usize, seconds: f64) -> String {
    let mut lines =
        vec![format!("trained on {} in {seconds:.1} s{}", counted(model.counts.rows as u64, "row"), memory_note())];
    let list = |counts: &std::collections::BTreeMap<String, usize>| {
        const MOST: usize = 24;
        let mut parts: Vec<String> = counts.iter().take(MOST).map(|(label, n)| format!("{label} {n}")).collect();
        if counts.len() > MOST {
            parts.push(format!("and {} more", counts.len() - MOST));
        }
        parts.join(", ")
    };
    let missing = |n: usize| if n > 0 { format!(" ({} without)", counted(n as u64, "row")) } else { String::new() };
    if let Some(topic) = &model.topic {
        let (counts, without) = (&model.counts.topics, missing(model.counts.without_topic));
        lines.push(format!("topics:   {}: {}{without}; C = {}", counts.len(), list(counts), topic.c));
    }
    if model.multi_label.is_some() {
        let each = model.counts.topics.values().sum::<usize>() as f64 / model.counts.rows.max(1) as f64;
        lines.push(format!("          several a paragraph, {each:.2} on average"));
    }
    if let Some(stance) = &model.stance {
        let (counts, without) = (&model.counts.stances, missing(model.counts.without_stance));
        let departure = stance.departure;
        lines.push(format!(
            "stances:  {}: {}{without}; C = {}, topic departure = {departure}",
            counts.len(),
            list(counts),
            stance.head.c
        ));
    }
    if model.pairs.is_some() {
        lines.push("decoding: topic and stance together (joint)".into());
    }
    let vocabulary = model.vectoriser.vocabulary();
    let (words, all) = (vocabulary.word_terms(), vocabulary.len());
    let language = match &model.vectoriser.params().analyser.stemmer {
        Some(language) => format!("{language} stems"),
        None => "no stemming".into(),
    };
    lines.push(format!("features: {words} of words, {} of characters{}; {language}", all - words, beside(model)));
    for (name, value) in &model.scores {
        lines.push(format!("  {name}: {value:.4}"));
    }
    lines.push(format!("written:  {path} ({:.1} MB)", bytes as f64 / 1e6));
    lines.join("\n")
}

/// The blocks beside the terms, as a list that goes on: `, context of 1 paragraph on each side, 4 of party`.
pub fn beside(model: &Model) -> String {
    let mut out = match (model.neighbours(), model.side.context.as_slice()) {
        (0, []) => String::new(),
        (0, columns) => format!(", context from {}", columns.join(", ")),
        (n, _) => format!(", context of {n} on each side"),
    };
    for column in &model.blocks.metadata {
        out += &format!(", {} of {}", column.values.len(), column.name);
    }
    out
}

fn memory_note() -> String {
    memory::peak().map_or(String::new(), |peak| format!(", {:.0} MB of memory at most", peak.0 as f64 / 1e6))
}
