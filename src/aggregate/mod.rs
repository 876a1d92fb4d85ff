//! Shares of topics and stances in groups of rows: counted, and corrected for the classifier's errors.
//!
//! Flows in: the labels that a model gave to rows, each with the group it belongs to and, where known, the probabilities of all labels. Flows out: an [`Aggregation`]: for each group the
//! share of each topic, and of each stance within it, each in three estimates with 95 % intervals:
//!
//! - *classify and count*: the share of rows that were given the label. Easy to check by hand, and biased: a label that is often given in error is counted too often, and the more so the
//!   rarer it is in the group;
//! - *adjusted count* (`adjusted.rs`): the shares whose expected counts, given how often the model takes each label for which, are nearest to what was counted;
//! - *EM* (`em.rs`): the shares under which the probabilities of the rows, their prior replaced, are the likeliest.
//!
//! What the corrections need of the model is in [`crate::model::KnownErrors`]. Both assume that a paragraph of a topic reads alike in the training corpus and here, while how frequent the topics
//! are may differ (prior probability shift). They correct nothing that comes of another kind of text.

mod adjusted;
mod em;
mod estimates;
mod resampling;
mod rows;
mod shares;
mod table;

pub use adjusted::AdjustedCount;
pub use em::{Posteriors, expected_shares};
pub use rows::{JudgedRow, ShareCounter};
pub use shares::{Aggregation, Estimate, FEW_ROWS, GroupShares, Kind, LabelShare, UNSURE};
