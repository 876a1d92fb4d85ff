//! A corpus as the checks want it.
//!
//! Flows in: rows of one or more files. Flows out: a [`Corpus`]: the training set, and beside it what training does not keep: texts, ids, names of groups and
//! folds, and what each text is written in. Texts are kept because the words behind a suspect label have to be shown, and because a pipe can be read once only; they
//! are a fraction of what the vectors take.

use crate::control::Control;
use crate::corpus::{Batch, LabelledReader};
use crate::error::Result;
use crate::features::Documents;
use crate::labels::{LabelColumn, LabelSet, UNLABELLED};
use crate::model::{LabelledText, TrainingSet, TrainingSetBuilder};
use crate::pipeline::in_order;
use crate::text::{Written, written_in};

/// A row to be checked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CorpusRow<'a> {
    /// Text, labels, group and weight.
    pub labelled: LabelledText<'a>,
    /// What the corpus calls the row.
    pub id: Option<&'a str>,
    /// The fold or split that the corpus puts it in.
    pub fold: Option<&'a str>,
}

/// Names, and the number of each row's name.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub set: LabelSet,
    pub rows: Vec<u32>,
}

impl Names {
    fn of(column: LabelColumn) -> Names {
        let (set, rows) = column.finish();
        Names { set, rows }
    }

    /// The name of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.rows.get(row).filter(|&&n| n != UNLABELLED).map(|&n| self.set.name(n as usize))
    }
}

/// A corpus to be checked.
pub struct Corpus {
    /// Labels and token streams.
    pub set: TrainingSet,
    text: String,
    ends: Vec<usize>,
    pub(super) ids: Names,
    pub(super) groups: Names,
    pub(super) folds: Names,
    pub(super) written: Vec<Option<Written>>,
    /// Files, and the first row of each.
    files: Vec<(String, usize)>,
}

impl Corpus {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a row, as it came.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn text(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// What the corpus calls a row, if anything.
    pub fn id(&self, row: usize) -> Option<&str> {
        self.ids.get(row)
    }

    /// The topic of a row.
    pub fn topic(&self, row: usize) -> Option<&str> {
        name(&self.set.topics, self.set.topic[row])
    }

    /// The stance of a row.
    pub fn stance(&self, row: usize) -> Option<&str> {
        name(&self.set.stances, self.set.stance[row])
    }

    /// Both labels for a reader, as `sanctions / oppose`; empty for none.
    pub fn labels(&self, row: usize) -> String {
        let labels: Vec<&str> = [self.topic(row), self.stance(row)].into_iter().flatten().collect();
        labels.join(" / ")
    }

    /// The file of a row and its number there, from 1.
    pub fn place(&self, row: usize) -> (&str, usize) {
        let after = self.files.partition_point(|&(_, first)| first <= row);
        self.files.get(after.wrapping_sub(1)).map_or(("", row + 1), |(file, first)| (file, row - first + 1))
    }

    /// How a finding speaks of a row of the same corpus: `row 7`, and with several files its place.
    pub(super) fn mention(&self, row: usize) -> String {
        match self.files.len() {
            0 | 1 => format!("row {}", row + 1),
            _ => {
                let (file, own) = self.place(row);
                format!("row {} ({file}, row {own})", row + 1)
            }
        }
    }

    /// How a finding in another corpus speaks of a row of this one.
    pub(super) fn mention_outside(&self, row: usize) -> String {
        let (file, own) = self.place(row);
        format!("row {own} of {file}")
    }

    /// Number of files.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }
}

fn name(set: &LabelSet, number: u32) -> Option<&str> {
    (number != UNLABELLED).then(|| set.name(number as usize))
}

/// Gathers a [`Corpus`].
///
/// ```
/// use rapporteur::curate::{CorpusBuilder, CorpusRow};
/// use rapporteur::LabelledText;
/// let mut rows = CorpusBuilder::default();
/// let labelled = LabelledText { text: "Lift the embargo.", topic: Some("sanctions"), ..Default::default() };
/// rows.push(CorpusRow { labelled, id: Some("a-1"), ..Default::default() });
/// let corpus = rows.finish();
/// assert_eq!((corpus.len(), corpus.text(0), corpus.topic(0)), (1, "Lift the embargo.", Some("sanctions")));
/// ```
#[derive(Default)]
pub struct CorpusBuilder {
    set: TrainingSetBuilder,
    text: String,
    ends: Vec<usize>,
    ids: LabelColumn,
    groups: LabelColumn,
    folds: LabelColumn,
    written: Vec<Option<Written>>,
    files: Vec<(String, usize)>,
}

impl CorpusBuilder {
    /// Adds a row.
    pub fn push(&mut self, row: CorpusRow<'_>) {
        let documents: Documents = [row.labelled.text].into_iter().collect();
        self.set.append(&documents, &Documents::default(), [row.labelled]);
        self.keep(row, written_in(row.labelled.text));
    }

