//! The search: rounds of successive halving.
//!
//! Flows in: a [`TrainingSet`], options to start from, a budget. Flows out: a [`Tuned`]. A round sends its candidates up a ladder of rungs, each with more rows or more deals of folds
//! than the one below; a third goes on (Karnin, Koren and Somekh 2013; Jamieson and Talwalkar 2016). A rung is judged whole before any of it goes on, so that nothing depends on which thread is
//! done first. The first round changes one option at a time; later ones combine what helped (as Awad, Mallik and Hutter 2021 breed candidates between rounds).
//!
//! The options given are judged on every rung on the same folds, and a candidate is preferred to them only if its gain on the last rung is above
//! twice its standard error: of many candidates that are no better, the best looks better by chance.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::judge::{DEALS, Judge, RUNGS, Score};
use super::metric::Metric;
use super::outcome::{Budget, Ended, Trial, TuneOptions, Tuned};
use super::space::Space;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::model::{TrainOptions, TrainingSet};

/// One of so many goes on to the next rung.
const KEEP_ONE_OF: usize = 3;
/// Candidates of a round.
const ROUND: usize = 18;
/// A candidate is preferred if its gain is above so many standard errors: few of a handful on the last rung pass two by chance.
const MARGIN: f64 = 2.0;
/// Of the time that is left, a round is planned to take no more than this share: one that is cut short before its last rung was for nothing.
const PLANNED: f64 = 0.75;
/// What training costs beyond a judgement with all rows: the final fit, calibration, writing.
const FINAL_FIT: f64 = 1.7;

/// Searches for options that suit a corpus. The same seed (that of `base`) and number of trials give the same options, on any number of threads.
///
/// When the control says to stop, the best found so far is returned; so is it when the time is up.
///
/// ```
/// use rapporteur::tuning::{Budget, TuneOptions, tune};
/// use rapporteur::{Control, LabelledText, TrainOptions, TrainingSetBuilder, train};
/// let mut rows = TrainingSetBuilder::default();
/// for _ in 0..10 {
///     for (text, topic) in [("Lift the embargo.", "sanctions"), ("Send more troops.", "peacekeeping")] {
///         rows.push(LabelledText { text, topic: Some(topic), ..Default::default() });
///     }
/// }
/// let set = rows.finish();
/// let search = TuneOptions { budget: Budget::Trials(4), ..Default::default() };
/// let tuned = tune(&set, &TrainOptions::default(), &search, &Control::default())?;
/// assert_eq!(tuned.options, TrainOptions::default()); // nothing is better than right everywhere
/// let model = train(&set, &tuned.options, &Control::default())?;
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// When the corpus cannot be learnt from with the options given, or has too few rows for folds, or lacks what the metric looks at.
pub fn tune(set: &TrainingSet, base: &TrainOptions, search: &TuneOptions, control: &Control) -> Result<Tuned> {
    set.check_single("tune")?;
    let mut state = Search::new(set, base, search, control);
    let ended = state.run()?;
    state.finish(ended)
}

struct Search<'a> {
    judge: Judge<'a>,
    metric: Metric,
    space: Space,
    budget: Budget,
    control: &'a Control,
    /// All candidates so far; the first changes nothing.
    candidates: Vec<Vec<usize>>,
    known: BTreeSet<Vec<usize>>,
    trials: Vec<Trial>,
    /// By rung, candidates and their scores, in the order in which they were judged; the first is the start's.
    scores: [Vec<(usize, Score)>; RUNGS],
    /// Seconds that the start took, by rung.
    seconds: [Option<f64>; RUNGS],
    rng: Xoshiro256PlusPlus,
}

