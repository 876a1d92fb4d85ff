//! What there is to tell of how files were read.
//!
//! Flows in: notes and bad rows, from readers on whatever thread. Flows out: the notes and a count, when reading is
//! done; and each bad row at once, to whoever asked for it, so that a million of them take no memory.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Place, Result};

/// What to do about a row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// End with an error that names the row.
    #[default]
    Fail,
    /// Pass over the row, and tell the [`ReadLog`].
    Skip,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where it is.
    pub place: Place,
    /// What is wrong with it.
    pub problem: String,
    /// The row as it stands in the file, decoded, without its line end; bytes that are not UTF-8 as `\xE9`.
    pub raw: String,
}

type Sink = dyn FnMut(&BadRow) -> Result<()> + Send;

/// A handle that readers tell and others ask; clones are one log.
///
/// ```
/// use rapporteur::corpus::{Batch, OnError, ReadLog, ReadOptions, open_records};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("speeches.csv").display().to_string();
/// std::fs::write(&path, "id,text\n1,We agree.\n2,too,many\n3,We do not.\n").unwrap();
/// let log = ReadLog::default();
/// let options = ReadOptions { on_error: OnError::Skip, log: log.clone(), ..ReadOptions::default() };
/// let mut reader = open_records(&path, &options)?;
/// let mut batch = Batch::new();
/// reader.read(&mut batch, 10, 1000)?;
/// assert_eq!((batch.len(), log.skipped()), (2, 1));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ReadLog {
    inner: Arc<Mutex<Inner>>,
    bytes: Arc<AtomicU64>,
}

#[derive(Default)]
struct Inner {
    notes: Vec<String>,
    skipped: u64,
    first: Option<String>,
    sink: Option<Box<Sink>>,
    unplaced: Unplaced,
}

/// Fields of JSON records that have no column, because the first record has no such field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Records with such fields.
    pub records: u64,
    /// Names of the fields, sorted; those of the first records, where they are very many.
    pub fields: BTreeSet<String>,
}

impl ReadLog {
    /// A log that hands every bad row on; an error of `sink` ends the reading.
    pub fn handing_on(sink: impl FnMut(&BadRow) -> Result<()> + Send + 'static) -> Self {
        let inner = Inner { sink: Some(Box::new(sink)), ..Inner::default() };
        ReadLog { inner: Arc::new(Mutex::new(inner)), ..ReadLog::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the user should know, such as an encoding that was guessed.
    pub fn notes(&self) -> Vec<String> {
        self.inner().notes.clone()
    }

    /// Rows passed over.
    pub fn skipped(&self) -> u64 {
        self.inner().skipped
    }

    /// The place of the first row passed over and what is wrong with it.
    pub fn first_skipped(&self) -> Option<String> {
        self.inner().first.clone()
    }

    /// Bytes read from files, as they are there: before they are unpacked or decoded.
    pub fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count_bytes(&self, n: usize) {
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// What has no column; a table of what was read is without it.
    pub fn unplaced(&self) -> Unplaced {
        self.inner().unplaced.clone()
    }

    /// Counts a record with fields that have no column.
    pub(super) fn unplaced_fields(&self, names: impl IntoIterator<Item = String>) {
        const MOST: usize = 100;
        let Unplaced { records, fields } = &mut self.inner().unplaced;
        *records += 1;
        for name in names {
            if fields.len() < MOST {
                fields.insert(name);
            }
        }
    }

    pub(super) fn note(&self, note: String) {
        self.inner().notes.push(note);
    }

    /// Fails with the error of a row, or tells of it, as `on_error` says.
    pub(super) fn bad_row(&self, on_error: OnError, error: Error, raw: impl FnOnce() -> String) -> Result<()> {
        let (OnError::Skip, Error::Input { place, problem, .. }) = (on_error, &error) else { return Err(error) };
        let inner = &mut *self.inner();
        inner.skipped += 1;
        inner.first.get_or_insert_with(|| format!("{place}: {problem}"));
        match &mut inner.sink {
            None => Ok(()),
            Some(sink) => sink(&BadRow { place: place.clone(), problem: problem.clone(), raw: raw() }),
        }
    }
}

impl fmt::Debug for ReadLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("ReadLog").field("notes", &inner.notes).field("skipped", &inner.skipped).finish_non_exhaustive()
    }
}

/// Bytes as text, those that are not UTF-8 as `\xE9`: nothing is lost.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
    }
    out
}
