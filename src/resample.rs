//! Drawing a corpus anew: how often a row, or a whole group, is in a draw.
//!
//! Flows in: the number of a row or group, that of a draw, a seed. Flows out: a Poisson weight of mean 1. It depends on nothing but these, so that two
//! systems judged on the same rows have the same draws, and the spread of their *difference* is that of the difference and not of two scores
//! (Efron and Tibshirani 1993, *An Introduction to the Bootstrap*).

/// How often a unit is in a draw.
pub(crate) fn poisson_weight(unit: u32, draw: u64, seed: u64) -> f64 {
    // SplitMix64's finaliser: a number of even bits from three numbers.
    let mut z = (u64::from(unit) << 32 | draw).wrapping_add(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let u = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
    /// Sums of the probabilities of 0, 1, 2, ... at mean 1.
    const UP_TO: [f64; 6] = [0.367_879, 0.735_759, 0.919_699, 0.981_012, 0.996_340, 0.999_406];
    UP_TO.iter().take_while(|&&p| u >= p).count() as f64
}

/// The standard deviation of values over draws.
pub(crate) fn spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_mean_and_variance_one() {
        let weights: Vec<f64> = (0..20_000).map(|unit| poisson_weight(unit, 3, 42)).collect();
        let mean = weights.iter().sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
        assert!((spread(weights.iter().copied()) - 1.0).abs() < 0.03);
        assert_ne!(weights, (0..20_000).map(|unit| poisson_weight(unit, 4, 42)).collect::<Vec<_>>());
    }
}
