//! EM: the shares under which the probabilities of the rows are the likeliest.
//!
//! Flows in: rows with the probability of each label, and the shares that these probabilities take to be usual. Flows out: shares. The probabilities of a row hold for texts as frequent as in training;
//! in a group where a label is rare or common they lean the wrong way. Saerens, Latinne & Decaestecker (2002, *Adjusting the outputs of a classifier to new a priori probabilities*) multiply
//! each by the ratio of new to old share, sum the rows to new shares, and repeat: this is EM, and it climbs to the shares of greatest likelihood. The old shares are the mean out-of-fold
//! probabilities and not the counts of training: whatever bias the calibration left is then in both and falls out (Alexandari, Kundaje & Shrikumar 2020, *Maximum likelihood with
//! bias-corrected calibration is hard-to-beat at label shift adaptation*).

/// Probabilities below this are not kept: they are below what `classify --scores` writes.
const LEAST: f64 = 5e-5;
/// A share that the model knows nothing of is no ground to divide by.
const LEAST_PRIOR: f64 = 1e-9;

/// Probabilities of the labels of rows, the small ones left out: memory goes with what is possible and not with the number of labels.
#[derive(Debug, Clone, Default)]
pub struct Posteriors {
    ends: Vec<u32>,
    labels: Vec<u16>,
    shares: Vec<f32>,
}

impl Posteriors {
    /// Adds a row; an empty one stands for a row without probabilities.
    pub fn push(&mut self, probabilities: &[f64]) {
        for (label, &p) in probabilities.iter().enumerate().take(usize::from(u16::MAX)) {
            if p >= LEAST {
                self.labels.push(label as u16);
                self.shares.push(p as f32);
            }
        }
        self.ends.push(self.labels.len() as u32);
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether any row has probabilities.
    pub fn is_known(&self) -> bool {
        !self.labels.is_empty()
    }

    /// The labels of a row that are possible, each with its probability.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        let range = start..self.ends[i] as usize;
        self.labels[range.clone()].iter().zip(&self.shares[range]).map(|(&l, &p)| (usize::from(l), f64::from(p)))
    }

    /// The likeliest label of a row.
    pub fn likeliest(&self, i: usize) -> Option<usize> {
        self.row(i)
            .fold(None, |best: Option<(usize, f64)>, (label, p)| match best {
                Some((_, most)) if p <= most => best,
                _ => Some((label, p)),
            })?
            .0
            .into()
    }
}

/// The shares of the labels among `rows` of `posteriors`, each counted so many times, by EM from `start`, until no share changes by more than `settled` or `most` steps were made. `None` where no row has
/// probabilities.
///
/// ```
/// use rapporteur::aggregate::{Posteriors, expected_shares};
/// // Training had both labels alike often; here the first is more common: the likelihood is highest at 5/6.
/// let mut posteriors = Posteriors::default();
/// for i in 0..100 {
///     posteriors.push(if i < 80 { &[0.8, 0.2] } else { &[0.1, 0.9] });
/// }
/// let rows: Vec<(usize, f64)> = (0..100).map(|i| (i, 1.0)).collect();
/// let shares = expected_shares(&posteriors, &rows, &[0.5, 0.5], &[0.5, 0.5], 1e-6, 1000).unwrap();
/// assert!((shares[0] - 5.0 / 6.0).abs() < 1e-3);
/// ```
pub fn expected_shares(
    posteriors: &Posteriors,
    rows: &[(usize, f64)],
    prior: &[f64],
    start: &[f64],
    settled: f64,
    most: usize,
) -> Option<Vec<f64>> {
    let mut shares = start.to_vec();
    let mut ratios = vec![0.0; prior.len()];
    let mut next = vec![0.0; prior.len()];
    for _ in 0..most {
        for ((ratio, share), prior) in ratios.iter_mut().zip(&shares).zip(prior) {
            *ratio = if *prior > LEAST_PRIOR { share / prior } else { 0.0 };
        }
        next.fill(0.0);
        let mut total = 0.0;
        for &(row, times) in rows {
            let sum: f64 = posteriors.row(row).map(|(label, p)| p * ratios[label]).sum();
            if sum > 0.0 {
                posteriors.row(row).for_each(|(label, p)| next[label] += times * p * ratios[label] / sum);
                total += times;
            }
        }
        if total == 0.0 {
            return None;
        }
        next.iter_mut().for_each(|x| *x /= total);
        let change = next.iter().zip(&shares).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        std::mem::swap(&mut shares, &mut next);
        if change < settled {
            break;
        }
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelihood_has_its_top_where_em_ends() {
        let mut posteriors = Posteriors::default();
        let (prior, mut state) = ([0.6, 0.4], 11u32);
        for _ in 0..300 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let p = 0.02 + 0.96 * f64::from(state >> 8) / f64::from(1 << 24);
            posteriors.push(&[p, 1.0 - p]);
        }
        let rows: Vec<(usize, f64)> = (0..300).map(|i| (i, 1.0)).collect();
        let found = expected_shares(&posteriors, &rows, &prior, &[0.5, 0.5], 1e-12, 100_000).unwrap();
        let likelihood = |x: f64| -> f64 {
            let of = |i: usize| posteriors.row(i).map(|(k, p)| p * [x, 1.0 - x][k] / prior[k]).sum::<f64>();
            (0..300).map(|i| libm::log(of(i))).sum()
        };
        let best = (1..100_000).map(|i| f64::from(i) / 1e5).max_by(|a, b| likelihood(*a).total_cmp(&likelihood(*b)));
        assert!((found[0] - best.unwrap()).abs() < 2e-5, "{found:?} {best:?}");
    }

    #[test]
    fn rows_without_probabilities_say_nothing() {
        let mut posteriors = Posteriors::default();
        posteriors.push(&[]);
        assert!(!posteriors.is_known() && posteriors.likeliest(0).is_none());
        assert_eq!(expected_shares(&posteriors, &[(0, 1.0)], &[0.5, 0.5], &[0.5, 0.5], 1e-6, 10), None);
        posteriors.push(&[0.3, 0.7]);
        assert_eq!(posteriors.likeliest(1), Some(1));
    }
}
