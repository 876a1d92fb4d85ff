//! Training without the last step: what a recipe would decide of rows that its models did not see.
//!
//! Flows in: rows of a [`TrainingSet`] and [`TrainOptions`]. Flows out: a [`Rehearsal`], the out-of-fold decisions of one head. They are those by which
//! training itself chooses its `C`, so a recipe is judged at hardly more than the price of choosing: recipes that share their vectors
//! share [`Vectors`], and the fits along a path of `C` start from each other's solutions. Vocabulary and idf are those of all rows given, as in training's own folds.

use super::heads::{Chosen, decide};
use super::options::{CalibrationMethod, TrainOptions};
use super::out_of_fold::Task;
use super::tasks::{Data, Labels, TopicChoice};
use super::trainer::vectorise;
use super::training_set::TrainingSet;
use super::vectors::ends;
use crate::control::Control;
use crate::error::Result;
use crate::sparse::SparseMatrix;

/// Rows of a corpus as vectors, for recipes that differ in nothing before the vector.
pub struct Vectors<'a> {
    set: &'a TrainingSet,
    labels: Labels,
    x: SparseMatrix,
    ends: Vec<usize>,
}

/// The out-of-fold decisions of one head, row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rehearsal {
    /// Rows of the training set.
    pub rows: Vec<u32>,
    /// The true class of each.
    pub targets: Vec<u32>,
    /// What a model that did not see the row decided.
    pub decided: Vec<u32>,
    /// Number of classes.
    pub classes: usize,
}

impl<'a> Vectors<'a> {
    /// The vectors of some rows; `of` is the number of rows that the final model will see, by which some defaults go.
    ///
    /// # Errors
    /// When an option is out of range, no term is left, or the control allows too little memory.
    pub fn new(
        set: &'a TrainingSet,
        rows: &'a [u32],
        of: usize,
        options: &TrainOptions,
        control: &Control,
    ) -> Result<Self> {
        let (vectoriser, blocks, x) = vectorise(set, rows, of, options, control)?;
        Ok(Vectors { set, labels: Labels::of(set, rows), x, ends: ends(&vectoriser, &blocks) })
    }

    /// What the topic head decides; `None` where there are no two topics, or too few rows for folds. The seed deals the folds.
    ///
    /// # Errors
    /// When an option is out of range, or the control says to stop.
    pub fn rehearse_topic(&self, options: &TrainOptions, seed: u64, control: &Control) -> Result<Option<Rehearsal>> {
        let options = to_rehearse(options, seed);
        let data = self.data(&options);
        let choice = data.choose_topic(control)?;
        Ok(choice.and_then(|TopicChoice { task, chosen, .. }| self.rehearsal(&task, &chosen, &options)))
    }

    /// What the stance head decides of rows whose topic it is told; `None` where there are no two stances, or too few rows.
    ///
    /// # Errors
    /// As [`Vectors::rehearse_topic`].
    pub fn rehearse_stance(&self, options: &TrainOptions, seed: u64, control: &Control) -> Result<Option<Rehearsal>> {
        let options = to_rehearse(&options.of_stance(), seed);
        let data = self.data(&options);
        let Some((choice, chosen)) = data.choose_stance(control)? else { return Ok(None) };
        Ok(self.rehearsal(&data.stance_task(&choice)?, &chosen, &options))
    }

    fn data<'b>(&'b self, options: &'b TrainOptions) -> Data<'b> {
        Data { set: self.set, labels: &self.labels, x: &self.x, ends: &self.ends, options }
    }

    fn rehearsal(&self, task: &Task<'_>, chosen: &Chosen, options: &TrainOptions) -> Option<Rehearsal> {
        let (places, decided) = decide(task, chosen, options);
        (!places.is_empty()).then(|| Rehearsal {
            rows: places.iter().map(|&i| self.labels.rows[task.rows[i] as usize]).collect(),
            targets: places.iter().map(|&i| task.targets[i]).collect(),
            decided,
            classes: task.classes,
        })
    }
}

/// Out-of-fold scores are wanted even where training could do without them; decisions ask for no better calibration than a factor.
fn to_rehearse(options: &TrainOptions, seed: u64) -> TrainOptions {
    TrainOptions { calibration: CalibrationMethod::Temperature, seed, ..options.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Loss;
    use crate::model::{LabelledText, TrainingSetBuilder};

    fn set() -> TrainingSet {
        let mut rows = TrainingSetBuilder::default();
        for i in 0..60 {
            let (topic, thing) = [("rail", "train"), ("water", "dam")][i % 2];
            let (stance, verb) = [("support", "welcome"), ("oppose", "reject"), ("support", "back")][i % 3];
            let text = format!("We {verb} the {thing} of {}.", i / 6);
            rows.push(LabelledText { text: &text, topic: Some(topic), stance: Some(stance), ..Default::default() });
        }
        rows.finish()
    }

    #[test]
    fn what_is_easy_is_decided_right_by_models_that_did_not_see_it() {
        let set = set();
        let rows: Vec<u32> = (0..set.len() as u32).collect();
        let fixed = TrainOptions { c: super::super::Choice::Value(1.0), thresholds: false, ..Default::default() };
        let logistic = TrainOptions { stance_classifier: Some(Loss::Logistic), ..Default::default() };
        for options in [TrainOptions::default(), fixed, logistic] {
            let control = Control::default();
            let vectors = Vectors::new(&set, &rows, set.len(), &options, &control).unwrap();
            let topic = vectors.rehearse_topic(&options, 1, &control).unwrap().unwrap();
            let stance = vectors.rehearse_stance(&options, 1, &control).unwrap().unwrap();
            for part in [topic, stance] {
                assert_eq!((part.rows.len(), part.classes), (60, 2));
                assert_eq!(part.targets, part.decided);
            }
        }
    }
}