impl<'a> Search<'a> {
    fn new(set: &'a TrainingSet, base: &TrainOptions, search: &TuneOptions, control: &'a Control) -> Search<'a> {
        let space = Space::new(set, base, &search.fixed);
        Search {
            judge: Judge::new(set, search.metric, base.seed),
            metric: search.metric,
            budget: search.budget,
            control,
            candidates: vec![space.start()],
            known: BTreeSet::from([space.start()]),
            space,
            trials: Vec::new(),
            scores: [const { Vec::new() }; RUNGS],
            seconds: [None; RUNGS],
            rng: Xoshiro256PlusPlus::seed_from_u64(base.seed),
        }
    }

    fn run(&mut self) -> Result<Ended> {
        let mut singles: std::collections::VecDeque<Vec<usize>> = self.space.single_changes().into();
        // The start is judged whatever the time: there is nothing to fall back on but it.
        self.judge_on(0, &[0], &self.control.to_the_end())?;
        if self.scores[0].is_empty() || (self.start(0).topic.is_none() && self.start(0).stance.is_none()) {
            return Err(self.judge.refusal().unwrap_or_else(|| self.nothing_to_judge()));
        }
        for round in 0.. {
            let most = self.affordable(if round == 0 { singles.len() } else { ROUND });
            if most == 0 {
                return Ok(match self.budget {
                    Budget::Trials(_) => Ended::Trials,
                    Budget::Until(_) => Ended::Time,
                });
            }
            let first = self.candidates.len();
            if round > 0 {
                let together = self.all_that_helped();
                self.enter(together);
            }
            while self.candidates.len() < first + most {
                let next = match singles.pop_front() {
                    Some(single) => Some(single),
                    None => self.breed_new(),
                };
                let Some(next) = next else { break };
                self.enter(next);
            }
            if self.candidates.len() == first {
                return Ok(Ended::Exhausted);
            }
            match self.climb((first..self.candidates.len()).collect()) {
                Err(Error::Interrupted) if self.control.check().is_err() => return Ok(Ended::Interrupted),
                Err(Error::Interrupted) => return Ok(Ended::Time),
                other => other?,
            }
        }
        Ok(Ended::Exhausted)
    }

    fn enter(&mut self, candidate: Vec<usize>) {
        if self.known.insert(candidate.clone()) {
            self.candidates.push(candidate);
        }
    }

    /// How many of `wanted` more candidates the budget allows.
    fn affordable(&self, wanted: usize) -> usize {
        match self.budget {
            Budget::Trials(n) => wanted.min(n.saturating_sub(self.candidates.len())),
            Budget::Until(_) => {
                let Some(left) = self.deadline().map(|d| d.saturating_duration_since(Instant::now())) else { return 0 };
                let mut whole = 0.0;
                for rung in 0..RUNGS {
                    // The start climbs too, where it has not.
                    let share = (KEEP_ONE_OF as f64).powi(-(rung as i32));
                    whole += self.cost(rung) * share;
                }
                let first: f64 = (1..RUNGS).filter(|&r| self.seconds[r].is_none()).map(|r| self.cost(r)).sum();
                // Of what a rung keeps at least one climbs, however few began.
                let fits = (0..=wanted).rev().find(|&n| {
                    let at_least: f64 = (1..RUNGS).map(|r| self.cost(r)).sum::<f64>() + self.cost(0) * n as f64;
                    (whole * n as f64).max(at_least) + first <= left.as_secs_f64() * PLANNED
                });
                fits.unwrap_or(0)
            }
        }
    }

    /// Seconds that a candidate may take on a rung: as many as the start did there, or would by what it did on a lower one.
    fn cost(&self, rung: usize) -> f64 {
        let work = |r: usize| self.judge.rows(r) as f64 * DEALS[r] as f64;
        let measured = (0..=rung).rev().find_map(|r| Some((r, self.seconds[r]?)));
        measured.map_or(0.0, |(r, seconds)| seconds * work(rung) / work(r))
    }

    /// When the search is to end, so that the last training has time; `None` for never.
    fn deadline(&self) -> Option<Instant> {
        let Budget::Until(end) = self.budget else { return None };
        let last = RUNGS - 1;
        let all = (self.judge.labelled() as f64 / self.judge.rows(last).max(1) as f64).sqrt();
        let reserve = self.cost(last) / DEALS[last] as f64 * FINAL_FIT * all;
        Some(end.checked_sub(Duration::from_secs_f64(reserve)).unwrap_or(end))
    }

    /// Sends candidates up the ladder.
    fn climb(&mut self, mut candidates: Vec<usize>) -> Result<()> {
        for rung in 0..RUNGS {
            if self.scores[rung].is_empty() {
                candidates.insert(0, 0);
            }
            let control = self.deadline().map_or_else(|| self.control.clone(), |end| self.control.until(end));
            self.judge_on(rung, &candidates, &control)?;
            let mut gains: Vec<(usize, f64, f64)> = candidates
                .iter()
                .filter(|&&c| c != 0)
                .filter_map(|&c| self.gain(c, rung).map(|(gain, error)| (c, gain, error)))
                .collect();
            gains.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let keep = gains.len().div_ceil(KEEP_ONE_OF);
            // What is plainly worse need not climb to show it.
            candidates =
                gains.into_iter().take(keep).filter(|(_, gain, error)| gain + error > 0.0).map(|g| g.0).collect();
            if candidates.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn judge_on(&mut self, rung: usize, candidates: &[usize], control: &Control) -> Result<()> {
        let options: Vec<TrainOptions> = candidates.iter().map(|&c| self.space.options(&self.candidates[c])).collect();
        let Search { judge, space, trials, scores, seconds, candidates: all, metric, budget, .. } = self;
        let total = match budget {
            Budget::Trials(n) => format!(" of {n}"),
            Budget::Until(_) => String::new(),
        };
        let end = match budget {
            Budget::Until(end) => Some(*end),
            Budget::Trials(_) => None,
        };
        let mut judged: Vec<(usize, Option<Score>, f64)> = Vec::new();
        let quiet = control.quiet();
        let best_known = best_of(&scores[RUNGS - 1]).map_or(0.0, |(_, gain)| gain);
        let report = |trial: usize| {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()).as_secs());
            let left = left.map_or(String::new(), |s| format!(", {s} s left"));
            let rung = rung + 1;
            control.report(
                &format!("trial {trial}{total}, rung {rung} of {RUNGS}; {metric} so far {best_known:+.4}{left}"),
                None,
            );
        };
        report(candidates[0] + 1);
        let outcome = judge.judge(&options, rung, &quiet, |i, score, seconds| {
            judged.push((candidates[i], score, seconds));
            report(candidates[i] + 1);
        });
        // Candidates of the same vectors were judged together: back to the order of their numbers.
        judged.sort_by_key(|&(c, ..)| c);
        for (c, score, took) in judged {
            if c == 0 {
                seconds[rung] = Some(took);
            }
            if let Some(score) = &score {
                scores[rung].push((c, score.clone()));
            }
            let start = scores[rung].first().filter(|(first, _)| *first == 0).map(|(_, score)| score);
            let gain = score.as_ref().zip(start).map(|(score, start)| score.gain_over(start));
            let values = space.dimensions.iter().zip(&all[c]).map(|(d, &v)| d.typed(v).to_owned()).collect();
            trials.push(Trial { candidate: c, values, rung, deals: DEALS[rung], score, gain, seconds: took });
        }
        outcome
    }

    fn start(&self, rung: usize) -> &Score {
        &self.scores[rung][0].1
    }

    fn gain(&self, candidate: usize, rung: usize) -> Option<(f64, f64)> {
        let score = self.scores[rung].iter().find(|(c, _)| *c == candidate).map(|(_, score)| score)?;
        Some(score.gain_over(self.start(rung)))
    }

    /// What each value of each dimension gained in the mean over the candidates that have it, on the first rung.
    fn effects(&self) -> Vec<Vec<f64>> {
        let mut sums: Vec<Vec<(f64, f64)>> = self.space.dimensions.iter().map(|d| vec![(0.0, 0.0); d.len()]).collect();
        for (candidate, score) in &self.scores[0] {
            let (gain, _) = score.gain_over(self.start(0));
            // Few changes tell more of each of them than many do.
            let changes = self.candidates[*candidate].iter().filter(|&&v| v > 0).count().max(1) as f64;
            for (sums, &value) in sums.iter_mut().zip(&self.candidates[*candidate]) {
                sums[value].0 += gain / (changes * changes);
                sums[value].1 += 1.0 / changes;
            }
        }
        let mean = |(sum, weight): &(f64, f64)| if *weight > 0.0 { sum / weight } else { 0.0 };
        sums.iter()
            .map(|values| values.iter().enumerate().map(|(v, sum)| if v == 0 { 0.0 } else { mean(sum) }).collect())
            .collect()
    }

    /// The candidate of the best value of each dimension.
    fn all_that_helped(&self) -> Vec<usize> {
        self.effects().iter().map(|values| best(values)).collect()
    }

    /// A bred candidate that is not known yet, unless hardly any is left.
    fn breed_new(&mut self) -> Option<Vec<usize>> {
        for _ in 0..200 {
            let bred = self.breed();
            if !self.known.contains(&bred) {
                return Some(bred);
            }
        }
        None
    }

    /// A candidate drawn from what did well: of each dimension its best value, or that of the best candidate so far, or the start's, or any.
    fn breed(&mut self) -> Vec<usize> {
        let helped = self.all_that_helped();
        let leader =
            best_of(&self.scores[RUNGS - 1]).map_or_else(|| self.space.start(), |(c, _)| self.candidates[c].clone());
        (0..helped.len())
            .map(|at| match self.rng.next_u64() % 20 {
                0..7 => helped[at],
                7..13 => leader[at],
                13..18 => 0,
                _ => (self.rng.next_u64() % self.space.dimensions[at].len() as u64) as usize,
            })
            .collect()
    }

    /// A candidate less the changes without which not one decision is another: bred candidates carry some along, and a reader of the options would take them for findings.
    /// Where the time is up, the changes not yet looked at stay.
    fn without_idle(&mut self, candidate: usize) -> Result<Vec<usize>> {
        let mut kept = self.candidates[candidate].clone();
        let control = self.deadline().map_or_else(|| self.control.clone(), |end| self.control.until(end)).quiet();
        for at in (0..kept.len()).rev().filter(|&at| self.candidates[candidate][at] > 0) {
            let mut fewer = kept.clone();
            fewer[at] = 0;
            let options = [&kept, &fewer].map(|values| self.space.options(values));
            let mut scores = [None, None];
            match self.judge.judge(&options, 0, &control, |i, score, _| scores[i] = score) {
                Err(Error::Interrupted) => break,
                other => other?,
            }
            if let [Some(with), Some(without)] = &scores
                && with.gain_over(without) == (0.0, 0.0)
            {
                kept = fewer;
            }
        }
        Ok(kept)
    }

    fn finish(mut self, ended: Ended) -> Result<Tuned> {
        let top = (0..RUNGS).rev().find(|&rung| !self.scores[rung].is_empty()).unwrap_or(0);
        let best = best_of(&self.scores[RUNGS - 1]).map_or(0, |(c, _)| c);
        let score = self.scores[top].iter().find(|(c, _)| *c == best).map(|(_, s)| s.clone()).unwrap_or_default();
        let values = self.without_idle(best)?;
        let dimensions = self.space.dimensions.iter();
        let changes =
            dimensions.zip(&values).filter(|&(_, &v)| v > 0).map(|(d, &v)| (d.name, d.typed(v).to_owned())).collect();
        Ok(Tuned {
            options: self.space.options(&values),
            changes,
            names: self.space.dimensions.iter().map(|d| d.name).collect(),
            candidates: self.trials.iter().map(|t| t.candidate).collect::<BTreeSet<_>>().len(),
            start: self.scores[top].first().map(|(_, s)| s.clone()).unwrap_or_default(),
            best: score,
            trials: self.trials,
            ended,
        })
    }

    fn nothing_to_judge(&self) -> Error {
        Error::corpus(
            format!("the options given cannot be judged by {} on this corpus", self.metric),
            "a head is judged on at least ten rows with two different labels; without folds there is nothing to choose by: use `train`",
        )
    }
}

