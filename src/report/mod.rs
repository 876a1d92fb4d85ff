//! Pages to look at: one HTML file each, with everything in it.
//!
//! Flows in: an aggregation or an evaluation. Flows out: a `String` of HTML that needs no network, no script and no font, follows the reader's light or dark setting, fits a telephone and prints.
//! Markup is made by `maud` and charts by `svg`, both of which escape whatever a label or a paragraph may hold. A plotting library would have drawn the axes for us, but those there are write colours
//! and sizes into every shape, so that nothing can follow a dark page, and give shapes no names for those who do not see them.
//!
//! This room knows no files and judges nothing: every number comes from elsewhere.

mod aggregation;
mod chart;
mod evaluation;
mod heat_map;
mod page;
mod scores;

pub use aggregation::aggregation_page;
pub use evaluation::{EvaluationReport, evaluation_page};
