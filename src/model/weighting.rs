//! Naive-Bayes log-count ratios as feature weights.
//!
//! Flows in: rows and their classes. Flows out: a factor for each column, as if the column were multiplied by it: columns that tell classes apart are
//! penalised less (Wang and Manning 2012, *Baselines and bigrams*). A linear classifier may give any column either sign, so of two classes only the size of the
//! ratio matters. Of more classes each would want factors of its own; a column gets the largest of its ratios instead, which serves the class that it tells
//! best. Factors are drawn half-way toward 1, as in the paper, and scaled so that rows keep their length in the mean: the best `C` stays about where it was.

use crate::linear::Design;

/// How much of a factor is the ratio; the rest is 1.
const SHARE: f64 = 0.5;
/// Added to every count.
const SMOOTHING: f64 = 1.0;

/// A factor for each column of `x`, from the rows named and the class of each.
pub(super) fn factors(x: Design<'_>, rows: &[u32], targets: &[u32], classes: usize) -> Vec<f32> {
    // The classes of the rows in which each column stands, column by column: a table of all columns and classes could be far larger than the rows.
    let mut starts = vec![0usize; x.cols() + 1];
    for &row in rows {
        x.visit(row as usize, |j, _| starts[j + 1] += 1);
    }
    for j in 0..x.cols() {
        starts[j + 1] += starts[j];
    }
    let mut next = starts.clone();
    let mut classes_of = vec![0u32; starts[x.cols()]];
    let (mut totals, mut lengths) = (vec![0.0f64; classes], vec![0.0f64; x.cols()]);
    for (&row, &target) in rows.iter().zip(targets) {
        x.visit(row as usize, |j, value| {
            totals[target as usize] += 1.0;
            classes_of[next[j]] = target;
            next[j] += 1;
            lengths[j] += f64::from(value) * f64::from(value);
        });
    }
    let all: f64 = totals.iter().sum();
    let smooth = SMOOTHING * x.cols() as f64;
    let priors: Vec<f64> = totals.iter().map(|n| libm::log((n + smooth) / (all - n + smooth))).collect();
    let mut counts = vec![0.0f64; classes];
    let mut out: Vec<f64> = starts
        .windows(2)
        .map(|range| {
            counts.fill(0.0);
            classes_of[range[0]..range[1]].iter().for_each(|&k| counts[k as usize] += 1.0);
            let n = (range[1] - range[0]) as f64;
            let ratio = |(&c, prior): (&f64, &f64)| libm::log((c + SMOOTHING) / (n - c + SMOOTHING)) - prior;
            counts.iter().zip(&priors).map(ratio).fold(0.0, |most, r| r.abs().max(most))
        })
        .collect();
    let mean = out.iter().sum::<f64>() / x.cols().max(1) as f64;
    if mean > 0.0 {
        out.iter_mut().for_each(|a| *a = 1.0 - SHARE + SHARE * *a / mean);
    } else {
        out.fill(1.0);
    }
    let before: f64 = lengths.iter().sum();
    let after: f64 = lengths.iter().zip(&out).map(|(l, a)| l * a * a).sum();
    let scale = if after > 0.0 { (before / after).sqrt() } else { 1.0 };
    out.iter().map(|a| (a * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::SparseMatrix;

    #[test]
    fn columns_that_tell_classes_apart_count_more_and_rows_keep_their_length() {
        // Column 0 stands everywhere, 1 and 2 in one class each, 3 in one row.
        let mut x = SparseMatrix::with_cols(4);
        for i in 0..20 {
            let own = 1 + i % 2;
            x.push_row([(0, 0.6), (own, 0.8)].into_iter().chain((i == 0).then_some((3, 0.1))));
        }
        let rows: Vec<u32> = (0..20).collect();
        let targets: Vec<u32> = (0..20).map(|i| i % 2).collect();
        let f = factors(Design::Plain(&x), &rows, &targets, 2);
        // ln(11 / 1) against ln(1): by hand, ratios 2.4, 2.4, 0.7 and 0, prior about 0.
        assert!(f[1] > 1.0 && (f[1] - f[2]).abs() < 0.05 && f[0] < f[3] && f[3] < f[1], "{f:?}");
        let mut weighted = x.clone();
        weighted.scale_columns(&f);
        let length = |x: &SparseMatrix| (0..20).map(|i| x.row(i).squared_norm()).sum::<f64>();
        assert!((length(&x) - length(&weighted)).abs() < 1e-5);
    }
}
