//! JSON Lines in, rows out.
//!
//! Flows in: an [`Input`] with a JSON object a line. Flows out: rows whose columns are the fields of the first object,
//! in its order, and the line itself for those who keep all fields. Values are taken from the text as written (`1.50`
//! stays `1.50`, a number of thirty digits keeps them all), so a row's cells say what its author wrote.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, Read};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::csv_records::{not_utf8, row_too_long};
use super::input::Input;
use super::read_log::{OnError, ReadLog, escaped};
use super::records::{Batch, Deferred, MOST_ROW_BYTES, ReadOptions, RecordReader};
use crate::error::{Error, Place, Result};

/// A JSON Lines file being read.
pub(super) struct JsonlRecords {
    name: Arc<str>,
    input: Input,
    header: Vec<String>,
    indices: HashMap<String, usize>,
    /// The line read last; waiting to become a row when `pending`.
    line: Vec<u8>,
    number: u64,
    pending: bool,
    cells: Vec<String>,
    on_error: OnError,
    log: ReadLog,
    deferred: Deferred,
    rows: u64,
    batches: u64,
}

impl JsonlRecords {
    /// Reads the first good object, for the header.
    pub(super) fn new(input: Input, options: &ReadOptions) -> Result<Self> {
        let name: Arc<str> = input.name().into();
        let (header, indices, cells) = (Vec::new(), HashMap::new(), Vec::new());
        let mut records = JsonlRecords {
            name,
            input,
            header,
            indices,
            line: Vec::new(),
            number: 0,
            pending: false,
            cells,
            on_error: options.on_error,
            log: options.log.clone(),
            deferred: Deferred::default(),
            rows: 0,
            batches: 0,
        };
        while records.advance()? {
            match header_of(&records.name, records.number, &records.line) {
                Ok((header, indices)) => {
                    records.cells = vec![String::new(); header.len()];
                    (records.header, records.indices, records.pending) = (header, indices, true);
                    return Ok(records);
                }
                Err(error) => records.bad_row(error)?,
            }
        }
        let mend = "give a file with a JSON object a line, for example {\"text\": \"...\"}";
        let problem = if records.number == 0 || options.on_error == OnError::Fail {
            "the file is empty"
        } else {
            "the file has no line that can be read"
        };
        Err(Error::input(Place::file(&*records.name), problem, mend))
    }

