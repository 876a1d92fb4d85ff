//! The cascade: topic, then stance given the topic; its trainer, and its file.
//!
//! Flows in: a [`TrainingSet`] and [`TrainOptions`]. Flows out: a [`Model`], which a [`Predictor`] applies to text. What is chosen by data (how strong a
//! penalty, how far topics depart, how probabilities are mended) is chosen here, by folds inside training.

mod calibrate;
mod cascade;
mod corpus_reader;
mod decoding;
mod departures;
mod embedded;
mod error_curve;
mod explanation;
mod file;
mod file_reader;
mod heads;
mod known_errors;
mod memory;
mod one_vs_rest;
mod options;
mod out_of_fold;
mod pair_code;
mod predictor;
mod rehearsal;
mod rounding;
mod stance_task;
mod stretch;
mod tasks;
mod tensors;
mod thresholds;
mod topic_sets;
mod trainer;
mod training_set;
mod vectors;
mod weighting;

pub use cascade::{Counts, Head, Model, MultiLabel, StanceHead};
pub use corpus_reader::{odd_cases, read_training_set};
pub use decoding::PairOffsets;
pub use departures::Departures;
pub use embedded::{DEFAULT_MODEL, default_model};
pub use error_curve::ErrorCurve;
pub use explanation::Evidence;
pub use file::FORMAT;
pub use known_errors::KnownErrors;
pub use options::{
    CalibrationMethod, Choice, Decoding, FeatureWeighting, LabelWeights, Precision, StanceScope, TrainOptions,
};
pub use predictor::{Prediction, Predictor};
pub use rehearsal::{Rehearsal, Vectors};
pub use topic_sets::TopicSets;
pub use trainer::{train, train_once, train_rows};
pub use training_set::{LabelledText, TrainingSet, TrainingSetBuilder};
