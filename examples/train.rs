//! Train a model on a labelled CSV and save it.
//!
//! ```text
//! cargo run --release --example train
//! ```

use rapporteur::control::Control;
use rapporteur::corpus::{Codebook, LabelColumns, ReadOptions};
use rapporteur::model::{Choice, Model, Predictor, TrainOptions, read_training_set, train};

pub fn main() -> rapporteur::Result<()> {
    // Which column holds what. Rows of one document never stand on both sides of a fold, so what training chooses by folds holds for new documents.
    let columns = LabelColumns { group: Some("document".into()), ..LabelColumns::default() };
    // With a codebook a mistyped topic is an error that names its line.
    let codebook = Codebook::read("data/codebook.csv")?;
    let paths = ["data/statements.csv".to_owned()];
    // A control draws progress and stops the work when asked; this one does neither. 0 threads: one a core.
    let control = Control::default();
    let set = read_training_set(&paths, &columns, &ReadOptions::default(), Some(&codebook), 0, &control)?;
    println!("{} paragraphs, {} topics, {} stances", set.len(), set.topics.len(), set.stances.len());

    // Words alone and a fixed penalty: quicker than the defaults, which add character n-grams and choose the penalty by folds.
    let options = TrainOptions {
        char_ngrams: None,
        c: Choice::Value(10.0),
        topic_departure: Choice::Value(0.5),
        ..TrainOptions::default()
    };
    let mut model = train(&set, &options, &control)?;
    model.codebook = Some(codebook);

    // The same corpus, options and seed give the same bytes on any machine.
    let bytes = model.to_bytes()?;
    let path = std::env::temp_dir().join(format!("rapporteur-example-{}.model", std::process::id()));
    std::fs::write(&path, &bytes).map_err(|e| rapporteur::Error::io("write", &path, e))?;
    println!("{} terms, {} bytes in {}", model.vectoriser.width(), bytes.len(), path.display());

    // Reading verifies the checksum and every size before anything is believed.
    let model = Model::read(&path.display().to_string())?;
    let mut predictor = Predictor::new(&model);
    let prediction = predictor.predict("The arms embargo should be lifted without delay.");
    println!("{:?}, {:?}", predictor.topic_name(prediction), predictor.stance_name(prediction));
    assert_eq!(predictor.topic_name(prediction), Some("sanctions"));
    std::fs::remove_file(&path).map_err(|e| rapporteur::Error::io("remove", &path, e))
}
