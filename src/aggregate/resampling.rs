//! Resamples: other rows of the same kind, and other folds of the same kind.
//!
//! Flows in: a seed and the number of a resample. Flows out: how often each row is drawn, and counts of errors as they might as well have been. A corrected share is uncertain twice: of the rows of the
//! group, and of the errors by which it is corrected; so both are drawn anew each time. Every resample has a generator of its own, so that threads change nothing.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::evaluate::Units;

/// What keeps the draws of errors from those of rows.
const ERRORS: u64 = 0x9e37_79b9_7f4a_7c15;

/// How often each row is drawn, when as many units (rows, or what rows belong to) as there are are drawn with replacement; the rows never drawn are left out.
pub(super) fn draw_rows(units: &Units, seed: u64, number: usize) -> Vec<(usize, f64)> {
    let mut rng = generator(seed, number);
    let mut times = vec![0.0; (0..units.len()).map(|unit| units.rows(unit).len()).sum()];
    for _ in 0..units.len() {
        let unit = below(&mut rng, units.len() as u64) as usize;
        units.rows(unit).iter().for_each(|&row| times[row] += 1.0);
    }
    times.into_iter().enumerate().filter(|&(_, n)| n > 0.0).collect()
}

/// Counts of errors like `confusion` (`labels` a row): of each true label as many rows, each with a label given to one of them.
pub(super) fn draw_errors(labels: usize, confusion: &[u32], seed: u64, number: usize) -> Vec<u32> {
    let mut rng = generator(seed ^ ERRORS, number);
    let mut out = vec![0; confusion.len()];
    for (out, counts) in out.chunks_exact_mut(labels).zip(confusion.chunks_exact(labels)) {
        let ends: Vec<u64> = counts
            .iter()
            .scan(0, |sum, &n| {
                *sum += u64::from(n);
                Some(*sum)
            })
            .collect();
        let rows = ends.last().copied().unwrap_or(0);
        for _ in 0..rows {
            let drawn = below(&mut rng, rows);
            out[ends.partition_point(|&end| end <= drawn)] += 1;
        }
    }
    out
}

fn generator(seed: u64, number: usize) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number as u64))
}

/// Lemire's multiplication; its bias at 64 bits is beyond notice.
fn below(rng: &mut Xoshiro256PlusPlus, end: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(end)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_drawn_as_there_are() {
        let rows: Vec<usize> = (0..500).collect();
        let single = Units::new(&rows, None);
        let drawn = draw_rows(&single, 42, 3);
        assert_eq!(drawn.iter().map(|(_, n)| n).sum::<f64>(), 500.0);
        // On average 1 - 1/e of the rows occur.
        assert!((270..=360).contains(&drawn.len()), "{}", drawn.len());
        assert!(drawn == draw_rows(&single, 42, 3) && drawn != draw_rows(&single, 42, 4));
        let groups: Vec<u32> = (0..500).map(|row| row / 50).collect();
        let drawn = draw_rows(&Units::new(&rows, Some(&groups)), 42, 3);
        assert!(drawn.chunks(50).all(|unit| unit.iter().all(|&(row, n)| row / 50 == unit[0].0 / 50 && n == unit[0].1)));
        assert_eq!(drawn.iter().map(|(_, n)| n).sum::<f64>(), 500.0);
        let errors = draw_errors(3, &[90, 10, 0, 0, 0, 0, 5, 0, 45], 42, 0);
        let sums: Vec<u32> = errors.chunks_exact(3).map(|row| row.iter().sum()).collect();
        assert_eq!((sums, errors[2], errors[7]), (vec![100, 0, 50], 0, 0));
    }
}
