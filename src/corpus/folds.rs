//! Folds for cross-validation: stratified, and with groups kept together.
//!
//! Flows in: a stratum for each row (the label, or topic and stance together) and perhaps a group (the speech or the
//! speaker it comes from). Flows out: the fold of each row. Rows of one speech share words that tell the speech rather
//! than the topic, so a model tested on the other half of a speech it learnt from looks better than it is: groups are
//! never split. The same seed gives the same folds on any machine.
//!
//! Grouped folds are those of scikit-learn's `StratifiedGroupKFold(shuffle=True)`: a greedy choice after Jakub
//! Wąsikowski. There every choice recomputes the whole table of folds and strata; here only the strata of the group at
//! hand are looked at, so a million rows in half a million groups take about a second.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{Error, Result};

/// Deals rows to `k` folds, numbered from 0, so that every stratum is spread over them as evenly as possible.
///
/// Without groups, the rows of each stratum are shuffled and dealt in turn: no two folds differ by more than one row,
/// in any stratum or as a whole. With groups, all rows of a group come into the same fold, and no fold stays empty.
///
/// Fails if `k` is less than 2 or more than there are rows or groups, or if the two slices differ in length.
///
/// ```
/// use rapporteur::corpus::stratified_group_folds;
/// let folds = stratified_group_folds(&[0, 0, 0, 0, 1, 1], None, 2, 42)?;
/// assert_eq!(folds[..4].iter().filter(|&&f| f == 0).count(), 2);
/// assert_ne!(folds[4], folds[5]);
///
/// let speeches = [7, 7, 8, 8, 9, 9];
/// let folds = stratified_group_folds(&[0, 1, 0, 1, 0, 1], Some(&speeches), 3, 42)?;
/// assert!(folds[0] == folds[1] && folds[2] == folds[3] && folds[4] == folds[5]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub fn stratified_group_folds(strata: &[u32], groups: Option<&[u32]>, k: usize, seed: u64) -> Result<Vec<u32>> {
    if k < 2 {
        return Err(Error::parameter("number of folds", k, "at least 2"));
    }
    if k > strata.len() {
        return Err(Error::corpus(
            format!("{k} folds cannot be made of {} labelled rows", strata.len()),
            "Ask for fewer folds, or label more rows.",
        ));
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (strata, stratum_count) = dense(strata);
    match groups {
        None => Ok(deal(&strata, stratum_count, k, &mut rng)),
        Some(groups) if groups.len() != strata.len() => {
            Err(Error::parameter("groups", groups.len(), "as many groups as strata, one for each row"))
        }
        Some(groups) => {
            let (groups, group_count) = dense(groups);
            if k > group_count {
                return Err(Error::corpus(
                    format!("{k} folds cannot be made of {group_count} groups, which are kept together"),
                    "Ask for fewer folds, or group the rows by a column with more values.",
                ));
            }
            let counts = GroupCounts::of(&groups, group_count, &strata);
            let folds = Greedy::new(&strata, stratum_count, k).assign(&counts, stratum_count, &mut rng);
            Ok(groups.iter().map(|&g| folds[g as usize]).collect())
        }
    }
}

/// The same ids numbered from 0 without gaps, in their order, and how many there are.
fn dense(ids: &[u32]) -> (Vec<u32>, usize) {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    // Every id is in `sorted`, so both arms of the search give its place.
    let number = |id: &u32| sorted.binary_search(id).unwrap_or_else(|place| place) as u32;
    (ids.iter().map(number).collect(), sorted.len())
}

