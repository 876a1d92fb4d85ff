//! A model file is believed in nothing: whatever is done to its bytes, reading it gives a model or an error, soon.

use std::time::{Duration, Instant};

use rapporteur::Error;
use rapporteur::control::Control;
use rapporteur::features::Frequency;
use rapporteur::model::{FORMAT, LabelledText, Model, Precision, Predictor, TrainOptions, TrainingSetBuilder, train};
use serde_json::{Value, json};

const CHECKSUM: usize = 32;
/// Far more than any of this takes; a loop without end would take longer.
const SOON: Duration = Duration::from_secs(60);

/// A small model with both heads and both blocks of terms, and nodes that are no terms.
fn model() -> Vec<u8> {
    model_of(Precision::F32)
}

fn model_of(precision: Precision) -> Vec<u8> {
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
        max_df: Frequency::Count(7),
        precision,
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
            let shares = [prediction.topic_probability, prediction.stance_probability];
            let all = shares.iter().chain(predictor.topic_probabilities()).chain(predictor.stance_probabilities());
            all.for_each(|p| assert!((0.0..=1.0).contains(p), "{text:?}: {p}"));
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

/// Cut anywhere, and given a checksum of what is left.
#[test]
fn every_truncation_under_a_right_checksum_is_refused() {
    let bytes = model();
    for length in CHECKSUM..bytes.len() {
        let mut cut = bytes[..length].to_vec();
        seal(&mut cut);
        refusal(&format!("{length} bytes, sealed"), &cut);
    }
}

/// Calls `change` with every value in a JSON document, one at a time: objects and arrays, and what is in them.
fn every_place(json: &Value, path: &mut Vec<String>, change: &mut impl FnMut(&[String])) {
    change(path);
    let below: Vec<(String, &Value)> = match json {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => return,
    };
    for (key, value) in below {
        path.push(key);
        every_place(value, path, change);
        path.pop();
    }
}

/// The value at a path.
fn at<'a>(json: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(json, |json, key| match json {
        Value::Array(list) => &mut list[key.parse::<usize>().expect("a number")],
        json => &mut json[key.as_str()],
    })
}

/// Every field of both headers, every length and offset among them, replaced by what an enemy might write there.
#[test]
fn every_header_field_may_be_anything() {
    let bytes = model();
    let (mut tried, mut read_anyway) = (0, 0);
    let hostile = |old: &Value| -> Vec<Value> {
        let mut values = vec![
            json!(null),
            json!(true),
            json!(""),
            json!("x"),
            json!([]),
            json!({}),
            json!(0),
            json!(1),
            json!(-1),
            json!(255),
            json!(u32::MAX),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e308),
            json!(-1e308),
            json!(5e-324),
            json!([[]]),
            json!("\u{0}"),
            json!("1-8"),
            json!(["a", "a"]),
            json!([0.0, 0.0]),
            json!([1e308, -1e308]),
        ];
        if let Some(n) = old.as_u64() {
            values.extend([json!(n + 1), json!(n.wrapping_sub(1)), json!(n * 2), json!(n + (1 << 32))]);
        }
        if let Some(list) = old.as_array() {
            let doubled: Vec<Value> = list.iter().chain(list).cloned().collect();
            values.extend([json!(doubled), json!(list.iter().rev().collect::<Vec<_>>())]);
        }
        values
    };
    for container in [false, true] {
        let mut whole = Parts::of(&bytes);
        let document = if container { whole.container.take() } else { whole.header.take() };
        every_place(&document, &mut Vec::new(), &mut |path| {
            // Our header stands in the container as one string, and is altered by itself.
            if container && path.first().is_some_and(|key| key == "__metadata__") {
                return;
            }
            let old = at(&mut document.clone(), path).clone();
            let removed = path.split_last().map(|(key, parent)| (key.clone(), parent.to_vec()));
            for value in hostile(&old).into_iter().map(Some).chain([None]) {
                let mut parts = Parts::of(&bytes);
                let place = if container { &mut parts.container } else { &mut parts.header };
                match (value, &removed) {
                    (Some(value), _) => *at(place, path) = value,
                    (None, Some((key, parent))) => match at(place, parent) {
                        Value::Object(map) => drop(map.remove(key)),
                        Value::Array(list) => drop(list.remove(key.parse().expect("a number"))),
                        _ => continue,
                    },
                    (None, None) => continue,
                }
                if container && !parts.container.is_object() {
                    continue;
                }
                tried += 1;
                match read(&parts.seal()) {
                    Ok(_) => read_anyway += 1,
                    Err(Error::ModelFile { .. }) => {}
                    Err(other) => panic!("{path:?}: {other:?}"),
                }
            }
        });
    }
    assert!(tried > 3_000 && read_anyway > 100 && read_anyway < tried / 2, "{tried} {read_anyway}");
}

