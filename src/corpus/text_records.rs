//! Plain text in, a row a paragraph out.
//!
//! Flows in: an [`Input`] of prose. Flows out: rows `source,paragraph,text`. The whole text is read first, unlike the
//! other formats: how its paragraphs are told apart depends on the lengths of all its lines (see [`split_paragraphs`]).
//! A text is a speech or a book, so this is little; whoever has gigabytes has them in a file with columns.

use std::io::Read;
use std::sync::Arc;

use super::csv_records::not_utf8;
use super::input::Input;
use super::paragraphs::split_paragraphs;
use super::records::{Batch, MOST_ROW_BYTES, RecordReader};
use crate::error::{Error, Place, Result};

/// A text being handed out.
pub(super) struct TextRecords {
    name: Arc<str>,
    source: String,
    header: Vec<String>,
    paragraphs: std::vec::IntoIter<String>,
    rows: u64,
    batches: u64,
}

impl TextRecords {
    /// Reads and splits the text. `source` is what the first column will say: the file as the user gave it.
    pub(super) fn new(mut input: Input, source: &str, max_words: usize) -> Result<Self> {
        let mut bytes = Vec::new();
        let read = (&mut input).take(MOST_ROW_BYTES).read_to_end(&mut bytes);
        if read.map_err(|e| Error::io("read", input.name(), e))? as u64 == MOST_ROW_BYTES {
            let problem = format!("a plain text of {} MiB or more", MOST_ROW_BYTES >> 20);
            return Err(Error::input(
                Place::file(input.name()),
                problem,
                "cut it into several files, or make it a table",
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..valid];
            let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
            let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            not_utf8(Place::file(input.name()).line(line), valid - start, "line")
        })?;
        if text.trim().is_empty() {
            return Err(Error::input(Place::file(input.name()), "the file is empty", "give a file with text in it"));
        }
        Ok(TextRecords {
            name: input.name().into(),
            source: source.to_owned(),
            header: ["source", "paragraph", "text"].map(str::to_owned).to_vec(),
            paragraphs: split_paragraphs(&text, max_words).into_iter(),
            rows: 0,
            batches: 0,
        })
    }
}

impl RecordReader for TextRecords {
    fn name(&self) -> &str {
        &self.name
    }

    fn header(&self) -> &[String] {
        &self.header
    }

    fn read(&mut self, batch: &mut Batch, max_rows: usize, max_bytes: usize) -> Result<bool> {
        batch.begin(&self.name, self.batches, self.rows + 1);
        self.batches += 1;
        while !batch.is_full(max_rows, max_bytes) {
            let Some(paragraph) = self.paragraphs.next() else { break };
            self.rows += 1;
            let record = batch.slot();
            record.clear();
            record.push_field(&self.source);
            record.push_field(&self.rows.to_string());
            record.push_field(&paragraph);
            batch.commit(0);
        }
        Ok(!batch.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn open(bytes: &[u8]) -> Result<TextRecords> {
        TextRecords::new(Input::from_reader("standard input", Cursor::new(bytes.to_vec()))?, "-", 250)
    }

    #[test]
    fn paragraphs_are_numbered_rows() {
        let mut reader = open(b"\xEF\xBB\xBFFirst paragraph.\n\nSecond paragraph.\n").unwrap();
        let mut batch = Batch::new();
        assert!(reader.read(&mut batch, 10, 1000).unwrap());
        assert_eq!(batch.records(), [["-", "1", "First paragraph."], ["-", "2", "Second paragraph."]].map(Vec::from));
        assert_eq!((batch.line(0), batch.place(0)), (0, Place::file("standard input")));
        assert!(!reader.read(&mut batch, 10, 1000).unwrap());
    }

    #[test]
    fn empty_and_ill_encoded_texts_are_refused() {
        assert!(open(b" \n\n").err().unwrap().to_string().starts_with("standard input: the file is empty"));
        let message = open(b"\xC3\xA9ne\ntwo caf\xE9\n").err().unwrap().to_string();
        assert!(message.starts_with("standard input, line 2: not UTF-8 at byte 8 of the line"), "{message}");
    }
}
