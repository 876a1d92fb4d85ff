//! Metrics, confusion, reports: how well predictions agree with labels given by people.
//!
//! Flows in: for each row the gold labels and what the model said. Flows out: an [`Evaluation`], which is the JSON of
//! `rapporteur evaluate --json` and the text it prints. Metrics compare strings and know neither features nor
//! weights, so anything that writes labels can be scored and compared; only cross-validation and the learning curve train models.

mod agreement;
mod agreement_report;
mod bootstrap;
mod comparison;
mod confusion;
mod cross_validation;
mod head;
mod joint;
mod learning_curve;
mod metrics;
mod mistakes;
mod multi_label;
mod multi_label_text;
mod probability;
mod report;
mod resampled;
mod selective;
mod significance;
mod text;
mod topics_answer;

pub use agreement::{Agreement, AgreementScores, agreement};
pub use agreement_report::{AgreementReport, Coding};
pub use bootstrap::{Bootstrap, Draws, FEW_GROUPS, Interval, Units};
pub use comparison::Comparison;
pub use confusion::Confusion;
pub use cross_validation::{Answer, cross_validate, each_held_out, measure, score};
pub use learning_curve::{CurvePoint, CurveScores, LastDoubling, LearningCurve, learning_curve};
pub use metrics::{HeadScores, LabelScores};
pub use mistakes::{Mistake, MistakeCollector, Mistakes};
pub use multi_label::{MultiLabelEvaluation, MultiLabelRow, MultiLabelScores};
pub use probability::{Bin, Posterior, ProbabilityScores};
pub use report::{Evaluation, EvaluationOptions, JointScores, Row, UnknownLabels};
pub use resampled::Resampled;
pub use selective::{AcceptedScores, RiskPoint, Thresholds, aurc, risk_coverage};
pub use significance::{Difference, HeadComparison, Test, mcnemar};
pub use topics_answer::{TopicsAnswer, WrittenTopic, cross_validate_topics, measure_topics};