/// Probabilities were no numbers.
#[test]
fn the_largest_numbers_give_probabilities() {
    for fill in [1e30f32, -1e30, f32::MIN_POSITIVE] {
        let bytes = altered(|p| {
            for name in ["topic.weights", "stance.weights", "departure.weights"] {
                p.tensor(name).chunks_exact_mut(4).step_by(2).for_each(|c| c.copy_from_slice(&fill.to_le_bytes()));
            }
            p.header["topic"]["calibration"]["factor"] = json!(1e30);
            p.header["stance"]["head"]["calibration"]["factor"] = json!(-1e30);
        });
        assert!(read(&bytes).is_ok(), "{fill}");
    }
    let bytes = altered(|p| p.tensor("topic.weights")[..4].copy_from_slice(&1e31f32.to_le_bytes()));
    refusal("a weight", &bytes);
    for (name, value) in [("topic.intercept", 1e300f64), ("stance.intercept", -1e31), ("departure.intercepts", 1e31)] {
        let bytes = altered(|p| p.tensor(name)[..8].copy_from_slice(&value.to_le_bytes()));
        refusal(name, &bytes);
    }
    refusal("a factor", &altered(|p| p.header["topic"]["calibration"]["factor"] = json!(1e300)));
    refusal("an offset", &altered(|p| p.header["topic"]["calibration"]["offsets"] = json!([1e300, -1e300])));
    let curves = |curve: serde_json::Value| {
        altered(|p| {
            let labels = p.header["topic"]["labels"].as_array().expect("labels").len();
            p.header["topic"]["calibration"]["isotonic"] = json!(vec![curve.clone(); labels]);
        })
    };
    assert!(read(&curves(json!([[0.1, 0.2], [0.9, 0.2], [1.0, 0.8]]))).is_ok() && read(&curves(json!([]))).is_ok());
    refusal("a curve that falls", &curves(json!([[0.1, 0.8], [0.9, 0.2]])));
    refusal("a probability twice", &curves(json!([[0.1, 0.2], [0.1, 0.8]])));
    refusal("a share of nothing", &curves(json!([[0.1, 0.0]])));
    refusal("a share above one", &curves(json!([[0.1, 1.5]])));
    refusal(
        "curves of other labels",
        &altered(|p| p.header["topic"]["calibration"]["isotonic"] = json!([[[0.1, 0.2]]])),
    );
}

#[test]
fn a_million_labels_are_read_or_refused_soon() {
    let labels: Vec<String> = (0..1_000_000).map(|i| format!("label {i:07}")).collect();
    refusal("a million topics", &altered(|p| p.header["topic"]["labels"] = json!(labels)));
    refusal("a million stances", &altered(|p| p.header["stance"]["head"]["labels"] = json!(labels)));
    refusal("a million topics of stances", &altered(|p| p.header["stance"]["topics"] = json!(labels)));
    refusal("a million times the same", &altered(|p| p.header["topic"]["labels"] = json!(vec!["a"; 1_000_000])));
}

/// Reading never ended.
#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_no_model() {
    assert!(Model::read("/dev/zero").err().expect("an error").to_string().contains("no Rapporteur model"));
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
    for part in ["format 5", "formats 1 to 4", "rapporteur 9.9.9"] {
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
        ("words twice", altered(|p| p.tensor("words.lengths")[..2].fill(0))),
        ("words beyond the text", altered(|p| p.tensor("words.lengths").fill(0xff))),
        ("words short of the text", altered(|p| p.tensor("words.lengths")[1] = 0)),
        ("words that are no UTF-8", altered(|p| p.tensor("words.text")[0] = 0xff)),
        ("an n-gram of a word that is none", altered(|p| p.tensor("grams")[1] = 0x7f)),
        ("an n-gram of itself", altered(|p| p.tensor("grams")[0] = 0x7f)),
        ("an n-gram twice", altered(|p| p.tensor("grams").fill(0))),
        ("n-grams that do not end", altered(|p| p.tensor("grams").fill(0xff))),
        ("idf of other columns", altered(|p| p.tensor("idf.lengths")[0] += 1)),
        ("idf of columns without end", altered(|p| p.tensor("idf.lengths").fill(0xff))),
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

#[test]
fn contradictions_of_narrow_weights_are_refused() {
    let altered = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of(&model_of(Precision::I8));
        change(&mut parts);
        parts.seal()
    };
    assert!(read(&altered(&|_| ())).is_ok());
    let number = |x: f32| move |p: &mut Parts| p.tensor("topic.weights.unit").copy_from_slice(&x.to_le_bytes());
    let cases: [(&str, Vec<u8>); 7] = [
        ("a weight apart too few", altered(&|p| p.tensor("topic.weights")[0] = i8::MIN as u8)),
        ("weights apart too many", altered(&|p| p.tensor("topic.weights").fill(1))),
        ("a unit of nothing", altered(&number(0.0))),
        ("a unit that is no number", altered(&number(f32::NAN))),
        ("a unit below nothing", altered(&number(-1.0 / 4096.0))),
        ("a unit greater than a step", altered(&number(1.0))),
        ("a unit too small", altered(&number(1e-9))),
    ];
    for (what, bytes) in cases {
        assert!(!refusal(what, &bytes).contains("checksum"), "{what}");
    }
}

/// Evidence was asked of a predictor that had read nothing yet, and there was no row to look at.
#[test]
fn a_predictor_that_has_read_nothing_answers() {
    let model = Model::from_bytes("some.model", &model()).expect("a model");
    let mut predictor = Predictor::new(&model);
    assert!(predictor.vector().is_empty() && predictor.judge().topic.is_none());
    assert!(!predictor.topic_evidence("Lift the embargo.", 0).is_empty());
}
