//! What the `csv` crate reads from.
//!
//! Flows in: an [`Input`]. Flows out: its bytes, and a line end after the last, so that only a record with an open quote can still be waiting when the
//! input ends. The block last read is kept, so that lines are counted exactly whatever ends them, and a row that does not end is one error and not all of memory.

use std::io::{self, Read};

use super::input::{BUFFER, Input};
use super::records::MOST_ROW_BYTES;

/// The input with a line end after its last byte, and its latest block kept.
pub(super) struct Source {
    input: Input,
    block: Vec<u8>,
    /// Offset of the block in the input.
    offset: u64,
    filled: usize,
    given: usize,
    closed: bool,
    /// Bytes given since the row began, to the size of a block.
    row: u64,
    /// True once the end has been reported to the reader.
    exhausted: bool,
}

impl Source {
    pub fn new(input: Input) -> Self {
        Source {
            input,
            block: vec![0; BUFFER],
            offset: 0,
            filled: 0,
            given: 0,
            closed: false,
            row: 0,
            exhausted: false,
        }
    }

    /// Counts a row's bytes from here on.
    pub fn begin_row(&mut self) {
        self.row = 0;
    }

    /// Whether the row ended the reading because no memory should hold it.
    pub fn row_is_too_long(&self) -> bool {
        self.row > MOST_ROW_BYTES
    }

    /// Whether the reader has heard of the end.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The byte at an offset within the block read last. The byte before a position of the reader always is: the reader
    /// asks for a block only when it needs a byte of it.
    pub fn byte(&self, offset: u64) -> Option<u8> {
        let at = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.block[..self.filled].get(at).copied()
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.filled {
            if self.closed {
                self.exhausted = true;
                return Ok(0);
            }
            let mut read = self.input.read(&mut self.block)?;
            if read == 0 {
                self.block[0] = b'\n';
                self.closed = true;
                read = 1;
            }
            self.row += read as u64;
            if self.row_is_too_long() {
                return Err(io::Error::other("too long a row"));
            }
            self.offset += self.filled as u64;
            self.filled = read;
            self.given = 0;
        }
        let given = (self.filled - self.given).min(out.len());
        out[..given].copy_from_slice(&self.block[self.given..self.given + given]);
        self.given += given;
        Ok(given)
    }
}