    fn bad_row(&self, error: Error) -> Result<()> {
        self.log.bad_row(self.on_error, error, || escaped(&self.line).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Reads the next line that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool> {
        loop {
            self.line.clear();
            let mut row = (&mut self.input).take(MOST_ROW_BYTES);
            let read = row.read_until(b'\n', &mut self.line).map_err(|e| Error::io("read", &*self.name, e))?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if read as u64 == MOST_ROW_BYTES && self.line.last() != Some(&b'\n') {
                return Err(row_too_long(&self.name, self.number, "write one object a line"));
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }

    /// Reads the next good object into the batch; false at the end.
    fn next_row(&mut self, batch: &mut Batch) -> Result<bool> {
        while std::mem::take(&mut self.pending) || self.advance()? {
            match self.row(batch) {
                Ok(()) => {
                    self.rows += 1;
                    return Ok(true);
                }
                Err(error) => self.bad_row(error)?,
            }
        }
        Ok(false)
    }

    /// Puts the line read last into the batch.
    fn row(&mut self, batch: &mut Batch) -> Result<()> {
        let line = text_of(&self.name, self.number, &self.line)?;
        self.cells.iter_mut().for_each(String::clear);
        let (header, indices, cells) = (&self.header, &self.indices, &mut self.cells);
        // Objects of one file mostly have their fields in one order: the map is asked only where that fails.
        let (mut next, mut unplaced) = (0, Vec::new());
        parse(&self.name, self.number, line, |key, value| {
            let found =
                if header.get(next).is_some_and(|name| name == key) { Some(next) } else { indices.get(key).copied() };
            let Some(index) = found else {
                unplaced.push(key.to_owned());
                return Ok(());
            };
            next = index + 1;
            cells[index].clear();
            write_cell(value, &mut cells[index])
        })?;
        if !unplaced.is_empty() {
            self.log.unplaced_fields(unplaced);
        }
        let record = batch.slot();
        record.clear();
        self.cells.iter().for_each(|cell| record.push_field(cell));
        batch.commit(self.number);
        batch.keep_raw(line);
        Ok(())
    }
}

impl RecordReader for JsonlRecords {
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

/// The names of an object's fields in its order, and the place of each.
fn header_of(name: &str, number: u64, line: &[u8]) -> Result<(Vec<String>, HashMap<String, usize>)> {
    let (mut header, mut indices) = (Vec::new(), HashMap::new());
    parse(name, number, text_of(name, number, line)?, |key, _| {
        // A name given twice is one column; its last value counts, as in every reader of JSON.
        indices.entry(key.to_owned()).or_insert_with(|| {
            header.push(key.to_owned());
            header.len() - 1
        });
        Ok(())
    })?;
    Ok((header, indices))
}

fn text_of<'a>(name: &str, number: u64, line: &'a [u8]) -> Result<&'a str> {
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text.trim_end_matches(['\n', '\r'])),
        Err(error) => Err(not_utf8(Place::file(name).line(number), error.valid_up_to(), "line")),
    }
}

/// Calls `field` with the name and the raw JSON of each field of an object.
fn parse<'a>(
    name: &str,
    number: u64,
    line: &'a str,
    field: impl FnMut(&str, &'a str) -> serde_json::Result<()>,
) -> Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed = Object(field).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    parsed.map_err(|error| {
        let message = error.to_string();
        let message = message.rfind(" at line ").map_or(&*message, |at| &message[..at]);
        let mend = if line.trim_start().starts_with('[') {
            "write one object a line instead of an array; `jq -c '.[]' FILE` does it"
        } else {
            "write one whole JSON object a line; `jq -c . FILE` makes them of objects spread over lines"
        };
        Error::input(
            Place::file(name).line(number),
            format!("not a JSON object: {message}, at byte {}", error.column()),
            mend,
        )
    })
}

/// Writes a value as a cell: strings as they are, null as nothing, the rest as JSON without spaces.
fn write_cell(value: &str, cell: &mut String) -> serde_json::Result<()> {
    match value.as_bytes().first() {
        Some(b'"') => cell.push_str(&serde_json::from_str::<Text>(value)?.0),
        Some(b'n') => {}
        Some(b'[' | b'{') => compact(value, cell),
        _ => cell.push_str(value),
    }
    Ok(())
}

/// Copies JSON without the white space between its signs.
fn compact(json: &str, out: &mut String) {
    let (mut quoted, mut escaped) = (false, false);
    out.extend(json.chars().filter(|&c| {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return true;
        }
        quoted = c == '"';
        !c.is_ascii_whitespace()
    }));
}

/// A string, borrowed from the line unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Hands the fields of an object to a function, without a map that would lose their order.
struct Object<F>(F);

