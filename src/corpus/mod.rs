//! Readers and writers: files in, rows and paragraphs out.
//!
//! ```text
//! path -> Input -> RecordReader -> Batch
//! ```
//!
//! Flows in: CSV, TSV, JSON Lines or plain text, compressed or not, from files or standard input. Flows out:
//! [`Batch`]es of rows in order, each with its place; on the way back, [`Output`].
//! This room knows columns, labels and places, and neither numbers nor models: a label stays the string its coder
//! wrote.

mod csv_records;
mod format;
mod input;
mod jsonl_records;
mod output;
mod paragraphs;
mod records;
mod text_records;

pub use format::{Delimiter, Format};
pub use input::Input;
pub use output::Output;
pub use paragraphs::split_paragraphs;
pub use records::{Batch, ReadOptions, RecordReader, open_records};
