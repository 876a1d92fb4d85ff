//! Answering only when sure: how the errors fall as the unsure rows are left out.
//!
//! Flows in: of each row the probability of the label written, and whether it is right. Flows out: [`RiskPoint`]s of the risk-coverage curve (El-Yaniv & Wiener 2010, *On the foundations of noise-free selective
//! classification*; Geifman & El-Yaniv 2017, *Selective classification for deep neural networks*), coverage being the share of rows that are answered and risk the share of these that are wrong; the area under it; and
//! with [`Thresholds`] the scores of the labels that reach them, [`AcceptedScores`].

use std::io::{self, Write};

use serde::Serialize;

use super::confusion::Confusion;
use super::head::Judgement;
use super::metrics::HeadScores;
use super::report::{Evaluation, Row};

/// Points of a curve that are kept.
const POINTS: u64 = 400;

/// A place on a risk-coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RiskPoint {
    /// The least probability that is answered.
    pub threshold: f64,
    /// Share of rows answered.
    pub coverage: f64,
    /// Share of these that are wrong.
    pub risk: f64,
    /// Rows answered.
    pub rows: u64,
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
    let (mut rows, mut wrong) = (0, 0.0);
    let all = order.len() as f64;
    for (threshold, right) in order {
        rows += 1;
        wrong += f64::from(u8::from(!right));
        let answered = rows as f64;
        let point = RiskPoint { threshold, coverage: answered / all, risk: wrong / answered, rows };
        match curve.last_mut() {
            Some(last) if last.threshold == threshold => *last = point,
            _ => curve.push(point),
        }
    }
    curve
}

/// AURC, the area under a risk-coverage curve: the mean risk over all coverages, 0 where every answer is right and best if small (Geifman & El-Yaniv 2017). A coverage that ends amid rows of one probability
/// has the risk of all of them, so that the order of rows does not matter; where no two probabilities are the same, it is the mean of the risks of the surest row, the surest two, and so on. 0 without a point.
///
/// ```
/// use rapporteur::evaluate::{aurc, risk_coverage};
/// // The surest row is right, the surest two are, of all three one is wrong: (0 + 0 + 1/3) / 3.
/// let curve = risk_coverage(&[(0.9, true), (0.6, false), (0.8, true)]);
/// assert!((aurc(&curve) - 1.0 / 9.0).abs() < 1e-12);
/// ```
pub fn aurc(curve: &[RiskPoint]) -> f64 {
    let mut before = 0;
    let mut sum = 0.0;
    for point in curve {
        sum += (point.rows - before) as f64 * point.risk;
        before = point.rows;
    }
    sum / before.max(1) as f64
}

/// A curve of few points, evenly spread over the coverages; the last stays.
pub(super) fn thinned(mut curve: Vec<RiskPoint>) -> Vec<RiskPoint> {
    let all = curve.last().map_or(1, |last| last.rows);
    let most = POINTS.min(all);
    let mut passed = 0;
    curve.retain(|point| {
        let step = point.rows * most / all;
        std::mem::replace(&mut passed, step) < step
    });
    curve
}

/// The least probabilities with which labels are written; those below are left as unsure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Of a topic. Infinite: no topic is sure enough.
    pub topic: f64,
    /// Of a stance. It hangs on its topic, and is unsure where that is.
    pub stance: f64,
}

/// Scores of the labels that reach their threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AcceptedScores {
    /// The least probability that is accepted; infinite, in JSON `null`, if none is sure enough.
    pub threshold: f64,
    /// Rows whose label reaches it, and for a stance whose topic reaches its own.
    pub rows: u64,
    /// Their share of the rows that have a gold label and an answer.
    pub coverage: f64,
    /// Share of the accepted rows that are right; `None` if there are none.
    pub accuracy: Option<f64>,
    /// Mean F1 of the accepted rows over the labels that are gold or predicted in them; `None` if there are none.
    pub macro_f1: Option<f64>,
}

