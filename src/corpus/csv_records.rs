//! CSV and TSV in, rows out.
//!
//! Flows in: an [`Input`] of RFC 4180 text with any line ends. Flows out: rows as wide as the header. The `csv` crate
//! cuts the cells; it forgives what should be reported here, and [`Source`] gives it just enough less rope.

use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use super::csv_source::Source;
use super::format::{Delimiter, header_end};
use super::input::{BUFFER, Input};
use super::read_log::{OnError, ReadLog, escaped};
use super::records::{Batch, Deferred, MOST_ROW_BYTES, ReadOptions, RecordReader};
use crate::error::{Error, Place, Result};

/// A CSV file being read.
pub(super) struct CsvRecords {
    name: Arc<str>,
    header: Vec<String>,
    delimiter: u8,
    reader: csv::Reader<Source>,
    /// Lines ended by a bare carriage return, which the `csv` crate does not count; `None` unless the file has such.
    carriage_returns: Option<u64>,
    /// The record that failed last.
    bad: ByteRecord,
    on_error: OnError,
    log: ReadLog,
    deferred: Deferred,
    rows: u64,
    batches: u64,
}

impl CsvRecords {
    /// Reads the header.
    pub(super) fn new(mut input: Input, delimiter: Delimiter, options: &ReadOptions) -> Result<Self> {
        let name: Arc<str> = input.name().into();
        let start = input.peek(|seen| header_end(seen).is_some_and(|end| end + 1 < seen.len()))?;
        if start.iter().all(u8::is_ascii_whitespace) {
            let mend = "give a file with a header line, for example text,topic,stance";
            return Err(Error::input(Place::file(&*name), "the file is empty", mend));
        }
        let delimiter = delimiter.resolve(start);
        let bare = header_end(start).is_some_and(|end| start[end] == b'\r' && start.get(end + 1) != Some(&b'\n'));
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            // Widths are checked here, where the message can say more.
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(Source::new(input));
        let carriage_returns = bare.then_some(0);
        let header = Vec::new();
        let mut records = CsvRecords {
            name,
            header,
            delimiter,
            reader,
            carriage_returns,
            bad: ByteRecord::new(),
            on_error: options.on_error,
            log: options.log.clone(),
            deferred: Deferred::default(),
            rows: 0,
            batches: 0,
        };
        let mut first = StringRecord::new();
        if records.next(&mut first)?.is_some() {
            records.header = first.iter().map(|cell| cell.trim().to_owned()).collect();
        }
        Ok(records)
    }

