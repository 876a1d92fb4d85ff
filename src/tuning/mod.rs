//! Finding the options that suit a corpus.
//!
//! Flows in: a [`TrainingSet`](crate::model::TrainingSet), options to start from, a budget. Flows out: a [`Tuned`]: the options found, and every [`Trial`] that
//! led to them. The search ([`tune`]) is successive halving over small changes of the options given and combinations of those that helped; a candidate is judged by
//! out-of-fold decisions that training makes anyway ([`Rehearsal`](crate::model::Rehearsal)), always beside the options it started from and on the same folds.

mod judge;
mod metric;
mod outcome;
mod search;
mod space;

pub use judge::Score;
pub use metric::Metric;
pub use outcome::{Budget, Ended, Trial, TuneOptions, Tuned};
pub use search::tune;
