//! What a search is told, and what it tells.
//!
//! Flows in: from the caller, a [`TuneOptions`]. Flows out: to the caller, a [`Tuned`] with a [`Trial`] for every judgement.

use std::time::Instant;

use super::judge::Score;
use super::metric::Metric;
use crate::model::TrainOptions;

/// How long to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// So many candidates, the options given among them.
    Trials(usize),
    /// Until the model, trained on all rows, can just be ready by then.
    Until(Instant),
}

/// What a search is told beside the options to start from.
#[derive(Debug, Clone)]
pub struct TuneOptions {
    /// What is to be as high as possible.
    pub metric: Metric,
    /// How long.
    pub budget: Budget,
    /// Names of options that are not to be touched, such as `char_ngrams`.
    pub fixed: Vec<String>,
}

impl Default for TuneOptions {
    /// 60 candidates, macro-F1 of both heads.
    fn default() -> Self {
        TuneOptions { metric: Metric::default(), budget: Budget::Trials(60), fixed: Vec::new() }
    }
}

/// One judgement: a candidate on a rung.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Number of the candidate; 0 is the options given.
    pub candidate: usize,
    /// Its values, in the order of [`Tuned::names`].
    pub values: Vec<String>,
    /// The rung, from 0.
    pub rung: usize,
    /// How often the rows were dealt to folds.
    pub deals: u64,
    /// How good it is; `None` where nothing can be learnt with these options.
    pub score: Option<Score>,
    /// Its gain over the options given on the same rung, and the standard error of that.
    pub gain: Option<(f64, f64)>,
    /// Seconds it took.
    pub seconds: f64,
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All candidates of the budget were judged.
    Trials,
    /// The time was up.
    Time,
    /// There was nothing left to try.
    Exhausted,
    /// Someone asked to stop.
    Interrupted,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// The best options.
    pub options: TrainOptions,
    /// What they change, as it would be typed.
    pub changes: Vec<(&'static str, String)>,
    /// Names of the options that were tried.
    pub names: Vec<&'static str>,
    /// Every judgement, in order.
    pub trials: Vec<Trial>,
    /// Candidates judged.
    pub candidates: usize,
    /// The score of the options given, on the highest rung where they were judged.
    pub start: Score,
    /// The score of the options found, there.
    pub best: Score,
    /// Why the search ended.
    pub ended: Ended,
}