    /// Reads a record of whatever width; returns the line it begins on, or `None` at the end. The bytes of a record that
    /// fails stay in `bad`.
    fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>> {
        let before = self.reader.position().line();
        self.reader.get_mut().begin_row();
        let mut bytes = std::mem::take(record).into_byte_record();
        match self.reader.read_byte_record(&mut bytes) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.explain(error, before)),
        }
        let end = self.reader.position().byte();
        let passed = self.reader.position().line() - before;
        let closing = self.reader.get_ref().byte(end.saturating_sub(1));
        // Line feeds passed are those in the cells, the one that ended the record, and any before it: of blank lines,
        // or the second half of the last record's CR LF. Only the last kind moves the record's first line, so the
        // others are taken off.
        let unclosed = self.reader.get_ref().is_exhausted();
        let ended = u64::from(closing == Some(b'\n') && !unclosed);
        let inside = if passed > ended { count(&bytes, b'\n') } else { 0 };
        let mut line = before + passed.saturating_sub(ended + inside);
        if let Some(returns) = &mut self.carriage_returns {
            line += *returns;
            *returns += count(&bytes, b'\r') + u64::from(closing == Some(b'\r'));
        }
        let place = Place::file(&*self.name).line(line);
        if unclosed {
            self.bad = bytes;
            return Err(Error::input(
                place,
                "a quote opened in this row is not closed before the end of the file",
                "close the quote; double the quotes inside quoted cells (\"\")",
            ));
        }
        *record = StringRecord::from_byte_record(bytes).map_err(|error| {
            let why = error.utf8_error().clone();
            self.bad = error.into_byte_record();
            let column = self.header.get(why.field()).filter(|name| !name.is_empty()).cloned();
            let column = column.unwrap_or_else(|| format!("number {}", why.field() + 1));
            not_utf8(place.field(column), why.valid_up_to(), "cell")
        })?;
        Ok(Some(line))
    }

    /// Reads a record as wide as the header, or `None` at the end. A line of nothing but white space is a blank one.
    fn row(&mut self, record: &mut StringRecord) -> Result<Option<u64>> {
        loop {
            let Some(line) = self.next(record)? else { return Ok(None) };
            if record.len() == self.header.len() {
                return Ok(Some(line));
            }
            if record.len() == 1 && record.as_slice().trim().is_empty() {
                continue;
            }
            self.bad.clone_from(record.as_byte_record());
            let shown = if self.delimiter == b'\t' { "tab".into() } else { format!("{:?}", self.delimiter as char) };
            return Err(Error::input(
                Place::file(&*self.name).line(line),
                format!(
                    "found {} field{}, expected {} as in the header",
                    record.len(),
                    if record.len() == 1 { "" } else { "s" },
                    self.header.len()
                ),
                format!(
                    "put quotes round cells that hold the delimiter ({shown}) or line ends, or name another --delimiter"
                ),
            ));
        }
    }

    /// Reads the next good record into the batch; false at the end.
    fn next_row(&mut self, batch: &mut Batch) -> Result<bool> {
        loop {
            match self.row(batch.slot()) {
                Ok(Some(line)) => {
                    batch.commit(line);
                    self.rows += 1;
                    return Ok(true);
                }
                Ok(None) => return Ok(false),
                Err(error) => self.log.bad_row(self.on_error, error, || self.raw())?,
            }
        }
    }

    /// The record that failed, as CSV.
    fn raw(&self) -> String {
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).flexible(true).from_writer(Vec::new());
        // Writing to memory cannot fail.
        let written = writer.write_byte_record(&self.bad).is_ok();
        let bytes = writer.into_inner().unwrap_or_default();
        if written { escaped(&bytes).trim_end_matches('\n').to_owned() } else { String::new() }
    }

    fn explain(&self, error: csv::Error, line: u64) -> Error {
        match error.into_kind() {
            csv::ErrorKind::Io(_) if self.reader.get_ref().row_is_too_long() => {
                row_too_long(&self.name, line, "close the quote that was opened there")
            }
            csv::ErrorKind::Io(source) => Error::io("read", &*self.name, source),
            other => Error::input(
                Place::file(&*self.name).line(line),
                format!("not readable as CSV ({other:?})"),
                "check the quotes",
            ),
        }
    }
}

impl RecordReader for CsvRecords {
    fn name(&self) -> &str {
        &self.name
    }

    fn header(&self) -> &[String] {
        &self.header
    }

    fn read(&mut self, batch: &mut Batch, max_rows: usize, max_bytes: usize) -> Result<bool> {
        batch.begin(&self.name, self.batches, self.rows + 1);
        self.batches += 1;
        let mut deferred = std::mem::take(&mut self.deferred);
        let more = deferred.fill(batch, max_rows, max_bytes, |batch| self.next_row(batch));
        self.deferred = deferred;
        more
    }
}

/// The error of bytes that are not UTF-8, `valid` bytes into a cell or line.
pub(super) fn not_utf8(place: Place, valid: usize, within: &str) -> Error {
    Error::input(
        place,
        format!("not UTF-8 at byte {} of the {within}", valid + 1),
        "save the file as UTF-8 (in Excel: \"CSV UTF-8\"), name its encoding with --encoding, or convert it with iconv",
    )
}

/// The error of a row that no memory should hold. It ends the reading whatever is done about bad rows: where the next
/// row begins is not known.
pub(super) fn row_too_long(name: &str, line: u64, mend: &str) -> Error {
    Error::corpus(format!("{name}, line {line}: a row of more than {} MiB begins here", MOST_ROW_BYTES >> 20), mend)
}

