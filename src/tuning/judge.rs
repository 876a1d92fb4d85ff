//! Judging a candidate: the same rows and folds for all, and how sure the difference is.
//!
//! Flows in: options, a rung. Flows out: a [`Score`], with its values over resamples of the corpus ([`crate::resample`]), the same for every candidate.
//! What two candidates have in common is computed once: a head's decisions, while vectors last.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use super::metric::Metric;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::model::{Choice, Rehearsal, TrainOptions, TrainingSet, Vectors};
use crate::resample::{poisson_weight, spread};

/// Draws of the bootstrap.
const DRAWS: u64 = 100;
/// About so many rows on a rung at most (all, where that is not much more); training chooses on no more than the last either.
const ROWS: [usize; RUNGS] = [4_000, 10_000, 20_000];
/// How many times the rows are dealt to folds anew, each time in another way: what won on one rung's folds has to win on others.
pub(super) const DEALS: [u64; RUNGS] = [1, 1, 3];
/// Rungs of the ladder.
pub(super) const RUNGS: usize = 3;

/// How good a candidate is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Score {
    /// The mean of the heads below.
    pub value: f64,
    /// Of the topic, where it counts.
    pub topic: Option<f64>,
    /// Of the stance given the true topic, where it counts.
    pub stance: Option<f64>,
    /// Rows judged.
    pub rows: usize,
    /// The value over draws of the corpus.
    draws: Vec<f64>,
}

impl Score {
    /// Standard deviation of the value over draws of the corpus.
    pub fn standard_error(&self) -> f64 {
        spread(self.draws.iter().copied())
    }

    /// How much better it is than another on the same rows, and the standard error of that.
    pub fn gain_over(&self, other: &Score) -> (f64, f64) {
        (self.value - other.value, spread(self.draws.iter().zip(&other.draws).map(|(a, b)| a - b)))
    }
}

/// What is remembered of one head: by its options, the rung and the deal.
type Known = HashMap<(String, usize, u64), Option<Rc<Rehearsal>>>;

/// A judge of candidates.
pub(super) struct Judge<'a> {
    set: &'a TrainingSet,
    metric: Metric,
    seed: u64,
    /// The rows of each rung.
    rows: [Vec<u32>; RUNGS],
    labelled: usize,
    /// Why the last candidate that could not be judged could not.
    refusal: Option<Error>,
    topics: Known,
    stances: Known,
}

impl<'a> Judge<'a> {
    pub fn new(set: &'a TrainingSet, metric: Metric, seed: u64) -> Self {
        let labelled = set.labelled_rows();
        let spread = |most: usize| -> Vec<u32> {
            let n = labelled.len() as u128;
            let most = if labelled.len() <= most + most / 2 { n } else { most as u128 };
            (0..most).map(|i| labelled[(i * n / most) as usize]).collect()
        };
        let (topics, stances) = (Known::new(), Known::new());
        Judge { set, metric, seed, rows: ROWS.map(spread), labelled: labelled.len(), refusal: None, topics, stances }
    }

    /// Rows of a rung.
    pub fn rows(&self, rung: usize) -> usize {
        self.rows[rung].len()
    }

    /// Why the last candidate that was not judged could not be, where it was not for want of rows or labels.
    pub fn refusal(&mut self) -> Option<Error> {
        self.refusal.take()
    }

    /// Rows that have a label.
    pub fn labelled(&self) -> usize {
        self.labelled
    }

