//! The bootstrap: how much a figure would differ on other rows of the same kind.
//!
//! Flows in: units (rows, or groups of rows that belong together) and a figure of any selection of them. Flows out: [`Interval`]s.
//! As many units as there are, drawn with replacement, make one resample; the middle 95 % of the figure over many
//! resamples is the interval (the percentile bootstrap; Efron & Tibshirani 1993, *An Introduction to the Bootstrap*,
//! chapter 13). Paragraphs of one speech are alike, so where groups are known they are drawn whole (Field & Welsh 2007,
//! *Bootstrapping clustered data*), which makes the intervals wider and true. A figure is made from sums kept for each unit, never from rows.
//!
//! Every resample has a generator of its own, seeded by its number, so threads change nothing.

use std::fmt;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::Serialize;

use crate::labels::UNLABELLED;

/// Share of the resamples that an interval spans.
pub const LEVEL: f64 = 0.95;

/// With fewer groups than this, an interval or a test by groups is rough.
pub const FEW_GROUPS: usize = 20;

/// Where a figure lies with 95 % confidence. Displayed as `[0.790, 0.833]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The 2.5th percentile of the resamples.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

impl Interval {
    /// The middle 95 % of values, by linear interpolation as `numpy.percentile`; values that are no number are left
    /// out. `None` without a value.
    ///
    /// ```
    /// use rapporteur::evaluate::Interval;
    /// let interval = Interval::of((0..=1000).map(f64::from).collect()).unwrap();
    /// assert!((interval.low - 25.0).abs() < 1e-9 && (interval.high - 975.0).abs() < 1e-9);
    /// ```
    pub fn of(mut values: Vec<f64>) -> Option<Interval> {
        values.retain(|v| !v.is_nan());
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let (below, part) = (place.floor() as usize, place.fract());
            values[below] + part * (values[(below + 1).min(last)] - values[below])
        };
        Some(Interval { low: at((1.0 - LEVEL) / 2.0), high: at((1.0 + LEVEL) / 2.0) })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:.3}, {:.3}]", self.low, self.high)
    }
}

/// How many resamples, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// Resamples; 0 for no intervals.
    pub resamples: usize,
    /// Seed.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 1000 resamples, seed 42.
    fn default() -> Self {
        Bootstrap { resamples: 1000, seed: 42 }
    }
}

impl Bootstrap {
    /// Intervals of `figures` figures over `units` units. `resample` is lent something that `start` made, the units
    /// drawn, and the place for the figures; NaN says that a figure is not defined for this resample.
    ///
    /// ```
    /// use rapporteur::evaluate::Bootstrap;
    /// let heights = [1.61, 1.74, 1.58, 1.82, 1.69, 1.77];
    /// let mean = Bootstrap::default().intervals(heights.len(), 1, || (), |(), units, figures| {
    ///     figures[0] = units.map(|unit| heights[unit]).sum::<f64>() / heights.len() as f64;
    /// });
    /// assert!(mean[0].is_some_and(|i| i.low < 1.70 && 1.70 < i.high));
    /// ```
    pub fn intervals<A>(
        &self,
        units: usize,
        figures: usize,
        start: impl Fn() -> A + Sync + Send,
        resample: impl Fn(&mut A, Draws, &mut [f64]) + Sync + Send,
    ) -> Vec<Option<Interval>> {
        if units == 0 || figures == 0 {
            return vec![None; figures];
        }
        let mut values = vec![0.0; self.resamples * figures];
        values.par_chunks_mut(figures).enumerate().for_each_init(start, |state, (number, out)| {
            let draws = Draws { rng: generator(self.seed, number), units: units as u64, left: units };
            resample(state, draws, out);
        });
        (0..figures).map(|f| Interval::of(values.iter().skip(f).step_by(figures).copied().collect())).collect()
    }
}

/// The generator of resample `number`.
pub(super) fn generator(seed: u64, number: usize) -> Xoshiro256PlusPlus {
    // Not the seed plus the number: two seeds side by side would then share all but one of their resamples.
    let first = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
    Xoshiro256PlusPlus::seed_from_u64(first.wrapping_add(number as u64))
}

/// Units drawn with replacement, as many as there are.
pub struct Draws {
    rng: Xoshiro256PlusPlus,
    units: u64,
    left: usize,
}

impl Iterator for Draws {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        // Lemire's multiplication; its bias at 64 bits is beyond notice.
        Some(((u128::from(self.rng.next_u64()) * u128::from(self.units)) >> 64) as usize)
    }
}