fn count(record: &ByteRecord, byte: u8) -> u64 {
    memchr::memchr_iter(byte, record.as_slice()).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    type Rows = Vec<(u64, Vec<String>)>;

    fn open(bytes: impl AsRef<[u8]>) -> Result<CsvRecords> {
        let bytes = bytes.as_ref().to_vec();
        open_with(bytes, &ReadOptions::default())
    }

    fn open_with(bytes: Vec<u8>, options: &ReadOptions) -> Result<CsvRecords> {
        CsvRecords::new(Input::from_reader("a.csv", Cursor::new(bytes))?, Delimiter::Auto, options)
    }

    fn rows(bytes: impl AsRef<[u8]>) -> Result<Rows> {
        rows_of(open(bytes)?)
    }

    fn rows_of(mut reader: CsvRecords) -> Result<Rows> {
        let mut batch = Batch::new();
        let mut rows = Vec::new();
        while reader.read(&mut batch, 2, 1 << 20)? {
            rows.extend((0..batch.len()).map(|i| (batch.line(i), batch.record(i).iter().map(str::to_owned).collect())));
        }
        Ok(rows)
    }

    fn error(bytes: impl AsRef<[u8]>) -> String {
        rows(bytes).unwrap_err().to_string()
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|&c| c.to_owned()).collect())
    }

    #[test]
    fn lines_are_exact_with_every_line_end() {
        let text = "\n id ,text\n1,\"two\nlines\"\n\n2,\"say \"\"no\"\"\"\n3,\"a,b\"";
        let expected = |end: &str| {
            vec![row(3, &["1", &format!("two{end}lines")]), row(6, &["2", "say \"no\""]), row(7, &["3", "a,b"])]
        };
        assert_eq!(rows(text).unwrap(), expected("\n"));
        assert_eq!(rows(text.replace('\n', "\r\n")).unwrap(), expected("\r\n"));
        // Blank lines of bare carriage returns are passed over uncounted.
        let bare = rows("id,text\r1,\"two\rlines\"\r2,b\r").unwrap();
        assert_eq!(bare, [row(2, &["1", "two\rlines"]), row(4, &["2", "b"])]);
        assert_eq!(rows("a,b\r\n1,2\n3,4\r\n5,6\n").unwrap().iter().map(|r| r.0).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn headers_are_trimmed_and_checked() {
        assert_eq!(open("\u{FEFF} id ;\" text\";\n").unwrap().header(), ["id", "text", ""]);
        assert!(rows("id,text").unwrap().is_empty());
        assert_eq!(rows("id,,\n1,,\n").unwrap(), [row(2, &["1", "", ""])]);
        for empty in ["", "\n\r\n", " \n"] {
            assert!(error(empty).starts_with("a.csv: the file is empty\n  give a file"), "{}", error(empty));
        }
        // Two columns of one name are refused by those who look for it.
        assert_eq!(open("text,id,text\n").unwrap().header(), ["text", "id", "text"]);
    }

    #[test]
    fn ragged_rows_are_refused_with_their_place() {
        let message = error("id,text,topic\n1,\"a\nb\",x\n2,Yes, we do,y\n");
        assert!(message.starts_with("a.csv, line 4: found 4 fields, expected 3 as in the header\n"), "{message}");
        assert!(message.contains("put quotes round") && message.contains("(',')"), "{message}");
        assert!(error("a\tb\n1\n").contains("line 2: found 1 field, expected 2"));
    }

    #[test]
    fn good_rows_come_before_the_error_of_a_bad_one() {
        for bad in [&b"3\n"[..], b"3,\xC3\xA9 caf\xE9\n", b"3,\"open\n"] {
            let mut reader = open([b"id,text\n1,a\n2,b\n", bad, b"4,d\n"].concat()).unwrap();
            let mut batch = Batch::new();
            assert!(reader.read(&mut batch, 100, 1 << 20).unwrap());
            assert_eq!((batch.len(), batch.line(1)), (2, 3));
            let message = reader.read(&mut batch, 100, 1 << 20).unwrap_err().to_string();
            assert!(message.starts_with("a.csv, line 4"), "{message}");
        }
        assert!(open("id,text\n1\n").unwrap().read(&mut Batch::new(), 100, 1 << 20).is_err());
    }

    #[test]
    fn a_hundred_thousand_columns_are_read() {
        let header: Vec<String> = (0..100_000).map(|i| format!("column {i}")).collect();
        assert_eq!(open(header.join(",")).unwrap().header().len(), 100_000);
    }

    #[test]
    fn invalid_utf8_is_refused_with_its_place() {
        let message = error(b"id,text\n1,\xC3\xA9\n\n2,caf\xE9 noir\n");
        assert!(message.starts_with("a.csv, line 4, column \"text\": not UTF-8 at byte 4 of the cell"), "{message}");
        assert!(message.contains("save the file as UTF-8"), "{message}");
        let message = error(b"id,text\r\n1,\xC3\xA9\r\n2,caf\xE9 noir\r\n");
        assert!(message.starts_with("a.csv, line 3, column \"text\""), "{message}");
        assert!(error(b"\xC3\xA9,caf\xE9\n").contains("line 1, column \"number 2\": not UTF-8"));
    }

    #[test]
    fn bad_rows_are_passed_over_and_told_of() {
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = ReadLog::handing_on({
            let heard = heard.clone();
            move |row| {
                heard.lock().unwrap().push((row.place.line, row.problem.clone(), row.raw.clone()));
                Ok(())
            }
        });
        let options = ReadOptions { on_error: OnError::Skip, log: log.clone(), ..ReadOptions::default() };
        let bytes = b"id,text\n1,\xC3\xA9\n2,too,\"ma\nny\"\n3,b\n4,caf\xE9\n  \n5,c\n6,\"open\n7,d\n";
        let read = rows_of(open_with(bytes.to_vec(), &options).unwrap()).unwrap();
        assert_eq!(read, [row(2, &["1", "é"]), row(5, &["3", "b"]), row(8, &["5", "c"])]);
        assert_eq!(log.skipped(), 3);
        assert!(log.first_skipped().unwrap().starts_with("a.csv, line 3: found 3 fields"));
        let heard = heard.lock().unwrap().clone();
        let rows: Vec<(u64, &str)> = heard.iter().map(|(line, _, raw)| (line.unwrap(), raw.as_str())).collect();
        assert_eq!(rows, [(3, "2,too,\"ma\nny\""), (6, "4,caf\\xE9"), (9, "6,\"open\n7,d\n\n\"")]);
    }

    #[test]
    fn lines_of_white_space_are_blank() {
        assert_eq!(rows("a,b\n  \n1,2\n\t\n").unwrap(), [row(3, &["1", "2"])]);
        assert_eq!(rows("a\n \nx\n").unwrap(), [row(2, &[" "]), row(3, &["x"])]);
    }

    #[test]
    fn an_unclosed_quote_names_the_row_it_opened_in() {
        for text in ["id,text\n1,a\n2,\"b\n3,c\n", "id,text\n1,a\n2,\"b\"\"\n3,c", "id,text\r\n1,a\r\n2,\"\r\n"] {
            let message = error(text);
            assert!(message.starts_with("a.csv, line 3: a quote opened in this row is not closed"), "{message}");
        }
        assert!(error("id,\"text\n1,2\n").starts_with("a.csv, line 1: a quote opened"));
        assert_eq!(rows("a,b\n1,\"x\"").unwrap(), [row(2, &["1", "x"])]);
        assert_eq!(rows("a,b\n1,\"\"").unwrap(), [row(2, &["1", ""])]);
        assert_eq!(rows("a,b\n1,\"\r").unwrap_err().to_string().lines().count(), 2);
    }

    #[test]
    fn records_longer_than_the_buffers_keep_their_lines() {
        let long = "word\n".repeat(BUFFER / 2);
        let text = format!("id,text\n1,\"{long}\"\n2,b\n");
        let lines: Vec<u64> = rows(&text).unwrap().iter().map(|r| r.0).collect();
        assert_eq!(lines, [2, 3 + BUFFER as u64 / 2]);
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(
            cells in prop::collection::vec(prop::collection::vec("[a,\"\r\n é;]{0,5}", 3), 0..6),
            windows in any::<bool>(),
        ) {
            let terminator = if windows { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            for record in &cells {
                writer.write_record(record).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let read = rows(&bytes).unwrap();
            let mut line = 2;
            prop_assert_eq!(read.len(), cells.len());
            for (found, record) in read.iter().zip(&cells) {
                prop_assert_eq!(&found.1, record);
                prop_assert_eq!(found.0, line);
                line += 1 + record.iter().map(|c| c.matches('\n').count() as u64).sum::<u64>();
            }
        }
    }
}
