//! `rapporteur train`: a model from a labelled CSV.

use std::io::Write;
use std::time::Instant;

use rapporteur::corpus::Output;
use rapporteur::evaluate::{cross_validate, score};
use rapporteur::model::{Model, odd_cases, read_training_set, train};
use rapporteur::{Error, Result};

use super::Common;
use super::columns::ColumnArgs;
use super::config::{Config, LearnArgs};
use super::terminal::Terminal;

/// Train a model on a labelled CSV.
///
/// The corpus is a table with a text, a topic and a stance in each row. Rows without a stance train the topic only, and the other way round.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur train coded.csv --output my.model
  rapporteur train part1.csv part2.csv --output my.model --group-column speech --cv 5
  rapporteur train tweets.csv --text-column tweet --topic-column target --output tweets.model
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
    /// Write the summary as JSON; `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    learn: LearnArgs,
}

/// Reads, trains, writes, and says what came of it.
pub fn run(args: Args, common: &Common, terminal: &Terminal) -> Result<()> {
    let started = Instant::now();
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let columns = args.columns.or(config.columns);
    let learn = args.learn.or(config.learn);
    let options = learn.options(common.seed.or(config.seed))?;
    let codebook = learn.codebook()?;
    if args.cv.is_some_and(|k| k < 2) {
        return Err(Error::usage("--cv needs at least 2 folds"));
    }
    // The target is opened first: better to hear now than after an hour that it cannot be written.
    let mut output = Output::create(Some(&args.output), false)?;
    let control = terminal.control();
    let read_options = columns.read_options()?;
    let set = read_training_set(
        &args.corpus,
        &columns.columns()?,
        &read_options,
        codebook.as_ref(),
        common.threads(),
        control,
    )?;
    for (a, b) in odd_cases(&set.topics).into_iter().chain(odd_cases(&set.stances)) {
        terminal.note(&format!("note: the labels {a:?} and {b:?} differ in case only and are kept apart"));
    }
    let mut model = train(&set, &options, control)?;
    model.codebook = codebook;
    if let Some(folds) = args.cv {
        let answers = cross_validate(&set, &options, folds, control)?;
        let evaluation = score(&set, &answers, &set.topics, &set.stances);
        model.scores = evaluation.headline();
        model.scores.insert("folds".into(), folds as f64);
    }
    let bytes = model.to_bytes()?;
    output.write_block(&bytes)?;
    output.finish()?;
    terminal.clear();
    let seconds = started.elapsed().as_secs_f64();
    terminal.note(&summary(&model, &args.output, bytes.len(), seconds));
    if let Some(path) = &args.json {
        let report = serde_json::json!({
            "model": args.output,
            "bytes": bytes.len(),
            "features": model.vectoriser.width(),
            "counts": model.counts,
            "digest": model.digest,
            "scores": model.scores,
            "seconds": seconds,
            "peak_memory_bytes": peak_memory(),
        });
        write_json(path, &report)?;
    }
    Ok(())
}

/// Writes a report as JSON, with a line feed at its end.
pub fn write_json(path: &str, report: &impl serde::Serialize) -> Result<()> {
    let mut out = Output::create(Some(path), false)?;
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::io("write", path, e.into()))?;
    writeln!(out, "{text}").map_err(|e| out.error(e))?;
    out.finish()
}

fn summary(model: &Model, path: &str, bytes: usize, seconds: f64) -> String {
    let mut lines = vec![format!("trained on {} rows in {seconds:.1} s{}", model.counts.rows, memory_note())];
    let list = |counts: &std::collections::BTreeMap<String, usize>| {
        const MOST: usize = 24;
        let mut parts: Vec<String> = counts.iter().take(MOST).map(|(label, n)| format!("{label} {n}")).collect();
        if counts.len() > MOST {
            parts.push(format!("and {} more", counts.len() - MOST));
        }
        parts.join(", ")
    };
    let missing = |n: usize| if n > 0 { format!(" ({n} rows without)") } else { String::new() };
    if let Some(topic) = &model.topic {
        let (counts, without) = (&model.counts.topics, missing(model.counts.without_topic));
        lines.push(format!("topics:   {}: {}{without}; C = {}", counts.len(), list(counts), topic.c));
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
    let vocabulary = model.vectoriser.vocabulary();
    let (words, all) = (vocabulary.word_terms(), vocabulary.len());
    let language = match &model.vectoriser.params().analyser.stemmer {
        Some(language) => format!("{language} stems"),
        None => "no stemming".into(),
    };
    lines.push(format!("features: {words} of words, {} of characters; {language}", all - words));
    for (name, value) in &model.scores {
        lines.push(format!("  {name}: {value:.4}"));
    }
    lines.push(format!("written:  {path} ({:.1} MB)", bytes as f64 / 1e6));
    lines.join("\n")
}

fn memory_note() -> String {
    peak_memory().map_or(String::new(), |bytes| format!(", {:.0} MB of memory at most", bytes as f64 / 1e6))
}

/// The most memory this process has held; known on Linux only.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
