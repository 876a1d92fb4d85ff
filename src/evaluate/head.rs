//! One head of an evaluation: from judged rows to scores with intervals.
//!
//! Flows in: [`Judgement`]s, each a gold and a predicted label and perhaps what its probabilities come to. Flows out: [`HeadScores`].
//! Rows are added up once for every unit of the bootstrap; a resample adds units and never looks at a row.

use std::collections::BTreeMap;

use super::bootstrap::{Bootstrap, Interval, Units};
use super::confusion::Confusion;
use super::metrics::{HeadScores, Tally};
use super::probability::{Posterior, ProbabilitySums, bins_of};
use super::selective::{aurc, risk_coverage, thinned};

/// A row as one head sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judgement<'a> {
    pub gold: &'a str,
    pub predicted: Option<&'a str>,
    pub posterior: Option<Posterior>,
    /// Place of the row in the evaluation.
    pub row: usize,
}

/// What the intervals of a head need: the labels in order and, for every unit, the sums of its rows.
pub(super) struct UnitSums {
    /// What each unit counts: gold label, predicted label, rows.
    cells: Runs<(u32, Option<u32>, u64)>,
    /// Log loss, Brier score and rows with probabilities of each unit.
    losses: Vec<(f64, f64, u64)>,
    /// For every unit its bins: number, rows, summed probabilities, rows that are right.
    bins: Runs<(u8, u64, f64, u64)>,
    /// The rows with probabilities, surest first: unit, whether right, and whether it is the last of its probability.
    surest: Vec<(u32, bool, bool)>,
}

/// Lists side by side in one.
struct Runs<T> {
    items: Vec<T>,
    starts: Vec<usize>,
}

impl<T> Runs<T> {
    fn new() -> Self {
        Runs { items: Vec::new(), starts: vec![0] }
    }

    fn push(&mut self, run: impl Iterator<Item = T>) {
        self.items.extend(run);
        self.starts.push(self.items.len());
    }

    fn run(&self, number: usize) -> &[T] {
        &self.items[self.starts[number]..self.starts[number + 1]]
    }
}

/// The figures of a resample before those of the labels, by their names in the JSON.
const FIGURES: [&str; 12] = [
    "accuracy",
    "macro_f1",
    "macro_f1_gold",
    "weighted_f1",
    "balanced_accuracy",
    "cohen_kappa",
    "matthews_corrcoef",
    "macro_f1_labels",
    "log_loss",
    "brier_score",
    "expected_calibration_error",
    "aurc",
];

