//! Making a corpus good: what is wrong with it, and which rows to label next.
//!
//! Flows in: rows, labelled or not, read whole ([`Corpus`]). Flows out: [`Finding`]s, each about one row and meant for a person who decides; and for rows without
//! labels, an order in which to label them ([`choose_diverse`]). Nothing is ever mended here: a corpus is its coders' work.

mod corpus;
mod duplicates;
mod finding;
mod label_names;
mod minhash;
mod mojibake;
mod select;
mod spread;
mod suspects;
mod texts;

pub use corpus::{Corpus, CorpusBuilder, CorpusRow, read_corpus};
pub use finding::{CheckOptions, Checked, Finding, Kind, check};
pub use mojibake::{Garbled, garbled};
pub use select::{Candidates, choose_diverse};