/// What is drawn: rows, each by itself or in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// Where the rows of each unit begin; one more at the end.
    starts: Vec<usize>,
    rows: Vec<usize>,
    grouped: bool,
}

impl Units {
    /// Units of these rows, of which `groups`, if given, has the group of each; a row whose group is [`UNLABELLED`] is
    /// a unit of its own. Numbers of rows count from 0 within `rows`.
    pub fn new(rows: &[usize], groups: Option<&[u32]>) -> Units {
        let Some(groups) = groups else {
            return Units { starts: (0..=rows.len()).collect(), rows: (0..rows.len()).collect(), grouped: false };
        };
        // A stable order: by group, then by row.
        let mut order: Vec<(u32, usize)> = rows.iter().enumerate().map(|(i, &row)| (groups[row], i)).collect();
        order.sort_unstable();
        let begins = |i: usize| i == 0 || order[i].0 == UNLABELLED || order[i - 1].0 != order[i].0;
        let mut starts: Vec<usize> = (0..order.len()).filter(|&i| begins(i)).collect();
        starts.push(order.len());
        Units { starts, rows: order.into_iter().map(|(_, row)| row).collect(), grouped: true }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether rows come in groups.
    pub fn grouped(&self) -> bool {
        self.grouped
    }

    /// The rows of a unit.
    pub fn rows(&self, unit: usize) -> &[usize] {
        &self.rows[self.starts[unit]..self.starts[unit + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated_and_undefined_values_left_out() {
        assert_eq!(Interval::of(vec![f64::NAN, 1.0, 0.0]), Interval::of(vec![0.0, 1.0]));
        let interval = Interval::of(vec![1.0, 0.0]).expect("values");
        assert!((interval.low - 0.025).abs() < 1e-12 && (interval.high - 0.975).abs() < 1e-12);
        assert_eq!(Interval::of(vec![2.0]), Some(Interval { low: 2.0, high: 2.0 }));
        assert_eq!(Interval::of(vec![f64::NAN]), None);
        let interval = Interval { low: -0.0123, high: 0.4 };
        assert_eq!(interval.to_string(), "[-0.012, 0.400]");
    }

    #[test]
    fn rows_without_a_group_stand_alone() {
        let groups = [7, 5, UNLABELLED, 7, UNLABELLED, 9];
        let units = Units::new(&[0, 1, 2, 3, 4], Some(&groups));
        assert_eq!(units.len(), 4);
        let rows: Vec<&[usize]> = (0..4).map(|u| units.rows(u)).collect();
        assert_eq!(rows, [&[1][..], &[0, 3], &[2], &[4]]);
        assert!(Units::new(&[], Some(&groups)).is_empty() && Units::new(&[], None).is_empty());
    }

    /// The mean of n values has the standard error s/sqrt(n): the interval must be 2 x 1.96 of them wide.
    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_law() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
        let deviation = (399.0f64 / 12.0).sqrt();
        let bootstrap = Bootstrap { resamples: 4000, seed: 1 };
        let mean = |(): &mut (), units: Draws, out: &mut [f64]| out[0] = units.map(|u| values[u]).sum::<f64>() / 400.0;
        let interval = bootstrap.intervals(400, 1, || (), mean)[0].expect("an interval");
        let expected = 2.0 * 1.96 * deviation / 20.0;
        assert!(((interval.high - interval.low) / expected - 1.0).abs() < 0.06, "{interval} against {expected}");
        // Twenty alike in a group: as if there were 20 values and not 400.
        let whole = |(): &mut (), units: Draws, out: &mut [f64]| out[0] = units.map(|u| u as f64).sum::<f64>() / 20.0;
        let grouped = bootstrap.intervals(20, 1, || (), whole)[0].expect("an interval");
        assert!((grouped.high - grouped.low) / (interval.high - interval.low) > 4.0);
    }

    #[test]
    fn threads_change_nothing_and_the_seed_does() {
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let bootstrap = Bootstrap { resamples: 100, seed };
            pool.install(|| {
                bootstrap.intervals(50, 1, || (), |(), units, out| out[0] = units.map(|u| 1.0 / (u + 1) as f64).sum())
            })
        };
        assert_eq!(run(1, 1), run(3, 1));
        assert_ne!(run(1, 1), run(1, 2));
        assert_eq!(Bootstrap { resamples: 0, seed: 1 }.intervals(5, 1, || (), |(), _, _| ()), [None]);
    }
}
