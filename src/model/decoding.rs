//! Deciding topic and stance together: the pair with the highest P(topic) P(stance | topic).
//!
//! Flows in: what the folds of training said of topics, and stance heads trained without a fold each. Flows out: [`PairOffsets`], where deciding in pairs is better than
//! the topic first and then its stance. As the decisions of one head do, pairs lean toward rare ones ([`Decisions::lean`]), and for pairs the lean is fitted anew: what two heads lean each on
//! its own does not add up to what the pairs want. A topic that never has a stance is a pair by itself.
//!
//! A pair is never more probable than its topic. When a paragraph is judged, topics are therefore looked at from the most promising down, and no further than the best pair found: of most,
//! no stance is ever scored.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cascade::{Head, StanceHead};
use super::departures::Departures;
use super::heads::WithoutFold;
use super::options::{Decoding, TrainOptions};
use super::thresholds::{Decisions, Tally};
use crate::labels::UNLABELLED;
use crate::linear::{Calibration, LinearClassifier, argmax};
use crate::resample::{poisson_weight, spread};
use crate::sparse::{SparseMatrix, SparseRow};

/// Rows times topics that are scored to choose; of more rows, some evenly spread.
const MOST: usize = 1_000_000;
/// Draws of the bootstrap by which a gain is told from noise.
const DRAWS: u64 = 100;
/// The gain is to be so many standard errors.
const STANDARD_ERRORS: f64 = 1.0;

/// What is added to log P(topic) P(stance | topic) when pairs are decided. A model that has them decides so; one that has not decides the topic first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PairOffsets(Vec<f64>);

impl PairOffsets {
    /// The offsets of a topic's stances, and last that of no stance, for a topic that never has one.
    pub(super) fn of_topic(&self, topic: usize, stances: usize) -> &[f64] {
        &self.0[topic * (stances + 1)..(topic + 1) * (stances + 1)]
    }

    /// Whether they are of so many topics and stances, and none is larger than `most`.
    pub(super) fn is_sound(&self, topics: usize, stances: usize, most: f64) -> bool {
        Some(self.0.len()) == (stances + 1).checked_mul(topics) && self.0.iter().all(|x| x.abs() <= most)
    }
}

/// Turns mended scores into logarithms of probabilities, in place. Those of two heads are to be multiplied, so they are the calibrated ones, curves and all: a probability that is too
/// sure of itself would overrule the other.
pub(super) fn log_probabilities(calibration: &Calibration, z: &mut [f64]) {
    calibration.mended_probabilities(z);
    to_logs(z);
}

/// Turns probabilities into their logarithms, in place. A curve may say 0 of what can be, which is not to rule it out; classes that cannot be are left out by whoever decides.
pub(super) fn to_logs(p: &mut [f64]) {
    const LEAST: f64 = 1e-9;
    p.iter_mut().for_each(|p| *p = libm::log(p.max(LEAST)));
}

/// The topic of the best pair, given log P(topic), the most that a pair of each topic can have beside it, and by `best`, called with a topic and its logarithm, the score of its best pair.
pub(super) fn best_topic(topics: &[f64], most: &[f64], mut best: impl FnMut(usize) -> f64) -> usize {
    let mut order: Vec<usize> = (0..topics.len()).collect();
    order.sort_by(|&a, &b| (topics[b] + most[b]).total_cmp(&(topics[a] + most[a])).then(a.cmp(&b)));
    let mut found: Option<(usize, f64)> = None;
    for topic in order {
        if found.is_some_and(|(_, score)| topics[topic] + most[topic] <= score) {
            break;
        }
        let score = topics[topic] + best(topic);
        if found.is_none_or(|(_, best)| score > best) {
            found = Some((topic, score));
        }
    }
    found.map_or(0, |(topic, _)| topic)
}

/// A stance head without its names: what it takes to score a row given any topic.
pub(super) struct StanceScorer<'a> {
    pub classifier: &'a LinearClassifier,
    pub departures: &'a Departures,
    pub calibration: &'a Calibration,
    /// Whether a stance was ever seen with a topic, topic by topic.
    pub seen: &'a [bool],
}

impl StanceScorer<'_> {
    pub fn of(stance: &StanceHead) -> StanceScorer<'_> {
        StanceScorer {
            classifier: &stance.head.classifier,
            departures: &stance.departures,
            calibration: &stance.head.calibration,
            seen: &stance.seen,
        }
    }

    /// Mended scores given a topic, into `out`, minus infinity where a stance cannot occur with it. `shared` are the scores by the weights of all topics.
    pub fn given(&self, row: SparseRow<'_>, shared: &[f64], topic: usize, out: &mut [f64]) {
        out.copy_from_slice(shared);
        self.departures.add_scores(row, topic, out);
        self.calibration.mend(out);
        let k = out.len();
        let seen = &self.seen[topic * k..(topic + 1) * k];
        out.iter_mut().zip(seen).filter(|(_, seen)| !**seen).for_each(|(z, _)| *z = f64::NEG_INFINITY);
    }
}