/// Scores one head; `None` without rows. `groups` has the group of each row of the evaluation, `named` the labels whose mean F1 is wanted.
pub(super) fn head(
    judgements: &[Judgement<'_>],
    groups: Option<&[u32]>,
    named: Option<&[String]>,
    bootstrap: Bootstrap,
) -> Option<HeadScores> {
    if judgements.is_empty() {
        return None;
    }
    let mut scores = HeadScores::of(Confusion::of_pairs(judgements.iter().map(|j| (j.gold, j.predicted))));
    if let Some(labels) = named {
        scores.name_labels(labels);
    }
    let judged: Vec<(usize, Posterior)> =
        judgements.iter().enumerate().filter_map(|(i, j)| Some((i, j.posterior?))).collect();
    let right = |i: usize| judgements[i].predicted == Some(judgements[i].gold);
    let places: Vec<(f64, bool)> = judged.iter().map(|&(i, p)| (p.written, right(i))).collect();
    let mut bin_of = vec![0; judgements.len()];
    let mut sums = ProbabilitySums::default();
    for (&(i, posterior), bin) in judged.iter().zip(bins_of(&places)) {
        bin_of[i] = bin;
        sums.add(&posterior, bin, right(i));
    }
    let curve = risk_coverage(&places);
    scores.probabilities = sums.scores(aurc(&curve));
    scores.risk_coverage = thinned(curve);
    if bootstrap.resamples > 0 {
        let rows: Vec<usize> = judgements.iter().map(|j| j.row).collect();
        let units = Units::new(&rows, groups);
        let sums = UnitSums::new(judgements, scores.confusion.labels(), &bin_of, &units);
        set_intervals(&mut scores, &sums, units.len(), named, bootstrap);
    }
    Some(scores)
}

impl UnitSums {
    fn new(judgements: &[Judgement<'_>], labels: &[String], bin_of: &[u8], units: &Units) -> UnitSums {
        // Every label is among them, so the search finds it.
        let number = |label: &str| labels.binary_search_by(|l| l.as_str().cmp(label)).unwrap_or_default() as u32;
        let (mut cells, mut losses, mut bins) = (Runs::new(), Vec::new(), Runs::new());
        let mut surest: Vec<(f64, u32, bool)> = Vec::new();
        for unit in 0..units.len() {
            let mut counts: BTreeMap<(u32, Option<u32>), u64> = BTreeMap::new();
            let mut sums: BTreeMap<u8, (u64, f64, u64)> = BTreeMap::new();
            let mut loss = (0.0, 0.0, 0);
            for &i in units.rows(unit) {
                let judgement = &judgements[i];
                *counts.entry((number(judgement.gold), judgement.predicted.map(number))).or_default() += 1;
                let Some(posterior) = judgement.posterior else { continue };
                loss.0 += posterior.log_loss();
                loss.1 += posterior.brier_score();
                loss.2 += 1;
                let bin = sums.entry(bin_of[i]).or_default();
                bin.0 += 1;
                bin.1 += posterior.written;
                bin.2 += u64::from(judgement.predicted == Some(judgement.gold));
                surest.push((posterior.written, unit as u32, judgement.predicted == Some(judgement.gold)));
            }
            cells.push(counts.into_iter().map(|((g, p), n)| (g, p, n)));
            losses.push(loss);
            bins.push(sums.into_iter().map(|(bin, (rows, written, right))| (bin, rows, written, right)));
        }
        surest.retain(|row| !row.0.is_nan());
        surest.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ends = |i: usize| surest.get(i + 1).is_none_or(|next| next.0 != surest[i].0);
        let surest = surest.iter().enumerate().map(|(i, &(_, unit, right))| (unit, right, ends(i))).collect();
        UnitSums { cells, losses, bins, surest }
    }

    /// [`aurc`] of a resample, given how often it has each unit; NaN without rows.
    fn aurc(&self, times: &[u32]) -> f64 {
        let (mut rows, mut wrong, mut before, mut sum) = (0u64, 0u64, 0u64, 0.0);
        for &(unit, right, ends) in &self.surest {
            let n = u64::from(times[unit as usize]);
            rows += n;
            wrong += if right { 0 } else { n };
            if ends && rows > before {
                sum += (rows - before) as f64 * (wrong as f64 / rows as f64);
                before = rows;
            }
        }
        sum / rows as f64
    }

    /// Adds a unit.
    fn add(&self, unit: usize, tally: &mut Tally, sums: &mut ProbabilitySums) {
        for &(gold, predicted, n) in self.cells.run(unit) {
            tally.add(gold as usize, predicted.map(|p| p as usize), n);
        }
        let (log_loss, brier_score, rows) = self.losses[unit];
        sums.log_loss += log_loss;
        sums.brier_score += brier_score;
        sums.rows += rows;
        for &(bin, rows, written, right) in self.bins.run(unit) {
            let sum = &mut sums.bins[usize::from(bin)];
            sum.0 += rows;
            sum.1 += written;
            sum.2 += right;
        }
    }
}

fn set_intervals(
    scores: &mut HeadScores,
    sums: &UnitSums,
    units: usize,
    named: Option<&[String]>,
    bootstrap: Bootstrap,
) {
    let labels = scores.confusion.labels();
    let count = labels.len();
    let named: Option<Vec<Option<usize>>> =
        named.map(|names| names.iter().map(|name| labels.binary_search(name).ok()).collect());
    let intervals = bootstrap.intervals(
        units,
        FIGURES.len() + 3 * count,
        || (Tally::new(count), vec![0u32; units]),
        |(tally, times), draws, out| {
            tally.clear();
            times.fill(0);
            let mut probabilities = ProbabilitySums::default();
            draws.for_each(|unit| {
                sums.add(unit, tally, &mut probabilities);
                times[unit] += 1;
            });
            let means = tally.means();
            let f1 = |label: &Option<usize>| label.map_or(0.0, |i| tally.f1(i));
            let of_named = named.as_ref().map_or(f64::NAN, |n| n.iter().map(f1).sum::<f64>() / n.len() as f64);
            let [log_loss, brier_score, calibration] = probabilities.means();
            let (figures, of_labels) = out.split_at_mut(FIGURES.len());
            figures.copy_from_slice(&[
                means.accuracy,
                means.macro_f1,
                means.macro_f1_gold,
                means.weighted_f1,
                means.balanced_accuracy,
                means.cohen_kappa,
                means.matthews_corrcoef,
                of_named,
                log_loss,
                brier_score,
                calibration,
                sums.aurc(times),
            ]);
            for (i, out) in of_labels.chunks_exact_mut(3).enumerate() {
                // A label that this resample lacks has no scores in it.
                let label = tally.occurs(i).then(|| tally.label(i));
                out.copy_from_slice(&label.map_or([f64::NAN; 3], |l| [l.precision, l.recall, l.f1]));
            }
        },
    );
    let (figures, of_labels) = intervals.split_at(FIGURES.len());
    scores.intervals = FIGURES.iter().zip(figures).filter_map(|(name, interval)| Some((*name, (*interval)?))).collect();
    for (label, intervals) in scores.confusion.labels().iter().zip(of_labels.chunks_exact(3)) {
        if let Some(scores) = scores.labels.get_mut(label) {
            (scores.precision_interval, scores.recall_interval, scores.f1_interval) =
                (intervals[0], intervals[1], intervals[2]);
        }
    }
}

/// An interval beside its figure, as `0.812 [0.790, 0.833]`.
pub(super) fn with_interval(figure: f64, interval: Option<&Interval>) -> String {
    interval.map_or_else(|| format!("{figure:.3}"), |i| format!("{figure:.3} {i}"))
}
