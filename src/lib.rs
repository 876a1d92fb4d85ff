//! Topic and stance of political statements, paragraph by paragraph.
//!
//! ```text
//! Statement -> Paragraph -> Tokens -> TermCounts -> TfIdfVector -> TopicPrediction -> StancePrediction -> PredictionRow -> CSV
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod control;
pub mod corpus;
pub mod error;
pub mod evaluate;
pub mod features;
pub mod labels;
pub mod linear;
pub mod model;
pub mod pipeline;
pub mod sparse;
pub mod text;

pub use error::{Error, Result};
