//! Readers: files in, statements and paragraphs out.

mod paragraphs;

pub use paragraphs::{DEFAULT_MAX_WORDS, split_paragraphs};
