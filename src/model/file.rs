//! The model file: everything that prediction needs, and what a reader should know of the model.
//!
//! Flows in: a [`Model`]. Flows out: bytes, the same for the same model on any machine: no time, path, thread count or machine is in them. What the JSON in it holds is said here;
//! the way back is [`super::file_reader`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::cascade::{Counts, Head, Model, MultiLabel};
use super::decoding::PairOffsets;
use super::error_curve::ErrorCurve;
use super::known_errors::KnownErrors;
use super::options::TrainOptions;
use super::pair_code;
use super::tensors::Writer;
use crate::corpus::{Codebook, SideColumns};
use crate::error::Error;
use crate::features::{Blocks, Strings, VectoriserValidParams};
use crate::linear::{Calibration, Loss};

/// The newest version of the format, which models of several topics a paragraph have; files of a newer one are refused by name.
pub const FORMAT: u32 = 4;
/// That of the other models, so that programs which know no others read them.
const FORMAT_OF_ONE_TOPIC: u32 = 3;

/// All that is no tensor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub format: u32,
    pub program: String,
    pub digest: String,
    pub counts: Counts,
    pub options: TrainOptions,
    pub vectoriser: VectoriserValidParams,
    #[serde(default, skip_serializing_if = "Blocks::is_empty")]
    pub blocks: Blocks,
    #[serde(default, skip_serializing_if = "SideColumns::is_empty")]
    pub side: SideColumns,
    pub topic: Option<HeadHeader>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<MultiLabel>,
    pub stance: Option<StanceHeader>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairOffsets>,
    pub codebook: Option<Codebook>,
    pub scores: BTreeMap<String, f64>,
}

/// What is no tensor of a head.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadHeader {
    pub labels: Vec<String>,
    pub loss: Loss,
    pub c: f64,
    #[serde(default)]
    pub weighted: bool,
    pub calibration: Calibration,
    pub offsets: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_curve: Option<ErrorCurve>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_errors: Option<KnownErrors>,
}

/// What is no tensor of the stance head.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StanceHeader {
    pub head: HeadHeader,
    pub topics: Vec<String>,
    pub departure: f64,
    pub seen: Vec<bool>,
}

impl Model {
    /// The version of the format that its file has.
    pub fn format(&self) -> u32 {
        if self.multi_label.is_some() { FORMAT } else { FORMAT_OF_ONE_TOPIC }
    }

    /// The bytes of this model's file.
    ///
    /// # Errors
    /// Never in practice; the container's writer can refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut out = Writer::default();
        let vocabulary = self.vectoriser.vocabulary();
        write_strings(&mut out, "words", vocabulary.words());
        write_strings(&mut out, "chars", vocabulary.chars());
        out.bytes("grams", &pair_code::encode(vocabulary.grams().pairs()));
        if let Some(nodes) = vocabulary.nodes() {
            out.u32s("nodes", nodes.iter().copied());
        }
        // Terms of as many paragraphs stand together, and have the same.
        let runs: Vec<&[f32]> = self.vectoriser.idf().chunk_by(|a, b| a.to_bits() == b.to_bits()).collect();
        out.floats("idf", vec![runs.len()], &runs.iter().map(|run| run[0]).collect::<Vec<_>>());
        out.u32s("idf.lengths", runs.iter().map(|run| run.len() as u32));
        if let Some(topic) = &self.topic {
            write_head(&mut out, "topic", topic, self.step(topic));
        }
        if let Some(stance) = &self.stance {
            let step = self.step(&stance.head);
            write_head(&mut out, "stance", &stance.head, step);
            let (lengths, topics, weights) = stance.departures.parts();
            out.narrow("departure.lengths", &lengths);
            out.narrow("departure.topics", &topics);
            out.weights("departure.weights", &weights, stance.departures.classes(), step);
            out.f64s("departure.intercepts", stance.departures.intercepts());
        }
        let header = Header {
            format: self.format(),
            program: self.program.clone(),
            digest: self.digest.clone(),
            counts: self.counts.clone(),
            options: self.options.clone(),
            vectoriser: self.vectoriser.params().clone(),
            blocks: self.blocks.clone(),
            side: self.side.clone(),
            topic: self.topic.as_ref().map(head_header),
            multi_label: self.multi_label,
            stance: self.stance.as_ref().map(|s| StanceHeader {
                head: head_header(&s.head),
                topics: s.topics.names().to_vec(),
                departure: s.departure,
                seen: s.seen.clone(),
            }),
            pairs: self.pairs.clone(),
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
}

fn write_strings(out: &mut Writer, name: &str, strings: &Strings) {
    let text: Vec<u8> = strings.iter().flat_map(str::bytes).collect();
    out.bytes(&format!("{name}.text"), &text);
    out.narrow(&format!("{name}.lengths"), &strings.iter().map(|s| s.len() as u32).collect::<Vec<_>>());
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

fn write_head(out: &mut Writer, name: &str, head: &Head, step: f32) {
    out.weights(&format!("{name}.weights"), head.classifier.weights(), head.classifier.classes(), step);
    out.f64s(&format!("{name}.intercept"), head.classifier.intercept());
}
