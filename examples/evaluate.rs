//! Measure how well the model inside the library agrees with labels given by people, on paragraphs that it was not trained on.
//!
//! ```text
//! cargo run --release --example evaluate
//! ```

use rapporteur::control::Control;
use rapporteur::corpus::{LabelColumns, ReadOptions};
use rapporteur::evaluate::{Answer, EvaluationOptions, measure};
use rapporteur::model::{Predictor, default_model, read_training_set};

pub fn main() -> rapporteur::Result<()> {
    let paths = ["data/heldout.csv".to_owned()];
    let (columns, options) = (LabelColumns::default(), ReadOptions::default());
    let set = read_training_set(&paths, &columns, &options, None, 0, &Control::default())?;
    let model = default_model()?;

    // All paragraphs at once: the same vectors as one by one, and quicker.
    let rows: Vec<u32> = (0..set.len() as u32).collect();
    let x = model.vectoriser.transform_rows(&set.documents, &rows);
    let mut predictor = Predictor::new(&model);
    let answers: Vec<Answer> = (0..x.rows())
        .map(|i| {
            predictor.read_vector(x.row(i));
            // The true labels, where the row has them, are needed for the scores of stance given the true topic, and of the probabilities.
            let true_topic = set.topics.names().get(set.topic[i] as usize).map(String::as_str);
            let true_stance = set.stances.names().get(set.stance[i] as usize).map(String::as_str);
            Answer::ask(&mut predictor, true_topic, true_stance)
        })
        .collect();

    // The labels that the model knows: gold labels beyond them are errors of the model, and listed.
    let labels = |head: Option<&rapporteur::model::Head>| head.map(|h| h.labels.clone()).unwrap_or_default();
    let topics = labels(model.topic.as_ref());
    let stances = labels(model.stance.as_ref().map(|s| &s.head));
    let evaluation = measure(&set, &answers, &topics, &stances, &EvaluationOptions::default())?;
    let mut page = Vec::new();
    evaluation.write_text(&mut page).map_err(|e| rapporteur::Error::io("write", "the page", e))?;
    println!("{}", String::from_utf8_lossy(&page));
    // The same as JSON: `serde_json::to_string(&evaluation)`. By name: `evaluation.headline()`.
    assert!(evaluation.headline()["topic_accuracy"] > 0.5);
    Ok(())
}
