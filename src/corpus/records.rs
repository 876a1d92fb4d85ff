//! Records: what every format comes to.
//!
//! Flows in: a path and [`ReadOptions`]. Flows out: a header and [`Batch`]es of rows, in order, each row with its line.
//! A batch is lent by the caller and filled anew each time, so that a stream of any length lives in the memory of one
//! batch, and a batch is the unit that threads hand around. The rooms above see rows and columns only; that prose has
//! no columns and JSON no header ends here.

use std::sync::Arc;

use csv::StringRecord;

use super::csv_records::CsvRecords;
use super::encoding::Encoding;
use super::format::{Delimiter, Format, header_end};
use super::input::Input;
use super::jsonl_records::JsonlRecords;
use super::read_log::{OnError, ReadLog};
use super::text_records::TextRecords;
use crate::error::{Error, Place, Result};

/// Bytes of a row at most. A file without line ends, or with a quote that is never closed, is one row, and must not fill the
/// memory.
pub(super) const MOST_ROW_BYTES: u64 = 1 << 29;
/// Bytes of a row that a batch keeps room for.
const ROOMY: usize = 1 << 14;
/// What a cell costs beside its text.
const CELL_BYTES: usize = size_of::<usize>();

/// How to read a file.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Format; `None` to go by the name, then by the content.
    pub format: Option<Format>,
    /// What separates the cells of CSV. TSV has tabs unless this names another byte.
    pub delimiter: Delimiter,
    /// Paragraphs of plain text longer than this many words are split at sentence ends.
    pub max_words: usize,
    /// Columns whose presence in the first line shows that a file without a telling name is CSV and not prose.
    pub columns: Vec<String>,
    /// What encodes the text.
    pub encoding: Encoding,
    /// What to do about rows that cannot be read.
    pub on_error: OnError,
    /// Hears of what should be told.
    pub log: ReadLog,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            format: None,
            delimiter: Delimiter::Auto,
            max_words: 250,
            columns: vec!["text".to_owned()],
            encoding: Encoding::default(),
            on_error: OnError::default(),
            log: ReadLog::default(),
        }
    }
}

/// A run of consecutive rows of one file.
#[derive(Debug, Default)]
pub struct Batch {
    name: Arc<str>,
    sequence: u64,
    first_row: u64,
    records: Vec<StringRecord>,
    lines: Vec<u64>,
    bytes: usize,
    raw: String,
    raw_ends: Vec<usize>,
}

impl Batch {
    /// An empty batch, to be filled by [`RecordReader::read`].
    pub fn new() -> Self {
        Batch::default()
    }

    /// The file as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of this batch among those of its reader, from 0: what puts results of several threads back in order.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Gives the batch another number, for those who read several files as one.
    pub fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// Number of the first row in its file; rows are counted from 1 and the header is none.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The cells of row `i` of the batch (from 0), as many as the header has.
    pub fn record(&self, i: usize) -> &StringRecord {
        &self.records[..self.lines.len()][i]
    }

    /// The rows in order.
    pub fn records(&self) -> &[StringRecord] {
        &self.records[..self.lines.len()]
    }

    /// The line on which row `i` begins, from 1; 0 for plain text, whose paragraphs are mended across lines.
    pub fn line(&self, i: usize) -> u64 {
        self.lines[i]
    }

    /// The line of JSON that row `i` was made from, without its line end; `None` for the other formats.
    pub fn raw(&self, i: usize) -> Option<&str> {
        let end = *self.raw_ends.get(i)?;
        let start = if i == 0 { 0 } else { self.raw_ends[i - 1] };
        Some(&self.raw[start..end])
    }

    /// Where row `i` is, for an error.
    pub fn place(&self, i: usize) -> Place {
        let place = Place::file(&*self.name);
        if self.lines[i] == 0 { place } else { place.line(self.lines[i]) }
    }

    /// Empties the batch for rows of `name` from `first_row` on; the memory stays.
    pub(super) fn begin(&mut self, name: &Arc<str>, sequence: u64, first_row: u64) {
        if self.name != *name {
            self.name = Arc::clone(name);
        }
        // A place that held a large row gives its memory back: in a long stream every place holds one some time.
        for record in &mut self.records[..self.lines.len()] {
            if record.as_slice().len() + record.len() * CELL_BYTES > ROOMY {
                *record = StringRecord::new();
            }
        }
        self.sequence = sequence;
        self.first_row = first_row;
        self.lines.clear();
        self.bytes = 0;
        self.raw.clear();
        self.raw_ends.clear();
    }