    fn keep(&mut self, row: CorpusRow<'_>, written: Option<Written>) {
        self.text.push_str(row.labelled.text);
        self.ends.push(self.text.len());
        self.ids.push(row.id);
        self.groups.push(row.labelled.group);
        self.folds.push(row.fold);
        self.written.push(written);
    }

    /// The corpus.
    pub fn finish(self) -> Corpus {
        Corpus {
            set: self.set.finish(),
            text: self.text,
            ends: self.ends,
            ids: Names::of(self.ids),
            groups: Names::of(self.groups),
            folds: Names::of(self.folds),
            written: self.written,
            files: self.files,
        }
    }
}

struct OwnedRow {
    text: String,
    topic: Option<String>,
    stance: Option<String>,
    group: Option<String>,
    id: Option<String>,
    fold: Option<String>,
    weight: f32,
    written: Option<Written>,
}

impl OwnedRow {
    fn borrowed(&self) -> CorpusRow<'_> {
        let labelled = LabelledText {
            text: &self.text,
            topic: self.topic.as_deref(),
            stance: self.stance.as_deref(),
            group: self.group.as_deref(),
            weight: Some(self.weight),
            ..Default::default()
        };
        CorpusRow { labelled, id: self.id.as_deref(), fold: self.fold.as_deref() }
    }
}

/// Reads all rows; `id` and `fold` are places of columns in the reader's header.
///
/// # Errors
/// When a row cannot be read, with its place, or the user asked to stop.
pub fn read_corpus(
    mut reader: LabelledReader,
    (id, fold): (Option<usize>, Option<usize>),
    threads: usize,
    control: &Control,
) -> Result<Corpus> {
    let columns = reader.columns().clone();
    let mut corpus = CorpusBuilder::default();
    let pace = reader.pace();
    in_order(
        threads,
        control,
        |batch: &mut Batch, rows, bytes| reader.read(batch, rows, bytes),
        || (),
        |(), batch| {
            let (mut documents, mut rows) = (Documents::default(), Vec::with_capacity(batch.len()));
            for i in 0..batch.len() {
                let row = columns.row(batch, i)?;
                let cell = |column: Option<usize>| {
                    let cell = batch.record(i).get(column?)?.trim();
                    (!cell.is_empty()).then(|| cell.to_owned())
                };
                documents.push(&row.text);
                rows.push(OwnedRow {
                    written: written_in(&row.text),
                    text: row.text.into_owned(),
                    topic: row.topic.map(str::to_owned),
                    stance: row.stance.map(str::to_owned),
                    group: row.group.map(str::to_owned),
                    id: cell(id),
                    fold: cell(fold),
                    weight: row.weight as f32,
                });
            }
            Ok((batch.name().to_owned(), batch.first_row(), documents, rows))
        },
        |(file, first_row, documents, rows)| {
            // A file begins with its first row, even when it has the name of the one before.
            if first_row == 1 {
                corpus.files.push((file, corpus.ends.len()));
            }
            corpus.set.append(&documents, &Documents::default(), rows.iter().map(|row| row.borrowed().labelled));
            for row in &rows {
                corpus.keep(row.borrowed(), row.written);
            }
            pace.report(control, "read", corpus.ends.len() as u64);
            Ok(())
        },
    )?;
    Ok(corpus.finish())
}
