//! `rapporteur inspect`: the model card.

use std::collections::BTreeMap;
use std::io::Write;

use rapporteur::Result;
use rapporteur::corpus::Output;
use rapporteur::linear::{IsotonicRegression, LinearClassifier};
use rapporteur::model::{DEFAULT_MODEL, Head, Model, MultiLabel, default_model};

use super::keep_input;
use super::terminal::counted;
use super::train::{Report, beside};

/// Show what a model is: labels, options, corpus, scores, weightiest terms.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur inspect
  rapporteur inspect my.model --terms 20
  rapporteur inspect my.model --json card.json")]
pub struct Args {
    /// The model [default: the one inside the program]
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// Also list the N weightiest terms of each label
    #[arg(long, value_name = "N", default_value_t = 0)]
    terms: usize,
    /// Write the card as JSON; `-` for standard output, in place of the text
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
}

/// Prints the card.
pub fn run(args: Args) -> Result<()> {
    let model = args.model.as_deref().map_or_else(default_model, Model::read)?;
    let name = args.model.as_deref().unwrap_or(DEFAULT_MODEL);
    // A model's bytes follow from the model, so this is the size of its file.
    let bytes = model.to_bytes()?.len();
    if let Some(path) = &args.json {
        keep_input("--json", path, args.model.as_slice())?;
        Report::create(path)?.write(&card(&model, bytes, args.terms))?;
    }
    if args.json.as_deref() == Some("-") {
        return Ok(());
    }
    let mut out = Output::create(None, false)?;
    write_card(&model, name, bytes, args.terms, &mut out).map_err(|e| out.error(e))?;
    out.finish()
}

fn card(model: &Model, bytes: usize, terms: usize) -> serde_json::Value {
    let head = |h: &Head| serde_json::json!({ "labels": h.labels.names(), "c": h.c, "weighted": h.weighted, "calibration": h.calibration });
    serde_json::json!({
        "format": model.format(),
        "multi_label": model.multi_label,
        "program": model.program,
        "bytes": bytes,
        "options": model.options,
        "digest": model.digest,
        "counts": model.counts,
        "features": model.width(),
        "blocks": model.blocks,
        "side": model.side,
        "vectoriser": model.vectoriser.params(),
        "topic": model.topic.as_ref().map(head),
        "stance": model.stance.as_ref().map(|s| head(&s.head)),
        "decoding": model.decoding(),
        "topic_departure": model.stance.as_ref().map(|s| s.departure),
        "codebook": model.codebook,
        "scores": model.scores,
        "terms": weightiest(model, terms),
    })
}