/// Log probabilities of the topics of rows that the topic head did not see.
pub(super) struct TopicsHeldOut {
    /// Rows of the matrix.
    pub rows: Vec<u32>,
    /// Row by row; not leaned.
    pub logs: Vec<f64>,
    /// The topic of each row, decided without its stance.
    pub decided: Vec<u32>,
}

/// Stance heads trained without a fold each.
#[derive(Default)]
pub(super) struct StancesHeldOut {
    /// Each with the shared weights for its classifier, and what topics add to them.
    pub heads: Vec<(WithoutFold, Departures)>,
    /// For each row of the matrix the head that did not see it; rows that none saw are the first's.
    pub unseen_by: Vec<u32>,
}

/// What the choice goes by: the matrix, and of each of its rows the topic, the stance, and the group it belongs to.
pub(super) struct Gold<'a> {
    pub x: &'a SparseMatrix,
    pub topic: &'a [u32],
    pub stance: &'a [u32],
    pub group: &'a (dyn Fn(u32) -> u32 + Sync),
}

/// The pairs, and a number for each.
struct Pairs {
    /// Topic and stance; `None` for a topic that never has one.
    list: Vec<(usize, Option<usize>)>,
    /// Where the pairs of each topic begin.
    starts: Vec<usize>,
}

impl Pairs {
    fn new(stance: &StanceHead) -> Pairs {
        let mut pairs = Pairs { list: Vec::new(), starts: vec![0] };
        for topic in 0..stance.topics.len() {
            let seen = stance.seen_with(topic).iter().enumerate().filter(|(_, seen)| **seen);
            pairs.list.extend(seen.map(|(k, _)| (topic, Some(k))));
            if pairs.list.len() == pairs.starts[topic] {
                pairs.list.push((topic, None));
            }
            pairs.starts.push(pairs.list.len());
        }
        pairs
    }

    fn number(&self, topic: usize, stance: Option<usize>) -> Option<usize> {
        (self.starts[topic]..self.starts[topic + 1]).find(|&i| self.list[i].1 == stance)
    }
}

/// Deciding in pairs, and how it errs.
pub(super) struct PairChoice {
    pub offsets: PairOffsets,
    /// Of rows that were not seen: those of each true topic (outer) that were given each (inner), and the same of stances given the true topic. Empty where no rows were held out.
    pub topics: Vec<u32>,
    pub stances: Vec<u32>,
}

