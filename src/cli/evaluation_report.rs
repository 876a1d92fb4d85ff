//! The page of `evaluate --report`.
//!
//! Flows in: an evaluation, its answers, and the labelled file, which is read once more: texts are not kept while rows are judged. Flows out: a file of HTML.

use rapporteur::Result;
use rapporteur::corpus::Output;
use rapporteur::evaluate::{Answer, Evaluation, HeadScores, Mistake, MistakeCollector, Mistakes};
use rapporteur::model::{Evidence, Model, Predictor, TrainOptions, TrainingSet};
use rapporteur::report::{EvaluationReport, evaluation_page};

use super::beside::{open_again, read_beside};
use super::columns::ColumnArgs;
use super::reading::Reading;

/// Confusions that are shown, of topics and of stances, examples of each, and the words told of an example.
const MOST_TOPICS: usize = 8;
const MOST_STANCES: usize = 4;
const EXAMPLES: usize = 2;
const WORDS: usize = 6;

/// What judged the rows.
pub struct Judge {
    /// As a reader knows it.
    pub name: String,
    /// What it is, for the page.
    pub card: Vec<(String, String)>,
    /// The model, if it was one: it can say which words misled it.
    pub model: Option<Model>,
}

impl Judge {
    /// A model.
    pub fn model(name: &str, model: Model) -> Judge {
        let counts = &model.counts;
        let groups = counts.groups.map_or(String::new(), |n| format!(" in {n} groups"));
        let list = |counts: &std::collections::BTreeMap<String, usize>| -> String {
            counts.iter().map(|(label, n)| format!("{label} {n}")).collect::<Vec<_>>().join(", ")
        };
        let mut card = vec![
            ("trained by".into(), model.program.clone()),
            ("corpus".into(), format!("{} rows{groups}", counts.rows)),
            ("digest".into(), model.digest.clone()),
            ("topics".into(), list(&counts.topics)),
            ("stances".into(), list(&counts.stances)),
            ("features".into(), model.vectoriser.width().to_string()),
        ];
        if let Some(topic) = &model.topic {
            card.push(("topic C".into(), topic.c.to_string()));
        }
        if let Some(stance) = &model.stance {
            card.push(("stance C".into(), format!("{}, topic departure {}", stance.head.c, stance.departure)));
        }
        card.push(("options".into(), options(&model.options)));
        card.extend(model.scores.iter().map(|(name, value)| (format!("score: {name}"), format!("{value:.4}"))));
        Judge { name: name.to_owned(), card, model: Some(model) }
    }

    /// A recipe, in folds.
    pub fn folds(folds: usize, set: &TrainingSet, recipe: &TrainOptions) -> Judge {
        let card = vec![
            ("recipe".into(), format!("trained anew in each of {folds} folds")),
            ("corpus".into(), format!("{} rows", set.len())),
            ("digest".into(), set.digest.clone()),
            ("options".into(), options(recipe)),
        ];
        Judge { name: format!("models of {folds} folds that had not seen them"), card, model: None }
    }
}

fn options(options: &TrainOptions) -> String {
    // Options that were read or typed can be written.
    serde_json::to_string(options).unwrap_or_default()
}

/// Writes the page.
pub fn write(
    mut out: Output,
    input: &str,
    source: (&ColumnArgs, &Reading),
    evaluation: &Evaluation,
    answers: &[Answer],
    judge: &Judge,
) -> Result<()> {
    let mut reader = open_again(input, source)?;
    let labelled = reader.columns().clone();
    let collector = |name, head: &Option<HeadScores>, most| {
        head.as_ref().map(|head| MistakeCollector::new(name, &head.confusion, most, EXAMPLES))
    };
    let mut topics = collector("Topic", &evaluation.topic, MOST_TOPICS);
    let mut stances = collector("Stance", &evaluation.stance, MOST_STANCES);
    let mut number = 0;
    read_beside(input, &mut reader, answers, |batch, answers| {
        for (i, answer) in answers.iter().enumerate() {
            let row = labelled.row(batch, i)?;
            number += 1;
            let take = || (number, row.text.to_string(), answer.topic.clone());
            see(&mut topics, row.topic, answer.topic.as_deref(), answer.topic_probability, take);
            see(&mut stances, row.stance, answer.stance.as_deref(), answer.stance_probability, take);
        }
        Ok(())
    })?;
    let mut mistakes: Vec<Mistakes> = topics.into_iter().chain(stances).flat_map(MistakeCollector::finish).collect();
    if let Some(model) = &judge.model {
        tell_words(model, &mut mistakes);
    }
    let page = evaluation_page(&EvaluationReport {
        source: input,
        judge: &judge.name,
        evaluation,
        mistakes: &mistakes,
        card: &judge.card,
    });
    out.write_block(page.as_bytes())?;
    out.finish()
}

/// Shows a row to a collector of mistakes.
fn see(
    mistakes: &mut Option<MistakeCollector>,
    gold: Option<&str>,
    said: Option<&str>,
    probability: f64,
    take: impl FnOnce() -> (u64, String, Option<String>),
) {
    if let (Some(gold), Some(said), Some(mistakes)) = (gold, said, mistakes) {
        mistakes.offer(gold, said, probability, take);
    }
}

/// Finds the words that spoke for the wrong label more than for the right one.
fn tell_words(model: &Model, mistakes: &mut [Mistakes]) {
    let mut predictor = Predictor::new(model);
    for pair in mistakes {
        let labels = match pair.head {
            "Topic" => model.topic.as_ref().map(|h| &h.labels),
            _ => model.stance.as_ref().map(|s| &s.head.labels),
        };
        let (Some(wrong), right) =
            (labels.and_then(|l| l.find(&pair.predicted)), labels.and_then(|l| l.find(&pair.gold)))
        else {
            continue;
        };
        for Mistake { text, topic, words, .. } in &mut pair.examples {
            let mut evidence = |label: usize| match pair.head {
                "Topic" => predictor.topic_evidence(text, label),
                _ => predictor.stance_evidence(text, topic.as_deref(), label),
            };
            let against = right.map_or(Vec::new(), &mut evidence);
            let mut lead: Vec<Evidence> = evidence(wrong);
            for evidence in &mut lead {
                evidence.weight -= against.iter().find(|e| e.words == evidence.words).map_or(0.0, |e| e.weight);
            }
            lead.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.words.cmp(&b.words)));
            *words = lead.into_iter().filter(|e| e.weight > 0.0).take(WORDS).map(|e| e.words).collect();
        }
    }
}