    /// The record to fill next.
    pub(super) fn slot(&mut self) -> &mut StringRecord {
        let next = self.lines.len();
        if next == self.records.len() {
            self.records.push(StringRecord::new());
        }
        &mut self.records[next]
    }

    /// Takes the record in [`Batch::slot`] for a row.
    pub(super) fn commit(&mut self, line: u64) {
        let record = self.slot();
        self.bytes += record.as_slice().len() + record.len() * CELL_BYTES;
        self.lines.push(line);
    }

    /// Forgets the rows from `rows` on.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.lines.truncate(rows);
        self.raw_ends.truncate(rows);
        self.raw.truncate(self.raw_ends.last().copied().unwrap_or(0));
    }

    /// Keeps the JSON of the row just committed.
    pub(super) fn keep_raw(&mut self, line: &str) {
        self.raw.push_str(line);
        self.raw_ends.push(self.raw.len());
    }

    /// True when a limit is reached. A row is always taken, however big.
    pub(super) fn is_full(&self, max_rows: usize, max_bytes: usize) -> bool {
        !self.is_empty() && (self.len() >= max_rows || self.bytes >= max_bytes)
    }
}

/// The error of a row that came after good ones: they are handed out first, so that nothing before it is lost.
#[derive(Default)]
pub(super) struct Deferred(Option<Error>);

impl Deferred {
    /// Fills a batch by calling `next` for one row after the other until it returns false or the batch is full.
    pub(super) fn fill(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        max_bytes: usize,
        mut next: impl FnMut(&mut Batch) -> Result<bool>,
    ) -> Result<bool> {
        if let Some(error) = self.0.take() {
            return Err(error);
        }
        while !batch.is_full(max_rows, max_bytes) {
            match next(batch) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.0 = Some(error);
                    break;
                }
            }
        }
        Ok(!batch.is_empty())
    }
}

/// A file of records being read.
///
/// ```
/// use rapporteur::corpus::{Batch, ReadOptions, open_records};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("speeches.csv").display().to_string();
/// std::fs::write(&path, "id;text\n1;We support it.\n2;We do not.\n").unwrap();
/// let mut reader = open_records(&path, &ReadOptions::default())?;
/// assert_eq!(reader.header(), ["id", "text"]);
/// let mut batch = Batch::new();
/// while reader.read(&mut batch, 1000, 1 << 20)? {
///     assert_eq!(batch.len(), 2);
///     assert_eq!((&batch.record(1)[1], batch.line(1)), ("We do not.", 3));
/// }
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub trait RecordReader: Send {
    /// The file as the user gave it, or `standard input`.
    fn name(&self) -> &str;

    /// Names of the columns.
    fn header(&self) -> &[String];

    /// Fills `batch` with the next rows, up to `max_rows` or about `max_bytes` of text, whichever comes first, and at
    /// least one. Returns false, and an empty batch, at the end. Rows that cannot be read are passed over where
    /// [`ReadOptions::on_error`] says so.
    ///
    /// # Errors
    /// A row that cannot be read, with its place: the good rows before it come first, in a batch of their own. Reading
    /// cannot go on after one.
    fn read(&mut self, batch: &mut Batch, max_rows: usize, max_bytes: usize) -> Result<bool>;
}

/// Opens a file, or standard input for `-`, in the format that the options, its name or its content say.
///
/// # Errors
/// When the file cannot be read, is empty, or has a header that cannot be used.
pub fn open_records(path: &str, options: &ReadOptions) -> Result<Box<dyn RecordReader>> {
    open_as(path, options, None)
}

