//! Topic and stance of political statements, paragraph by paragraph.
//!
//! ```text
//! Statement -> Paragraph -> Tokens -> TermCounts -> TfIdfVector -> TopicPrediction -> StancePrediction -> PredictionRow -> CSV
//! ```
//!
//! A labelled corpus goes in and a [`Model`] comes out; a model and a text give the topic of each paragraph, and the stance that its speaker takes toward that topic,
//! with calibrated probabilities and the words that decided. Everything runs on one machine, offline, and the same corpus, options and seed give the same bytes
//! on any number of threads.
//!
//! ```
//! use rapporteur::corpus::split_paragraphs;
//! use rapporteur::{Control, LabelledText, Model, Predictor, TrainOptions, TrainingSetBuilder, train};
//!
//! // A corpus: texts with a topic and a stance. `model::read_training_set` reads one from CSV.
//! let mut corpus = TrainingSetBuilder::default();
//! for _ in 0..10 {
//!     for (text, topic, stance) in [
//!         ("Lift the embargo now.", "sanctions", "oppose"),
//!         ("The embargo must stay in force.", "sanctions", "support"),
//!         ("The mission needs more troops.", "peacekeeping", "support"),
//!         ("Recall the troops and end the mission.", "peacekeeping", "oppose"),
//!     ] {
//!         corpus.push(LabelledText { text, topic: Some(topic), stance: Some(stance), ..Default::default() });
//!     }
//! }
//! let model = train(&corpus.finish(), &TrainOptions::default(), &Control::default())?;
//!
//! // A file, and back.
//! let model = Model::from_bytes("my.model", &model.to_bytes()?)?;
//!
//! // A statement, paragraph by paragraph.
//! let mut predictor = Predictor::new(&model);
//! let mut out = csv::Writer::from_writer(Vec::new());
//! for paragraph in split_paragraphs("We ask you to lift this embargo.\n\nMore troops are needed.\n", 250) {
//!     let prediction = predictor.predict(&paragraph);
//!     let topic = predictor.topic_name(prediction).unwrap_or_default();
//!     let stance = predictor.stance_name(prediction).unwrap_or_default();
//!     out.write_record([paragraph.as_str(), topic, stance])?;
//! }
//! let table = String::from_utf8(out.into_inner()?)?;
//! assert_eq!(table, "We ask you to lift this embargo.,sanctions,oppose\nMore troops are needed.,peacekeeping,support\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The rooms
//!
//! Each stage of the line lives in one room, and each room knows only those before it:
//!
//! | room | flows in | flows out |
//! | --- | --- | --- |
//! | [`corpus`] | CSV, TSV, JSON Lines, plain text, compressed or not | paragraphs and labelled rows, each with its place; output |
//! | [`text`] | a paragraph | tokens with byte offsets; words, stems, character n-grams |
//! | [`features`] | tokens | a vocabulary, and tf-idf vectors equal to scikit-learn's |
//! | [`linear`] | vectors, class numbers, costs | a linear classifier with a certificate of how good it is; calibration |
//! | [`model`] | a labelled corpus; a text | the cascade of topic and stance, its file, predictions, evidence |
//! | [`evaluate`] | gold labels and predictions | accuracy, F1, confusion, intervals, cross-validation |
//! | [`curate`] | a corpus, labelled or not | what is wrong with it; the rows to label next |
//! | [`tuning`] | a labelled corpus, options, a budget | the options that suit the corpus, and every trial |
//! | [`aggregate`] | labels and probabilities of rows, by group | shares of topics and stances, corrected, with intervals |
//! | [`report`] | an aggregation, an evaluation | a page of HTML |
//!
//! On the ground, for all rooms: [`error`], [`control`] (progress, stopping, and bounds on memory), [`memory`], [`labels`], [`sparse`] (the one matrix type) and [`pipeline`] (many threads, results in
//! order). The types most programs need are named here as well: start with [`train`], [`Model`] and [`Predictor`], or with [`default_model`], which is inside the library.
//!
//! Vectorisers and classifiers are citizens of [`linfa`]: parameters are checked by `ParamGuard`, `Fit` takes a `DatasetBase` of [`features::Documents`] or of a [`SparseMatrix`],
//! fitted vectorisers are `Transformer`s, fitted classifiers `Predict`, and `?` turns `linfa::Error` into [`Error`]. The programs in `examples/` train, classify and evaluate.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod control;
pub mod corpus;
pub mod curate;
pub mod error;
pub mod evaluate;
pub mod features;
pub mod labels;
pub mod linear;
pub mod memory;
pub mod model;
pub mod pipeline;
pub mod report;
mod resample;
pub mod sparse;
pub mod text;
pub mod tuning;

pub use control::Control;
pub use error::{Error, Result};
pub use evaluate::Evaluation;
pub use features::{TextVectoriser, Vectoriser, VectoriserParams};
pub use linear::{LinearClassifier, LinearParams};
pub use model::{
    LabelledText, Model, Prediction, Predictor, TrainOptions, TrainingSet, TrainingSetBuilder, default_model, train,
};
pub use sparse::SparseMatrix;