/// Of the candidates of the last rung, the one whose gain is best after its standard error is taken off, if that leaves any; and its gain.
fn best_of(scores: &[(usize, Score)]) -> Option<(usize, f64)> {
    let start = &scores.first()?.1;
    let sure = |(c, score): &(usize, Score)| {
        let (gain, error) = score.gain_over(start);
        (*c, gain, gain - MARGIN * error)
    };
    let (c, gain, _) =
        scores.iter().skip(1).map(sure).filter(|s| s.2 > 0.0).max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)))?;
    Some((c, gain))
}

fn best(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LabelledText, TrainingSetBuilder};

    #[test]
    fn changes_that_change_no_decision_are_dropped() {
        let mut rows = TrainingSetBuilder::default();
        for i in 0..60 {
            // Characters alone tell the topics of the last rows: their words stand nowhere else.
            let text = match (i % 2, i < 40) {
                (0, true) => format!("fishery harbour {i}"),
                (1, true) => format!("railway station {i}"),
                (0, _) => format!("fisher{i}man"),
                (_, _) => format!("railro{i}ad"),
            };
            rows.push(LabelledText { text: &text, topic: Some(["fish", "rail"][i % 2]), ..Default::default() });
        }
        let (set, base, control) = (rows.finish(), TrainOptions::default(), Control::default());
        let mut search = Search::new(&set, &base, &TuneOptions::default(), &control);
        let place = |name: &str| search.space.dimensions.iter().position(|d| d.name == name).unwrap();
        let (idle, telling) = (place("max_df"), place("char_ngrams"));
        let none = (0..).find(|&v| search.space.dimensions[telling].typed(v) == "none").unwrap();
        let mut candidate = search.space.start();
        (candidate[idle], candidate[telling]) = (1, none);
        search.enter(candidate.clone());
        candidate[idle] = 0;
        // No term is in half of the rows; without characters the last rows are guessed.
        assert_eq!(search.without_idle(1).unwrap(), candidate);
    }
}