/// Reads records from any reader; `name` is what errors will call it, and its ending tells the format where the options do
/// not.
///
/// ```
/// use rapporteur::corpus::{Batch, ReadOptions, read_records};
/// let mut reader = read_records("memory.csv", &b"id,text\n1,We agree.\n"[..], &ReadOptions::default())?;
/// let mut batch = Batch::new();
/// assert!(reader.read(&mut batch, 1000, 1 << 20)?);
/// assert_eq!(&batch.record(0)[1], "We agree.");
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// As [`open_records`].
pub fn read_records(
    name: &str,
    reader: impl std::io::Read + Send + 'static,
    options: &ReadOptions,
) -> Result<Box<dyn RecordReader>> {
    records_of(Input::decoding(name, reader, options.encoding, &options.log)?, name, options, None)
}

/// As [`open_records`], and where only the content could tell, prose is taken for `rather`: a corpus with labels is
/// never prose.
pub(super) fn open_as(path: &str, options: &ReadOptions, rather: Option<Format>) -> Result<Box<dyn RecordReader>> {
    records_of(Input::open_encoded(path, options.encoding, &options.log)?, path, options, rather)
}

fn records_of(
    mut input: Input,
    path: &str,
    options: &ReadOptions,
    rather: Option<Format>,
) -> Result<Box<dyn RecordReader>> {
    let format = match options.format.or_else(|| Format::of_name(path)) {
        Some(format) => format,
        None => {
            let start = input.peek(|seen| header_end(seen).is_some())?;
            match Format::of_content(start, &options.columns, options.delimiter) {
                Format::Text => rather.unwrap_or(Format::Text),
                format => format,
            }
        }
    };
    Ok(match format {
        Format::Tsv if options.delimiter == Delimiter::Auto => {
            Box::new(CsvRecords::new(input, Delimiter::Byte(b'\t'), options)?)
        }
        Format::Csv | Format::Tsv => Box::new(CsvRecords::new(input, options.delimiter, options)?),
        Format::Jsonl => Box::new(JsonlRecords::new(input, options)?),
        Format::Text => Box::new(TextRecords::new(input, path, options.max_words)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(name: &str, content: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        open_records(path.to_str().unwrap(), &ReadOptions::default()).unwrap().header().to_vec()
    }

    #[test]
    fn name_then_content_tell_the_format() {
        assert_eq!(header_of("a.txt", "id,text\n1,a\n"), ["source", "paragraph", "text"]);
        assert_eq!(header_of("a", "id,text\n1,a\n"), ["id", "text"]);
        assert_eq!(header_of("a.out", "{\"id\": 1}\n"), ["id"]);
        assert_eq!(header_of("a", "Prose.\n"), ["source", "paragraph", "text"]);
        assert_eq!(header_of("a.tsv", "id,x\ttext\n"), ["id,x", "text"]);
    }

    /// Each of two thousand places kept room for the largest row that it ever held.
    #[test]
    fn large_rows_are_given_back() {
        let mut text = "text\n".to_owned();
        for i in 0..20 {
            text.push_str(&"a\n".repeat(i));
            text.push_str(&"b".repeat(3 * ROOMY));
            text.push('\n');
        }
        let input = Input::from_reader("x", std::io::Cursor::new(text.into_bytes())).unwrap();
        let mut reader = CsvRecords::new(input, Delimiter::Auto, &ReadOptions::default()).unwrap();
        let mut batch = Batch::new();
        while reader.read(&mut batch, 100, 2 * ROOMY).unwrap() {
            assert!(batch.records.iter().filter(|record| record.as_slice().len() > ROOMY).count() <= 1);
        }
    }

    #[test]
    fn batches_respect_rows_and_bytes() {
        let input = Input::from_reader("x", &b"text\naaaa\nbbbb\ncccc\ndddd\n"[..]).unwrap();
        let mut reader = CsvRecords::new(input, Delimiter::Auto, &ReadOptions::default()).unwrap();
        let mut batch = Batch::new();
        let mut sizes = Vec::new();
        for (rows, bytes) in [(1, 1000), (10, 5 + CELL_BYTES), (0, 0), (10, 10)] {
            let more = reader.read(&mut batch, rows, bytes).unwrap();
            sizes.push((more, batch.sequence(), batch.first_row(), batch.len()));
        }
        assert_eq!(sizes, [(true, 0, 1, 1), (true, 1, 2, 2), (true, 2, 4, 1), (false, 3, 5, 0)]);
        assert!(batch.raw(0).is_none() && batch.records().is_empty());
    }
}