    /// Judges candidates on a rung. Those of the same vectors are judged together; `each` is given a candidate's number, its score (`None` where nothing can be learnt with it)
    /// and the seconds it took, and the first error ends the work.
    pub fn judge(
        &mut self,
        candidates: &[TrainOptions],
        rung: usize,
        control: &Control,
        mut each: impl FnMut(usize, Option<Score>, f64),
    ) -> Result<()> {
        let mut of_vectors: Vec<(String, Vec<usize>)> = Vec::new();
        for (i, options) in candidates.iter().enumerate() {
            let params = options.vectoriser(self.labelled, self.set.language)?;
            let key = serde_json::to_string(&(params, options.context)).unwrap_or_default();
            match of_vectors.iter_mut().find(|(known, _)| *known == key) {
                Some((_, list)) => list.push(i),
                None => of_vectors.push((key, vec![i])),
            }
        }
        let rows = self.rows[rung].clone();
        for (_, list) in of_vectors {
            let mut started = Instant::now();
            control.check()?;
            // A setting that leaves no term, or takes more memory than is allowed, is a poor candidate, not a failure.
            let vectors = match Vectors::new(self.set, &rows, self.labelled, &candidates[list[0]], control) {
                Ok(vectors) => Some(vectors),
                Err(error) => {
                    self.refusal = Some(error);
                    None
                }
            };
            for i in list {
                let score = match &vectors {
                    Some(vectors) => Some(self.score(vectors, &candidates[i], rung, control)?),
                    None => None,
                };
                each(i, score, started.elapsed().as_secs_f64());
                started = Instant::now();
            }
        }
        Ok(())
    }

    fn score(
        &mut self,
        vectors: &Vectors<'_>,
        options: &TrainOptions,
        rung: usize,
        control: &Control,
    ) -> Result<Score> {
        let (of_topic, of_stance) = (self.topic_key(options), self.stance_key(options));
        let earlier: u64 = DEALS[..rung].iter().sum();
        let (mut topics, mut stances) = (Vec::new(), Vec::new());
        for deal in earlier..earlier + DEALS[rung] {
            control.check()?;
            let seed = self.seed.wrapping_add(1 + deal);
            let topic_at = (of_topic.clone(), rung, deal);
            let stance_at = (of_stance.clone(), rung, deal);
            let (new_topic, new_stance) = (
                self.metric.topic && !self.topics.contains_key(&topic_at),
                self.metric.stance && !self.stances.contains_key(&stance_at),
            );
            let (topic, stance) = rayon::join(
                || if new_topic { vectors.rehearse_topic(options, seed, control) } else { Ok(None) },
                || if new_stance { vectors.rehearse_stance(options, seed, control) } else { Ok(None) },
            );
            if new_topic {
                self.topics.insert(topic_at.clone(), topic?.map(Rc::new));
            }
            if new_stance {
                self.stances.insert(stance_at.clone(), stance?.map(Rc::new));
            }
            topics.extend(self.topics.get(&topic_at).cloned().flatten());
            stances.extend(self.stances.get(&stance_at).cloned().flatten());
        }
        let heads = [&topics, &stances];
        let of_heads = |weight: &dyn Fn(u32) -> f64| -> [Option<f64>; 2] {
            heads.map(|deals| {
                let sum: f64 = deals.iter().map(|decisions| self.metric.of(decisions, weight)).sum();
                (!deals.is_empty()).then(|| sum / deals.len() as f64)
            })
        };
        let mean = |heads: [Option<f64>; 2]| {
            let known: Vec<f64> = heads.into_iter().flatten().collect();
            known.iter().sum::<f64>() / known.len().max(1) as f64
        };
        let [topic, stance] = of_heads(&|_| 1.0);
        let draw = |draw: u64| mean(of_heads(&|row| self.weight(row, draw)));
        Ok(Score {
            value: mean([topic, stance]),
            topic,
            stance,
            rows: self.rows[rung].len(),
            draws: (0..DRAWS).map(draw).collect(),
        })
    }

    /// How often a row, with the whole of its group, is in a draw of the corpus: Poisson of mean 1.
    fn weight(&self, row: u32, draw: u64) -> f64 {
        let unit = self.set.groups.as_ref().map_or(row, |groups| groups[row as usize]);
        poisson_weight(unit, draw, self.seed)
    }

    /// The options by which the topic's decisions go.
    fn topic_key(&self, options: &TrainOptions) -> String {
        let mut mine = TrainOptions { stance_classifier: None, topic_departure: Choice::Auto, ..options.clone() };
        mine.class_weight.stance.clear();
        serde_json::to_string(&mine).unwrap_or_default()
    }

    /// The options by which the stance's decisions go.
    fn stance_key(&self, options: &TrainOptions) -> String {
        let classifier = options.stance_classifier.unwrap_or(options.classifier);
        let mut mine = TrainOptions { classifier, stance_classifier: None, ..options.clone() };
        mine.class_weight.topic.clear();
        serde_json::to_string(&mine).unwrap_or_default()
    }
}
