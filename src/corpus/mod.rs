//! Readers and writers: files in, rows and paragraphs out.
//!
//! ```text
//! path -> Input -> RecordReader -> Batch -> LabelledRow
//! ```
//!
//! Flows in: CSV, TSV, JSON Lines or plain text, compressed or not, from files or standard input. Flows out:
//! [`Batch`]es of rows in order, each with its place, and for training [`LabelledRow`]s; on the way back, [`Output`].
//! This room knows columns, labels and places, and neither numbers nor models: a label stays the string its coder
//! wrote.

mod codebook;
mod columns;
mod csv_records;
mod csv_source;
mod encoding;
mod folds;
mod format;
mod input;
mod jsonl_records;
mod labelled;
mod output;
mod pace;
mod paragraphs;
mod read_log;
mod records;
mod resumable;
mod side_columns;
mod temporary;
mod text_records;
mod topic_cell;
mod window;

pub use codebook::{Codebook, CodebookEntry};
pub use columns::{ColumnNames, JOIN, Missing, join_text, nearest};
pub use encoding::Encoding;
pub use folds::stratified_group_folds;
pub use format::{Delimiter, Format};
pub use input::Input;
pub use labelled::{LabelColumns, LabelledColumns, LabelledReader, LabelledRow, same_header};
pub use output::Output;
pub use pace::Pace;
pub use paragraphs::{DEFAULT_MAX_WORDS, split_paragraphs};
pub use read_log::{BadRow, OnError, ReadLog, Unplaced};
pub use records::{Batch, ReadOptions, RecordReader, open_records, read_records};
pub use resumable::{Mark, Resumable};
pub use side_columns::{Side, SideColumns, SideIndices};
pub use topic_cell::{BadTopicCell, NO_TOPICS, TopicStance, parse_topics, write_topics};
pub use window::{FramedBatch, Window};
