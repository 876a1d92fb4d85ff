//! Answering only when sure: how the errors fall as the unsure rows are left out.
//!
//! Flows in: of each row the probability of the label written, and whether it is right. Flows out: [`RiskPoint`]s of the risk-coverage curve (El-Yaniv & Wiener 2010, *On the foundations of noise-free selective
//! classification*; Geifman & El-Yaniv 2017, *Selective classification for deep neural networks*): coverage is the share of rows that are answered, risk the share of these that are wrong.

use serde::Serialize;

/// A place on a risk-coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RiskPoint {
    /// The least probability that is answered.
    pub threshold: f64,
    /// Share of rows answered.
    pub coverage: f64,
    /// Share of these that are wrong.
    pub risk: f64,
}

/// The risk-coverage curve of rows, from the surest to all: a point at each probability that occurs, since rows of one probability are answered together. Probabilities that are no number are left out.
///
/// ```
/// use rapporteur::evaluate::risk_coverage;
/// let curve = risk_coverage(&[(0.9, true), (0.6, false), (0.8, true), (0.6, true)]);
/// assert_eq!(curve.len(), 3);
/// assert_eq!((curve[1].threshold, curve[1].coverage, curve[1].risk), (0.8, 0.5, 0.0));
/// assert_eq!((curve[2].coverage, curve[2].risk), (1.0, 0.25));
/// ```
pub fn risk_coverage(rows: &[(f64, bool)]) -> Vec<RiskPoint> {
    let mut order: Vec<(f64, bool)> = rows.iter().copied().filter(|(p, _)| !p.is_nan()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut curve: Vec<RiskPoint> = Vec::new();
    let (mut answered, mut wrong) = (0.0, 0.0);
    let all = order.len() as f64;
    for (threshold, right) in order {
        answered += 1.0;
        wrong += f64::from(u8::from(!right));
        let point = RiskPoint { threshold, coverage: answered / all, risk: wrong / answered };
        match curve.last_mut() {
            Some(last) if last.threshold == threshold => *last = point,
            _ => curve.push(point),
        }
    }
    curve
}
