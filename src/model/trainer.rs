//! Training a model.
//!
//! Flows in: a [`TrainingSet`] and [`TrainOptions`]. Flows out: a [`Model`]. Topic and stance heads are trained side by side on the same vectors; the stance head sees the true topic of its rows.
//! Of several topics a row the topic head is one-vs-rest, and the stance head sees the row once for each of its topics.

use super::cascade::Model;
use super::decoding::PairChoice;
use super::memory;
use super::one_vs_rest::OneVsRest;
use super::options::{Decoding, TrainOptions};
use super::tasks::{Data, Labels};
use super::training_set::TrainingSet;
use super::vectors::{blocks, ends, vectors};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::features::{Blocks, Vectoriser};
use crate::labels::LabelSet;
use crate::sparse::SparseMatrix;

/// The largest weight of a row: beyond it, sums of weights would lose the other rows.
const MOST_WEIGHT: f32 = 1e6;

/// Trains on all rows.
///
/// # Errors
/// When nothing can be learnt: no labelled row, a single class, no term; or an option is out of range.
pub fn train(set: &TrainingSet, options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows: Vec<u32> = (0..set.len() as u32).collect();
    train_rows(set, &rows, options, control)
}

/// Trains on some rows, as a fold needs it: vocabulary and all.
///
/// # Errors
/// As [`train`].
pub fn train_rows(set: &TrainingSet, rows: &[u32], options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows = labelled_rows(set, rows.iter().copied())?;
    check(set, options)?;
    control.report("building the vocabulary", None);
    let vectors = vectorise(set, &rows, rows.len(), options, control)?;
    fit_heads(set, &rows, vectors, options, control)
}

/// Trains on all rows of a set that nobody needs afterwards: its token streams are given back before the heads are fitted, a tenth of the memory that training takes.
///
/// # Errors
/// As [`train`].
pub fn train_once(mut set: TrainingSet, options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows = labelled_rows(&set, 0..set.len() as u32)?;
    check(&set, options)?;
    control.report("building the vocabulary", None);
    let vectors = vectorise(&set, &rows, rows.len(), options, control)?;
    (set.documents, set.context) = Default::default();
    fit_heads(&set, &rows, vectors, options, control)
}

/// Those of the rows that have a label.
fn labelled_rows(set: &TrainingSet, rows: impl IntoIterator<Item = u32>) -> Result<Vec<u32>> {
    let rows: Vec<u32> = rows.into_iter().filter(|&r| set.is_labelled(r as usize)).collect();
    match rows.is_empty() {
        true => Err(Error::corpus(
            "no row has a label",
            "check the label columns (--topic-column, --stance-column) and which cells count as missing (--missing)",
        )),
        false => Ok(rows),
    }
}

/// Refuses weights and options that are out of range, before anything is counted.
fn check(set: &TrainingSet, options: &TrainOptions) -> Result<()> {
    if let Some(weight) = set.weights.iter().flatten().find(|w| !(0.0..=MOST_WEIGHT).contains(*w)) {
        return Err(Error::corpus(
            format!("the weight of a row is {weight}, expected a number from 0 to 1e6"),
            "correct it, or give no weights to count every row once",
        ));
    }
    options.linear().map(drop)
}

