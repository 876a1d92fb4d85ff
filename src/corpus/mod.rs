//! Readers: files in, statements and paragraphs out.

mod folds;
mod paragraphs;

pub use folds::stratified_group_folds;
pub use paragraphs::{DEFAULT_MAX_WORDS, split_paragraphs};