impl Thresholds {
    /// The scores of accepted topics.
    pub(super) fn topics(self, judgements: &[Judgement<'_>]) -> AcceptedScores {
        accepted(judgements, self.topic, |_| true)
    }

    /// The scores of accepted stances, `rows` being those of the evaluation.
    pub(super) fn stances(self, judgements: &[Judgement<'_>], rows: &[Row<'_>]) -> AcceptedScores {
        let unsure = |row: &Row<'_>| row.topic.is_some() && row.topic_probability.is_some_and(|p| p < self.topic);
        accepted(judgements, self.stance, |j| !unsure(&rows[j.row]))
    }
}

fn accepted(
    judgements: &[Judgement<'_>],
    threshold: f64,
    of_sure_topic: impl Fn(&Judgement<'_>) -> bool,
) -> AcceptedScores {
    let answered = judgements.iter().filter_map(|j| Some((j, j.posterior?.written)));
    let sure = answered.clone().filter(|(j, written)| *written >= threshold && of_sure_topic(j));
    let scores = HeadScores::of(Confusion::of_pairs(sure.map(|(j, _)| (j.gold, j.predicted))));
    let any = |score: f64| (scores.rows > 0).then_some(score);
    AcceptedScores {
        threshold,
        rows: scores.rows,
        coverage: scores.rows as f64 / answered.count().max(1) as f64,
        accuracy: any(scores.accuracy),
        macro_f1: any(scores.macro_f1),
    }
}

impl Evaluation {
    /// Writes the risk-coverage curves of all heads as CSV, `head,coverage,threshold,risk,rows`: each by falling probability, with at most 400 points evenly spread over the coverages. Coverage is of the rows
    /// that have a gold label and an answer; heads are named as in the JSON.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_risk_coverage(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "head,coverage,threshold,risk,rows")?;
        let heads = [
            ("topic", &self.topic),
            ("stance", &self.stance),
            ("stance_given_true_topic", &self.stance_given_true_topic),
        ];
        for (name, scores) in heads {
            for point in scores.iter().flat_map(|s| &s.risk_coverage) {
                let RiskPoint { threshold, coverage, risk, rows } = point;
                writeln!(out, "{name},{coverage:.6},{threshold},{risk:.6},{rows}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::EvaluationOptions;
    use super::super::{Bootstrap, Posterior};
    use super::*;

    #[test]
    fn the_area_is_that_of_a_sum_by_hand() {
        // Risks of the surest 1, 2, 3, 4, 5: 0, 1/2, 1/3, 1/4, 2/5.
        let rows = [(0.95, true), (0.9, false), (0.8, true), (0.7, true), (0.6, false)];
        let by_hand = (0.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0 + 2.0 / 5.0) / 5.0;
        assert!((aurc(&risk_coverage(&rows)) - by_hand).abs() < 1e-12);
        // Two at 0.8 are answered together: 0 for one, 1/3 for two more, 2/4 for the last; in any order.
        let mut tied = [(0.9, true), (0.8, false), (0.8, true), (0.1, false)];
        for _ in 0..4 {
            tied.rotate_left(1);
            assert!((aurc(&risk_coverage(&tied)) - (0.0 + 2.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        }
        assert_eq!((aurc(&[]), aurc(&risk_coverage(&[(0.5, false); 3]))), (0.0, 1.0));
    }

    #[test]
    fn a_long_curve_is_thinned_and_a_short_one_is_not() {
        let curve =
            |n: u32| risk_coverage(&(0..n).map(|i| (f64::from(i) / f64::from(n), i % 3 > 0)).collect::<Vec<_>>());
        for n in [0, 1, 399, 400] {
            assert_eq!(thinned(curve(n)), curve(n));
        }
        let thin = thinned(curve(10_007));
        assert_eq!((thin.len(), thin.last()), (400, curve(10_007).last()));
        assert!(thin.windows(2).all(|p| p[1].coverage - p[0].coverage < 0.003 && p[1].threshold < p[0].threshold));
    }

    #[test]
    fn a_stance_is_accepted_only_with_its_topic() {
        let row = |topic: f64, stance: f64, said: &'static str| Row {
            gold_topic: Some("water"),
            gold_stance: Some("support"),
            topic: Some("water"),
            stance: Some(said),
            topic_probability: Some(topic),
            topic_posterior: Some(Posterior::new(&[topic, 1.0 - topic], 0, Some(0))),
            stance_posterior: Some(Posterior::new(&[stance, 1.0 - stance], 0, Some(0))),
            ..Row::default()
        };
        let unanswered = Row { gold_topic: Some("water"), gold_stance: Some("support"), ..Row::default() };
        let of_unknown_topic = Row { gold_topic: None, topic_posterior: None, ..row(0.6, 0.9, "support") };
        let rows =
            [row(0.9, 0.7, "support"), row(0.6, 0.9, "support"), row(0.7, 0.8, "oppose"), unanswered, of_unknown_topic];
        let measured = |topic, stance| {
            let accept = Some(Thresholds { topic, stance });
            let options =
                EvaluationOptions { bootstrap: Bootstrap { resamples: 0, seed: 0 }, accept, ..Default::default() };
            let all = Evaluation::measure(&rows, None, &["water"], &["support", "oppose"], &options).expect("scores");
            (all.topic.and_then(|s| s.accepted).expect("topics"), all.stance.and_then(|s| s.accepted).expect("stances"))
        };
        let (topic, stance) = measured(0.7, 0.7);
        assert_eq!((topic.rows, topic.coverage, topic.accuracy), (2, 2.0 / 3.0, Some(1.0)));
        assert_eq!((stance.rows, stance.coverage, stance.accuracy), (2, 0.5, Some(0.5)));
        let (topic, stance) = measured(0.5, f64::INFINITY);
        assert_eq!(
            (topic.rows, stance.rows, stance.coverage, stance.accuracy, stance.macro_f1),
            (3, 0, 0.0, None, None)
        );
    }
}
