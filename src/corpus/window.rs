//! Batches with the rows before and after them.
//!
//! Flows in: batches of a stream, one after the other. Flows out: the same batches, each with the last rows before it and the first rows after it, so that whoever
//! judges a row can see its neighbours wherever the stream was cut. Reading runs ahead by as many rows as are to be seen, and no further.

use std::collections::VecDeque;

use csv::StringRecord;

use super::records::Batch;
use crate::error::{Error, Result};

/// A batch and what stands around it.
#[derive(Debug, Default)]
pub struct FramedBatch {
    /// The rows themselves.
    pub batch: Batch,
    /// The rows before, in order.
    pub before: Vec<StringRecord>,
    /// The rows after, in order.
    pub after: Vec<StringRecord>,
}

impl FramedBatch {
    /// All rows in order: those before, the batch, those after.
    pub fn all(&self) -> impl Iterator<Item = &StringRecord> {
        self.before.iter().chain(self.batch.records()).chain(&self.after)
    }
}

/// Frames the batches of a stream.
///
/// ```
/// use rapporteur::corpus::{Batch, FramedBatch, ReadOptions, Window, open_records};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("a.csv").display().to_string();
/// std::fs::write(&path, "text\na\nb\nc\nd\n").unwrap();
/// let mut reader = open_records(&path, &ReadOptions::default())?;
/// let (mut window, mut framed) = (Window::new(1), FramedBatch::default());
/// let mut seen = Vec::new();
/// while window.read(&mut framed, 2, 1000, |batch, rows, bytes| reader.read(batch, rows, bytes))? {
///     seen.push(framed.all().map(|row| row[0].to_owned()).collect::<String>());
/// }
/// assert_eq!(seen, ["abc", "bcd"]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Default)]
pub struct Window {
    rows: usize,
    before: Vec<StringRecord>,
    waiting: VecDeque<Batch>,
    /// What ended the stream before its end; told when the rows before it are handed out.
    failure: Option<Error>,
    ended: bool,
}

impl Window {
    /// Shows so many rows on each side; 0: the batches as they come.
    pub fn new(rows: usize) -> Self {
        Window { rows, ..Default::default() }
    }

    /// Fills `framed` with the next batch of `next`, which is a reader's `read`.
    ///
    /// # Errors
    /// Those of `next`, after the rows that came before and whose neighbours are known.
    pub fn read(
        &mut self,
        framed: &mut FramedBatch,
        max_rows: usize,
        max_bytes: usize,
        mut next: impl FnMut(&mut Batch, usize, usize) -> Result<bool>,
    ) -> Result<bool> {
        if self.rows == 0 {
            return next(&mut framed.batch, max_rows, max_bytes);
        }
        let ahead = |waiting: &VecDeque<Batch>| waiting.iter().skip(1).map(Batch::len).sum::<usize>();
        while !self.ended && (self.waiting.is_empty() || ahead(&self.waiting) < self.rows) {
            let mut batch = Batch::new();
            match next(&mut batch, max_rows, max_bytes) {
                Ok(true) => self.waiting.push_back(batch),
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
        let Some(mut batch) = self.waiting.pop_front() else {
            framed.batch = Batch::new();
            return self.failure.take().map_or(Ok(false), Err);
        };
        framed.after.clear();
        framed.after.extend(self.waiting.iter().flat_map(Batch::records).take(self.rows).cloned());
        // Before a failure, the last rows lack neighbours that a mended file may have: they are shown, and not handed out.
        let lacking = self.rows - framed.after.len();
        if lacking > 0
            && let Some(failure) = self.failure.take()
        {
            let whole = batch.len().saturating_sub(lacking);
            if whole == 0 {
                framed.batch = Batch::new();
                self.waiting.clear();
                return Err(failure);
            }
            framed.after.splice(0..0, batch.records()[whole..].iter().cloned());
            batch.truncate(whole);
            self.waiting.clear();
            self.failure = Some(failure);
        }
        framed.before.clone_from(&self.before);
        framed.batch = batch;
        self.pass(&framed.batch);
        Ok(true)
    }

    /// Takes rows that were read without the window for those before what it reads next.
    pub fn pass(&mut self, batch: &Batch) {
        let last = batch.len().saturating_sub(self.rows);
        self.before.extend_from_slice(&batch.records()[last..]);
        self.before.drain(..self.before.len().saturating_sub(self.rows));
    }
}
