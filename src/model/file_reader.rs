//! The way back from a model file.
//!
//! Flows in: bytes, of whoever made them. Flows out: a [`Model`], or what is wrong with them. Nothing is believed before the checksum is verified, and then every size, number and order is checked, so that a stranger's
//! file can do nothing but load or fail. The file is read into memory and not mapped: a mapped file that shrinks under a running program cannot be survived.

use serde::Deserialize;
use std::io::Read;

use super::cascade::{Head, Model, StanceHead};
use super::departures::Departures;
use super::file::{FORMAT, HeadHeader, Header, StanceHeader};
use super::options::TrainOptions;
use super::pair_code;
use super::tensors::{BEGINNING_BYTES, Reader, Unreadable, begins_well};
use crate::error::Error;
use crate::features::{Strings, Vectoriser, VectoriserValidParams, Vocabulary};
use crate::labels::LabelSet;
use crate::linear::{Cell, IsotonicRegression, LinearClassifier};

/// Bytes of a file at most: the numbers in it are of 32 bits.
const MOST_BYTES: u64 = 1 << 32;
/// Intercepts, offsets and factors at most: with these no score, of weights however large, overflows.
const LARGEST: f64 = 1e30;
/// The oldest format that is read.
const OLDEST: u32 = 1;

impl Model {
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

fn read_strings(reader: &Reader<'_>, name: &str) -> Result<Strings, String> {
    let text =
        std::str::from_utf8(reader.bytes(&format!("{name}.text"))?).map_err(|_| format!("{name:?} is no UTF-8"))?;
    let bad = || format!("{name:?} has a bad length");
    let mut lengths = match reader.has(&format!("{name}.lengths")) {
        true => reader.narrow(&format!("{name}.lengths"))?,
        // Up to format 2.
        false => reader.u32s(&format!("{name}.ends"))?,
    };
    if !reader.has(&format!("{name}.lengths")) {
        for i in (1..lengths.len()).rev() {
            lengths[i] = lengths[i].checked_sub(lengths[i - 1]).ok_or_else(bad)?;
        }
    }
    let mut strings = Strings::with_capacity(lengths.len(), text.len());
    let mut rest = text;
    for length in lengths {
        let (piece, others) = rest.split_at_checked(length as usize).ok_or_else(bad)?;
        let before = strings.len();
        if strings.intern(piece) as usize != before {
            return Err(format!("{name:?} holds {piece:?} twice"));
        }
        rest = others;
    }
    if rest.is_empty() { Ok(strings) } else { Err(format!("{name:?} is longer than its parts")) }
}

/// `priors` is how many mean probabilities its known errors have.
fn read_head(reader: &Reader<'_>, name: &str, header: HeadHeader, priors: usize) -> Result<Head, String> {
    let labels = ordered(header.labels)?;
    let k = labels.len();
    let intercept = reader.f64s(&format!("{name}.intercept"))?;
    let weights = reader.weights(&format!("{name}.weights"))?;
    let of_size = |n: usize| n == 0 || n == k;
    let sane = |xs: &[f64]| xs.iter().all(|x| x.abs() <= LARGEST);
    let calibration = header.calibration;
    if k == 0 || intercept.len() != k || !weights.len().is_multiple_of(k) {
        return Err(format!(
            "{name:?} has {} weights and {} intercepts for {k} labels",
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
    let classifier = LinearClassifier::of_weights(header.loss, weights, intercept);
    Ok(Head { labels, classifier, calibration, offsets, c, weighted, error_curve, known_errors })
}

fn ordered(names: Vec<String>) -> Result<LabelSet, String> {
    let set = LabelSet::new(names.clone());
    if set.names() == names { Ok(set) } else { Err("labels are not sorted and distinct".into()) }
}

fn read_vectoriser(reader: &Reader<'_>, params: VectoriserValidParams) -> Result<Vectoriser, String> {
    let (words, others) = rayon::join(
        || read_strings(reader, "words"),
        || -> Result<_, String> {
            let nodes = if reader.has("nodes") { Some(reader.u32s("nodes")?) } else { None };
            Ok((read_strings(reader, "chars")?, read_pairs(reader)?, nodes))
        },
    );
    let (words, (chars, pairs, nodes)) = (words?, others?);
    let vocabulary = Vocabulary::from_parts(words, pairs, nodes, chars).ok_or("its vocabulary contradicts itself")?;
    let mut idf = reader.floats("idf")?;
    if reader.has("idf.lengths") {
        let lengths = reader.u32s("idf.lengths")?;
        let columns = lengths.iter().fold(0u64, |sum, &length| sum + u64::from(length));
        if lengths.len() != idf.len() || columns != vocabulary.len() as u64 {
            return Err("vocabulary and idf do not fit each other".into());
        }
        idf = idf.iter().zip(lengths).flat_map(|(&x, length)| std::iter::repeat_n(x, length as usize)).collect();
    }
    Ok(Vectoriser::from_parts(params, vocabulary, idf).ok_or("vocabulary and idf do not fit each other")?)
}

/// Parts that need nothing of each other are read side by side: the first answer waits for all of them.
fn read_model(reader: &Reader<'_>, header: Header) -> Result<Model, String> {
    let (params, topic, stance) = (header.vectoriser, header.topic, header.stance);
    let (vectoriser, (topic, stance)) = rayon::join(
        || read_vectoriser(reader, params),
        || {
            rayon::join(
                || {
                    let head = |h: HeadHeader| {
                        let priors = h.labels.len();
                        read_head(reader, "topic", h, priors)
                    };
                    topic.map(head).transpose()
                },
                || stance.map(|h| read_stance(reader, h)).transpose(),
            )
        },
    );
    let (vectoriser, topic, stance) = (vectoriser?, topic?, stance?);
    let (blocks, side) = (header.blocks, header.side);
    if !blocks.is_sound() || blocks.metadata.iter().map(|column| &column.name).ne(&side.features) {
        return Err("the values of its feature columns contradict themselves".into());
    }
    let neighbours = header.options.context;
    if neighbours > TrainOptions::MOST_CONTEXT || blocks.context != (neighbours > 0 || !side.context.is_empty()) {
        return Err("what it says of its context contradicts itself".into());
    }
    let width = blocks.width(vectoriser.width());
    for head in topic.iter().chain(stance.as_ref().map(|s| &s.head)) {
        let features = head.classifier.features();
        if features != width {
            return Err(format!("it has weights of {features} features, and {width} terms"));
        }
    }
    if let Some(pairs) = &header.pairs {
        let heads = topic.as_ref().zip(stance.as_ref()).filter(|(t, s)| t.labels == s.topics);
        let sizes = heads.map(|(t, s)| (t.labels.len(), s.head.labels.len()));
        if !sizes.is_some_and(|(topics, stances)| pairs.is_sound(topics, stances, LARGEST)) {
            return Err("the offsets of its pairs are of other labels, or out of range".into());
        }
    }
    if header.multi_label.is_some() && (topic.is_none() || header.pairs.is_some()) {
        return Err("it decides on several topics and has none, or decides pairs".into());
    }
    Ok(Model {
        vectoriser,
        blocks,
        side,
        topic,
        multi_label: header.multi_label,
        stance,
        pairs: header.pairs,
        codebook: header.codebook,
        options: header.options,
        counts: header.counts,
        program: header.program,
        digest: header.digest,
        scores: header.scores,
    })
}

fn read_pairs(reader: &Reader<'_>) -> Result<Vec<(u32, u32)>, String> {
    if let Ok(bytes) = reader.bytes("grams") {
        return pair_code::decode(bytes).ok_or_else(|| "\"grams\" cannot be read".into());
    }
    // Up to format 2.
    let pairs = reader.u32s("grams")?;
    let (pairs, odd) = pairs.as_chunks::<2>();
    if !odd.is_empty() {
        return Err("\"grams\" has an odd length".into());
    }
    Ok(pairs.iter().map(|&[prefix, word]| (prefix, word)).collect())
}

fn read_stance(reader: &Reader<'_>, header: StanceHeader) -> Result<StanceHead, String> {
    let topics = ordered(header.topics)?;
    let priors = header.head.labels.len().saturating_mul(topics.len().max(1));
    let head = read_head(reader, "stance", header.head, priors)?;
    let classes = head.labels.len();
    let (lengths, entry_topics) = (reader.narrow("departure.lengths")?, reader.narrow("departure.topics")?);
    let (weights, intercepts) = (reader.weights("departure.weights")?, reader.f64s("departure.intercepts")?);
    let (entries, count) = (entry_topics.len(), topics.len());
    let mut rest = entry_topics.as_slice();
    let sorted = lengths.len() == head.classifier.features()
        && lengths.iter().all(|&length| match rest.split_at_checked(length as usize) {
            Some((entries, others)) => {
                rest = others;
                entries.windows(2).all(|t| t[0] < t[1])
            }
            None => false,
        })
        && rest.is_empty();
    // Room for all cells is made only where their number is one that can be.
    let sized = Some(weights.len()) == entries.checked_mul(classes)
        && weights.len().checked_add(entries).is_some_and(|cells| u32::try_from(cells).is_ok())
        && Some(intercepts.len()) == count.checked_mul(classes)
        && count <= <f32 as Cell>::NUMBERS
        && header.seen.len() == intercepts.len()
        && intercepts.iter().all(|x| x.abs() <= LARGEST)
        && header.departure.is_finite();
    if !sorted || !sized || entry_topics.iter().any(|&t| t as usize >= count) {
        return Err("the stance weights of its topics contradict themselves".into());
    }
    let departures = Departures::from_parts(classes, count, (&lengths, &entry_topics), weights, intercepts);
    Ok(StanceHead { head, topics, departures, departure: header.departure, seen: header.seen })
}
