//! Whether two classifiers differ by more than luck, on the same rows.
//!
//! Flows in: the gold label of each row and what A and B said. Flows out: the [`Difference`] of accuracy and of macro-F1, with a bootstrap interval and a
//! p-value: how often a difference at least as large comes about when A and B are equally good.
//!
//! - Accuracy, rows that stand alone: McNemar's test, exact, on the rows where one of the two is right (McNemar 1947; Dietterich 1998 recommends it
//!   for comparing classifiers).
//! - Macro-F1, and everything where rows come in groups: approximate randomisation (Noreen 1989; Yeh 2000, *More accurate tests for the
//!   statistical significance of result differences*). If A and B are alike, it does not matter which answer is whose: answers are swapped at random, for whole groups where
//!   there are groups, and p is (times the difference is as large + 1) / (swaps + 1).

use std::collections::{BTreeMap, BTreeSet};

use rand_core::Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval, Units, generator};
use super::metrics::Tally;

/// Differences of the figures that are smaller are rounding.
const EQUAL: f64 = 1e-12;
/// Told apart from the generators of the bootstrap.
const SWAPS: u64 = 0x7377_6170;

/// How a p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// McNemar's exact test.
    McnemarExact,
    /// Approximate randomisation by rows.
    ApproximateRandomisation,
    /// Approximate randomisation by groups.
    ApproximateRandomisationByGroup,
}

/// A figure of A and of B.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The figure of A.
    pub a: f64,
    /// The figure of B.
    pub b: f64,
    /// A's less B's.
    pub difference: f64,
    /// Its 95 % bootstrap interval, A and B drawn together; `None` without resamples.
    pub interval: Option<Interval>,
    /// Two-sided; `None` where the test needs resamples and there are none.
    pub p_value: Option<f64>,
    /// How it was found.
    pub test: Test,
}

/// A head of two classifiers, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadComparison {
    /// Rows with a gold label of this head.
    pub rows: u64,
    /// Rows that A has right and B wrong.
    pub only_a_right: u64,
    /// Rows that B has right and A wrong.
    pub only_b_right: u64,
    /// Share of rows right.
    pub accuracy: Difference,
    /// Mean F1 over the labels that are gold or predicted by the one of whom it is.
    pub macro_f1: Difference,
}

/// What both said of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paired<'a> {
    pub gold: &'a str,
    pub a: Option<&'a str>,
    pub b: Option<&'a str>,
    /// Place of the row among those of the comparison.
    pub row: usize,
}

/// Gold label, A's answer, B's answer, rows.
type Cell = (usize, Option<usize>, Option<usize>, u64);

