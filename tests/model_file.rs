//! A model file is believed in nothing: whatever is done to its bytes, reading it gives a model or an error, soon.

use std::time::{Duration, Instant};

use rapporteur::Error;
use rapporteur::control::Control;
use rapporteur::model::{FORMAT, LabelledText, Model, Precision, Predictor, TrainOptions, TrainingSetBuilder, train};
use serde_json::{Value, json};

const CHECKSUM: usize = 32;
/// Far more than any of this takes; a loop without end would take longer.
const SOON: Duration = Duration::from_secs(5);

/// A small model with both heads and both blocks of terms.
fn model() -> Vec<u8> {
    let mut rows = TrainingSetBuilder::default();
    for _ in 0..4 {
        for (text, topic, stance) in [
            ("Lift the embargo.", "sanctions", "oppose"),
            ("Keep the embargo.", "sanctions", "support"),
            ("Send more troops.", "peacekeeping", "support"),
            ("Troops go home.", "peacekeeping", "oppose"),
        ] {
            rows.push(LabelledText { text, topic: Some(topic), stance: Some(stance), ..Default::default() });
        }
    }
    let options = TrainOptions {
        word_ngrams: "1-2".parse().ok(),
        char_ngrams: "3".parse().ok(),
        precision: Precision::F32,
        ..TrainOptions::default()
    };
    let model = train(&rows.finish(), &options, &Control::default()).expect("a model");
    model.to_bytes().expect("bytes")
}

/// Reads the bytes; a model that does load must predict without a panic.
fn read(bytes: &[u8]) -> Result<Model, Error> {
    let started = Instant::now();
    let result = Model::from_bytes("some.model", bytes);
    if let Ok(model) = &result {
        let mut predictor = Predictor::new(model);
        for text in ["Lift the embargo, keep the troops.", "", "zzz", "\u{301}!"] {
            let prediction = predictor.predict(text);
            predictor.topic_name(prediction);
            predictor.stance_name(prediction);
            predictor.stance_given(Some("sanctions"));
            predictor.stance_given(Some("never heard of"));
            if let Some(topic) = prediction.topic {
                predictor.topic_evidence(text, topic);
            }
            if let Some(stance) = prediction.stance {
                predictor.stance_evidence(text, Some("sanctions"), stance);
            }
        }
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    result
}

/// The message of the error; its kind must be that of model files, and it must name the file.
fn refusal(what: &str, bytes: &[u8]) -> String {
    match read(bytes) {
        Ok(_) => panic!("{what}: was read as a model"),
        Err(error @ Error::ModelFile { .. }) => {
            let message = error.to_string();
            assert!(message.starts_with("some.model: "), "{what}: {message}");
            message
        }
        Err(other) => panic!("{what}: {other:?}"),
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = model();
    assert!(read(&bytes).is_ok());
    for length in 0..bytes.len() {
        refusal(&format!("the first {length} bytes"), &bytes[..length]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    refusal("a byte more", &longer);
    refusal("the file twice", &[bytes.clone(), bytes].concat());
}

#[test]
fn every_flipped_byte_is_refused() {
    let mut bytes = model();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            bytes[at] ^= flip;
            refusal(&format!("byte {at} ^ {flip}"), &bytes);
            bytes[at] ^= flip;
        }
    }
    assert!(read(&bytes).is_ok());
}

/// Flips bytes and mends the checksum, as a stranger would: it may load or not, but nothing worse.
#[test]
fn flipped_bytes_under_a_right_checksum_do_no_harm() {
    let mut bytes = model();
    let (mut refused, mut read_anyway) = (0, 0);
    for at in 0..bytes.len() - CHECKSUM {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            bytes[at] ^= flip;
            seal(&mut bytes);
            match read(&bytes) {
                Ok(_) => read_anyway += 1,
                Err(Error::ModelFile { .. }) => refused += 1,
                Err(other) => panic!("byte {at} ^ {flip}: {other:?}"),
            }
            bytes[at] ^= flip;
        }
    }
    assert!(refused > 1_000 && read_anyway > 1_000, "{refused} {read_anyway}");
}

#[test]
fn files_of_other_kinds_are_refused() {
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("text", b"text,topic,stance\nWe agree.,peace,support\n"),
        ("zeros", &[0; 4096]),
        ("ones", &[0xff; 4096]),
        ("another safetensors file", b"\x08\0\0\0\0\0\0\0{}      "),
    ] {
        let message = refusal(what, bytes);
        assert!(message.contains("no Rapporteur model"), "{what}: {message}");
    }
    // One that begins as ours do, and says that its header is as long as can be.
    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend(br#"{"__metadata__":{"rapporteur":""#);
    assert!(refusal("a header of endless length", &endless).contains("checksum"));
    endless.extend([0; CHECKSUM]);
    seal(&mut endless);
    assert!(refusal("a header of endless length, sealed", &endless).contains("malformed"));
}

/// A file taken apart: what the container says of its tensors, our own header, the data.
struct Parts {
    container: Value,
    header: Value,
    data: Vec<u8>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Parts {
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let container: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
        let header = container["__metadata__"]["rapporteur"].as_str().expect("our header");
        let header = serde_json::from_str(header).expect("JSON");
        Parts { container, header, data: bytes[8 + length..].to_vec() }
    }

    /// The file again, its checksum made right.
    fn seal(mut self) -> Vec<u8> {
        self.container["__metadata__"]["rapporteur"] = json!(self.header.to_string());
        let mut json = self.container.to_string().into_bytes();
        json.resize(json.len().next_multiple_of(8), b' ');
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json);
        bytes.extend(self.data);
        seal(&mut bytes);
        bytes
    }

    /// The bytes of a tensor.
    fn tensor(&mut self, name: &str) -> &mut [u8] {
        let offset = |i: usize| self.container[name]["data_offsets"][i].as_u64().expect("an offset") as usize;
        let range = offset(0)..offset(1);
        &mut self.data[range]
    }
}

