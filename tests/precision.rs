//! Weights of eight bits decide as those that were trained do: on paragraphs the model never saw, nearly every label is the same and no probability moves far.

use std::path::Path;

use rapporteur::control::Control;
use rapporteur::corpus::{LabelColumns, ReadOptions};
use rapporteur::features::Frequency;
use rapporteur::linear::Loss;
use rapporteur::model::{Model, Precision, Predictor, TrainOptions, read_training_set, train_rows};

#[test]
fn eight_bits_decide_as_all_do() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let path = |name: &str| data.join(name).display().to_string();
    let columns = LabelColumns::default();
    let set =
        read_training_set(&[path("statements.csv")], &columns, &ReadOptions::default(), None, 0, &Control::default())
            .expect("the corpus");
    // The paragraphs of every third document are held out, beside those of heldout.csv.
    let of_column = |name: &str, column: usize| -> Vec<String> {
        let mut reader = csv::Reader::from_path(path(name)).expect("paragraphs");
        reader.records().map(|record| record.expect("a row")[column].to_owned()).collect()
    };
    let documents = of_column("statements.csv", 1);
    let is_held = |row: usize| documents[row].bytes().map(u32::from).sum::<u32>() % 3 == 0;
    let (held, rows): (Vec<u32>, Vec<u32>) = (0..set.len() as u32).partition(|&row| is_held(row as usize));
    let mut texts = of_column("statements.csv", 2);
    texts = held.iter().map(|&row| std::mem::take(&mut texts[row as usize])).collect();
    texts.extend(of_column("heldout.csv", 2));
    assert!(texts.len() > 1_200, "{}", texts.len());
    // As they come by default, and words alone without anything that mends scores.
    let plain = TrainOptions {
        word_ngrams: "1-2".parse().ok(),
        char_ngrams: None,
        c: "1".parse().expect("a number"),
        min_df: Some(Frequency::Count(2)),
        classifier: Loss::Logistic,
        thresholds: false,
        ..TrainOptions::default()
    };
    for options in [TrainOptions::default(), plain] {
        let of = |precision| {
            let options = TrainOptions { precision, ..options.clone() };
            train_rows(&set, &rows, &options, &Control::default()).expect("a model")
        };
        let (full, stepped) = (of(Precision::F32), of(Precision::I8));
        let bytes = stepped.to_bytes().expect("bytes");
        assert!(bytes.len() * 10 < 8 * full.to_bytes().expect("bytes").len());
        // The model in memory is the one in the file.
        let read = Model::from_bytes("stepped", &bytes).expect("a model");
        assert!(read.topic == stepped.topic && read.stance == stepped.stance);
        let (mut full, mut stepped) = (Predictor::new(&full), Predictor::new(&stepped));
        let (mut alike, mut furthest) = (0, 0.0f64);
        for text in &texts {
            let (a, b) = (full.predict(text), stepped.predict(text));
            alike += usize::from((a.topic, a.stance) == (b.topic, b.stance));
            let mut pairs: Vec<(f64, f64)> =
                full.topic_probabilities().iter().copied().zip(stepped.topic_probabilities().iter().copied()).collect();
            if a.topic == b.topic {
                let stances = full.stance_probabilities().iter().zip(stepped.stance_probabilities());
                pairs.extend(stances.map(|(&a, &b)| (a, b)));
            }
            furthest = pairs.into_iter().fold(furthest, |most, (a, b)| most.max((a - b).abs()));
        }
        assert!(alike * 1_000 >= texts.len() * 999, "{alike} of {}", texts.len());
        assert!(furthest < 1e-3, "{furthest}");
    }
}
