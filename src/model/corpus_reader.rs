//! Reading labelled files into a [`TrainingSet`].
//!
//! Flows in: paths and columns. Flows out: the set, analysed on many threads and put together in the order of the files.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::training_set::{LabelledText, TrainingSet, TrainingSetBuilder};
use crate::control::Control;
use crate::corpus::{Batch, Codebook, LabelColumns, LabelledReader, ReadOptions, TopicStance, nearest};
use crate::error::{Error, Result};
use crate::features::{DocumentBatch, Documents};
use crate::labels::LabelSet;
use crate::pipeline::in_order;

/// A batch, analysed: what outlives the text.
struct Part {
    /// The thread that did it.
    thread: usize,
    documents: DocumentBatch,
    context: DocumentBatch,
    rows: Vec<OwnedRow>,
}

/// What a thread keeps between batches: the forms it has met.
struct Analysing {
    thread: usize,
    documents: Documents,
    context: Documents,
}

struct OwnedRow {
    text: String,
    topic: Option<String>,
    stance: Option<String>,
    topics: Option<Vec<(String, Option<String>)>>,
    group: Option<String>,
    weight: f32,
    document: Option<String>,
    context: String,
    features: Vec<String>,
}

/// Reads one or more files with the same header; `control` hears of progress.
///
/// With a `codebook` every topic must be one of its topics.
///
/// # Errors
/// When a file cannot be read, a column is missing, a row is malformed, or a topic is not in the codebook.
pub fn read_training_set(
    paths: &[String],
    columns: &LabelColumns,
    options: &ReadOptions,
    codebook: Option<&Codebook>,
    threads: usize,
    control: &Control,
) -> Result<TrainingSet> {
    let mut reader = LabelledReader::open(paths, columns, options)?;
    let side = columns.side.clone();
    let columns = reader.columns().clone();
    let mut set = TrainingSetBuilder::with_side(side);
    let mut read = 0u64;
    let pace = reader.pace();
    let started = AtomicUsize::new(0);
    // The numbers that the forms of each thread have in the set.
    let mut numbers: Vec<[Vec<u32>; 2]> = Vec::new();
    in_order(
        threads,
        control,
        |batch: &mut Batch, rows, bytes| reader.read(batch, rows, bytes),
        || Analysing {
            thread: started.fetch_add(1, Ordering::Relaxed),
            documents: Documents::default(),
            context: Documents::default(),
        },
        |Analysing { thread, documents, context }, batch| {
            let mut rows = Vec::with_capacity(batch.len());
            for i in 0..batch.len() {
                let row = columns.row(batch, i)?;
                let several = row.topics.iter().flatten().map(|t| &*t.topic);
                if let Some(codebook) = codebook
                    && let Some(topic) = row.topic.into_iter().chain(several).find(|t| codebook.get(t).is_none())
                {
                    return Err(unknown_topic(codebook, topic, row.place()));
                }
                documents.push(&row.text);
                context.push(&row.side.context);
                rows.push(OwnedRow {
                    text: row.text.into_owned(),
                    topic: row.topic.map(str::to_owned),
                    stance: row.stance.map(str::to_owned),
                    topics: row.topics.map(|topics| {
                        let owned = |t: TopicStance<'_>| (t.topic.into_owned(), t.stance.map(Cow::into_owned));
                        topics.into_iter().map(owned).collect()
                    }),
                    group: row.group.map(str::to_owned),
                    weight: row.weight as f32,
                    document: row.side.document.map(str::to_owned),
                    context: row.side.context.into_owned(),
                    features: row.side.features.into_iter().map(str::to_owned).collect(),
                });
            }
            Ok(Part { thread: *thread, documents: documents.hand_over(), context: context.hand_over(), rows })
        },
        |part| {
            let features: Vec<Vec<&str>> =
                part.rows.iter().map(|row| row.features.iter().map(String::as_str).collect()).collect();
            type Topics<'a> = Vec<(&'a str, Option<&'a str>)>;
            let topics: Vec<Option<Topics<'_>>> = part
                .rows
                .iter()
                .map(|row| Some(row.topics.as_ref()?.iter().map(|(t, s)| (t.as_str(), s.as_deref())).collect()))
                .collect();
            let rows = part.rows.iter().zip(&features).zip(&topics).map(|((row, features), topics)| LabelledText {
                text: &row.text,
                topic: row.topic.as_deref(),
                stance: row.stance.as_deref(),
                topics: topics.as_deref(),
                group: row.group.as_deref(),
                weight: Some(row.weight),
                document: row.document.as_deref(),
                context: &row.context,
                features,
            });
            if numbers.len() <= part.thread {
                numbers.resize_with(part.thread + 1, Default::default);
            }
            set.append_batch((&part.documents, &part.context), &mut numbers[part.thread], rows);
            set.expect_memory(control)?;
            read += part.rows.len() as u64;
            pace.report(control, "read", read);
            Ok(())
        },
    )?;
    Ok(set.finish())
}

fn unknown_topic(codebook: &Codebook, topic: &str, place: crate::error::Place) -> Error {
    let topics = || codebook.entries().iter().map(|e| e.topic.as_str());
    let hint = nearest(topic, topics()).map_or(String::new(), |near| format!("did you mean {near:?}? "));
    let known: Vec<&str> = topics().collect();
    Error::input(
        place,
        format!("the topic {topic:?} is not in the codebook"),
        format!("{hint}its topics are: {}", known.join(", ")),
    )
}

/// Pairs of labels that differ in case alone: a slip of the coder, most likely.
pub fn odd_cases(labels: &LabelSet) -> Vec<(String, String)> {
    let mut by_lower: Vec<(String, &String)> = labels.names().iter().map(|n| (n.to_lowercase(), n)).collect();
    by_lower.sort();
    by_lower.windows(2).filter(|w| w[0].0 == w[1].0).map(|w| (w[0].1.clone(), w[1].1.clone())).collect()
}