/// Fisher and Yates's shuffle; numbers below a bound by Lemire's multiplication, whose bias at 64 bits is beyond
/// notice.
fn shuffle<T>(items: &mut [T], rng: &mut Xoshiro256PlusPlus) {
    for i in (1..items.len()).rev() {
        let below = ((u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64) as usize;
        items.swap(i, below);
    }
}

fn deal(strata: &[u32], stratum_count: usize, k: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<u32> {
    let mut rows_of = vec![Vec::new(); stratum_count];
    for (row, &stratum) in strata.iter().enumerate() {
        rows_of[stratum as usize].push(row);
    }
    let mut folds = vec![0; strata.len()];
    // One round over all strata, so that the odd rows of many small strata do not all fall to the first fold.
    let mut fold = 0;
    for mut rows in rows_of {
        shuffle(&mut rows, rng);
        for row in rows {
            folds[row] = fold as u32;
            fold = (fold + 1) % k;
        }
    }
    folds
}

/// How many rows of each stratum each group has; only strata that it has.
struct GroupCounts {
    starts: Vec<usize>,
    counts: Vec<(u32, u64)>,
}

impl GroupCounts {
    fn of(groups: &[u32], group_count: usize, strata: &[u32]) -> GroupCounts {
        let mut rows: Vec<(u32, u32)> = groups.iter().copied().zip(strata.iter().copied()).collect();
        rows.sort_unstable();
        let mut starts = Vec::with_capacity(group_count + 1);
        let mut counts: Vec<(u32, u64)> = Vec::new();
        let mut last_group = None;
        for (group, stratum) in rows {
            if last_group != Some(group) {
                starts.push(counts.len());
                last_group = Some(group);
                counts.push((stratum, 0));
            }
            match counts.last_mut() {
                Some((last, n)) if *last == stratum => *n += 1,
                _ => counts.push((stratum, 1)),
            }
        }
        starts.push(counts.len());
        GroupCounts { starts, counts }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn of_group(&self, group: usize) -> &[(u32, u64)] {
        &self.counts[self.starts[group]..self.starts[group + 1]]
    }
}

/// The folds as they fill.
struct Greedy {
    k: usize,
    /// Rows of each stratum in each fold: `stratum * k + fold`.
    rows: Vec<u64>,
    /// For each stratum: rows in all, rows dealt so far, and the sum over folds of their squares.
    strata: Vec<(u64, u64, u128)>,
    /// Rows and groups in each fold.
    folds: Vec<(u64, usize)>,
}

impl Greedy {
    fn new(strata: &[u32], stratum_count: usize, k: usize) -> Greedy {
        let mut totals = vec![(0, 0, 0); stratum_count];
        for &stratum in strata {
            totals[stratum as usize].0 += 1;
        }
        Greedy { k, rows: vec![0; stratum_count * k], strata: totals, folds: vec![(0, 0); k] }
    }

    /// The fold of each group: groups with the most uneven strata first, for they are the hardest to place.
    fn assign(mut self, groups: &GroupCounts, stratum_count: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<u32> {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        shuffle(&mut order, rng);
        // n^2 times the variance of a group's counts over the strata: the same order as the standard deviation, in
        // whole numbers.
        let variance = |&group: &usize| {
            let counts = groups.of_group(group);
            let sum: u128 = counts.iter().map(|&(_, n)| u128::from(n)).sum();
            let squares: u128 = counts.iter().map(|&(_, n)| u128::from(n) * u128::from(n)).sum();
            std::cmp::Reverse(stratum_count as u128 * squares - sum * sum)
        };
        order.sort_by_cached_key(variance);
        let mut fold_of = vec![0; groups.len()];
        for (placed, &group) in order.iter().enumerate() {
            let counts = groups.of_group(group);
            let empty = self.folds.iter().filter(|f| f.1 == 0).count();
            // The last groups fill folds that are still empty.
            let only_empty = groups.len() - placed <= empty;
            let fold = self.best(counts, only_empty);
            self.add(fold, counts);
            fold_of[group] = fold as u32;
        }
        fold_of
    }

    /// The fold that leaves the shares of the strata least spread; of equals, the one with the fewest rows.
    fn best(&self, counts: &[(u32, u64)], only_empty: bool) -> usize {
        /// Spreads that differ by less are equal, and the difference rounding.
        const EQUAL: f64 = 1e-9;
        let mut best: Option<(usize, f64)> = None;
        for fold in (0..self.k).filter(|&f| !only_empty || self.folds[f].1 == 0) {
            let spread: f64 = counts.iter().map(|&(stratum, n)| self.spread_with(stratum as usize, fold, n)).sum();
            let better = best.is_none_or(|(held, least)| {
                spread < least - EQUAL || spread < least + EQUAL && self.folds[fold].0 < self.folds[held].0
            });
            if better {
                best = Some((fold, spread));
            }
        }
        best.map_or(0, |(fold, _)| fold)
    }

    /// The standard deviation over folds of a stratum's shares, were `n` more of its rows in `fold`.
    fn spread_with(&self, stratum: usize, fold: usize, n: u64) -> f64 {
        let (all, dealt, squares) = self.strata[stratum];
        let here = u128::from(self.rows[stratum * self.k + fold]);
        let (n, dealt) = (u128::from(n), u128::from(dealt));
        let squares = squares + 2 * here * n + n * n;
        let k = self.k as u128;
        let variance = k * squares - (dealt + n) * (dealt + n);
        (variance as f64).sqrt() / (k as f64 * all as f64)
    }

    fn add(&mut self, fold: usize, counts: &[(u32, u64)]) {
        for &(stratum, n) in counts {
            let cell = &mut self.rows[stratum as usize * self.k + fold];
            let (_, dealt, squares) = &mut self.strata[stratum as usize];
            *squares += u128::from(n) * u128::from(2 * *cell + n);
            *cell += n;
            *dealt += n;
            self.folds[fold].0 += n;
        }
        self.folds[fold].1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn impossible_folds_are_refused() {
        assert!(matches!(stratified_group_folds(&[0, 1], None, 1, 0), Err(Error::Parameter { .. })));
        assert!(matches!(stratified_group_folds(&[0, 1], None, 3, 0), Err(Error::Corpus { .. })));
        assert!(matches!(stratified_group_folds(&[0, 1, 0], Some(&[5, 5, 5]), 2, 0), Err(Error::Corpus { .. })));
        assert!(matches!(stratified_group_folds(&[0, 1, 0], Some(&[5]), 2, 0), Err(Error::Parameter { .. })));
    }

    #[test]
    fn the_seed_decides() {
        let strata: Vec<u32> = (0..100).map(|i| i % 3).collect();
        let groups: Vec<u32> = (0..100).map(|i| i / 4).collect();
        for groups in [None, Some(&groups[..])] {
            let folds = |seed| stratified_group_folds(&strata, groups, 5, seed).unwrap_or_default();
            assert_eq!(folds(1), folds(1));
            assert_ne!(folds(1), folds(2));
        }
    }

    #[test]
    fn equal_groups_spread_evenly() {
        // 60 groups of three rows: thirty of stratum 0, twenty of stratum 1, ten mixed.
        let mut strata = Vec::new();
        let mut groups = Vec::new();
        for group in 0..60 {
            for row in 0..3 {
                groups.push(group);
                strata.push(if group < 30 {
                    0
                } else if group < 50 {
                    1
                } else {
                    u32::from(row > 0)
                });
            }
        }
        let folds = stratified_group_folds(&strata, Some(&groups), 5, 3).unwrap_or_default();
        for stratum in 0..2 {
            let mut counts = [0i32; 5];
            for (row, &fold) in folds.iter().enumerate() {
                counts[fold as usize] += i32::from(strata[row] == stratum);
            }
            let (most, least) = (counts.iter().max(), counts.iter().min());
            assert!(most.zip(least).is_some_and(|(m, l)| m - l <= 3), "{counts:?}");
        }
    }

    #[test]
    fn many_rows_and_groups_are_fast() {
        let rows = 1_000_000u32;
        let strata: Vec<u32> = (0..rows).map(|i| i.wrapping_mul(2_654_435_761) % 30).collect();
        let groups: Vec<u32> = (0..rows).map(|i| i.wrapping_mul(40_503) % 500_000).collect();
        // Were each group held against each, this would take hours.
        let folds = stratified_group_folds(&strata, Some(&groups), 10, 1).unwrap_or_default();
        assert_eq!(folds.len(), rows as usize);
        let mut sizes = [0u32; 10];
        folds.iter().for_each(|&f| sizes[f as usize] += 1);
        assert!(sizes.iter().all(|&s| s.abs_diff(rows / 10) < rows / 1_000), "{sizes:?}");
    }

    proptest! {
        #[test]
        fn rows_are_dealt_evenly(strata in prop::collection::vec(0u32..6, 2..200), k in 2usize..8, seed: u64) {
            prop_assume!(k <= strata.len());
            let folds = stratified_group_folds(&strata, None, k, seed).unwrap_or_default();
            prop_assert_eq!(folds.len(), strata.len());
            let mut sizes = vec![0usize; k];
            let mut cells: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (&fold, &stratum) in folds.iter().zip(&strata) {
                sizes[fold as usize] += 1;
                cells.entry(stratum).or_insert_with(|| vec![0; k])[fold as usize] += 1;
            }
            for counts in cells.values().chain([&sizes]) {
                let (most, least) = (counts.iter().max(), counts.iter().min());
                prop_assert!(most.zip(least).is_some_and(|(m, l)| m - l <= 1));
            }
        }

        #[test]
        fn groups_stay_whole_and_no_fold_is_empty(rows in prop::collection::vec((0u32..4, 0u32..30), 2..200), k in 2usize..6, seed: u64) {
            let (strata, groups): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
            prop_assume!(dense(&groups).1 >= k && k <= strata.len());
            let folds = stratified_group_folds(&strata, Some(&groups), k, seed).unwrap_or_default();
            prop_assert_eq!(folds.len(), strata.len());
            let mut of_group = BTreeMap::new();
            for (&group, &fold) in groups.iter().zip(&folds) {
                prop_assert_eq!(*of_group.entry(group).or_insert(fold), fold);
            }
            for fold in 0..k as u32 {
                prop_assert!(folds.contains(&fold));
            }
        }
    }
}