fn seal(bytes: &mut [u8]) {
    let body = bytes.len() - CHECKSUM;
    let checksum = blake3::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(checksum.as_bytes());
}

/// What becomes of the file when one thing about it is changed and the checksum is right.
fn altered(change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::of(&model());
    change(&mut parts);
    parts.seal()
}

#[test]
fn taking_apart_and_sealing_changes_nothing() {
    // The container's keys may stand in another order, and nothing else.
    let again = read(&altered(|_| ())).and_then(|model| model.to_bytes()).expect("a model");
    assert!(again == model());
}

#[test]
fn another_version_is_refused_by_name() {
    let bytes = altered(|p| {
        p.header["format"] = json!(FORMAT + 1);
        p.header["program"] = json!("rapporteur 9.9.9");
        p.header["something new"] = json!([1, 2, 3]);
    });
    let message = refusal("another format", &bytes);
    for part in ["format 2", "format 1", "rapporteur 9.9.9"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn contradictions_are_refused() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("no format", altered(|p| drop(p.header.as_object_mut().map(|h| h.remove("format"))))),
        ("no header", altered(|p| p.header = json!(null))),
        ("an unknown key", altered(|p| p.header["extra"] = json!(1))),
        ("a label more", altered(|p| p.header["topic"]["labels"] = json!(["a", "b", "c"]))),
        ("a label less", altered(|p| p.header["topic"]["labels"] = json!(["a"]))),
        ("no label", altered(|p| p.header["topic"]["labels"] = json!([]))),
        ("labels not sorted", altered(|p| p.header["topic"]["labels"] = json!(["sanctions", "peacekeeping"]))),
        ("labels twice", altered(|p| p.header["topic"]["labels"] = json!(["peacekeeping", "peacekeeping"]))),
        ("stance labels not sorted", altered(|p| p.header["stance"]["head"]["labels"] = json!(["support", "oppose"]))),
        ("topics not sorted", altered(|p| p.header["stance"]["topics"] = json!(["sanctions", "peacekeeping"]))),
        ("a topic more", altered(|p| p.header["stance"]["topics"] = json!(["a", "b", "c"]))),
        ("seen of another size", altered(|p| p.header["stance"]["seen"] = json!([true]))),
        ("offsets of another size", altered(|p| p.header["topic"]["offsets"] = json!([0.0]))),
        ("a factor that overflows", altered(|p| p.header["topic"]["calibration"]["factor"] = json!(null))),
        ("an unknown loss", altered(|p| p.header["topic"]["loss"] = json!("hinge"))),
        ("n-grams of no length", altered(|p| p.header["vectoriser"]["word_ngrams"] = json!("0-1"))),
        ("n-grams too long", altered(|p| p.header["vectoriser"]["char_ngrams"] = json!("1-4000000000"))),
        ("an unknown language", altered(|p| p.header["vectoriser"]["analyser"]["stemmer"] = json!("klingon"))),
        ("a weight that is no number", altered(|p| p.tensor("topic.weights")[..4].copy_from_slice(&[0xff; 4]))),
        (
            "an infinite weight",
            altered(|p| p.tensor("stance.weights")[..4].copy_from_slice(&f32::INFINITY.to_le_bytes())),
        ),
        ("an intercept that is no number", altered(|p| p.tensor("topic.intercept")[..8].copy_from_slice(&[0xff; 8]))),
        ("a departure that is no number", altered(|p| p.tensor("departure.weights")[..4].copy_from_slice(&[0xff; 4]))),
        ("an idf that is no number", altered(|p| p.tensor("idf")[..4].copy_from_slice(&[0xff; 4]))),
        ("an idf of zero", altered(|p| p.tensor("idf")[..4].fill(0))),
        ("an idf below zero", altered(|p| p.tensor("idf")[..4].copy_from_slice(&(-1.0f32).to_le_bytes()))),
        (
            "words twice",
            altered(|p| {
                // The first two words have seven and three letters or the like; equal ends make the second empty, then again.
                let ends = p.tensor("words.ends");
                ends[4..12].copy_from_slice(&[0; 8]);
            }),
        ),
        ("words beyond the text", altered(|p| p.tensor("words.ends")[..4].copy_from_slice(&u32::MAX.to_le_bytes()))),
        ("words that are no UTF-8", altered(|p| p.tensor("words.text")[0] = 0xff)),
        ("an n-gram of a word that is none", altered(|p| p.tensor("grams")[4..8].copy_from_slice(&[0xff; 4]))),
        ("an n-gram of itself", altered(|p| p.tensor("grams")[..4].copy_from_slice(&[0xfe; 4]))),
        ("an n-gram twice", altered(|p| p.tensor("grams").copy_within(0..8, 8))),
        ("a column of no node", altered(|p| p.tensor("nodes")[..4].copy_from_slice(&[0xff; 4]))),
        ("a column twice", altered(|p| p.tensor("nodes").copy_within(0..4, 4))),
        ("a departure too many", altered(|p| p.tensor("departure.lengths")[0] += 1)),
        ("departures beyond the end", altered(|p| p.tensor("departure.lengths").fill(0xff))),
        ("departures of no topic", altered(|p| p.tensor("departure.topics")[..4].fill(0xff))),
        ("tensors of another type", altered(|p| p.container["grams"]["dtype"] = json!("F32"))),
        ("tensors of another shape", altered(|p| p.container["idf"]["shape"] = json!([u64::MAX, 2]))),
        ("tensors beyond the data", altered(|p| p.container["idf"]["data_offsets"][1] = json!(u64::MAX))),
        (
            "tensors on top of each other",
            altered(|p| {
                p.container["nodes"]["data_offsets"] = p.container["grams"]["data_offsets"].clone();
            }),
        ),
        ("a tensor less", altered(|p| drop(p.container.as_object_mut().map(|c| c.remove("nodes"))))),
    ];
    for (what, bytes) in cases {
        let message = refusal(what, &bytes);
        assert!(!message.contains("checksum"), "{what}: {message}");
    }
}
