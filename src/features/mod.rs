//! From forms to numbers: vocabulary, counts, tf-idf.
//!
//! Flows in: [`Documents`] (token streams over a set of forms) or single texts, and the analyser's word for each form. Flows out: rows of a
//! [`crate::sparse::SparseMatrix`]. This room knows no labels: what it learns from a corpus is which terms exist and in how many paragraphs.

mod blocks;
mod count;
mod documents;
mod grams;
mod lexicon;
mod params;
mod row_terms;
mod strings;
mod text_vectoriser;
mod vectorise;
mod vocabulary;

pub use blocks::{Blocks, CONTEXT_SCALE, MetadataColumn};
pub use documents::{DocumentBatch, Documents};
pub use grams::GramTable;
pub use params::{Frequency, VectoriserParams, VectoriserValidParams};
pub use strings::Strings;
pub use text_vectoriser::{Occurrence, TextVectoriser};
pub use vectorise::Vectoriser;
pub use vocabulary::Vocabulary;
