//! The model file: everything that prediction needs, and what a reader should know of the model.
//!
//! Flows in: a [`Model`]. Flows out: bytes, the same for the same model on any machine: no time, path, thread count or machine is in them. On the
//! way back nothing is believed before the checksum is verified, and then every size, number and order is checked, so that a stranger's file can do
//! nothing but load or fail. The file is read into memory and not mapped: a mapped file that shrinks under a running program cannot be survived.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;

use super::cascade::{Counts, Head, Model, StanceHead};
use super::departures::Departures;
use super::error_curve::ErrorCurve;
use super::known_errors::KnownErrors;
use super::options::{Precision, TrainOptions};
use super::tensors::{BEGINNING_BYTES, Reader, Rounding, Unreadable, Writer, begins_well};
use crate::corpus::{Codebook, SideColumns};
use crate::error::Error;
use crate::features::{Blocks, Strings, Vectoriser, VectoriserValidParams, Vocabulary};
use crate::labels::LabelSet;
use crate::linear::{Calibration, IsotonicRegression, LinearClassifier, Loss};

/// Bytes of a file at most: the numbers in it are of 32 bits.
const MOST_BYTES: u64 = 1 << 32;
/// Intercepts, offsets and factors at most: with these no score, of weights however large, overflows.
const LARGEST: f64 = 1e30;

