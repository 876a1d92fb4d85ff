//! Metrics, confusion, reports: how well predictions agree with labels given by people.
//!
//! Flows in: for each row the gold labels and what the model said. Flows out: an [`Evaluation`], which is the JSON of
//! `rapporteur evaluate --json` and the text it prints. Metrics compare strings and know neither features nor
//! weights, so anything that writes labels can be scored; only cross-validation trains models.

mod confusion;
mod cross_validation;
mod metrics;
mod report;
mod text;

pub use confusion::Confusion;
pub use cross_validation::{Answer, cross_validate, score};
pub use metrics::{HeadScores, LabelScores};
pub use report::{Evaluation, JointScores, Row, UnknownLabels};