fn write_card(model: &Model, name: &str, bytes: usize, terms: usize, out: &mut impl Write) -> std::io::Result<()> {
    let counts = &model.counts;
    let vocabulary = model.vectoriser.vocabulary();
    let params = model.vectoriser.params();
    writeln!(out, "{name} (format {}, by {}, {:.1} MB)", model.format(), model.program, bytes as f64 / 1e6)?;
    let groups = counts.groups.map_or(String::new(), |n| format!(" in {}", counted(n as u64, "group")));
    writeln!(out, "corpus:   {}{groups}, digest {}", counted(counts.rows as u64, "row"), model.digest)?;
    let range = |r: Option<rapporteur::text::NgramRange>| r.map_or("none".into(), |r| r.to_string());
    let (words, chars) = (vocabulary.word_terms(), vocabulary.len() - vocabulary.word_terms());
    writeln!(
        out,
        "features: {words} of words ({}), {chars} of characters ({}){}; min_df {}, max_df {}",
        range(params.word_ngrams),
        range(params.char_ngrams),
        beside(model),
        params.min_df,
        params.max_df
    )?;
    let stemmer = params.analyser.stemmer.map_or("none".to_owned(), |l| l.to_string());
    writeln!(out, "analyser: stemmer {stemmer}, {} stop words", params.analyser.stop_words.len())?;
    if let Some(topic) = &model.topic {
        writeln!(
            out,
            "topic:    {}, C {}{}, {}",
            loss(&topic.classifier),
            topic.c,
            weighting(topic),
            calibration(topic)
        )?;
        if let Some(MultiLabel { at_least_one }) = model.multi_label {
            let topics = counts.topics.values().sum::<usize>() as f64 / counts.rows.max(1) as f64;
            let least = if at_least_one { "at least one" } else { "perhaps none" };
            writeln!(out, "  several a paragraph, {least}; {topics:.2} in the corpus on average")?;
        }
        for label in topic.labels.names() {
            let target = model.codebook.as_ref().and_then(|c| c.get(label)).map_or("", |e| e.target.as_str());
            let rows = counts.topics.get(label).copied().unwrap_or(0);
            writeln!(out, "  {label:<28} {rows:>8} rows  {target}")?;
        }
    }
    if let Some(stance) = &model.stance {
        let (head, departure) = (&stance.head, stance.departure);
        writeln!(
            out,
            "stance:   {}, C {}{}, topic departure {departure}, {}",
            loss(&head.classifier),
            head.c,
            weighting(head),
            calibration(head)
        )?;
        for label in head.labels.names() {
            writeln!(out, "  {label:<28} {:>8} rows", counts.stances.get(label).copied().unwrap_or(0))?;
        }
    }
    if let Some(decoding) = model.decoding() {
        writeln!(out, "decoding: {decoding}")?;
    }
    writeln!(out, "options:  {}", serde_json::to_string(&model.options)?)?;
    for (name, value) in &model.scores {
        writeln!(out, "score:    {name} {value:.4}")?;
    }
    for (label, terms) in weightiest(model, terms) {
        let list: Vec<String> = terms.iter().map(|(term, weight)| format!("{term} {weight:+.2}")).collect();
        writeln!(out, "\n{label}\n  {}", list.join(", "))?;
    }
    Ok(())
}

/// How scores become probabilities.
fn calibration(head: &Head) -> String {
    let calibration = &head.calibration;
    let mut out = format!("calibration factor {:.3}", calibration.factor);
    if !calibration.offsets.is_empty() {
        out += " and offsets";
    }
    if !calibration.isotonic.is_empty() {
        let knots: usize = calibration.isotonic.iter().map(IsotonicRegression::knots).sum();
        out += &format!(" and isotonic curves of {knots} knots");
    }
    out
}

/// How features were weighted, as a list that goes on.
fn weighting(head: &Head) -> &'static str {
    if head.weighted { ", features weighted" } else { "" }
}

/// The name of a classifier as the options have it.
fn loss(classifier: &LinearClassifier) -> String {
    format!("{:?}", classifier.loss()).to_lowercase()
}

/// The weightiest terms of each label, `topic: label` and `stance: label`; terms of the word block where there is one, since readers know words.
fn weightiest(model: &Model, most: usize) -> BTreeMap<String, Vec<(String, f64)>> {
    let mut out = BTreeMap::new();
    let vocabulary = model.vectoriser.vocabulary();
    let columns = if vocabulary.word_terms() > 0 { vocabulary.word_terms() } else { vocabulary.len() };
    let several = model.multi_label.is_some();
    let mut of = |kind: &str, labels: &[String], classifier: &LinearClassifier| {
        // Topics that do not exclude each other are not compared.
        let alone = several && kind == "topic";
        for (k, label) in labels.iter().enumerate() {
            let mean = |w: &[f32]| {
                if alone { 0.0 } else { w.iter().map(|&w| f64::from(w)).sum::<f64>() / w.len() as f64 }
            };
            let mut weights: Vec<(usize, f64)> = (0..columns)
                .map(|j| {
                    let w: Vec<f32> = classifier.feature_weights(j).collect();
                    // A term's usual value in a text is its idf: rare terms weigh more where they occur.
                    (j, f64::from(model.vectoriser.idf()[j]) * (f64::from(w[k]) - mean(&w)))
                })
                .collect();
            weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let terms = weights.into_iter().take(most).map(|(j, w)| (vocabulary.term(j), w)).collect();
            out.insert(format!("{kind}: {label}"), terms);
        }
    };
    if most > 0 {
        if let Some(topic) = &model.topic {
            of("topic", topic.labels.names(), &topic.classifier);
        }
        if let Some(stance) = &model.stance {
            of("stance", stance.head.labels.names(), &stance.head.classifier);
        }
    }
    out
}