impl<'de, F: FnMut(&str, &'de str) -> serde_json::Result<()>> DeserializeSeed<'de> for Object<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, &'de str) -> serde_json::Result<()>> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            (self.0)(&key, value.get()).map_err(|e| A::Error::custom(format!("field {key:?}: {e}")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn open(bytes: impl AsRef<[u8]>) -> Result<JsonlRecords> {
        open_with(bytes, &ReadOptions::default())
    }

    fn open_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Result<JsonlRecords> {
        JsonlRecords::new(Input::from_reader("a.jsonl", Cursor::new(bytes.as_ref().to_vec()))?, options)
    }

    fn all(bytes: impl AsRef<[u8]>) -> Result<Batch> {
        let (mut reader, mut batch, mut after) = (open(bytes)?, Batch::new(), Batch::new());
        reader.read(&mut batch, 1000, 1 << 20)?;
        reader.read(&mut after, 1000, 1 << 20)?;
        Ok(batch)
    }

    fn error(bytes: impl AsRef<[u8]>) -> String {
        all(bytes).unwrap_err().to_string()
    }

    #[test]
    fn the_first_object_is_the_header_in_its_order() {
        let text = "\n{\"z\": \"it\", \"text\": \"a\\u00e9\\n\", \"b\": null}\r\n\n{\"b\": 1.50, \"new\": 2, \"text\": \"t\"}\n{}";
        assert_eq!(open(text).unwrap().header(), ["z", "text", "b"]);
        let batch = all(text).unwrap();
        assert_eq!(batch.records(), [vec!["it", "aé\n", ""], vec!["", "t", "1.50"], vec!["", "", ""]]);
        assert_eq!((batch.line(0), batch.line(1), batch.line(2)), (2, 4, 5));
        assert_eq!(batch.raw(1), Some("{\"b\": 1.50, \"new\": 2, \"text\": \"t\"}"));
        assert_eq!(batch.raw(2), Some("{}"));
    }

    #[test]
    fn values_are_as_written() {
        let batch = all(r#"{"a": true, "b": 123456789012345678901234567890, "c": [1, "x \" y", {"k": 2}], "d": {"z": 1, "a": 2}, "a": "last"}"#).unwrap();
        let expected = ["last", "123456789012345678901234567890", r#"[1,"x \" y",{"k":2}]"#, r#"{"z":1,"a":2}"#];
        assert_eq!(batch.record(0), expected.as_slice());
    }

    #[test]
    fn good_rows_come_before_the_error_of_a_bad_one() {
        let mut reader = open("{\"t\": 1}\n{\"t\": 2}\n{\"t\": }\n{\"t\": 4}\n").unwrap();
        let mut batch = Batch::new();
        assert!(reader.read(&mut batch, 100, 1 << 20).unwrap());
        assert_eq!((batch.len(), batch.raw(1)), (2, Some("{\"t\": 2}")));
        assert!(reader.read(&mut batch, 100, 1 << 20).unwrap_err().to_string().starts_with("a.jsonl, line 3: "));
    }

    #[test]
    fn bad_lines_are_passed_over() {
        let log = ReadLog::default();
        let options = ReadOptions { on_error: OnError::Skip, log: log.clone(), ..ReadOptions::default() };
        let text = "nonsense\n{\"t\": \"a\"}\n{\"t\": \"\\ud800\"}\n[]\n{\"t\": \"b\"}\n";
        let (mut reader, mut batch) = (open_with(text, &options).unwrap(), Batch::new());
        assert!(reader.read(&mut batch, 100, 1 << 20).unwrap());
        assert_eq!((batch.records(), batch.line(1)), (&[vec!["a"], vec!["b"]].map(Into::into)[..], 5));
        assert_eq!((log.skipped(), batch.raw(1)), (3, Some("{\"t\": \"b\"}")));
        assert!(log.first_skipped().unwrap().starts_with("a.jsonl, line 1: not a JSON object"));
        assert!(open_with("nonsense\n", &options).err().unwrap().to_string().contains("no line that can be read"));
    }

    #[test]
    fn bad_json_is_refused_with_its_place() {
        let message = error("{\"text\": \"a\"}\n{\"text\": \"b\" \"c\"}\n");
        assert_eq!(
            message,
            "a.jsonl, line 2: not a JSON object: expected `,` or `}`, at byte 14\n  \
             write one whole JSON object a line; `jq -c . FILE` makes them of objects spread over lines"
        );
        assert!(error("{\n\"text\": 1}\n").starts_with("a.jsonl, line 1: not a JSON object: EOF while parsing"));
        assert!(error("[{\"text\": 1}]").contains("`jq -c '.[]' FILE`"));
        assert!(error("\"text\"").contains("expected an object"));
        assert!(error("{} {}").contains("trailing characters"));
        assert!(error("{\"t\": 1}\n{\"t\": \"\\ud800\"}").contains("line 2: not a JSON object: field \"t\": "));
        assert!(error("  \n\n").starts_with("a.jsonl: the file is empty"));
        assert!(error(b"{\"t\": \"\xC3\xA9\xE9\"}").starts_with("a.jsonl, line 1: not UTF-8 at byte 10 of the line"));
    }
}
