//! The exponential function for many numbers at once.
//!
//! Flows in: numbers of at most zero. Flows out: their exponentials, off by less than 1e-11 of them, which is far below what a dual variable of 32 bits can tell. Sums and products alone, the
//! same bits on every machine, and without a branch or a call, so that the compiler does several at once: the solver spends a tenth of its time here.

/// 1.5 times 2^52: a number of moderate size added to it is rounded to a whole one, which then stands in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; multiples of the first are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// 1 / n! for n from 9 down.
const TAYLOR: [f64; 10] =
    [1.0 / 362_880.0, 1.0 / 40_320.0, 1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// e^x for x of at most 0; for x below -700 as for -700.
#[inline]
pub(super) fn exp(x: f64) -> f64 {
    let x = x.max(-700.0);
    // x = n ln 2 + rest, with |rest| at most half of ln 2.
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let rest = (x - n * LN_2[0]) - n * LN_2[1];
    let power = TAYLOR.iter().fold(0.0, |sum, c| sum * rest + c);
    // Times 2^n: n is added to the exponent.
    f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn is_the_exponential() {
        for i in 0..700_000 {
            let x = -f64::from(i) / 1_000.0;
            let wanted = libm::exp(x);
            assert!((exp(x) - wanted).abs() <= 1e-11 * wanted, "{x}: {} {wanted}", exp(x));
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e300) < 1e-300 && exp(f64::NEG_INFINITY) < 1e-300);
    }
}
