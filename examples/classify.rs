//! Label the paragraphs of a text with the model inside the library, and say why.
//!
//! ```text
//! cargo run --release --example classify
//! ```

use rapporteur::corpus::{DEFAULT_MAX_WORDS, split_paragraphs};
use rapporteur::model::{Predictor, default_model};

pub fn main() -> rapporteur::Result<()> {
    let path = "data/sample.txt";
    let text = std::fs::read_to_string(path).map_err(|e| rapporteur::Error::io("read", path, e))?;
    let model = default_model()?;
    // One predictor a thread; the model is shared.
    let mut predictor = Predictor::new(&model);
    let mut labelled = 0;
    for paragraph in split_paragraphs(&text, DEFAULT_MAX_WORDS) {
        let prediction = predictor.predict(&paragraph);
        // A text without one known term has neither topic nor stance.
        let (Some(topic), Some(number)) = (predictor.topic_name(prediction), prediction.topic) else { continue };
        let stance = predictor.stance_name(prediction).unwrap_or("no stance");
        println!("{:<24} {:.2}  {stance:<8} {:.2}", topic, prediction.topic_probability, prediction.stance_probability);
        // A score is a sum over terms, so its reasons are exact: the words that gave most to it.
        let evidence = predictor.topic_evidence(&paragraph, number);
        let words: Vec<&str> = evidence.iter().take(4).map(|e| e.words.as_str()).collect();
        println!("    because of {}", words.join(", "));
        labelled += 1;
    }
    assert_eq!(labelled, 12);

    // Where the topic is known, only the stance is judged.
    predictor.read("My delegation will vote against extending the mandate of the mission.");
    let (stance, probability) = predictor.stance_given(Some("peacekeeping"));
    if let (Some(stance), Some(head)) = (stance, &model.stance) {
        println!("\ngiven peacekeeping: {} {probability:.2}", head.head.labels.name(stance));
    }
    Ok(())
}
