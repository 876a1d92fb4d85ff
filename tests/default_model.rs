//! The default model is what its recipe makes of the committed data, byte for byte, and it knows the answers of the sample.

use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use rapporteur::corpus::{DEFAULT_MAX_WORDS, split_paragraphs};
use rapporteur::model::{Model, Predictor, default_model};

#[test]
fn retraining_gives_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().expect("a directory");
    let output = directory.path().join("default.safetensors");
    cargo_bin_cmd!("rapporteur")
        .current_dir(root)
        .args(["train", "data/statements.csv", "--config", "models/default.toml", "--quiet", "--output"])
        .arg(&output)
        .assert()
        .success();
    let made = std::fs::read(&output).expect("the new model");
    let committed = std::fs::read(root.join("models/default.safetensors")).expect("the committed model");
    if made != committed {
        // Megabytes of difference tell nobody anything; say what differs in kind.
        let read = |bytes: &[u8]| Model::from_bytes("model", bytes).expect("a model");
        let (made, committed) = (read(&made), read(&committed));
        let what = [
            ("the corpus", made.digest != committed.digest),
            ("the options", made.options != committed.options),
            ("the codebook", made.codebook != committed.codebook),
            ("the vocabulary", made.vectoriser.width() != committed.vectoriser.width()),
            ("the topic head", made.topic != committed.topic),
            ("the stance head", made.stance != committed.stance),
            ("the scores", made.scores != committed.scores),
        ];
        let what: Vec<&str> = what.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
        panic!(
            "models/default.safetensors is not what models/default.toml makes: it differs in {what:?}; train it again"
        );
    }
}

/// The paragraphs of `data/sample.txt` as a reader would label them.
const SAMPLE: [(&str, &str); 12] = [
    ("none", "neutral"),
    ("peaceful-settlement", "support"),
    ("use-of-force", "support"),
    ("use-of-force", "oppose"),
    ("humanitarian-action", "neutral"),
    ("sanctions", "support"),
    ("sanctions", "oppose"),
    ("peacekeeping", "oppose"),
    ("women-peace-security", "support"),
    ("international-law", "support"),
    ("human-rights", "oppose"),
    ("none", "neutral"),
];

#[test]
fn the_sample_is_labelled_as_a_reader_would() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample.txt")).expect("a text");
    let paragraphs = split_paragraphs(&text, DEFAULT_MAX_WORDS);
    assert_eq!(paragraphs.len(), SAMPLE.len());
    let model = default_model().expect("the default model");
    let mut predictor = Predictor::new(&model);
    let (mut topics, mut both) = (0, 0);
    for (paragraph, (topic, stance)) in paragraphs.iter().zip(SAMPLE) {
        let prediction = predictor.predict(paragraph);
        let found = (predictor.topic_name(prediction), predictor.stance_name(prediction));
        topics += u32::from(found.0 == Some(topic));
        both += u32::from(found == (Some(topic), Some(stance)));
    }
    assert!(topics >= 9 && both >= 8, "{topics} topics of 12 right, {both} with their stance");
}
