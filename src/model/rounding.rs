//! Rounding the weights of a finished model.
//!
//! Flows in: weights as the solver found them, and the precision asked for. Flows out: the weights that the model has from then on, in memory and in its file alike.
//!
//! In eight bits, weights become multiples of a step. One step for all weights of a head, and not one for each feature: what a row's score is off by then has one bound,
//! however great its weights are. Weights above 127 steps are kept in sixteen bits, in a unit that is a part of a step.

use half::f16;

use super::cascade::{Head, Model, StanceHead};
use super::options::Precision;
use crate::linear::Weights;

/// Units in a step at most and at least: the more, the nearer are great weights to what they were, and the less great they may be.
const UNITS: [f32; 4] = [16.0, 8.0, 4.0, 2.0];

impl Model {
    /// Rounds all weights to the precision of the options.
    pub(super) fn round(mut self) -> Model {
        let (precision, topic, stance) = (self.options.precision, self.topic.take(), self.stance.take());
        (self.topic, self.stance) = rayon::join(
            || topic.map(|head| round_head(self.step(&head), precision, head)),
            || {
                stance.map(|stance| {
                    let step = self.step(&stance.head);
                    let departures = stance.departures.with_weights(|weights| rounded(weights, precision, step));
                    StanceHead { departures, head: round_head(step, precision, stance.head), ..stance }
                })
            },
        );
        self
    }

    /// The step of the weights of a head, in eight bits.
    ///
    /// A row has norm 1, with characters somewhat more, so rounding to steps moves its scores by about 0.3 steps and by five times that once in a million; probabilities move by at most a
    /// quarter of it, times the factor of calibration. The step keeps that below 0.001; with curves of calibration, as far as can be said of those.
    pub(super) fn step(&self, head: &Head) -> f32 {
        let params = self.vectoriser.params();
        let words = if params.word_ngrams.is_some() { 1.0 } else { 0.0 };
        let chars = if params.char_ngrams.is_some() { params.char_weight } else { 0.0 };
        // A curve of calibration is steep in places.
        let curve = if head.calibration.isotonic.is_empty() { 1.0 } else { 8.0 };
        let stretch = head.calibration.factor.abs().max(1.0) * libm::sqrt(words + chars * chars).max(1.0) * curve;
        // A power of two: multiples of it are exact.
        let halvings = libm::ceil(libm::log2(stretch)).min(20.0) as i32;
        2f32.powi(-9 - halvings)
    }
}

fn round_head(step: f32, precision: Precision, head: Head) -> Head {
    Head { classifier: head.classifier.with_weights(|weights| rounded(weights, precision, step)), ..head }
}

/// Weights in a precision.
fn rounded(weights: Weights, precision: Precision, step: f32) -> Weights {
    let Weights::Wide(weights) = weights else { return weights };
    if precision == Precision::F32 {
        return Weights::Wide(weights);
    }
    let most = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
    let fits = |units: &f32| most * (units / step) <= f32::from(i16::MAX);
    if let (Precision::I8, Some(units)) = (precision, UNITS.into_iter().find(fits)) {
        let cells = weights.iter().map(|w| {
            let steps = (w / step).round();
            if steps.abs() <= f32::from(i8::MAX) { (steps * units) as i16 } else { (w * (units / step)).round() as i16 }
        });
        let cells = cells.collect();
        return Weights::Narrow { cells, unit: step / units };
    }
    // Asked of the rounded weight: it may be infinite where the weight is not.
    match weights.iter().all(|&w| f16::from_f32(w).is_finite()) {
        true => Weights::Wide(weights.into_iter().map(|w| f16::from_f32(w).to_f32()).collect()),
        false => Weights::Wide(weights),
    }
}