/// Compares one head; `None` without rows.
pub(super) fn compare_head(
    pairs: &[Paired<'_>],
    groups: Option<&[u32]>,
    bootstrap: Bootstrap,
) -> Option<HeadComparison> {
    if pairs.is_empty() {
        return None;
    }
    let rows: Vec<usize> = pairs.iter().map(|p| p.row).collect();
    let units = Units::new(&rows, groups);
    let sample = Sample::new(pairs, &units);
    let (a, b) = sample.both();
    let rights = pairs.iter().map(|p| (p.a == Some(p.gold), p.b == Some(p.gold)));
    let (only_a_right, only_b_right) =
        rights.fold((0, 0), |(only_a, only_b), (a, b)| (only_a + u64::from(a && !b), only_b + u64::from(b && !a)));
    let intervals = sample.intervals(bootstrap);
    let swapped = sample.randomise(bootstrap);
    let by_swaps = if units.grouped() { Test::ApproximateRandomisationByGroup } else { Test::ApproximateRandomisation };
    let (p_accuracy, test) = match units.grouped() {
        true => (swapped.map(|p| p[0]), by_swaps),
        false => (Some(mcnemar(only_a_right, only_b_right)), Test::McnemarExact),
    };
    let difference =
        |a: f64, b: f64, interval, p_value, test| Difference { a, b, difference: a - b, interval, p_value, test };
    Some(HeadComparison {
        rows: pairs.len() as u64,
        only_a_right,
        only_b_right,
        accuracy: difference(a.accuracy(), b.accuracy(), intervals[0], p_accuracy, test),
        macro_f1: difference(a.macro_f1(), b.macro_f1(), intervals[1], swapped.map(|p| p[1]), by_swaps),
    })
}

/// The cells of every unit.
struct Sample {
    labels: usize,
    units: Vec<Vec<Cell>>,
}

impl Sample {
    fn new(pairs: &[Paired<'_>], units: &Units) -> Sample {
        let labels: BTreeSet<&str> =
            pairs.iter().flat_map(|p| [Some(p.gold), p.a, p.b].into_iter().flatten()).collect();
        let numbers: BTreeMap<&str, usize> = labels.into_iter().enumerate().map(|(i, label)| (label, i)).collect();
        let cells = |unit: usize| {
            let mut counts: BTreeMap<(usize, Option<usize>, Option<usize>), u64> = BTreeMap::new();
            for &i in units.rows(unit) {
                let p = &pairs[i];
                *counts.entry((numbers[p.gold], p.a.map(|a| numbers[a]), p.b.map(|b| numbers[b]))).or_default() += 1;
            }
            counts.into_iter().map(|((gold, a, b), n)| (gold, a, b, n)).collect()
        };
        Sample { labels: numbers.len(), units: (0..units.len()).map(cells).collect() }
    }

    fn tallies(&self) -> (Tally, Tally) {
        (Tally::new(self.labels), Tally::new(self.labels))
    }

    fn both(&self) -> (Tally, Tally) {
        let mut both = self.tallies();
        self.units.iter().for_each(|cells| add(&mut both, cells, false));
        both
    }

    fn intervals(&self, bootstrap: Bootstrap) -> Vec<Option<Interval>> {
        let start = || self.tallies();
        bootstrap.intervals(self.units.len(), 2, start, |both, draws, out| {
            both.0.clear();
            both.1.clear();
            draws.for_each(|unit| add(both, &self.units[unit], false));
            out.copy_from_slice(&differences(both));
        })
    }

    /// The p-values of accuracy and macro-F1 by swapping.
    fn randomise(&self, bootstrap: Bootstrap) -> Option<[f64; 2]> {
        if bootstrap.resamples == 0 {
            return None;
        }
        // Units whose answers are the same are the same when swapped.
        let differ = |cells: &&Vec<Cell>| cells.iter().any(|&(_, a, b, _)| a != b);
        let (moving, still): (Vec<&Vec<Cell>>, Vec<&Vec<Cell>>) = self.units.iter().partition(differ);
        let mut base = self.tallies();
        still.iter().for_each(|cells| add(&mut base, cells, false));
        let found = differences(&self.both());
        let as_large = |number: usize, both: &mut (Tally, Tally)| {
            both.clone_from(&base);
            let mut rng = generator(bootstrap.seed ^ SWAPS, number);
            for cells in moving.chunks(64) {
                let coins = rng.next_u64();
                cells.iter().enumerate().for_each(|(i, cells)| add(both, cells, coins >> i & 1 == 1));
            }
            let swapped = differences(both);
            [0, 1].map(|f| u64::from(swapped[f].abs() >= found[f].abs() - EQUAL))
        };
        let counts = (0..bootstrap.resamples)
            .into_par_iter()
            .map_init(|| self.tallies(), |both, number| as_large(number, both))
            .reduce(|| [0, 0], |x, y| [x[0] + y[0], x[1] + y[1]]);
        Some(counts.map(|c| (c + 1) as f64 / (bootstrap.resamples + 1) as f64))
    }
}

fn add(both: &mut (Tally, Tally), cells: &[Cell], swapped: bool) {
    for &(gold, a, b, n) in cells {
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        both.0.add(gold, a, n);
        both.1.add(gold, b, n);
    }
}

fn differences((a, b): &(Tally, Tally)) -> [f64; 2] {
    [a.accuracy() - b.accuracy(), a.macro_f1() - b.macro_f1()]
}

/// McNemar's exact test: the probability that, of the rows where just one is right, they fall as unevenly or more, were each as likely to be A's as B's.
///
/// ```
/// use rapporteur::evaluate::mcnemar;
/// assert_eq!(mcnemar(0, 5), 0.0625);
/// assert_eq!(mcnemar(3, 3), 1.0);
/// ```
pub fn mcnemar(only_a_right: u64, only_b_right: u64) -> f64 {
    let (n, least) = (only_a_right + only_b_right, only_a_right.min(only_b_right));
    if 2 * least == n {
        return 1.0;
    }
    // Binomial probabilities, each from the one before, counted from the middle outward so that none is lost where the first are too small for a number.
    let log_factorial = |k: u64| libm::lgamma(k as f64 + 1.0);
    let log_p = log_factorial(n) - log_factorial(least) - log_factorial(n - least) - n as f64 * std::f64::consts::LN_2;
    let mut term = libm::exp(log_p);
    let mut sum = 0.0;
    for k in (0..=least).rev() {
        sum += term;
        term *= k as f64 / (n - k + 1) as f64;
        if term <= sum * f64::EPSILON {
            break;
        }
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of gold `x`; each letter is a row: `a` only A right, `b` only B right, `+` both, `-` neither.
    fn pairs(rows: &str) -> Vec<Paired<'static>> {
        let said = |right| Some(if right { "x" } else { "y" });
        let row =
            |(row, c): (usize, char)| Paired { gold: "x", a: said("a+".contains(c)), b: said("b+".contains(c)), row };
        rows.chars().enumerate().map(row).collect()
    }

    /// By `scipy.stats.binomtest(k, n).pvalue`, SciPy 1.17.
    #[test]
    fn mcnemar_agrees_with_the_binomial_test() {
        let cases = [
            (1, 9, 0.021484375),
            (10, 20, 0.09873714670538905),
            (40, 61, 0.046044066929342785),
            (480, 520, 0.2174482932041415),
            (5000, 5300, 0.003215819673645259),
            (100, 900, 1.3403435580012363e-161),
        ];
        for (a, b, p) in cases {
            let found = mcnemar(a, b);
            assert!((found / p - 1.0).abs() < 1e-9, "{a} {b}: {found}, not {p}");
            assert_eq!(found, mcnemar(b, a));
        }
        assert_eq!((mcnemar(0, 0), mcnemar(3, 1200)), (1.0, 0.0));
    }

    #[test]
    fn those_who_are_alike_do_not_differ() {
        let same = compare_head(&pairs("++-++-"), None, Bootstrap::default()).expect("rows");
        assert_eq!((same.accuracy.difference, same.accuracy.p_value), (0.0, Some(1.0)));
        assert_eq!((same.macro_f1.difference, same.macro_f1.p_value), (0.0, Some(1.0)));
        assert_eq!(same.macro_f1.interval, Some(Interval { low: 0.0, high: 0.0 }));
        assert!(compare_head(&[], None, Bootstrap::default()).is_none());
    }

    /// Eight discordant rows, all A's: swapped at random, a difference as large comes in 2 of 256.
    #[test]
    fn randomisation_finds_the_exact_probability() {
        let bootstrap = Bootstrap { resamples: 50_000, seed: 3 };
        let found = compare_head(&pairs("aaaaaaaa++++++--"), None, bootstrap).expect("rows");
        assert_eq!((found.only_a_right, found.only_b_right, found.accuracy.test), (8, 0, Test::McnemarExact));
        assert!((found.accuracy.p_value.unwrap_or_default() - 2.0 / 256.0).abs() < 1e-12);
        let p = found.macro_f1.p_value.unwrap_or_default();
        assert!((p - 2.0 / 256.0).abs() < 0.002, "{p}");
        // The same rows in two groups: they can be swapped in four ways, two of which differ as much.
        let groups: Vec<u32> = (0..16).map(|i| i / 4).collect();
        let found = compare_head(&pairs("aaaaaaaa++++++--"), Some(&groups), bootstrap).expect("rows");
        assert_eq!(found.accuracy.test, Test::ApproximateRandomisationByGroup);
        let p = found.accuracy.p_value.unwrap_or_default();
        assert!((p - 0.5).abs() < 0.01, "{p}");
    }

    #[test]
    fn without_resamples_only_the_exact_test_remains() {
        let none = Bootstrap { resamples: 0, seed: 1 };
        let found = compare_head(&pairs("aab+"), None, none).expect("rows");
        assert!(
            found.accuracy.p_value.is_some() && found.macro_f1.p_value.is_none() && found.accuracy.interval.is_none()
        );
    }
}