/// The offsets for deciding in pairs: where that is asked for, or clearly better than the topic first.
pub(super) fn choose_pairs(
    (topic, topics): (&Head, &TopicsHeldOut),
    (stance, stances): (&StanceHead, &StancesHeldOut),
    gold: &Gold<'_>,
    options: &TrainOptions,
) -> Option<PairChoice> {
    let always = options.decoding == Decoding::Joint;
    let (t, k) = (topic.labels.len(), stance.head.labels.len());
    if topic.labels != stance.topics {
        return None;
    }
    if stances.heads.is_empty() || topics.rows.is_empty() {
        let offsets = PairOffsets(vec![0.0; t * (k + 1)]);
        return always.then(|| PairChoice { offsets, topics: Vec::new(), stances: Vec::new() });
    }
    let pairs = Pairs::new(stance);
    // A row without its stance says nothing of pairs, unless its topic never has one.
    let target = |row: u32| {
        let stance = gold.stance[row as usize];
        pairs.number(gold.topic[row as usize] as usize, (stance != UNLABELLED).then_some(stance as usize))
    };
    let known: Vec<(usize, usize)> =
        topics.rows.iter().enumerate().filter_map(|(at, &row)| Some((at, target(row)?))).collect();
    let most = (MOST / t).min(known.len());
    let known: Vec<(usize, usize)> = (0..most).map(|i| known[i * known.len() / most.max(1)]).collect();
    let scored: Vec<(Vec<f64>, usize)> = known
        .par_iter()
        .map(|&(at, _)| {
            let (row, logs) = (topics.rows[at], &topics.logs[at * t..(at + 1) * t]);
            let fold = stances.unseen_by[row as usize] as usize;
            let (WithoutFold { classifier, calibration, stretch }, departures) = &stances.heads[fold];
            let scorer = StanceScorer { classifier, departures, calibration, seen: &stance.seen };
            let mut values = Vec::new();
            let SparseRow { indices, .. } = gold.x.row(row as usize);
            stretch.values(gold.x.row(row as usize), &mut values);
            let row = SparseRow { indices, values: &values };
            let (mut shared, mut given) = (vec![0.0; k], vec![0.0; k]);
            classifier.decision_into(row, &mut shared);
            let leaning = |z: &[f64]| {
                let offsets = &stance.head.offsets;
                argmax(&z.iter().enumerate().map(|(i, z)| z + offsets.get(i).unwrap_or(&0.0)).collect::<Vec<_>>())
            };
            let topic_first = topics.decided[at] as usize;
            let (mut scores, mut decided) = (Vec::with_capacity(pairs.list.len()), 0);
            for (topic, bounds) in pairs.starts.windows(2).enumerate() {
                if pairs.list[bounds[0]].1.is_none() {
                    scores.push(logs[topic]);
                    decided = if topic == topic_first { bounds[0] } else { decided };
                    continue;
                }
                scorer.given(row, &shared, topic, &mut given);
                if topic == topic_first {
                    decided = pairs.number(topic, Some(leaning(&given))).unwrap_or(bounds[0]);
                }
                log_probabilities(calibration, &mut given);
                let of_topic = pairs.list[bounds[0]..bounds[1]].iter().filter_map(|&(_, stance)| stance);
                scores.extend(of_topic.map(|stance| logs[topic] + given[stance]));
            }
            (scores, decided)
        })
        .collect();
    let targets: Vec<u32> = known.iter().map(|&(_, pair)| pair as u32).collect();
    let scores: Vec<f64> = scored.iter().flat_map(|(scores, _)| scores).copied().collect();
    let decisions = Decisions { scores: &scores, targets: &targets, classes: pairs.list.len() };
    let lean = if options.thresholds { decisions.lean(1.0).0 } else { Vec::new() };
    let mut offsets = vec![0.0; t * (k + 1)];
    for (&(topic, stance), &offset) in pairs.list.iter().zip(&lean) {
        offsets[topic * (k + 1) + stance.unwrap_or(k)] = offset;
    }
    let decided: Vec<usize> = decisions.decided(&lean).collect();
    let gain = |weight: &dyn Fn(u32) -> f64| {
        let mut tallies = [(); 2].map(|()| Tally::new(pairs.list.len()));
        for ((&(at, pair), &decided), &(_, topic_first)) in known.iter().zip(&decided).zip(&scored) {
            let weight = weight(topics.rows[at]);
            tallies
                .iter_mut()
                .zip([topic_first, decided])
                .for_each(|(tally, decided)| tally.add(pair, decided, weight));
        }
        tallies[1].quality() - tallies[0].quality()
    };
    let clearly_better = || {
        let draws: Vec<f64> = (0..DRAWS)
            .into_par_iter()
            .map(|draw| gain(&|row| poisson_weight((gold.group)(row), draw, options.seed)))
            .collect();
        gain(&|_| 1.0) > STANDARD_ERRORS * spread(draws.into_iter())
    };
    if !always && !clearly_better() {
        return None;
    }
    let (mut of_topics, mut of_stances) = (vec![0; t * t], vec![0; k * k]);
    for ((&(_, pair), &decided), (scores, _)) in known.iter().zip(&decided).zip(&scored) {
        let (topic, stance) = pairs.list[pair];
        of_topics[topic * t + pairs.list[decided].0] += 1;
        if let Some(stance) = stance {
            let of_topic = pairs.starts[topic]..pairs.starts[topic + 1];
            let leaning = |i: usize| scores[i] + lean.get(i).unwrap_or(&0.0);
            let given =
                of_topic.clone().fold(of_topic.start, |best, i| if leaning(i) > leaning(best) { i } else { best });
            of_stances[stance * k + pairs.list[given].1.unwrap_or(stance)] += 1;
        }
    }
    Some(PairChoice { offsets: PairOffsets(offsets), topics: of_topics, stances: of_stances })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_pair_need_not_have_the_best_topic() {
        let logs = [0.5f64, 0.4, 0.1].map(libm::log);
        let stances = [0.5f64, 0.9, 1.0].map(libm::log);
        let mut asked = Vec::new();
        let best = best_topic(&logs, &[0.0; 3], |t| {
            asked.push(t);
            stances[t]
        });
        // The third is less probable than the best pair, whatever its stance.
        assert_eq!((best, asked), (1, vec![0, 1]));
        // Unless its pairs are leaned toward.
        let best = best_topic(&logs, &[0.0, 0.0, 2.0], |t| stances[t] + if t == 2 { 2.0 } else { 0.0 });
        assert_eq!(best, 2);
    }

    #[test]
    fn what_a_curve_rules_out_is_improbable_but_not_impossible() {
        let mut z = [1000.0, 1000.0, f64::NEG_INFINITY];
        log_probabilities(&Calibration::default(), &mut z);
        assert!((z[0] - libm::log(0.5)).abs() < 1e-12 && z[2].is_finite() && z[2] < -20.0, "{z:?}");
    }
}