/// The version of the format; files of another are refused by name.
pub const FORMAT: u32 = 2;
/// The oldest format that is read.
const OLDEST: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    program: String,
    digest: String,
    counts: Counts,
    options: TrainOptions,
    vectoriser: VectoriserValidParams,
    #[serde(default, skip_serializing_if = "Blocks::is_empty")]
    blocks: Blocks,
    #[serde(default, skip_serializing_if = "SideColumns::is_empty")]
    side: SideColumns,
    topic: Option<HeadHeader>,
    stance: Option<StanceHeader>,
    codebook: Option<Codebook>,
    scores: BTreeMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadHeader {
    labels: Vec<String>,
    loss: Loss,
    c: f64,
    #[serde(default)]
    weighted: bool,
    calibration: Calibration,
    offsets: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_curve: Option<ErrorCurve>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known_errors: Option<KnownErrors>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StanceHeader {
    head: HeadHeader,
    topics: Vec<String>,
    departure: f64,
    seen: Vec<bool>,
}

impl Model {
    /// The bytes of this model's file.
    ///
    /// # Errors
    /// Never in practice; the container's writer can refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut out = Writer::default();
        let vocabulary = self.vectoriser.vocabulary();
        write_strings(&mut out, "words", vocabulary.words());
        write_strings(&mut out, "chars", vocabulary.chars());
        out.u32s("grams", vocabulary.grams().pairs().iter().flat_map(|&(prefix, word)| [prefix, word]));
        out.u32s("nodes", vocabulary.nodes().iter().copied());
        out.weights("idf", self.vectoriser.idf(), 1, Rounding::None);
        if let Some(topic) = &self.topic {
            write_head(&mut out, "topic", topic, self.rounding(topic));
        }
        if let Some(stance) = &self.stance {
            let rounding = self.rounding(&stance.head);
            write_head(&mut out, "stance", &stance.head, rounding);
            let d = &stance.departures;
            let lengths: Vec<u32> = d.starts.windows(2).map(|w| w[1] - w[0]).collect();
            out.narrow("departure.lengths", &lengths);
            out.narrow("departure.topics", &d.topics);
            out.weights("departure.weights", &d.weights, d.classes, rounding);
            out.f64s("departure.intercepts", &d.intercepts);
        }
        let header = Header {
            format: FORMAT,
            program: self.program.clone(),
            digest: self.digest.clone(),
            counts: self.counts.clone(),
            options: self.options.clone(),
            vectoriser: self.vectoriser.params().clone(),
            blocks: self.blocks.clone(),
            side: self.side.clone(),
            topic: self.topic.as_ref().map(head_header),
            stance: self.stance.as_ref().map(|s| StanceHeader {
                head: head_header(&s.head),
                topics: s.topics.names().to_vec(),
                departure: s.departure,
                seen: s.seen.clone(),
            }),
            codebook: self.codebook.clone(),
            scores: self.scores.clone(),
        };
        let failed = |why: String| Error::ModelFile {
            path: "model".into(),
            problem: format!("it cannot be written: {why}"),
            mend: "please report this".into(),
        };
        // By way of a value, whose maps are sorted.
        let json =
            serde_json::to_value(header).and_then(|v| serde_json::to_string(&v)).map_err(|e| failed(e.to_string()))?;
        out.finish(json).map_err(failed)
    }

    /// How the weights of a head are rounded.
    ///
    /// A row has norm 1, with characters somewhat more, so rounding to steps moves its scores by about 0.3 steps and by five times that once in a million; probabilities move by at most a
    /// quarter of it, times the factor of calibration. The step keeps that below 0.001.
    fn rounding(&self, head: &Head) -> Rounding {
        match self.options.precision {
            Precision::F32 => Rounding::None,
            Precision::F16 => Rounding::Half,
            Precision::I8 => {
                let params = self.vectoriser.params();
                let words = if params.word_ngrams.is_some() { 1.0 } else { 0.0 };
                let chars = if params.char_ngrams.is_some() { params.char_weight } else { 0.0 };
                let stretch = head.calibration.factor.abs().max(1.0) * libm::sqrt(words + chars * chars).max(1.0);
                // A power of two: multiples of it are exact.
                let halvings = libm::ceil(libm::log2(stretch)).min(20.0) as i32;
                Rounding::Step(2f32.powi(-9 - halvings))
            }
        }
    }

    /// A model from the bytes of its file; `name` is what errors call it.
    ///
    /// # Errors
    /// When the bytes are no model, are damaged, of another version, or contradict themselves.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Model, Error> {
        let fail =
            |problem: String, mend: &str| Error::ModelFile { path: name.to_owned(), problem, mend: mend.to_owned() };
        let reader = Reader::new(bytes).map_err(|why| match why {
            Unreadable::Foreign => {
                fail("this is no Rapporteur model".into(), "give a file that `rapporteur train` has written")
            }
            Unreadable::Damaged => fail(
                "the file is damaged: its checksum does not match".into(),
                "copy it again, or train the model again",
            ),
            Unreadable::Malformed(why) => fail(format!("the file is malformed: {why}"), "train the model again"),
        })?;
        let malformed = |why: String| fail(format!("the file is malformed: {why}"), "train the model again");
        #[derive(Deserialize)]
        struct Version {
            format: u32,
            program: String,
        }
        let version: Version = serde_json::from_str(reader.metadata()).map_err(|e| malformed(e.to_string()))?;
        if !(OLDEST..=FORMAT).contains(&version.format) {
            return Err(fail(
                format!(
                    "it is a model of format {}, written by {}; this program reads formats {OLDEST} to {FORMAT}",
                    version.format, version.program
                ),
                "train the model again with this version, or use the version that wrote it",
            ));
        }
        let header: Header = serde_json::from_str(reader.metadata()).map_err(|e| malformed(e.to_string()))?;
        read_model(&reader, header).map_err(malformed)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When it cannot be read, or as [`Model::from_bytes`].
    pub fn read(path: &str) -> Result<Model, Error> {
        let failed = |e| Error::io("read", path, e);
        let mut file = std::fs::File::open(path).map_err(failed)?.take(MOST_BYTES);
        let mut bytes = Vec::new();
        // A file that begins as no model does need not be read: it may have no end.
        file.by_ref().take(BEGINNING_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        if begins_well(&bytes) {
            file.read_to_end(&mut bytes).map_err(failed)?;
        }
        Model::from_bytes(path, &bytes)
    }
}

fn write_strings(out: &mut Writer, name: &str, strings: &Strings) {
    let text: Vec<u8> = strings.iter().flat_map(str::bytes).collect();
    out.bytes(&format!("{name}.text"), &text);
    let mut end = 0;
    out.u32s(
        &format!("{name}.ends"),
        strings.iter().map(|s| {
            end += s.len() as u32;
            end
        }),
    );
}

fn read_strings(reader: &Reader<'_>, name: &str) -> Result<Strings, String> {
    let text =
        std::str::from_utf8(reader.bytes(&format!("{name}.text"))?).map_err(|_| format!("{name:?} is no UTF-8"))?;
    let ends = reader.u32s(&format!("{name}.ends"))?;
    let mut strings = Strings::with_capacity(ends.len(), text.len());
    let mut start = 0;
    for end in ends {
        let end = end as usize;
        let piece = text.get(start..end).ok_or_else(|| format!("{name:?} has a bad length"))?;
        let before = strings.len();
        if strings.intern(piece) as usize != before {
            return Err(format!("{name:?} holds {piece:?} twice"));
        }
        start = end;
    }
    if start == text.len() { Ok(strings) } else { Err(format!("{name:?} is longer than its parts")) }
}

fn head_header(head: &Head) -> HeadHeader {
    HeadHeader {
        labels: head.labels.names().to_vec(),
        loss: head.classifier.loss(),
        c: head.c,
        weighted: head.weighted,
        calibration: head.calibration.clone(),
        offsets: head.offsets.clone(),
        error_curve: head.error_curve.clone(),
        known_errors: head.known_errors.clone(),
    }
}

fn write_head(out: &mut Writer, name: &str, head: &Head, rounding: Rounding) {
    out.weights(&format!("{name}.weights"), head.classifier.weights(), head.classifier.classes(), rounding);
    out.f64s(&format!("{name}.intercept"), head.classifier.intercept());
}

/// `priors` is how many mean probabilities its known errors have.
fn read_head(reader: &Reader<'_>, name: &str, header: HeadHeader, width: usize, priors: usize) -> Result<Head, String> {
    let labels = ordered(header.labels)?;
    let k = labels.len();
    let intercept = reader.f64s(&format!("{name}.intercept"))?;
    let weights = reader.weights(&format!("{name}.weights"))?;
    let of_size = |n: usize| n == 0 || n == k;
    let sane = |xs: &[f64]| xs.iter().all(|x| x.abs() <= LARGEST);
    let calibration = header.calibration;
    if k == 0 || intercept.len() != k || Some(weights.len()) != width.checked_mul(k) {
        return Err(format!(
            "{name:?} has {} weights and {} intercepts for {k} labels and {width} terms",
            weights.len(),
            intercept.len()
        ));
    }
    if !of_size(calibration.offsets.len()) || !of_size(header.offsets.len()) {
        return Err(format!("{name:?} has offsets for other labels"));
    }
    if !of_size(calibration.isotonic.len()) || !calibration.isotonic.iter().all(IsotonicRegression::is_sound) {
        return Err(format!("{name:?} has calibration curves for other labels, or such as fall or leave 0 to 1"));
    }
    if !sane(&intercept)
        || !sane(&calibration.offsets)
        || !sane(&header.offsets)
        || !sane(&[calibration.factor, header.c])
    {
        return Err(format!("{name:?} holds a number that is out of range"));
    }
    if header.error_curve.as_ref().is_some_and(|curve| !curve.is_sound()) {
        return Err(format!("{name:?} has an error curve that contradicts itself"));
    }
    let (offsets, c, weighted, error_curve) = (header.offsets, header.c, header.weighted, header.error_curve);
    let known_errors = header.known_errors;
    if known_errors.as_ref().is_some_and(|known| !known.is_sound(k, priors)) {
        return Err(format!("the known errors of {name:?} are of other labels, or no shares"));
    }
    let classifier = LinearClassifier::from_parts(header.loss, weights, intercept);
    Ok(Head { labels, classifier, calibration, offsets, c, weighted, error_curve, known_errors })
}

fn ordered(names: Vec<String>) -> Result<LabelSet, String> {
    let set = LabelSet::new(names.clone());
    if set.names() == names { Ok(set) } else { Err("labels are not sorted and distinct".into()) }
}

fn read_model(reader: &Reader<'_>, header: Header) -> Result<Model, String> {
    let pairs = reader.u32s("grams")?;
    let (pairs, odd) = pairs.as_chunks::<2>();
    if !odd.is_empty() {
        return Err("\"grams\" has an odd length".into());
    }
    let pairs = pairs.iter().map(|&[prefix, word]| (prefix, word)).collect();
    let (words, chars) = (read_strings(reader, "words")?, read_strings(reader, "chars")?);
    let vocabulary = Vocabulary::from_parts(words, pairs, reader.u32s("nodes")?, chars)
        .ok_or("its vocabulary contradicts itself")?;
    let vectoriser = Vectoriser::from_parts(header.vectoriser, vocabulary, reader.weights("idf")?)
        .ok_or("vocabulary and idf do not fit each other")?;
    let (blocks, side) = (header.blocks, header.side);
    if !blocks.is_sound() || blocks.metadata.iter().map(|column| &column.name).ne(&side.features) {
        return Err("the values of its feature columns contradict themselves".into());
    }
    let neighbours = header.options.context;
    if neighbours > TrainOptions::MOST_CONTEXT || blocks.context != (neighbours > 0 || !side.context.is_empty()) {
        return Err("what it says of its context contradicts itself".into());
    }
    let width = blocks.width(vectoriser.width());
    let topic = header
        .topic
        .map(|h| {
            let priors = h.labels.len();
            read_head(reader, "topic", h, width, priors)
        })
        .transpose()?;
    let stance = header.stance.map(|h| read_stance(reader, h, width)).transpose()?;
    Ok(Model {
        vectoriser,
        blocks,
        side,
        topic,
        stance,
        codebook: header.codebook,
        options: header.options,
        counts: header.counts,
        program: header.program,
        digest: header.digest,
        scores: header.scores,
    })
}

fn read_stance(reader: &Reader<'_>, header: StanceHeader, width: usize) -> Result<StanceHead, String> {
    let topics = ordered(header.topics)?;
    let priors = header.head.labels.len().saturating_mul(topics.len().max(1));
    let head = read_head(reader, "stance", header.head, width, priors)?;
    let classes = head.labels.len();
    let mut starts = vec![0u32];
    for length in reader.narrow("departure.lengths")? {
        let end = starts.last().and_then(|start| start.checked_add(length));
        starts.push(end.ok_or("the stance weights of its topics are too many")?);
    }
    let departures = Departures {
        classes,
        starts,
        topics: reader.narrow("departure.topics")?,
        weights: reader.weights("departure.weights")?,
        intercepts: reader.f64s("departure.intercepts")?,
    };
    let d = &departures;
    let entries = d.topics.len();
    let sorted = d.starts.first() == Some(&0)
        && d.starts.len() == width + 1
        && d.starts.last().is_some_and(|&end| end as usize == entries)
        && d.starts.windows(2).all(|w| {
            w[0] <= w[1]
                && d.topics.get(w[0] as usize..w[1] as usize).is_some_and(|t| t.windows(2).all(|t| t[0] < t[1]))
        });
    let sized = Some(d.weights.len()) == entries.checked_mul(classes)
        && Some(d.intercepts.len()) == topics.len().checked_mul(classes)
        && header.seen.len() == d.intercepts.len()
        && d.intercepts.iter().all(|x| x.abs() <= LARGEST)
        && header.departure.is_finite();
    if !sorted || !sized || d.topics.iter().any(|&t| t as usize >= topics.len()) {
        return Err("the stance weights of its topics contradict themselves".into());
    }
    Ok(StanceHead { head, topics, departures, departure: header.departure, seen: header.seen })
}
