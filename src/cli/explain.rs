//! `rapporteur explain`: the words behind the labels.

use std::io::{IsTerminal, Write};

use rapporteur::corpus::{ColumnNames, DEFAULT_MAX_WORDS, FramedBatch, nearest};
use rapporteur::corpus::{Format, Output, ReadOptions, open_records, split_paragraphs};
use rapporteur::model::{Evidence, Model, Prediction, Predictor, default_model};
use rapporteur::{Error, Result};

use super::rows::{Rows, SideArgs};
use super::typed::list;

/// Show the words behind the labels of a text.
///
/// A text is shown with the words that pushed for its topic marked [+so] and those against it [-so], strongest ones only.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  rapporteur explain \"We call for the embargo to be lifted at once.\"
  rapporteur explain speech.txt --model my.model
  rapporteur explain coded.csv --words 12
  rapporteur explain speech.txt --topic sanctions")]
pub struct Args {
    /// A text, or a file with one; `-` for standard input
    #[arg(value_name = "TEXT|FILE")]
    text: String,
    /// The model [default: the one inside the program]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// Column of the text, for tables
    #[arg(long, value_name = "COLUMN,...", default_value = "text")]
    text_column: String,
    #[command(flatten)]
    side: SideArgs,
    /// Explain this topic and the stance on it, whatever the model finds likeliest
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Words shown for and against each label
    #[arg(long, value_name = "N", default_value_t = 6)]
    words: usize,
}

/// Explains every paragraph.
pub fn run(args: Args) -> Result<()> {
    let model = args.model.as_deref().map_or_else(default_model, Model::read)?;
    let asked = args.topic.as_deref().map(|topic| known_topic(&model, topic)).transpose()?;
    let mut predictor = Predictor::new(&model);
    let mut out = Output::create(None, false)?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut number = 0;
    let mut explain = |predictor: &mut Predictor<'_>, text: &str, out: &mut Output| {
        number += 1;
        let how = How { number, text, words: args.words, colour };
        write_paragraph(predictor, asked, &how, out).map_err(|e| out.error(e))
    };
    if args.text.trim().is_empty() {
        return Err(Error::usage("nothing to explain: the text is empty"));
    }
    // One word with the ending of a file is a file that is not there, and no text.
    let like_a_file = !args.text.contains(char::is_whitespace) && Format::of_name(&args.text).is_some();
    if args.text != "-" && !like_a_file && !std::path::Path::new(&args.text).exists() {
        let paragraphs = split_paragraphs(&args.text, DEFAULT_MAX_WORDS);
        let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
        for (i, text) in paragraphs.iter().enumerate() {
            let (most, end) = (model.neighbours(), paragraphs.len());
            let around = [&paragraphs[i.saturating_sub(most)..i], &paragraphs[i + 1..(i + 1 + most).min(end)]].concat();
            predictor.read_with(text, &around, &[]);
            explain(&mut predictor, text, &mut out)?;
        }
        return out.finish();
    }
    let columns = list(&args.text_column);
    let format = if args.text == "-" { Some(Format::Text) } else { None };
    let mut reader = open_records(&args.text, &ReadOptions { format, columns: columns.clone(), ..Default::default() })?;
    let names = ColumnNames::new(reader.name(), reader.header());
    let rows = Rows::resolve(&names, &columns, &args.side.of_model(&model), &model)?;
    let (mut window, mut framed) = (rows.window(), FramedBatch::default());
    while window.read(&mut framed, 64, 1 << 20, |batch, most, bytes| reader.read(batch, most, bytes))? {
        rows.read(&mut predictor, &framed, |predictor, _, text| explain(predictor, text, &mut out))?;
    }
    out.finish()
}

/// The number of a topic that is asked for by name.
fn known_topic(model: &Model, topic: &str) -> Result<usize> {
    let Some(head) = &model.topic else {
        return Err(Error::usage("--topic: the model judges no topics; leave it away"));
    };
    head.labels.find(topic).ok_or_else(|| {
        let names = head.labels.names();
        let near = nearest(topic, names.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("did you mean {near:?}? "));
        Error::usage(format!("--topic {topic:?}: {hint}the model's topics are: {}", names.join(", ")))
    })
}