fn fit_heads(
    set: &TrainingSet,
    rows: &[u32],
    (vectoriser, blocks, x): (Vectoriser, Blocks, SparseMatrix),
    options: &TrainOptions,
    control: &Control,
) -> Result<Model> {
    control.check()?;
    control.report("fitting", None);
    let ends = ends(&vectoriser, &blocks);
    let of_stance = options.of_stance();
    let (topic, stance, pairs, counts, multi_label) = match &set.several {
        None => {
            let labels = Labels::of(set, rows);
            let data = Data { set, labels: &labels, x: &x, ends: &ends, options };
            let (topic, stance) =
                rayon::join(|| data.topic_head(control), || Data { options: &of_stance, ..data }.stance_head(control));
            let (mut topic, mut stance) = (topic?, stance?);
            let chosen = topic.as_ref().zip(stance.as_ref()).and_then(|(topic, stance)| data.pairs(topic, stance));
            let pairs = chosen.map(|PairChoice { offsets, topics, stances }| {
                // Whoever counts labels corrects the errors of the decisions that are made.
                let topic = topic.as_mut().and_then(|(head, _)| head.known_errors.as_mut());
                let stance = stance.as_mut().and_then(|(stance, _)| stance.head.known_errors.as_mut());
                topic.into_iter().for_each(|known| known.decided(&topics));
                stance.into_iter().for_each(|known| known.decided(&stances));
                offsets
            });
            (topic.map(|(head, _)| head), stance.map(|(head, _)| head), pairs, data.counts(), None)
        }
        Some(several) => {
            let (labels, of) = Labels::of_pairs(several, rows);
            let of_row = OneVsRest { set, several, rows, x: &x, ends: &ends, options };
            // Of a row's topics each is decided by itself, so there are no pairs to choose among.
            let of_stance = TrainOptions { decoding: Decoding::TopicFirst, ..of_stance };
            let (topic, stance) = rayon::join(
                || of_row.head(control),
                || {
                    Data { set, labels: &labels, x: &x.select(&of), ends: &ends, options: &of_stance }
                        .stance_head(control)
                },
            );
            let (topic, multi_label) = topic?.unzip();
            let counts = Data { set, labels: &labels, x: &x, ends: &ends, options }.counts();
            (topic, stance?.map(|(head, _)| head), None, of_row.counts(counts), multi_label)
        }
    };
    if topic.is_none() && stance.is_none() {
        let what = |name: &str, labels: &LabelSet| match labels.names() {
            [one] => format!("the only {name} is {one:?}"),
            _ => format!("there is no {name}"),
        };
        return Err(Error::corpus(
            format!("nothing to learn: {}, and {}", what("topic", &set.topics), what("stance", &set.stances)),
            "a label column needs at least two different labels",
        ));
    }
    let model = Model {
        vectoriser,
        blocks,
        side: set.side.clone(),
        topic,
        stance,
        pairs,
        codebook: None,
        options: options.clone(),
        counts,
        multi_label,
        program: concat!("rapporteur ", env!("CARGO_PKG_VERSION")).to_owned(),
        digest: set.digest.clone(),
        scores: Default::default(),
    };
    Ok(model.round())
}

/// The vectors of some rows, and what makes them of texts and of what is beside them; `of` is the number of rows by whose size defaults go.
pub(super) fn vectorise(
    set: &TrainingSet,
    rows: &[u32],
    of: usize,
    options: &TrainOptions,
    control: &Control,
) -> Result<(Vectoriser, Blocks, SparseMatrix)> {
    if options.context > TrainOptions::MOST_CONTEXT {
        return Err(Error::parameter("context", options.context, "at most 100 paragraphs"));
    }
    if options.context > 0 {
        set.check_documents()?;
        if set.context.is_some() {
            return Err(Error::usage(
                "--context and --context-columns both say what a row's context is: give one of them",
            ));
        }
    }
    let params = options.vectoriser(of, set.language)?;
    memory::expect_counting(set, of, options, control)?;
    let vectoriser = match &set.context {
        None => Vectoriser::fit_rows(&params, &set.documents, rows)?,
        // Words of context are terms too, whether a text has them or not.
        Some(context) => {
            let mut both = set.documents.clone();
            both.append(context);
            let beside = rows.iter().map(|r| r + set.len() as u32);
            Vectoriser::fit_rows(&params, &both, &rows.iter().copied().chain(beside).collect::<Vec<_>>())?
        }
    };
    let blocks = blocks(set, rows, options);
    let expect = |values| {
        let shape = (blocks.width(vectoriser.width()), values);
        memory::expect_fitting(set, (rows, of), &vectoriser, shape, options, control)
    };
    expect(None)?;
    let x = vectors(&vectoriser, &blocks, options.context, set, rows);
    if !blocks.is_empty() {
        expect(Some(x.nnz()))?;
    }
    Ok((vectoriser, blocks, x))
}