/// A paragraph and how it is shown.
struct How<'a> {
    number: usize,
    text: &'a str,
    words: usize,
    colour: bool,
}

fn write_paragraph(
    predictor: &mut Predictor<'_>,
    asked: Option<usize>,
    how: &How<'_>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let predictions = match asked {
        None => predictor.judge_all(),
        Some(topic) => {
            predictor.topic();
            let topic_probability = predictor.topic_probabilities()[topic];
            vec![predictor.with_stance(Prediction { topic: Some(topic), topic_probability, ..Prediction::default() })]
        }
    };
    for &prediction in &predictions {
        write_prediction(predictor, prediction, how, out)?;
    }
    if predictions.is_empty() {
        write_prediction(predictor, Prediction::default(), how, out)?;
    }
    Ok(())
}

fn write_prediction(
    predictor: &mut Predictor<'_>,
    prediction: Prediction,
    &How { number, text, words, colour }: &How<'_>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let (topic, stance) = (predictor.topic_name(prediction), predictor.stance_name(prediction));
    let sure = |label: Option<&str>, p: f64| label.map_or("none".to_owned(), |l| format!("{l} ({p:.2})"));
    let (topic_sure, stance_sure) =
        (sure(topic, prediction.topic_probability), sure(stance, prediction.stance_probability));
    writeln!(out, "paragraph {number}: topic {topic_sure}, stance {stance_sure}")?;
    let for_topic = prediction.topic.map_or(Vec::new(), |t| predictor.topic_evidence(text, t));
    writeln!(out, "  {}", marked(text, &for_topic, words, colour))?;
    if let Some(topic) = topic {
        write_evidence(topic, &for_topic, words, out)?;
    }
    if let (Some(stance), Some(k)) = (stance, prediction.stance) {
        write_evidence(stance, &predictor.stance_evidence(text, topic, k), words, out)?;
    }
    if predictor.is_blank() {
        writeln!(out, "  no term of it is known to the model")?;
    } else if topic.is_none() && stance.is_none() {
        writeln!(out, "  it reaches none of the topics; --topic TOPIC shows what speaks for one")?;
    }
    writeln!(out)
}

fn write_evidence(label: &str, evidence: &[Evidence], words: usize, out: &mut impl Write) -> std::io::Result<()> {
    let spell = |e: &Evidence| format!("{} {:+.2}", harmless(&e.words), e.weight);
    let up: Vec<String> = evidence.iter().filter(|e| e.weight > 0.0).take(words).map(spell).collect();
    let down: Vec<String> = evidence.iter().rev().filter(|e| e.weight < 0.0).take(words).map(spell).collect();
    let or_none = |list: Vec<String>| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    writeln!(out, "  for {label}: {}", or_none(up))?;
    writeln!(out, "  against {label}: {}", or_none(down))
}

/// A stranger's text without what would steer the terminal.
fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_control(), " ")
}

/// The text with the strongest single places marked; phrases inside one another are marked once.
fn marked(text: &str, evidence: &[Evidence], words: usize, colour: bool) -> String {
    // Each of them is one byte, as the space is, so places stay.
    let text = &harmless(text);
    let (up, down) = (evidence.iter().take(words), evidence.iter().rev().take(words));
    let strong = up.filter(|e| e.weight > 0.0).chain(down.filter(|e| e.weight < 0.0));
    let mut places: Vec<(usize, usize, bool)> =
        strong.flat_map(|e| e.places.iter().map(move |p| (p.start, p.end, e.weight > 0.0))).collect();
    places.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
    let (mut shown, mut at) = (String::new(), 0);
    for (start, end, good) in places {
        if start < at {
            continue;
        }
        shown.push_str(&text[at..start]);
        let piece = &text[start..end];
        shown.push_str(&match (colour, good) {
            (true, true) => format!("\u{1b}[32m{piece}\u{1b}[0m"),
            (true, false) => format!("\u{1b}[31m{piece}\u{1b}[0m"),
            (false, true) => format!("[+{piece}]"),
            (false, false) => format!("[-{piece}]"),
        });
        at = end;
    }
    shown.push_str(&text[at..]);
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
